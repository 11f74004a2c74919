"""The order to a supplier: what it says, and how it reads as a letter (PDF) and a list (CSV)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from babel.dates import format_date

from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.amounts import NO_BREAK_SPACE, format_amount, format_plain
from wijkeconomie.money.vat import net_per_rate, vat_on
from wijkeconomie.purchasing.unit_prices import quoted_cents
from wijkeconomie.purchasing.unit_words import billed_unit, counted, in_packs

TEMPLATE = Path(__file__).parent / "typst" / "supplier_order.typ"
TIMES = " \N{MULTIPLICATION SIGN} "


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierOrderLine:
    """One product; ``quantity`` counts member units, ``pack_size`` of which make a pack.

    The price is for ``price_units`` together; ``supplier_unit`` is what the supplier calls a pack.
    ``deposit_each_cents`` is on the packaging of one member unit, beside the price and its VAT.
    """

    sku: str
    name: str
    unit: str
    quantity: int
    pack_size: int
    price_excl_cents: int
    vat_basis_points: int | None
    price_units: int = 1
    supplier_unit: str | None = None
    deposit_each_cents: int = 0

    @property
    def deposit_cents(self) -> int:
        """Deposits on all of the line."""
        return self.deposit_each_cents * self.quantity

    @property
    def net_cents(self) -> int:
        """Price of the line without VAT."""
        return quoted_cents(self.price_excl_cents, self.price_units, self.quantity)

    @property
    def in_words(self) -> str:
        """How much of it is ordered, as in ``3 kratten (72 flessen)``."""
        units = counted(self.quantity, self.unit)
        if self.supplier_unit is None or self.quantity < self.pack_size:
            return units
        packs = in_packs(self.quantity, self.pack_size, self.unit, self.supplier_unit)
        return f"{packs} ({units})"


@dataclass(frozen=True, slots=True)
class OrderRateTotal:
    """One VAT rate (``None``: exempt) of the order: goods and freight without VAT, and VAT."""

    vat_basis_points: int | None
    goods_cents: int
    freight_cents: int
    vat_cents: int

    @property
    def gross_cents(self) -> int:
        """What the supplier may invoice at this rate."""
        return self.goods_cents + self.freight_cents + self.vat_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierOrder:
    """A joint order of a round. No member is named: the supplier needs to know none."""

    cooperative_name: str
    cooperative_kvk: str
    cooperative_iban: str
    supplier_code: str
    supplier_name: str
    round_code: str
    theme: str
    ordered_on: date
    delivery_on: date
    contact: str
    """Who answers questions and where to deliver, as the coordinator wrote it; may be empty."""
    lines: tuple[SupplierOrderLine, ...]
    freight_excl_cents: int

    @property
    def goods_cents(self) -> int:
        """All goods without VAT."""
        return sum(line.net_cents for line in self.lines)

    @property
    def rate_totals(self) -> tuple[OrderRateTotal, ...]:
        """Totals per VAT rate, lowest first and exempt last.

        Freight is accessory: it follows the rates of the goods in proportion to their value.
        VAT is rounded once per rate, as on the invoice that this order is compared with.
        """
        goods = net_per_rate((line.vat_basis_points, line.net_cents) for line in self.lines)
        rates = sorted(goods, key=lambda rate: (rate is None, rate or 0))
        amounts = [goods[rate] for rate in rates]
        if any(amounts):
            freight = allocate(self.freight_excl_cents, amounts)
        else:
            freight = [
                self.freight_excl_cents if not position else 0 for position in range(len(rates))
            ]
        return tuple(
            OrderRateTotal(rate, net, part, vat_on(net + part, rate))
            for rate, net, part in zip(rates, amounts, freight, strict=True)
        )

    @property
    def vat_cents(self) -> int:
        """VAT over goods and freight."""
        return sum(total.vat_cents for total in self.rate_totals)

    @property
    def gross_cents(self) -> int:
        """What the supplier may invoice when everything is delivered, deposits aside."""
        return self.goods_cents + self.freight_excl_cents + self.vat_cents

    @property
    def deposit_cents(self) -> int:
        """Deposits on everything that is ordered; there is no VAT on them."""
        return sum(line.deposit_cents for line in self.lines)

    @property
    def payable_cents(self) -> int:
        """What is paid for the order with its deposits."""
        return self.gross_cents + self.deposit_cents


CSV_COLUMNS = (
    "row_type",
    "round_code",
    "delivery_on",
    "sku",
    "name",
    "unit",
    "quantity",
    "pack_size",
    "price_excl",
    "vat_percent",
    "net",
    "vat",
    "gross",
    "price_units",
    "supplier_unit",
    "ordered",
    "deposit_each",
    "deposit",
    "payable",
)


def render_order_csv(order: SupplierOrder) -> bytes:
    """The order as CSV (UTF-8, one header row): lines, freight, totals per rate, the total.

    Amounts are euros with a point; ``vat_percent`` is empty where the goods are exempt. Text
    that a spreadsheet would run as a formula is made harmless. ``price_excl`` is for
    ``price_units`` together; ``ordered`` tells the quantity in the supplier's own unit. Deposits
    stand beside net, VAT and gross; ``payable`` is gross with deposits.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    head = {"round_code": order.round_code, "delivery_on": order.delivery_on.isoformat()}
    for line in order.lines:
        writer.writerow(head | _csv_line(line))
    if order.freight_excl_cents:
        freight = format_plain(order.freight_excl_cents)
        writer.writerow(head | {"row_type": "freight", "net": freight})
    for total in order.rate_totals:
        writer.writerow(head | _csv_rate(total))
    writer.writerow(
        head
        | {
            "row_type": "total",
            "net": format_plain(order.goods_cents + order.freight_excl_cents),
            "vat": format_plain(order.vat_cents),
            "gross": format_plain(order.gross_cents),
            "deposit": format_plain(order.deposit_cents),
            "payable": format_plain(order.payable_cents),
        }
    )
    return out.getvalue().encode()


def _csv_line(line: SupplierOrderLine) -> dict[str, str | int]:
    return {
        "row_type": "line",
        "sku": text_cell(line.sku),
        "name": text_cell(line.name),
        "unit": text_cell(line.unit),
        "quantity": line.quantity,
        "pack_size": line.pack_size,
        "price_excl": format_plain(line.price_excl_cents),
        "vat_percent": _percent(line.vat_basis_points),
        "net": format_plain(line.net_cents),
        "price_units": line.price_units,
        "supplier_unit": text_cell(line.supplier_unit or ""),
        "ordered": text_cell(line.in_words.replace(NO_BREAK_SPACE, " ")),
        "deposit_each": format_plain(line.deposit_each_cents),
        "deposit": format_plain(line.deposit_cents),
    }


def _csv_rate(total: OrderRateTotal) -> dict[str, str]:
    return {
        "row_type": "vat",
        "vat_percent": _percent(total.vat_basis_points),
        "net": format_plain(total.goods_cents + total.freight_cents),
        "vat": format_plain(total.vat_cents),
        "gross": format_plain(total.gross_cents),
    }


def _percent(basis_points: int | None) -> str:
    return "" if basis_points is None else format_plain(basis_points)


def render_order_pdf(order: SupplierOrder, *, language: Language = "nl") -> bytes:
    """The order as an accessible PDF letter; the same order gives the same bytes."""
    words = _WORDS[language]
    return render_pdf(
        TEMPLATE,
        _letter(order, words, language),
        language=language,
        title=words["title"].format(code=order.round_code),
        timestamp=datetime.combine(order.ordered_on, time.min, tzinfo=UTC),
    )


_WORDS: dict[Language, dict[str, str]] = {
    "nl": {
        "title": "Bestelling {code}",
        "intro": "Wij bestellen bij u voor onze leden. Levert u graag op {delivery}.",
        "to": "Leverancier",
        "number": "Bestelnummer",
        "theme": "Ronde",
        "ordered_on": "Besteld op",
        "delivery_on": "Leveren op",
        "supplier_code": "Leveranciersnummer",
        "contact": "Contact en levering",
        "sku": "Artikel",
        "name": "Product",
        "quantity": "Aantal",
        "packs": "Verpakking",
        "price": "Prijs excl. btw",
        "vat": "Btw",
        "amount": "Bedrag excl. btw",
        "goods": "Goederen excl. btw",
        "freight": "Vracht excl. btw",
        "over": "Btw {rate} over {base}",
        "exempt_over": "Vrijgesteld van btw: {base}",
        "exempt": "vrij",
        "total": "Totaal inclusief btw",
        "deposit": "Statiegeld",
        "deposits": "Statiegeld, buiten de btw",
        "payable": "Totaal inclusief btw en statiegeld",
        "nothing": "Er is niets besteld.",
        "closing": "Levert u minder of iets anders? Laat het ons vóór de levering weten. "
        "Zet nummer {code} op uw pakbon en uw factuur.",
        "kvk": "KvK",
        "page": "Bladzijde",
        "of": "van",
    },
    "en": {
        "title": "Order {code}",
        "intro": "We order from you for our members. Please deliver on {delivery}.",
        "to": "Supplier",
        "number": "Order number",
        "theme": "Round",
        "ordered_on": "Ordered on",
        "delivery_on": "Deliver on",
        "supplier_code": "Supplier number",
        "contact": "Contact and delivery",
        "sku": "Article",
        "name": "Product",
        "quantity": "Quantity",
        "packs": "Packing",
        "price": "Price excl. VAT",
        "vat": "VAT",
        "amount": "Amount excl. VAT",
        "goods": "Goods excl. VAT",
        "freight": "Freight excl. VAT",
        "over": "VAT {rate} on {base}",
        "exempt_over": "Exempt from VAT: {base}",
        "exempt": "exempt",
        "total": "Total including VAT",
        "deposit": "Deposit",
        "deposits": "Deposits, outside VAT",
        "payable": "Total including VAT and deposits",
        "nothing": "Nothing was ordered.",
        "closing": "Can you deliver less, or something else? Please tell us before the delivery. "
        "Put number {code} on your packing slip and invoice.",
        "kvk": "Chamber of Commerce (KvK)",
        "page": "Page",
        "of": "of",
    },
}


def _letter(order: SupplierOrder, words: dict[str, str], language: Language) -> dict[str, Any]:
    delivery = format_date(order.delivery_on, "EEEE d MMMM y", locale=language)
    return {
        "words": words
        | {
            "intro": words["intro"].format(delivery=delivery),
            "closing": words["closing"].format(code=order.round_code),
            "total": words["payable" if order.deposit_cents else "total"],
        },
        "cooperative": {
            "name": order.cooperative_name,
            "kvk": order.cooperative_kvk,
            "iban": spaced_iban(order.cooperative_iban),
        },
        "supplier": {"code": order.supplier_code, "name": order.supplier_name},
        "round": {"code": order.round_code, "theme": order.theme},
        "ordered_on": long_date(order.ordered_on, language),
        "delivery_on": delivery,
        "contact": order.contact,
        "lines": [_letter_line(line, words, language) for line in order.lines],
        "totals": _letter_totals(order, words, language),
        "total": format_amount(order.payable_cents, language),
    }


def _letter_line(line: SupplierOrderLine, words: dict[str, str], language: Language) -> list[str]:
    return [
        line.sku,
        line.name,
        f"{_count(line.quantity, language)}{NO_BREAK_SPACE}{line.unit}",
        _packs(line, language),
        _price(line, language),
        _rate(line.vat_basis_points, words, language),
        format_amount(line.net_cents, language),
        format_amount(line.deposit_cents, language) if line.deposit_cents else "",
    ]


def _letter_totals(
    order: SupplierOrder, words: dict[str, str], language: Language
) -> list[list[str]]:
    rows = [[words["goods"], format_amount(order.goods_cents, language)]]
    if order.freight_excl_cents:
        rows.append([words["freight"], format_amount(order.freight_excl_cents, language)])
    for total in order.rate_totals:
        base = format_amount(total.goods_cents + total.freight_cents, language)
        label = words["exempt_over"] if total.vat_basis_points is None else words["over"]
        rate = _rate(total.vat_basis_points, words, language)
        rows.append([label.format(rate=rate, base=base), format_amount(total.vat_cents, language)])
    if order.deposit_cents:
        rows.append([words["deposits"], format_amount(order.deposit_cents, language)])
    return rows


def _packs(line: SupplierOrderLine, language: Language) -> str:
    """Packs and the size of one, then loose units if any; empty where units go single."""
    if line.supplier_unit is not None:
        return in_packs(line.quantity, line.pack_size, line.unit, line.supplier_unit)
    if line.pack_size <= 1:
        return ""
    packs, loose = divmod(line.quantity, line.pack_size)
    text = f"{_count(packs, language)}{TIMES}{_count(line.pack_size, language)} {line.unit}"
    return f"{text} + {loose}{NO_BREAK_SPACE}{line.unit}" if loose else text


def _price(line: SupplierOrderLine, language: Language) -> str:
    price = format_amount(line.price_excl_cents, language)
    if line.price_units == 1:
        return price
    return f"{price} per {billed_unit(line.unit, line.price_units)}"


def _count(number: int, language: Language) -> str:
    return f"{number:,}".replace(",", "." if language == "nl" else ",")


def _rate(basis_points: int | None, words: dict[str, str], language: Language) -> str:
    if basis_points is None:
        return words["exempt"]
    whole, part = divmod(basis_points, 100)
    decimals = f"{part:02d}".rstrip("0")
    separator = "," if language == "nl" else "."
    return f"{whole}{separator + decimals if decimals else ''}{NO_BREAK_SPACE}%"


def spaced_iban(iban: str) -> str:
    """An IBAN in groups of four, as people read it out."""
    plain = iban.replace(" ", "")
    return NO_BREAK_SPACE.join(plain[start : start + 4] for start in range(0, len(plain), 4))
