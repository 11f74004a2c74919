"""Tables of the ledger. The database itself guards them: see migration 0002 and docs/ledger.md."""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable


class AccountKind(enum.StrEnum):
    """Where an account stands in the annual accounts."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"


class Account(TenantTable, Base):
    """A line of the chart of accounts, or one party's part of a control account.

    ``key`` is the name by which code finds it (``member_account``); ``code`` is what an
    accountant sees: ``13830``, and ``13830:L00001`` for the part of one party. The trigger that
    opens its balance checks the cooperative, for all accounts that are opened together.
    """

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code", "unit"),
        UniqueConstraint(
            "cooperative_id", "key", "party", "unit", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint(
            "kind in ('asset', 'liability', 'equity', 'income', 'expense')", name="kind_known"
        ),
        CheckConstraint("code ~ '^[0-9A-Za-z._/:-]{1,60}$'", name="code_plain"),
        CheckConstraint("unit ~ '^[A-Z0-9]{2,12}$'", name="unit_plain"),
    )

    cooperative_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    id: Mapped[SurrogateKey]
    code: Mapped[str]
    key: Mapped[str]
    party: Mapped[str | None]
    unit: Mapped[str] = mapped_column(server_default="EUR", default="EUR")
    kind: Mapped[str]
    rgs_code: Mapped[str]
    name_nl: Mapped[str]
    name_en: Mapped[str]
    has_parties: Mapped[bool]


class LedgerHead(TenantTable, Base):
    """The end of a cooperative's hash chain; locking it puts entries in one order."""

    __tablename__ = "ledger_head"

    last_number: Mapped[int]
    last_hash: Mapped[bytes] = mapped_column(LargeBinary)


class JournalEntry(TenantTable, Base):
    """An immutable event in the books; a mistake is corrected by a reversing entry.

    ``number``, ``previous_hash`` and ``hash`` are set by the database when it is inserted, from
    the head of the cooperative's chain; that head stands for a foreign key to the cooperative,
    whose check would lock and rewrite the cooperative's row at every entry.
    """

    __tablename__ = "journal_entry"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "idempotency_key"),
        UniqueConstraint("cooperative_id", "reverses_number"),
        ForeignKeyConstraint(
            ["cooperative_id", "reverses_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name="fk_journal_entry_reversed",
        ),
        CheckConstraint("posting_count >= 2", name="posting_count_two_or_more"),
        CheckConstraint("reverses_number < number", name="reverses_an_earlier_entry"),
        CheckConstraint("octet_length(content_hash) = 32", name="content_hash_is_sha256"),
        CheckConstraint(
            "posted_by || kind || source || description || idempotency_key !~ '[[:cntrl:]]'",
            name="texts_are_single_lines",  # the canonical form is made of lines
        ),
        Index(
            "ix_journal_entry_cooperative_id_accounting_date",
            "cooperative_id",
            "accounting_date",
        ),
        Index("ix_journal_entry_cooperative_id_source", "cooperative_id", "source"),
    )

    cooperative_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    accounting_date: Mapped[date]
    posted_at: Mapped[datetime]
    posted_by: Mapped[str]
    kind: Mapped[str]
    source: Mapped[str]
    description: Mapped[str]
    idempotency_key: Mapped[str]
    reverses_number: Mapped[int | None]
    posting_count: Mapped[int]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Posting(TenantTable, Base):
    """One line of an entry: a debit when positive, a credit when negative.

    It has no foreign keys: they would be checked row by row. The statement's trigger checks
    the same for all rows at once (entry, account, sum per unit), and keeps the balances.
    """

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_nonzero"),
        Index(
            "ix_posting_cooperative_id_account_id",
            "cooperative_id",
            "account_id",
            "entry_number",
        ),
    )

    cooperative_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    entry_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    amount: Mapped[int]


class AccountBalance(TenantTable, Base):
    """The sum of an account's postings, kept in the transaction that posts, with its limits.

    It has no foreign keys either. Its rows are written by the trigger that opens accounts and
    by nothing else: the application's role may not insert here, and accounts are not deleted.
    """

    __tablename__ = "account_balance"
    __table_args__ = (
        CheckConstraint("balance >= minimum_balance", name="not_below_minimum"),
        CheckConstraint("balance <= maximum_balance", name="not_above_maximum"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    cooperative_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    balance: Mapped[int] = mapped_column(server_default="0")
    minimum_balance: Mapped[int | None]
    maximum_balance: Mapped[int | None]


class AccountingPeriod(TenantTable, Base):
    """A month that has been closed at least once; a month without a row is open."""

    __tablename__ = "accounting_period"
    __table_args__ = (
        CheckConstraint("extract(day from starts_on) = 1", name="starts_on_first_of_month"),
    )

    starts_on: Mapped[date] = mapped_column(primary_key=True)
    is_closed: Mapped[bool]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
