"""Prices that do not divide, along the whole road: a crate of 24 bottles at 17.50."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.money.amounts import NO_BREAK_SPACE
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date
from wijkeconomie.network.interchange.files import PRODUCTS
from wijkeconomie.network.interchange.stored import stored_rows
from wijkeconomie.purchasing import queries, settlement_queries, supplier_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round
from wijkeconomie.purchasing.explanations import explain_share
from wijkeconomie.purchasing.mails import round_mails
from wijkeconomie.purchasing.models import Supplier
from wijkeconomie.purchasing.order_document import render_order_csv
from wijkeconomie.purchasing.ordering import supplier_order
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.replacing import GiveExtra, give_extra
from wijkeconomie.purchasing.settling import preview_settlement
from wijkeconomie.purchasing.suppliers import SaleTerms, SaveProduct, save_product
from wijkeconomie.reports.queries import round_statement
from wijkeconomie.reports.statement import StatementKind
from wijkeconomie.reports.statement_tables import product_blocks

WANTED = {"L001": 5, "L002": 7, "L003": 12, "L004": 40, "L005": 1}


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock, members=6)


def juice(**changed: object) -> SaveProduct:
    """Juice at 17.50 for a crate of 24; parts of a crate are sold too."""
    values: dict[str, object] = {
        "supplier_code": "S1",
        "code": "SAP",
        "name": "Appelsap",
        "unit": "fles",
        "price_excl_cents": 1750,
        "price_units": 24,
        "vat_basis_points": 900,
        "pack_size": 24,
        "supplier_unit": "krat",
    }
    return SaveProduct(**(values | changed))  # type: ignore[arg-type]


def sell(market: Market, **changed: object) -> int:
    with market.books.open() as uow:
        return save_product(uow, juice(**changed))


def ordered(market: Market) -> int:
    """Five members ordered 65 bottles of juice together."""
    sell(market)
    round_id = market.open_round()
    for member, count in WANTED.items():
        market.pledge(round_id, member, SAP=count)
    market.order(round_id)
    return round_id


def came(market: Market, round_id: int, delivered: int, *, lost: int = 0) -> None:
    """What came; of it ``lost`` units are damaged, and charged all the same."""
    with market.books.open() as uow:
        product_id = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["SAP"]
        line = ReceiveLine(
            round_id=round_id,
            round_product_id=product_id,
            delivered=delivered,
            reason="geteld",
            damaged=lost,
            uncredited=lost,
        )
        receive_line(uow, line)


def net_of(market: Market, round_id: int) -> dict[str, tuple[int, int]]:
    """What each member got and paid for the goods."""
    with market.books.open() as uow:
        version = queries.round_by_id(uow.session, uow.tenant, round_id).settlement_version
        shares = settlement_queries.shares(uow.session, uow.tenant, round_id, version)
        return {share.member_code: (share.delivered, share.net_cents) for share in shares}


def test_a_crate_of_24_goes_from_order_to_statement(market: Market) -> None:
    round_id = ordered(market)
    with market.books.open() as uow:
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
        # 65 bottles are 2.708… crates: 4739.58… cents, and the supplier asks whole ones.
        assert found.pledged_net_cents == 4740
        order = supplier_order(uow, found.code)
    assert (order.goods_cents, order.vat_cents) == (4740, 427)
    assert order.lines[0].in_words.replace(NO_BREAK_SPACE, " ") == (
        "2 kratten + 17 flessen (65 flessen)"
    )
    assert b"17.50,9.00,47.40,,,24,krat,2 kratten + 17 flessen (65 flessen)" in render_order_csv(
        order
    )

    # Four bottles did not come: 61 are 4447.91… cents.
    came(market, round_id, 61)
    with market.books.open() as uow:
        finish_receiving(uow, FinishReceiving(round_id=round_id))
    market.invoice(round_id)
    market.settle(round_id)
    paid = net_of(market, round_id)
    assert {member: units for member, (units, _net) in paid.items()} == {
        "L001": 5,
        "L002": 7,
        "L003": 11,
        "L004": 37,
        "L005": 1,
    }
    assert sum(net for _units, net in paid.values()) == 4448
    assert all(abs(net * 24 - 1750 * units) < 24 for units, net in paid.values())
    # Goods and VAT (9 % of 44.48 is 4.00) are on the members' accounts to the cent.
    assert sum(market.owed(member) for member in WANTED) == 4448 + 400


def test_a_share_tells_the_price_the_total_and_its_rounding(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id)
    market.invoice(round_id)
    market.settle(round_id)
    with market.books.open() as uow:
        [share] = settlement_queries.shares(
            uow.session, uow.tenant, round_id, 1, member_id=market.members["L001"]
        )
    steps = explain_share(share.explanation, "nl", unit=share.unit)
    told = [step.text.replace(NO_BREAK_SPACE, " ") for step in steps]
    assert "De prijs is € 17,50 per 24 flessen. Samen kost 65 fles € 47,40" in told[1]
    assert told[2] == "Precies is 65 fles 4739,58… cent. De leverancier rekent hele centen"
    assert steps[1].amount_cents == share.net_cents == 365


def test_the_statement_shows_what_the_price_is_for(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id)
    market.invoice(round_id)
    market.settle(round_id)
    with market.books.open() as uow:
        code = queries.round_by_id(uow.session, uow.tenant, round_id).code
        today = local_date(uow.now, LOCAL_TIME)
        period = Period(date(today.year, 1, 1), date(today.year, 12, 31))
        statement = round_statement(uow.session, uow.tenant, code, period)
    assert statement.kind is StatementKind.ROUND
    assert statement.round is not None
    [product] = statement.round.products
    assert (product.price_excl_cents, product.price_units, product.net_cents) == (1750, 24, 4740)
    [first] = [each for each in product_blocks(statement.round, "nl") if each["type"] == "table"]
    assert "per 24" in str(first["rows"][0])


def test_what_is_reserved_is_the_most_it_can_cost(market: Market) -> None:
    sell(market)
    round_id = market.open_round()
    market.pledge(round_id, "L005", SAP=1)
    with market.books.open() as uow:
        reserved = queries.reserved_cents(uow.session, uow.tenant, market.members["L005"])
    # 72.91… cents is reserved as 73, and 9 % of that as 7.
    assert reserved == 73 + 7


def test_damage_without_credit_and_extras_keep_the_supplier_s_total(market: Market) -> None:
    round_id = ordered(market)
    came(market, round_id, 65, lost=2)
    with market.books.open() as uow:
        product_id = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["SAP"]
        extra = GiveExtra(
            round_id=round_id,
            round_product_id=product_id,
            member_id=market.members["L006"],
            quantity=1,
            reason="was er",
        )
        give_extra(uow, extra)
        result = preview_settlement(uow, round_id).result
    # All 65 are charged, 63 are paid for.
    assert result.net_cents == 4740
    assert sum(share.delivered for share in result.shares) == 63
    assert result.members_gross_cents + result.cooperative.gross_cents == result.gross_cents


def test_a_correction_shares_the_supplier_s_new_total(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id)
    market.invoice(round_id)
    market.settle(round_id)
    with market.books.open() as uow:
        product_id = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["SAP"]
        one_less = ReceiveLine(
            round_id=round_id, round_product_id=product_id, delivered=64, reason="hertelling"
        )
        # The supplier keeps his invoice: 47.40 and 4.27 VAT instead of 46.67 and 4.20.
        correct_round(
            uow,
            CorrectRound(
                round_id=round_id,
                reason="één te veel geteld",
                lines=(one_less,),
                accepted_difference_cents=80,
            ),
        )
    paid = net_of(market, round_id)
    assert sum(net for _units, net in paid.values()) == 4667


def test_a_ladder_is_for_the_same_units_and_everyone_settles_at_it(market: Market) -> None:
    sell(market, terms=SaleTerms(ladder=((48, 1601),)))
    round_id = market.open_round()
    for member, count in WANTED.items():
        market.pledge(round_id, member, SAP=count)
    with market.books.open() as uow:
        product_id = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["SAP"]
        line = PledgeLine(product_id, 3, max_price_excl_cents=1601)
        save_pledges(
            uow,
            SavePledges(round_id=round_id, member_id=market.members["L006"], lines=(line,)),
        )
        reserved = queries.reserved_cents(uow.session, uow.tenant, market.members["L006"])
    # Three of 24 at 16.01 are 200.125 cents, with 18 cents VAT.
    assert reserved == 201 + 18
    market.order(round_id)
    market.receive(round_id)
    market.invoice(round_id)
    market.settle(round_id)
    # 68 bottles at 16.01 for 24 are 4536.16… cents.
    assert sum(net for _units, net in net_of(market, round_id).values()) == 4536


def test_the_supplier_reads_packs_in_the_mail(market: Market) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            update(Supplier)
            .where(Supplier.cooperative_id == uow.tenant)
            .values(email="bas@example.org")
        )
    round_id = ordered(market)
    with market.books.open() as uow:
        render = round_mails("https://wijk.example")["mail.supplier-order"]
        [letter] = render(uow, {"round_id": round_id})
    assert "- Appelsap (SAP): 2 kratten + 17 flessen (65 flessen)" in letter.body


def test_another_number_of_units_is_another_version_of_the_price(market: Market) -> None:
    product_id = sell(market)
    sell(market, price_units=20)
    with market.books.open() as uow:
        versions = supplier_queries.price_versions(uow.session, uow.tenant, product_id)
    assert [(each.price_excl_cents, each.price_units) for each in versions] == [
        (1750, 20),
        (1750, 24),
    ]


@pytest.mark.parametrize(
    "wrong", [{"price_units": 0}, {"price_units": -24}, {"grams_per_unit": 700}]
)
def test_a_price_for_no_units_or_of_weighed_goods_is_refused(
    market: Market, wrong: dict[str, int]
) -> None:
    with pytest.raises(InvalidInputError):
        sell(market, **wrong)


def test_a_ladder_is_told_again_when_its_prices_are_for_other_units(market: Market) -> None:
    sell(market, terms=SaleTerms(ladder=((48, 1601),)))
    with pytest.raises(InvalidInputError):
        sell(market, price_units=12)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("update round_product set price_units = 1 where round_id = :round_id", "WE022"),
        ("update product set price_units = 0 where code = 'SAP'", "23514"),
        ("update product set supplier_unit = ' ' where code = 'SAP'", "23514"),
        ("update product set grams_per_unit = 700 where code = 'SAP'", "23514"),
    ],
)
def test_the_database_keeps_what_a_price_is_for(market: Market, statement: str, code: str) -> None:
    sell(market)
    round_id = market.plan()
    with pytest.raises(DBAPIError) as refused, market.books.open() as uow:
        uow.session.execute(text(statement), {"round_id": round_id} if ":" in statement else {})
    assert getattr(refused.value.orig, "sqlstate", None) == code


def test_the_city_folder_has_such_a_price_rounded_to_one_unit(market: Market) -> None:
    """The folder knows one price per unit; other prices stand in it as they are."""
    sell(market)
    with market.books.open() as uow:
        rows = list(stored_rows(uow.session, market.books.cooperative_id, PRODUCTS))
    assert {row["sku"]: row["price_excl_cents"] for row in rows} == {
        "AARD": "119",
        "ZEEP": "211",
        "SAP": "73",
    }
