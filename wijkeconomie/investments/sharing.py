"""What investments ask of shared costs, handed in where the service is composed.

Capabilities on one level do not know each other. An asset that members pay for by use needs two
things of another capability: which keys there are, and a way to write a cost down. ``app.py``
hands both in, and the books are what the two share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from wijkeconomie.core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class CostToShare:
    """What an asset lost in a month, to be shared by a key; without VAT."""

    code: str
    month: date
    description: str
    key_code: str
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSharing:
    """The way to shared costs."""

    keys: Callable[[UnitOfWork], Sequence[tuple[str, str]]]
    """Codes and names of the keys."""
    record: Callable[[UnitOfWork, CostToShare], None]
    """Writes a cost down that waits to be settled with the rest of its month."""
    payers: Callable[[UnitOfWork, str], int] = lambda _uow, _code: 0
    """How many members pay a part of a cost, by the code of the cost."""
    passing_account: str = "invoices_to_come"
    """The account on which a settled cost waits for its supplier."""
    expense_account: str = "shared_costs"
    """The account on which a settled cost counts."""
