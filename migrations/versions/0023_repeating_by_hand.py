"""Repeating rounds: a shortage may be shared by hand, as of every other round.

Revision ID: 0023_repeating_by_hand
Revises: 0022_quick_guards
"""

from __future__ import annotations

from alembic import op

revision = "0023_repeating_by_hand"
down_revision = "0022_quick_guards"
branch_labels = None
depends_on = None

_NAME = "ck_repeating_round_shortage_known"


def upgrade() -> None:
    _allow("'pro_rata', 'first_pledged', 'manual'")


def downgrade() -> None:
    op.execute(
        "update repeating_round set shortage_rule = 'pro_rata' where shortage_rule = 'manual'"
    )
    _allow("'pro_rata', 'first_pledged'")


def _allow(known: str) -> None:
    op.drop_constraint(op.f(_NAME), "repeating_round", type_="check")
    op.create_check_constraint(op.f(_NAME), "repeating_round", f"shortage_rule in ({known})")
