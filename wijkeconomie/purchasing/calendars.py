"""Rounds as a calendar (RFC 5545): until when one can order, when goods come and are collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event
from sqlalchemy import text

from wijkeconomie.core.typesetting import Language
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.queries import RoundView

CONTENT_TYPE = "text/calendar; charset=utf-8"
KEPT_FOR = timedelta(days=60)
"""Rounds that ended longer ago leave the calendar of a member."""
WARNING = timedelta(hours=3)
LOOK_AGAIN = timedelta(hours=4)

_WORDS: Mapping[Language, Mapping[str, str]] = {
    "nl": {
        "name": "Inkopen bij {cooperative}",
        "closes": "Laatste kans om te bestellen: {theme}",
        "closes_text": "Bestellen bij {supplier}: {address}",
        "delivery": "Levering: {theme}",
        "delivery_text": "Van {supplier}: {address}",
        "pickup": "Ophalen: {theme}",
        "pickup_text": "Kies hier een andere tijd: {address}/pickup",
    },
    "en": {
        "name": "Buying at {cooperative}",
        "closes": "Last chance to order: {theme}",
        "closes_text": "Order from {supplier}: {address}",
        "delivery": "Delivery: {theme}",
        "delivery_text": "From {supplier}: {address}",
        "pickup": "Collect: {theme}",
        "pickup_text": "Choose another time here: {address}/pickup",
    },
}


@dataclass(frozen=True, slots=True)
class Pickup:
    """When and where a member collects."""

    starts_at: datetime
    ends_at: datetime
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTerms:
    """For whom a calendar is: whose words, which cooperative, and where its rounds are seen.

    ``address``: of a round, with ``{code}`` in the place of its code.
    """

    cooperative_code: str
    cooperative_name: str
    address: str
    language: Language
    now: datetime


def rounds_for_calendar(uow: UnitOfWork, member_id: int) -> list[RoundView]:
    """Rounds that one can order in, and those of late in which a member ordered."""
    ordered = set(
        uow.session.scalars(
            text(
                "select distinct round_id from pledge where cooperative_id = :id"
                " and member_id = :member and (withdrawn_at is null or dropout is not null)"
            ),
            {"id": uow.tenant, "member": member_id},
        )
    )
    since = uow.now - KEPT_FOR
    return [
        each
        for each in queries.rounds(uow.session, uow.tenant)
        if each.state is RoundState.OPEN
        or (each.id in ordered and each.state is not RoundState.DRAFT and each.closes_at > since)
    ]


def pickups_of(uow: UnitOfWork, member_id: int | None) -> dict[int, Pickup]:
    """When and where a member chose to collect, by round."""
    found = uow.session.execute(
        text(
            "select c.round_id, s.starts_at, s.ends_at, s.place from pickup_choice c"
            " join pickup_slot s on s.cooperative_id = c.cooperative_id and s.id = c.slot_id"
            " where c.cooperative_id = :id and c.member_id = :member"
        ),
        {"id": uow.tenant, "member": member_id},
    )
    return {row[0]: Pickup(row[1], row[2], row[3]) for row in found}


def render_calendar(
    rounds: Sequence[RoundView],
    terms: CalendarTerms,
    *,
    ordered: bool = True,
    pickups: Mapping[int, Pickup] | None = None,
) -> bytes:
    """The rounds as a calendar; a cancelled one is told as cancelled, so that it disappears.

    Each event keeps its name over all calendars and times, so that a change moves it. There
    is no amount and no person in it.

    Args:
        ordered: warn three hours before a round closes.
        pickups: when and where the member collects, by round.
    """
    words = _WORDS[terms.language]
    calendar = Calendar()
    calendar.add("prodid", "-//wijkeconomie//rounds//NL")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", words["name"].format(cooperative=terms.cooperative_name))
    calendar.add("refresh-interval", LOOK_AGAIN, parameters={"value": "DURATION"})
    for each in sorted(rounds, key=lambda found: (found.closes_at, found.code)):
        for part in ("closes", "delivery"):
            calendar.add_component(_event(each, part, words, terms, warns=ordered))
        if pickup := (pickups or {}).get(each.id):
            calendar.add_component(_pickup_event(each, pickup, words, terms))
    return bytes(calendar.to_ical())


def _values(found: RoundView, terms: CalendarTerms) -> dict[str, str]:
    return {
        "theme": found.theme,
        "supplier": found.supplier_name,
        "address": terms.address.format(code=found.code),
    }


def _named_event(
    found: RoundView, part: str, words: Mapping[str, str], terms: CalendarTerms
) -> Event:
    values = _values(found, terms)
    event = Event()
    event.add("uid", f"{terms.cooperative_code}-{found.code}-{part}@wijkeconomie")
    event.add("dtstamp", terms.now.astimezone(UTC))
    event.add("summary", words[part].format(**values))
    event.add("description", words[f"{part}_text"].format(**values))
    event.add("url", values["address"])
    is_cancelled = found.state is RoundState.CANCELLED
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    return event


def _pickup_event(
    found: RoundView, pickup: Pickup, words: Mapping[str, str], terms: CalendarTerms
) -> Event:
    event = _named_event(found, "pickup", words, terms)
    event.add("dtstart", pickup.starts_at.astimezone(UTC))
    event.add("dtend", pickup.ends_at.astimezone(UTC))
    event.add("location", pickup.place)
    return event


def _event(
    found: RoundView, part: str, words: Mapping[str, str], terms: CalendarTerms, *, warns: bool
) -> Event:
    event = _named_event(found, part, words, terms)
    event.add("transp", "TRANSPARENT")
    if part == "delivery":
        event.add("dtstart", found.delivery_on)
        event.add("dtend", found.delivery_on + timedelta(days=1))
        return event
    event.add("dtstart", (found.closes_at - timedelta(minutes=30)).astimezone(UTC))
    event.add("dtend", found.closes_at.astimezone(UTC))
    if warns and found.state is RoundState.OPEN:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", words["closes"].format(**_values(found, terms)))
        alarm.add("trigger", -WARNING)
        event.add_component(alarm)
    return event
