"""Use cases of a care administrator: budgets, carers and care agreements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase

from wijkeconomie.budgets.access import (
    new_alias,
    open_care_records,
    open_record,
    write_trail,
)
from wijkeconomie.budgets.models import (
    SVB_NAME,
    AgreementStatus,
    CareAgreement,
    CareBudget,
    CareLaw,
    Carer,
)
from wijkeconomie.budgets.refusals import (
    CareCodeTakenError,
    OverBudgetError,
    OverFenceError,
    OwnCarerError,
)
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.service import ensure_account, open_books, set_balance_limit
from wijkeconomie.money.check_digits import CheckDigitError, validate_iban

HELD = "care_budgets"
PAYABLE = "carers"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveBudget:
    """A budget as it was granted; ``ends_on`` is its last day.

    ``is_drawing_right`` left out follows the law: only the Zvw has none. ``alias`` is for books
    that know the budget by one already.
    """

    code: str
    holder_id: int
    law: CareLaw
    starts_on: date
    ends_on: date
    budget_cents: int
    is_drawing_right: bool | None = None
    alias: str | None = None
    payer_name: str | None = None
    """Which body pays: the SVB where a drawing right is left without; an insurer may follow."""


def holds_money(law: str, *, is_drawing_right: bool) -> bool:
    """Whether the budget's money may come to the cooperative at all.

    Money of the Wlz, the Wmo and the Jeugdwet stays with the SVB, whatever a file says.

    Source: drawing right, art. 2.6.2 Wmo 2015, art. 8.1.8 Jeugdwet, art. 3.3.3 Wlz.
    """
    return law == CareLaw.ZVW and not is_drawing_right


def save_budget(uow: UnitOfWork, command: SaveBudget) -> int:
    """Write down a budget; returns its id.

    A budget whose money the cooperative holds gets an account with a limit in the books.

    Raises:
        InvalidInputError: it ends before it begins, or the amount is negative.
        CareCodeTakenError: another budget has the number.
    """
    open_care_records(uow, "budget-made", holder_id=command.holder_id, subject=command.code)
    return add_budget(uow, command)


def add_budget(uow: UnitOfWork, command: SaveBudget) -> int:
    """The same, where the trail has been written for many at once."""
    if command.ends_on < command.starts_on:
        raise InvalidInputError("it ends before it begins", field="ends_on")
    if command.budget_cents < 0:
        raise InvalidInputError("a budget is not negative", field="budget")
    is_drawing_right = command.is_drawing_right
    if is_drawing_right is None:
        is_drawing_right = command.law != CareLaw.ZVW
    budget = CareBudget(
        cooperative_id=uow.tenant,
        code=command.code,
        alias=command.alias or new_alias("PGB"),
        holder_id=command.holder_id,
        law=command.law.value,
        is_drawing_right=is_drawing_right,
        starts_on=command.starts_on,
        ends_on=command.ends_on,
        budget_cents=command.budget_cents,
        payer_name=(command.payer_name or "").strip()
        or (None if holds_money(command.law, is_drawing_right=is_drawing_right) else SVB_NAME),
    )
    _add(uow, budget, f"there is a budget {command.code}")
    if holds_money(command.law, is_drawing_right=is_drawing_right):
        limit_account(uow, budget)
    return budget.id


def limit_account(uow: UnitOfWork, budget: CareBudget) -> str:
    """The code of a budget's account, on which care never passes what came in by more than it."""
    open_books(uow, load_chart())  # books of an earlier time lack the accounts of care
    code = ensure_account(uow, HELD, budget.alias)
    set_balance_limit(uow, code, maximum=budget.budget_cents)
    return code


def revise_budget(uow: UnitOfWork, budget_id: int, *, budget_cents: int, reason: str) -> None:
    """Change what was granted, with the reason why; never below what was used.

    Raises:
        NotFoundError: no such budget, or not one of the administrator's cooperative.
        OverBudgetError: more than that was used already.
    """
    open_record(uow, "budget-opened", "budget", budget_id)
    budget = find_budget(uow, budget_id)
    if budget_cents < budget.used_cents:
        raise OverBudgetError(f"{budget.used_cents} cents of this budget are used", left_cents=0)
    budget.budget_cents = budget_cents
    uow.session.flush()
    if holds_money(budget.law, is_drawing_right=budget.is_drawing_right):
        limit_account(uow, budget)
    write_trail(
        uow,
        "budget-revised",
        holder_id=budget.holder_id,
        subject=budget.code,
        reason=f"{reason} ({budget_cents})",
    )


def find_budget(uow: UnitOfWork, budget_id: int, *, is_locked: bool = True) -> CareBudget:
    """A budget that may be seen in this transaction.

    Raises:
        NotFoundError: there is none.
    """
    found = uow.session.get(
        CareBudget, (uow.tenant, budget_id), with_for_update=is_locked, populate_existing=True
    )
    if found is None:
        raise NotFoundError(f"there is no budget {budget_id}", budget=budget_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveCarer:
    """Someone who gives care: a member who can sign in, or someone from outside."""

    name: str | None
    member_id: int | None = None
    iban: str | None = None
    alias: str | None = None


def save_carer(uow: UnitOfWork, command: SaveCarer) -> int:
    """Write down a carer; a member is one carer, however often he is named.

    Raises:
        InvalidInputError: neither a name nor a member.
    """
    require_permission(uow.identity, "care.administer")
    if command.member_id is not None:
        known = uow.session.scalar(
            select(Carer).where(
                Carer.cooperative_id == uow.tenant, Carer.member_id == command.member_id
            )
        )
        if known is not None:
            return known.id
    elif not (command.name or "").strip():
        raise InvalidInputError("a carer has a name", field="name")
    return add_carer(uow, command)


def add_carer(uow: UnitOfWork, command: SaveCarer) -> int:
    """Write down a new carer; one that a folder brings in may have no name yet."""
    carer = Carer(
        cooperative_id=uow.tenant,
        alias=command.alias or new_alias("Z"),
        name=command.name,
        member_id=command.member_id,
        iban=command.iban,
    )
    _add(uow, carer, "this member is a carer already")
    return carer.id


def name_carer(uow: UnitOfWork, agreement_id: int, *, name: str, iban: str | None = None) -> None:
    """Give the carer of an agreement, whom a folder brought in without one, his name.

    Args:
        iban: where to pay him, by his wish; stays as it is when left out.

    Raises:
        NotFoundError: no such agreement.
        InvalidInputError: no name, or no account number that can exist.
    """
    if not name.strip():
        raise InvalidInputError("a carer has a name", field="name")
    carer = find_carer(uow, _opened_agreement(uow, agreement_id).carer_id)
    carer.name = name.strip()
    if iban:
        try:
            carer.iban = validate_iban(iban)
        except CheckDigitError as error:
            raise InvalidInputError("this is not an account number", field="iban") from error


def find_carer(uow: UnitOfWork, carer_id: int) -> Carer:
    """A carer of the cooperative.

    Raises:
        NotFoundError: there is none.
    """
    found = uow.session.get(Carer, (uow.tenant, carer_id))
    if found is None:
        raise NotFoundError(f"there is no carer {carer_id}", carer=carer_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveAgreement:
    """A care agreement; without dates it goes as long as the budget does."""

    budget_id: int
    carer_id: int
    hourly_rate_cents: int
    starts_on: date | None = None
    ends_on: date | None = None
    limit_cents: int | None = None
    status: AgreementStatus = AgreementStatus.PENDING


def save_agreement(uow: UnitOfWork, command: SaveAgreement) -> int:
    """Write down an agreement, which then waits for approval; returns its id.

    Raises:
        NotFoundError: no such budget or carer.
        InvalidInputError: dates outside the budget, or a rate or limit below zero.
        OwnCarerError: the carer is the holder.
    """
    open_record(uow, "agreement-made", "budget", command.budget_id)
    budget = find_budget(uow, command.budget_id)
    if find_carer(uow, command.carer_id).member_id == budget.holder_id:
        raise OwnCarerError(f"the holder of {budget.code} cannot be his own carer")
    return add_agreement(uow, budget, command)


def add_agreement(uow: UnitOfWork, budget: CareBudget, command: SaveAgreement) -> int:
    """The same, where the trail has been written for many at once."""
    starts_on = command.starts_on or budget.starts_on
    ends_on = command.ends_on or budget.ends_on
    if not budget.starts_on <= starts_on <= ends_on <= budget.ends_on:
        raise InvalidInputError("an agreement lies within its budget", field="starts_on")
    if command.hourly_rate_cents < 0:
        raise InvalidInputError("a rate is not negative", field="rate")
    if command.limit_cents is not None and command.limit_cents < 0:
        raise InvalidInputError("a limit is not negative", field="limit")
    agreement = CareAgreement(
        cooperative_id=uow.tenant,
        budget_id=budget.id,
        holder_id=budget.holder_id,
        carer_id=command.carer_id,
        hourly_rate_cents=command.hourly_rate_cents,
        starts_on=starts_on,
        ends_on=ends_on,
        limit_cents=command.limit_cents,
        status=command.status.value,
    )
    uow.session.add(agreement)
    uow.session.flush()
    return agreement.id


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideAgreement:
    """What the zorgkantoor, the SVB or the insurer decided."""

    agreement_id: int
    is_approved: bool
    decided_on: date
    decided_by: str


def decide_agreement(uow: UnitOfWork, command: DecideAgreement) -> None:
    """Write down that an agreement was approved or refused, by whom and when.

    What was declared on it before stays as it is.

    Raises:
        NotFoundError: no such agreement.
        InvalidInputError: it does not say who decided.
    """
    if not command.decided_by.strip():
        raise InvalidInputError("say who decided", field="decided_by")
    agreement = _opened_agreement(uow, command.agreement_id)
    status = AgreementStatus.APPROVED if command.is_approved else AgreementStatus.REFUSED
    agreement.status = status.value
    agreement.decided_on = command.decided_on
    agreement.decided_by = command.decided_by.strip()
    write_trail(
        uow,
        f"agreement-{status.value}",
        holder_id=agreement.holder_id,
        subject=str(agreement.id),
        reason=agreement.decided_by,
    )


def end_agreement(uow: UnitOfWork, agreement_id: int, *, ends_on: date) -> None:
    """Let an agreement end sooner; a new rate is a new agreement from the day after.

    Raises:
        NotFoundError: no such agreement.
        InvalidInputError: before it begins, or later than it ended.
    """
    agreement = _opened_agreement(uow, agreement_id)
    if not agreement.starts_on <= ends_on <= agreement.ends_on:
        raise InvalidInputError("choose a day within the agreement", field="ends_on")
    agreement.ends_on = ends_on
    write_trail(uow, "agreement-ended", holder_id=agreement.holder_id, subject=str(agreement.id))


def fence_agreement(uow: UnitOfWork, agreement_id: int, *, limit_cents: int | None) -> None:
    """Set apart so much of the budget for an agreement, or take the fence away.

    Raises:
        NotFoundError: no such agreement.
        OverFenceError: more than that was used already.
    """
    agreement = _opened_agreement(uow, agreement_id)
    if limit_cents is not None and limit_cents < agreement.used_cents:
        raise OverFenceError(
            f"{agreement.used_cents} cents of this agreement are used", left_cents=0
        )
    agreement.limit_cents = limit_cents
    write_trail(uow, "agreement-fenced", holder_id=agreement.holder_id, subject=str(agreement.id))


def _opened_agreement(uow: UnitOfWork, agreement_id: int) -> CareAgreement:
    open_record(uow, "agreement-opened", "agreement", agreement_id)
    found = uow.session.get(CareAgreement, (uow.tenant, agreement_id), with_for_update=True)
    if found is None:
        raise NotFoundError(f"there is no agreement {agreement_id}", agreement=agreement_id)
    return found


def _add(uow: UnitOfWork, row: DeclarativeBase, taken: str) -> None:
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
            uow.session.flush()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if not str(getattr(diagnosis, "constraint_name", "")).startswith("uq_"):
            raise
        raise CareCodeTakenError(taken) from error
