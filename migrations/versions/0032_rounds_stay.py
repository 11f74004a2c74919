"""Deliveries know how often they were counted; the database holds what a round has become.

Revision ID: 0032_rounds_stay
Revises: 0028_guards_do_not_sort
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032_rounds_stay"
down_revision = "0028_guards_do_not_sort"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _count_deliveries()


def downgrade() -> None:
    op.drop_constraint(op.f("ck_delivery_counted_or_not"), "delivery", type_="check")
    op.drop_column("delivery", "version")


def _count_deliveries() -> None:
    op.add_column(
        "delivery", sa.Column("version", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.execute("update delivery set version = 1 where delivered_quantity is not null")
    op.create_check_constraint(
        op.f("ck_delivery_counted_or_not"),
        "delivery",
        "(version > 0) = (delivered_quantity is not null)",
    )
    # In whose place a replacement came is a column, which each page says in its own language.
    op.execute(
        "update delivery x set reason = null from round_product o"
        " where o.cooperative_id = x.cooperative_id and o.id = x.round_product_id"
        " and o.replaces_id is not null and x.reason like 'in place of %'"
    )
