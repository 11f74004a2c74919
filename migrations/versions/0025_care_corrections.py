"""Corrections of hours that stand on a month list: a new version that the holder approves again.

Revision ID: 0025_care_corrections
Revises: 0024_deposits_and_reminders
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025_care_corrections"
down_revision = "0024_deposits_and_reminders"
branch_labels = None
depends_on = None

_TABLE = "care_declaration"
_STATES = "'submitted', 'approved', 'rejected', 'withdrawn', 'turned_back', 'refused'"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("corrects_id", sa.BigInteger(), nullable=True))
    for name in ("replaced_minutes", "replaced_cents"):
        op.add_column(_TABLE, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    for name in ("first_code", "correction_reason"):
        op.add_column(_TABLE, sa.Column(name, sa.Text(), nullable=True))
    op.create_foreign_key(
        "fk_care_declaration_corrects",
        _TABLE,
        _TABLE,
        ["cooperative_id", "corrects_id"],
        ["cooperative_id", "id"],
    )
    op.create_index(
        "uq_care_declaration_corrects",
        _TABLE,
        ["cooperative_id", "corrects_id"],
        unique=True,
        postgresql_where=sa.text("state in ('submitted', 'approved', 'corrected')"),
    )
    _know_states(f"{_STATES}, 'corrected'", listed="state in ('approved', 'corrected')")
    op.create_check_constraint(
        op.f("ck_care_declaration_corrected_was_listed"),
        _TABLE,
        "state <> 'corrected' or list_id is not null",
    )
    op.create_check_constraint(
        op.f("ck_care_declaration_correction_is_whole"),
        _TABLE,
        "num_nulls(corrects_id, first_code, correction_reason) in (0, 3)"
        " and (corrects_id is not null or replaced_minutes = 0 and replaced_cents = 0)",
    )
    op.execute(sa.text(_keep_budget(**_CORRECTIONS).replace(":", r"\:")))


def downgrade() -> None:
    # Without corrections the version that stands is kept, and those before it are turned back.
    op.execute("alter table care_declaration disable trigger keep_budget")
    op.execute(
        "update care_declaration set state = 'turned_back', list_id = null"
        " where state = 'corrected'"
    )
    op.execute(
        "update care_declaration set state = 'withdrawn'"
        " where state = 'submitted' and corrects_id is not null"
    )
    op.execute("alter table care_declaration enable trigger keep_budget")
    op.execute(
        """
        update care_budget b set used_cents = (
          select coalesce(sum(d.cents), 0) from care_declaration d
          where d.cooperative_id = b.cooperative_id and d.budget_id = b.id
            and d.state in ('submitted', 'approved'))
        """
    )
    op.execute(
        """
        update care_agreement a set used_cents = (
          select coalesce(sum(d.cents), 0) from care_declaration d
          where d.cooperative_id = a.cooperative_id and d.agreement_id = a.id
            and d.state in ('submitted', 'approved'))
        """
    )
    op.execute(sa.text(_keep_budget(**_NO_CORRECTIONS).replace(":", r"\:")))
    op.drop_constraint(op.f("ck_care_declaration_correction_is_whole"), _TABLE, type_="check")
    op.drop_constraint(op.f("ck_care_declaration_corrected_was_listed"), _TABLE, type_="check")
    _know_states(_STATES, listed="state = 'approved'")
    op.drop_index("uq_care_declaration_corrects", table_name=_TABLE)
    op.drop_constraint("fk_care_declaration_corrects", _TABLE, type_="foreignkey")
    columns = ("correction_reason", "first_code", "replaced_cents", "replaced_minutes")
    for name in (*columns, "corrects_id"):
        op.drop_column(_TABLE, name)


def _know_states(states: str, *, listed: str) -> None:
    for name, holds in (
        ("state_known", f"state in ({states})"),
        ("listed_when_approved", f"list_id is null or {listed}"),
    ):
        op.drop_constraint(op.f(f"ck_care_declaration_{name}"), _TABLE, type_="check")
        op.create_check_constraint(op.f(f"ck_care_declaration_{name}"), _TABLE, holds)


# SQLSTATE WE034: what is to be corrected does not stand on a month list, or is another's.
# A correction that waits weighs only what it asks more: what it replaces weighs still.
_CORRECTIONS = {
    "weight": "case {row}.state when 'approved' then {row}.cents"
    " when 'submitted' then greatest({row}.cents - {row}.replaced_cents, 0) else 0 end",
    "fixed": ", {row}.corrects_id, {row}.replaced_minutes, {row}.replaced_cents,"
    " {row}.first_code, {row}.correction_reason",
    "steps": """
         or old.state = 'approved' and new.state = 'turned_back' and new.corrects_id is null
         -- Only the approval of a correction, below, replaces what it corrects.
         or old.state = 'approved' and new.state = 'corrected' and pg_trigger_depth() > 1""",
    "replace": """
    if new.corrects_id is not null and old.state = 'submitted' and new.state = 'approved' then
      update care_declaration set state = 'corrected'
      where cooperative_id = new.cooperative_id and id = new.corrects_id and state = 'approved';
      if not found then
        raise exception 'what is corrected does not stand any more' using errcode = 'WE034';
      end if;
    end if;""",
    "stands": """
    new.replaced_minutes := 0;
    new.replaced_cents := 0;
    new.first_code := null;
    if new.corrects_id is not null then
      select * into original from care_declaration
      where cooperative_id = new.cooperative_id and id = new.corrects_id for update;
      if not found or original.state <> 'approved' or original.list_id is null
         or row(original.budget_id, original.agreement_id, original.month,
                original.hourly_rate_cents)
         is distinct from
         row(new.budget_id, new.agreement_id, new.month, new.hourly_rate_cents) then
        raise exception 'only what stands on a month list is corrected' using errcode = 'WE034';
      end if;
      new.replaced_minutes := original.minutes;
      new.replaced_cents := original.cents;
      new.first_code := coalesce(original.first_code, original.code);
      bears := greatest(new.cents - new.replaced_cents, 0);
    end if;""",
    "judged": "new.state <> 'refused' and new.corrects_id is null",
}
_NO_CORRECTIONS = {
    "weight": "case when {row}.state in ('submitted', 'approved') then {row}.cents else 0 end",
    "fixed": "",
    "steps": """
         or old.state = 'approved' and new.state = 'turned_back'""",
    "replace": "",
    "stands": "",
    "judged": "new.state <> 'refused'",
}


def _keep_budget(
    *, weight: str, fixed: str, steps: str, replace: str, stands: str, judged: str
) -> str:
    columns = [
        "budget_id",
        "agreement_id",
        "holder_id",
        "carer_id",
        "month",
        "minutes",
        "hourly_rate_cents",
        "claimed_cents",
        "cents",
        "number",
        "left_after_cents",
    ]
    rows = {
        row: ", ".join(f"{row}.{name}" for name in columns) + fixed.format(row=row)
        for row in ("new", "old")
    }
    return f"""
create or replace function care_keep_budget() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  budget public.care_budget;
  agreement public.care_agreement;
  original public.care_declaration;
  bore bigint := 0;
  bears bigint := {weight.format(row="new")};
begin
  if tg_op = 'UPDATE' then
    bore := {weight.format(row="old")};
    if row({rows["new"]}) is distinct from row({rows["old"]})
       or not (new.state = old.state
         or old.state = 'submitted' and new.state in ('approved', 'rejected', 'withdrawn'){steps}
       ) then
      raise exception 'declaration % cannot change so', old.number using errcode = 'WE013';
    end if;{replace}
    if bears = bore then
      return new;
    end if;
  else{stands or " null;"}
  end if;
  select * into budget from care_budget
  where cooperative_id = new.cooperative_id and id = new.budget_id for update;
  select * into agreement from care_agreement
  where cooperative_id = new.cooperative_id and id = new.agreement_id for update;
  if tg_op = 'INSERT' then
    if {judged} then
      if agreement.status <> 'approved' then
        raise exception 'the agreement is not approved' using errcode = 'WE011';
      end if;
      if new.month not between date_trunc('month', agreement.starts_on)::date
         and agreement.ends_on then
        raise exception 'the month lies outside the agreement' using errcode = 'WE012';
      end if;
      if new.hourly_rate_cents <> agreement.hourly_rate_cents then
        raise exception 'the rate is not that of the agreement' using errcode = 'WE013';
      end if;
    end if;
    new.number := budget.declaration_count + 1;
    new.left_after_cents := budget.budget_cents - budget.used_cents - bears;
  end if;
  update care_agreement set used_cents = used_cents + bears - bore
  where cooperative_id = new.cooperative_id and id = new.agreement_id;
  update care_budget set used_cents = used_cents + bears - bore,
    declaration_count = declaration_count + (tg_op = 'INSERT')::int
  where cooperative_id = new.cooperative_id and id = new.budget_id;
  return new;
end $$
"""
