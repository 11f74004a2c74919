"""Reads of recurring costs: what comes next, and for how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.costs.jobs import next_occurrence
from wijkeconomie.costs.models import AllocationKey, RecurringCost
from wijkeconomie.costs.recurring_models import RecurringCostTerms


@dataclass(frozen=True, slots=True)
class RecurringView:
    """A recurring cost, when it comes next if it still does, and what it is then."""

    code: str
    description: str
    key_code: str
    net_cents: int
    vat_cents: int
    gross_cents: int
    vat_basis_points: int | None
    next_on: date | None
    ends_on: date | None


def recurring_costs(session: Session, cooperative_id: int, today: date) -> list[RecurringView]:
    """Recurring costs that were not stopped, by the day on which they come next."""
    found = session.scalars(
        select(RecurringCost).where(
            RecurringCost.cooperative_id == cooperative_id, RecurringCost.stopped_at.is_(None)
        )
    ).all()
    changed = changed_terms(session, cooperative_id)
    keys: dict[int, str] = dict(
        session.execute(
            select(AllocationKey.id, AllocationKey.code).where(
                AllocationKey.cooperative_id == cooperative_id
            )
        ).all()
    )
    views = [_view(each, changed, keys, today) for each in found]
    return sorted(views, key=lambda view: (view.next_on or date.max, view.code))


def changed_terms(session: Session, cooperative_id: int) -> dict[int, list[RecurringCostTerms]]:
    """What recurring costs are from a month on, by their id, the earliest month first."""
    found: dict[int, list[RecurringCostTerms]] = {}
    for terms in session.scalars(
        select(RecurringCostTerms)
        .where(RecurringCostTerms.cooperative_id == cooperative_id)
        .order_by(RecurringCostTerms.from_month)
    ):
        found.setdefault(terms.recurring_id, []).append(terms)
    return found


def terms_then(
    recurring: RecurringCost, changed: Mapping[int, Sequence[RecurringCostTerms]], day: date
) -> RecurringCost | RecurringCostTerms:
    """The amount and the key of a recurring cost on a day."""
    own = changed.get(recurring.id, ())
    return next((each for each in reversed(own) if each.from_month <= day), recurring)


def recurring_cost(session: Session, cooperative_id: int, code: str, today: date) -> RecurringView:
    """One recurring cost that was not stopped.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = recurring_costs(session, cooperative_id, today)
    view = next((each for each in found if each.code == code), None)
    if view is None:
        raise NotFoundError(f"there is no recurring cost {code}", recurring=code)
    return view


def _view(
    recurring: RecurringCost,
    changed: Mapping[int, Sequence[RecurringCostTerms]],
    keys: Mapping[int, str],
    today: date,
) -> RecurringView:
    next_on = next_occurrence(recurring, today)
    then = terms_then(recurring, changed, next_on or today)
    return RecurringView(
        code=recurring.code,
        description=recurring.description,
        key_code=keys[then.key_id],
        net_cents=then.net_cents,
        vat_cents=then.vat_cents,
        gross_cents=then.gross_cents,
        vat_basis_points=then.vat_basis_points,
        next_on=next_on,
        ends_on=recurring.ends_on,
    )
