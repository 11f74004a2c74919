"""Why an order is not taken, in the words of a page: what is wrong, and what now."""

from __future__ import annotations

from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing.refusals import (
    CreditLimitError,
    DeadlinePassedError,
    PledgeTooLargeError,
    PriceOutOfReachError,
    ToleranceTooLargeError,
    TopupOnlyFillsError,
)


def refused_words(refusal: DomainError) -> str:
    """A sentence for the member, beside the field that it is about."""
    if isinstance(refusal, PledgeTooLargeError):
        words = _(
            "%(product)s: a member may order %(maximum)s at most.",
            product=refusal.context["product"],
            maximum=refusal.context["maximum"],
        )
    elif isinstance(refusal, ToleranceTooLargeError):
        words = _(
            "%(product)s: %(maximum)s more is all that can help.",
            product=refusal.context["product"],
            maximum=refusal.context["maximum"],
        )
    elif isinstance(refusal, PriceOutOfReachError):
        words = _("%(product)s: choose a price of the ladder.", product=refusal.context["product"])
    elif isinstance(refusal, TopupOnlyFillsError):
        words = _(
            "%(product)s: only packs are filled now. %(room)s more fit; less is not possible.",
            product=refusal.context["product"],
            room=refusal.context["room"],
        )
    elif isinstance(refusal, CreditLimitError):
        short = format_amount(int(refusal.context["short_cents"] or 0), page_language())
        words = _("You have %(short)s too little. You can pay in, or order less.", short=short)
    elif isinstance(refusal, DeadlinePassedError):
        words = _("The round has closed. Your order is as it was before.")
    else:
        words = _("This round is not open. Your order is as it was before.")
    return str(words)
