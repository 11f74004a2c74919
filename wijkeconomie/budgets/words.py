"""Laws, states and lines of the trail in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from wijkeconomie.budgets.models import AgreementStatus, CareLaw, DeclarationState
from wijkeconomie.budgets.rules import Objection

_LAWS: dict[CareLaw, Any] = {
    CareLaw.WLZ: lazy_gettext("long-term care (Wlz)"),
    CareLaw.WMO: lazy_gettext("support by the municipality (Wmo)"),
    CareLaw.JEUGDWET: lazy_gettext("help for young people (Jeugdwet)"),
    CareLaw.ZVW: lazy_gettext("nursing by the insurer (Zvw)"),
}
_STATUSES: dict[AgreementStatus, tuple[str, Any]] = {
    AgreementStatus.PENDING: ("busy", lazy_gettext("waits for approval")),
    AgreementStatus.APPROVED: ("good", lazy_gettext("approved")),
    AgreementStatus.REFUSED: ("wrong", lazy_gettext("turned down")),
}
_STATES: dict[DeclarationState, tuple[str, Any]] = {
    DeclarationState.SUBMITTED: ("attention", lazy_gettext("waits for the holder")),
    DeclarationState.APPROVED: ("good", lazy_gettext("approved")),
    DeclarationState.REJECTED: ("wrong", lazy_gettext("rejected")),
    DeclarationState.WITHDRAWN: ("neutral", lazy_gettext("taken back")),
    DeclarationState.TURNED_BACK: ("neutral", lazy_gettext("turned back")),
    DeclarationState.REFUSED: ("wrong", lazy_gettext("refused")),
    DeclarationState.CORRECTED: ("neutral", lazy_gettext("replaced by a correction")),
}
_OBJECTIONS: dict[Objection, Any] = {
    Objection.NOT_APPROVED: lazy_gettext("the agreement is not approved"),
    Objection.OUTSIDE_PERIOD: lazy_gettext("the month lies outside the agreement"),
    Objection.AMOUNT_DIFFERS: lazy_gettext("hours and rate come to another amount"),
    Objection.OVER_FENCE: lazy_gettext("too little was left for this agreement"),
    Objection.OVER_BUDGET: lazy_gettext("too little was left of the budget"),
}
_ACTIONS: dict[str, Any] = {
    "list-read": lazy_gettext("looked at a list with everyone on it"),
    "list-made": lazy_gettext("made a list for who pays"),
    "budgets-read": lazy_gettext("looked at the list of all budgets"),
    "budget-read": lazy_gettext("looked at your budget"),
    "budget-made": lazy_gettext("wrote your budget down"),
    "budget-revised": lazy_gettext("changed the amount of your budget"),
    "payer-named": lazy_gettext("wrote down who pays your budget"),
    "budget-opened": lazy_gettext("opened your budget to change it"),
    "agreement-made": lazy_gettext("wrote an agreement down"),
    "agreement-opened": lazy_gettext("opened an agreement to change it"),
    "agreement-approved": lazy_gettext("wrote down that an agreement was approved"),
    "agreement-refused": lazy_gettext("wrote down that an agreement was turned down"),
    "agreement-ended": lazy_gettext("let an agreement end"),
    "agreement-fenced": lazy_gettext("set apart a part of your budget, or no more"),
    "hours-declared": lazy_gettext("declared hours"),
    "hours-shared": lazy_gettext("shared hours over holders"),
    "declaration-approved": lazy_gettext("approved hours"),
    "declaration-rejected": lazy_gettext("rejected hours"),
    "declaration-withdrawn": lazy_gettext("took hours back"),
    "hours-corrected": lazy_gettext("corrected hours"),
    "declaration-turned-back": lazy_gettext("turned approved hours back"),
    "declaration-read": lazy_gettext("looked at hours"),
    "city-imported": lazy_gettext("brought data in from another administration"),
    "city-exported": lazy_gettext("took data out for another administration"),
    "city-compared": lazy_gettext("compared data with another administration"),
    "outcomes-exported": lazy_gettext("wrote a list of what came of declarations"),
}


def law_words(law: str) -> str:
    """What a law pays for, with its name."""
    return str(_LAWS[CareLaw(law)])


def law_choices() -> list[tuple[str, str]]:
    """The laws that a form offers."""
    return [(law.value, str(words)) for law, words in _LAWS.items()]


def agreement_badge(status: str) -> tuple[str, str]:
    """The kind and the words of the badge of an agreement."""
    kind, words = _STATUSES[AgreementStatus(status)]
    return kind, str(words)


def declaration_badge(state: str) -> tuple[str, str]:
    """The kind and the words of the badge of a declaration."""
    kind, words = _STATES[DeclarationState(state)]
    return kind, str(words)


def objection_words(reason: str) -> str:
    """Why a declaration was refused."""
    return str(_OBJECTIONS[Objection(reason)])


def payer_words(payer_name: str | None) -> str:
    """Who pays: a name, or that it is not known."""
    return payer_name or str(_("an insurer, not known yet which"))


def action_words(action: str) -> str:
    """What someone did with care data."""
    return str(_ACTIONS.get(action, _("looked")))


def actor_words(actor: str, names: dict[int, str]) -> str:
    """Who did it: a name where a login of this cooperative stands behind it."""
    kind, _colon, number = actor.partition(":")
    if kind == "login" and number.isdecimal():
        return names.get(int(number), str(_("someone who has no role here any more")))
    return str(_("the program, at the operator's command"))
