"""Tables of bank lines."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable


class BankLine(TenantTable, Base):
    """One line of a bank statement, and the entry that booked it.

    ``code`` is the bank's own reference and unique, so a statement read twice books once.
    """

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "member_id"], ["member.cooperative_id", "member.id"]
        ),
        CheckConstraint("amount_cents <> 0", name="amount_nonzero"),
        CheckConstraint("kind in ('incasso', 'storno')", name="kind_known"),
        CheckConstraint("(kind = 'storno') = (amount_cents < 0)", name="storno_is_negative"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    account_iban: Mapped[str]
    booked_on: Mapped[date]
    amount_cents: Mapped[int]
    counter_iban: Mapped[str | None]
    end_to_end_id: Mapped[str | None]
    kind: Mapped[str]
    return_reason: Mapped[str | None]
    member_id: Mapped[int | None]
    entry_number: Mapped[int | None]
    imported_at: Mapped[datetime]
