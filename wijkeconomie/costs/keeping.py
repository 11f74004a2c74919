"""Use cases of keeping costs and subsidies: what waits to be settled, and who helps to pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.funding import book_award, open_subsidy_accounts
from wijkeconomie.costs.keeping_rules import (
    RECURRING_CODE_LENGTH,
    require_amounts,
    require_code,
    require_day,
)
from wijkeconomie.costs.keys import flush_or_refuse, key_by_code
from wijkeconomie.costs.models import (
    RecurringCost,
    SharedCost,
    Subsidy,
    SubsidyEarmark,
    SubsidyMode,
)
from wijkeconomie.costs.refusals import CostSettledError
from wijkeconomie.costs.settling import hold_costs
from wijkeconomie.ledger.queries import party_codes
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCost:
    """A cost of one month; a refund has negative amounts.

    ``paid_by_member_id``: the member who paid it for the others, instead of a supplier.
    ``is_new_supplier``: nothing of this supplier stands in the books yet, and that is right.
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
    is_new_supplier: bool = False


def record_cost(uow: UnitOfWork, command: RecordCost) -> int:
    """Write down a cost that waits to be settled; returns its id.

    Raises:
        NotFoundError: no such key.
        InvalidInputError: a code that cannot stand in an address, a day far off, VAT that does
            not go with the amount, or a supplier of whom nothing stands in the books.
        CostExistsError: another cost has the code.
    """
    require_permission(uow.identity, "cost.change")
    require_code(command.code)
    require_day(command.month, local_date(uow.now, LOCAL_TIME))
    require_amounts(command.net_cents, command.vat_cents, command.vat_basis_points)
    _require_supplier(uow, command.supplier_code, is_new=command.is_new_supplier)
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
    record_change(
        uow,
        subject=f"shared_cost/{cost.id}",
        action="recorded",
        after={
            "code": cost.code,
            "month": f"{month:%Y-%m}",
            "key": key.code,
            "net_cents": cost.net_cents,
            "vat_cents": cost.vat_cents,
            "supplier": cost.supplier_code,
        },
    )
    return cost.id


def _require_supplier(uow: UnitOfWork, code: str | None, *, is_new: bool) -> None:
    """A slip of the pen would open an account of a supplier whom nobody knows."""
    if code is None or is_new or party_codes(uow.session, uow.tenant, "suppliers", [code]):
        return
    raise InvalidInputError(
        f"nothing of supplier {code} stands in the books", field="supplier_code", supplier=code
    )


def stop_cost(uow: UnitOfWork, cost_id: int, *, reason: str) -> None:
    """Keep a waiting cost from being settled, with the reason why.

    Who settles at the same moment waits for who stops, or the other way round.

    Raises:
        NotFoundError, CostSettledError.
    """
    require_permission(uow.identity, "cost.change")
    hold_costs(uow)
    cost = uow.session.get(
        SharedCost, (uow.tenant, cost_id), with_for_update=True, populate_existing=True
    )
    if cost is None:
        raise NotFoundError(f"there is no cost {cost_id}", cost=cost_id)
    if cost.settled_version:
        raise CostSettledError(f"cost {cost.code} was settled already", cost=cost.code)
    cost.stopped_at = uow.now
    uow.session.flush()
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
    is_new_supplier: bool = False


def save_recurring_cost(uow: UnitOfWork, command: SaveRecurringCost) -> int:
    """Write down a recurring cost; the clock makes its costs.

    Raises:
        NotFoundError: no such key.
        InvalidInputError: a day outside 1 to 31, an end before the start, a start far off, or
            as :func:`record_cost`.
        CostExistsError: another one has the code.
    """
    require_permission(uow.identity, "cost.change")
    require_code(command.code, longest=RECURRING_CODE_LENGTH)
    require_day(command.starts_on, local_date(uow.now, LOCAL_TIME), recurs=True)
    require_amounts(command.net_cents, command.vat_cents, command.vat_basis_points)
    _require_supplier(uow, command.supplier_code, is_new=command.is_new_supplier)
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
    record_change(
        uow,
        subject=f"recurring_cost/{recurring.id}",
        action="recorded",
        after={
            "code": recurring.code,
            "key": key.code,
            "net_cents": recurring.net_cents,
            "vat_cents": recurring.vat_cents,
            "every_months": recurring.every_months,
            "starts_on": command.starts_on.isoformat(),
            "ends_on": command.ends_on.isoformat() if command.ends_on else None,
        },
    )
    return recurring.id


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
    record_change(
        uow,
        subject=f"subsidy/{subsidy.id}",
        action="recorded",
        after={
            "code": subsidy.code,
            "mode": subsidy.mode,
            "key": command.key_code,
            "awarded_cents": subsidy.awarded_cents,
            "earmarks": len(command.earmarks),
        },
    )
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
