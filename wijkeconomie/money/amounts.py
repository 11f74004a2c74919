"""Amounts: whole numbers of the smallest unit, read strictly and written for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

AmountLocale = Literal["nl", "en"]

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_MAXIMUM_DIGITS = 15  # far within a 64-bit column, also after summing a city

_SIGN_AND_SYMBOL = re.compile(r"(-?)\s*(?:€\s*)?(-?)\s*(.*)", re.DOTALL)
_PLAIN = re.compile(r"([0-9]+)(?:[.,]([0-9]{2}))?")
_GROUPED = re.compile(
    r"([0-9]{1,3}(?:\.[0-9]{3})+),([0-9]{2})|([0-9]{1,3}(?:,[0-9]{3})+)\.([0-9]{2})"
)
_GROUPED_WITHOUT_CENTS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?:,[0-9]{3})+")
_OTHER_DECIMALS = re.compile(r"[0-9.,]*[0-9][.,][0-9]*")


class AmountError(ValueError):
    """Text is not an amount, or two amounts do not go together.

    ``code``: ``amount_empty`` ``amount_not_a_number`` ``amount_ambiguous_thousands``
    ``amount_decimals`` ``amount_too_large`` ``amount_mixed_units``. ``detail`` is a
    sentence for a person.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Amount:
    """So many of the smallest unit of ``unit``: cents of ``EUR``, or of a local currency."""

    amount_minor: int
    unit: str = "EUR"

    def __post_init__(self) -> None:
        if isinstance(self.amount_minor, bool) or not isinstance(self.amount_minor, int):
            kind = type(self.amount_minor).__name__
            raise TypeError(f"an amount is a whole number of the smallest unit, not {kind}")

    def __add__(self, other: Amount) -> Amount:
        if not isinstance(other, Amount):
            return NotImplemented
        return Amount(self.amount_minor + self._minor_of(other), self.unit)

    def __sub__(self, other: Amount) -> Amount:
        if not isinstance(other, Amount):
            return NotImplemented
        return Amount(self.amount_minor - self._minor_of(other), self.unit)

    def __neg__(self) -> Amount:
        return Amount(-self.amount_minor, self.unit)

    def _minor_of(self, other: Amount) -> int:
        if other.unit != self.unit:
            raise AmountError(
                "amount_mixed_units", f"{self.unit} and {other.unit} cannot be added up"
            )
        return other.amount_minor


def parse_amount(text: str) -> int:
    """Read an amount a person typed; return cents.

    Reads ``12``, ``12,34``, ``12.34``, ``1.234,50`` and ``1,234.50``, with a minus sign
    and a euro sign in front if wanted. Cents are two digits or none. Thousands separators
    are read only where cents follow: ``12,345`` and ``1.234`` can mean two amounts and are
    refused, as is everything else.

    Raises:
        AmountError: with a code and a sentence that says what to write instead.
    """
    stripped = text.strip()
    if not stripped:
        raise AmountError("amount_empty", "Write an amount, for example 12,34.")
    match = _SIGN_AND_SYMBOL.fullmatch(stripped)
    first_sign, second_sign, number = match.groups() if match else ("", "", "")
    if first_sign and second_sign:
        raise _not_a_number(stripped)
    if plain := _PLAIN.fullmatch(number):
        whole, cents = plain[1], plain[2] or "00"
    elif grouped := _GROUPED.fullmatch(number):
        whole, cents = grouped[1] or grouped[3], grouped[2] or grouped[4]
    else:
        raise _refusal(stripped, number)
    digits = (whole + cents).replace(".", "").replace(",", "")
    if len(digits.lstrip("0")) > _MAXIMUM_DIGITS:
        raise AmountError("amount_too_large", "This amount is too large.")
    return -int(digits) if first_sign or second_sign else int(digits)


def format_amount(cents: int, locale: AmountLocale = "nl", unit: str = "EUR") -> str:
    """Write an amount for people: ``€ 1.234,50`` (nl) or ``€1,234.50`` (en).

    A minus sign stands where the language puts it: ``€ -5,00``, ``-€5.00``. Other units
    are hundredths as well and follow the number. Spaces do not break, so that an amount
    stays on one line.
    """
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    if locale == "nl":
        number = f"{whole:,}".replace(",", ".") + f",{rest:02d}"
        euros = f"€{NO_BREAK_SPACE}{sign}{number}"
    else:
        number = f"{whole:,}.{rest:02d}"
        euros = f"{sign}€{number}"
    return euros if unit == "EUR" else f"{sign}{number}{NO_BREAK_SPACE}{unit}"


def format_plain(cents: int) -> str:
    """Write an amount for machines: ``1234.50``, ``-0.05``."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def _refusal(text: str, number: str) -> AmountError:
    """Tell what is wrong with a number that has none of the accepted forms."""
    text = text[:40]
    if _GROUPED_WITHOUT_CENTS.fullmatch(number):
        return AmountError(
            "amount_ambiguous_thousands",
            f"{text} can mean two amounts. Write the cents too, for example 1234,00.",
        )
    if _OTHER_DECIMALS.fullmatch(number):
        return AmountError(
            "amount_decimals", f"{text}: write two digits for the cents, for example 12,30."
        )
    return _not_a_number(text)


def _not_a_number(text: str) -> AmountError:
    return AmountError("amount_not_a_number", f"{text[:40]} is not an amount. Write it like 12,34.")
