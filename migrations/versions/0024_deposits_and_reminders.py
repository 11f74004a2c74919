"""Deposits on what is sold from the stock; when members are reminded.

Revision ID: 0024_deposits_and_reminders
Revises: 0023_repeating_by_hand
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024_deposits_and_reminders"
down_revision = "0023_repeating_by_hand"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("round_deadline", "repeating_round"):
        op.add_column(
            table, sa.Column("reminder_hours", sa.BigInteger(), server_default="24", nullable=True)
        )
        # What was agreed before keeps its reminder; from now on nothing said is none.
        op.alter_column(table, "reminder_hours", server_default=None)
        op.create_check_constraint(
            op.f(f"ck_{table}_reminder_hours_in_range"), table, "reminder_hours between 1 and 168"
        )
    op.add_column(
        "stock_sale",
        sa.Column("deposit_cents", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column("stock_sale", sa.Column("deposit_entry_number", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_stock_sale_deposit",
        "stock_sale",
        "journal_entry",
        ["cooperative_id", "deposit_entry_number"],
        ["cooperative_id", "number"],
    )
    op.create_check_constraint(
        op.f("ck_stock_sale_deposit_is_booked"),
        "stock_sale",
        "deposit_cents >= 0 and (deposit_cents > 0) = (deposit_entry_number is not null)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_stock_sale_deposit_is_booked"), "stock_sale", type_="check")
    op.drop_constraint("fk_stock_sale_deposit", "stock_sale", type_="foreignkey")
    op.drop_column("stock_sale", "deposit_entry_number")
    op.drop_column("stock_sale", "deposit_cents")
    for table in ("repeating_round", "round_deadline"):
        op.drop_constraint(op.f(f"ck_{table}_reminder_hours_in_range"), table, type_="check")
        op.drop_column(table, "reminder_hours")
