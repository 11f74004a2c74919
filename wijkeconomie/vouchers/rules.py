"""What a voucher pays, from which one first, the fee of a merchant, and the meters of the law.

Pure: plain values in, plain values out. Amounts are whole numbers of the smallest unit.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from wijkeconomie.money.vat import contained_vat, vat_on

VOLUME_LIMIT_CENTS = 100_000_000
"""A million euro in twelve months: beyond it the Dutch central bank must be notified.

Source: Wft art. 1:5a(2)(k) with PSD2 art. 37(2), the exclusion of limited networks.
"""
VOLUME_WARNING_PERCENT = 80


class Refusal(enum.StrEnum):
    """Why vouchers do not pay an amount; the first two are answers that are recorded."""

    EXPIRED = "expired"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    NOT_USABLE_YET = "not_usable_yet"
    MERCHANT_NOT_ACCEPTED = "merchant_not_accepted"


@dataclass(frozen=True, slots=True)
class Purse:
    """A voucher as far as paying goes. ``number`` tells which; a smaller one was issued earlier."""

    number: int
    balance: int
    usable_from: date
    expires_on: date
    is_accepted: bool


@dataclass(frozen=True, slots=True)
class Draw:
    """So much from one voucher, which held ``before``."""

    number: int
    amount: int
    before: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What pays an amount, or why nothing does; ``available`` is what could have been paid."""

    draws: tuple[Draw, ...]
    refusal: Refusal | None
    available: int


def decide(purses: Sequence[Purse], amount: int, on: date) -> Decision:
    """Which vouchers pay ``amount``: what expires first goes first, then what was issued first.

    A refusal tells the first thing that stands in the way: a merchant that accepts none of the
    vouchers, vouchers that have all expired, that are all too new, or that hold too little.
    """
    accepted = [purse for purse in purses if purse.is_accepted]
    valid = [purse for purse in accepted if purse.expires_on >= on]
    usable = [purse for purse in valid if purse.usable_from <= on]
    available = sum(purse.balance for purse in usable)
    refusal = None
    if purses and not accepted:
        refusal = Refusal.MERCHANT_NOT_ACCEPTED
    elif accepted and not valid:
        refusal = Refusal.EXPIRED
    elif valid and not usable:
        refusal = Refusal.NOT_USABLE_YET
    elif available < amount:
        refusal = Refusal.INSUFFICIENT_BALANCE
    if refusal is not None:
        return Decision((), refusal, available)
    return Decision(tuple(_draws(usable, amount)), None, available)


def _draws(usable: Iterable[Purse], amount: int) -> Iterable[Draw]:
    for purse in sorted(usable, key=lambda purse: (purse.expires_on, purse.number)):
        part = min(purse.balance, amount)
        if part:
            amount -= part
            yield Draw(purse.number, part, purse.balance)


def expiry_day(issued_on: date, valid_days: int) -> date:
    """The last day of a voucher that is valid for so many days, the day of issue not counted."""
    return issued_on + timedelta(days=valid_days)


def moved_vat(before: int, after: int, basis_points: int | None) -> int:
    """The tax in what a single-purpose voucher lost between two balances.

    Taken as a difference of the tax in both balances, so that however a voucher is spent the
    parts add up to the tax at issue, to the cent. Negative for a refund.
    """
    return contained_vat(before, basis_points) - contained_vat(after, basis_points)


@dataclass(frozen=True, slots=True)
class Payout:
    """What is paid of ``gross``, and the invoice of the fee that is kept."""

    gross_cents: int
    fee_cents: int
    fee_vat_cents: int

    @property
    def paid_cents(self) -> int:
        """What goes to the merchant's bank."""
        return self.gross_cents - self.fee_cents - self.fee_vat_cents


def payout(gross_cents: int, fee_basis_points: int, vat_basis_points: int | None) -> Payout:
    """The fee over all that is paid at once, half a cent up, with its tax rounded once.

    It never takes more than what is paid out.
    """
    return payout_of_parts([(fee_basis_points, gross_cents)], vat_basis_points)


def payout_of_parts(parts: Sequence[tuple[int, int]], vat_basis_points: int | None) -> Payout:
    """As :func:`payout`, of parts ``(fee, cents)``; the fee is still rounded once, over all."""
    gross = sum(cents for _, cents in parts)
    fee = min((sum(fee * cents for fee, cents in parts) + 5_000) // 10_000, gross)
    vat = min(vat_on(fee, vat_basis_points), gross - fee)
    return Payout(gross, fee, vat)


def owed_by_fee(taken: Sequence[tuple[int, int]], paid_cents: int) -> list[tuple[int, int]]:
    """What is owed still, parted by the fee under which it was taken; positive parts only.

    What was taken first is paid first. A refund lowers what was taken on its own day, and what
    came before where that is too little.

    Args:
        taken: fee and cents, less refunds, of spans that follow each other.
        paid_cents: all that was paid out so far.
    """
    bounds, taken_so_far = [], 0
    for _, cents in taken:
        taken_so_far += cents
        bounds.append(max(taken_so_far - paid_cents, 0))
    for position in range(len(bounds) - 2, -1, -1):
        bounds[position] = min(bounds[position], bounds[position + 1])
    parts: dict[int, int] = {}
    for (fee, _), low, high in zip(taken, [0, *bounds], bounds, strict=False):
        parts[fee] = parts.get(fee, 0) + high - low
    return [(fee, cents) for fee, cents in parts.items() if cents]


class Level(enum.StrEnum):
    """How a meter stands."""

    GOOD = "good"
    WARNING = "warning"
    PASSED = "passed"


def volume_level(cents: int, limit_cents: int = VOLUME_LIMIT_CENTS) -> Level:
    """How the volume of twelve months stands to the limit of the exclusion."""
    if cents > limit_cents:
        return Level.PASSED
    if cents * 100 >= limit_cents * VOLUME_WARNING_PERCENT:
        return Level.WARNING
    return Level.GOOD


def cover_level(owed_cents: int, bank_cents: int) -> Level:
    """Whether the separate bank account covers what holders and merchants can claim."""
    return Level.GOOD if bank_cents >= owed_cents else Level.PASSED


def year_before(day: date) -> date:
    """The first day of the twelve months that end with ``day``."""
    try:
        return day.replace(year=day.year - 1) + timedelta(days=1)
    except ValueError:  # the 29th of February
        return date(day.year - 1, 3, 1)
