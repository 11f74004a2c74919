"""Payments of a payout run that are called off or come back, and bank accounts of our own.

Revision ID: 0037_payouts_that_come_back
Revises: 0030_keys_and_meters
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0037_payouts_that_come_back"
down_revision = "0030_keys_and_meters"
branch_labels = None
depends_on = None

# SQLSTATE WE035: what was ordered is changed, is settled twice, or after it was called off.
_STANDS = """
create or replace function payout_order_stands() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  if old.settled_on is not null
     and row(new.settled_on, new.entry_number) is distinct from
         row(old.settled_on, old.entry_number)
     or new.name is distinct from old.name and new.name is not null
     or new.iban is distinct from old.iban and new.iban is not null then
    raise exception 'payment % stands', old.end_to_end_id using errcode = 'WE035';
  end if;
  {called_off}
  return new;
end $$;
"""
_CALLED_OFF = """
  if old.settled_on is null and new.settled_on is not null and exists (
    select from payout_return r where r.cooperative_id = new.cooperative_id
      and r.run_id = new.run_id and r.position = new.position
  ) then
    raise exception 'payment % was called off', old.end_to_end_id using errcode = 'WE035';
  end if;
"""
# The row of the payment is held, so that it is not settled while it is called off.
_RETURNS = """
create function payout_return_fits() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  paid public.payout_order;
begin
  select * into paid from payout_order o where o.cooperative_id = new.cooperative_id
    and o.run_id = new.run_id and o.position = new.position for update;
  if (paid.settled_on is null) <> (new.entry_number is null) then
    raise exception 'payment % comes back with an entry exactly when the bank had paid it',
      paid.end_to_end_id using errcode = 'WE035';
  end if;
  return new;
end $$;

create trigger fits before insert on payout_return
for each row execute function payout_return_fits();

create function payout_order_replaces() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if not exists (
    select from payout_return b
    join payout_order o on o.cooperative_id = b.cooperative_id and o.run_id = b.run_id
      and o.position = b.position
    join payout_run was on was.cooperative_id = o.cooperative_id and was.id = o.run_id
    join payout_run r on r.cooperative_id = o.cooperative_id and r.id = new.run_id
    where b.cooperative_id = new.cooperative_id and b.run_id = new.replaces_run_id
      and b.position = new.replaces_position and o.cents = new.cents and o.party = new.party
      and was.kind = r.kind
  ) then
    raise exception 'payment % replaces none that came back', new.end_to_end_id
      using errcode = 'WE035';
  end if;
  return new;
end $$;

create trigger replaces before insert on payout_order
for each row when (new.replaces_run_id is not null) execute function payout_order_replaces();
"""


def upgrade() -> None:
    op.create_table(
        "own_bank_account",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "account_key in ('bank', 'voucher_bank')",
            name=op.f("ck_own_bank_account_account_key_known"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_own_bank_account_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "iban", name=op.f("pk_own_bank_account")),
    )
    op.create_table(
        "payout_return",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_by", sa.Text(), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_payout_return_reason_given")),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_payout_return_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "run_id", "position"],
            ["payout_order.cooperative_id", "payout_order.run_id", "payout_order.position"],
            name="fk_payout_return_payout_order",
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "run_id", "position", name=op.f("pk_payout_return")
        ),
    )
    op.add_column("payout_order", sa.Column("replaces_run_id", sa.BigInteger(), nullable=True))
    op.add_column("payout_order", sa.Column("replaces_position", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_payout_order_replaces",
        "payout_order",
        "payout_order",
        ["cooperative_id", "replaces_run_id", "replaces_position"],
        ["cooperative_id", "run_id", "position"],
    )
    op.create_unique_constraint(
        op.f("uq_payout_order_cooperative_id_replaces_run_id_replaces_position"),
        "payout_order",
        ["cooperative_id", "replaces_run_id", "replaces_position"],
    )
    op.create_check_constraint(
        op.f("ck_payout_order_replaces_a_payment"),
        "payout_order",
        "(replaces_run_id is null) = (replaces_position is null)",
    )
    op.execute(_STANDS.replace("{called_off}", _CALLED_OFF))
    op.execute(_RETURNS)
    rights = {"own_bank_account": "select, insert, update", "payout_return": "select, insert"}
    for table, allowed in rights.items():
        for statement in protect_tenant_table(table, rights=allowed):
            op.execute(statement)
    # So far the accounts that runs were paid from were our own, kept by whom they paid.
    op.execute(
        "insert into own_bank_account (cooperative_id, iban, account_key)"
        " select r.cooperative_id, r.debtor_iban,"
        " case when bool_or(r.kind = 'merchant') then 'voucher_bank' else 'bank' end"
        " from payout_run r join cooperative c on c.id = r.cooperative_id"
        " where r.debtor_iban <> c.iban group by r.cooperative_id, r.debtor_iban"
    )


def downgrade() -> None:
    op.execute("drop trigger replaces on payout_order")
    op.execute("drop function payout_order_replaces()")
    op.execute(_STANDS.replace("{called_off}", ""))
    op.drop_constraint(op.f("ck_payout_order_replaces_a_payment"), "payout_order", type_="check")
    op.drop_constraint("fk_payout_order_replaces", "payout_order", type_="foreignkey")
    op.drop_constraint(
        op.f("uq_payout_order_cooperative_id_replaces_run_id_replaces_position"), "payout_order"
    )
    op.drop_column("payout_order", "replaces_position")
    op.drop_column("payout_order", "replaces_run_id")
    op.drop_table("payout_return")
    op.execute("drop function payout_return_fits()")
    op.drop_table("own_bank_account")
