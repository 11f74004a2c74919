"""Guards that stay quick: of entries with many lines, and of redemptions when there are many.

Revision ID: 0022_quick_guards
Revises: 0021_turns
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0022_quick_guards"
down_revision = "0021_turns"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    _replace_guard("check_large_entries.sql")
    _replace_guard("check_redemptions.sql")


def downgrade() -> None:
    # The guards of redemptions hold the same as before, and need no way back.
    _replace_guard("check_postings.sql")
    op.execute("alter function ledger_check_postings() reset enable_nestloop")


def _replace_guard(file: str) -> None:
    statement = (SQL / file).read_text(encoding="utf-8")
    op.execute(sa.text(statement.replace(":", r"\:")))
