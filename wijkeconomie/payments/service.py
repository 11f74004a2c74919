"""Use cases of bank lines: record what the bank tells, and book what matches exactly."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import ensure_account, post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.payments import queries
from wijkeconomie.payments.models import BankLine
from wijkeconomie.payments.order_queries import orders_of_run, payout_run, run_of_reference
from wijkeconomie.payments.ordering import open_cents, settle_run
from wijkeconomie.payments.own_accounts import MAIN, account_of, own_accounts
from wijkeconomie.payments.participations import pay_participation
from wijkeconomie.payments.queries import BankLineView
from wijkeconomie.payments.refusals import BankLineDiffersError, WrongBankAccountError
from wijkeconomie.payments.returning import take_back
from wijkeconomie.payments.rules import Mismatch, mismatch, read_contribution_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBankLine:
    """A line of a bank statement. ``code`` is the bank's own reference: the key of a retry.

    ``amount_cents`` is positive for money received (``incasso``), and negative for money taken
    back (``storno``, with the bank's ``return_reason``) or paid out (``betaling``).
    """

    code: str
    account_iban: str
    booked_on: date
    amount_cents: int
    kind: str
    counter_iban: str | None = None
    end_to_end_id: str | None = None
    return_reason: str | None = None


@dataclass(frozen=True, slots=True)
class BankLineOutcome:
    """What became of a line: the entry that booked it, or why a person has to look."""

    code: str
    entry_number: int | None
    mismatch: Mismatch | None


def record_bank_line(uow: UnitOfWork, command: RecordBankLine) -> BankLineOutcome:
    """Record one line and book it when it matches; the same line again changes nothing.

    Raises:
        InvalidInputError: an amount that does not fit the kind.
        WrongBankAccountError: the account is not the cooperative's.
        BankLineDiffersError: the reference was recorded with another content.
    """
    record_bank_lines(uow, [command])
    line = queries.bank_line_by_code(uow.session, uow.tenant, command.code)
    if line is None:
        raise AssertionError("a recorded line can be read")
    if line.entry_number is not None:
        return BankLineOutcome(line.code, line.entry_number, None)
    return book_bank_line(uow, line)


def record_bank_lines(uow: UnitOfWork, commands: Sequence[RecordBankLine]) -> int:
    """Record lines without booking them, set-based; returns how many are new.

    Raises:
        As :func:`record_bank_line`; nothing is recorded then.
    """
    require_permission(uow.identity, "bank.import")
    own = own_accounts(uow.session, uow.tenant)
    for command in commands:
        _check(command, own)
    new = uow.session.scalars(
        insert(BankLine)
        .on_conflict_do_nothing(index_elements=["cooperative_id", "code"])
        .returning(BankLine.code),
        [_columns(uow, command) for command in commands],
    ).all()
    known = {command.code: command for command in commands if command.code not in set(new)}
    for line in uow.session.scalars(
        select(BankLine).where(BankLine.cooperative_id == uow.tenant, BankLine.code.in_(known))
    ):
        _require_same(line, known[line.code])
    return len(new)


def match_bank_lines(uow: UnitOfWork, *, limit: int | None = None) -> list[BankLineOutcome]:
    """Book the lines that wait and match now, oldest first; tells the outcome of each.

    Lines that do not match stay as they are, to be tried again after something changed.
    """
    require_permission(uow.identity, "bank.import")
    # Two at once would both find a line unbooked: the second waits and then finds it booked.
    uow.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended('bank-lines/' || :tenant, 0))"),
        {"tenant": str(uow.tenant)},
    )
    lines = queries.unbooked_lines(uow.session, uow.tenant, limit=limit)
    return [book_bank_line(uow, line) for line in lines]


def _check(command: RecordBankLine, own: Collection[str]) -> None:
    if not command.code.strip():
        raise InvalidInputError("a bank line has a reference", field="code")
    if command.kind not in {"incasso", "storno", "betaling"}:
        raise InvalidInputError("this is incasso, storno or betaling", field="kind")
    if not command.amount_cents or (command.kind != "incasso") != (command.amount_cents < 0):
        raise InvalidInputError(
            "money received is positive, what goes out is negative", field="amount_cents"
        )
    if command.account_iban not in own:
        raise WrongBankAccountError(
            f"{command.account_iban} is not the account of this cooperative",
            line=command.code,
            iban=command.account_iban,
        )


def _columns(uow: UnitOfWork, command: RecordBankLine) -> dict[str, object]:
    return {
        "cooperative_id": uow.tenant,
        "code": command.code,
        "account_iban": command.account_iban,
        "booked_on": command.booked_on,
        "amount_cents": command.amount_cents,
        "counter_iban": command.counter_iban,
        "end_to_end_id": command.end_to_end_id,
        "kind": command.kind,
        "return_reason": command.return_reason,
        "imported_at": uow.now,
    }


_CONTENT = (
    "account_iban",
    "booked_on",
    "amount_cents",
    "counter_iban",
    "end_to_end_id",
    "kind",
    "return_reason",
)


def _require_same(line: BankLine, command: RecordBankLine) -> None:
    for name in _CONTENT:
        if getattr(line, name) != getattr(command, name):
            raise BankLineDiffersError(
                f"bank line {line.code} was recorded with another {name}",
                line=line.code,
                field=name,
            )


def book_bank_line(uow: UnitOfWork, line: BankLineView) -> BankLineOutcome:
    """Book one recorded line that has not been booked, when it matches exactly.

    The entry's key is the line's, so that booking it twice books it once.
    """
    require_permission(uow.identity, "bank.import")
    if line.kind == "betaling":
        return _book_payout(uow, line)
    run = run_of_reference(uow.session, uow.tenant, (line.end_to_end_id or "").strip())
    if line.amount_cents > 0 and run is not None:
        return _book_return(uow, line, run)
    reference = read_contribution_reference(line.end_to_end_id)
    if reference is None or line.end_to_end_id is None:
        return _book_participation(uow, line)
    facts = queries.match_facts(
        uow.session,
        uow.tenant,
        member_code=reference.member_code,
        year=reference.year,
        end_to_end_id=line.end_to_end_id,
    )
    if facts is None:
        return BankLineOutcome(line.code, None, Mismatch.MEMBER_UNKNOWN)
    reason = mismatch(line.amount_cents, facts.charged_cents, facts.collected_cents)
    if reason is not None:
        return BankLineOutcome(line.code, None, reason)
    number = post_entry(uow, _draft(uow, line, reference.member_code)).number
    uow.session.execute(
        update(BankLine)
        .where(BankLine.cooperative_id == uow.tenant, BankLine.id == line.id)
        .values(member_id=facts.member_id, entry_number=number)
    )
    return BankLineOutcome(line.code, number, None)


def _book_participation(uow: UnitOfWork, line: BankLineView) -> BankLineOutcome:
    """Book a line that pays for units of a project: their number as reference, and their amount."""
    paid = pay_participation(
        uow,
        line.end_to_end_id or "",
        cents=line.amount_cents,
        on=line.booked_on,
        bank=account_of(uow, line.account_iban, MAIN),
    )
    if isinstance(paid, Mismatch):
        return BankLineOutcome(line.code, None, paid)
    uow.session.execute(
        update(BankLine)
        .where(BankLine.cooperative_id == uow.tenant, BankLine.id == line.id)
        .values(member_id=paid.member_id, entry_number=paid.entry_number)
    )
    return BankLineOutcome(line.code, paid.entry_number, None)


def _book_payout(uow: UnitOfWork, line: BankLineView) -> BankLineOutcome:
    """Settle a payout run, or one of its payments: their reference, account and exact amount."""
    reference = (line.end_to_end_id or "").strip()
    code = run_of_reference(uow.session, uow.tenant, reference)
    if code is None:
        return BankLineOutcome(line.code, None, Mismatch.REFERENCE_UNKNOWN)
    run = payout_run(uow.session, uow.tenant, code)
    left = open_cents(uow, reference)
    made_on = local_date(run.made_at, LOCAL_TIME)
    is_possible = made_on <= line.booked_on <= local_date(uow.now, LOCAL_TIME)
    if not left or not is_possible or line.account_iban != run.debtor_iban:
        return BankLineOutcome(line.code, None, Mismatch.NO_PAYMENT_WAITS)
    if line.amount_cents != -left:
        return BankLineOutcome(line.code, None, Mismatch.AMOUNT_DIFFERS)
    number = settle_run(
        uow, code, line.booked_on, reference=None if reference == code else reference
    )
    return _booked(uow, line, number)


def _book_return(uow: UnitOfWork, line: BankLineView, code: str) -> BankLineOutcome:
    """Take back one payment that the bank sent back: its reference, account and exact amount."""
    reference = (line.end_to_end_id or "").strip()
    run = payout_run(uow.session, uow.tenant, code)
    orders = orders_of_run(uow.session, uow.tenant, run.id)
    order = next((each for each in orders if each.end_to_end_id == reference), None)
    is_possible = (
        order is not None
        and order.settled_on is not None
        and order.returned_on is None
        and order.settled_on <= line.booked_on <= local_date(uow.now, LOCAL_TIME)
    )
    if order is None or not is_possible or line.account_iban != run.debtor_iban:
        return BankLineOutcome(line.code, None, Mismatch.NO_PAYMENT_TO_RETURN)
    if line.amount_cents != order.cents:
        return BankLineOutcome(line.code, None, Mismatch.AMOUNT_DIFFERS)
    reason = line.return_reason or "bank"
    return _booked(uow, line, take_back(uow, code, reference, line.booked_on, reason=reason))


def _booked(uow: UnitOfWork, line: BankLineView, number: int | None) -> BankLineOutcome:
    uow.session.execute(
        update(BankLine)
        .where(BankLine.cooperative_id == uow.tenant, BankLine.id == line.id)
        .values(entry_number=number)
    )
    return BankLineOutcome(line.code, number, None)


def _draft(uow: UnitOfWork, line: BankLineView, member_code: str) -> EntryDraft:
    """Bank to contributions receivable; a return runs the other way by its sign."""
    bank = ensure_account(uow, account_of(uow, line.account_iban, MAIN))
    words = "collected" if line.amount_cents > 0 else f"returned {line.return_reason or ''}"
    return EntryDraft(
        accounting_date=line.booked_on,
        kind="contribution.collected" if line.amount_cents > 0 else "contribution.returned",
        source=f"bank/{line.code}",
        description=f"Contribution {line.end_to_end_id} {words.strip()}",
        idempotency_key=f"bank/{line.code}",
        postings=(
            debit(bank, line.amount_cents),
            credit(ensure_account(uow, "contribution_receivable", member_code), line.amount_cents),
        ),
    )
