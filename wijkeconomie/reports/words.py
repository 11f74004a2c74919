"""Kinds of journal entries in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

_KINDS: dict[str, Any] = {
    "round.settled": lazy_gettext("Purchase round settled"),
    "round.uncharged": lazy_gettext("Purchase round settled without charging"),
    "stock.sold": lazy_gettext("Sold from the stock"),
    "stock.lost": lazy_gettext("Stock written off"),
    "stock.found": lazy_gettext("More in stock than was known"),
    "stock.revalued": lazy_gettext("Difference in price of stock that was sold"),
    "deposit.charged": lazy_gettext("Deposits on packaging charged"),
    "deposit.sold": lazy_gettext("Deposit on packaging of stock sold to a member"),
    "deposit.returned": lazy_gettext("Deposit given back to a member"),
    "deposit.credited": lazy_gettext("Packaging back to the supplier"),
    "cost.settled": lazy_gettext("Shared costs settled"),
    "participation.paid": lazy_gettext("Participation paid"),
    "participation.released": lazy_gettext("Units of a member released"),
    "campaign.granted": lazy_gettext("Campaign granted"),
    "campaign.failed": lazy_gettext("Campaign without enough money"),
    "project.drawn": lazy_gettext("Invoice for a project"),
    "asset.paid": lazy_gettext("The buyer of something in use paid"),
    "asset.disposed": lazy_gettext("Something in use is sold or scrapped"),
    "asset.depreciated": lazy_gettext("Loss of value of a month"),
    "result.shared": lazy_gettext("Result of a project shared"),
    "subsidy.awarded": lazy_gettext("Subsidy awarded"),
    "subsidy.received": lazy_gettext("Subsidy received"),
    "subsidy.spent": lazy_gettext("Subsidy spent"),
    "subsidy.lapsed": lazy_gettext("Subsidy lapsed"),
    "subsidy.repaid": lazy_gettext("Subsidy paid back"),
    "grant.awarded": lazy_gettext("Carers' grants awarded"),
    "grant.received": lazy_gettext("Carers' grants received"),
    "grant.paid": lazy_gettext("Carers' grants paid"),
    "grant.lapsed": lazy_gettext("Carers' grants lapsed"),
    "grant.repaid": lazy_gettext("Carers' grants paid back"),
    "member.paid": lazy_gettext("Paid to a member"),
    "contribution.charged": lazy_gettext("Contribution charged"),
    "contribution.collected": lazy_gettext("Contribution collected"),
    "contribution.returned": lazy_gettext("Contribution returned by the bank"),
}


def kind_words(kind: str) -> str:
    """What an entry is about."""
    plain = kind.removesuffix(".reversed")
    words = str(_KINDS.get(plain, plain))
    return _("Reversal: %(what)s", what=words) if plain != kind else words
