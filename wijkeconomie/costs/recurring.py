"""Use cases of recurring costs after they were written down: another amount, key or end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.keeping_rules import require_amounts, require_day
from wijkeconomie.costs.keys import key_by_code
from wijkeconomie.costs.models import RecurringCost, SharedCost
from wijkeconomie.costs.recurring_models import RecurringCostTerms
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecurringCost:
    """A recurring cost as it is from a month on; ``ends_on`` is its last day, if one is known."""

    code: str
    from_month: date
    key_code: str
    net_cents: int
    vat_cents: int
    vat_basis_points: int | None = None
    ends_on: date | None = None


def change_recurring_cost(uow: UnitOfWork, command: ChangeRecurringCost) -> None:
    """Let a recurring cost be another one from a month on; what it made before stays.

    Raises:
        NotFoundError: no such recurring cost or key, or it was stopped.
        InvalidInputError: it made a cost of that month or a later one already, it would end
            before it starts, or as :func:`wijkeconomie.costs.keeping.record_cost`.
    """
    require_permission(uow.identity, "cost.change")
    recurring = held_recurring_cost(uow, command.code)
    if recurring.stopped_at is not None:
        raise NotFoundError(f"{command.code} was stopped", recurring=command.code)
    from_month = command.from_month.replace(day=1)
    require_day(from_month, local_date(uow.now, LOCAL_TIME), recurs=True)
    require_amounts(command.net_cents, command.vat_cents, command.vat_basis_points)
    if command.ends_on is not None and command.ends_on < recurring.starts_on:
        raise InvalidInputError("it ends before it starts", field="ends_on")
    _require_not_made(uow, recurring, from_month)
    key = key_by_code(uow, command.key_code)
    was = terms_on(uow, recurring, from_month) or recurring
    before = {"key_id": was.key_id, "ends_on": _written(recurring.ends_on), **_amounts(was)}
    terms = uow.session.get(
        RecurringCostTerms, (uow.tenant, recurring.id, from_month)
    ) or RecurringCostTerms(
        cooperative_id=uow.tenant, recurring_id=recurring.id, from_month=from_month
    )
    terms.key_id = key.id
    terms.net_cents, terms.vat_cents = command.net_cents, command.vat_cents
    terms.gross_cents = command.net_cents + command.vat_cents
    terms.vat_basis_points = command.vat_basis_points
    uow.session.add(terms)
    recurring.ends_on = command.ends_on
    uow.session.flush()
    record_change(
        uow,
        subject=f"recurring_cost/{recurring.id}",
        action="changed",
        before=before,
        after={
            "from_month": f"{from_month:%Y-%m}",
            "key_id": key.id,
            "ends_on": _written(command.ends_on),
            **_amounts(terms),
        },
    )


def stop_recurring_cost(uow: UnitOfWork, code: str, *, reason: str) -> None:
    """Let a recurring cost come back no more; costs that it made stay. Once more does nothing.

    Raises:
        NotFoundError: no such recurring cost.
    """
    require_permission(uow.identity, "cost.change")
    found = held_recurring_cost(uow, code)
    if found.stopped_at is None:
        found.stopped_at = uow.now
        record_change(uow, subject=f"recurring_cost/{found.id}", action="stopped", reason=reason)


def held_recurring_cost(uow: UnitOfWork, code: str) -> RecurringCost:
    """A recurring cost, held until the transaction ends.

    Who makes its next cost waits for who changes it, or the other way round.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = uow.session.scalar(
        select(RecurringCost)
        .where(
            RecurringCost.cooperative_id == uow.tenant,
            RecurringCost.code == code,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(f"there is no recurring cost {code}", recurring=code)
    return found


def terms_on(uow: UnitOfWork, recurring: RecurringCost, day: date) -> RecurringCostTerms | None:
    """What a recurring cost is on a day, where it is not what it was at first."""
    return uow.session.scalar(
        select(RecurringCostTerms)
        .where(
            RecurringCostTerms.cooperative_id == uow.tenant,
            RecurringCostTerms.recurring_id == recurring.id,
            RecurringCostTerms.from_month <= day,
        )
        .order_by(RecurringCostTerms.from_month.desc())
        .limit(1)
    )


def _require_not_made(uow: UnitOfWork, recurring: RecurringCost, from_month: date) -> None:
    made = uow.session.scalar(
        select(SharedCost.code)
        .where(
            SharedCost.cooperative_id == uow.tenant,
            SharedCost.recurring_id == recurring.id,
            SharedCost.incurred_on >= from_month,
        )
        .order_by(SharedCost.incurred_on.desc())
        .limit(1)
    )
    if made is not None:
        raise InvalidInputError(
            f"cost {made} was made already: correct it, or change from a later month",
            field="from_month",
            cost=made,
        )


def _amounts(terms: RecurringCost | RecurringCostTerms) -> dict[str, int]:
    return {"net_cents": terms.net_cents, "vat_cents": terms.vat_cents}


def _written(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
