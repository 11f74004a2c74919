"""Letters about closing times and unsettled rounds, made from what is true when they are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from babel.dates import format_date, format_datetime

from wijkeconomie.cooperatives.addressees import addressees
from wijkeconomie.cooperatives.role_addressees import role_addressees
from wijkeconomie.core.identity import Role
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing.deadline_models import RoundDeadline
from wijkeconomie.purchasing.deadline_queries import round_policy
from wijkeconomie.purchasing.models import PurchaseRound, RoundState
from wijkeconomie.purchasing.settlement_models import UnchargedRequest

Language = Literal["nl", "en"]

_TO_MEMBERS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "nl": {
        "prolonged": (
            "{theme} blijft langer open",
            (
                "Beste {name},\n\n{why}Je kunt langer bestellen in de ronde {theme}: tot {moment}."
                "\nDe levering is op {day}. Je bestelling blijft"
                " staan; je mag haar ook veranderen.\nDat kan hier: {address}\n\nGroet,\n"
                "{cooperative}\n"
            ),
        ),
        "topup": (
            "Help de pakken van {theme} vol te maken",
            (
                "Beste {name},\n\nIn de ronde {theme} zijn nog niet alle pakken vol. Tot {moment}"
                " kun je aanvullen. Minder bestellen kan niet meer.\nWat er nog bij past, zie je"
                " hier: {address}\n\nGroet,\n{cooperative}\n"
            ),
        ),
        "uncharged": (
            "Je betaalt niets voor {theme}",
            (
                "Beste {name},\n\nDe ronde {theme} is afgesloten zonder verrekening. Je betaalt"
                " niets: de coöperatie betaalt de leverancier.\nDe reden staat hier: {address}\n\n"
                "Groet,\n{cooperative}\n"
            ),
        ),
    },
    "en": {
        "prolonged": (
            "{theme} stays open longer",
            (
                "Dear {name},\n\n{why}You can order longer in the round {theme}: until {moment}."
                "\nDelivery is on {day}. Your order stands; you may"
                " change it too.\nYou can do that here: {address}\n\nRegards,\n{cooperative}\n"
            ),
        ),
        "topup": (
            "Help fill the packs of {theme}",
            (
                "Dear {name},\n\nIn the round {theme} not all packs are full yet. Until {moment}"
                " you can add to them. You can no longer order less.\nWhat still fits, you see"
                " here: {address}\n\nRegards,\n{cooperative}\n"
            ),
        ),
        "uncharged": (
            "You pay nothing for {theme}",
            (
                "Dear {name},\n\nThe round {theme} was settled without charging. You pay nothing:"
                " the cooperative pays the supplier.\nThe reason is here: {address}\n\nRegards,\n"
                "{cooperative}\n"
            ),
        ),
    },
}
_TO_ROLES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "nl": {
        "asked": (
            "Beslis over {theme}: er is te weinig besteld",
            (
                "Beste {name},\n\nDe ronde {theme} ({code}) is over de sluitingstijd en haalt het"
                " minimum niet. Er is voor {reached} besteld.\nKies: langer openhouden, toch"
                " bestellen, of niet laten doorgaan. Dat kan hier: {address}\n\nGroet,\n"
                "{cooperative}\n"
            ),
        ),
        "waiting": (
            "{theme} is nog niet afgerekend",
            (
                "Beste {name},\n\nDe ronde {theme} ({code}) is ontvangen op {received} en nog niet"
                " afgerekend.{settles}\nReken af: {address}\n\nGroet,\n{cooperative}\n"
            ),
        ),
        "uncharged-asked": (
            "Beoordeel: {theme} zonder verrekening",
            (
                "Beste {name},\n\nIemand vraagt om de ronde {theme} ({code}) af te sluiten zonder"
                " dat leden betalen. De coöperatie betaalt dan {amount}.\nDe reden: {reason}\nEen"
                " tweede persoon beslist. Dat kan hier: {address}\n\nGroet,\n{cooperative}\n"
            ),
        ),
    },
    "en": {
        "asked": (
            "Decide about {theme}: too little was ordered",
            (
                "Dear {name},\n\nThe round {theme} ({code}) has passed its closing time and misses"
                " its minimum. {reached} was ordered.\nChoose: keep it open longer, order all the"
                " same, or cancel it. You can do that here: {address}\n\nRegards,\n{cooperative}\n"
            ),
        ),
        "waiting": (
            "{theme} has not been settled",
            (
                "Dear {name},\n\nThe round {theme} ({code}) was received on {received} and has not"
                " been settled.{settles}\nSettle it: {address}\n\nRegards,\n{cooperative}\n"
            ),
        ),
        "uncharged-asked": (
            "Look at this: {theme} without charging",
            (
                "Dear {name},\n\nSomebody asks to settle the round {theme} ({code}) without"
                " charging members. The cooperative then pays {amount}.\nThe reason: {reason}\nA"
                " second person decides. You can do that here: {address}\n\nRegards,\n"
                "{cooperative}\n"
            ),
        ),
    },
}
_MISSED = {
    "nl": "Er is nog te weinig besteld. ",
    "en": "Too little was ordered so far. ",
}
_SETTLES = {
    "nl": "\nAls de factuur klopt, gebeurt dat vanzelf op {day}.",
    "en": "\nIf the invoice is right, that happens by itself on {day}.",
}
UNSETTLED = {RoundState.RECEIVED.value, RoundState.ALLOCATED.value}


def deadline_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters of each kind of message about deadlines and unsettled rounds."""
    return {
        "mail.round-prolonged": lambda uow, told: _to_member(uow, told, "prolonged", address),
        "mail.round-topup": lambda uow, told: _to_member(uow, told, "topup", address),
        "mail.round-uncharged": lambda uow, told: _to_member(uow, told, "uncharged", address),
        "mail.round-asked": lambda uow, told: _asked(uow, told, address),
        "mail.round-waiting": lambda uow, told: _waiting(uow, told, address),
        "mail.uncharged-asked": lambda uow, told: _uncharged_asked(uow, told, address),
    }


def _to_member(
    uow: UnitOfWork, told: Mapping[str, Any], occasion: str, address: str
) -> Sequence[Letter]:
    """A letter, unless the round moved on: a later message tells it better."""
    found = _round(uow, told)
    if occasion == "uncharged":
        is_true = found.settlement_version == told["version"]
    else:
        is_true = (
            found.state == RoundState.OPEN
            and int(found.closes_at.timestamp()) == told["version"]
            and uow.now < found.closes_at
        )
    if not is_true:
        return []
    letters = []
    for to in addressees(uow.session, uow.tenant, [told["member_id"]]):
        subject, body = _TO_MEMBERS[to.language][occasion]
        values = {
            "theme": found.theme,
            "name": to.first_name,
            "why": _MISSED[to.language] if told.get("is_missed") else "",
            "moment": _moment(found.closes_at, to.language),
            "day": format_date(found.delivery_on, "EEEE d MMMM", locale=to.language),
            "address": f"{address}/c/{to.cooperative_code}/rounds/{found.code}",
            "cooperative": to.cooperative,
        }
        letters.append(Letter(to.email, subject.format(**values), body.format(**values)))
    return letters


def _asked(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    found = _round(uow, told)
    row = uow.session.get(RoundDeadline, (uow.tenant, found.id))
    is_asked = row is not None and row.asked_at is not None
    if found.state != RoundState.OPEN or not is_asked or row is None or row.missed is None:
        return []
    reached = row.missed["ordered_cents"]
    return _to_roles(
        uow,
        found,
        "asked",
        address=address,
        roles={Role.COORDINATOR},
        words=lambda language: {"reached": format_amount(reached, language)},
    )


def _waiting(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    found = _round(uow, told)
    received = found.received_at
    if found.state not in UNSETTLED or received is None:
        return []
    after = round_policy(uow.session, uow.tenant).settle_after_days

    def words(language: Language) -> dict[str, str]:
        settles = ""
        if after is not None:
            day = _day(received + timedelta(days=after), language)
            settles = _SETTLES[language].format(day=day)
        return {"received": _day(received, language), "settles": settles}

    roles = {Role.COORDINATOR, Role.TREASURER}
    return _to_roles(uow, found, "waiting", address=address, roles=roles, words=words)


def _uncharged_asked(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    asked = uow.session.get_one(UnchargedRequest, (uow.tenant, told["request_id"]))
    found = uow.session.get_one(PurchaseRound, (uow.tenant, asked.round_id))
    if asked.is_approved is not None or found.state not in UNSETTLED:
        return []
    asker = asked.asked_by.partition("login:")[2]
    return _to_roles(
        uow,
        found,
        "uncharged-asked",
        address=address,
        roles={Role.COORDINATOR, Role.TREASURER, Role.BOARD},
        words=lambda language: {
            "amount": format_amount(asked.amount_cents, language),
            "reason": asked.reason,
        },
        except_login=int(asker) if asker else None,
    )


def _to_roles(
    uow: UnitOfWork,
    found: PurchaseRound,
    occasion: str,
    *,
    address: str,
    roles: set[Role],
    words: Callable[[Language], Mapping[str, str]],
    except_login: int | None = None,
) -> Sequence[Letter]:
    letters = []
    for to in role_addressees(uow.session, uow.tenant, roles, except_login=except_login):
        subject, body = _TO_ROLES[to.language][occasion]
        values = {
            "theme": found.theme,
            "code": found.code,
            "name": to.display_name,
            "address": f"{address}/c/{to.cooperative_code}/rounds/{found.code}/manage",
            "cooperative": to.cooperative,
            **words(to.language),
        }
        letters.append(Letter(to.email, subject.format(**values), body.format(**values)))
    return letters


def _round(uow: UnitOfWork, told: Mapping[str, Any]) -> PurchaseRound:
    return uow.session.get_one(PurchaseRound, (uow.tenant, told["round_id"]))


def _moment(moment: datetime, language: str) -> str:
    return format_datetime(moment.astimezone(LOCAL_TIME), "EEEE d MMMM, HH:mm", locale=language)


def _day(moment: datetime, language: str) -> str:
    return format_date(moment.astimezone(LOCAL_TIME).date(), "EEEE d MMMM", locale=language)
