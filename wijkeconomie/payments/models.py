"""Tables of bank lines, and of payout runs: what was ordered at the bank in one file."""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable, one_of, own_key


class PayeeKind(enum.StrEnum):
    """Whom a payout run pays: shops from the account of vouchers, all others from the bank."""

    MERCHANT = "merchant"
    MEMBER = "member"
    CARER = "carer"
    GRANT = "grant"

    @property
    def account_key(self) -> str:
        """The account in the books from which they are paid."""
        return "voucher_bank" if self is PayeeKind.MERCHANT else "bank"


class OwnBankAccount(TenantTable, Base):
    """A bank account of ours beside that of the cooperative, and where the books keep it."""

    __tablename__ = "own_bank_account"
    __table_args__ = (
        CheckConstraint("account_key in ('bank', 'voucher_bank')", name="account_key_known"),
    )

    iban: Mapped[str] = mapped_column(primary_key=True)
    account_key: Mapped[str]


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
        CheckConstraint("kind in ('incasso', 'storno', 'betaling')", name="kind_known"),
        CheckConstraint("(kind <> 'incasso') = (amount_cents < 0)", name="storno_is_negative"),
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


class PayoutRun(TenantTable, Base):
    """What was ordered at the bank at once, in one file. Numbers have no gaps.

    ``code`` is the reference by which the bank books it as one sum.
    """

    __tablename__ = "payout_run"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "number"),
        UniqueConstraint("cooperative_id", "code"),
        CheckConstraint(one_of("kind", PayeeKind), name="kind_known"),
        CheckConstraint("number > 0", name="number_positive"),
    )

    id: Mapped[SurrogateKey]
    number: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    debtor_iban: Mapped[str]
    execute_on: Mapped[date]
    made_at: Mapped[datetime]
    made_by: Mapped[str]


class PayoutOrder(TenantTable, Base):
    """One payment of a run, to the name and the account that were known when it was made.

    Of a carer's grant, name and account are erased once the bank has paid. ``replaces`` names a
    payment that came back and is ordered anew by this one: at most once, for the same amount.
    """

    __tablename__ = "payout_order"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "end_to_end_id"),
        UniqueConstraint("cooperative_id", "replaces_run_id", "replaces_position"),
        own_key("run_id", of="payout_run"),
        ForeignKeyConstraint(
            ["cooperative_id", "replaces_run_id", "replaces_position"],
            ["payout_order.cooperative_id", "payout_order.run_id", "payout_order.position"],
            name="fk_payout_order_replaces",
        ),
        CheckConstraint(
            "(replaces_run_id is null) = (replaces_position is null)", name="replaces_a_payment"
        ),
        CheckConstraint("cents between 1 and 99999999999", name="cents_of_a_payment"),
        CheckConstraint(
            "name is not null and iban is not null or settled_on is not null",
            name="erased_when_settled",
        ),
        CheckConstraint(
            "(settled_on is null) = (entry_number is null)", name="settled_with_an_entry"
        ),
    )

    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    end_to_end_id: Mapped[str]
    party: Mapped[str]
    name: Mapped[str | None]
    iban: Mapped[str | None]
    cents: Mapped[int]
    purpose: Mapped[str]
    settled_on: Mapped[date | None]
    entry_number: Mapped[int | None]
    replaces_run_id: Mapped[int | None]
    replaces_position: Mapped[int | None]


class PayoutReturn(TenantTable, Base):
    """A payout return: a payment that did not arrive.

    It was called off before the bank paid, or sent back after it. Its money stays under way
    until another run orders it anew. ``entry_number`` books what the bank sent back; there is
    none where the bank never paid.
    """

    __tablename__ = "payout_return"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "run_id", "position"],
            ["payout_order.cooperative_id", "payout_order.run_id", "payout_order.position"],
            name="fk_payout_return_payout_order",
        ),
        CheckConstraint("reason <> ''", name="reason_given"),
    )

    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    returned_on: Mapped[date]
    entry_number: Mapped[int | None]
    noted_at: Mapped[datetime]
    noted_by: Mapped[str]
