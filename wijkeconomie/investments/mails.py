"""Letters about campaigns, made from what is true when they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from wijkeconomie.cooperatives.addressees import Addressee, addressees
from wijkeconomie.cooperatives.queries import active_member_codes, member_ids_by_code
from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer, enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments import queries
from wijkeconomie.investments.models import ParticipationState
from wijkeconomie.investments.queries import ProjectView
from wijkeconomie.investments.telling import CampaignEvent
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME, local_date

_WORDS: Mapping[str, Mapping[CampaignEvent, tuple[str, str]]] = {
    "nl": {
        CampaignEvent.OPENED: (
            "Doe mee: {project}",
            "Je kunt meedoen met {project}. Een deel kost {price}.{until}",
        ),
        CampaignEvent.ENDS: (
            "Betaal je deelname aan {project} op tijd",
            (
                "Je hebt delen van {project} gekozen, maar nog niet betaald: {amount}.{until} Wat"
                " dan niet betaald is, vervalt."
            ),
        ),
        CampaignEvent.GRANTED: (
            "{project} gaat door",
            (
                "Er is genoeg geld bij elkaar. {project} gaat door, en jouw {units} delen tellen."
                " Je bewijs van deelname staat klaar."
            ),
        ),
        CampaignEvent.FAILED: (
            "{project} gaat niet door",
            (
                "{project} gaat niet door.{reason} Je krijgt alles terug wat je hebt betaald:"
                " {amount}."
            ),
        ),
    },
    "en": {
        CampaignEvent.OPENED: (
            "Take part: {project}",
            "You can take part in {project}. A unit costs {price}.{until}",
        ),
        CampaignEvent.ENDS: (
            "Pay for your part of {project} in time",
            (
                "You took units of {project} and have not paid for them yet: {amount}.{until} What"
                " is not paid by then lapses."
            ),
        ),
        CampaignEvent.GRANTED: (
            "{project} goes on",
            (
                "Enough money came in. {project} goes on, and your {units} units count. Your"
                " certificate is ready."
            ),
        ),
        CampaignEvent.FAILED: (
            "{project} does not go on",
            "{project} does not go on.{reason} You get back all that you paid: {amount}.",
        ),
    },
}
_UNTIL = {"nl": " Dat kan tot en met {day}.", "en": " You can do so until {day} inclusive."}
_REASON = {"nl": " De reden: {reason}.", "en": " The reason: {reason}."}
_AROUND = {
    "nl": "Beste {name},\n\n{body}\nMeer staat hier: {address}\n\nGroet,\n{cooperative}\n",
    "en": "Dear {name},\n\n{body}\nRead more here: {address}\n\nRegards,\n{cooperative}\n",
}
_OF_WHOM: Mapping[CampaignEvent, ParticipationState] = {
    CampaignEvent.ENDS: ParticipationState.SUBSCRIBED,
    CampaignEvent.GRANTED: ParticipationState.ISSUED,
    CampaignEvent.FAILED: ParticipationState.REFUNDED,
}


def campaign_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters of each kind of message about campaigns.

    An event is told in one message, which becomes one a member when its time comes.
    """
    return {
        "mail.campaign": _fan_out,
        "mail.campaign-member": lambda uow, told: _to_member(uow, told, address),
    }


def _fan_out(uow: UnitOfWork, told: Mapping[str, Any]) -> Sequence[Letter]:
    event = CampaignEvent(told["event"])
    for to in addressees(uow.session, uow.tenant, _members(uow, told["project"], event)):
        enqueue(
            uow,
            kind="mail.campaign-member",
            event_key=f"{told['key']}/member/{to.member_id}",
            payload={**told, "member": to.member_id},
        )
    return []


def _members(uow: UnitOfWork, code: str, event: CampaignEvent) -> list[int]:
    if event is CampaignEvent.OPENED:
        today = local_date(uow.now, LOCAL_TIME)
        ids = member_ids_by_code(uow.session, uow.tenant)
        return [ids[each] for each in active_member_codes(uow.session, uow.tenant, today)]
    found = queries.participations(uow.session, uow.tenant, project_code=code)
    return sorted({each.member_id for each in found if each.state == _OF_WHOM[event]})


def _to_member(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """The letter of an event, if it is still so: open, not paid, counting or paid back."""
    event = CampaignEvent(told["event"])
    project = queries.project(uow.session, uow.tenant, told["project"])
    is_open = project.is_open(local_date(uow.now, LOCAL_TIME))
    if event in {CampaignEvent.OPENED, CampaignEvent.ENDS} and not is_open:
        return []
    own = [
        each
        for each in queries.participations(
            uow.session, uow.tenant, project_code=project.code, member_id=told["member"]
        )
        if event is not CampaignEvent.OPENED and each.state == _OF_WHOM[event]
    ]
    if event is not CampaignEvent.OPENED and not own:
        return []
    reason = _reason(uow, project) if event is CampaignEvent.FAILED else None
    units, cents = sum(each.units for each in own), sum(each.cents for each in own)
    return [
        _letter(to, event, project, units=units, cents=cents, reason=reason, address=address)
        for to in addressees(uow.session, uow.tenant, [told["member"]])
    ]


def _reason(uow: UnitOfWork, project: ProjectView) -> str | None:
    """Why a campaign was called off, where someone did."""
    found = uow.session.scalar(
        text(
            "select reason from audit_record where cooperative_id = :id and subject = :subject"
            " and action = 'called off' order by id desc limit 1"
        ),
        {"id": uow.tenant, "subject": f"investment_project/{project.id}"},
    )
    return str(found) if found else None


def _letter(
    to: Addressee,
    event: CampaignEvent,
    project: ProjectView,
    *,
    units: int,
    cents: int,
    reason: str | None,
    address: str,
) -> Letter:
    language = to.language
    subject, body = _WORDS[language][event]
    day = project.closes_on
    values = {
        "project": project.name,
        "price": format_amount(project.unit_price_cents, language),
        "amount": format_amount(cents, language),
        "units": str(units),
        "until": _UNTIL[language].format(day=long_date(day, language)) if day else "",
        "reason": _REASON[language].format(reason=reason) if reason else "",
    }
    text_ = _AROUND[language].format(
        name=to.first_name,
        body=body.format(**values),
        address=f"{address}/c/{to.cooperative_code}/projects/{project.code}",
        cooperative=to.cooperative,
    )
    return Letter(to.email, subject.format(**values), text_)
