"""Rounds that repeat say what becomes of surplus, as of every other round.

Revision ID: 0034_changing_rounds
Revises: 0028_guards_do_not_sort
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034_changing_rounds"
down_revision = "0028_guards_do_not_sort"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rounds that repeat kept their surplus as stock so far; whose template it is may change that.
    op.add_column(
        "repeating_round",
        sa.Column("surplus_rule", sa.Text(), server_default="stock", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_repeating_round_surplus_known"),
        "repeating_round",
        "surplus_rule in ('stock', 'ask')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_repeating_round_surplus_known"), "repeating_round", type_="check")
    op.drop_column("repeating_round", "surplus_rule")
