"""The rows of a folder by round, and what they are judged by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from wijkeconomie.network.interchange.detail_files import PRODUCT_TERMS, ROUND_DETAILS
from wijkeconomie.network.interchange.files import (
    DELIVERIES,
    MEMBERS,
    PLEDGES,
    PRODUCTS,
    ROUNDS,
    SUPPLIER_INVOICES,
)
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.round_details import RoundDetails, details_of
from wijkeconomie.network.interchange.spool import Spool
from wijkeconomie.network.interchange.unfinished_files import RESUMED, UNFINISHED_OF


@dataclass(frozen=True, slots=True)
class Membership:
    """From when and until when (if ever) someone is a member."""

    joined: date
    left: date | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rows of a round are judged by: the members of its cooperative, the products."""

    members: Mapping[str, Membership]
    products: Mapping[str, Row]
    terms: Mapping[str, Row] = field(default_factory=dict)
    """What a price is for, where that is more than one unit."""


@dataclass(frozen=True, slots=True)
class RoundRows:
    """A round with all its rows, each list in order of lines."""

    round: Row
    pledges: list[Row]
    deliveries: list[Row]
    invoices: list[Row]
    details: RoundDetails = field(default_factory=RoundDetails)
    resumed: Mapping[Layout, list[Row]] = field(default_factory=dict)
    """Of a round that is still going on: what counts only until it is finished."""
    is_finished: bool = True

    @property
    def code(self) -> str:
        return str(self.round["round_id"])

    @property
    def is_delivered(self) -> bool:
        return bool(self.round["status"] == "delivered")

    @property
    def has_come(self) -> bool:
        """Whether all that came of it was entered."""
        return self.round["status"] in {"delivered", "received", "allocated"}

    @property
    def is_cancelled(self) -> bool:
        return bool(self.round["status"] == "cancelled")

    @property
    def invoice(self) -> Row | None:
        """The supplier's invoice, if there is one."""
        return self.invoices[0] if self.invoices else None

    def kept_pledges(self) -> list[Row]:
        """The pledges that were not withdrawn, in order of their ids."""
        kept = [row for row in self.pledges if not row["withdrawn"]]
        return sorted(kept, key=lambda row: str(row["pledge_id"]))

    def taken(self, pledge: Row) -> int:
        """Units that a pledge stands for since closing."""
        told = self.details.pledges.get(pledge["pledge_id"])
        allotted = None if told is None else told["allotted_quantity"]
        return int(pledge["quantity"] if allotted is None else allotted)

    def is_gift(self, pledge: Row) -> bool:
        """Whether a pledge came about after ordering: a replacement or an extra."""
        told = self.details.pledges.get(pledge["pledge_id"])
        return told is not None and told["origin"] != "pledged"

    def skus(self) -> list[str]:
        """The products that something is told of, in the order of the round.

        Of a finished round those that came stand in their order, and the others after them; of
        one that goes on every product has a row, in its order.
        """
        if not self.is_finished:
            return list(self.details.products)
        return list(dict.fromkeys(row["sku"] for row in (*self.deliveries, *self.pledges)))

    def counts(self) -> dict[str, int]:
        """Rows by file."""
        found = {
            ROUNDS: 1,
            PLEDGES: len(self.pledges),
            DELIVERIES: len(self.deliveries),
            SUPPLIER_INVOICES: len(self.invoices),
            **{layout: len(rows) for layout, rows in self.details.rows.items()},
        }
        if self.is_finished:
            return {layout.file: count for layout, count in found.items()}
        return {
            **{UNFINISHED_OF[layout].file: count for layout, count in found.items()},
            **{layout.file: len(rows) for layout, rows in self.resumed.items()},
        }


def load_surroundings(spool: Spool, cooperative: str) -> Surroundings:
    """The members of a cooperative and all products."""
    return Surroundings(
        members={
            row["member_id"]: Membership(row["joined"], row["left"])
            for row in spool.rows(MEMBERS, cooperative)
        },
        products={row["sku"]: row for row in spool.rows(PRODUCTS, "")},
        terms={row["sku"]: row for row in spool.rows(PRODUCT_TERMS, cooperative)},
    )


def rounds_of(spool: Spool, cooperative: str) -> Iterator[RoundRows]:
    """The finished rounds of a cooperative, one at a time, in order of their lines."""
    details = {layout: layout for layout in ROUND_DETAILS}
    for row in spool.rows(ROUNDS, cooperative):
        code = row["round_id"]
        yield RoundRows(
            round=row,
            pledges=list(spool.rows(PLEDGES, cooperative, code)),
            deliveries=list(spool.rows(DELIVERIES, cooperative, code)),
            invoices=list(spool.rows(SUPPLIER_INVOICES, cooperative, code)),
            details=details_of(spool, cooperative, code, details),
        )


def unfinished_rounds_of(spool: Spool, cooperative: str) -> Iterator[RoundRows]:
    """The rounds of a cooperative that are still going on, likewise."""
    details = {layout: UNFINISHED_OF[layout] for layout in ROUND_DETAILS}
    for row in spool.rows(UNFINISHED_OF[ROUNDS], cooperative):
        code = row["round_id"]
        yield RoundRows(
            round=row,
            pledges=list(spool.rows(UNFINISHED_OF[PLEDGES], cooperative, code)),
            deliveries=list(spool.rows(UNFINISHED_OF[DELIVERIES], cooperative, code)),
            invoices=list(spool.rows(UNFINISHED_OF[SUPPLIER_INVOICES], cooperative, code)),
            details=details_of(spool, cooperative, code, details),
            resumed={
                layout: list(spool.rows(layout, cooperative, code))
                for layout in RESUMED
                if spool.count_rows(layout.file, cooperative)
            },
            is_finished=False,
        )
