"""Weights: the ways to write one exactly, and bringing many to one whole-number scale."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from math import lcm

Weight = int | str | Fraction

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_RATIO = re.compile(r"(-?[0-9]+)/([0-9]+)")

# The common scale of all weights together may take this many bits (256 MB). Real weights
# share a handful of denominators; thousands of unrelated ones would exhaust the machine.
_MAXIMUM_SCALE_BITS = 2**31


class WeightFormatError(ValueError):
    """Text is not a weight: write ``"3"``, ``"0.35"`` or ``"45/1000"``."""


def parse_weight(weight: Weight) -> Fraction:
    """Read one weight exactly.

    Takes an int, a ``Fraction``, plain decimal text (``"0.35"``) or ratio text
    (``"45/1000"``). A minus sign is read, so that whoever judges the weight can name it.

    Raises:
        TypeError: a float, a bool or anything else that is not exact by construction.
        WeightFormatError: text in another form, or a denominator of zero.
    """
    if isinstance(weight, Fraction):
        return weight
    if isinstance(weight, int) and not isinstance(weight, bool):
        return Fraction(weight)
    if not isinstance(weight, str):
        raise TypeError(f"a weight is an int, a Fraction or text, not {type(weight).__name__}")
    if match := _DECIMAL.fullmatch(weight):
        sign, whole, decimals = match[1], match[2], match[3] or ""
        return Fraction(_whole_number(sign + whole + decimals), 10 ** len(decimals))
    if match := _RATIO.fullmatch(weight):
        denominator = _whole_number(match[2])
        if denominator == 0:
            raise WeightFormatError(f"{weight[:40]!r} divides by zero")
        return Fraction(_whole_number(match[1]), denominator)
    raise WeightFormatError(f"{weight[:40]!r} is not a decimal or a ratio")


def scale_weights(weights: Sequence[Weight]) -> tuple[list[int], int]:
    """Write all weights as whole numbers on one scale.

    Returns:
        The whole numbers, in input order, and the scale: weight = number / scale.

    Raises:
        TypeError, WeightFormatError: as ``parse_weight``; also when the weights have so
            many unrelated denominators that no common scale fits in memory.
    """
    if set(map(type, weights)) <= {int}:
        return list(weights), 1  # type: ignore[arg-type]  # the types were just checked
    fractions = [parse_weight(weight) for weight in weights]
    scale = 1
    for denominator in {fraction.denominator for fraction in fractions}:
        scale = lcm(scale, denominator)
        if scale.bit_length() * len(fractions) > _MAXIMUM_SCALE_BITS:
            raise WeightFormatError("the weights have too many unrelated denominators")
    return [fraction.numerator * (scale // fraction.denominator) for fraction in fractions], scale


def weight_text(weight: Fraction) -> str:
    """Write a weight as people do: ``"386.6"`` where decimals are exact, else ``"1/3"``.

    ``parse_weight`` reads the result back to the same value.
    """
    rest, twos, fives = weight.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places == 0:
        return str(weight)
    digits = str(abs(weight.numerator) * 10**places // weight.denominator).zfill(places + 1)
    return f"{'-' if weight < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _whole_number(digits: str) -> int:
    try:
        return int(digits)
    except ValueError as error:  # Python refuses to read more than 4300 digits
        raise WeightFormatError("a weight has too many digits") from error
