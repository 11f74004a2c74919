"""Value added tax: the dated Dutch rates, and tax per rate per invoice, rounded once.

A rate is a number of basis points (2100 is 21%). ``None`` stands for "no rate applies":
exempt. Exempt and out of scope bear no tax but are not the zero rate: only supplies at a
rate, zero included, give the right to deduct input tax.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

RateName = Literal["high", "low", "zero"]
SupplyKind = Literal["lodging", "solar_panels_on_homes"]
VatRegime = Literal["regulier", "kor"]
"""A cooperative charges and reclaims the tax, or is a small one that does neither (KOR)."""


class VatCategory(StrEnum):
    """How a supply stands to the tax."""

    RATE = "rate"
    ZERO = "zero"
    EXEMPT = "exempt"
    OUT_OF_SCOPE = "out_of_scope"

    @property
    def gives_input_tax(self) -> bool:
        """Whether tax on what was bought for such a supply can be reclaimed."""
        return self in {VatCategory.RATE, VatCategory.ZERO}


@dataclass(frozen=True, slots=True)
class DatedRate:
    """A rate from ``valid_from`` on, until the next one of the same subject."""

    subject: RateName | SupplyKind
    valid_from: date
    basis_points: int


# Wet op de omzetbelasting 1968, article 9 and tables I and II, as changed by tax plans:
# 21% in 2012, 9% in 2019, solar panels on homes in 2023, lodging in 2026.
# The books begin after 1 October 2012; older rates are left out.
DATED_RATES = (
    DatedRate("high", date(2012, 10, 1), 2100),
    DatedRate("low", date(2012, 10, 1), 600),
    DatedRate("low", date(2019, 1, 1), 900),
    DatedRate("zero", date(2012, 10, 1), 0),
    DatedRate("lodging", date(2012, 10, 1), 600),
    DatedRate("lodging", date(2019, 1, 1), 900),
    DatedRate("lodging", date(2026, 1, 1), 2100),
    DatedRate("solar_panels_on_homes", date(2012, 10, 1), 2100),
    DatedRate("solar_panels_on_homes", date(2023, 1, 1), 0),
)


def rate_on(subject: RateName | SupplyKind, day: date) -> int:
    """Return the basis points of a rate, or of a kind of supply with its own history.

    Raises:
        ValueError: ``day`` lies before the first recorded rate.
    """
    past = [rate for rate in DATED_RATES if rate.subject == subject and rate.valid_from <= day]
    if not past:
        raise ValueError(f"no {subject} rate is recorded for {day.isoformat()}")
    return max(past, key=lambda rate: rate.valid_from).basis_points


def standard_rates_on(day: date) -> dict[RateName, int]:
    """Return the basis points of the high, low and zero rate on ``day``.

    Raises:
        ValueError: ``day`` lies before the first recorded rate.
    """
    names: tuple[RateName, ...] = ("high", "low", "zero")
    return {name: rate_on(name, day) for name in names}


def category_of(basis_points: int | None, *, is_in_scope: bool = True) -> VatCategory:
    """Name the category of a stored rate; ``None`` is exempt."""
    if not is_in_scope:
        return VatCategory.OUT_OF_SCOPE
    if basis_points is None:
        return VatCategory.EXEMPT
    return VatCategory.RATE if basis_points else VatCategory.ZERO


def vat_on(net_cents: int, basis_points: int | None) -> int:
    """Return the tax on a net amount, half a cent away from zero.

    A credit note mirrors its invoice. ``None`` (exempt) bears no tax.

    Raises:
        TypeError: an argument that is not a whole number.
        ValueError: a negative rate.

    Source: Dutch tax practice rounds arithmetically, a third decimal of 5 goes up.
    """
    rate = _checked_rate(net_cents, basis_points)
    return _divide_half_up(net_cents * rate, 10_000)


def contained_vat(gross_cents: int, basis_points: int | None) -> int:
    """Return the tax inside a gross amount, half a cent away from zero.

    Raises:
        TypeError, ValueError: as ``vat_on``.
    """
    rate = _checked_rate(gross_cents, basis_points)
    return _divide_half_up(gross_cents * rate, 10_000 + rate)


def net_per_rate(lines: Iterable[tuple[int | None, int]]) -> dict[int | None, int]:
    """Sum the ``(basis points, net cents)`` of an invoice's lines per rate, in input order."""
    sums: dict[int | None, int] = {}
    for basis_points, net_cents in lines:
        sums[basis_points] = sums.get(basis_points, 0) + net_cents
    return sums


def invoice_vat(lines: Mapping[int | None, int]) -> dict[int | None, int]:
    """Return the tax per rate of one invoice, from its net cents per rate.

    Tax is rounded once per rate per invoice, never per line: sum the lines with
    ``net_per_rate`` first, and allocate the result when members share the tax.
    """
    return {rate: vat_on(net_cents, rate) for rate, net_cents in lines.items()}


def _checked_rate(cents: int, basis_points: int | None) -> int:
    for value in (cents, basis_points):
        if isinstance(value, bool) or not isinstance(value, int | None):
            raise TypeError(f"cents and basis points are whole numbers, not {value!r}")
    if basis_points is not None and basis_points < 0:
        raise ValueError("a rate is not negative")
    return basis_points or 0


def _divide_half_up(numerator: int, denominator: int) -> int:
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -magnitude if numerator < 0 else magnitude
