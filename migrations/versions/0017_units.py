"""Prices for so many units together, and what a supplier calls a pack.

Revision ID: 0017_units
Revises: 0016_grants
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_units"
down_revision = "0016_grants"
branch_labels = None
depends_on = None

_PRICED = ("product", "round_product", "product_price")
_NAMED = ("product", "round_product")

# What a round's price is for is as fixed as the price: members ordered by it.
_GUARD = """
create function round_price_units_stay() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'what the price of % is for was fixed when the round was planned', old.name
    using errcode = 'WE022';
end $$
"""


def upgrade() -> None:
    for table in _PRICED:
        op.add_column(
            table, sa.Column("price_units", sa.BigInteger(), server_default="1", nullable=False)
        )
        op.create_check_constraint(
            op.f(f"ck_{table}_price_units_positive"), table, "price_units >= 1"
        )
    for table in _NAMED:
        op.add_column(table, sa.Column("supplier_unit", sa.Text(), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_{table}_supplier_unit_said"), table, "btrim(supplier_unit) <> ''"
        )
        op.create_check_constraint(
            op.f(f"ck_{table}_weighed_by_the_unit"),
            table,
            "price_units = 1 or grams_per_unit is null",
        )
    op.execute(_GUARD)
    op.execute(
        "create trigger price_units_stay before update on round_product for each row"
        " when (old.price_units <> new.price_units) execute function round_price_units_stay()"
    )


def downgrade() -> None:
    op.execute("drop trigger price_units_stay on round_product")
    op.execute("drop function round_price_units_stay()")
    for table in _NAMED:
        op.drop_constraint(op.f(f"ck_{table}_weighed_by_the_unit"), table, type_="check")
        op.drop_constraint(op.f(f"ck_{table}_supplier_unit_said"), table, type_="check")
        op.drop_column(table, "supplier_unit")
    for table in _PRICED:
        op.drop_constraint(op.f(f"ck_{table}_price_units_positive"), table, type_="check")
        op.drop_column(table, "price_units")
