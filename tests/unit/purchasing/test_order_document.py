"""The order to a supplier: totals as on his invoice, nothing about members, safe to open."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pypdf import PdfReader

from wijkeconomie.purchasing.order_document import (
    SupplierOrder,
    SupplierOrderLine,
    render_order_csv,
    render_order_pdf,
)
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_inputs import PledgeInput, ProductInput, SettlementInput

POTATOES = SupplierOrderLine(
    sku="GR-AARD",
    name="Aardappelen Bildtstar",
    unit="kg",
    quantity=235,
    pack_size=10,
    price_excl_cents=112,
    vat_basis_points=900,
)
SOAP = SupplierOrderLine(
    sku="ZP-GROEN",
    name="Groene zeep",
    unit="fles",
    quantity=12,
    pack_size=1,
    price_excl_cents=215,
    vat_basis_points=2100,
)
ORDER = SupplierOrder(
    cooperative_name="Coöperatie Lombok U.A.",
    cooperative_kvk="99621890",
    cooperative_iban="NL55RABO0607442650",
    supplier_code="S01",
    supplier_name="Groothandel De Aardappel B.V.",
    round_code="C01-R01",
    theme="groente",
    ordered_on=date(2026, 1, 9),
    delivery_on=date(2026, 1, 14),
    contact="Wijkhuis, Kanaalstraat 12\nTussen 9 en 11 uur",
    lines=(POTATOES, SOAP),
    freight_excl_cents=1500,
)


def text_of(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_order_expects_the_invoice_that_the_settlement_will_compute() -> None:
    settlement = compute_settlement(
        SettlementInput(
            products=(ProductInput(1, 112, 900, 235), ProductInput(2, 215, 2100, 12)),
            pledges=(PledgeInput(1, 1, 1, 235), PledgeInput(2, 1, 2, 12)),
            freight_excl_cents=1500,
        )
    )

    # By hand: 263.20 + 25.80 + 15.00 freight; 9 % of 276.86 is 24.92, 21 % of 27.14 is 5.70.
    assert ORDER.vat_cents == settlement.vat_cents
    assert ORDER.gross_cents == settlement.gross_cents == 33_462


def test_the_csv_has_a_row_a_line_and_totals_per_rate() -> None:
    rows = list(csv.DictReader(io.StringIO(render_order_csv(ORDER).decode(), newline="")))

    assert [row["row_type"] for row in rows] == ["line", "line", "freight", "vat", "vat", "total"]
    assert (rows[0]["sku"], rows[0]["quantity"], rows[0]["net"]) == ("GR-AARD", "235", "263.20")
    assert rows[-1]["gross"] == "334.62"


def test_deposits_stand_beside_the_vat_and_in_a_total_of_their_own() -> None:
    order = replace(ORDER, lines=(POTATOES, replace(SOAP, deposit_each_cents=15)))

    assert (order.gross_cents, order.vat_cents) == (ORDER.gross_cents, ORDER.vat_cents)
    rows = list(csv.DictReader(io.StringIO(render_order_csv(order).decode(), newline="")))
    assert [(row["deposit_each"], row["deposit"]) for row in rows[:2]] == [
        ("0.00", "0.00"),
        ("0.15", "1.80"),
    ]
    assert (rows[-1]["gross"], rows[-1]["deposit"], rows[-1]["payable"]) == (
        "334.62",
        "1.80",
        "336.42",
    )
    letter = text_of(render_order_pdf(order)).replace("\N{NO-BREAK SPACE}", " ")
    assert "Statiegeld, buiten de btw € 1,80" in letter
    assert "Totaal inclusief btw en statiegeld € 336,42" in letter
    assert "Statiegeld" not in text_of(render_order_pdf(ORDER))


def test_a_product_name_cannot_run_in_the_suppliers_spreadsheet() -> None:
    order = replace(ORDER, lines=(replace(SOAP, name='=cmd|"/c calc"!A1'),))

    [line, *_] = csv.DictReader(io.StringIO(render_order_csv(order).decode(), newline=""))

    assert line["name"] == '\'=cmd|"/c calc"!A1'


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_letter_is_tagged_and_the_same_every_time(language: str) -> None:
    first = render_order_pdf(ORDER, language="nl" if language == "nl" else "en")
    again = render_order_pdf(ORDER, language="nl" if language == "nl" else "en")

    root: Any = PdfReader(io.BytesIO(first)).trailer["/Root"]
    assert first == again
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"]


def test_the_letter_says_what_when_and_how_many_packs() -> None:
    text = text_of(render_order_pdf(ORDER))

    assert "Bestelling C01-R01" in text
    assert "woensdag 14 januari 2026" in text
    assert "23 \N{MULTIPLICATION SIGN} 10 kg + 5 kg" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Wijkhuis, Kanaalstraat 12" in text


def test_an_order_of_nothing_says_so() -> None:
    order = replace(ORDER, lines=(), freight_excl_cents=0)

    assert "Er is niets besteld." in text_of(render_order_pdf(order))
    assert order.gross_cents == 0


def test_freight_on_gifts_has_the_first_rate() -> None:
    order = replace(ORDER, lines=(replace(SOAP, price_excl_cents=0),))

    [total] = order.rate_totals
    assert (total.goods_cents, total.freight_cents, total.vat_cents) == (0, 1500, 315)
