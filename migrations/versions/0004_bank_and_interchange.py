"""Bank lines, and rows of an interchange folder kept for later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0004_bank_and_interchange"
down_revision = "0003_purchasing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tables()
    _protect()


def downgrade() -> None:
    op.drop_table("bank_line")
    op.drop_table("kept_row")


def _create_tables() -> None:
    op.create_table(
        "kept_row",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_kept_row_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_kept_row")),
        sa.UniqueConstraint(
            "cooperative_id",
            "file",
            "row_key",
            name=op.f("uq_kept_row_cooperative_id_file_row_key"),
        ),
    )
    op.create_table(
        "bank_line",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("account_iban", sa.Text(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("counter_iban", sa.Text(), nullable=True),
        sa.Column("end_to_end_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'storno') = (amount_cents < 0)",
            name=op.f("ck_bank_line_storno_is_negative"),
        ),
        sa.CheckConstraint("kind in ('incasso', 'storno')", name=op.f("ck_bank_line_kind_known")),
        sa.CheckConstraint("amount_cents <> 0", name=op.f("ck_bank_line_amount_nonzero")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name=op.f("fk_bank_line_cooperative_id_entry_number_journal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_bank_line_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_bank_line_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_bank_line")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_bank_line_cooperative_id_code")
        ),
    )


_RIGHTS = {
    "bank_line": "select, insert, update (member_id, entry_number, counter_iban)",
    "kept_row": "select, insert, update, delete",
}


def _protect() -> None:
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)
