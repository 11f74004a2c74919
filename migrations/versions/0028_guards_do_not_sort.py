"""Guards that look up by key do not sort: an index that is in no order is not the right one.

Revision ID: 0028_guards_do_not_sort
Revises: 0027_unit_transfers
"""

from __future__ import annotations

from alembic import op

revision = "0028_guards_do_not_sort"
down_revision = "0027_unit_transfers"
branch_labels = None
depends_on = None

# "From this key on, the first" is answered in order by one index. Where statistics tell of one
# row, reading all of a cooperative's rows by another index and sorting them looked as cheap.
_GUARDS = (
    "ledger_chain_entry()",
    "ledger_check_postings()",
    "ledger_require_postings()",
    "voucher_check_issued()",
    "voucher_check_added()",
    "voucher_line_check_added()",
    "voucher_lines_add_up(bigint, bigint[])",
)


def upgrade() -> None:
    for guard in _GUARDS:
        op.execute(f"alter function {guard} set enable_sort = off")


def downgrade() -> None:
    for guard in _GUARDS:
        op.execute(f"alter function {guard} reset enable_sort")
