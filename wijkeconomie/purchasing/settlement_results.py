"""What settling a round comes to: the shares of pledges and of the cooperative, and VAT by rate.

Pure: identifiers are opaque numbers, quantities whole member units, amounts whole cents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wijkeconomie.purchasing.surplus_rules import KeptGoods

Compact = dict[str, Any]
"""A part of an explanation in short keys; ``explanations`` tells what they mean."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one pledge became; ``explanation`` re-computes every figure of it."""

    pledge: int
    member: int
    product: int
    delivered: int
    net_cents: int
    freight_cents: int
    vat_cents: int
    explanation: Compact
    computed: int
    """Units that the rules alone would give, without what was set by hand."""

    @property
    def gross_cents(self) -> int:
        """What the member pays for this pledge."""
        return self.net_cents + self.freight_cents + self.vat_cents


@dataclass(frozen=True, slots=True)
class CooperativeShare:
    """What the cooperative bears: surplus goods, and freight when nobody received anything.

    ``surplus`` holds the surplus units by product, only where there are any; ``kept`` also what
    they cost. ``lost_net_cents`` and ``lost_vat_cents`` are the part of net and VAT for which
    nobody received anything.
    """

    surplus: Mapping[int, int]
    net_cents: int
    freight_cents: int
    vat_cents: int
    lost_net_cents: int = 0
    lost_vat_cents: int = 0
    kept: tuple[KeptGoods, ...] = ()

    @property
    def gross_cents(self) -> int:
        """The cooperative's part of the supplier's invoice."""
        return self.net_cents + self.freight_cents + self.vat_cents


@dataclass(frozen=True, slots=True)
class RateTotal:
    """One VAT rate (``None``: exempt) of the computed invoice and of the members' part.

    ``members_net_cents`` includes freight; it is the members' goods at this rate.
    """

    vat_basis_points: int | None
    goods_cents: int
    freight_cents: int
    vat_cents: int
    members_net_cents: int
    members_vat_cents: int


@dataclass(frozen=True, slots=True)
class SettlementResult:
    """Shares in the order of the pledges, the cooperative's part, and totals per rate.

    ``open_units``: by product, units that nobody decided on; negative where more was given by
    hand than came. ``unweighed``: products of which a weight is missing. Nothing is booked
    while there are any.
    """

    shares: tuple[Share, ...]
    cooperative: CooperativeShare
    rates: tuple[RateTotal, ...]
    open_units: Mapping[int, int]
    unweighed: tuple[int, ...]

    @property
    def net_cents(self) -> int:
        """The expected invoice without VAT, freight included."""
        return sum(rate.goods_cents + rate.freight_cents for rate in self.rates)

    @property
    def vat_cents(self) -> int:
        """The expected VAT of the invoice, rounded once per rate."""
        return sum(rate.vat_cents for rate in self.rates)

    @property
    def gross_cents(self) -> int:
        """The expected invoice."""
        return self.net_cents + self.vat_cents

    @property
    def members_gross_cents(self) -> int:
        """What the members pay together."""
        return sum(share.gross_cents for share in self.shares)

    def gross_per_member(self) -> dict[int, int]:
        """What each member pays, in order of the first pledge; members of 0 included."""
        totals: dict[int, int] = defaultdict(int)
        for share in self.shares:
            totals[share.member] += share.gross_cents
        return dict(totals)
