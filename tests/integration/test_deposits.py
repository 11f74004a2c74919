"""Laws of deposits: paid for what one got, given back for empties, and beside the goods."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market, a_market_with_deposits
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.refusals import BalanceLimitError
from wijkeconomie.money.amounts import format_amount, parse_amount
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.deposit_queries import member_deposits, supplier_deposits
from wijkeconomie.purchasing.deposit_returning import (
    SendEmpties,
    TakeEmpties,
    send_empties,
    take_empties,
    undo_return,
)
from wijkeconomie.purchasing.invoicing import RecordInvoice, record_invoice
from wijkeconomie.purchasing.ordering import supplier_order
from wijkeconomie.purchasing.receiving import ReceiveLine
from wijkeconomie.purchasing.refusals import (
    CreditLimitError,
    DepositTooMuchError,
    InvoiceDifferenceError,
    ReturnUndoneError,
)
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round
from wijkeconomie.purchasing.stock_queries import stock_movements, stock_of
from wijkeconomie.purchasing.stock_selling import (
    SellStock,
    TakeSaleBack,
    sell_stock,
    take_sale_back,
)
from wijkeconomie.reports.member_queries import member_statement
from wijkeconomie.reports.queries import round_statement
from wijkeconomie.reports.rehearsing import rehearsed_round_statement
from wijkeconomie.reports.rendering import render
from wijkeconomie.reports.statement import Statement
from wijkeconomie.reports.statement_texts import line_text


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market_with_deposits(units_of_work, clock)


def soap(market: Market) -> int:
    with market.books.open() as uow:
        return stock_of(uow.session, uow.tenant, "ZEEP").product_id


def bring(market: Market, member: str, units: int) -> int:
    with market.books.open() as uow:
        command = TakeEmpties(
            member_id=market.members[member], product_id=soap(market), units=units
        )
        return take_empties(uow, command)


def held(market: Market, key: str, party: str) -> int:
    with market.books.open() as uow:
        return ledger.party_balance(uow.session, uow.tenant, key, party)


def test_members_pay_the_deposit_beside_the_goods_and_the_supplier_gets_it(
    market: Market, units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    plain = a_market(units_of_work, clock)
    plain.settled_round(ZEEP=5)

    market.settled_round(ZEEP=5)

    for member in ("L001", "L002", "L003"):
        assert market.owed(member) == plain.owed(member) + 15
        assert held(market, "member_deposits", member) == -15
    # Two bottles were left over: their packaging is the cooperative's.
    assert held(market, "packaging", "S1") == 75
    assert held(market, "suppliers", "S1") == held(plain, "suppliers", "S1") - 75
    assert market.books.verify().fault is None


def test_the_order_to_the_supplier_tells_the_deposits(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", ZEEP=4, AARD=2)
    market.order(round_id)

    with market.books.open() as uow:
        code = queries.round_by_id(uow.session, uow.tenant, round_id).code
        order = supplier_order(uow, code)

    assert {line.sku: line.deposit_cents for line in order.lines} == {"AARD": 0, "ZEEP": 60}
    assert order.payable_cents == order.gross_cents + 60


def test_a_pledge_reserves_its_deposit(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", ZEEP=4)

    with market.books.open() as uow:
        reserved = queries.reserved_cents(uow.session, uow.tenant, market.members["L001"])
    assert reserved == 844 + 177 + 60
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = 844 + 177 + 60 where id = :id"
            ),
            {"id": uow.tenant},
        )
    market.pledge(round_id, "L002", ZEEP=4)
    with pytest.raises(CreditLimitError):
        market.pledge(round_id, "L002", ZEEP=5)
    market.order(round_id)
    with market.books.open() as uow:
        assert len(queries.pledges(uow.session, uow.tenant, round_id)) == 2


def test_empties_are_given_back_and_go_back_to_the_supplier(market: Market) -> None:
    market.settled_round()
    before = market.owed("L001")

    number = bring(market, "L001", 1)

    assert market.owed("L001") == before - 15
    assert held(market, "member_deposits", "L001") == 0
    with pytest.raises(DepositTooMuchError) as refused:
        bring(market, "L001", 1)
    assert refused.value.context["left_cents"] == 0
    with market.books.open() as uow:
        send_empties(uow, SendEmpties(supplier_id=market.supplier_id, cents=15, note="krat"))
    assert held(market, "packaging", "S1") == 30
    with pytest.raises(DepositTooMuchError), market.books.open() as uow:
        send_empties(uow, SendEmpties(supplier_id=market.supplier_id, cents=31))

    with market.books.open() as uow:
        undo_return(uow, number, "verkeerd lid")
    assert market.owed("L001") == before
    with pytest.raises(ReturnUndoneError), market.books.open() as uow:
        undo_return(uow, number, "verkeerd lid")
    with market.books.open() as uow:
        assert {each.code: each.cents for each in member_deposits(uow.session, uow.tenant)} == {
            "L001": 15,
            "L002": 15,
            "L003": 15,
        }
        assert [each.cents for each in supplier_deposits(uow.session, uow.tenant)] == [30]
    assert market.books.verify().fault is None


@pytest.mark.parametrize(
    "wrong", [{}, {"cents": 0}, {"cents": 5, "units": 1, "product_id": 1}, {"units": 1}]
)
def test_a_return_is_of_units_or_an_amount(market: Market, wrong: dict[str, int]) -> None:
    market.settled_round()

    with pytest.raises(InvalidInputError), market.books.open() as uow:
        take_empties(uow, TakeEmpties(member_id=market.members["L001"], **wrong))  # type: ignore[arg-type]


def _correction(market: Market, round_id: int, bottles: int) -> CorrectRound:
    with market.books.open() as uow:
        key = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["ZEEP"]
    line = ReceiveLine(round_id=round_id, round_product_id=key, delivered=bottles, reason="geteld")
    seen = CorrectRound(round_id=round_id, reason="geteld", lines=(line,))
    with market.books.open() as uow:
        accepted = preview_correction(uow, seen).whole_difference_cents
    return replace(seen, accepted_difference_cents=accepted)


def test_a_correction_books_the_difference(market: Market) -> None:
    round_id = market.settled_round()

    with market.books.open() as uow:
        correct_round(uow, _correction(market, round_id, 2))

    left = [held(market, "member_deposits", f"L00{number}") for number in (1, 2, 3)]
    assert sorted(left) == [-15, -15, 0]
    assert held(market, "packaging", "S1") == 30
    assert market.books.verify().fault is None


def test_a_correction_cannot_take_back_what_was_given_back(market: Market) -> None:
    round_id = market.settled_round()
    for member in ("L001", "L002", "L003"):
        bring(market, member, 1)

    with pytest.raises(BalanceLimitError), market.books.open() as uow:
        correct_round(uow, _correction(market, round_id, 2))


def test_deposits_on_the_invoice_that_differ_must_be_accepted(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", ZEEP=2)
    market.order(round_id)
    market.receive(round_id)
    with market.books.open() as uow:
        preview = preview_settlement(uow, round_id)
        assert (preview.deposits.supplier_cents, preview.deposits.members_cents) == (30, 30)
        record_invoice(
            uow,
            RecordInvoice(
                round_id=round_id,
                code="F1",
                invoiced_on=local_date(uow.now, LOCAL_TIME),
                net_cents=preview.result.net_cents,
                vat_cents=preview.result.vat_cents,
                deposit_cents=40,
            ),
        )
    with pytest.raises(InvoiceDifferenceError) as refused, market.books.open() as uow:
        settle_round(uow, SettleRound(round_id=round_id))
    assert refused.value.context["difference_cents"] == 10

    market.settle(round_id, accepted=10)

    assert held(market, "packaging", "S1") == 30
    assert market.books.verify().fault is None


def sell_soap(market: Market, units: int, member: str = "L001") -> int:
    with market.books.open() as uow:
        product = stock_of(uow.session, uow.tenant, "ZEEP").product_id
        command = SellStock(product_id=product, member_id=market.members[member], units=units)
        return sell_stock(uow, command)


def take_soap_back(market: Market, number: int) -> None:
    with market.books.open() as uow:
        product = stock_of(uow.session, uow.tenant, "ZEEP").product_id
        take_sale_back(uow, TakeSaleBack(product_id=product, number=number, reason="verkeerd lid"))


def test_who_buys_from_the_stock_pays_the_deposit_and_gets_it_back(market: Market) -> None:
    market.settled_round(ZEEP=5)
    before, packaging = market.owed("L001"), held(market, "packaging", "S1")

    number = sell_soap(market, 2)

    with market.books.open() as uow:
        product = stock_of(uow.session, uow.tenant, "ZEEP").product_id
        [sold, *_] = stock_movements(uow.session, uow.tenant, product)
    assert (sold.number, sold.deposit_cents) == (number, 30)
    assert sold.gross_cents is not None
    assert market.owed("L001") == before + sold.gross_cents + 30
    assert held(market, "member_deposits", "L001") == -45
    # The supplier was paid for it when the round was settled.
    assert held(market, "packaging", "S1") == packaging
    bring(market, "L001", 3)
    assert held(market, "member_deposits", "L001") == 0
    assert market.owed("L001") == before + sold.gross_cents - 15
    assert market.books.verify().fault is None


def test_turning_a_sale_back_turns_its_deposit_back(market: Market) -> None:
    market.settled_round(ZEEP=5)
    before = market.owed("L001")

    take_soap_back(market, sell_soap(market, 2))

    assert market.owed("L001") == before
    assert held(market, "member_deposits", "L001") == -15
    with market.books.open() as uow:
        statement = member_statement(uow.session, uow.tenant, "L001", ALL)
    lines = {line_text(line, "nl", statement.kind): line for line in statement.lines}
    assert lines["Statiegeld op wat je uit de voorraad kocht"].debit_cents == 30
    assert lines["Statiegeld op een koop uit de voorraad teruggedraaid"].credit_cents == 30
    assert market.books.verify().fault is None


def test_a_sale_is_not_turned_back_when_its_empties_came_back(market: Market) -> None:
    market.settled_round(ZEEP=5)
    number = sell_soap(market, 2)
    bring(market, "L001", 3)

    with pytest.raises(DepositTooMuchError) as refused:
        take_soap_back(market, number)

    assert refused.value.context["left_cents"] == 0
    with market.books.open() as uow:
        assert stock_of(uow.session, uow.tenant, "ZEEP").units == 0


def test_the_deposit_of_a_sale_counts_in_the_credit_limit(market: Market) -> None:
    market.settled_round(ZEEP=5)
    with market.books.open() as uow:
        product = stock_of(uow.session, uow.tenant, "ZEEP").product_id
        command = SellStock(
            product_id=product, member_id=market.members["L001"], units=1, price_each_cents=200
        )
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = :most where id = :id"
            ),
            {"id": uow.tenant, "most": market.owed("L001") + 214},
        )
    with pytest.raises(CreditLimitError) as refused, market.books.open() as uow:
        sell_stock(uow, command)
    assert refused.value.context["short_cents"] == 1


ALL = Period(date(2026, 1, 1), date(2027, 1, 1))


def plain(words: str) -> str:
    return re.sub(r"\s+", " ", words.replace("\xa0", " "))


def requires_every_rendering(statement: Statement, payable: dict[str, int]) -> None:
    """The CSV and the PDF tell every member what the screen told."""
    rows = list(csv.DictReader(io.StringIO(render(statement, "csv").decode())))
    listed = {row["code"]: parse_amount(row["payable"]) for row in rows if row["code"] in payable}
    assert listed == payable
    pages = PdfReader(io.BytesIO(render(statement, "pdf"))).pages
    letter = plain(" ".join(page.extract_text() for page in pages))
    for cents in (*payable.values(), sum(payable.values())):
        assert plain(format_amount(cents, "nl")) in letter
    assert "Factuur met statiegeld" in letter


def a_round_with_a_dear_invoice(market: Market) -> int:
    """Five bottles for three members; the invoice asks ten cents more deposit than came."""
    round_id = market.open_round(freight=501)
    for member, count in (("L001", 3), ("L002", 5), ("L003", 4)):
        market.pledge(round_id, member, AARD=count, ZEEP=1)
    market.order(round_id)
    market.receive(round_id, ZEEP=5)
    with market.books.open() as uow:
        came = preview_settlement(uow, round_id)
        command = RecordInvoice(
            round_id=round_id,
            code="F1",
            invoiced_on=local_date(uow.now, LOCAL_TIME),
            net_cents=came.result.net_cents,
            vat_cents=came.result.vat_cents,
            deposit_cents=85,
        )
        record_invoice(uow, command)
    return round_id


def test_screen_pdf_csv_and_books_tell_the_same_with_deposits(market: Market) -> None:
    round_id = a_round_with_a_dear_invoice(market)
    with market.books.open() as uow:
        preview = preview_settlement(uow, round_id)
        code = queries.round_by_id(uow.session, uow.tenant, round_id).code
        rehearsed = rehearsed_round_statement(uow, code, ALL)
    payable = {each.code: each.payable_cents for each in preview.members}
    assert [each.deposit_cents for each in preview.members] == [15, 15, 15]
    assert preview.whole_difference_cents == 10
    # Two bottles are the cooperative's, and so is what the invoice asks too much.
    assert preview.cooperative_payable_cents == preview.cooperative_gross_cents + 40

    market.settle(round_id, accepted=10)

    assert {code: market.owed(code) for code in payable} == payable
    assert held(market, "suppliers", "S1") == -preview.supplier_payable_cents
    with market.books.open() as uow:
        booked = round_statement(uow.session, uow.tenant, code, ALL)
    assert booked.round == rehearsed.round
    assert booked.closing_cents == sum(payable.values()) == preview.members_payable_cents
    for statement in (rehearsed, booked):
        requires_every_rendering(statement, payable)


def test_a_correction_shows_differences_with_their_deposits(market: Market) -> None:
    round_id = market.settled_round()
    before = {f"L00{number}": market.owed(f"L00{number}") for number in (1, 2, 3)}
    command = _correction(market, round_id, 2)
    with market.books.open() as uow:
        preview = preview_correction(uow, command)
        code = queries.round_by_id(uow.session, uow.tenant, round_id).code
    assert sum(line.amount_cents for line in preview.deposit_entry.lines) == 0
    assert {each.code: each.payable_before_cents for each in preview.members} == before

    with market.books.open() as uow:
        correct_round(uow, command)

    payable = {each.code: each.payable_cents for each in preview.members}
    assert {code: market.owed(code) for code in payable} == payable
    differences = {each.code: each.difference_cents for each in preview.members}
    assert {code: payable[code] - before[code] for code in payable} == differences
    with market.books.open() as uow:
        requires_every_rendering(round_statement(uow.session, uow.tenant, code, ALL), payable)


def test_a_deposit_stands_on_its_own_line_of_the_statement(market: Market) -> None:
    round_id = market.settled_round()
    bring(market, "L001", 1)

    with market.books.open() as uow:
        code = queries.round_by_id(uow.session, uow.tenant, round_id).code
        period = Period(date(2026, 1, 1), date(2027, 1, 1))
        statement = member_statement(uow.session, uow.tenant, "L001", period)
        paid = settlement_queries.paid_by_member(uow.session, uow.tenant, market.members["L001"])

    lines = {line_text(line, "nl", statement.kind): line for line in statement.lines}
    assert lines[f"Statiegeld van inkoopronde {code}"].debit_cents == 15
    assert lines["Statiegeld terug voor lege verpakking"].credit_cents == 15
    goods = lines[f"Afrekening van inkoopronde {code}"].debit_cents
    assert paid[round_id] == goods + 15
