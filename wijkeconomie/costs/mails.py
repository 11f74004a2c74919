"""Letters about shared costs, made from what is true when they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from babel.dates import format_date
from sqlalchemy import text

from wijkeconomie.cooperatives.addressees import addressees
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer, enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.models import SettlementRun
from wijkeconomie.costs.previewing import paid_per_member
from wijkeconomie.money.amounts import format_amount

_WORDS: Mapping[str, tuple[str, str]] = {
    "nl": (
        "Jouw deel van de kosten van {month}",
        (
            "Beste {name},\n\nDe gedeelde kosten van {month} zijn afgerekend. Jij betaalt {amount}."
            "\nWaarom dat zo is, staat hier: {address}\n\nGroet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "Your part of the costs of {month}",
        (
            "Dear {name},\n\nThe shared costs of {month} were settled. You pay {amount}.\n"
            "Here you see why: {address}\n\nRegards,\n{cooperative}\n"
        ),
    ),
}

_MEMBERS_OF_RUN = text(
    """
select distinct unnest(b.member_ids) from cost_settlement s
join cost_share_block b on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id
where s.cooperative_id = :id and s.run_id = :run
"""
)
_MEMBERS_BY_CODE = text(
    "select id from member where cooperative_id = :id and code = any(cast(:codes as text[]))"
)


def cost_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters of each kind of message about shared costs.

    A run is told in one message, which becomes one a member when its time comes: writing
    a hundred thousand messages is no part of settling.
    """
    return {
        "mail.costs-settled": _fan_out_run,
        "mail.costs-corrected": _fan_out_correction,
        "mail.costs-member": lambda uow, told: _to_member(uow, told, address),
    }


def _fan_out_run(uow: UnitOfWork, told: Mapping[str, Any]) -> Sequence[Letter]:
    run = uow.session.get_one(SettlementRun, (uow.tenant, told["run"]))
    members = uow.session.scalars(_MEMBERS_OF_RUN, {"id": uow.tenant, "run": run.id}).all()
    _tell_each(uow, members, f"costs/{run.id}", told["month"])
    return []


def _fan_out_correction(uow: UnitOfWork, told: Mapping[str, Any]) -> Sequence[Letter]:
    members = uow.session.scalars(
        _MEMBERS_BY_CODE, {"id": uow.tenant, "codes": told["members"]}
    ).all()
    event = f"cost/{told['cost']}/{told['version']}"
    _tell_each(uow, members, event, told["month"])
    return []


def _tell_each(uow: UnitOfWork, members: Sequence[int], event: str, month: str) -> None:
    for to in addressees(uow.session, uow.tenant, members):
        enqueue(
            uow,
            kind="mail.costs-member",
            event_key=f"{event}/member/{to.member_id}",
            payload={"member": to.member_id, "month": month},
        )


def _to_member(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """What a member pays for all costs of the month as it stands now."""
    letters = []
    for to in addressees(uow.session, uow.tenant, [told["member"]]):
        year, month = map(int, told["month"].split("-"))
        paid = paid_per_member(uow, date(year, month, 1)).get(to.code, 0)
        subject, body = _WORDS[to.language]
        values = {
            "month": format_date(date(year, month, 1), "MMMM y", locale=to.language),
            "name": to.first_name,
            "amount": format_amount(paid, to.language),
            "address": f"{address}/c/{to.cooperative_code}/my-costs",
            "cooperative": to.cooperative,
        }
        letters.append(Letter(to.email, subject.format(**values), body.format(**values)))
    return letters
