"""Laws of stock: it is the sum of what moved, the books say the same, and never below zero."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.refusals import InvalidInputError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date
from wijkeconomie.money.vat import vat_on
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.explanations import explain_share
from wijkeconomie.purchasing.invoicing import RecordInvoice
from wijkeconomie.purchasing.receiving import ReceiveLine
from wijkeconomie.purchasing.refusals import (
    CreditLimitError,
    InactiveMemberError,
    SaleTakenBackError,
    StockGoneError,
)
from wijkeconomie.purchasing.stock_counting import CountStock, WriteOff, count_stock, write_off
from wijkeconomie.purchasing.stock_models import MovementKind
from wijkeconomie.purchasing.stock_queries import (
    StockLine,
    booked_value,
    stock_list,
    stock_movements,
    stock_of,
    stock_of_round,
)
from wijkeconomie.purchasing.stock_selling import (
    SellStock,
    TakeSaleBack,
    sell_stock,
    take_sale_back,
)
from wijkeconomie.reports.member_queries import member_statement
from wijkeconomie.reports.statement_csv import render_csv
from wijkeconomie.reports.statement_pdf import render_statement_pdf
from wijkeconomie.reports.statement_texts import line_text


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def potatoes(market: Market) -> StockLine:
    with market.books.open() as uow:
        return stock_of(uow.session, uow.tenant, "AARD")


def sell(market: Market, units: int, member: str = "L001", price: int | None = None) -> int:
    with market.books.open() as uow:
        command = SellStock(
            product_id=stock_of(uow.session, uow.tenant, "AARD").product_id,
            member_id=market.members[member],
            units=units,
            price_each_cents=price,
        )
        return sell_stock(uow, command)


def require_ties(market: Market) -> None:
    """The list, its movements and the books say one thing."""
    with market.books.open() as uow:
        lines = stock_list(uow.session, uow.tenant, with_empty=True)
        assert sum(line.value_cents for line in lines) == booked_value(uow.session, uow.tenant)
        for line in lines:
            moved = stock_movements(uow.session, uow.tenant, line.product_id)
            assert sum(each.units for each in moved) == line.units
            assert sum(each.value_cents for each in moved) == line.value_cents
    assert market.books.verify().fault is None


def correct(market: Market, round_id: int, code: str, delivered: int) -> None:
    """Other goods came than was settled, at an invoice of just those."""
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)[code]
        units = {"AARD": delivered, "ZEEP": 3}
        net = 119 * units["AARD"] + 211 * 3 + 501
        goods = {900: 119 * units["AARD"], 2100: 633}
        freight = 501 * goods[900] // sum(goods.values())
        parts = [freight, 501 - freight]
        if 2 * (501 * goods[900] % sum(goods.values())) > sum(goods.values()):
            parts = [freight + 1, 500 - freight]
        vat = vat_on(goods[900] + parts[0], 900) + vat_on(goods[2100] + parts[1], 2100)
        correct_round(
            uow,
            CorrectRound(
                round_id=round_id,
                reason="anders geteld",
                lines=(
                    ReceiveLine(
                        round_id=round_id,
                        round_product_id=product,
                        delivered=delivered,
                        reason="geteld",
                    ),
                ),
                invoice=RecordInvoice(
                    round_id=round_id,
                    code=f"F-{round_id}-{delivered}",
                    invoiced_on=local_date(uow.now, LOCAL_TIME),
                    net_cents=net,
                    vat_cents=vat,
                ),
            ),
        )


# --- what comes


def test_surplus_of_a_round_lies_in_stock_at_what_it_cost(market: Market) -> None:
    market.settled_round(AARD=14)

    found = potatoes(market)

    # As docs/chart-of-accounts.md works it out: 2.38 of goods and 0.52 of freight.
    assert (found.units, found.value_cents) == (2, 290)
    require_ties(market)


def test_under_the_small_businesses_scheme_vat_is_part_of_what_it_cost(market: Market) -> None:
    _regime(market, "kor")
    market.settled_round(AARD=14)

    assert potatoes(market).value_cents == 290 + 26
    require_ties(market)


def _regime(market: Market, regime: str) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            text("update cooperative set vat_regime = :regime where id = :id"),
            {"id": uow.tenant, "regime": regime},
        )


# --- selling


def test_a_sale_at_cost_charges_the_member_and_empties_the_list(market: Market) -> None:
    market.settled_round(AARD=14)
    before = market.owed("L001")

    sell(market, 2)

    assert market.owed("L001") - before == 290 + vat_on(290, 900)
    assert (potatoes(market).units, potatoes(market).value_cents) == (0, 0)
    require_ties(market)


def test_the_last_unit_takes_the_last_cent(market: Market) -> None:
    market.settled_round(AARD=15)
    worth = potatoes(market).value_cents

    for _each in range(3):
        sell(market, 1)

    with market.books.open() as uow:
        moved = stock_movements(uow.session, uow.tenant, potatoes(market).product_id)
    assert -sum(each.value_cents for each in moved if each.kind == MovementKind.SALE) == worth
    assert potatoes(market).value_cents == 0
    require_ties(market)


def test_a_price_is_with_vat_and_the_vat_is_inside_it(market: Market) -> None:
    market.settled_round(AARD=14)
    before = market.owed("L002")

    number = sell(market, 2, "L002", price=200)

    assert market.owed("L002") - before == 400
    with market.books.open() as uow:
        moved = stock_movements(uow.session, uow.tenant, potatoes(market).product_id)
        entry = ledger.entry(uow.session, uow.tenant, moved[0].entry_number or 0)
    assert (moved[0].number, moved[0].gross_cents) == (number, 400)
    due = [line.amount for line in entry.postings if line.account_code == "16203"]
    assert due == [-33]  # 4.00 x 9 / 109


def test_more_than_there_is_cannot_be_sold(market: Market) -> None:
    market.settled_round(AARD=14)

    with pytest.raises(StockGoneError) as refused:
        sell(market, 3)

    assert refused.value.context["left"] == 2
    require_ties(market)


def test_two_sales_of_the_last_units_at_once_are_one_sale(market: Market) -> None:
    market.settled_round(AARD=14)
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def buy(member: str) -> None:
        ready.wait()
        try:
            sell(market, 2, member)
        except StockGoneError:
            outcomes.append("gone")
        else:
            outcomes.append("sold")

    threads = [threading.Thread(target=buy, args=(f"L00{1 + each % 3}",)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["gone", "gone", "gone", "sold"]
    require_ties(market)


def test_a_sale_beyond_the_credit_limit_is_refused(market: Market) -> None:
    market.settled_round(AARD=14)
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = :limit where id = :id"
            ),
            {"id": uow.tenant, "limit": market.owed("L001") + 300},
        )

    with pytest.raises(CreditLimitError) as refused:
        sell(market, 2)

    assert refused.value.context["short_cents"] == 16
    assert potatoes(market).units == 2


def test_a_sale_names_a_member_of_today_and_a_price(market: Market) -> None:
    market.settled_round(AARD=14)
    with pytest.raises(InvalidInputError):
        sell(market, 2, price=0)
    with pytest.raises(InvalidInputError):
        sell(market, 0)
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update member set left_on = '2020-01-01', joined_on = '2019-01-01'"
                " where cooperative_id = :id and code = 'L003'"
            ),
            {"id": uow.tenant},
        )
    with pytest.raises(InactiveMemberError):
        sell(market, 1, "L003")


def test_a_sale_is_turned_back_once(market: Market) -> None:
    market.settled_round(AARD=14)
    before = market.owed("L001")
    number = sell(market, 1)
    back = TakeSaleBack(
        product_id=potatoes(market).product_id, number=number, reason="verkeerd lid"
    )

    with market.books.open() as uow:
        take_sale_back(uow, back)

    assert market.owed("L001") == before
    assert (potatoes(market).units, potatoes(market).value_cents) == (2, 290)
    require_ties(market)
    with pytest.raises(SaleTakenBackError), market.books.open() as uow:
        take_sale_back(uow, back)


def test_members_do_not_sell_from_the_stock(market: Market) -> None:
    market.settled_round(AARD=14)
    member = replace(system_identity("login:1"), roles=frozenset({Role.MEMBER}))
    begin = market.books.units_of_work.begin

    with (
        pytest.raises(PermissionDeniedError),
        begin(identity=member, cooperative_id=market.books.cooperative_id) as uow,
    ):
        sell_stock(
            uow,
            SellStock(
                product_id=potatoes(market).product_id, member_id=market.members["L001"], units=1
            ),
        )


# --- not sold


def test_what_is_written_off_costs_the_cooperative(market: Market) -> None:
    market.settled_round(AARD=14)
    product_id = potatoes(market).product_id

    with market.books.open() as uow:
        write_off(uow, WriteOff(product_id=product_id, units=1, reason="bedorven"))

    assert (potatoes(market).units, potatoes(market).value_cents) == (1, 145)
    require_ties(market)
    with pytest.raises(StockGoneError), market.books.open() as uow:
        write_off(uow, WriteOff(product_id=product_id, units=2, reason="bedorven"))
    with pytest.raises(InvalidInputError), market.books.open() as uow:
        write_off(uow, WriteOff(product_id=product_id, units=1, reason=" "))


@pytest.mark.parametrize(("counted", "value"), [(1, 145), (2, 290), (3, 435), (0, 0)])
def test_counting_books_the_difference(market: Market, counted: int, value: int) -> None:
    market.settled_round(AARD=14)
    product_id = potatoes(market).product_id

    with market.books.open() as uow:
        count_stock(uow, CountStock(product_id=product_id, counted=counted, reason="geteld"))

    assert (potatoes(market).units, potatoes(market).value_cents) == (counted, value)
    require_ties(market)


def test_a_count_of_a_list_that_changed_is_refused(market: Market) -> None:
    market.settled_round(AARD=14)
    sell(market, 1)

    command = CountStock(
        product_id=potatoes(market).product_id, counted=2, expected=2, reason="geteld"
    )

    with pytest.raises(InvalidInputError), market.books.open() as uow:
        count_stock(uow, command)


# --- corrections


def test_a_correction_moves_what_the_round_kept(market: Market) -> None:
    round_id = market.settled_round(AARD=14)

    correct(market, round_id, "AARD", 16)

    assert potatoes(market).units == 4
    require_ties(market)

    correct(market, round_id, "AARD", 12)

    assert (potatoes(market).units, potatoes(market).value_cents) == (0, 0)
    require_ties(market)


def test_a_correction_that_takes_back_what_was_sold_is_refused(market: Market) -> None:
    round_id = market.settled_round(AARD=14)
    sell(market, 1)

    with pytest.raises(StockGoneError) as refused:
        correct(market, round_id, "AARD", 12)

    assert (refused.value.context["units"], refused.value.context["left"]) == (2, 1)
    assert potatoes(market).units == 1
    require_ties(market)


def test_value_of_goods_that_are_gone_becomes_a_difference_in_price(market: Market) -> None:
    round_id = market.settled_round(AARD=14)
    sell(market, 2)

    # One bottle of soap fewer makes the freight of the potatoes more.
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["ZEEP"]
        correct_round(
            uow,
            CorrectRound(
                round_id=round_id,
                reason="fles kapot",
                lines=(
                    ReceiveLine(
                        round_id=round_id, round_product_id=product, delivered=2, reason="geteld"
                    ),
                ),
                accepted_difference_cents=_difference(market, round_id, product),
            ),
        )

    assert (potatoes(market).units, potatoes(market).value_cents) == (0, 0)
    require_ties(market)
    with market.books.open() as uow:
        kinds = [
            each.kind
            for each in stock_movements(uow.session, uow.tenant, potatoes(market).product_id)
        ]
    assert kinds[0] == MovementKind.REVALUED


def _difference(market: Market, round_id: int, product: int) -> int:
    with market.books.open() as uow:
        line = ReceiveLine(
            round_id=round_id, round_product_id=product, delivered=2, reason="geteld"
        )
        return preview_correction(
            uow, CorrectRound(round_id=round_id, reason="kijken", lines=(line,))
        ).difference_cents


# --- what the database holds by itself


NOT_BOOKED = """
with moved as (
  update stock_item set value_cents = value_cents + 1, movements = movements + 1 returning *
)
insert into stock_movement (cooperative_id, product_id, number, kind, units, value_cents,
  happened_on, entry_number, reason, moved_at, moved_by)
select cooperative_id, product_id, movements, 'count', 0, 1, current_date, 1, 'zo maar', now(), 'x'
from moved
"""


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("update stock_item set units = units - 3", "23514"),
        ("update stock_item set units = units - 1", "WE025"),
        ("update stock_item set value_cents = value_cents + 1", "WE025"),
        (NOT_BOOKED, "WE026"),
    ],
)
def test_the_list_cannot_be_made_to_say_otherwise(market: Market, change: str, state: str) -> None:
    market.settled_round(AARD=14)

    with pytest.raises(DBAPIError) as refused, market.books.open() as uow:
        uow.session.execute(text(change))

    assert getattr(refused.value.orig, "sqlstate", None) == state
    require_ties(market)


@pytest.mark.parametrize(
    "change", ["update stock_movement set units = 1", "delete from stock_sale"]
)
def test_what_moved_cannot_be_changed(market: Market, change: str) -> None:
    with pytest.raises(DBAPIError), market.books.open() as uow:
        uow.session.execute(text(change))


def test_a_later_round_tells_what_lies_in_stock(market: Market) -> None:
    market.settled_round(AARD=14)
    later = market.open_round()

    with market.books.open() as uow:
        products = queries.product_ids_by_code(uow.session, uow.tenant, later)
        assert stock_of_round(uow.session, uow.tenant, later) == {products["AARD"]: 2}


# --- what a member reads


def test_a_sale_stands_on_the_statement_of_its_period_with_its_vat(market: Market) -> None:
    market.settled_round(AARD=14)
    number = sell(market, 1)
    sell(market, 1, price=200)
    with market.books.open() as uow:
        back = TakeSaleBack(
            product_id=stock_of(uow.session, uow.tenant, "AARD").product_id,
            number=number,
            reason="terug",
        )
        take_sale_back(uow, back)

    with market.books.open() as uow:
        period = Period.month_of(local_date(uow.now, LOCAL_TIME))
        statement = member_statement(uow.session, uow.tenant, "L001", period)

    texts = [line_text(line, "nl", statement.kind) for line in statement.lines][-3:]
    assert texts == [
        "Gekocht uit de voorraad",
        "Gekocht uit de voorraad",
        "Koop uit de voorraad teruggedraaid",
    ]
    lines = list(statement.lines)[-3:]
    assert [line.debit_cents - line.credit_cents for line in lines] == [158, 200, -158]
    for line in lines:
        [detail] = line.details
        steps = explain_share(detail.explanation, "nl", unit=detail.unit)
        assert steps[0].text == "Je kocht 1 kg uit de voorraad."
        assert sum(step.amount_cents or 0 for step in steps) == abs(detail.gross_cents)
    assert "Gekocht uit de voorraad" in render_csv(statement).decode()
    assert render_statement_pdf(statement, language="nl").startswith(b"%PDF")
