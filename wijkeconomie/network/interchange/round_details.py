"""What a folder tells of a round beyond the plain files, and carrying it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import select

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.network.interchange.detail_files import (
    DECISIONS,
    DELIVERY_DECISIONS,
    INVOICE_TERMS,
    ROUND_DEPOSITS,
    ROUND_MOMENTS,
    ROUND_PLEDGES,
    ROUND_PRODUCTS,
    ROUND_TERMS,
)
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.spool import Spool
from wijkeconomie.purchasing.deciding import KeepAsStock, SetShare, WeighPledge, decide
from wijkeconomie.purchasing.models import Pledge


@dataclass(frozen=True)
class RoundDetails:
    """The rows about one round, by file; a file that the folder does not have tells nothing."""

    rows: Mapping[Layout, list[Row]] = field(default_factory=dict)

    def of(self, layout: Layout) -> list[Row]:
        """The rows of one file."""
        return self.rows.get(layout, [])

    @property
    def terms(self) -> Row | None:
        """How its surplus goes, and whether nobody was charged."""
        found = self.of(ROUND_TERMS)
        return found[0] if found else None

    @property
    def surplus_rule(self) -> str:
        """What becomes of units that are left over."""
        return "stock" if self.terms is None else str(self.terms["surplus_rule"])

    @property
    def uncharged(self) -> Row | None:
        """Why and by whom it was settled without charging its members, where it was."""
        terms = self.terms
        return None if terms is None or terms["uncharged_reason"] is None else terms

    @cached_property
    def by_hand(self) -> Mapping[str, int]:
        """Units that somebody set, by pledge."""
        return {row["pledge_id"]: row["quantity"] for row in self.of(DECISIONS)}

    @cached_property
    def deliveries(self) -> Mapping[str, Row]:
        """What was decided of a delivery, by product."""
        return {row["sku"]: row for row in self.of(DELIVERY_DECISIONS)}

    @property
    def moments(self) -> Row | None:
        """When it took each step, where that is not at the times of its plain rows."""
        found = self.of(ROUND_MOMENTS)
        return found[0] if found else None

    @cached_property
    def products(self) -> Mapping[str, Row]:
        """The terms that products had, where those are not the ones of today."""
        return {row["sku"]: row for row in self.of(ROUND_PRODUCTS)}

    @cached_property
    def pledges(self) -> Mapping[str, Row]:
        """What is told more of a pledge, by its number."""
        return {row["pledge_id"]: row for row in self.of(ROUND_PLEDGES)}

    @cached_property
    def deposits(self) -> Mapping[str, int]:
        """Deposits on packaging, by product."""
        return {row["sku"]: row["deposit_cents"] for row in self.of(ROUND_DEPOSITS)}

    @property
    def invoice_deposits(self) -> Mapping[str, int | None]:
        """Deposits on an invoice, by its number."""
        return {row["invoice_id"]: row["deposit_cents"] for row in self.of(INVOICE_TERMS)}

    def difference_of(self, invoice: str) -> tuple[int, int]:
        """How much more net and VAT an invoice asks than what came, as was accepted."""
        for row in self.of(INVOICE_TERMS):
            if row["invoice_id"] == invoice:
                return row["net_difference_cents"] or 0, row["vat_difference_cents"] or 0
        return 0, 0


def details_of(
    spool: Spool, cooperative: str, round_code: str, layouts: Mapping[Layout, Layout]
) -> RoundDetails:
    """The rows about one round; files without any row of the cooperative are left out.

    ``layouts``: in which file each of them stands.
    """
    return RoundDetails(
        {
            layout: list(spool.rows(place, cooperative, round_code))
            for layout, place in layouts.items()
            if spool.count_rows(place.file, cooperative)
        }
    )


def write_decisions(
    uow: UnitOfWork, details: RoundDetails, round_id: int, products: Mapping[str, int]
) -> None:
    """Write what was decided by hand about a received round, and what was weighed."""
    for sku, row in details.deliveries.items():
        if row["stock_quantity"] is not None:
            kept = KeepAsStock(
                round_id=round_id,
                round_product_id=products[sku],
                quantity=row["stock_quantity"],
            )
            decide(uow, kept)
    decisions = details.of(DECISIONS)
    weighed = {key: row["grams"] for key, row in details.pledges.items() if row["grams"]}
    told = {row["pledge_id"] for row in decisions} | weighed.keys()
    if not told:
        return
    pledges = _pledges(uow, round_id, sorted(told))
    for key, grams in weighed.items():
        decide(uow, WeighPledge(round_id=round_id, pledge_id=pledges[key], grams=grams))
    for row in decisions:
        share = SetShare(
            round_id=round_id,
            pledge_id=pledges[row["pledge_id"]],
            quantity=row["quantity"],
            reason=row["reason"],
            asks_credit=False,
        )
        decide(uow, share)


def _pledges(uow: UnitOfWork, round_id: int, codes: list[Any]) -> dict[str, int]:
    found = uow.session.execute(
        select(Pledge.code, Pledge.id).where(
            Pledge.cooperative_id == uow.tenant,
            Pledge.round_id == round_id,
            Pledge.code.in_(codes),
        )
    )
    return {row[0]: row[1] for row in found}
