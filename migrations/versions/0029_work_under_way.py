"""Work under way is seen, failures keep the values of their sentence, waiting mail is found.

Revision ID: 0029_work_under_way
Revises: 0028_guards_do_not_sort
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0029_work_under_way"
down_revision = "0028_guards_do_not_sort"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job_run", sa.Column("context", postgresql.JSONB(), nullable=True))
    op.create_table(
        "job_start",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_job_start_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "job", "period", name=op.f("pk_job_start")),
    )
    for statement in protect_tenant_table("job_start", rights="select, insert, update, delete"):
        op.execute(statement)
    op.create_index(
        "ix_outbox_message_waiting",
        "outbox_message",
        ["cooperative_id", "next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("sent_at is null"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_message_waiting", table_name="outbox_message")
    op.drop_table("job_start")
    op.drop_column("job_run", "context")
