"""Deposits in the words of a page."""

from __future__ import annotations

from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing.explanations import ExplanationStep


def deposit_steps(units: int, unit: str, each_cents: int) -> list[ExplanationStep]:
    """Why a member pays a deposit, and that he gets it back."""
    words = _(
        "Deposit on the packaging of %(units)s %(unit)s at %(each)s, without VAT. You get it back"
        " for the empties.",
        units=units,
        unit=unit,
        each=format_amount(each_cents, page_language()),
    )
    return [ExplanationStep(words, units * each_cents)]
