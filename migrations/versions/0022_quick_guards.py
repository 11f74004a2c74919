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

# As migrations/sql/ledger_guards.sql had it.
_ASKED_AT_THE_END = """
create or replace function ledger_require_postings() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
begin
  if not exists (
    select from posting
    where cooperative_id = new.cooperative_id and entry_number = new.number
    order by line limit 1
  ) then
    raise exception 'entry % has no postings', new.number using errcode = 'WE005';
  end if;
  return null;
end $$;
create constraint trigger require_postings after insert on journal_entry
deferrable initially deferred
for each row execute function ledger_require_postings();
"""

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    _replace_guard("check_large_entries.sql")
    _replace_guard("check_redemptions.sql")
    _replace_guard("require_postings.sql")


def downgrade() -> None:
    # The guards of redemptions hold the same as before, and need no way back.
    _replace_guard("check_postings.sql")
    op.execute("drop trigger require_postings on journal_entry")
    op.execute(sa.text(_ASKED_AT_THE_END.replace(":", r"\:")))
    op.execute("alter function ledger_check_postings() reset enable_nestloop")


def _replace_guard(file: str) -> None:
    statement = (SQL / file).read_text(encoding="utf-8")
    op.execute(sa.text(statement.replace(":", r"\:")))
