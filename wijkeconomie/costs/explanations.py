"""Why a member's share of a cost is what it is, in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.weights import weight_text

Locale = Literal["nl", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostShareFacts:
    """A member's share as it is stored: one weight and sum per part of the key."""

    part_totals: Sequence[int]
    weights: Sequence[Fraction]
    weight_sums: Sequence[Fraction]
    carried: Fraction | None
    is_bound: bool
    cents: int
    subsidy_cents: int

    @property
    def exact(self) -> Fraction:
        """The share before rounding, without bounds."""
        shares = (
            Fraction(total) * weight / weight_sum if weight_sum else Fraction(0)
            for total, weight, weight_sum in zip(
                self.part_totals, self.weights, self.weight_sums, strict=True
            )
        )
        return sum(shares, self.carried or Fraction(0))


_WORDS: Mapping[Locale, Mapping[str, str]] = {
    "nl": {
        "carried": "overgehouden van vorige keren",
        "up": "afgerond omhoog, grootste rest",
        "down": "afgerond omlaag",
        "bound": "begrensd door het minimum of maximum van de sleutel",
        "subsidy": "subsidie {amount}",
        "cent": "cent",
    },
    "en": {
        "carried": "carried over from before",
        "up": "rounded up, largest remainder",
        "down": "rounded down",
        "bound": "bound by the minimum or maximum of the key",
        "subsidy": "subsidy {amount}",
        "cent": "cents",
    },
}


def explain_cost_share(facts: CostShareFacts, locale: Locale) -> str:
    """``€ 45,57 × 12,5/1.204 = 47,31… cent; afgerond omlaag``, and what a subsidy took off."""
    words = _WORDS[locale]
    terms = [
        f"{format_amount(total, locale)} × {_number(weight, locale)}/{_number(of, locale)}"
        for total, weight, of in zip(
            facts.part_totals, facts.weights, facts.weight_sums, strict=True
        )
    ]
    if facts.carried:
        terms.append(f"{_decimal(facts.carried, locale)} {words['cent']} {words['carried']}")
    found = " + ".join(terms)
    if facts.is_bound:
        found += f"; {words['bound']}: {format_amount(facts.cents, locale)}"
    elif facts.exact == facts.cents:
        found += f" = {format_amount(facts.cents, locale)}"
    else:
        step = "up" if abs(facts.cents) > abs(facts.exact) else "down"
        found += f" = {_decimal(facts.exact, locale)} {words['cent']}, {words[step]}"
    if facts.subsidy_cents:
        found += "; " + words["subsidy"].format(amount=format_amount(facts.subsidy_cents, locale))
    return found


def _number(value: Fraction, locale: Locale) -> str:
    """A weight as people write it: ``1.204`` or ``12,5``, else a ratio."""
    text = weight_text(value)
    if "/" in text:
        return f"({text})"
    whole, _, decimals = text.partition(".")
    grouped = f"{int(whole):,}"
    if locale == "nl":
        return grouped.replace(",", ".") + (f",{decimals}" if decimals else "")
    return grouped + (f".{decimals}" if decimals else "")


def _decimal(value: Fraction, locale: Locale) -> str:
    """The first two decimals of a number, with dots where it goes on."""
    hundredths, rest = divmod(abs(value.numerator) * 100, value.denominator)
    whole, part = divmod(hundredths, 100)
    mark = "," if locale == "nl" else "."
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}{mark}{part:02d}{'…' if rest else ''}"
