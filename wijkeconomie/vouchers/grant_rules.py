"""Who gets how much of a round of carers' grants, which persons are the same, what a report tells.

Pure: plain values in, plain values out. Amounts are whole cents.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from wijkeconomie.money.allocation import allocate

SMALLEST_SHOWN = 5
"""Below this a count could point at someone, so a report does not show it."""


class BudgetRule(enum.StrEnum):
    """What happens when the budget is short."""

    PRO_RATA = "pro_rata"
    """Everyone gets less, in proportion."""
    FIRST_COME = "first_come"
    """Persons are served in the order in which the first carer of each applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """What a round grants; ``None``: no cap on what one carer gets."""

    budget_cents: int
    person_cap_cents: int
    carer_cap_cents: int | None = None
    budget_rule: BudgetRule = BudgetRule.PRO_RATA


@dataclass(frozen=True, slots=True)
class Application:
    """An application that was not refused; a smaller ``number`` came earlier."""

    number: int
    person: int


def wanted_cents(terms: GrantTerms, carers: int) -> int:
    """What a person with so many carers comes to when the budget is no matter."""
    if terms.carer_cap_cents is None:
        return terms.person_cap_cents if carers else 0
    return min(terms.person_cap_cents, carers * terms.carer_cap_cents)


def share_out(terms: GrantTerms, applications: Iterable[Application]) -> dict[int, int]:
    """What each application is granted, by its number; 0 where the budget was spent before.

    The budget is shared over persons, then each person's part over his carers alike. Both are
    exact (largest remainder); an odd cent goes to who applied first. No person gets more than
    the cap, no carer of him more than his, all together not more than the budget, and nothing
    of the budget is left that somebody could still get. The order of ``applications`` is no
    matter.
    """
    carers: dict[int, list[int]] = defaultdict(list)
    for application in sorted(applications, key=lambda each: each.number):
        carers[application.person].append(application.number)
    parts = _parts(terms, [wanted_cents(terms, len(own)) for own in carers.values()])
    granted: dict[int, int] = {}
    for own, part in zip(carers.values(), parts, strict=True):
        shares = allocate(part, [1] * len(own), caps=[terms.carer_cap_cents] * len(own))
        granted.update(zip(own, shares, strict=True))
    return granted


def _parts(terms: GrantTerms, wanted: Sequence[int]) -> list[int]:
    """Each person's part of the budget; persons in the order of their first application."""
    if not wanted:
        return []
    if terms.budget_rule is BudgetRule.PRO_RATA:
        return allocate(min(terms.budget_cents, sum(wanted)), wanted, caps=wanted)
    left, parts = terms.budget_cents, []
    for want in wanted:
        parts.append(min(want, left))
        left -= parts[-1]
    return parts


def receiver_hash(
    secret: str, cooperative_id: int, *, initials: str, born_on: date, postcode: str
) -> str:
    """The keyed hash (HMAC-SHA-256) by which one person cared for is known again.

    Spelling is no matter: case, accents, dots and spaces are dropped. The cooperative is part
    of it, so that two cooperatives cannot tell that they know the same person. Without the key
    of the service nobody can find out by trying who it is.

    Raises:
        ValueError: initials without a letter, or a postcode that is not Dutch.
    """
    letters = _plain(initials)
    area = _plain(postcode)
    if not letters or not letters.isalpha():
        raise ValueError("initials are letters")
    if not (len(area) == 6 and area[:4].isdigit() and area[0] != "0" and area[4:].isalpha()):
        raise ValueError("a postcode is 4 digits and 2 letters")
    told = f"grant-receiver/{cooperative_id}/{letters}/{born_on.isoformat()}/{area}"
    return hmac.digest(secret.encode(), told.encode(), hashlib.sha256).hex()


def _plain(written: str) -> str:
    parts = unicodedata.normalize("NFKD", written).upper()
    return "".join(letter for letter in parts if letter.isascii() and letter.isalnum())


def shown_counts(counts: Mapping[str, int]) -> dict[str, int | None]:
    """The counts of parts of a known whole as a report may show them; ``None`` is not shown.

    What is below five is not shown. Were that one part only, it could be found by subtracting
    the others from the whole: then the smallest of the others is not shown either.
    """
    shown = {key: count if count >= SMALLEST_SHOWN else None for key, count in counts.items()}
    hidden = [key for key, count in shown.items() if count is None]
    others = [key for key, count in shown.items() if count is not None]
    if len(hidden) == 1 and others:
        shown[min(others, key=lambda key: (counts[key], key))] = None
    return shown
