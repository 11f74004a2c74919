"""What a round leaves to the cooperative.

Pure: quantities are whole member units, amounts whole cents.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptGoods:
    """What the surplus of one product costs: its goods, freight and VAT."""

    product: int
    units: int
    net_cents: int
    freight_cents: int
    vat_cents: int
