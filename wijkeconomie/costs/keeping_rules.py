"""What a cost may look like that is written down: its code, its days, its amounts. Pure."""

from __future__ import annotations

import re
from datetime import date

from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.money.vat import vat_on

CODE_LENGTH = 60
RECURRING_CODE_LENGTH = 48
"""The day on which a recurring cost comes back follows its code."""
_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")

FIRST_DAY = date(2000, 1, 1)
YEARS_AHEAD = 10
YEARS_BACK = 5
"""A recurring cost makes no more than so many years of costs at once."""

MOST_CENTS = 10**13
VAT_SLACK_CENTS = 5
"""An invoice rounds its VAT a line at a time, so that all of it may be some cents more."""


def require_code(code: str, *, longest: int = CODE_LENGTH) -> None:
    """Refuse a code that cannot stand in an address.

    Raises:
        InvalidInputError: names the field ``code``.
    """
    if len(code) > longest or not _CODE.fullmatch(code):
        raise InvalidInputError(
            f"a code has 1 to {longest} letters, digits, dots and dashes", field="code"
        )


def require_day(day: date, today: date, *, recurs: bool = False) -> None:
    """Refuse a day that is a slip of the pen.

    Raises:
        InvalidInputError: names the field ``day``, with the first and the last day allowed.
    """
    first = _years_from(today, -YEARS_BACK) if recurs else FIRST_DAY
    last = _years_from(today, YEARS_AHEAD)
    if not first <= day <= last:
        raise InvalidInputError(
            f"a day lies between {first} and {last}",
            field="day",
            first_day=first.isoformat(),
            last_day=last.isoformat(),
        )


def _years_from(day: date, years: int) -> date:
    return day.replace(year=day.year + years, day=min(day.day, 28))


def require_amounts(net_cents: int, vat_cents: int, vat_basis_points: int | None) -> None:
    """Refuse VAT that no invoice with this net amount and rate can have.

    It has the sign of the net amount and is at most what the rate gives, give or take the
    rounding of lines; less is possible, for an invoice of two rates stands under the highest.
    Without a rate, or at the zero rate, there is none.

    Raises:
        InvalidInputError: names the field ``net_cents`` or ``vat_cents``.
    """
    if abs(net_cents) > MOST_CENTS:
        raise InvalidInputError("this is more than a cost can be", field="net_cents")
    by_rate = vat_on(net_cents, vat_basis_points)
    is_other_sign = net_cents * vat_cents < 0
    slack = VAT_SLACK_CENTS if vat_basis_points else 0
    if is_other_sign or abs(vat_cents) > abs(by_rate) + slack:
        raise InvalidInputError(
            f"VAT of {vat_cents} cents does not go with {net_cents} cents",
            field="vat_cents",
            most_cents=by_rate,
        )
