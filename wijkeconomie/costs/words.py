"""Bases, policies and scheduled work in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from wijkeconomie.costs.models import Basis, SubsidyMode, TiePolicy

_BASES: dict[Basis, Any] = {
    Basis.EQUAL: lazy_gettext("everyone the same"),
    Basis.HOUSEHOLD: lazy_gettext("by people in the household"),
    Basis.FLOOR_AREA: lazy_gettext("by area of the dwelling"),
    Basis.WEIGHTS: lazy_gettext("by a weight for each member"),
    Basis.PARTS: lazy_gettext("by parts of a deed"),
    Basis.METER: lazy_gettext("by the meter"),
}
_POLICIES: dict[TiePolicy, Any] = {
    TiePolicy.ORDER: lazy_gettext("by member number"),
    TiePolicy.ROTATE: lazy_gettext("someone else first each time"),
    TiePolicy.CARRY: lazy_gettext("carried over to the next time"),
}
_MODES: dict[SubsidyMode, Any] = {
    SubsidyMode.POOL: lazy_gettext("everyone: the cost itself gets lower"),
    SubsidyMode.TARGETED_POOL: lazy_gettext("members with a low income, together"),
    SubsidyMode.EARMARKED: lazy_gettext("named members, each an amount for every cost"),
}
_SUBSIDY_LINES: dict[str, Any] = {
    "subsidy.spent": lazy_gettext("Spent by hand"),
    "subsidy.lapsed": lazy_gettext("Lapsed: not spent and not received"),
    "subsidy.repaid": lazy_gettext("Paid back"),
    "voucher.issued": lazy_gettext("Given as vouchers"),
    "voucher.expired": lazy_gettext("Came back of vouchers that expired"),
    "cost.settled": lazy_gettext("A shared cost"),
    "cost.settled.reversed": lazy_gettext("A shared cost, turned back"),
}
_JOBS: dict[str, Any] = {
    "rounds.open": lazy_gettext("A round opens"),
    "rounds.close": lazy_gettext("A round closes"),
    "rounds.remind": lazy_gettext("Who ordered nothing yet is reminded"),
    "costs.recur": lazy_gettext("A recurring cost comes back"),
    "costs.settle": lazy_gettext("The costs of a month are settled"),
    "statements.send": lazy_gettext("Members hear that their statement is there"),
    "balances.below-zero": lazy_gettext("Members hear that their account is below zero"),
    "investments.announce": lazy_gettext("Members hear that a campaign opened"),
    "investments.remind": lazy_gettext("Who did not pay for units yet is reminded"),
    "care.remind": lazy_gettext("Holders of a care budget hear that hours wait"),
    "investments.close": lazy_gettext("A campaign is decided"),
    "investments.depreciate": lazy_gettext("An asset loses the value of a month"),
    "investments.release": lazy_gettext("Who left gets back what he had in a project"),
    "vouchers.remind": lazy_gettext("Who has a voucher that expires is reminded"),
    "vouchers.expire": lazy_gettext("Vouchers expire"),
}


def basis_words(basis: str) -> str:
    """What a key goes by."""
    return str(_BASES[Basis(basis)])


def basis_choices() -> list[tuple[str, str]]:
    """What a key can go by."""
    return [(basis.value, str(words)) for basis, words in _BASES.items()]


def fixed_basis_choices() -> list[tuple[str, str]]:
    """What the fixed part of a key can go by; the first one is that it has none."""
    offered = (Basis.EQUAL, Basis.HOUSEHOLD, Basis.FLOOR_AREA, Basis.PARTS)
    return [("", _("no fixed part")), *((each.value, str(_BASES[each])) for each in offered)]


def mode_choices() -> list[tuple[str, str]]:
    """Whom a subsidy helps."""
    return [(mode.value, str(words)) for mode, words in _MODES.items()]


def policy_choices() -> list[tuple[str, str]]:
    """Who gets the cents that are left."""
    return [(policy.value, str(words)) for policy, words in _POLICIES.items()]


def subsidy_line_words(kind: str) -> str:
    """What an entry on the account of a subsidy is."""
    return str(_SUBSIDY_LINES.get(kind, _("Other use")))


def job_words(job: str) -> str:
    """What a kind of scheduled work does."""
    return str(_JOBS.get(job, _("Scheduled work: %(name)s", name=job)))
