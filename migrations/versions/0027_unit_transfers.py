"""Units that members pass on to each other, with the register kept by date.

Revision ID: 0027_unit_transfers
Revises: 0026_payout_runs
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0027_unit_transfers"
down_revision = "0026_payout_runs"
branch_labels = None
depends_on = None

_STATES = "'subscribed', 'paid', 'issued', 'released', 'withdrawn', 'refunded'"
_RULES = "transfers in ('none', 'approval', 'free')"
_STEPS = "state in ('offered', 'accepted', 'moved', 'refused', 'withdrawn')"


def upgrade() -> None:
    op.add_column(
        "investment_project",
        sa.Column("transfers", sa.Text(), server_default="approval", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_investment_project_transfers_known"), "investment_project", _RULES
    )
    op.execute("grant insert (transfers) on investment_project to wijkeconomie_app")
    op.add_column("participation", sa.Column("origin_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_participation_origin",
        "participation",
        "participation",
        ["cooperative_id", "origin_id"],
        ["cooperative_id", "id"],
    )
    op.create_index(
        "ix_participation_cooperative_id_origin_id",
        "participation",
        ["cooperative_id", "origin_id"],
    )
    _know_states(f"{_STATES}, 'transferred'", more=", 'transferred'")
    op.create_table(
        "unit_transfer",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offered_on", sa.Date(), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("moved_on", sa.Date(), nullable=True),
        sa.Column("moved_cents", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(_STEPS, name=op.f("ck_unit_transfer_state_known")),
        sa.CheckConstraint("units > 0", name=op.f("ck_unit_transfer_units_positive")),
        sa.CheckConstraint("seller_id <> buyer_id", name=op.f("ck_unit_transfer_two_members")),
        sa.CheckConstraint(
            "(state = 'moved') = (moved_on is not null)"
            " and (moved_on is null) = (moved_cents is null)",
            name=op.f("ck_unit_transfer_moved_on_a_day"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_unit_transfer_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "project_id"],
            ["investment_project.cooperative_id", "investment_project.id"],
            name=op.f("fk_unit_transfer_cooperative_id_project_id_investment_project"),
        ),
        *(
            sa.ForeignKeyConstraint(
                ["cooperative_id", column],
                ["member.cooperative_id", "member.id"],
                name=op.f(f"fk_unit_transfer_cooperative_id_{column}_member"),
            )
            for column in ("seller_id", "buyer_id")
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_unit_transfer")),
    )
    op.create_index(
        "ix_unit_transfer_cooperative_id_project_id",
        "unit_transfer",
        ["cooperative_id", "project_id"],
    )
    rights = "select, insert, update (state, answered_on, moved_on, moved_cents, reason)"
    for statement in protect_tenant_table("unit_transfer", rights=rights):
        op.execute(statement)
    op.execute(_counting(**_WITH_TRANSFERS))
    op.execute(_WHOLE)


def downgrade() -> None:
    # Members keep what they hold now: what was passed on becomes a participation of its own.
    op.execute("drop trigger passed_on_whole on participation")
    op.execute("drop function participation_is_passed_on_whole()")
    op.execute("alter table participation disable trigger user")
    op.drop_constraint("fk_participation_origin", "participation", type_="foreignkey")
    op.execute("delete from participation where state = 'transferred'")
    op.execute("alter table participation enable trigger user")
    op.drop_table("unit_transfer")
    op.execute(_counting(**_WITHOUT_TRANSFERS))
    _know_states(_STATES, more="")
    op.drop_index("ix_participation_cooperative_id_origin_id", table_name="participation")
    op.drop_column("participation", "origin_id")
    op.drop_constraint(
        op.f("ck_investment_project_transfers_known"), "investment_project", type_="check"
    )
    op.drop_column("investment_project", "transfers")


def _know_states(states: str, *, more: str) -> None:
    for name, holds in (
        ("state_known", f"state in ({states})"),
        (
            "paid_on_a_day",
            f"(paid_on is not null) = (state in ('paid', 'issued', 'released', 'refunded'{more}))",
        ),
        ("issued_on_a_day", f"(issued_on is not null) = (state in ('issued', 'released'{more}))"),
        (
            "ended_on_a_day",
            f"(ended_on is not null) = (state in ('released', 'withdrawn', 'refunded'{more}))",
        ),
    ):
        op.drop_constraint(op.f(f"ck_participation_{name}"), "participation", type_="check")
        op.create_check_constraint(op.f(f"ck_participation_{name}"), "participation", holds)


# A project counts units where they were taken first: what was passed on counts nothing of its
# own, and what it was passed on from counts still. So passing on changes no count.
_WITH_TRANSFERS = {
    "begins": "case when origin_id is null then 'subscribed' else 'issued' end",
    "own": "where origin_id is null",
    "steps": ", ('issued', 'transferred')",
    "raised": "'issued', 'released', 'transferred'",
}
_WITHOUT_TRANSFERS = {
    "begins": "'subscribed'",
    "own": "",
    "steps": "",
    "raised": "'issued', 'released'",
}


def _counting(*, begins: str, own: str, steps: str, raised: str) -> str:
    return f"""
create or replace function participations_taken() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (select from added where state <> {begins}) then
    raise exception 'a participation begins as taken' using errcode = 'WE014';
  end if;
  update investment_project p set taken_units = p.taken_units + a.units
  from (select cooperative_id, project_id, sum(units)::bigint as units from added {own}
        group by cooperative_id, project_id) a
  where p.cooperative_id = a.cooperative_id and p.id = a.project_id;
  return null;
end $$;

create or replace function participations_moved() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  wrong record;
begin
  select o.code, o.state as was, n.state as becomes into wrong
  from was o join becomes n on n.cooperative_id = o.cooperative_id and n.id = o.id
  where n.state <> o.state and (o.state, n.state) not in (
    ('subscribed', 'paid'), ('subscribed', 'issued'), ('subscribed', 'withdrawn'),
    ('paid', 'issued'), ('paid', 'refunded'), ('issued', 'released'){steps})
  limit 1;
  if found then
    raise exception 'participation % does not go from % to %',
      wrong.code, wrong.was, wrong.becomes using errcode = 'WE014';
  end if;
  update investment_project p
  set taken_units = p.taken_units + m.taken, raised_units = p.raised_units + m.raised
  from (
    select cooperative_id, project_id, sum(taken)::bigint as taken, sum(raised)::bigint as raised
    from (
      select cooperative_id, project_id,
        case when state in ('withdrawn', 'refunded') then 0 else units end as taken,
        case when state in ({raised}) then units else 0 end as raised
      from becomes {own}
      union all
      select cooperative_id, project_id,
        case when state in ('withdrawn', 'refunded') then 0 else -units end,
        case when state in ({raised}) then -units else 0 end
      from was {own}
    ) change
    group by cooperative_id, project_id
    having sum(taken) <> 0 or sum(raised) <> 0
  ) m
  where p.cooperative_id = m.cooperative_id and p.id = m.project_id;
  return null;
end $$;
"""


# SQLSTATE WE036: units get lost, or come from nowhere, when they are passed on.
_WHOLE = """
create function participation_is_passed_on_whole() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  origin public.participation;
begin
  select * into origin from participation
  where cooperative_id = new.cooperative_id
    and id = case when new.state = 'transferred' then new.id else new.origin_id end;
  if origin.state is distinct from 'transferred' or origin.units is distinct from (
    select sum(p.units) from participation p
    where p.cooperative_id = origin.cooperative_id and p.origin_id = origin.id
      and p.project_id = origin.project_id and p.issued_on = origin.ended_on
      and p.paid_on = origin.paid_on
  ) then
    raise exception 'the units of participation % are not passed on whole', origin.code
      using errcode = 'WE036';
  end if;
  if new.state = 'transferred' and new.origin_id is not null then
    perform from participation p where p.cooperative_id = new.cooperative_id
      and p.id = new.origin_id and p.state = 'transferred';
    if not found then
      raise exception 'participation % comes from nowhere', new.code using errcode = 'WE036';
    end if;
  end if;
  return null;
end $$;

create constraint trigger passed_on_whole after insert or update on participation
deferrable initially deferred
for each row when (new.state = 'transferred' or new.origin_id is not null)
execute function participation_is_passed_on_whole();
"""
