"""What a folder tells of a round beyond the plain files, and carrying it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.network.interchange.detail_files import (
    DECISIONS,
    DELIVERY_DECISIONS,
    INVOICE_DEPOSITS,
    ROUND_DEPOSITS,
    ROUND_DETAILS,
    ROUND_TERMS,
)
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.spool import Spool
from wijkeconomie.purchasing.deciding import KeepAsStock, SetShare, decide
from wijkeconomie.purchasing.models import Pledge, RoundProduct


@dataclass(frozen=True, slots=True)
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

    @property
    def by_hand(self) -> Mapping[str, int]:
        """Units that somebody set, by pledge."""
        return {row["pledge_id"]: row["quantity"] for row in self.of(DECISIONS)}

    @property
    def deliveries(self) -> Mapping[str, Row]:
        """What was decided of a delivery, by product."""
        return {row["sku"]: row for row in self.of(DELIVERY_DECISIONS)}

    @property
    def invoice_deposits(self) -> Mapping[str, int]:
        """Deposits on an invoice, by its number."""
        return {row["invoice_id"]: row["deposit_cents"] for row in self.of(INVOICE_DEPOSITS)}


def details_of(spool: Spool, cooperative: str, round_code: str) -> RoundDetails:
    """The rows about one round; files without any row of the cooperative are left out."""
    return RoundDetails(
        {
            layout: list(spool.rows(layout, cooperative, round_code))
            for layout in ROUND_DETAILS
            if spool.count_rows(layout.file, cooperative)
        }
    )


def write_deposits(
    uow: UnitOfWork, details: RoundDetails, round_id: int, products: Mapping[str, int]
) -> None:
    """Give the products of a planned round the deposits of the folder, and no others."""
    uow.session.execute(
        update(RoundProduct)
        .where(RoundProduct.cooperative_id == uow.tenant, RoundProduct.round_id == round_id)
        .values(deposit_cents=0)
    )
    for row in details.of(ROUND_DEPOSITS):
        uow.session.execute(
            update(RoundProduct)
            .where(
                RoundProduct.cooperative_id == uow.tenant,
                RoundProduct.id == products[row["sku"]],
            )
            .values(deposit_cents=row["deposit_cents"])
        )
    uow.session.expire_all()


def write_decisions(
    uow: UnitOfWork, details: RoundDetails, round_id: int, products: Mapping[str, int]
) -> None:
    """Write what was decided by hand about a received round."""
    for sku, row in details.deliveries.items():
        if row["stock_quantity"] is not None:
            kept = KeepAsStock(
                round_id=round_id,
                round_product_id=products[sku],
                quantity=row["stock_quantity"],
            )
            decide(uow, kept)
    decisions = details.of(DECISIONS)
    if not decisions:
        return
    pledges = _pledges(uow, round_id, [row["pledge_id"] for row in decisions])
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
