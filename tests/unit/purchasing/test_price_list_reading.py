"""Price lists of any make: their characters, their columns, and what their rows say."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from openpyxl import Workbook

from wijkeconomie.purchasing.price_list_changes import CurrentProduct, changes
from wijkeconomie.purchasing.price_list_reading import read_price_list
from wijkeconomie.purchasing.price_list_rules import (
    FOODSOFT,
    Article,
    ListTerms,
    articles,
    guess_columns,
    guess_terms,
)
from wijkeconomie.purchasing.refusals import PriceListUnreadableError

DUTCH = "Artikelnr;Omschrijving;Eenheid;Prijs;BTW\n1001;Crème fraîche;pot;1.234,50;9%\n"
FOODSOFT_LIST = (
    "Status;Order number;Name;Note;Manufacturer;Origin;Unit;Price (net);VAT;Deposit;"
    "Unit quantity;;;Category\n"
    ";A1;Linzen;bio;Hof;FR;500 g;2.15;9;0.25;6;24;1.98;Droog\n"
    "x;A2;Rijst;;;;1 kg;3.00;9;0;1;;;Droog\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_letters_are_read_in_the_encoding_they_were_written_in(encoding: str) -> None:
    rows = read_price_list(DUTCH.encode(encoding))
    assert rows[1] == ["1001", "Crème fraîche", "pot", "1.234,50", "9%"]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_the_one_that_cuts_every_line_alike(delimiter: str) -> None:
    text = delimiter.join(["code", "naam", "prijs"]) + "\n"
    text += delimiter.join(["1", '"Brood; wit, of | bruin"', "2.50"]) + "\n"
    assert read_price_list(text.encode())[1] == ["1", "Brood; wit, of | bruin", "2.50"]


def test_a_spreadsheet_reads_as_someone_would_type_it() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Artikelnummer", "Naam", "Eenheid", "Prijs", "Btw"])
    sheet.append([1001, "Olijfolie", "fles", 2.8 * 3, 0.09])  # 8.399999999999999
    sheet.append([None, None, None, None, None])
    sheet.append(["A-2", "Azijn", "fles", 12, "9%"])
    packed = io.BytesIO()
    book.save(packed)
    rows = read_price_list(packed.getvalue())
    found, wrong = articles(rows, ListTerms(columns=guess_columns(rows[0])))
    assert wrong == []
    assert [(each.code, each.price_excl_cents, each.vat_basis_points) for each in found] == [
        ("1001", 840, 900),
        ("A-2", 1200, 900),
    ]


def a_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 120_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"one line", b"\x00\x01\x02\xff" * 50, b"PK\x03\x04 broken", b"a;b\n" * 20_002],
    ids=["empty", "no-table", "binary", "broken-zip", "too-long"],
)
def test_what_is_no_price_list_is_refused(content: bytes) -> None:
    with pytest.raises(PriceListUnreadableError):
        read_price_list(content)


def test_a_file_that_unpacks_without_end_is_refused_unopened() -> None:
    with pytest.raises(PriceListUnreadableError, match="unpacked"):
        read_price_list(a_bomb())


def test_headings_are_recognised_and_exact_ones_go_first() -> None:
    heading = ["Prijs per doos", "Artikelnr.", "Omschrijving", "Eenheid", "Prijs", "BTW %"]
    assert guess_columns(heading) == {"code": 1, "name": 2, "unit": 3, "price": 4, "vat": 5}


def test_the_article_layout_of_foodsoft_is_recognised() -> None:
    rows = read_price_list(FOODSOFT_LIST.encode())
    columns = guess_columns(rows[0])
    assert columns == FOODSOFT
    found, wrong = articles(rows, ListTerms(columns=columns, full_packs_only=True))
    assert wrong == []
    lentils, rice = found
    assert lentils == Article(
        line=2,
        code="A1",
        name="Linzen",
        unit="500 g",
        price_excl_cents=215,
        vat_basis_points=900,
        pack_size=6,
        category="Droog",
        minimum_quantity=None,
        ladder=((24, 198),),
        sells_loose=False,
        deposit_cents=25,
    )
    assert (rice.is_gone, rice.sells_loose, rice.deposit_cents) == (True, True, 0)


DEPOSITS = "Artikelnr;Omschrijving;Eenheid;Prijs per krat;BTW;Per doos;Statiegeld\nSAP;Sap;fles;"


@pytest.mark.parametrize(
    ("prices", "deposit", "wrong"),
    [
        ("17,50;9;24;3,60", 15, None),
        ("17,50;9;24;", 0, None),
        ("0,75;9;;0,15", 15, None),
        ("17,50;9;24;3,90", None, "deposit-fraction"),
        ("0,75;9;;0,125", None, "deposit-fraction"),
        ("0,75;9;;1.500", None, "deposit-fraction"),
        ("0,75;9;;ja", None, "deposit-wrong"),
        ("0,75;9;;-1", None, "deposit-wrong"),
    ],
)
def test_a_deposit_is_for_as_many_units_as_the_price(
    prices: str, deposit: int | None, wrong: str | None
) -> None:
    rows = read_price_list((DEPOSITS + prices + "\n").encode())
    terms = replace(guess_terms(rows[0]), prices_include_vat=True)
    found, left_out = articles(rows, terms)
    assert [each.deposit_cents for each in found] == ([] if deposit is None else [deposit])
    assert [each.fault for each in left_out] == ([] if wrong is None else [wrong])


LINES = [
    (["", "Brood", "stuk", "2,50", "9"], "code-missing"),
    (["1", "", "stuk", "2,50", "9"], "name-missing"),
    (["1", "Brood", "", "2,50", "9"], "unit-missing"),
    (["1", "Brood", "stuk", "gratis", "9"], "price-wrong"),
    (["1", "Brood", "stuk", "-1", "9"], "price-wrong"),
    (["1", "Brood", "stuk", "0,7291667", "9"], "price-fraction"),
    (["1", "Brood", "stuk", "2,125", "9"], "price-fraction"),
    (["1", "Brood", "stuk", "1.500", "9"], "price-fraction"),
    (["1", "Brood", "stuk", "€ 1,500", "9"], "price-fraction"),
    (["1", "Brood", "stuk", "2,50", "soms"], "vat-wrong"),
    (["1", "Brood", "stuk", "2,50", "101"], "vat-wrong"),
]
PLAIN = ListTerms(columns={"code": 0, "name": 1, "unit": 2, "price": 3, "vat": 4})


@pytest.mark.parametrize(("row", "fault"), LINES)
def test_a_row_that_is_no_article_is_told_with_its_line(row: list[str], fault: str) -> None:
    found, wrong = articles([["heading"] * 5, row], PLAIN)
    assert found == []
    assert [(each.line, each.fault) for each in wrong] == [(2, fault)]


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("2,5", 250),
        ("1.234,50", 123450),
        ("1,234.50", 123450),
        ("€ 3", 300),
        ("3,00 €", 300),
        ("0.10", 10),
        ("2.5000", 250),
    ],
)
def test_prices_are_read_as_lists_write_them(typed: str, cents: int) -> None:
    [article], wrong = articles([[""] * 5, ["1", "Brood", "stuk", typed, "9"]], PLAIN)
    assert (article.price_excl_cents, wrong) == (cents, [])


@pytest.mark.parametrize(
    ("typed", "rate"),
    [
        ("9", 900),
        ("9 %", 900),
        ("9,0%", 900),
        ("0.21", 2100),
        ("laag", 900),
        ("", 900),
        ("0", 0),
        ("vrijgesteld", None),
    ],
)
def test_rates_are_read_as_lists_write_them(typed: str, rate: int | None) -> None:
    [article], _wrong = articles([[""] * 5, ["1", "Brood", "stuk", "1", typed]], PLAIN)
    assert article.vat_basis_points == rate


CRATES = ListTerms(columns={"code": 0, "name": 1, "unit": 2, "price": 3, "pack_size": 4})


@pytest.mark.parametrize(
    ("typed", "pack", "price"),
    [
        # A whole number of cents per unit stays that.
        ("0,73", "24", (73, 1)),
        # Parts of a cent are whole for a pack, or for ten, a hundred or a thousand units.
        ("0,725", "24", (1740, 24)),
        ("0.0295", "", (295, 100)),
        ("0,12345", "6", (12345, 1000)),
    ],
)
def test_a_price_with_parts_of_a_cent_is_for_as_many_units_as_make_it_whole(
    typed: str, pack: str, price: tuple[int, int]
) -> None:
    [article], wrong = articles([[""] * 5, ["1", "Sap", "fles", typed, pack]], CRATES)
    assert (article.price_excl_cents, article.price_units) == price
    assert wrong == []


@pytest.mark.parametrize(
    ("typed", "pack", "price"),
    [
        ("17,50", "24", (1750, 24)),
        ("24,00", "24", (100, 1)),
        ("17,50", "1", (1750, 1)),
        ("17,50", "", (1750, 1)),
    ],
)
def test_a_price_per_pack_that_does_not_divide_stays_one_for_a_pack(
    typed: str, pack: str, price: tuple[int, int]
) -> None:
    terms = ListTerms(columns=CRATES.columns, prices_per_pack=True)
    [article], wrong = articles([[""] * 5, ["1", "Sap", "fles", typed, pack]], terms)
    assert (article.price_excl_cents, article.price_units) == price
    assert wrong == []


def test_a_column_tells_for_how_many_units_a_price_is_and_another_what_a_pack_is_called() -> None:
    heading = ["Artikelnr", "Naam", "Eenheid", "Prijs", "Prijseenheid", "Besteleenheid", "Colli"]
    terms = guess_terms(heading)
    eggs = ["1", "Eieren", "ei", "2,99", "10", "tray", "30"]
    flour = ["2", "Meel", "kg", "1,15", "", "zak", "25"]
    wrong_units = ["3", "Gist", "stuk", "1,15", "half", "", ""]
    found, wrong = articles([heading, eggs, flour, wrong_units], terms)
    assert [
        (each.price_excl_cents, each.price_units, each.supplier_unit, each.pack_size)
        for each in found
    ] == [(299, 10, "tray", 30), (115, 1, "zak", 25)]
    assert [(each.line, each.fault) for each in wrong] == [(4, "units-wrong")]


def test_a_heading_tells_that_prices_are_per_pack() -> None:
    heading = ["Code", "Naam", "Eenheid", "Prijs per krat", "Aantal per doos"]
    terms = guess_terms(heading)
    assert (terms.columns["price"], terms.prices_per_pack) == (3, True)
    assert not guess_terms(["Code", "Naam", "Eenheid", "Prijs", "Aantal per doos"]).prices_per_pack


def test_vat_comes_off_the_price_of_the_pack() -> None:
    terms = ListTerms(
        columns=CRATES.columns, prices_include_vat=True, prices_per_pack=True, default_vat=900
    )
    [article], _wrong = articles([[""] * 5, ["1", "Sap", "fles", "19,08", "24"]], terms)
    # 19.08 with 1.58 VAT in it; a bottle has no whole price.
    assert (article.price_excl_cents, article.price_units) == (1750, 24)


def test_a_ladder_is_for_the_same_units_as_the_price() -> None:
    terms = ListTerms(
        columns=dict(CRATES.columns) | {"ladder_from": 5, "ladder_price": 6}, prices_per_pack=True
    )
    row = ["1", "Sap", "fles", "17,50", "24", "96", "16,80"]
    [article], _wrong = articles([[""] * 7, row], terms)
    assert (article.price_excl_cents, article.price_units) == (1750, 24)
    assert article.ladder == ((96, 1680),)


def test_prices_with_vat_are_taken_without_it() -> None:
    terms = ListTerms(columns=PLAIN.columns, prices_include_vat=True)
    [article], _wrong = articles([[""] * 5, ["1", "Brood", "stuk", "1,09", "9"]], terms)
    assert article.price_excl_cents == 100


def test_a_number_that_stands_twice_counts_once() -> None:
    rows = [[""] * 5, ["1", "Brood", "stuk", "1", "9"], ["1", "Bruin", "stuk", "2", "9"]]
    found, wrong = articles(rows, PLAIN)
    assert [each.name for each in found] == ["Brood"]
    assert [(each.line, each.fault) for each in wrong] == [(3, "code-twice")]


def an_article(code: str = "1", price: int = 250, **changed: object) -> Article:
    values: dict[str, object] = {
        "line": 2,
        "code": code,
        "name": "Brood",
        "unit": "stuk",
        "price_excl_cents": price,
        "vat_basis_points": 900,
        "pack_size": 1,
        "category": None,
        "minimum_quantity": None,
        "ladder": (),
        "sells_loose": True,
    }
    return Article(**(values | changed))  # type: ignore[arg-type]


def test_a_list_is_compared_article_by_article() -> None:
    current = [
        CurrentProduct(11, an_article("1")),
        CurrentProduct(12, an_article("2")),
        CurrentProduct(13, an_article("3")),
        CurrentProduct(14, an_article("4", is_gone=True)),
    ]
    listed = [an_article("1"), an_article("2", 260), an_article("4"), an_article("5")]
    found = changes(listed, current, PLAIN, absent_are_gone=True)
    assert [each.code for each in found.new] == ["5"]
    assert [(each.id, each.fields) for each in found.changed] == [
        (12, ("price_excl_cents",)),
        (14, ("is_gone",)),
    ]
    assert [each.id for each in found.gone] == [13]
    assert found.unchanged == 1
    assert changes(listed, current, PLAIN, absent_are_gone=False).gone == ()


def test_a_column_that_is_not_there_changes_nothing() -> None:
    before = an_article(pack_size=12, category="vers", sells_loose=False)
    found = changes([an_article()], [CurrentProduct(1, before)], PLAIN, absent_are_gone=True)
    assert found.changed == ()


def test_a_ladder_that_is_not_on_the_list_follows_the_units_of_the_new_price() -> None:
    before = an_article(price=100, ladder=((24, 90), (48, 80)))
    # 20.40 for 24 is 85 each: only the rung of 80 is still lower, and is 19.20 for 24.
    after = an_article(price=2040, price_units=24)
    found = changes([after], [CurrentProduct(1, before)], PLAIN, absent_are_gone=False)
    [changed] = found.changed
    assert changed.article.ladder == ((48, 1920),)
    assert changed.fields == ("price_excl_cents", "ladder", "price_units")
    assert not changed.is_steep


def test_a_price_for_other_units_is_steep_by_what_one_costs() -> None:
    before = an_article(price=1750, price_units=24)
    found = changes(
        [an_article(price=100)], [CurrentProduct(1, before)], PLAIN, absent_are_gone=False
    )
    assert found.changed[0].is_steep


def test_a_ladder_that_the_new_price_has_passed_is_cut_off() -> None:
    before = an_article(price=910, ladder=((24, 840), (48, 790)))
    found = changes(
        [an_article(price=800)], [CurrentProduct(1, before)], PLAIN, absent_are_gone=False
    )
    [changed] = found.changed
    assert changed.fields == ("price_excl_cents", "ladder")
    assert changed.article.ladder == ((48, 790),)


@pytest.mark.parametrize(("price", "is_steep"), [(312, False), (313, True), (187, True)])
def test_a_price_that_moves_by_a_quarter_asks_for_a_look(price: int, *, is_steep: bool) -> None:
    found = changes(
        [an_article(price=price)], [CurrentProduct(1, an_article())], PLAIN, absent_are_gone=False
    )
    assert found.changed[0].is_steep is is_steep
