"""Letters that a statement is there, with what it comes to when they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from babel.dates import format_date

from wijkeconomie.cooperatives.addressees import addressees
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer, enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.jobs import members_with_lines
from wijkeconomie.reports.member_queries import member_statement

_WORDS: Mapping[str, tuple[str, str]] = {
    "nl": (
        "Jouw overzicht van {month}",
        (
            "Beste {name},\n\nJouw overzicht van {month} staat klaar: {address}\n\n"
            "Aan het begin van de maand: {opening}\nAan het eind van de maand: {closing}\n"
            "{meaning}\n\nGroet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "Your statement of {month}",
        (
            "Dear {name},\n\nYour statement of {month} is ready: {address}\n\n"
            "At the start of the month: {opening}\nAt the end of the month: {closing}\n"
            "{meaning}\n\nRegards,\n{cooperative}\n"
        ),
    ),
}
_MEANINGS: Mapping[str, tuple[str, str, str]] = {
    "nl": ("Dit bedrag krijg je nog.", "Je hoeft niets te betalen.", "Dit bedrag betaal je nog."),
    "en": ("You still get this amount.", "You have nothing to pay.", "You still pay this amount."),
}
"""Below, at and above nothing: what the balance means for who reads it."""


def statement_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters about statements; one message becomes one a member."""
    return {
        "mail.statements-ready": _fan_out,
        "mail.statement-member": lambda uow, told: _to_member(uow, told, address),
    }


def _fan_out(uow: UnitOfWork, told: Mapping[str, Any]) -> Sequence[Letter]:
    members = members_with_lines(uow.session, uow.tenant, Period.parse(told["month"]))
    for to in addressees(uow.session, uow.tenant, members):
        enqueue(
            uow,
            kind="mail.statement-member",
            event_key=f"statements/{told['month']}/member/{to.member_id}",
            payload={"member": to.member_id, "month": told["month"]},
        )
    return []


def _to_member(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    month = Period.parse(told["month"])
    letters = []
    for to in addressees(uow.session, uow.tenant, [told["member"]]):
        statement = member_statement(uow.session, uow.tenant, to.code, month)
        closing = statement.closing_cents
        subject, body = _WORDS[to.language]
        values = {
            "month": format_date(month.start, "MMMM y", locale=to.language),
            "name": to.first_name,
            "opening": format_amount(statement.opening_cents, to.language),
            "closing": format_amount(closing, to.language),
            "meaning": _MEANINGS[to.language][1 + (closing > 0) - (closing < 0)],
            "address": f"{address}/c/{to.cooperative_code}/account?period={told['month']}",
            "cooperative": to.cooperative,
        }
        letters.append(Letter(to.email, subject.format(**values), body.format(**values)))
    return letters
