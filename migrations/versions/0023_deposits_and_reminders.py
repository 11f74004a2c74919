"""Deposits on what is sold from the stock; when members are reminded; repeated rounds by hand.

Revision ID: 0023_deposits_and_reminders
Revises: 0021_turns
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_deposits_and_reminders"
down_revision = "0021_turns"
branch_labels = None
depends_on = None

_SHORTAGE = "ck_repeating_round_shortage_known"


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
    # The form offered the third rule as well, and the database refused it.
    op.drop_constraint(op.f(_SHORTAGE), "repeating_round", type_="check")
    op.create_check_constraint(
        op.f(_SHORTAGE),
        "repeating_round",
        "shortage_rule in ('pro_rata', 'first_pledged', 'manual')",
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
    op.execute(
        "update repeating_round set shortage_rule = 'pro_rata' where shortage_rule = 'manual'"
    )
    op.drop_constraint(op.f(_SHORTAGE), "repeating_round", type_="check")
    op.create_check_constraint(
        op.f(_SHORTAGE), "repeating_round", "shortage_rule in ('pro_rata', 'first_pledged')"
    )
    for table in ("repeating_round", "round_deadline"):
        op.drop_constraint(op.f(f"ck_{table}_reminder_hours_in_range"), table, type_="check")
        op.drop_column(table, "reminder_hours")
