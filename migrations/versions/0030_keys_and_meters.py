"""Key versions that take the place of others, meters with holders, and what explains shares.

Revision ID: 0030_keys_and_meters
Revises: 0029_work_under_way
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table
from wijkeconomie.money.clamping import clamp_shares

revision = "0030_keys_and_meters"
down_revision = "0029_work_under_way"
branch_labels = None
depends_on = None

_PARTS = "ck_allocation_key_version_parts_have_total"


def upgrade() -> None:
    _widen_versions()
    _hold_meters()
    for column in ("free_weight", "carry_mean"):
        op.add_column("cost_settlement", sa.Column(column, sa.Text(), nullable=True))
    op.add_column("cost_settlement", sa.Column("held_cents", sa.BigInteger(), nullable=True))
    op.add_column(
        "cost_share_block", sa.Column("is_estimated", sa.ARRAY(sa.Boolean()), nullable=True)
    )
    _explain_bounds()
    op.execute(sa.text(_GUARDS.replace(":", r"\:")))


def downgrade() -> None:
    for table, guard in _TRIGGERS.items():
        op.execute(f"drop trigger {guard} on {table}")
    for function in ("key_version_is_used(bigint, bigint)", *_FUNCTIONS):
        op.execute(f"drop function {function}")
    op.drop_column("cost_share_block", "is_estimated")
    for column in ("carry_mean", "free_weight", "held_cents"):
        op.drop_column("cost_settlement", column)
    _let_meters_go()
    _narrow_versions()


def _widen_versions() -> None:
    op.drop_constraint(
        op.f("uq_allocation_key_version_cooperative_id_key_id_valid_from"),
        "allocation_key_version",
        type_="unique",
    )
    op.add_column(
        "allocation_key_version",
        sa.Column("grace_days", sa.BigInteger(), server_default="14", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_allocation_key_version_grace_is_short"),
        "allocation_key_version",
        "grace_days between 0 and 92",
    )
    op.drop_constraint(op.f(_PARTS), "allocation_key_version", type_="check")
    # Back from an older schema: such a key is refused until a version tells the total.
    op.execute(
        "update allocation_key_version set parts_total = '0'"
        " where fixed_basis = 'parts' and parts_total is null"
    )
    op.create_check_constraint(
        op.f(_PARTS),
        "allocation_key_version",
        "(basis = 'parts' or coalesce(fixed_basis, '') = 'parts') = (parts_total is not null)",
    )
    op.create_index(
        "ix_cost_settlement_cooperative_id_key_version_id",
        "cost_settlement",
        ["cooperative_id", "key_version_id"],
    )
    op.execute("revoke update on allocation_key_version from wijkeconomie_app")
    op.execute("grant update (decision) on allocation_key_version to wijkeconomie_app")


def _narrow_versions() -> None:
    op.execute("revoke update (decision) on allocation_key_version from wijkeconomie_app")
    op.execute("grant update on allocation_key_version to wijkeconomie_app")
    op.drop_index("ix_cost_settlement_cooperative_id_key_version_id", table_name="cost_settlement")
    op.drop_constraint(op.f(_PARTS), "allocation_key_version", type_="check")
    op.execute("update allocation_key_version set parts_total = null where basis <> 'parts'")
    op.create_check_constraint(
        op.f(_PARTS), "allocation_key_version", "(basis = 'parts') = (parts_total is not null)"
    )
    op.drop_constraint(
        op.f("ck_allocation_key_version_grace_is_short"), "allocation_key_version", type_="check"
    )
    op.drop_column("allocation_key_version", "grace_days")
    op.execute(sa.text(_MOVE_REPLACED.replace(":", r"\:")))
    op.create_unique_constraint(
        op.f("uq_allocation_key_version_cooperative_id_key_id_valid_from"),
        "allocation_key_version",
        ["cooperative_id", "key_id", "valid_from"],
    )


# A version that another one replaced on its first day goes to a free day before it: as months
# are looked up by their first day, the newer one stays what is valid.
_MOVE_REPLACED = """
do $$
declare
  replaced record;
  day date;
begin
  for replaced in
    select v.* from allocation_key_version v
    where exists (select from allocation_key_version later
      where later.cooperative_id = v.cooperative_id and later.key_id = v.key_id
        and later.valid_from = v.valid_from and later.number > v.number)
    order by v.number desc
  loop
    day := replaced.valid_from - 1;
    while exists (select from allocation_key_version taken
      where taken.cooperative_id = replaced.cooperative_id
        and taken.key_id = replaced.key_id and taken.valid_from = day)
    loop
      day := day - 1;
    end loop;
    update allocation_key_version set valid_from = day
    where cooperative_id = replaced.cooperative_id and id = replaced.id;
  end loop;
end $$
"""


def _hold_meters() -> None:
    op.add_column("meter", sa.Column("starts_on", sa.Date(), nullable=True))
    op.add_column("meter", sa.Column("ended_on", sa.Date(), nullable=True))
    op.create_check_constraint(op.f("ck_meter_ends_after_start"), "meter", "ended_on > starts_on")
    op.drop_constraint(op.f("uq_meter_cooperative_id_code"), "meter", type_="unique")
    op.create_index(
        "uq_meter_held",
        "meter",
        ["cooperative_id", "code"],
        unique=True,
        postgresql_where=sa.text("ended_on is null"),
    )
    op.execute("grant update (ended_on) on meter to wijkeconomie_app")
    op.create_table(
        "meter_closing",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("meter_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("is_estimate", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "meter_id"],
            ["meter.cooperative_id", "meter.id"],
            name=op.f("fk_meter_closing_cooperative_id_meter_id_meter"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_meter_closing_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "meter_id", "closed_on", name=op.f("pk_meter_closing")
        ),
    )
    for statement in protect_tenant_table("meter_closing", rights="select, insert, update"):
        op.execute(statement)


def _let_meters_go() -> None:
    op.drop_table("meter_closing")
    op.execute("revoke update (ended_on) on meter from wijkeconomie_app")
    op.drop_index("uq_meter_held", table_name="meter")
    # One row a number: whose meter it was before keeps his readings under a number of its own.
    op.execute("update meter set code = code || ' / ' || id where ended_on is not null")
    op.create_unique_constraint(
        op.f("uq_meter_cooperative_id_code"), "meter", ["cooperative_id", "code"]
    )
    op.drop_constraint(op.f("ck_meter_ends_after_start"), "meter", type_="check")
    op.drop_column("meter", "ended_on")
    op.drop_column("meter", "starts_on")


def _explain_bounds() -> None:
    """What those at a bound pay together, and who shares the rest, of what was settled before."""
    connection = op.get_bind()
    bounded = connection.execute(
        sa.text(
            "select distinct s.cooperative_id, s.id, abs(s.total_cents) as total"
            " from cost_settlement s join cost_share_block b"
            " on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id"
            " where b.minimum_cents is not null or b.cap_cents is not null"
        )
    ).all()
    op.execute("alter table cost_settlement disable trigger user")
    for settlement in bounded:
        blocks = connection.execute(
            sa.text(
                "select weights, minimum_cents, cap_cents from cost_share_block"
                " where cooperative_id = :cooperative_id and settlement_id = :id order by position"
            ),
            {"cooperative_id": settlement.cooperative_id, "id": settlement.id},
        ).all()
        held, free = _held_and_free(settlement.total, blocks)
        connection.execute(
            sa.text(
                "update cost_settlement set held_cents = :held, free_weight = :free"
                " where cooperative_id = :cooperative_id and id = :id"
            ),
            {
                "held": held,
                "free": str(free),
                "cooperative_id": settlement.cooperative_id,
                "id": settlement.id,
            },
        )
    op.execute("alter table cost_settlement enable trigger user")


def _held_and_free(total: int, blocks: Sequence[Any]) -> tuple[int, int]:
    weights = [int(weight) for block in blocks for weight in block.weights]
    nothing = [None] * len(weights)
    minimums = list(chain.from_iterable(b.minimum_cents or () for b in blocks)) or nothing
    caps = list(chain.from_iterable(b.cap_cents or () for b in blocks)) or nothing
    clamped = clamp_shares(total, weights, caps, [minimum or 0 for minimum in minimums])
    return clamped.held, clamped.free_weight


_FUNCTIONS = ("key_version_stays()", "key_weight_stays()", "meter_has_one_holder()")
_TRIGGERS = {
    "allocation_key_version": "used_version_stays",
    "allocation_weight": "used_weight_stays",
    "meter": "one_holder",
}
_GUARDS = """
create function key_version_is_used(of_cooperative bigint, of_version bigint) returns boolean
language sql stable security definer
set search_path = pg_catalog, public as $$
  select exists (select from cost_settlement s
    where s.cooperative_id = of_cooperative and s.key_version_id = of_version)
$$;

create function key_version_stays() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  if new is distinct from old and key_version_is_used(old.cooperative_id, old.id) then
    raise exception 'version % of key % was settled by and stays as it is', old.number, old.key_id
      using errcode = 'WE050';
  end if;
  return new;
end $$;

create trigger used_version_stays before update on allocation_key_version
for each row execute function key_version_stays();

create function key_weight_stays() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  if new is distinct from old and key_version_is_used(old.cooperative_id, old.version_id) then
    raise exception 'version % was settled by, and its weights stay', old.version_id
      using errcode = 'WE050';
  end if;
  return coalesce(new, old);
end $$;

create trigger used_weight_stays before update or delete on allocation_weight
for each row execute function key_weight_stays();

create function meter_has_one_holder() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  if exists (select from meter other
    where other.cooperative_id = new.cooperative_id and other.code = new.code
      and other.id <> new.id
      and coalesce(other.starts_on, '-infinity') < coalesce(new.ended_on, 'infinity')
      and coalesce(new.starts_on, '-infinity') < coalesce(other.ended_on, 'infinity')) then
    raise exception 'meter % has a holder on these days', new.code using errcode = '23P01';
  end if;
  return new;
end $$;

create trigger one_holder before insert or update on meter
for each row execute function meter_has_one_holder();
"""
