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
    """A member's share as it is stored: one weight and sum per part of the key.

    With bounds ``held_cents`` is what those at one pay together, and ``free_weight`` the weight
    of all others. ``carry_mean`` is what all who share carried in, by head.
    """

    part_totals: Sequence[int]
    weights: Sequence[Fraction]
    weight_sums: Sequence[Fraction]
    carried: Fraction | None = None
    carry_mean: Fraction | None = None
    minimum_cents: int | None = None
    cap_cents: int | None = None
    held_cents: int | None = None
    free_weight: Fraction | None = None
    cents: int
    subsidy_cents: int
    is_estimated: bool = False

    @property
    def exact_parts(self) -> list[Fraction]:
        """The share of each part of the key before rounding and before bounds of one's own."""
        return [
            Fraction(total) * weight / of if of else Fraction(0)
            for total, weight, of in zip(
                self.shared_totals, self.weights, self.shared_weights, strict=True
            )
        ]

    @property
    def exact(self) -> Fraction:
        """The share before rounding, with what was carried in.

        Who takes no part keeps what he carries.
        """
        if not any(self.weights):
            return Fraction(0)
        return sum(self.exact_parts, (self.carried or Fraction(0)) - (self.carry_mean or 0))

    @property
    def shared_totals(self) -> Sequence[int]:
        """What is shared by weight: of a key with bounds what those at one leave."""
        if self.held_cents is None:
            return self.part_totals
        [total] = self.part_totals
        return [total - self.held_cents if total > 0 else total + self.held_cents]

    @property
    def shared_weights(self) -> Sequence[Fraction]:
        """The weights over which it is shared, together."""
        return self.weight_sums if self.free_weight is None else [self.free_weight]

    @property
    def bound(self) -> Literal["least", "most"] | None:
        """Which bound of the key this share is at, instead of what its weight gives."""
        if self.held_cents is None:
            return None
        cents = abs(self.cents)
        if not self.weights[0]:
            return "least"
        if not self.free_weight:
            return "most" if cents == self.cap_cents else "least"
        if self.minimum_cents is not None and abs(self.exact) < self.minimum_cents:
            return "least"
        if self.cap_cents is not None and abs(self.exact) > self.cap_cents:
            return "most"
        return None


_WORDS: Mapping[Locale, Mapping[str, str]] = {
    "nl": {
        "carried": "overgehouden van vorige keren",
        "mean": "gelijk deel van wat anderen niet meer dragen",
        "up": "afgerond omhoog, grootste rest",
        "down": "afgerond omlaag",
        "parts": "elk deel apart afgerond",
        "least": "begrensd door het minimum van de sleutel",
        "most": "begrensd door het maximum van de sleutel",
        "rest": "wat over is na de grenzen van de sleutel",
        "estimated": "verbruik geschat",
        "subsidy": "subsidie {amount}",
        "cent": "cent",
    },
    "en": {
        "carried": "carried over from before",
        "mean": "equal part of what others no longer bear",
        "up": "rounded up, largest remainder",
        "down": "rounded down",
        "parts": "each part rounded on its own",
        "least": "bound by the least of the key",
        "most": "bound by the most of the key",
        "rest": "what is left after the bounds of the key",
        "estimated": "usage estimated",
        "subsidy": "subsidy {amount}",
        "cent": "cents",
    },
}


def explain_cost_share(facts: CostShareFacts, locale: Locale) -> str:
    """``€ 45,57 × 12,5/1.204 = 47,31… cent; afgerond omlaag``, and what a subsidy took off.

    Whoever rounds the number as the words say comes to the share.
    """
    words = _WORDS[locale]
    if facts.bound is not None:
        found = f"{words[facts.bound]}: {format_amount(facts.cents, locale)}"
    else:
        found = f"{_sum(facts, locale)} {_outcome(facts, locale)}"
    if facts.held_cents and facts.bound is None:
        found = f"{words['rest']}: {found}"
    if facts.is_estimated:
        found += "; " + words["estimated"]
    if facts.subsidy_cents:
        found += "; " + words["subsidy"].format(amount=format_amount(facts.subsidy_cents, locale))
    return found


def _sum(facts: CostShareFacts, locale: Locale) -> str:
    words = _WORDS[locale]
    terms = [
        format_amount(total, locale)
        + (f" × {_number(weight, locale)}/{_number(of, locale)}" if of else "")
        for total, weight, of in zip(
            facts.shared_totals, facts.weights, facts.shared_weights, strict=True
        )
    ]
    if not any(facts.weights):
        return " + ".join(terms)
    if facts.carried:
        terms.append(f"{_decimal(facts.carried, locale)} {words['cent']} {words['carried']}")
    if facts.carry_mean:
        terms.append(f"{_decimal(-facts.carry_mean, locale)} {words['cent']} {words['mean']}")
    return " + ".join(terms).replace(" + -", " - ")


def _outcome(facts: CostShareFacts, locale: Locale) -> str:
    """``= 47,31… cent, afgerond omlaag``; of two parts each is rounded, and they are added."""
    words = _WORDS[locale]
    parts = facts.exact_parts
    if len(parts) > 1 and any(part.denominator > 1 for part in parts):
        numbers = " + ".join(_decimal(part, locale) for part in parts).replace("+ -", "- ")
        amount = format_amount(facts.cents, locale)
        return f"= {numbers} {words['cent']}, {words['parts']}: {amount}"
    if facts.exact.denominator == 1:
        return f"= {format_amount(facts.cents, locale)}"
    step = "up" if abs(facts.cents) > abs(facts.exact) else "down"
    return f"= {_decimal(facts.exact, locale)} {words['cent']}, {words[step]}"


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
