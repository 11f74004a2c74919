"""Use cases of rounds that repeat: the template, breaks, and making the next round of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.deadlines import (
    DeadlineTerms,
    check_terms,
    set_deadline,
    take_over,
    terms_in,
    told_terms,
)
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import FreightKey, Product, ShortageRule, Supplier
from wijkeconomie.purchasing.repeating_models import (
    DeliveryBreak,
    OnHoliday,
    RepeatedDelivery,
    RepeatingRound,
    Skipped,
)
from wijkeconomie.purchasing.repeating_queries import plan_for, repeating_round
from wijkeconomie.purchasing.repeating_rules import Planned
from wijkeconomie.purchasing.rounds import PlanRound, plan_round

LONGEST_BEFORE_DAYS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRepeatingRound:
    """A round that repeats, new or under a code that is known; see ``RepeatingRound``.

    ``category``: only products of this category; ``None``: all that the supplier offers then.
    ``is_new``: the code has to be a new one, so that nothing is written over unseen.
    """

    code: str
    theme: str
    supplier_id: int
    first_delivery_on: date
    opens_days_before: int
    opens_time: time
    closes_days_before: int
    closes_time: time
    every_weeks: int = 1
    last_delivery_on: date | None = None
    category: str | None = None
    ahead_days: int = 1
    on_holiday: OnHoliday = OnHoliday.SKIP
    freight_excl_cents: int = 0
    freight_key: FreightKey = FreightKey.VALUE
    shortage_rule: ShortageRule = ShortageRule.PRO_RATA
    surplus_rule: SurplusRule = SurplusRule.STOCK
    is_new: bool = False
    terms: DeadlineTerms = field(default_factory=DeadlineTerms)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveDeliveryBreak:
    """Days without deliveries; ``supplier_id`` is ``None`` for all suppliers."""

    first_day: date
    last_day: date
    reason: str
    supplier_id: int | None = None


def save_repeating_round(uow: UnitOfWork, command: SaveRepeatingRound) -> int:
    """Keep a round that repeats; rounds that were made of it stay as they are. Returns its id.

    Raises:
        NotFoundError: no such supplier.
        InvalidInputError: names the field that is not right.
    """
    require_permission(uow.identity, "round.plan")
    _check(uow, command)
    today = local_date(uow.now, LOCAL_TIME)
    row = uow.session.scalar(
        select(RepeatingRound)
        .where(
            RepeatingRound.cooperative_id == uow.tenant,
            RepeatingRound.code == command.code.strip(),
        )
        .with_for_update()
    )
    is_new = row is None
    if command.is_new and not is_new:
        raise InvalidInputError(f"there is a round that repeats as {command.code}", field="code")
    known_first = None if row is None else row.first_delivery_on
    if command.first_delivery_on != known_first and command.first_delivery_on < today:
        raise InvalidInputError("the first delivery is still to come", field="first_delivery_on")
    if row is None:
        row = RepeatingRound(
            cooperative_id=uow.tenant, code=command.code.strip(), created_by=uow.actor
        )
        uow.session.add(row)
    row.theme = command.theme.strip()
    row.supplier_id = command.supplier_id
    row.category = (command.category or "").strip() or None
    row.every_weeks = command.every_weeks
    row.first_delivery_on = command.first_delivery_on
    row.last_delivery_on = command.last_delivery_on
    row.opens_days_before, row.opens_time = command.opens_days_before, command.opens_time
    row.closes_days_before, row.closes_time = command.closes_days_before, command.closes_time
    row.ahead_days = command.ahead_days
    row.on_holiday = command.on_holiday.value
    row.freight_excl_cents = command.freight_excl_cents
    row.freight_key = command.freight_key.value
    row.shortage_rule = command.shortage_rule.value
    row.surplus_rule = command.surplus_rule.value
    row.stopped_at = None
    take_over(row, command.terms)
    uow.session.flush()
    record_change(
        uow,
        subject=f"repeating-round/{row.id}",
        action="made" if is_new else "changed",
        after={
            "code": row.code,
            "first_delivery_on": row.first_delivery_on.isoformat(),
            "every_weeks": row.every_weeks,
            "surplus_rule": row.surplus_rule,
            **told_terms(command.terms),
        },
    )
    return row.id


def stop_repeating_round(uow: UnitOfWork, code: str) -> None:
    """Make no more rounds of it; what was made goes on. Stopping it again changes nothing.

    Raises:
        NotFoundError: there is none with this code.
    """
    require_permission(uow.identity, "round.plan")
    row = repeating_round(uow.session, uow.tenant, code)
    if row.stopped_at is None:
        row.stopped_at = uow.now
        uow.session.flush()
        record_change(uow, subject=f"repeating-round/{row.id}", action="stopped")


def save_delivery_break(uow: UnitOfWork, command: SaveDeliveryBreak) -> int:
    """Keep days without deliveries, for rounds that are still to be made; returns its id.

    Raises:
        InvalidInputError: no reason, or the last day before the first.
        NotFoundError: no such supplier.
    """
    require_permission(uow.identity, "round.plan")
    if command.last_day < command.first_day:
        raise InvalidInputError("a break ends after it starts", field="last_day")
    if not command.reason.strip():
        raise InvalidInputError("say why there are no deliveries", field="reason")
    if command.supplier_id is not None:
        _require_supplier(uow, command.supplier_id)
    row = DeliveryBreak(
        cooperative_id=uow.tenant,
        supplier_id=command.supplier_id,
        first_day=command.first_day,
        last_day=command.last_day,
        reason=command.reason.strip(),
        created_by=uow.actor,
    )
    uow.session.add(row)
    uow.session.flush()
    record_change(
        uow,
        subject=f"delivery-break/{row.id}",
        action="made",
        after={"first_day": row.first_day.isoformat(), "last_day": row.last_day.isoformat()},
        reason=row.reason,
    )
    return row.id


def withdraw_delivery_break(uow: UnitOfWork, break_id: int) -> None:
    """Let deliveries come again; rounds that were skipped stay skipped.

    Raises:
        NotFoundError: there is no such break.
    """
    require_permission(uow.identity, "round.plan")
    row = uow.session.get(DeliveryBreak, (uow.tenant, break_id))
    if row is None:
        raise NotFoundError(f"there is no break {break_id}", id=break_id)
    if row.withdrawn_at is None:
        row.withdrawn_at = uow.now
        uow.session.flush()
        record_change(uow, subject=f"delivery-break/{row.id}", action="withdrawn")


def make_delivery(uow: UnitOfWork, code: str, nominal_on: date) -> str:
    """Make the round of one delivery as a draft, or write down why it is left out.

    It offers what the supplier offers now, at the prices of now. It opens by the clock, at its
    opening time. One whose closing time has passed is left out: nobody could order.

    Returns:
        The code of the round, or the word of ``Skipped``.

    Raises:
        InvalidInputError: the supplier offers nothing of the category now.
    """
    require_permission(uow.identity, "round.plan")
    row = repeating_round(uow.session, uow.tenant, code)
    plan = plan_for(uow.session, row, nominal_on)
    skipped = plan.skipped or ("late" if plan.closes_at <= uow.now else None)
    if skipped is not None:
        _write_down(uow, row, plan, skipped=Skipped(skipped).value)
        return skipped
    round_id = plan_round(
        uow,
        PlanRound(
            theme=row.theme,
            supplier_id=row.supplier_id,
            opens_at=plan.opens_at,
            closes_at=plan.closes_at,
            delivery_on=plan.delivery_on,
            freight_excl_cents=row.freight_excl_cents,
            freight_key=FreightKey(row.freight_key),
            shortage_rule=ShortageRule(row.shortage_rule),
            surplus_rule=SurplusRule(row.surplus_rule),
            product_ids=_products_now(uow, row),
        ),
    )
    set_deadline(uow, round_id, terms_in(row))
    _write_down(uow, row, plan, round_id=round_id)
    return str(round_id)


def _write_down(
    uow: UnitOfWork,
    row: RepeatingRound,
    plan: Planned,
    *,
    round_id: int | None = None,
    skipped: str | None = None,
) -> None:
    uow.session.add(
        RepeatedDelivery(
            cooperative_id=uow.tenant,
            repeating_id=row.id,
            nominal_on=plan.nominal_on,
            round_id=round_id,
            skipped=skipped,
            note=plan.note,
            made_at=uow.now,
        )
    )
    uow.session.flush()


def _products_now(uow: UnitOfWork, row: RepeatingRound) -> tuple[int, ...] | None:
    if row.category is None:
        return None
    return tuple(
        uow.session.scalars(
            select(Product.id)
            .where(
                Product.cooperative_id == uow.tenant,
                Product.supplier_id == row.supplier_id,
                Product.category == row.category,
                Product.is_offered,
            )
            .order_by(Product.id)
        )
    )


def _check(uow: UnitOfWork, command: SaveRepeatingRound) -> None:
    _require_supplier(uow, command.supplier_id)
    check_terms(command.terms)
    ranges = {
        "every_weeks": (1, 13),
        "opens_days_before": (0, LONGEST_BEFORE_DAYS),
        "closes_days_before": (0, LONGEST_BEFORE_DAYS),
        "ahead_days": (0, 14),
    }
    for name, (least, most) in ranges.items():
        if not least <= getattr(command, name) <= most:
            raise InvalidInputError(f"this is {least} to {most}", field=name)
    for name in ("code", "theme"):
        if not getattr(command, name).strip():
            raise InvalidInputError("fill this in", field=name)
    opens = (command.opens_days_before, command.closes_time)
    if opens <= (command.closes_days_before, command.opens_time):
        raise InvalidInputError("a round closes after it opens", field="closes_days_before")
    if command.freight_excl_cents < 0:
        raise InvalidInputError("freight is not negative", field="freight_excl_cents")
    last = command.last_delivery_on
    if last is not None and last < command.first_delivery_on:
        raise InvalidInputError("the last delivery is after the first", field="last_delivery_on")
    if command.first_delivery_on.year > local_date(uow.now, LOCAL_TIME).year + 2:
        raise InvalidInputError("that is too far away", field="first_delivery_on")


def _require_supplier(uow: UnitOfWork, supplier_id: int) -> None:
    if uow.session.get(Supplier, (uow.tenant, supplier_id)) is None:
        raise NotFoundError(f"there is no supplier {supplier_id}", supplier_id=supplier_id)
