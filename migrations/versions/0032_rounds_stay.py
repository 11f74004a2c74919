"""Deliveries know how often they were counted; the database holds what a round has become.

Revision ID: 0032_rounds_stay
Revises: 0031_settled_costs_stand
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0032_rounds_stay"
down_revision = "0031_settled_costs_stand"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"
_TRIGGERS = {
    "purchase_round": (
        *("begins_as_draft", "goes_one_way", "terms_stay"),
        *("version_follows", "settlement_adds_up"),
    ),
    "round_product": ("stays", "is_offered", "price_stays"),
    "pledge": ("stay_added", "stay_changed"),
    "pledge_share": ("come_first",),
    "deposit_charge": ("come_first",),
    "round_settlement": ("version_counts",),
}
_FUNCTIONS = (
    *("round_goes_one_way", "round_terms_stay", "round_product_stays", "pledges_stay"),
    *("shares_come_first", "settlement_counts", "settlement_follows", "settlement_adds_up"),
)
_CHANGED = ("pledge", "delivery", "supplier_invoice")


def upgrade() -> None:
    _count_deliveries()
    guards = (SQL / "rounds_stay.sql").read_text(encoding="utf-8")
    op.execute(sa.text(guards.replace(":", r"\:")))


def downgrade() -> None:
    for table, triggers in _TRIGGERS.items():
        for trigger in triggers:
            op.execute(f"drop trigger {trigger} on {table}")
    for function in _FUNCTIONS:
        op.execute(f"drop function {function}()")
    for table in _CHANGED:
        op.execute(f"grant update on {table} to wijkeconomie_app")
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
