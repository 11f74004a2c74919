"""Payout runs: payments that are ordered at the bank by a file, and the bank line that settles them.

Revision ID: 0026_payout_runs
Revises: 0025_care_corrections
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0026_payout_runs"
down_revision = "0025_care_corrections"
branch_labels = None
depends_on = None

# SQLSTATE WE035: what was ordered is changed, or is settled twice.
_GUARD = """
create function payout_order_stands() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  if old.settled_on is not null
     and row(new.settled_on, new.entry_number) is distinct from
         row(old.settled_on, old.entry_number)
     or new.name is distinct from old.name and new.name is not null
     or new.iban is distinct from old.iban and new.iban is not null then
    raise exception 'payment % stands', old.end_to_end_id using errcode = 'WE035';
  end if;
  return new;
end $$;

create trigger stands before update on payout_order
for each row execute function payout_order_stands();
"""
_RIGHTS = {
    "payout_run": "select, insert",
    "payout_order": "select, insert, update (settled_on, entry_number, name, iban)",
}


def upgrade() -> None:
    _know_kinds(
        "kind in ('incasso', 'storno', 'betaling')", "(kind <> 'incasso') = (amount_cents < 0)"
    )
    op.create_table(
        "payout_run",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("debtor_iban", sa.Text(), nullable=False),
        sa.Column("execute_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind in ('merchant', 'member', 'carer', 'grant')",
            name=op.f("ck_payout_run_kind_known"),
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_payout_run_number_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_payout_run_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_payout_run")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_payout_run_cooperative_id_code")
        ),
        sa.UniqueConstraint(
            "cooperative_id", "number", name=op.f("uq_payout_run_cooperative_id_number")
        ),
    )
    op.create_table(
        "payout_order",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("end_to_end_id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "cents between 1 and 99999999999", name=op.f("ck_payout_order_cents_of_a_payment")
        ),
        sa.CheckConstraint(
            "name is not null and iban is not null or settled_on is not null",
            name=op.f("ck_payout_order_erased_when_settled"),
        ),
        sa.CheckConstraint(
            "(settled_on is null) = (entry_number is null)",
            name=op.f("ck_payout_order_settled_with_an_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_payout_order_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "run_id"],
            ["payout_run.cooperative_id", "payout_run.id"],
            name=op.f("fk_payout_order_cooperative_id_run_id_payout_run"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "run_id", "position", name=op.f("pk_payout_order")
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "end_to_end_id",
            name=op.f("uq_payout_order_cooperative_id_end_to_end_id"),
        ),
    )
    op.execute(_GUARD)
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("payout_order")
    op.execute("drop function payout_order_stands()")
    op.drop_table("payout_run")
    op.execute("delete from bank_line where kind = 'betaling'")
    _know_kinds("kind in ('incasso', 'storno')", "(kind = 'storno') = (amount_cents < 0)")


def _know_kinds(known: str, sign: str) -> None:
    for name, holds in (("kind_known", known), ("storno_is_negative", sign)):
        op.drop_constraint(op.f(f"ck_bank_line_{name}"), "bank_line", type_="check")
        op.create_check_constraint(op.f(f"ck_bank_line_{name}"), "bank_line", holds)
