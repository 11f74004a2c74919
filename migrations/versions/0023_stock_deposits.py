"""Deposits on packaging of what is sold from the stock.

Revision ID: 0023_stock_deposits
Revises: 0021_turns
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_stock_deposits"
down_revision = "0022_repeating_by_hand"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
