"""The letter about a round that was made again: what was taken over of an order, and what not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from babel.dates import format_date, format_datetime

from wijkeconomie.cooperatives.addressees import addressees
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing.models import PurchaseRound, RoundState
from wijkeconomie.purchasing.queries import PledgeView
from wijkeconomie.purchasing.renewing import renewed_order

_WORDS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "subject": "De ronde {theme} komt er toch",
        "body": (
            "Beste {name},\n\nDe ronde {theme} ging eerst niet door. Nu is zij er opnieuw: je kunt"
            " bestellen tot {moment}, en de levering is op {day}.\n{order}\nJe kunt alles nog"
            " veranderen of weghalen: {address}\n\nGroet,\n{cooperative}\n"
        ),
        "taken": "\nDit is weer voor je besteld:\n{lines}\n",
        "anew": (
            "\nDit moet je zelf opnieuw bestellen, want het is niet meer hetzelfde (een andere"
            " prijs, of niet meer te koop) of je rekening is te laag:\n{lines}\n"
        ),
    },
    "en": {
        "subject": "The round {theme} takes place after all",
        "body": (
            "Dear {name},\n\nThe round {theme} was cancelled. Now it is there again: you can order"
            " until {moment}, and delivery is on {day}.\n{order}\nYou can still change or remove"
            " everything: {address}\n\nRegards,\n{cooperative}\n"
        ),
        "taken": "\nThis was ordered for you again:\n{lines}\n",
        "anew": (
            "\nThis you have to order again yourself, because it is not the same any more (another"
            " price, or not for sale) or your account is too low:\n{lines}\n"
        ),
    },
}


def renewal_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letter about a round that was made again."""
    return {"mail.round-renewed": lambda uow, told: _renewed(uow, told, address)}


def _renewed(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """A letter while the round takes orders; later there is nothing to do by it."""
    found = uow.session.get_one(PurchaseRound, (uow.tenant, told["round_id"]))
    if found.state != RoundState.OPEN or uow.now >= found.closes_at:
        return []
    order = renewed_order(uow.session, uow.tenant, found, told["member_id"])
    letters = []
    for to in addressees(uow.session, uow.tenant, [told["member_id"]]):
        words = _WORDS[to.language]
        closes_at = found.closes_at.astimezone(LOCAL_TIME)
        parts = [
            words[kind].format(lines=_lines(pledges))
            for kind, pledges in (("taken", order.taken_over), ("anew", order.to_order))
            if pledges
        ]
        body = words["body"].format(
            name=to.first_name,
            theme=found.theme,
            moment=format_datetime(closes_at, "EEEE d MMMM, HH:mm", locale=to.language),
            day=format_date(found.delivery_on, "EEEE d MMMM", locale=to.language),
            order="".join(parts),
            address=f"{address}/c/{to.cooperative_code}/rounds/{found.code}",
            cooperative=to.cooperative,
        )
        letters.append(Letter(to.email, words["subject"].format(theme=found.theme), body))
    return letters


def _lines(pledges: Sequence[PledgeView]) -> str:
    return "\n".join(f"- {each.quantity} {each.unit} {each.product_name}" for each in pledges)
