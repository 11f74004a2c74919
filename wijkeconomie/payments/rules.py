"""Decisions about bank lines: what a line pays, by an exact reference and an exact amount.

Nothing is guessed: a line that does not match to the cent waits for a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_REFERENCE = re.compile(r"CONTR([0-9]{2})-(.+)")


class Mismatch(StrEnum):
    """Why a line could not be booked by itself."""

    REFERENCE_UNKNOWN = "reference-unknown"
    MEMBER_UNKNOWN = "member-unknown"
    NOT_CHARGED = "not-charged"
    AMOUNT_DIFFERS = "amount-differs"
    COLLECTED_ALREADY = "collected-already"
    NOTHING_TO_RETURN = "nothing-to-return"
    NO_PARTICIPATION_WAITS = "no-participation-waits"
    NO_PAYMENT_WAITS = "no-payment-waits"
    NO_PAYMENT_TO_RETURN = "no-payment-to-return"


@dataclass(frozen=True, slots=True)
class ContributionReference:
    """What the end-to-end id of a contribution says: the year, and the member number."""

    year: int
    member_code: str


def contribution_reference(member_code: str, year: int) -> str:
    """The end-to-end id by which a year's contribution of a member is collected."""
    return f"CONTR{year % 100:02d}-{member_code}"


def read_contribution_reference(end_to_end_id: str | None) -> ContributionReference | None:
    """Read an end-to-end id; ``None`` when it is not that of a contribution."""
    found = _REFERENCE.fullmatch(end_to_end_id or "")
    return None if found is None else ContributionReference(2000 + int(found[1]), found[2])


def mismatch(amount_cents: int, charged_cents: int, collected_cents: int) -> Mismatch | None:
    """Whether a line may be booked on a member's contribution of a year.

    Args:
        amount_cents: of the line: positive collected, negative returned; never zero.
        charged_cents: the contribution of that year, 0 when it was not charged.
        collected_cents: what earlier lines with this reference came to: 0 or the charge.
    """
    if not charged_cents:
        return Mismatch.NOT_CHARGED
    if abs(amount_cents) != charged_cents:
        return Mismatch.AMOUNT_DIFFERS
    if amount_cents > 0 and collected_cents:
        return Mismatch.COLLECTED_ALREADY
    if amount_cents < 0 and not collected_cents:
        return Mismatch.NOTHING_TO_RETURN
    return None
