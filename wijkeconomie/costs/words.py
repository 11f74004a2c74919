"""Bases, policies and scheduled work in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from wijkeconomie.costs.models import Basis, TiePolicy

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
_JOBS: dict[str, Any] = {
    "rounds.open": lazy_gettext("A round opens"),
    "rounds.close": lazy_gettext("A round closes"),
    "rounds.remind": lazy_gettext("Who ordered nothing yet is reminded"),
    "costs.recur": lazy_gettext("A recurring cost comes back"),
    "costs.settle": lazy_gettext("The costs of a month are settled"),
    "vouchers.remind": lazy_gettext("Who has a voucher that expires is reminded"),
    "vouchers.expire": lazy_gettext("Vouchers expire"),
}


def basis_words(basis: str) -> str:
    """What a key goes by."""
    return str(_BASES[Basis(basis)])


def basis_choices() -> list[tuple[str, str]]:
    """The bases that a form offers; meters and deeds take more than a form of one page."""
    offered = (Basis.EQUAL, Basis.HOUSEHOLD, Basis.FLOOR_AREA, Basis.WEIGHTS)
    return [(basis.value, str(_BASES[basis])) for basis in offered]


def policy_choices() -> list[tuple[str, str]]:
    """Who gets the cents that are left."""
    return [(policy.value, str(words)) for policy, words in _POLICIES.items()]


def job_words(job: str) -> str:
    """What a kind of scheduled work does."""
    return str(_JOBS.get(job, _("Scheduled work: %(name)s", name=job)))
