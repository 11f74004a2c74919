"""Stock against a model: whatever comes, is sold, counted and corrected, list and books agree."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.receiving import ReceiveLine
from wijkeconomie.purchasing.refusals import StockGoneError
from wijkeconomie.purchasing.stock_counting import CountStock, WriteOff, count_stock, write_off
from wijkeconomie.purchasing.stock_queries import booked_value, stock_list, stock_of
from wijkeconomie.purchasing.stock_selling import (
    SellStock,
    TakeSaleBack,
    sell_stock,
    take_sale_back,
)

UNITS = st.integers(1, 6)


class StockModel(RuleBasedStateMachine):
    """Potatoes that rounds leave over; the model counts units only, the books count money."""

    units_of_work: UnitOfWorkFactory
    clock: Clock

    @initialize()
    def open_market(self) -> None:
        self.market: Market = a_market(self.units_of_work, self.clock)
        self.units = 0
        self.kept: dict[int, int] = {}
        self.sold: dict[int, int] = {}

    def product(self) -> int:
        with self.market.books.open() as uow:
            return stock_of(uow.session, uow.tenant, "AARD").product_id

    @rule(more=st.integers(0, 4))
    def settle_a_round(self, more: int) -> None:
        if len(self.kept) < 3:
            self.kept[self.market.settled_round(AARD=12 + more)] = more
            self.units += more

    @rule(data=st.data(), more=st.integers(0, 5), code=st.sampled_from(["AARD", "ZEEP"]))
    def correct_a_round(self, data: st.DataObject, more: int, code: str) -> None:
        if not self.kept:
            return
        round_id = data.draw(st.sampled_from(sorted(self.kept)))
        with self.market.books.open() as uow:
            key = queries.product_ids_by_code(uow.session, uow.tenant, round_id)[code]
        came = 12 + more if code == "AARD" else min(more, 3)
        line = ReceiveLine(round_id=round_id, round_product_id=key, delivered=came, reason="x")
        wanted = CorrectRound(round_id=round_id, reason="geteld", lines=(line,))
        with self.market.books.open() as uow:
            accepted = preview_correction(uow, wanted).difference_cents
        change = more - self.kept[round_id] if code == "AARD" else 0
        command = CorrectRound(
            round_id=round_id, reason="geteld", lines=(line,), accepted_difference_cents=accepted
        )
        try:
            with self.market.books.open() as uow:
                correct_round(uow, command)
        except StockGoneError:
            assert self.units + change < 0
        else:
            self.units += change
            self.kept[round_id] += change

    @rule(units=UNITS, price=st.none() | st.integers(1, 500))
    def sell(self, units: int, price: int | None) -> None:
        command = SellStock(
            product_id=self.product(),
            member_id=self.market.members["L001"],
            units=units,
            price_each_cents=price or (None if self._worth() else 1),
        )
        try:
            with self.market.books.open() as uow:
                number = sell_stock(uow, command)
        except StockGoneError:
            assert units > self.units
        else:
            self.units -= units
            self.sold[number] = units

    def _worth(self) -> bool:
        """Whether a unit has a cost that can be asked."""
        with self.market.books.open() as uow:
            line = stock_of(uow.session, uow.tenant, "AARD")
        return bool(line.units) and Fraction(line.value_cents, line.units) >= 1

    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        if self.sold:
            number = data.draw(st.sampled_from(sorted(self.sold)))
            command = TakeSaleBack(product_id=self.product(), number=number, reason="terug")
            with self.market.books.open() as uow:
                take_sale_back(uow, command)
            self.units += self.sold.pop(number)

    @rule(units=UNITS)
    def lose(self, units: int) -> None:
        try:
            with self.market.books.open() as uow:
                write_off(uow, WriteOff(product_id=self.product(), units=units, reason="weg"))
        except StockGoneError:
            assert units > self.units
        else:
            self.units -= units

    @rule(counted=st.integers(0, 8))
    def count(self, counted: int) -> None:
        with self.market.books.open() as uow:
            count_stock(uow, CountStock(product_id=self.product(), counted=counted, reason="x"))
        self.units = counted

    @invariant()
    def the_list_the_model_and_the_books_agree(self) -> None:
        if not hasattr(self, "market"):
            return
        with self.market.books.open() as uow:
            lines = stock_list(uow.session, uow.tenant, with_empty=True)
            assert sum(line.units for line in lines) == self.units
            assert sum(line.value_cents for line in lines) == booked_value(uow.session, uow.tenant)

    def teardown(self) -> None:
        if hasattr(self, "market"):
            assert self.market.books.verify().fault is None


def test_stock_follows_its_model(units_of_work: UnitOfWorkFactory, clock: Clock) -> None:
    StockModel.units_of_work = units_of_work
    StockModel.clock = clock
    run_state_machine_as_test(
        StockModel,
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
