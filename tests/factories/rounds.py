"""Rounds that are walked along the real road: every step by its use case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.books import Books, open_books_of_a_new_cooperative
from tests.factories.settled_rounds import some_members
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.invoicing import RecordInvoice, record_invoice
from wijkeconomie.purchasing.models import FreightKey, ShortageRule
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.rounds import (
    CloseRound,
    OrderRound,
    PlanRound,
    close_round,
    open_round,
    order_round,
    plan_round,
)
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round
from wijkeconomie.purchasing.suppliers import (
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

PRODUCTS = (("AARD", "Aardappelen", "kg", 119, 900), ("ZEEP", "Zeep", "fles", 211, 2100))


@dataclass(frozen=True)
class Market:
    """A cooperative with members, a supplier and two products."""

    books: Books
    clock: Clock
    supplier_id: int
    members: Mapping[str, int]

    def plan(
        self,
        *,
        freight: int = 0,
        freight_key: FreightKey = FreightKey.VALUE,
        shortage_rule: ShortageRule = ShortageRule.PRO_RATA,
    ) -> int:
        """A draft that opens now and closes in two days."""
        with self.books.open() as uow:
            return plan_round(
                uow,
                PlanRound(
                    theme="groente",
                    supplier_id=self.supplier_id,
                    opens_at=self.clock.now,
                    closes_at=self.clock.now + timedelta(days=2),
                    delivery_on=local_date(self.clock.now, LOCAL_TIME) + timedelta(days=4),
                    freight_excl_cents=freight,
                    freight_key=freight_key,
                    shortage_rule=shortage_rule,
                ),
            )

    def open_round(self, **terms: object) -> int:
        """A round that takes pledges."""
        round_id = self.plan(**terms)  # type: ignore[arg-type]
        with self.books.open() as uow:
            open_round(uow, round_id)
        return round_id

    def pledge(self, round_id: int, member: str, **quantities: int) -> list[int]:
        """Save some lines of a member's order, by product code."""
        with self.books.open() as uow:
            products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
            lines = tuple(PledgeLine(products[code], count) for code, count in quantities.items())
            return save_pledges(
                uow,
                SavePledges(round_id=round_id, member_id=self.members[member], lines=lines),
            )

    def order(self, round_id: int) -> None:
        """Close and order."""
        with self.books.open() as uow:
            close_round(uow, CloseRound(round_id=round_id))
            order_round(uow, OrderRound(round_id=round_id))

    def receive(self, round_id: int, **came: int) -> None:
        """Enter what came by product code, all that was ordered where nothing is said."""
        with self.books.open() as uow:
            for product in queries.offered_products(uow.session, uow.tenant, round_id):
                if not product.pledged and product.code not in came:
                    continue
                delivered = came.get(product.code, product.pledged)
                receive_line(
                    uow,
                    ReceiveLine(
                        round_id=round_id,
                        round_product_id=product.id,
                        delivered=delivered,
                        reason="geteld",
                    ),
                )
            finish_receiving(uow, FinishReceiving(round_id=round_id))

    def invoice(self, round_id: int, *, code: str = "F1", more_net: int = 0) -> None:
        """The supplier's invoice: what was computed, and ``more_net`` cents."""
        with self.books.open() as uow:
            expected = preview_settlement(uow, round_id).result
            record_invoice(
                uow,
                RecordInvoice(
                    round_id=round_id,
                    code=code,
                    invoiced_on=local_date(uow.now, LOCAL_TIME),
                    net_cents=expected.net_cents + more_net,
                    vat_cents=expected.vat_cents,
                ),
            )

    def settle(self, round_id: int, accepted: int | None = None) -> None:
        """Book it."""
        with self.books.open() as uow:
            settle_round(uow, SettleRound(round_id=round_id, accepted_difference_cents=accepted))

    def settled_round(self, **came: int) -> int:
        """A settled round in which three members ordered and ``came`` arrived."""
        round_id = self.open_round(freight=501)
        for member, count in (("L001", 3), ("L002", 5), ("L003", 4)):
            self.pledge(round_id, member, AARD=count, ZEEP=1)
        self.order(round_id)
        self.receive(round_id, **came)
        self.invoice(round_id, code=f"F-{round_id}")
        self.settle(round_id)
        return round_id

    def owed(self, member: str) -> int:
        """What a member owes on his account."""
        with self.books.open() as uow:
            return queries.owed_cents(uow.session, uow.tenant, member)


def a_market(units_of_work: UnitOfWorkFactory, clock: Clock, *, members: int = 3) -> Market:
    """A new cooperative in which a round can begin."""
    books = open_books_of_a_new_cooperative(units_of_work)
    known = some_members(books, members)
    with books.open() as uow:
        supplier_id = save_supplier(uow, SaveSupplier(code="S1", name="Boer Bas"))
        for code, name, unit, price, rate in PRODUCTS:
            save_product(
                uow,
                SaveProduct(
                    supplier_code="S1",
                    code=code,
                    name=name,
                    unit=unit,
                    price_excl_cents=price,
                    vat_basis_points=rate,
                    max_per_member=50,
                ),
            )
    return Market(books, clock, supplier_id, known)


def a_market_with_mail(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    """A market of which every member can be written to, at their code."""
    market = a_market(units_of_work, clock)
    with market.books.open() as uow:
        uow.session.execute(
            text("update member set email = lower(code) || '@buurt.nl' where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    return market


def a_market_with_deposits(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    """A market with 15 cents of deposit on a bottle of soap."""
    market = a_market(units_of_work, clock)
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="ZEEP",
                name="Zeep",
                unit="fles",
                price_excl_cents=211,
                vat_basis_points=2100,
                max_per_member=50,
                deposit_cents=15,
            ),
        )
    return market
