"""Refusals, ways of paying and figures of vouchers in the words of a page; codes as pictures."""

from __future__ import annotations

from typing import Any

import segno
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.vouchers.models import PaidBy, RedemptionRefusal, VatKind, VatMix

_REFUSALS: dict[RedemptionRefusal, Any] = {
    RedemptionRefusal.EXPIRED: lazy_gettext("expired"),
    RedemptionRefusal.INSUFFICIENT_BALANCE: lazy_gettext("balance too low"),
}
_WAYS: dict[PaidBy, Any] = {
    PaidBy.BANK: lazy_gettext("by bank, to the account of vouchers"),
    PaidBy.CASH: lazy_gettext("in cash"),
    PaidBy.MEMBER_ACCOUNT: lazy_gettext("on the member's account"),
    PaidBy.FUND: lazy_gettext("nobody: it is a gift from a fund or a subsidy"),
}
_MIXES: dict[VatMix, Any] = {
    VatMix.LOW: lazy_gettext("9 % VAT"),
    VatMix.HIGH: lazy_gettext("21 % VAT"),
    VatMix.BOTH: lazy_gettext("9 % and 21 % VAT"),
    VatMix.EXEMPT: lazy_gettext("exempt from VAT"),
}
_KINDS: dict[VatKind, Any] = {
    VatKind.MPV: lazy_gettext("for several VAT rates: the shop pays the tax"),
    VatKind.SPV: lazy_gettext("for one VAT rate: we pay the tax when it is issued"),
}


def refusal_words(refusal: str) -> str:
    """Why a payment was refused."""
    return str(_REFUSALS[RedemptionRefusal(refusal)])


def mix_words(mix: str) -> str:
    """The rates at which a merchant sells."""
    return str(_MIXES[VatMix(mix)])


def kind_words(kind: str) -> str:
    """How a kind of voucher is taxed."""
    return str(_KINDS[VatKind(kind)])


def way_choices() -> list[tuple[str, str]]:
    """The ways of paying for a voucher that a form offers."""
    return [(way.value, str(words)) for way, words in _WAYS.items()]


def mix_choices() -> list[tuple[str, str]]:
    """The rates that a form offers."""
    return [(mix.value, str(words)) for mix, words in _MIXES.items()]


def in_unit(amount_minor: int, unit: str) -> str:
    """An amount in euros or in a local unit."""
    return format_amount(amount_minor, page_language(), unit)


def qr_picture(content: str, title: str = "") -> Markup:
    """A QR code (ISO/IEC 18004) as SVG; dark on white also where the page is dark."""
    code = segno.make(content, error="m", micro=False)
    svg = code.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    picture = Markup(svg)  # noqa: S704 drawn by the library: no text of anyone stands in it
    return Markup('<span class="qr-code" role="img" aria-label="{}">{}</span>').format(
        title or _("QR code"), picture
    )
