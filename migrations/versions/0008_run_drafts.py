"""A settlement run can be a draft: what a month came to when it was looked at.

Revision ID: 0008_run_drafts
Revises: 0007_job_runs
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_run_drafts"
down_revision = "0007_job_runs"
branch_labels = None
depends_on = None

_NEW_CHECKS = {
    "state_known": "state in ('draft', 'posted', 'published')",
    "posted_unless_draft": (
        "(state = 'draft') = (posted_at is null) and (posted_at is null) = (posted_by is null)"
    ),
    "published_has_moment": "(state = 'published') = (published_at is not null)",
    "draft_was_seen": (
        "state <> 'draft' or (fingerprint is not null and drafted_at is not null"
        " and drafted_by is not null)"
    ),
}
_COLUMNS = "state, drafted_at, drafted_by, fingerprint, posted_at, posted_by, published_at"


def upgrade() -> None:
    op.add_column("settlement_run", sa.Column("drafted_at", sa.DateTime(timezone=True)))
    op.add_column("settlement_run", sa.Column("drafted_by", sa.Text()))
    op.add_column("settlement_run", sa.Column("fingerprint", sa.LargeBinary()))
    op.alter_column("settlement_run", "posted_at", nullable=True)
    op.alter_column("settlement_run", "posted_by", nullable=True)
    op.drop_constraint(op.f("ck_settlement_run_state_known"), "settlement_run")
    for name, condition in _NEW_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_settlement_run_{name}"), "settlement_run", condition)
    op.execute(f"grant update ({_COLUMNS}), delete on settlement_run to wijkeconomie_app")


def downgrade() -> None:
    """Drafts are lost: the older version has no place for them, and they are no bookings."""
    op.execute(f"revoke update ({_COLUMNS}), delete on settlement_run from wijkeconomie_app")
    op.execute("grant update (state, published_at) on settlement_run to wijkeconomie_app")
    op.execute("delete from settlement_run where state = 'draft'")
    for name in reversed(_NEW_CHECKS):
        op.drop_constraint(op.f(f"ck_settlement_run_{name}"), "settlement_run")
    op.create_check_constraint(
        op.f("ck_settlement_run_state_known"), "settlement_run", "state in ('posted', 'published')"
    )
    op.alter_column("settlement_run", "posted_by", nullable=False)
    op.alter_column("settlement_run", "posted_at", nullable=False)
    for column in ("fingerprint", "drafted_by", "drafted_at"):
        op.drop_column("settlement_run", column)
