"""Use cases of deadlines: what is decided at a closing time, by the clock or by a coordinator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.closing import fix_outcome
from wijkeconomie.purchasing.deadline_models import (
    LONGEST_PROLONGATION_DAYS,
    LONGEST_REMINDER_H,
    LONGEST_TOPUP_H,
    MOST_PROLONGATIONS,
    MissTerms,
    OnMiss,
    RoundDeadline,
)
from wijkeconomie.purchasing.deadline_queries import products_below_minimum
from wijkeconomie.purchasing.ladder_queries import round_ladders
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.miss_rules import (
    Miss,
    Reached,
    Terms,
    answer,
    misses,
    moved_with,
    prolonged_until,
    record_of,
)
from wijkeconomie.purchasing.models import PurchaseRound, RoundState
from wijkeconomie.purchasing.notices import tell_members
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.rounds import cancel_held, finish_closing

AtDeadline = Literal["left", "closed", "topped-up", "prolonged", "cancelled", "asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineTerms:
    """What happens at a closing time; the fields are those of ``deadline_models.MissTerms``.

    ``topup_hours``: how long members may fill packs after the closing time; ``None``: not.
    ``reminder_hours``: how long before it who ordered nothing is reminded; ``None``: never.
    """

    on_miss: OnMiss = OnMiss.ASK
    prolong_days: int = 2
    most_prolongations: int = 1
    when_spent: Literal["cancel", "ask"] = "ask"
    target_net_cents: int | None = None
    heeds_product_minimum: bool = False
    topup_hours: int | None = None
    reminder_hours: int | None = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ProlongRound:
    """Give a round another closing time and day of delivery, by a coordinator's decision."""

    round_id: int
    closes_at: datetime
    delivery_on: date


def set_deadline(uow: UnitOfWork, round_id: int, terms: DeadlineTerms) -> None:
    """Say what happens at the closing time of a round that is being prepared or open.

    Raises:
        RoundStateError: it was closed already.
        InvalidInputError: a number out of its range, or fewer prolongations than were made.
    """
    require_permission(uow.identity, "round.plan")
    found = locked_round(uow, round_id)
    _require_before_closing(found, "plan")
    check_terms(terms)
    row = _deadline(uow, round_id)
    if row is None:
        row = RoundDeadline(
            cooperative_id=uow.tenant, round_id=round_id, planned_closes_at=found.closes_at
        )
        uow.session.add(row)
    elif row.prolonged > terms.most_prolongations:
        raise InvalidInputError(
            f"it was prolonged {row.prolonged} times already", field="most_prolongations"
        )
    take_over(row, terms)
    uow.session.flush()
    record_change(uow, subject=f"round/{round_id}", action="deadline-set", after=told_terms(terms))


def check_terms(terms: DeadlineTerms) -> None:
    """Refuse terms that the database would refuse too.

    Raises:
        InvalidInputError: names the field.
    """
    ranges = {
        "prolong_days": (1, LONGEST_PROLONGATION_DAYS),
        "most_prolongations": (0, MOST_PROLONGATIONS),
        "topup_hours": (1, LONGEST_TOPUP_H),
        "reminder_hours": (1, LONGEST_REMINDER_H),
    }
    for field, (least, most) in ranges.items():
        value = getattr(terms, field)
        if value is not None and not least <= value <= most:
            raise InvalidInputError(f"this is {least} to {most}", field=field)
    if terms.target_net_cents is not None and terms.target_net_cents <= 0:
        raise InvalidInputError("a target is more than nothing", field="target_net_cents")


def take_over(row: MissTerms, terms: DeadlineTerms) -> None:
    """Write terms into a row that has them."""
    row.on_miss = terms.on_miss.value
    row.prolong_days = terms.prolong_days
    row.most_prolongations = terms.most_prolongations
    row.when_spent = terms.when_spent
    row.target_net_cents = terms.target_net_cents
    row.heeds_product_minimum = terms.heeds_product_minimum
    row.topup_hours = terms.topup_hours
    row.reminder_hours = terms.reminder_hours


def terms_in(row: MissTerms) -> DeadlineTerms:
    """The terms that a row has."""
    return DeadlineTerms(
        on_miss=OnMiss(row.on_miss),
        prolong_days=row.prolong_days,
        most_prolongations=row.most_prolongations,
        when_spent="cancel" if row.when_spent == "cancel" else "ask",
        target_net_cents=row.target_net_cents,
        heeds_product_minimum=row.heeds_product_minimum,
        topup_hours=row.topup_hours,
        reminder_hours=row.reminder_hours,
    )


def told_terms(terms: DeadlineTerms) -> dict[str, object]:
    """Terms as the audit trail keeps them."""
    return {name: getattr(terms, name) for name in DeadlineTerms.__dataclass_fields__}


def meet_deadline(uow: UnitOfWork, round_id: int) -> AtDeadline:
    """Do what a round's closing time asks for, once it has passed; tell what was done.

    First members may fill packs that are not full, where the round says so. Then it is judged
    by what closing would order: without a miss it closes; on a miss it is prolonged, cancelled
    or left to a coordinator, who is asked. A round that waits for the coordinator stays open
    in name but takes no orders, since its closing time has passed.

    For the schedule: a round that someone else dealt with in the meantime is left alone.
    """
    require_permission(uow.identity, "round.close")
    found = locked_round(uow, round_id)
    if found.state != RoundState.OPEN.value or uow.now < found.closes_at:
        return "left"
    row = _deadline(uow, round_id)
    if row is None:
        touched = fix_outcome(uow, found, uow.now, checks_credit=True)
        finish_closing(uow, found, uow.now, touched, is_live=True)
        return "closed"
    if row.asked_at is not None:
        return "left"
    if row.topup_hours and found.topup_since is None and _has_open_pack(uow, found):
        _begin_topup(uow, found, row.topup_hours)
        return "topped-up"
    return _judge(uow, found, row)


def _judge(uow: UnitOfWork, found: PurchaseRound, row: RoundDeadline) -> AtDeadline:
    """Close, as far as nothing is missed; else undo what closing did and do what is agreed."""
    with uow.session.begin_nested() as attempt:
        touched = fix_outcome(uow, found, uow.now, checks_credit=True)
        reached = _reached(uow, found)
        missed = misses(reached, _terms(found, row))
        decided = answer(_terms(found, row), row.prolonged, missed)
        if decided != "close":
            attempt.rollback()
    if decided == "close":
        finish_closing(uow, found, uow.now, touched, is_live=True)
        return "closed"
    if decided == "prolong":
        _prolong_by_the_clock(uow, found, row, record_of(reached, missed))
        return "prolonged"
    if decided == "cancel":
        reason = reason_of(reached, missed)
        cancel_held(uow, found, reason, uow.now, is_live=True)
        return "cancelled"
    _ask(uow, found, row, record_of(reached, missed))
    return "asked"


def prolong_round(uow: UnitOfWork, command: ProlongRound) -> None:
    """Give an open round more time, before its closing time or after it; everyone may order.

    What a coordinator decides counts for no limit: those are for the clock. Members who ordered
    are told.

    Raises:
        RoundStateError: it is not open: results and prices are fixed once it closed.
        InvalidInputError: the new time has passed or is not later, or the delivery is before it.
    """
    require_permission(uow.identity, "round.close")
    found = locked_round(uow, command.round_id)
    if found.state != RoundState.OPEN.value:
        raise _wrong_state(found, "prolong", RoundState.OPEN.value)
    if command.closes_at.tzinfo is None:
        raise InvalidInputError("a moment carries its timezone", field="closes_at")
    if command.closes_at <= max(uow.now, found.closes_at):
        raise InvalidInputError("the new closing time is later", field="closes_at")
    if command.delivery_on < command.closes_at.astimezone(LOCAL_TIME).date():
        raise InvalidInputError("it is delivered after it closes", field="delivery_on")
    row = _deadline(uow, found.id)
    is_missed = row is not None and row.missed is not None
    if row is not None:
        row.asked_at = row.missed = None
    _move(uow, found, command.closes_at, command.delivery_on, is_missed=is_missed)


def reason_of(reached: Reached, missed: tuple[Miss, ...]) -> str:
    """Why the clock cancels a round, as members read it; in Dutch, as reasons are kept."""
    first = missed[0]
    if first.kind == "nothing":
        return "niemand heeft iets besteld"
    if first.kind == "product":
        return f"van {first.product} is te weinig besteld voor de leverancier"
    wanted = format_amount(first.wanted_cents or 0, "nl")
    return f"er is voor {format_amount(reached.ordered_cents, 'nl')} besteld en {wanted} is nodig"


def _prolong_by_the_clock(
    uow: UnitOfWork, found: PurchaseRound, row: RoundDeadline, record: dict[str, object]
) -> None:
    row.prolonged += 1
    until = prolonged_until(found.closes_at, uow.now, row.prolong_days, LOCAL_TIME)
    delivery_on = moved_with(found.delivery_on, found.closes_at, until, LOCAL_TIME)
    _move(uow, found, until, delivery_on, is_missed=True, record=record)


def _move(
    uow: UnitOfWork,
    found: PurchaseRound,
    closes_at: datetime,
    delivery_on: date,
    *,
    is_missed: bool,
    record: dict[str, object] | None = None,
) -> None:
    """Write the new times and tell who ordered; that too little was ordered only where it was."""
    before = {
        "closes_at": found.closes_at.isoformat(),
        "delivery_on": found.delivery_on.isoformat(),
    }
    found.topup_since = None
    found.closes_at, found.delivery_on = closes_at, delivery_on
    uow.session.flush()
    after = {"closes_at": closes_at.isoformat(), "delivery_on": delivery_on.isoformat()}
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="prolonged",
        before=before,
        after={**after, **(record or {})},
    )
    pledgers = queries.pledging_members(uow.session, uow.tenant, found.id)
    version = int(closes_at.timestamp())
    tell_members(uow, "prolonged", found.id, pledgers, version=version, is_missed=is_missed)


def _begin_topup(uow: UnitOfWork, found: PurchaseRound, hours: int) -> None:
    found.topup_since = uow.now
    found.closes_at = uow.now + timedelta(hours=hours)
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="topup-began",
        after={"closes_at": found.closes_at.isoformat()},
    )
    pledgers = queries.pledging_members(uow.session, uow.tenant, found.id)
    tell_members(uow, "topup", found.id, pledgers, version=int(found.closes_at.timestamp()))


def _ask(
    uow: UnitOfWork, found: PurchaseRound, row: RoundDeadline, record: dict[str, object]
) -> None:
    row.asked_at, row.missed = uow.now, record
    uow.session.flush()
    record_change(uow, subject=f"round/{found.id}", action="asked", after=record)
    enqueue(
        uow,
        kind="mail.round-asked",
        event_key=f"round/{found.id}/asked/{found.closes_at.isoformat()}",
        payload={"round_id": found.id, "closes_at": found.closes_at.isoformat()},
    )


def _has_open_pack(uow: UnitOfWork, found: PurchaseRound) -> bool:
    ladders = round_ladders(uow.session, uow.tenant, found.id, is_open=True)
    return any(each.missing_to_order for each in ladders)


def _reached(uow: UnitOfWork, found: PurchaseRound) -> Reached:
    now = queries.round_by_id(uow.session, uow.tenant, found.id)
    below = products_below_minimum(uow.session, uow.tenant, found.id)
    return Reached(now.pledged_net_cents, now.pledgers, below)


def _terms(found: PurchaseRound, row: RoundDeadline) -> Terms:
    said = terms_in(row)
    return Terms(
        on_miss=said.on_miss.value,
        prolong_days=said.prolong_days,
        most_prolongations=said.most_prolongations,
        when_spent=said.when_spent,
        supplier_minimum_cents=found.minimum_net_cents,
        target_cents=said.target_net_cents,
        heeds_product_minimum=said.heeds_product_minimum,
    )


def _deadline(uow: UnitOfWork, round_id: int) -> RoundDeadline | None:
    return uow.session.get(RoundDeadline, (uow.tenant, round_id), populate_existing=True)


def _require_before_closing(found: PurchaseRound, step: str) -> None:
    if found.state not in {RoundState.DRAFT.value, RoundState.OPEN.value}:
        raise _wrong_state(found, step, "draft or open")


def _wrong_state(found: PurchaseRound, step: str, needed: str) -> RoundStateError:
    return RoundStateError(
        f"round {found.code} is {found.state}; to {step} it, it must be {needed}",
        round=found.code,
        state=found.state,
        step=step,
        needed=needed,
    )
