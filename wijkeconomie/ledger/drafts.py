"""Journal entries that have not been posted: balanced by construction, amounts in whole units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from wijkeconomie.ledger.refusals import UnbalancedEntryError


@dataclass(frozen=True, slots=True)
class PostingDraft:
    """One line, positive for a debit. Build it with :func:`debit` and :func:`credit`."""

    account_code: str
    amount: int
    unit: str = "EUR"


def debit(account_code: str, amount: int, unit: str = "EUR") -> PostingDraft:
    """Debit an account by ``amount`` smallest units; a negative amount is a credit."""
    return PostingDraft(account_code, amount, unit)


def credit(account_code: str, amount: int, unit: str = "EUR") -> PostingDraft:
    """Credit an account by ``amount`` smallest units; a negative amount is a debit."""
    return PostingDraft(account_code, -amount, unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryHeader:
    """What an entry says beside its postings. Codes and numbers only: it is hashed.

    ``kind`` names the business event (``round.settled``), ``source`` what caused it
    (``round/C01-R01/1``), ``idempotency_key`` the event itself: a second entry with the same
    key is the first one.
    """

    accounting_date: date
    kind: str
    source: str
    description: str
    idempotency_key: str
    reverses: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft(EntryHeader):
    """An entry with a handful of postings; lines of zero are left out.

    Raises:
        UnbalancedEntryError: fewer than two postings are left, or a unit does not sum to
            zero; the context tells the unit and the difference.
    """

    postings: tuple[PostingDraft, ...]

    def __post_init__(self) -> None:
        kept = tuple(posting for posting in self.postings if posting.amount)
        object.__setattr__(self, "postings", kept)
        if len(kept) < 2:
            raise UnbalancedEntryError("an entry takes at least two postings", postings=len(kept))
        sums: dict[str, int] = defaultdict(int)
        for posting in kept:
            sums[posting.unit] += posting.amount
        for unit, difference in sums.items():
            if difference:
                raise UnbalancedEntryError(
                    f"debits and credits differ by {difference} {unit}",
                    unit=unit,
                    difference=difference,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkEntryDraft(EntryHeader):
    """An entry of any size in one unit, as columns of equal length; no line may be zero.

    Raises:
        UnbalancedEntryError: as for :class:`EntryDraft`.
        ValueError: the columns differ in length or an amount is zero (a bug of the caller).
    """

    account_ids: NDArray[np.int64]
    account_codes: Sequence[str]
    amounts: NDArray[np.int64]
    unit: str = "EUR"

    def __post_init__(self) -> None:
        if not len(self.account_ids) == len(self.account_codes) == len(self.amounts):
            raise ValueError("the columns of a bulk entry differ in length")
        if not self.amounts.all():
            raise ValueError("a bulk entry takes no lines of zero")
        if len(self.amounts) < 2:
            raise UnbalancedEntryError("an entry takes at least two postings", postings=0)
        if difference := int(self.amounts.sum()):
            raise UnbalancedEntryError(
                f"debits and credits differ by {difference} {self.unit}",
                unit=self.unit,
                difference=difference,
            )

    def postings(self) -> tuple[PostingDraft, ...]:
        """The postings one by one."""
        return tuple(
            PostingDraft(code, amount, self.unit)
            for code, amount in zip(self.account_codes, self.amounts.tolist(), strict=True)
        )
