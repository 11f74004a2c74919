"""A letter to who came to owe money: once when the account passes zero, not at every charge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.cooperatives.addressees import addressees
from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer, enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.queries import party_balances
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME, local_date, midnight_utc

# What was booked since a moment is taken off the balance of now, so that it counts when
# something was booked and not under which date. Who is collected from has nothing to do.
_PASSED_ZERO = text(
    """
select m.id from member m
join account a on a.cooperative_id = m.cooperative_id and a.key = 'member_account'
  and a.party = m.code and a.unit = 'EUR'
join account_balance b on b.cooperative_id = a.cooperative_id and b.account_id = a.id
cross join lateral (
  select coalesce(sum(p.amount), 0) as since_start,
    coalesce(sum(p.amount) filter (where e.posted_at >= :end), 0) as since_end
  from posting p
  join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
  where p.cooperative_id = a.cooperative_id and p.account_id = a.id and e.posted_at >= :start
) as moved
where m.cooperative_id = :cooperative_id and m.mandate_id is null
  and b.balance - moved.since_start <= 0 and b.balance - moved.since_end > 0
order by m.code
"""
)
_WORDS: Mapping[str, tuple[str, str]] = {
    "nl": (
        "Je rekening bij {cooperative} staat onder nul",
        (
            "Beste {name},\n\nJe rekening bij {cooperative} staat onder nul: je betaalt nog"
            " {owed}.\n"
            "Waar dat vandaan komt, en hoe je betaalt, zie je hier: {address}\n\n"
            "Je krijgt deze brief alleen als je rekening onder nul zakt, niet bij elke"
            " afschrijving.\n\n"
            "Groet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "Your account with {cooperative} is below zero",
        (
            "Dear {name},\n\nYour account with {cooperative} is below zero: you still pay {owed}.\n"
            "What it is for, and how to pay, is here: {address}\n\n"
            "You get this letter only when your account drops below zero, not at every charge.\n\n"
            "Regards,\n{cooperative}\n"
        ),
    ),
}


def passed_zero(session: Session, cooperative_id: int, day: date) -> list[int]:
    """Members without a mandate who owed nothing when ``day`` began and something at its end."""
    values = {
        "cooperative_id": cooperative_id,
        "start": midnight_utc(day, LOCAL_TIME),
        "end": midnight_utc(day + timedelta(days=1), LOCAL_TIME),
    }
    return list(session.scalars(_PASSED_ZERO, values))


def below_zero_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters; who has paid by the time it is sent gets none."""
    return {"mail.below-zero": lambda uow, told: _letter(uow, told, address)}


def _letter(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    balances = party_balances(uow.session, uow.tenant, "member_account")
    letters = []
    for to in addressees(uow.session, uow.tenant, [told["member"]]):
        owed = balances.get(to.code, 0)
        if owed <= 0:
            continue
        subject, body = _WORDS[to.language]
        values = {
            "owed": format_amount(owed, to.language),
            "name": to.first_name,
            "cooperative": to.cooperative,
            "address": f"{address}/c/{to.cooperative_code}/account",
        }
        letters.append(Letter(to.email, subject.format(**values), body.format(**values)))
    return letters


def _yesterday(
    _session: Session, _cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    """The day that ended last; who passed zero before it has had a statement since."""
    today = local_date(now, LOCAL_TIME)
    day = today - timedelta(days=1)
    return [(day.isoformat(), midnight_utc(today, LOCAL_TIME))]


def _tell(uow: UnitOfWork, period: str) -> str:
    members = passed_zero(uow.session, uow.tenant, date.fromisoformat(period))
    for member_id in members:
        enqueue(
            uow,
            kind="mail.below-zero",
            event_key=f"below-zero/{period}/{member_id}",
            payload={"member": member_id},
        )
    return str(len(members))


BELOW_ZERO_JOBS = (ScheduledJob("balances.below-zero", _yesterday, _tell),)
