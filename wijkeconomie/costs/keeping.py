"""Use cases of keeping costs and subsidies: what waits to be settled, and who helps to pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.funding import book_award, open_subsidy_accounts
from wijkeconomie.costs.keys import flush_or_refuse, key_by_code
from wijkeconomie.costs.models import (
    RecurringCost,
    SharedCost,
    Subsidy,
    SubsidyEarmark,
    SubsidyMode,
)
from wijkeconomie.costs.refusals import CostSettledError


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCost:
    """A cost of one month; a refund has negative amounts.

    ``paid_by_member_id``: the member who paid it for the others, instead of a supplier.
    """

    code: str
    month: date
    description: str
    key_code: str
    net_cents: int
    vat_cents: int
    vat_basis_points: int | None = None
    incurred_on: date | None = None
    supplier_code: str | None = None
    document: str | None = None
    recurring_id: int | None = None
    paid_by_member_id: int | None = None


def record_cost(uow: UnitOfWork, command: RecordCost) -> int:
    """Write down a cost that waits to be settled; returns its id.

    Raises:
        NotFoundError: no such key.
        CostExistsError: another cost has the code.
    """
    require_permission(uow.identity, "cost.change")
    key = key_by_code(uow, command.key_code)
    month = command.month.replace(day=1)
    cost = SharedCost(
        cooperative_id=uow.tenant,
        code=command.code,
        month=month,
        incurred_on=command.incurred_on or month,
        description=command.description,
        key_id=key.id,
        supplier_code=command.supplier_code,
        document=command.document,
        net_cents=command.net_cents,
        vat_cents=command.vat_cents,
        gross_cents=command.net_cents + command.vat_cents,
        vat_basis_points=command.vat_basis_points,
        recurring_id=command.recurring_id,
        paid_by_member_id=command.paid_by_member_id,
    )
    uow.session.add(cost)
    flush_or_refuse(uow, f"there is a cost {command.code}")
    return cost.id


def stop_cost(uow: UnitOfWork, cost_id: int, *, reason: str) -> None:
    """Keep a waiting cost from being settled, with the reason why.

    Raises:
        NotFoundError, CostSettledError.
    """
    require_permission(uow.identity, "cost.change")
    cost = uow.session.get(SharedCost, (uow.tenant, cost_id), with_for_update=True)
    if cost is None:
        raise NotFoundError(f"there is no cost {cost_id}", cost=cost_id)
    if cost.settled_version:
        raise CostSettledError(f"cost {cost.code} was settled already", cost=cost.code)
    cost.stopped_at = uow.now
    record_change(uow, subject=f"shared_cost/{cost.id}", action="stopped", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRecurringCost:
    """A cost that comes back; ``day_of_month`` 31 is the last day of shorter months."""

    code: str
    description: str
    key_code: str
    net_cents: int
    vat_cents: int
    starts_on: date
    vat_basis_points: int | None = None
    day_of_month: int = 1
    every_months: int = 1
    ends_on: date | None = None
    supplier_code: str | None = None
    document: str | None = None


def save_recurring_cost(uow: UnitOfWork, command: SaveRecurringCost) -> int:
    """Write down a recurring cost; the clock makes its costs.

    Raises:
        NotFoundError: no such key.
        InvalidInputError: a day outside 1 to 31, or an end before the start.
        CostExistsError: another one has the code.
    """
    require_permission(uow.identity, "cost.change")
    if not 1 <= command.day_of_month <= 31:
        raise InvalidInputError("a day of the month is 1 to 31", field="day_of_month")
    if not 1 <= command.every_months <= 120:
        raise InvalidInputError("it comes back every 1 to 120 months", field="every_months")
    if command.ends_on is not None and command.ends_on < command.starts_on:
        raise InvalidInputError("it ends before it starts", field="ends_on")
    key = key_by_code(uow, command.key_code)
    recurring = RecurringCost(
        cooperative_id=uow.tenant,
        code=command.code,
        description=command.description,
        key_id=key.id,
        supplier_code=command.supplier_code,
        document=command.document,
        net_cents=command.net_cents,
        vat_cents=command.vat_cents,
        gross_cents=command.net_cents + command.vat_cents,
        vat_basis_points=command.vat_basis_points,
        day_of_month=command.day_of_month,
        every_months=command.every_months,
        starts_on=command.starts_on,
        ends_on=command.ends_on,
    )
    uow.session.add(recurring)
    flush_or_refuse(uow, f"there is a recurring cost {command.code}")
    return recurring.id


def stop_recurring_cost(uow: UnitOfWork, code: str, *, reason: str) -> None:
    """Let a recurring cost come back no more; costs that it made stay.

    Raises:
        NotFoundError: no such recurring cost.
    """
    require_permission(uow.identity, "cost.change")
    found = uow.session.scalar(
        select(RecurringCost).where(
            RecurringCost.cooperative_id == uow.tenant, RecurringCost.code == code
        )
    )
    if found is None:
        raise NotFoundError(f"there is no recurring cost {code}", recurring=code)
    found.stopped_at = uow.now
    record_change(uow, subject=f"recurring_cost/{found.id}", action="stopped", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveSubsidy:
    """A subsidy that was awarded; ``valid_until`` is its last day."""

    code: str
    grantor: str
    purpose: str
    mode: SubsidyMode
    awarded_cents: int
    valid_from: date
    valid_until: date
    accountable_by: date | None = None
    key_code: str | None = None
    earmarks: Sequence[tuple[int, int]] = ()


def save_subsidy(uow: UnitOfWork, command: SaveSubsidy) -> int:
    """Write down a subsidy and book its award; with a key it lowers that key's costs, oldest first.

    Args:
        command: ``earmarks`` are member ids with cents, for the mode ``earmarked``.

    Raises:
        NotFoundError: no such key.
        InvalidInputError: nothing is awarded, it ends before it begins, or earmarks do not fit.
        CostExistsError: another subsidy, a round of carers' grants or a fund has the code.
        ClosedPeriodError: the month in which it begins was closed.
    """
    require_permission(uow.identity, "cost.change")
    _check_subsidy(command)
    key = key_by_code(uow, command.key_code) if command.key_code else None
    subsidy = Subsidy(
        cooperative_id=uow.tenant,
        code=command.code,
        grantor=command.grantor,
        purpose=command.purpose,
        mode=command.mode,
        key_id=key.id if key else None,
        awarded_cents=command.awarded_cents,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        accountable_by=command.accountable_by,
    )
    open_subsidy_accounts(uow, command.code)
    uow.session.add(subsidy)
    flush_or_refuse(uow, f"there is a subsidy {command.code}")
    uow.session.add_all(
        SubsidyEarmark(
            cooperative_id=uow.tenant, subsidy_id=subsidy.id, member_id=member_id, cents=cents
        )
        for member_id, cents in command.earmarks
    )
    uow.session.flush()
    book_award(uow, subsidy)
    return subsidy.id


def _check_subsidy(command: SaveSubsidy) -> None:
    if command.awarded_cents <= 0:
        raise InvalidInputError("a subsidy is more than nothing", field="awarded_cents")
    if command.valid_until < command.valid_from:
        raise InvalidInputError("it ends before it begins", field="valid_until")
    is_earmarked = command.mode is SubsidyMode.EARMARKED
    has_nobody = is_earmarked and command.key_code is not None and not command.earmarks
    has_too_many = bool(command.earmarks) and not is_earmarked
    if has_nobody or has_too_many or any(cents <= 0 for _, cents in command.earmarks):
        raise InvalidInputError("earmarks go with the mode of that name", field="earmarks")
