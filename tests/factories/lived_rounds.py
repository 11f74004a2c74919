"""Rounds with everything that can happen in one, by chance: for what has to hold of any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from sqlalchemy import select

from tests.factories.rounds import Market
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.deadlines import DeadlineTerms, set_deadline
from wijkeconomie.purchasing.deciding import (
    ChooseRules,
    KeepAsStock,
    SetShare,
    WeighPledge,
    choose_rules,
    decide,
)
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.invoicing import RecordInvoice, record_invoice
from wijkeconomie.purchasing.models import FreightKey, Product, ShortageRule
from wijkeconomie.purchasing.pickup import AddSlot, ChooseSlot, add_slot, choose_slot
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.replacing import (
    AddReplacement,
    GiveExtra,
    add_replacement,
    give_extra,
)
from wijkeconomie.purchasing.rounds import (
    CancelRound,
    CloseRound,
    OrderRound,
    PlanRound,
    cancel_round,
    close_round,
    open_round,
    order_round,
    plan_round,
)
from wijkeconomie.purchasing.settling import (
    SettleRound,
    allocate_round,
    preview_settlement,
    settle_round,
)
from wijkeconomie.purchasing.suppliers import SaleTerms, SaveProduct, save_product

SKUS = ("AARD", "ZEEP", "KAAS", "SAP/2")
STRANGER = "VERVANG"
"""A product that is not offered in rounds, and may come in place of another."""


@dataclass
class LivedRound:
    """One round that is lived through by chance; steps that are refused are left out.

    ``goes_on``: it stops somewhere before it is settled.
    """

    market: Market
    random: Random
    goes_on: bool = False
    round_id: int = 0
    _slots: list[int] = field(default_factory=list)

    def live(self) -> None:
        """From price list to settled, or cancelled on the way."""
        self._reprice()
        if not self._open():
            return
        for _ in range(self.random.randint(3, 9)):
            self._try(self._pledge)
        if self._stops() or not self._order():
            return
        if self._stops():
            return
        self._receive()
        for _ in range(self.random.randint(0, 4)):
            self._try(self.random.choice((self._extra, self._replacement, self._by_hand)))
        self._weigh()
        if self.goes_on:
            self._try(self._allocate)
            return
        if self._settle() and self.random.random() < 0.3:
            self._try(self._correct)
        if self.random.random() < 0.3:
            self._reprice()

    def _stops(self) -> bool:
        return self.goes_on and self.random.random() < 0.4

    def _allocate(self, uow: UnitOfWork) -> None:
        if self.random.random() < 0.5:
            allocate_round(uow, self.round_id)

    def _try(self, step: Callable[[UnitOfWork], None]) -> bool:
        self.market.clock.advance(timedelta(minutes=self.random.randint(1, 90), microseconds=7))
        try:
            with self.market.books.open() as uow:
                step(uow)
        except DomainError:
            return False
        return True

    def _reprice(self) -> None:
        """Prices, terms, maxima and names as the supplier has them now."""
        random = self.random
        with self.market.books.open() as uow:
            for sku in (*SKUS, STRANGER):
                price = random.randint(80, 400)
                weight = random.choice((500, 1000)) if sku == "KAAS" else 0
                ladder = ((8, price - 11), (14, price - 30)) if random.random() < 0.5 else ()
                pack = random.choice((1, 4, 6))
                command = SaveProduct(
                    supplier_code="S1",
                    code=sku,
                    name=f"{sku} {random.choice(('klein', 'groot'))}",
                    unit="stuk",
                    price_excl_cents=price,
                    price_units=random.choice((1, 7)) if sku == "AARD" else 1,
                    vat_basis_points=random.choice((900, 2100, 0, None)),
                    pack_size=pack,
                    max_per_member=random.choice((None, 9, 12)),
                    is_offered=sku != STRANGER,
                    terms=SaleTerms(
                        sells_loose=random.random() < 0.5,
                        minimum_quantity=random.choice((None, 3)),
                        ladder=ladder,
                    ),
                    grams_per_unit=weight,
                    supplier_unit=random.choice(("", "krat")),
                    deposit_cents=random.choice((0, 15)),
                )
                save_product(uow, command)

    def _open(self) -> bool:
        """Plan it with what is agreed about its deadline, and open it; or leave it a draft."""
        random, now = self.random, self.market.clock.now
        with self.market.books.open() as uow:
            planned = PlanRound(
                theme="van alles",
                supplier_id=self.market.supplier_id,
                opens_at=now,
                closes_at=now + timedelta(days=3),
                delivery_on=local_date(now, LOCAL_TIME) + timedelta(days=random.randint(1, 5)),
                freight_excl_cents=random.choice((0, 499, 1733)),
                freight_key=random.choice(list(FreightKey)),
                shortage_rule=random.choice(list(ShortageRule)),
                surplus_rule=random.choice(list(SurplusRule)),
            )
            self.round_id = plan_round(uow, planned)
            if random.random() < 0.5:
                set_deadline(
                    uow, self.round_id, DeadlineTerms(topup_hours=random.choice((None, 4)))
                )
            slot = AddSlot(
                round_id=self.round_id,
                starts_at=now + timedelta(days=6),
                ends_at=now + timedelta(days=6, hours=1),
                place="buurthuis",
                capacity=2,
            )
            self._slots = [add_slot(uow, slot), add_slot(uow, replace(slot, capacity=None))]
            if self.goes_on and random.random() < 0.1:
                return False
            open_round(uow, self.round_id)
        return True

    def _products(self, uow: UnitOfWork) -> dict[str, int]:
        return queries.product_ids_by_code(uow.session, uow.tenant, self.round_id)

    def _pledge(self, uow: UnitOfWork) -> None:
        random = self.random
        product = random.choice(sorted(self._products(uow).values()))
        line = PledgeLine(
            product,
            random.randint(0, 8),
            tolerance=random.choice((0, 0, 1, 3)),
            max_price_excl_cents=random.choice((None, None, 100, 250)),
        )
        member_id = self.market.members[random.choice(sorted(self.market.members))]
        command = SavePledges(round_id=self.round_id, member_id=member_id, lines=(line,))
        try:
            with uow.session.begin_nested():
                save_pledges(uow, command)
        except DomainError:
            plain = replace(line, tolerance=0, max_price_excl_cents=None)
            save_pledges(uow, replace(command, lines=(plain,)))
        if line.quantity:
            slot_id = random.choice(self._slots)
            choose_slot(
                uow, ChooseSlot(round_id=self.round_id, member_id=member_id, slot_id=slot_id)
            )

    def _order(self) -> bool:
        random = self.random
        if random.random() < 0.7:
            self.market.clock.advance(timedelta(days=3))

        def cancel(uow: UnitOfWork) -> None:
            cancel_round(uow, CancelRound(round_id=self.round_id, reason="de boer\nis ziek"))

        def close(uow: UnitOfWork) -> None:
            close_round(uow, CloseRound(round_id=self.round_id))

        def order(uow: UnitOfWork) -> None:
            order_round(uow, OrderRound(round_id=self.round_id))
            if random.random() < 0.3:
                rules = [(key, ShortageRule.FIRST_PLEDGED) for key in self._products(uow).values()]
                choose_rules(uow, ChooseRules(round_id=self.round_id, products=tuple(rules)))

        if random.random() < 0.08:
            return not self._try(cancel)
        self._try(close)
        if self._stops():
            return False
        if random.random() < 0.08:
            return not self._try(cancel)
        if not self._try(order) or random.random() < 0.08:
            self._try(cancel)
            return False
        return True

    def _receive(self) -> None:
        random = self.random
        self.market.clock.advance(timedelta(days=random.randint(0, 3)))
        with self.market.books.open() as uow:
            lines = settlement_queries.deliveries(uow.session, uow.tenant, self.round_id)
            weighed = self._weighed(uow)
            for line in lines:
                came = max(line.ordered + random.choice((0, 0, 0, -2, 3, -9)), 0)
                damaged = random.randint(0, min(came, 2))
                is_weighed = line.round_product_id in weighed
                command = ReceiveLine(
                    round_id=self.round_id,
                    round_product_id=line.round_product_id,
                    delivered=came,
                    damaged=damaged,
                    reason="geteld",
                    uncredited=0 if is_weighed else random.randint(0, damaged),
                    grams=came * random.randint(420, 1100) + 1 if is_weighed else None,
                )
                receive_line(uow, command)
            finish_receiving(uow, FinishReceiving(round_id=self.round_id))

    def _weighed(self, uow: UnitOfWork) -> set[int]:
        offered = queries.offered_products(uow.session, uow.tenant, self.round_id)
        return {each.id for each in offered if each.code == "KAAS"}

    def _extra(self, uow: UnitOfWork) -> None:
        command = GiveExtra(
            round_id=self.round_id,
            round_product_id=self.random.choice(sorted(self._products(uow).values())),
            member_id=self.market.members[self.random.choice(sorted(self.market.members))],
            quantity=self.random.randint(1, 20),
            reason="wilde er ook van",
        )
        give_extra(uow, command)
        came = ReceiveLine(
            round_id=self.round_id,
            round_product_id=command.round_product_id,
            delivered=40,
            reason="nagebracht",
            grams=40_000 if command.round_product_id in self._weighed(uow) else None,
        )
        receive_line(uow, came)

    def _replacement(self, uow: UnitOfWork) -> None:
        stranger = select(Product.id).where(
            Product.cooperative_id == uow.tenant, Product.code == STRANGER
        )
        command = AddReplacement(
            round_id=self.round_id,
            replaced_id=self.random.choice(sorted(self._products(uow).values())),
            product_id=uow.session.scalars(stranger).one(),
            delivered=self.random.randint(0, 9),
            price_excl_cents=self.random.choice((None, 175)),
        )
        add_replacement(uow, command)

    def _by_hand(self, uow: UnitOfWork) -> None:
        pledges = queries.pledges(uow.session, uow.tenant, self.round_id)
        kept = [each for each in pledges if each.withdrawn_at is None]
        command = SetShare(
            round_id=self.round_id,
            pledge_id=self.random.choice(kept).id,
            quantity=self.random.randint(0, 3),
            reason="op verzoek",
        )
        decide(uow, command)

    def _weigh(self) -> None:
        """Weigh every part that can be weighed, or none."""
        if self.random.random() < 0.5:
            return
        with self.market.books.open() as uow:
            weighed = self._weighed(uow)
            for pledge in queries.pledges(uow.session, uow.tenant, self.round_id):
                if pledge.withdrawn_at is None and pledge.round_product_id in weighed:
                    grams = self.random.randint(300, 4000)
                    decide(
                        uow,
                        WeighPledge(round_id=self.round_id, pledge_id=pledge.id, grams=grams),
                    )

    def _settle(self) -> bool:
        random = self.random
        self.market.clock.advance(timedelta(days=random.randint(0, 2), seconds=5))

        def keep(uow: UnitOfWork) -> None:
            result = preview_settlement(uow, self.round_id).result
            for key in result.open_units:
                left = result.cooperative.surplus.get(key, 0)
                decide(
                    uow, KeepAsStock(round_id=self.round_id, round_product_id=key, quantity=left)
                )

        def settle(uow: UnitOfWork) -> None:
            expected = preview_settlement(uow, self.round_id)
            net = max(expected.result.net_cents + random.choice((0, 0, 0, 3, -2, 250)), 0)
            vat = max(expected.result.vat_cents + random.choice((0, 0, 0, 1, -1)), 0)
            if expected.result.gross_cents:
                invoice = RecordInvoice(
                    round_id=self.round_id,
                    code=f"2026/{self.round_id}",
                    invoiced_on=local_date(uow.now, LOCAL_TIME),
                    net_cents=net,
                    vat_cents=vat,
                )
                record_invoice(uow, invoice)
            more = preview_settlement(uow, self.round_id).whole_difference_cents
            day = random.choice((None, local_date(uow.now, LOCAL_TIME) + timedelta(days=1)))
            command = SettleRound(
                round_id=self.round_id, accepted_difference_cents=more, accounting_date=day
            )
            settle_round(uow, command)

        self._try(keep)
        return self._try(settle)

    def _correct(self, uow: UnitOfWork) -> None:
        lines = settlement_queries.deliveries(uow.session, uow.tenant, self.round_id)
        line = self.random.choice(lines)
        command = CorrectRound(
            round_id=self.round_id,
            reason="nageteld",
            lines=(
                ReceiveLine(
                    round_id=self.round_id,
                    round_product_id=line.round_product_id,
                    delivered=(line.delivered or 0) + 1,
                    reason="nageteld",
                ),
            ),
        )
        more = preview_correction(uow, command).whole_difference_cents
        correct_round(uow, replace(command, accepted_difference_cents=more))
