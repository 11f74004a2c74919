"""Laws of taking over a supplier's price list, by the real use cases."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.audit import history
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import (
    InvalidInputError,
    PermissionDeniedError,
    StaleVersionError,
)
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries, supplier_queries
from wijkeconomie.purchasing.price_list_rules import ListTerms, guess_columns, guess_terms
from wijkeconomie.purchasing.price_lists import (
    PriceListPreview,
    TakeOverList,
    keep_price_list,
    preview_price_list,
    price_list_rows,
    take_over_price_list,
)
from wijkeconomie.purchasing.refusals import PriceListTakenOverError
from wijkeconomie.purchasing.suppliers import (
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

LIST = (
    "Artikelnr;Omschrijving;Eenheid;Prijs;BTW;Staffel vanaf;Staffelprijs\n"
    "AARD;Aardappelen;kg;1,25;9;100;1,10\n"
    "ZEEP;Zeep;fles;2,11;21;;\n"
    "OLIE;Olijfolie;fles;9,10;9;24;8,40\n"
    "FOUT;Zonder prijs;fles;;9;;\n"
)


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def keep(market: Market, content: str = LIST) -> int:
    with market.books.open() as uow:
        return keep_price_list(uow, "S1", "lijst.csv", content.encode())


def terms(market: Market, kept: int) -> ListTerms:
    with market.books.open() as uow:
        return ListTerms(columns=guess_columns(price_list_rows(uow, kept)[0]))


def preview(market: Market, kept: int, *, absent_are_gone: bool = False) -> PriceListPreview:
    read = terms(market, kept)
    with market.books.open() as uow:
        return preview_price_list(uow, kept, read, absent_are_gone=absent_are_gone)


def take_over(market: Market, kept: int, **more: object) -> PriceListPreview:
    command = TakeOverList(price_list_id=kept, terms=terms(market, kept), **more)  # type: ignore[arg-type]
    with market.books.open() as uow:
        return take_over_price_list(uow, command)


def products(market: Market) -> dict[str, supplier_queries.ProductView]:
    with market.books.open() as uow:
        found = supplier_queries.products_of_supplier(uow.session, uow.tenant, market.supplier_id)
    return {each.code: each for each in found}


def test_looking_at_a_list_changes_nothing_and_tells_everything(market: Market) -> None:
    before = products(market)
    found = preview(market, keep(market))
    assert [each.code for each in found.changes.new] == ["OLIE"]
    assert [(each.article.code, each.fields) for each in found.changes.changed] == [
        ("AARD", ("price_excl_cents", "ladder"))
    ]
    assert found.changes.unchanged == 1
    assert [(each.line, each.fault) for each in found.wrong] == [(5, "price-wrong")]
    assert products(market) == before


def test_taking_over_writes_products_versions_and_the_trail(market: Market) -> None:
    kept = keep(market)
    take_over(market, kept, seen=preview(market, kept).seen)
    now = products(market)
    assert (now["AARD"].price_excl_cents, now["AARD"].ladder) == (125, ((100, 110),))
    assert (now["OLIE"].price_excl_cents, now["OLIE"].unit) == (910, "fles")
    with market.books.open() as uow:
        versions = supplier_queries.price_versions(uow.session, uow.tenant, now["AARD"].id)
        changed = history(uow.session, uow.tenant, f"product/{now['AARD'].id}")[-1]
        added = history(uow.session, uow.tenant, f"product/{now['OLIE'].id}")
    assert [(each.version, each.price_excl_cents, each.source) for each in versions] == [
        (2, 125, f"lijst.csv ({kept})"),
        (1, 119, None),
    ]
    assert changed.before == {
        "price_excl_cents": 119,
        "ladder_quantities": [],
        "ladder_prices_cents": [],
    }
    assert [each.action for each in added] == ["added"]


def test_a_list_that_was_taken_over_changes_nothing_more(market: Market) -> None:
    take_over(market, keep(market))
    assert preview(market, keep(market)).count == 0


def test_a_list_is_taken_over_once(market: Market) -> None:
    kept = keep(market)
    take_over(market, kept)
    with pytest.raises(PriceListTakenOverError):
        take_over(market, kept)


def test_nothing_is_taken_over_that_was_not_seen(market: Market) -> None:
    kept = keep(market)
    seen = preview(market, kept).seen
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="ZEEP",
                name="Zeep",
                unit="fles",
                price_excl_cents=199,
                vat_basis_points=2100,
            ),
        )
    with pytest.raises(StaleVersionError):
        take_over(market, kept, seen=seen)
    assert products(market)["ZEEP"].price_excl_cents == 199


def test_what_is_not_on_the_list_is_offered_no_more_where_that_is_said(market: Market) -> None:
    only_soap = LIST.splitlines()[0] + "\nZEEP;Zeep;fles;2,11;21;;\n"
    take_over(market, keep(market, only_soap))
    assert products(market)["AARD"].is_offered
    take_over(market, keep(market, only_soap), absent_are_gone=True)
    assert not products(market)["AARD"].is_offered
    # Back on a later list, it is offered again.
    take_over(market, keep(market))
    assert products(market)["AARD"].is_offered


def test_rounds_keep_the_price_they_were_planned_with(market: Market) -> None:
    round_id = market.open_round()
    take_over(market, keep(market))
    with market.books.open() as uow:
        offered = queries.offered_products(uow.session, uow.tenant, round_id)
    assert {each.code: each.price_excl_cents for each in offered} == {"AARD": 119, "ZEEP": 211}


def test_a_number_that_another_supplier_has_gets_the_supplier_before_it(market: Market) -> None:
    with market.books.open() as uow:
        save_supplier(uow, SaveSupplier(code="S2", name="Boer Kees"))
    list_of_kees = "Artikelnr;Omschrijving;Eenheid;Prijs\nAARD;Bintjes;kg;0,95\n"
    for price in ("0,95", "0,99"):
        with market.books.open() as uow:
            kept = keep_price_list(
                uow, "S2", "kees.csv", list_of_kees.replace("0,95", price).encode()
            )
        take_over(market, kept)
    with market.books.open() as uow:
        rows = uow.session.execute(
            text(
                "select code, price_excl_cents from product where cooperative_id = :id"
                " and name = 'Bintjes'"
            ),
            {"id": uow.tenant},
        ).all()
    assert [tuple(row) for row in rows] == [("S2-AARD", 99)]
    assert products(market)["AARD"].price_excl_cents == 119


def test_a_list_without_a_price_column_is_not_guessed_at(market: Market) -> None:
    kept = keep(market, "Artikelnr;Omschrijving;Eenheid\nA;B;C\n")
    with pytest.raises(InvalidInputError, match="column"):
        preview(market, kept)


def test_members_do_not_take_over_price_lists(
    market: Market, units_of_work: UnitOfWorkFactory
) -> None:
    member = Identity(actor="login:1", roles=frozenset({Role.MEMBER}))
    with market.books.open() as uow:
        tenant = uow.tenant
    with (
        pytest.raises(PermissionDeniedError),
        units_of_work.begin(identity=member, cooperative_id=tenant) as uow,
    ):
        keep_price_list(uow, "S1", "lijst.csv", LIST.encode())


WITH_DEPOSITS = "Artikelnr;Omschrijving;Eenheid;Prijs;BTW;Statiegeld\nZEEP;Zeep;fles;2,11;21;0,15\n"


def test_a_changed_deposit_stands_among_the_changes_and_is_taken_over(market: Market) -> None:
    kept = keep(market, WITH_DEPOSITS)
    [changed] = preview(market, kept).changes.changed
    assert changed.fields == ("deposit_cents",)
    assert (changed.before.deposit_cents, changed.article.deposit_cents) == (0, 15)

    take_over(market, kept, seen=preview(market, kept).seen)

    soap = products(market)["ZEEP"]
    assert soap.deposit_cents == 15
    with market.books.open() as uow:
        trail = history(uow.session, uow.tenant, f"product/{soap.id}")[-1]
        versions = supplier_queries.price_versions(uow.session, uow.tenant, soap.id)
    assert (trail.before, trail.after) == ({"deposit_cents": 0}, {"deposit_cents": 15})
    # A deposit is no part of the price.
    assert len(versions) == 1
    # A list that tells no deposits leaves them; an empty cell is none.
    take_over(market, keep(market))
    assert products(market)["ZEEP"].deposit_cents == 15
    take_over(market, keep(market, WITH_DEPOSITS.replace("0,15", "")))
    assert products(market)["ZEEP"].deposit_cents == 0


CRATES = (
    "Artikelnr;Omschrijving;Eenheid;Prijs per krat;BTW;Per doos;Besteleenheid\n"
    "SAP;Appelsap;fles;{price};9;24;krat\n"
)


def test_a_price_per_pack_that_does_not_divide_is_taken_over_for_the_pack(market: Market) -> None:
    def take(price: str) -> tuple[str, ...]:
        kept = keep(market, CRATES.format(price=price))
        with market.books.open() as uow:
            read = guess_terms(price_list_rows(uow, kept)[0])
            found = take_over_price_list(uow, TakeOverList(price_list_id=kept, terms=read))
        assert found.wrong == ()
        return found.changes.changed[0].fields if found.changes.changed else ()

    assert take("17,50") == ()
    juice = products(market)["SAP"]
    assert (juice.price_excl_cents, juice.price_units) == (1750, 24)
    assert (juice.supplier_unit, juice.pack_size) == ("krat", 24)
    # 18.00 does divide: a bottle is 0.75 from then on.
    assert take("18,00") == ("price_excl_cents", "price_units")
    with market.books.open() as uow:
        versions = supplier_queries.price_versions(uow.session, uow.tenant, juice.id)
    assert [(each.price_excl_cents, each.price_units) for each in versions] == [
        (75, 1),
        (1750, 24),
    ]


def weighed(market: Market, code: str = "AARD") -> None:
    """A product that is settled by weight from now on."""
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update product set grams_per_unit = 500 where cooperative_id = :id"
                " and code = :code"
            ),
            {"id": uow.tenant, "code": code},
        )


def test_a_price_for_several_units_of_weighed_goods_is_left_out_and_the_rest_is_taken(
    market: Market,
) -> None:
    weighed(market)
    kept = keep(
        market,
        "Artikelnr;Omschrijving;Eenheid;Prijs;BTW;Prijs per aantal\n"
        "AARD;Aardappelen;kg;17,50;9;24\n"
        "ZEEP;Zeep;fles;17,50;21;24\n",
    )

    found = take_over(market, kept, absent_are_gone=True)

    assert [(row.line, row.fault, row.cell) for row in found.wrong] == [(2, "units-weighed", "24")]
    now = products(market)
    assert (now["AARD"].price_excl_cents, now["AARD"].price_units) == (119, 1)
    # It stands on the list, so that it is offered still.
    assert now["AARD"].is_offered
    assert (now["ZEEP"].price_excl_cents, now["ZEEP"].price_units) == (1750, 24)


def test_what_could_not_be_read_is_not_absent(market: Market) -> None:
    kept = keep(market, LIST.replace("AARD;Aardappelen;kg;1,25", "AARD;Aardappelen;kg;duur"))
    take_over(market, kept, absent_are_gone=True)
    assert products(market)["AARD"].is_offered


def test_as_many_changes_with_another_value_are_not_taken_over_unseen(market: Market) -> None:
    """The same products change, but from another price than was shown."""
    kept = keep(market)
    shown = preview(market, kept)
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="AARD",
                name="Aardappelen",
                unit="kg",
                price_excl_cents=99,
                vat_basis_points=900,
            ),
        )
    assert preview(market, kept).count == shown.count
    with pytest.raises(StaleVersionError):
        take_over(market, kept, seen=shown.seen)
    assert products(market)["AARD"].price_excl_cents == 99
