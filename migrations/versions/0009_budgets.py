"""Care budgets: agreements, declarations, month lists, and who may see them.

Revision ID: 0009_budgets
Revises: 0008_run_drafts
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import LOGIN_SETTING, TENANT_SETTING, protect_tenant_table

revision = "0009_budgets"
down_revision = "0008_run_drafts"
branch_labels = None
depends_on = None

_ROLES = "role in ('member', 'coordinator', 'treasurer', 'accountant', 'board'{more})"


def upgrade() -> None:
    _create_tables()
    _know_roles(more=", 'care'")
    op.execute(sa.text(_GUARDS.replace(":", r"\:")))
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)
    for function in _FUNCTIONS:
        op.execute(f"revoke all on function {function} from public")
    op.execute("grant execute on function care_holder(text, bigint) to wijkeconomie_app")
    for table, shows in _SHOWN.items():
        op.execute(
            sa.text(
                f"create policy care on {table} as restrictive using ({shows})".replace(":", r"\:")
            )
        )
    op.execute(sa.text(_TRAIL_IS_TRUE.replace(":", r"\:")))


def downgrade() -> None:
    op.execute("drop policy care on kept_row")
    op.drop_index("ix_care_declaration_cooperative_id_month", table_name="care_declaration")
    op.drop_index("ix_care_declaration_cooperative_id_carer_id", table_name="care_declaration")
    op.drop_index("ix_care_declaration_cooperative_id_agreement_id", table_name="care_declaration")
    op.drop_table("care_declaration")
    op.drop_index("ix_care_agreement_cooperative_id_budget_id", table_name="care_agreement")
    op.drop_table("care_agreement")
    op.drop_table("carer")
    op.drop_index("ix_care_budget_cooperative_id_holder_id", table_name="care_budget")
    op.drop_table("care_budget")
    op.drop_index("ix_care_trail_cooperative_id_transaction_id", table_name="care_trail")
    op.drop_index("ix_care_trail_cooperative_id_holder_id", table_name="care_trail")
    op.drop_table("care_trail")
    op.drop_table("care_list")
    for function in _FUNCTIONS:
        op.execute(f"drop function {function}")
    op.execute("delete from role_grant where role = 'care'")
    _know_roles(more="")


def _know_roles(*, more: str) -> None:
    op.drop_constraint(op.f("ck_role_grant_role_known"), "role_grant")
    op.create_check_constraint(
        op.f("ck_role_grant_role_known"), "role_grant", _ROLES.format(more=more)
    )


# SQLSTATEs: WE011 the agreement is not approved, WE012 the month lies outside it, WE013 a
# declaration cannot go from one state to another or changes what was claimed.
_GUARDS = """
-- What is used of a budget and of an agreement's own part of it is kept here and nowhere else,
-- under the lock of the budget's row; the checks of both tables refuse to pass them. It runs as
-- the owner: a carer declares hours on a budget that he may not look into.
create function care_keep_budget() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  budget public.care_budget;
  agreement public.care_agreement;
  bore bigint := 0;
  bears bigint := 0;
begin
  if new.state in ('submitted', 'approved') then
    bears := new.cents;
  end if;
  if tg_op = 'UPDATE' then
    if old.state in ('submitted', 'approved') then
      bore := old.cents;
    end if;
    if row(new.budget_id, new.agreement_id, new.holder_id, new.carer_id, new.month, new.minutes,
           new.hourly_rate_cents, new.claimed_cents, new.cents, new.number, new.left_after_cents)
       is distinct from
       row(old.budget_id, old.agreement_id, old.holder_id, old.carer_id, old.month, old.minutes,
           old.hourly_rate_cents, old.claimed_cents, old.cents, old.number, old.left_after_cents)
       or not (new.state = old.state
         or old.state = 'submitted' and new.state in ('approved', 'rejected', 'withdrawn')
         or old.state = 'approved' and new.state = 'turned_back') then
      raise exception 'declaration % cannot change so', old.number using errcode = 'WE013';
    end if;
    if bears = bore then
      return new;
    end if;
  end if;
  select * into budget from care_budget
  where cooperative_id = new.cooperative_id and id = new.budget_id for update;
  select * into agreement from care_agreement
  where cooperative_id = new.cooperative_id and id = new.agreement_id for update;
  if tg_op = 'INSERT' then
    if new.state <> 'refused' then
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
end $$;

create trigger keep_budget before insert or update on care_declaration
for each row execute function care_keep_budget();

create trigger refuse_change before update or delete on care_trail
for each row execute function ledger_refuse_change();

-- Whose data a row is, so that an administrator can write it down before he may look.
create function care_holder(kind text, row_id bigint) returns bigint
language sql stable security definer set search_path = pg_catalog, public as $$
  select case kind
    when 'budget' then (select b.holder_id from care_budget b
      where b.cooperative_id = nullif(current_setting('app.cooperative_id', true), '')::bigint
        and b.id = row_id)
    when 'agreement' then (select a.holder_id from care_agreement a
      where a.cooperative_id = nullif(current_setting('app.cooperative_id', true), '')::bigint
        and a.id = row_id)
    when 'declaration' then (select d.holder_id from care_declaration d
      where d.cooperative_id = nullif(current_setting('app.cooperative_id', true), '')::bigint
        and d.id = row_id)
  end
$$;
"""

_FUNCTIONS = ("care_keep_budget()", "care_holder(text, bigint)")

_RIGHTS = {
    "carer": "select, insert, update (name, iban, member_id)",
    "care_budget": "select, insert (cooperative_id, code, alias, holder_id, law, is_drawing_right,"
    " starts_on, ends_on, budget_cents), update (budget_cents)",
    "care_agreement": "select, insert (cooperative_id, budget_id, holder_id, carer_id,"
    " hourly_rate_cents, starts_on, ends_on, limit_cents, status, decided_on, decided_by),"
    " update (status, ends_on, limit_cents, decided_on, decided_by)",
    "care_list": "select, insert",
    "care_declaration": "select, insert,"
    " update (state, decided_at, decided_by, decision_note, entry_number, list_id)",
    "care_trail": "select, insert",
}

# Who sees what, beyond the border of the cooperative. Each sub-select runs once a statement.
_HERE = f"cooperative_id = {TENANT_SETTING}"
_MY_MEMBER = f"(select m.id from member m where m.{_HERE} and m.login_id = {LOGIN_SETTING})"
_MY_CARER = f"(select c.id from carer c where c.{_HERE} and c.member_id = {_MY_MEMBER})"
_IS_NAMED = (
    f"({LOGIN_SETTING} is null or exists (select from role_grant g where g.{_HERE}"
    f" and g.login_id = {LOGIN_SETTING} and g.role = 'care'))"
)
# A transaction that wrote nothing has no number yet, and so has opened nothing.
_THIS = "((pg_current_xact_id_if_assigned())::text)::bigint"
_OPENED = f"select from care_trail t where t.{_HERE} and t.transaction_id = {_THIS}"
_ALL_OPENED = f"(select exists ({_OPENED} and t.holder_id is null) and {_IS_NAMED})"
_THEIRS_OPENED = (
    "holder_id = any (array(select t.holder_id"
    f" {_OPENED.removeprefix('select ')} and t.holder_id is not null and {_IS_NAMED}))"
)
_HOLDERS = f"holder_id = {_MY_MEMBER} or {_ALL_OPENED} or {_THEIRS_OPENED}"

_SHOWN = {
    "care_budget": _HOLDERS,
    "care_agreement": f"{_HOLDERS} or carer_id = {_MY_CARER}",
    "care_declaration": f"{_HOLDERS} or carer_id = {_MY_CARER}",
    # Rows of care files that an earlier version kept as they were read.
    "kept_row": f"file not in ('care_budgets.csv', 'care_declarations.csv') or {_ALL_OPENED}",
}

# A line of the trail tells who wrote it and in which transaction; holders see theirs.
_TRAIL_IS_TRUE = f"""
create policy truthful on care_trail as restrictive for insert with check (
  transaction_id = (pg_current_xact_id()::text)::bigint
  and login_id is not distinct from {LOGIN_SETTING});
create policy care on care_trail as restrictive for select using (
  transaction_id = {_THIS} or holder_id = {_MY_MEMBER}
  or holder_id is null or {_IS_NAMED});
"""


def _create_tables() -> None:
    op.create_table(
        "care_list",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.CheckConstraint("payer in ('svb', 'insurer')", name=op.f("ck_care_list_payer_known")),
        sa.CheckConstraint(
            "extract(day from month) = 1", name=op.f("ck_care_list_month_is_first_day")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_care_list_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_care_list")),
        sa.UniqueConstraint(
            "cooperative_id",
            "month",
            "payer",
            "number",
            name=op.f("uq_care_list_cooperative_id_month_payer_number"),
        ),
    )
    op.create_table(
        "care_trail",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("login_id", sa.BigInteger(), nullable=True),
        sa.Column("holder_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "transaction_id",
            sa.BigInteger(),
            server_default=sa.text("((pg_current_xact_id())::text)::bigint"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_care_trail_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_care_trail")),
    )
    op.create_index(
        "ix_care_trail_cooperative_id_holder_id",
        "care_trail",
        ["cooperative_id", "holder_id"],
        unique=False,
    )
    op.create_index(
        "ix_care_trail_cooperative_id_transaction_id",
        "care_trail",
        ["cooperative_id", "transaction_id"],
        unique=False,
    )
    op.create_table(
        "care_budget",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("law", sa.Text(), nullable=False),
        sa.Column("is_drawing_right", sa.Boolean(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("budget_cents", sa.BigInteger(), nullable=False),
        sa.Column("used_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("declaration_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "law in ('Wlz', 'Wmo', 'Jeugdwet', 'Zvw')", name=op.f("ck_care_budget_law_known")
        ),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_care_budget_ends_after_start")),
        sa.CheckConstraint(
            "used_cents between 0 and budget_cents", name=op.f("ck_care_budget_used_within_budget")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "holder_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_care_budget_cooperative_id_holder_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_care_budget_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_care_budget")),
        sa.UniqueConstraint(
            "cooperative_id", "alias", name=op.f("uq_care_budget_cooperative_id_alias")
        ),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_care_budget_cooperative_id_code")
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "id",
            "holder_id",
            name=op.f("uq_care_budget_cooperative_id_id_holder_id"),
        ),
    )
    op.create_index(
        "ix_care_budget_cooperative_id_holder_id",
        "care_budget",
        ["cooperative_id", "holder_id"],
        unique=False,
    )
    op.create_table(
        "carer",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_carer_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["cooperative.id"], name=op.f("fk_carer_cooperative_id_cooperative")
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_carer")),
        sa.UniqueConstraint("cooperative_id", "alias", name=op.f("uq_carer_cooperative_id_alias")),
        sa.UniqueConstraint(
            "cooperative_id", "member_id", name=op.f("uq_carer_cooperative_id_member_id")
        ),
    )
    op.create_table(
        "care_agreement",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("budget_id", sa.BigInteger(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("carer_id", sa.BigInteger(), nullable=False),
        sa.Column("hourly_rate_cents", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("limit_cents", sa.BigInteger(), nullable=True),
        sa.Column("used_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status in ('pending', 'approved', 'refused')",
            name=op.f("ck_care_agreement_status_known"),
        ),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_care_agreement_ends_after_start")),
        sa.CheckConstraint(
            "hourly_rate_cents >= 0", name=op.f("ck_care_agreement_rate_not_negative")
        ),
        sa.CheckConstraint(
            "used_cents <= limit_cents", name=op.f("ck_care_agreement_used_within_fence")
        ),
        sa.CheckConstraint("used_cents >= 0", name=op.f("ck_care_agreement_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "budget_id", "holder_id"],
            ["care_budget.cooperative_id", "care_budget.id", "care_budget.holder_id"],
            name="fk_care_agreement_budget",
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "carer_id"],
            ["carer.cooperative_id", "carer.id"],
            name=op.f("fk_care_agreement_cooperative_id_carer_id_carer"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_care_agreement_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_care_agreement")),
        sa.UniqueConstraint(
            "cooperative_id",
            "id",
            "budget_id",
            "holder_id",
            "carer_id",
            name="uq_care_agreement_whole",
        ),
    )
    op.create_index(
        "ix_care_agreement_cooperative_id_budget_id",
        "care_agreement",
        ["cooperative_id", "budget_id"],
        unique=False,
    )
    op.create_table(
        "care_declaration",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("budget_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("carer_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column("hourly_rate_cents", sa.BigInteger(), nullable=False),
        sa.Column("claimed_cents", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("left_after_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("shared_code", sa.Text(), nullable=True),
        sa.Column("shared_minutes", sa.BigInteger(), nullable=True),
        sa.Column("shared_weight", sa.Text(), nullable=True),
        sa.Column("shared_weight_sum", sa.Text(), nullable=True),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=True),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("list_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'refused') = (refusal is not null)",
            name=op.f("ck_care_declaration_refused_with_a_reason"),
        ),
        sa.CheckConstraint(
            "list_id is null or state = 'approved'",
            name=op.f("ck_care_declaration_listed_when_approved"),
        ),
        sa.CheckConstraint(
            "state <> 'refused' or cents = 0",
            name=op.f("ck_care_declaration_refused_bears_nothing"),
        ),
        sa.CheckConstraint(
            "state = 'refused' or cents = (minutes * hourly_rate_cents * 2 + 60) / 120",
            name=op.f("ck_care_declaration_cents_half_up"),
        ),
        sa.CheckConstraint(
            "state = 'refused' or claimed_cents = cents",
            name=op.f("ck_care_declaration_claim_is_right"),
        ),
        sa.CheckConstraint(
            "state in ('submitted', 'approved', 'rejected', 'withdrawn', 'turned_back', 'refused')",
            name=op.f("ck_care_declaration_state_known"),
        ),
        sa.CheckConstraint(
            "extract(day from month) = 1", name=op.f("ck_care_declaration_month_is_first_day")
        ),
        sa.CheckConstraint("minutes >= 0", name=op.f("ck_care_declaration_minutes_not_negative")),
        sa.CheckConstraint(
            "num_nulls(shared_code, shared_minutes, shared_weight, shared_weight_sum) in (0, 4)",
            name=op.f("ck_care_declaration_shared_part_is_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "agreement_id", "budget_id", "holder_id", "carer_id"],
            [
                "care_agreement.cooperative_id",
                "care_agreement.id",
                "care_agreement.budget_id",
                "care_agreement.holder_id",
                "care_agreement.carer_id",
            ],
            name="fk_care_declaration_agreement",
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "list_id"],
            ["care_list.cooperative_id", "care_list.id"],
            name=op.f("fk_care_declaration_cooperative_id_list_id_care_list"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_care_declaration_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_care_declaration")),
        sa.UniqueConstraint(
            "cooperative_id",
            "budget_id",
            "number",
            name=op.f("uq_care_declaration_cooperative_id_budget_id_number"),
        ),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_care_declaration_cooperative_id_code")
        ),
    )
    op.create_index(
        "ix_care_declaration_cooperative_id_agreement_id",
        "care_declaration",
        ["cooperative_id", "agreement_id"],
        unique=False,
    )
    op.create_index(
        "ix_care_declaration_cooperative_id_carer_id",
        "care_declaration",
        ["cooperative_id", "carer_id"],
        unique=False,
    )
    op.create_index(
        "ix_care_declaration_cooperative_id_month",
        "care_declaration",
        ["cooperative_id", "month"],
        unique=False,
    )
