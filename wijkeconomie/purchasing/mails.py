"""Letters about rounds, made from what is true when they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from sqlalchemy import text

from wijkeconomie.cooperatives.addressees import addressees
from wijkeconomie.core.mail import Attachment, Letter
from wijkeconomie.core.outbox import Renderer
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import NO_BREAK_SPACE, format_amount
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.closing_words import closing_told
from wijkeconomie.purchasing.due_queries import members_without_pledge
from wijkeconomie.purchasing.models import PurchaseRound, RoundState, Supplier
from wijkeconomie.purchasing.order_document import (
    SupplierOrder,
    render_order_csv,
    render_order_pdf,
)
from wijkeconomie.purchasing.ordering import supplier_order
from wijkeconomie.purchasing.withdrawal_letters import withdrawal_letter

_PAGE = {"reminder": "rounds/{round}", "dropped": "rounds/{round}"}
_WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "nl": {
        "reminder": (
            "De ronde {theme} sluit bijna",
            (
                "Beste {name},\n\nJe kunt nog bestellen in de ronde {theme}, tot {moment}.\n"
                "Dat kan hier: {address}\n\nGroet,\n{cooperative}\n"
            ),
        ),
        "settled": (
            "Afrekening van {theme}",
            (
                "Beste {name},\n\nDe ronde {theme} is afgerekend. Jij betaalt {amount}.\n"
                "Waarom dat zo is, staat hier: {address}\n\nGroet,\n{cooperative}\n"
            ),
        ),
        "corrected": (
            "Je bedrag voor {theme} is veranderd",
            (
                "Beste {name},\n\nDe afrekening van de ronde {theme} is gecorrigeerd. Je betaalt nu"
                " {amount}.\nWaarom dat zo is, staat hier: {address}\n\nGroet,\n{cooperative}\n"
            ),
        ),
        "cancelled": (
            "De ronde {theme} gaat niet door",
            (
                "Beste {name},\n\nDe ronde {theme} gaat niet door. Je betaalt niets.\n"
                "De reden: {reason}\n\nGroet,\n{cooperative}\n"
            ),
        ),
        "dropped": (
            "{subject}",
            (
                "Beste {name},\n\nDe ronde {theme} is gesloten.\n{outcome}\n"
                "Bekijk het hier: {address}\n\nGroet,\n{cooperative}\n"
            ),
        ),
    },
    "en": {
        "reminder": (
            "The round {theme} closes soon",
            (
                "Dear {name},\n\nYou can still order in the round {theme}, until {moment}.\n"
                "You can do that here: {address}\n\nRegards,\n{cooperative}\n"
            ),
        ),
        "settled": (
            "Settlement of {theme}",
            (
                "Dear {name},\n\nThe round {theme} was settled. You pay {amount}.\n"
                "Here you see why: {address}\n\nRegards,\n{cooperative}\n"
            ),
        ),
        "corrected": (
            "Your amount for {theme} has changed",
            (
                "Dear {name},\n\nThe settlement of the round {theme} was corrected. You now pay"
                " {amount}.\nHere you see why: {address}\n\nRegards,\n{cooperative}\n"
            ),
        ),
        "cancelled": (
            "The round {theme} will not take place",
            (
                "Dear {name},\n\nThe round {theme} will not take place. You pay nothing.\n"
                "The reason: {reason}\n\nRegards,\n{cooperative}\n"
            ),
        ),
        "dropped": (
            "{subject}",
            (
                "Dear {name},\n\nThe round {theme} has closed.\n{outcome}\n"
                "See it here: {address}\n\nRegards,\n{cooperative}\n"
            ),
        ),
    },
}


def round_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters of each kind of message about rounds."""
    return {
        "mail.round-settled": lambda uow, told: _to_member(uow, told, "settled", address),
        "mail.round-corrected": lambda uow, told: _to_member(uow, told, "corrected", address),
        "mail.round-cancelled": lambda uow, told: _to_member(uow, told, "cancelled", address),
        "mail.round-dropped": lambda uow, told: _to_member(uow, told, "dropped", address),
        "mail.round-reminder": lambda uow, told: _to_member(uow, told, "reminder", address),
        "mail.supplier-order": _to_supplier,
        "mail.supplier-withdrawal": _withdrawal,
    }


def _to_member(
    uow: UnitOfWork, told: Mapping[str, Any], occasion: str, address: str
) -> Sequence[Letter]:
    """A letter, unless what it tells is not true any more: a newer version tells it better."""
    found = uow.session.get_one(PurchaseRound, (uow.tenant, told["round_id"]))
    if not _is_true(uow, found, told, occasion):
        return []
    paid = settlement_queries.paid_by_member(uow.session, uow.tenant, told["member_id"])
    page = _PAGE.get(occasion, "account").format(round=found.code)
    weighed = _weighed(uow, told) if occasion in {"settled", "corrected"} else []
    own = _own_pledges(uow, told) if occasion == "dropped" else []
    letters = []
    for to in addressees(uow.session, uow.tenant, [told["member_id"]]):
        subject, body = _WORDS[to.language][occasion]
        values = {
            "theme": found.theme,
            "name": to.first_name,
            "amount": format_amount(paid.get(found.id, 0), to.language),
            "address": f"{address}/c/{to.cooperative_code}/{page}",
            "moment": format_datetime(
                found.closes_at.astimezone(LOCAL_TIME), "EEEE d MMMM, HH:mm", locale=to.language
            ),
            "cooperative": to.cooperative,
            "reason": found.cancel_reason or "",
            **(closing_told(own, found.theme, to.language) if occasion == "dropped" else {}),
        }
        # In the subject, so that grams typed as kilograms are seen by who got the goods.
        weights = "".join(
            f", {name} {format_decimal(grams, locale=to.language)} g" for name, grams in weighed
        )
        about = subject.format(**values) + weights
        letters.append(Letter(to.email, about, body.format(**values)))
    return letters


_WEIGHED = text(
    """
select o.name, sum(w.grams)::bigint from pledge_weight w
join pledge x on x.cooperative_id = w.cooperative_id and x.id = w.pledge_id
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
where w.cooperative_id = :cooperative_id and w.round_id = :round_id and x.member_id = :member_id
  and x.withdrawn_at is null
group by o.position, o.name order by o.position
"""
)


def _weighed(uow: UnitOfWork, told: Mapping[str, Any]) -> list[tuple[str, int]]:
    """What was weighed for the member: of each product its name and grams."""
    key = {
        "cooperative_id": uow.tenant,
        "round_id": told["round_id"],
        "member_id": told["member_id"],
    }
    return [(name, grams) for name, grams in uow.session.execute(_WEIGHED, key)]


def _own_pledges(uow: UnitOfWork, told: Mapping[str, Any]) -> list[queries.PledgeView]:
    """The member's pledges as closing left them, also those that fell out."""
    return queries.pledges(
        uow.session,
        uow.tenant,
        told["round_id"],
        member_id=told["member_id"],
        with_withdrawn=True,
    )


def _is_true(uow: UnitOfWork, found: PurchaseRound, told: Mapping[str, Any], occasion: str) -> bool:
    if occasion == "cancelled":
        return found.state == RoundState.CANCELLED
    if occasion == "dropped":
        return found.state not in {RoundState.OPEN, RoundState.CANCELLED}
    if occasion == "reminder":
        waiting = members_without_pledge(
            uow.session, uow.tenant, found.id, local_date(uow.now, LOCAL_TIME)
        )
        is_open = found.state == RoundState.OPEN and uow.now < found.closes_at
        # Of a round that was prolonged since, the reminder before its new closing time tells.
        is_this = told.get("version") in {None, int(found.closes_at.timestamp())}
        return is_open and is_this and told["member_id"] in waiting
    return found.settlement_version == told.get("version")


def _to_supplier(uow: UnitOfWork, told: Mapping[str, Any]) -> Sequence[Letter]:
    """The order as a letter with its list; none once the round was cancelled."""
    found = uow.session.get_one(PurchaseRound, (uow.tenant, told["round_id"]))
    supplier = uow.session.get_one(Supplier, (uow.tenant, found.supplier_id))
    if found.state == RoundState.CANCELLED or not supplier.email:
        return []
    order = supplier_order(uow, found.code)
    name = uow.session.scalar(
        text("select name from cooperative where id = :id"), {"id": uow.tenant}
    )
    # A supplier who reads both mails must not deliver twice.
    is_again = told.get("is_again", False)
    again = "\n\nWe sturen dezelfde bestelling nog eens; het is geen tweede." if is_again else ""
    body = (
        f"Beste {supplier.name},\n\nIn de bijlage vind je onze bestelling {found.code}.{again}\n\n"
        f"{_ordered(order)}\n\nGroet,\n{name}\n"
    )
    attachments = (
        Attachment(f"bestelling-{found.code}.pdf", render_order_pdf(order), "application/pdf"),
        Attachment(f"bestelling-{found.code}.csv", render_order_csv(order), "text/csv"),
    )
    subject = f"Bestelling {found.code}{' (opnieuw gestuurd)' if is_again else ''}"
    return [Letter(supplier.email, subject, body, attachments)]


def _withdrawal(uow: UnitOfWork, told: Mapping[str, Any]) -> Sequence[Letter]:
    found = uow.session.get_one(PurchaseRound, (uow.tenant, told["round_id"]))
    letter = withdrawal_letter(uow, found.id) if found.state == RoundState.CANCELLED else None
    return [] if letter is None else [letter]


def _ordered(order: SupplierOrder) -> str:
    """What is ordered, a line each, in packs as the supplier calls them."""
    lines = (f"- {line.name} ({line.sku}): {line.in_words}" for line in order.lines)
    return "\n".join(lines).replace(NO_BREAK_SPACE, " ")
