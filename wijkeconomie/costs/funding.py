"""Use cases of subsidies in the books: awarded, received, spent, accounted for, paid back.

Two accounts of each subsidy tell everything: what the funder owes still (``13201``) and what is
left to spend or to pay back (``16521``). Limits of the ledger keep both on their side of zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.models import Subsidy
from wijkeconomie.costs.refusals import CostExistsError, SubsidyAccountedError, SubsidyLimitError
from wijkeconomie.costs.settling import hold_costs
from wijkeconomie.ledger.batches import PartyKnownError, open_new_accounts
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft, credit, debit
from wijkeconomie.ledger.queries import account_balance, control_codes, last_number
from wijkeconomie.ledger.service import (
    ensure_account,
    lock_books,
    open_books,
    post_entry,
    set_balance_limit,
)

RECEIVABLE = "subsidy_receivable"
TO_SPEND = "subsidies"
INCOME = "subsidy_income"

_BOOKED = text(
    "select number from journal_entry where cooperative_id = :id and idempotency_key = :key"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveSubsidy:
    """An amount of a subsidy on a day; ``reference`` tells one from another of the same day."""

    code: str
    cents: int
    on: date
    reference: str


@dataclass(frozen=True, slots=True)
class SubsidyAccounts:
    """What the funder owes still, and what is left to spend or to pay back, in cents."""

    to_receive_cents: int
    to_spend_cents: int


def book_award(uow: UnitOfWork, subsidy: Subsidy) -> None:
    """Book the award on the first day of the subsidy, once."""
    if not subsidy.awarded_cents:
        return
    receivable, to_spend = _accounts(uow, subsidy.code)
    _post(
        uow,
        "subsidy.awarded",
        subsidy,
        MoveSubsidy(
            code=subsidy.code, cents=subsidy.awarded_cents, on=subsidy.valid_from, reference="award"
        ),
        (debit(receivable, subsidy.awarded_cents), credit(to_spend, subsidy.awarded_cents)),
    )
    set_balance_limit(uow, receivable, minimum=0)
    set_balance_limit(uow, to_spend, maximum=0)


def open_subsidy_accounts(uow: UnitOfWork, code: str) -> None:
    """Open the accounts of a new subsidy, which nothing else has: no round and no fund.

    Who takes the code for other money at the same moment waits, and finds it taken.

    Raises:
        CostExistsError: there is money with this code.
    """
    _open_control_accounts(uow)
    try:
        for key in (RECEIVABLE, TO_SPEND):
            open_new_accounts(uow, key, [code])
    except PartyKnownError as known:
        raise CostExistsError(f"{code} is in the books", code=code) from known


def receive_subsidy(uow: UnitOfWork, command: MoveSubsidy) -> SubsidyAccounts:
    """Book that the funder paid; a second call with the same reference books nothing.

    Funders pay their last part after the accounting: what was spent by then is still owed.

    Raises:
        NotFoundError, InvalidInputError, ClosedPeriodError.
        SubsidyLimitError: more than is owed.
    """
    require_permission(uow.identity, "cost.change")
    subsidy = held_subsidy(uow, command.code, command.cents)
    receivable, _ = _accounts(uow, subsidy.code)
    if not _is_booked(uow, "subsidy.received", subsidy, command):
        _require(subsidy_accounts(uow, subsidy.code).to_receive_cents, command)
    bank = ensure_account(uow, "bank")
    lines = (debit(bank, command.cents), credit(receivable, command.cents))
    _post(uow, "subsidy.received", subsidy, command, lines)
    return subsidy_accounts(uow, subsidy.code)


def spend_subsidy(uow: UnitOfWork, command: MoveSubsidy) -> SubsidyAccounts:
    """Book that a cost, which stands elsewhere in the books, was paid out of a subsidy.

    Costs that members share use their subsidy by themselves when they are settled.

    Raises:
        NotFoundError, InvalidInputError, ClosedPeriodError.
        SubsidyAccountedError, SubsidyLimitError: more than is left.
    """
    subsidy = _open_subsidy(uow, command)
    _, to_spend = _accounts(uow, subsidy.code)
    if not _is_booked(uow, "subsidy.spent", subsidy, command):
        _require(subsidy_accounts(uow, subsidy.code).to_spend_cents, command)
        subsidy.used_cents += command.cents
    income = ensure_account(uow, INCOME)
    lines = (debit(to_spend, command.cents), credit(income, command.cents))
    _post(uow, "subsidy.spent", subsidy, command, lines)
    uow.session.flush()
    return subsidy_accounts(uow, subsidy.code)


def account_for_subsidy(uow: UnitOfWork, code: str, on: date) -> SubsidyAccounts:
    """Note that the funder was told; what was neither spent nor received is not owed any more.

    What was received and not spent stays as a debt to the funder, to be paid back. Vouchers that
    expire later come back to the subsidy: account for it again, and pay that back too.

    Raises:
        NotFoundError, ClosedPeriodError.
        SubsidyAccountedError: it was accounted for, and nothing came back since.
    """
    require_permission(uow.identity, "cost.change")
    subsidy = held_subsidy(uow, code)
    lock_books(uow)
    receivable, to_spend = _accounts(uow, code)
    stands = subsidy_accounts(uow, code)
    lapses = min(stands.to_receive_cents, stands.to_spend_cents)
    reference = "accounted"
    if subsidy.accounted_on is not None:
        if not lapses:
            raise SubsidyAccountedError(f"subsidy {code} is closed", subsidy=code)
        # The books are held, so the number of the entry before this one is ours alone.
        reference = f"accounted/{last_number(uow.session, uow.tenant)}"
    command = MoveSubsidy(code=code, cents=max(lapses, 1), on=on, reference=reference)
    if lapses:
        lines = (debit(to_spend, lapses), credit(receivable, lapses))
        _post(uow, "subsidy.lapsed", subsidy, command, lines)
    subsidy.accounted_on = subsidy.accounted_on or on
    uow.session.flush()
    record_change(uow, subject=f"subsidy/{subsidy.id}", action="accounted for")
    return subsidy_accounts(uow, code)


def repay_subsidy(uow: UnitOfWork, command: MoveSubsidy) -> SubsidyAccounts:
    """Book that what was left was paid back to the funder, after it was accounted for.

    Raises:
        NotFoundError, InvalidInputError, ClosedPeriodError.
        SubsidyLimitError: more than was received and is left, or it was not accounted for yet.
    """
    require_permission(uow.identity, "cost.change")
    subsidy = held_subsidy(uow, command.code, command.cents)
    _, to_spend = _accounts(uow, subsidy.code)
    if not _is_booked(uow, "subsidy.repaid", subsidy, command):
        stands = subsidy_accounts(uow, subsidy.code)
        left = stands.to_spend_cents - stands.to_receive_cents
        _require(left if subsidy.accounted_on is not None else 0, command)
    bank = ensure_account(uow, "bank")
    lines = (debit(to_spend, command.cents), credit(bank, command.cents))
    _post(uow, "subsidy.repaid", subsidy, command, lines)
    return subsidy_accounts(uow, subsidy.code)


def subsidy_accounts(uow: UnitOfWork, code: str) -> SubsidyAccounts:
    """How the two accounts of a subsidy stand."""
    receivable, to_spend = _accounts(uow, code)
    return SubsidyAccounts(
        account_balance(uow.session, uow.tenant, receivable),
        -account_balance(uow.session, uow.tenant, to_spend),
    )


def _open_control_accounts(uow: UnitOfWork) -> None:
    if RECEIVABLE not in control_codes(uow.session, uow.tenant):
        # The books were opened before the chart had this account.
        open_books(uow, load_chart())


def _accounts(uow: UnitOfWork, code: str) -> tuple[str, str]:
    _open_control_accounts(uow)
    return ensure_account(uow, RECEIVABLE, code), ensure_account(uow, TO_SPEND, code)


def _open_subsidy(uow: UnitOfWork, command: MoveSubsidy) -> Subsidy:
    require_permission(uow.identity, "cost.change")
    subsidy = held_subsidy(uow, command.code, command.cents)
    if subsidy.accounted_on is not None:
        raise SubsidyAccountedError(f"subsidy {command.code} is closed", subsidy=command.code)
    return subsidy


def held_subsidy(uow: UnitOfWork, code: str, cents: int = 1) -> Subsidy:
    """A subsidy whose award is booked, held until the transaction ends, for ``cents`` of it.

    Costs are held first: who settles them draws on subsidies too.

    Raises:
        NotFoundError: there is none with this code.
        InvalidInputError: an amount of nothing.
    """
    hold_costs(uow)
    subsidy = uow.session.scalar(
        select(Subsidy)
        .where(Subsidy.cooperative_id == uow.tenant, Subsidy.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if subsidy is None:
        raise NotFoundError(f"there is no subsidy {code}", subsidy=code)
    if cents <= 0:
        raise InvalidInputError("an amount is above zero", field="cents")
    book_award(uow, subsidy)  # of subsidies from before awards were booked
    return subsidy


def _require(left: int, command: MoveSubsidy) -> None:
    if command.cents > left:
        raise SubsidyLimitError(
            f"{left} cents are left of {command.code}",
            subsidy=command.code,
            left_cents=max(left, 0),
        )


def _key(kind: str, subsidy: Subsidy, command: MoveSubsidy) -> str:
    return f"subsidy/{subsidy.id}/{kind}/{command.reference}"


def _is_booked(uow: UnitOfWork, kind: str, subsidy: Subsidy, command: MoveSubsidy) -> bool:
    """Whether this reference was booked before; posting again then compares the rest."""
    found = uow.session.scalar(_BOOKED, {"id": uow.tenant, "key": _key(kind, subsidy, command)})
    return found is not None


def _post(
    uow: UnitOfWork,
    kind: str,
    subsidy: Subsidy,
    command: MoveSubsidy,
    lines: tuple[PostingDraft, ...],
) -> None:
    post_entry(
        uow,
        EntryDraft(
            accounting_date=command.on,
            kind=kind,
            source=f"subsidy/{subsidy.code}",
            description=f"Subsidy {subsidy.code}",
            idempotency_key=_key(kind, subsidy, command),
            postings=lines,
        ),
    )
