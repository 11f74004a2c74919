"""Letters about shared costs: what a month comes to for a member, and what a correction changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from babel.dates import format_date
from sqlalchemy import text

from wijkeconomie.cooperatives.addressees import Addressee, addressees
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer, enqueue_each
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.models import SettlementRun
from wijkeconomie.money.amounts import format_amount

_SETTLED: Mapping[str, tuple[str, str]] = {
    "nl": (
        "Jouw deel van de kosten van {month}",
        (
            "Beste {name},\n\nDe gedeelde kosten van {month} zijn afgerekend. {amount}\n"
            "Waarom dat zo is, staat hier: {address}\n\nGroet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "Your part of the costs of {month}",
        (
            "Dear {name},\n\nThe shared costs of {month} were settled. {amount}\n"
            "Here you see why: {address}\n\nRegards,\n{cooperative}\n"
        ),
    ),
}
_CORRECTED: Mapping[str, tuple[str, str]] = {
    "nl": (
        "Verbeterd: jouw deel van de kosten van {month}",
        (
            "Beste {name},\n\nIn de kosten van {month} is iets verbeterd: {cost}.\n"
            "De reden: {reason}\n\n{before}\n{amount}\n{difference}\n\n"
            "Hoe je deel is berekend, zie je hier: {address}\n\nGroet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "Corrected: your part of the costs of {month}",
        (
            "Dear {name},\n\nIn the costs of {month} something was corrected: {cost}.\n"
            "The reason: {reason}\n\n{before}\n{amount}\n{difference}\n\n"
            "Here you see how your part was calculated: {address}\n\nRegards,\n{cooperative}\n"
        ),
    ),
}
# Below, at and above nothing: an amount with a minus sign tells nobody what to do.
_NOW: Mapping[str, tuple[str, str, str]] = {
    "nl": ("Je krijgt {} terug.", "Je betaalt niets.", "Je betaalt {}."),
    "en": ("You get {} back.", "You pay nothing.", "You pay {}."),
}
_BEFORE: Mapping[str, tuple[str, str, str]] = {
    "nl": ("Eerst kreeg je {} terug.", "Eerst betaalde je niets.", "Eerst betaalde je {}."),
    "en": ("Before, you got {} back.", "Before, you paid nothing.", "Before, you paid {}."),
}
_NOW_INSTEAD: Mapping[str, tuple[str, str, str]] = {
    "nl": ("Nu krijg je {} terug.", "Nu betaal je niets.", "Nu betaal je {}."),
    "en": ("Now you get {} back.", "Now you pay nothing.", "Now you pay {}."),
}
_DIFFERENCE: Mapping[str, tuple[str, str, str]] = {
    "nl": (
        "Er komt {} bij op je rekening.",
        "Op je rekening verandert niets.",
        "Er gaat {} van je rekening af.",
    ),
    "en": (
        "{} is added to your account.",
        "Nothing changes on your account.",
        "{} is taken off your account.",
    ),
}

_PAID = text(
    """
select x.member_id, sum(x.cents - coalesce(x.subsidy, 0))::bigint
from shared_cost c
join cost_settlement s on s.cooperative_id = c.cooperative_id and s.cost_id = c.id
  and s.version = c.settled_version
join settlement_run r on r.cooperative_id = s.cooperative_id and r.id = s.run_id
  and r.state = 'published'
join cost_share_block b on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id
cross join unnest(b.member_ids, b.cents, b.subsidy_cents) as x (member_id, cents, subsidy)
where c.cooperative_id = :id and c.month = :month
group by x.member_id
"""
)
_MEMBERS_OF_RUN = text(
    """
select distinct unnest(b.member_ids) from cost_settlement s
join cost_share_block b on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id
where s.cooperative_id = :id and s.run_id = :run
"""
)
_CHANGED = text(
    """
select m.id, coalesce(sum(x.cents - coalesce(x.subsidy, 0)) filter (where s.version < :version),
    0)::bigint,
  coalesce(sum(x.cents - coalesce(x.subsidy, 0)) filter (where s.version = :version), 0)::bigint
from shared_cost c
join cost_settlement s on s.cooperative_id = c.cooperative_id and s.cost_id = c.id
  and s.version in (:version - 1, :version)
join cost_share_block b on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id
cross join unnest(b.member_ids, b.cents, b.subsidy_cents) as x (member_id, cents, subsidy)
join member m on m.cooperative_id = c.cooperative_id and m.id = x.member_id
where c.cooperative_id = :id and c.code = :cost and m.code = any(cast(:codes as text[]))
group by m.id
"""
)
_CORRECTION = text(
    """
select c.description, r.reason from shared_cost c
join cost_settlement s on s.cooperative_id = c.cooperative_id and s.cost_id = c.id
join settlement_run r on r.cooperative_id = s.cooperative_id and r.id = s.run_id
where c.cooperative_id = :id and c.code = :cost and s.version = :version
"""
)


def cost_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters of each kind of message about shared costs.

    A run is told in one message, which becomes one a member when its time comes: writing
    a hundred thousand messages is no part of settling. Amounts are looked up then, all at once:
    a letter costs the same however many members there are, and of two corrections each tells
    its own difference.
    """
    return {
        "mail.costs-settled": _fan_out_run,
        "mail.costs-corrected": _fan_out_correction,
        "mail.costs-member": lambda uow, told: _settled(uow, told, address),
        "mail.costs-correction-member": lambda uow, told: _corrected(uow, told, address),
    }


def _fan_out_run(uow: UnitOfWork, told: Mapping[str, Any]) -> Sequence[Letter]:
    """What each member of the run pays for all costs of the month that were shown by now."""
    run = uow.session.get_one(SettlementRun, (uow.tenant, told["run"]))
    members = uow.session.scalars(_MEMBERS_OF_RUN, {"id": uow.tenant, "run": run.id}).all()
    paid: dict[int, int] = dict(
        uow.session.execute(_PAID, {"id": uow.tenant, "month": run.month}).all()
    )
    enqueue_each(
        uow,
        kind="mail.costs-member",
        payloads={
            f"costs/{run.id}/member/{to.member_id}": {
                "member": to.member_id,
                "month": told["month"],
                "cents": paid.get(to.member_id, 0),
            }
            for to in addressees(uow.session, uow.tenant, members)
        },
    )
    return []


def _fan_out_correction(uow: UnitOfWork, told: Mapping[str, Any]) -> Sequence[Letter]:
    """What a cost was and is for those whose amount changed."""
    rows = uow.session.execute(
        _CHANGED,
        {
            "id": uow.tenant,
            "cost": told["cost"],
            "version": told["version"],
            "codes": told["members"],
        },
    )
    amounts = {member_id: (was, now) for member_id, was, now in rows}
    about = {name: told[name] for name in ("cost", "version", "month")}
    enqueue_each(
        uow,
        kind="mail.costs-correction-member",
        payloads={
            f"cost/{told['cost']}/{told['version']}/member/{to.member_id}": about
            | {
                "member": to.member_id,
                "was_cents": amounts[to.member_id][0],
                "cents": amounts[to.member_id][1],
            }
            for to in addressees(uow.session, uow.tenant, list(amounts))
        },
    )
    return []


def _settled(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    return [
        _letter(to, told, address, _SETTLED, amount=_said(_NOW, told["cents"], to))
        for to in addressees(uow.session, uow.tenant, [told["member"]])
    ]


def _corrected(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    cost, reason = uow.session.execute(
        _CORRECTION, {"id": uow.tenant, "cost": told["cost"], "version": told["version"]}
    ).one()
    was, now = told["was_cents"], told["cents"]
    return [
        _letter(
            to,
            told,
            address,
            _CORRECTED,
            cost=cost,
            reason=reason,
            before=_said(_BEFORE, was, to),
            amount=_said(_NOW_INSTEAD, now, to),
            difference=_said(_DIFFERENCE, now - was, to),
        )
        for to in addressees(uow.session, uow.tenant, [told["member"]])
    ]


def _said(words: Mapping[str, tuple[str, str, str]], cents: int, to: Addressee) -> str:
    return words[to.language][1 + (cents > 0) - (cents < 0)].format(
        format_amount(abs(cents), to.language)
    )


def _letter(
    to: Addressee,
    told: Mapping[str, Any],
    address: str,
    words: Mapping[str, tuple[str, str]],
    **values: str,
) -> Letter:
    subject, body = words[to.language]
    month = date.fromisoformat(f"{told['month']}-01")
    filled = values | {
        "month": format_date(month, "MMMM y", locale=to.language),
        "name": to.first_name,
        "address": f"{address}/c/{to.cooperative_code}/my-costs",
        "cooperative": to.cooperative,
    }
    return Letter(to.email, subject.format(**filled), body.format(**filled))
