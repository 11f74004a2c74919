"""Marks of scheduled work.

Revision ID: 0007_job_runs
Revises: 0006_shared_costs
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0007_job_runs"
down_revision = "0006_shared_costs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_run",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint("status in ('done', 'failed')", name=op.f("ck_job_run_status_known")),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_job_run_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "job", "period", name=op.f("pk_job_run")),
    )
    op.create_index(
        "ix_job_run_cooperative_id_finished_at",
        "job_run",
        ["cooperative_id", "finished_at"],
        unique=False,
    )
    for statement in protect_tenant_table("job_run", rights="select, insert, update"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_job_run_cooperative_id_finished_at", table_name="job_run")
    op.drop_table("job_run")
