"""Movements of stock in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.core.refusals import DomainError, NotFoundError
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing.refusals import (
    CreditLimitError,
    DepositTooMuchError,
    InactiveMemberError,
    SaleTakenBackError,
    StockGoneError,
)
from wijkeconomie.purchasing.stock_models import MovementKind
from wijkeconomie.purchasing.stock_queries import MovementView

_ARRIVED = lazy_gettext("Left over from round %(round)s")
_TAKEN_OUT = lazy_gettext("Round %(round)s corrected: back out of the stock")
_SOLD = lazy_gettext("Sold to %(name)s (%(code)s)")
_SOLD_BACK = lazy_gettext("Sale to %(name)s (%(code)s) turned back")
_LOST = lazy_gettext("Written off")
_COUNTED_MORE = lazy_gettext("Counted: more than we thought")
_COUNTED_LESS = lazy_gettext("Counted: less there")
_REVALUED = lazy_gettext("Difference in price, after round %(round)s was corrected")
_STOCK_GONE = lazy_gettext("There are %(left)s in stock.")
_TAKEN_BACK = lazy_gettext("This sale was turned back already.")
_NO_MEMBER = lazy_gettext("This is no member now.")
_CLOSED = lazy_gettext("This month is closed. Ask the treasurer.")


def movement_words(moved: MovementView) -> str:
    """What happened, without its figures."""
    about = {"round": moved.round_code, "name": moved.member_name, "code": moved.member_code}
    more = moved.units > 0
    words: dict[MovementKind, Any] = {
        MovementKind.ROUND: _ARRIVED if more else _TAKEN_OUT,
        MovementKind.SALE: _SOLD,
        MovementKind.SALE_BACK: _SOLD_BACK,
        MovementKind.LOST: _LOST,
        MovementKind.COUNT: _COUNTED_MORE if more else _COUNTED_LESS,
        MovementKind.REVALUED: _REVALUED,
    }
    return str(words[moved.kind]) % about


def refused_words(refusal: DomainError) -> tuple[str, str]:
    """The field that a refusal is about, and what to say there."""
    known = (StockGoneError, SaleTakenBackError, InactiveMemberError, ClosedPeriodError)
    if isinstance(refusal, CreditLimitError):
        short = format_amount(int(str(refusal.context["short_cents"])), page_language())
        return "member", _("The account of this member is %(short)s short.", short=short)
    if isinstance(refusal, DepositTooMuchError):
        return "", _("The empties of this came back already. Turn that back first.")
    if isinstance(refusal, known):
        field, words = {
            StockGoneError: ("units", _STOCK_GONE),
            SaleTakenBackError: ("", _TAKEN_BACK),
            InactiveMemberError: ("member", _NO_MEMBER),
            ClosedPeriodError: ("", _CLOSED),
        }[type(refusal)]
        return field, str(words) % refusal.context
    if isinstance(refusal, NotFoundError):
        return "member", _("We do not know this one. Look at the number.")
    return _wrong_input(refusal)


def _wrong_input(refusal: DomainError) -> tuple[str, str]:
    field = str(refusal.context.get("field", ""))
    words = {
        "units": _("At least 1."),
        "price": _("Give a price. What is given away is written off."),
        "counted": _("The stock changed in the meantime. Count again."),
        "reason": _("Say in a few words why."),
    }
    return field, words.get(field, _("This is not right."))
