"""The ledger and the guards that the database itself holds."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0002_ledger"
down_revision = "0001_foundation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tables()
    _protect()


def downgrade() -> None:
    op.execute("drop trigger refuse_change on audit_record")
    op.execute("drop trigger open_head on cooperative")
    op.execute("drop function ledger_content_head(journal_entry)")
    op.drop_table("account_balance")
    op.drop_index("ix_posting_cooperative_id_account_id", table_name="posting")
    op.drop_table("posting")
    op.drop_table("ledger_head")
    op.drop_index("ix_journal_entry_cooperative_id_source", table_name="journal_entry")
    op.drop_index("ix_journal_entry_cooperative_id_accounting_date", table_name="journal_entry")
    op.drop_table("journal_entry")
    op.drop_table("accounting_period")
    op.drop_table("account")
    for function in _FUNCTIONS:
        op.execute(f"drop function {function}")


def _create_tables() -> None:
    op.create_table(
        "account",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), server_default="EUR", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rgs_code", sa.Text(), nullable=False),
        sa.Column("name_nl", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("has_parties", sa.Boolean(), nullable=False),
        sa.CheckConstraint("code ~ '^[0-9A-Za-z._/:-]{1,60}$'", name=op.f("ck_account_code_plain")),
        sa.CheckConstraint(
            "kind in ('asset', 'liability', 'equity', 'income', 'expense')",
            name=op.f("ck_account_kind_known"),
        ),
        sa.CheckConstraint("unit ~ '^[A-Z0-9]{2,12}$'", name=op.f("ck_account_unit_plain")),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_account_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "cooperative_id", "code", "unit", name=op.f("uq_account_cooperative_id_code_unit")
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "key",
            "party",
            "unit",
            name=op.f("uq_account_cooperative_id_key_party_unit"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "accounting_period",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "extract(day from starts_on) = 1",
            name=op.f("ck_accounting_period_starts_on_first_of_month"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_accounting_period_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "starts_on", name=op.f("pk_accounting_period")),
    )
    op.create_table(
        "journal_entry",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("accounting_date", sa.Date(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_by", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("reverses_number", sa.BigInteger(), nullable=True),
        sa.Column("posting_count", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "posted_by || kind || source || description || idempotency_key !~ '[[:cntrl:]]'",
            name=op.f("ck_journal_entry_texts_are_single_lines"),
        ),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32",
            name=op.f("ck_journal_entry_content_hash_is_sha256"),
        ),
        sa.CheckConstraint(
            "posting_count >= 2", name=op.f("ck_journal_entry_posting_count_two_or_more")
        ),
        sa.CheckConstraint(
            "reverses_number < number", name=op.f("ck_journal_entry_reverses_an_earlier_entry")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "reverses_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name="fk_journal_entry_reversed",
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "number", name=op.f("pk_journal_entry")),
        sa.UniqueConstraint(
            "cooperative_id",
            "idempotency_key",
            name=op.f("uq_journal_entry_cooperative_id_idempotency_key"),
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "reverses_number",
            name=op.f("uq_journal_entry_cooperative_id_reverses_number"),
        ),
    )
    op.create_index(
        "ix_journal_entry_cooperative_id_accounting_date",
        "journal_entry",
        ["cooperative_id", "accounting_date"],
        unique=False,
    )
    op.create_index(
        "ix_journal_entry_cooperative_id_source",
        "journal_entry",
        ["cooperative_id", "source"],
        unique=False,
    )
    op.create_table(
        "ledger_head",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_ledger_head_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "posting",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_posting_amount_nonzero")),
        sa.PrimaryKeyConstraint("cooperative_id", "entry_number", "line", name=op.f("pk_posting")),
    )
    op.create_index(
        "ix_posting_cooperative_id_account_id",
        "posting",
        ["cooperative_id", "account_id", "entry_number"],
        unique=False,
    )
    op.create_table(
        "account_balance",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("balance", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("minimum_balance", sa.BigInteger(), nullable=True),
        sa.Column("maximum_balance", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "balance <= maximum_balance", name=op.f("ck_account_balance_not_above_maximum")
        ),
        sa.CheckConstraint(
            "balance >= minimum_balance", name=op.f("ck_account_balance_not_below_minimum")
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "account_id", name=op.f("pk_account_balance")),
        postgresql_with={"fillfactor": "50"},
    )


_GUARDS = Path(__file__).parents[1] / "sql" / "ledger_guards.sql"

_RIGHTS = {
    "account": "select, insert, update (rgs_code, name_nl, name_en)",
    "ledger_head": "select",
    "journal_entry": "select, insert",
    "posting": "select, insert",
    "account_balance": "select, update (minimum_balance, maximum_balance)",
    "accounting_period": "select, insert, update",
}

_FUNCTIONS = (
    "ledger_open_head()",
    "ledger_first_hash(text)",
    "ledger_open_balances()",
    "ledger_chain_entry()",
    "ledger_require_postings()",
    "ledger_check_postings()",
    "ledger_refuse_change()",
    "ledger_keep_account()",
    "ledger_lock_books(bigint)",
)


def _protect() -> None:
    op.execute(sa.text(_GUARDS.read_text(encoding="utf-8").replace(":", r"\:")))
    op.execute(
        "create trigger refuse_change before update or delete on audit_record "
        "for each row execute function ledger_refuse_change()"
    )
    for function in _FUNCTIONS:
        op.execute(f"revoke all on function {function} from public")
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)
