"""Vouchers from subsidies, and fees of merchants that change on a day.

Revision ID: 0019_subsidised_vouchers
Revises: 0018_stock
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0019_subsidised_vouchers"
down_revision = "0018_stock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(_SUBSIDY_GUARD)
    _create_fees()
    op.execute(_PAYOUT_GUARD)
    op.execute(sa.text(_WAITING.replace(":", r"\:")))
    op.execute("revoke all on function care_holders_waiting(timestamptz) from public")
    op.execute("grant execute on function care_holders_waiting(timestamptz) to wijkeconomie_app")
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)


def downgrade() -> None:
    op.execute("drop function care_holders_waiting(timestamptz)")
    op.add_column("merchant_payout", sa.Column("fee_basis_points", sa.BigInteger()))
    op.execute(
        "update merchant_payout p set fee_basis_points = (select max(f.fee_basis_points)"
        " from merchant_payout_fee f where f.cooperative_id = p.cooperative_id"
        " and f.payout_id = p.id)"
    )
    op.alter_column("merchant_payout", "fee_basis_points", nullable=False)
    op.drop_table("merchant_payout_fee")
    op.drop_table("merchant_fee")
    op.execute("drop trigger parts_are_the_whole on merchant_payout")
    op.execute("drop function payout_parts_add_up()")
    op.execute("drop trigger gives_while_open on voucher_fund")
    op.execute("drop function fund_of_open_subsidy()")


# A fund with the code of a subsidy gives that subsidy's money. How much is left the ledger
# guards; whether it may still be given stands with the subsidy.
_SUBSIDY_GUARD = """
create function fund_of_open_subsidy() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from subsidy s where s.cooperative_id = new.cooperative_id
      and s.code = new.code and s.accounted_on is not null
  ) then
    raise exception 'subsidy % was accounted for', new.code using errcode = 'WE030';
  end if;
  return new;
end $$;

create trigger gives_while_open before update on voucher_fund
for each row when (new.issued_minor > old.issued_minor)
execute function fund_of_open_subsidy();
"""

# The parts of a payout by their fees come to all of it.
_PAYOUT_GUARD = """
create function payout_parts_add_up() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  parts bigint;
begin
  select coalesce(sum(f.gross_cents), 0) into parts from merchant_payout_fee f
  where f.cooperative_id = new.cooperative_id and f.payout_id = new.id;
  if parts <> new.gross_cents then
    raise exception 'the parts of payout % come to %, not to %', new.number, parts, new.gross_cents
      using errcode = 'WE031';
  end if;
  return null;
end $$;

create constraint trigger parts_are_the_whole after insert on merchant_payout
deferrable initially deferred
for each row execute function payout_parts_add_up();
"""

# Whom a reminder goes to, and nothing of the care itself: those for whom hours came in during the
# last day, or have been waiting for a whole number of weeks.
_WAITING = """
create function care_holders_waiting(moment timestamptz) returns setof bigint
language sql stable security definer set search_path = pg_catalog, public as $$
  select distinct d.holder_id from care_declaration d
  where d.cooperative_id = nullif(current_setting('app.cooperative_id', true), '')::bigint
    and d.state = 'submitted'
    and mod(extract(day from moment - d.declared_at)::integer, 7) = 0
  order by d.holder_id
$$;
"""

_RIGHTS = {
    "merchant_fee": "select, insert, update (fee_basis_points)",
    "merchant_payout_fee": "select, insert",
}


def _create_fees() -> None:
    op.create_table(
        "merchant_fee",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("fee_basis_points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "fee_basis_points between 0 and 10000", name=op.f("ck_merchant_fee_fee_is_a_part")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "merchant_id"],
            ["merchant.cooperative_id", "merchant.id"],
            name=op.f("fk_merchant_fee_cooperative_id_merchant_id_merchant"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_merchant_fee_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "merchant_id", "valid_from", name=op.f("pk_merchant_fee")
        ),
    )
    op.create_table(
        "merchant_payout_fee",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("payout_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fee_basis_points", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "fee_basis_points between 0 and 10000",
            name=op.f("ck_merchant_payout_fee_fee_is_a_part"),
        ),
        sa.CheckConstraint("gross_cents > 0", name=op.f("ck_merchant_payout_fee_gross_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "payout_id"],
            ["merchant_payout.cooperative_id", "merchant_payout.id"],
            name=op.f("fk_merchant_payout_fee_cooperative_id_payout_id_merchant_payout"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_merchant_payout_fee_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id",
            "payout_id",
            "fee_basis_points",
            name=op.f("pk_merchant_payout_fee"),
        ),
    )
    op.execute(
        "insert into merchant_payout_fee (cooperative_id, payout_id, fee_basis_points, gross_cents)"
        " select cooperative_id, id, fee_basis_points, gross_cents from merchant_payout"
    )
    op.drop_column("merchant_payout", "fee_basis_points")
