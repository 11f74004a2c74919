"""The hand-out list: by member and by product, on paper in large print and as a list (CSV)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_time

from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.money.amounts import NO_BREAK_SPACE
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing.handing_models import HandOutcome
from wijkeconomie.purchasing.handing_queries import Collector, SharedLine, SlotView
from wijkeconomie.purchasing.queries import RoundView

TEMPLATE = Path(__file__).parent / "typst" / "hand_out_list.typ"


@dataclass(frozen=True, slots=True)
class ListedProduct:
    """A product with all who get some of it."""

    name: str
    unit: str
    lines: tuple[SharedLine, ...]

    @property
    def quantity(self) -> int:
        """Units for all of them."""
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class HandOutList:
    """What is handed out of a round, by member and by product: the same lines twice."""

    cooperative_name: str
    round: RoundView
    collectors: tuple[Collector, ...]
    products: tuple[ListedProduct, ...]


def hand_out_list(
    found: RoundView, collectors: Sequence[Collector], cooperative_name: str
) -> HandOutList:
    """Turn the list by member into both lists; lines of nothing are left out."""
    own: dict[int, list[SharedLine]] = {}
    for each in collectors:
        for line in each.lines:
            if line.quantity:
                own.setdefault(line.round_product_id, []).append(line)
    products = tuple(
        ListedProduct(lines[0].product_name, lines[0].unit, tuple(lines)) for lines in own.values()
    )
    ordered = tuple(sorted(products, key=lambda each: each.name))
    return HandOutList(cooperative_name, found, tuple(collectors), ordered)


_COLUMNS = ("from", "until", "place", "member", "name", "product", "unit", "ordered", "quantity")


def render_hand_out_csv(listed: HandOutList) -> bytes:
    """One row a line, by pick-up time and member; times are local, numbers without grouping."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow((*_COLUMNS, "grams", "outcome", "note"))
    for each in listed.collectors:
        slot = each.slot
        when = (
            ("", "", "")
            if slot is None
            else (_moment(slot.starts_at), _moment(slot.ends_at), text_cell(slot.place))
        )
        for line in each.lines:
            writer.writerow(
                (
                    *when,
                    text_cell(each.code),
                    text_cell(each.name),
                    text_cell(line.product_name),
                    text_cell(line.unit),
                    line.ordered,
                    line.quantity,
                    "" if line.grams is None else line.grams,
                    "" if line.outcome is None else line.outcome.value,
                    text_cell(line.note or ""),
                )
            )
    return target.getvalue().encode()


def _moment(moment: datetime) -> str:
    return moment.astimezone(LOCAL_TIME).strftime("%Y-%m-%d %H:%M")


_WORDS: dict[Language, dict[str, str]] = {
    "nl": {
        "title": "Uitdeellijst {code}",
        "theme": "{theme}, van {supplier}",
        "by_member": "Per lid",
        "by_product": "Per product",
        "no_time": "Zonder gekozen tijd",
        "done": "Opgehaald",
        "member": "Lid",
        "product": "Product",
        "quantity": "Aantal",
        "nothing": "Er is niets om uit te delen.",
        "page": "Bladzijde",
        "of": "van",
    },
    "en": {
        "title": "Hand-out list {code}",
        "theme": "{theme}, from {supplier}",
        "by_member": "By member",
        "by_product": "By product",
        "no_time": "Without a chosen time",
        "done": "Collected",
        "member": "Member",
        "product": "Product",
        "quantity": "Quantity",
        "nothing": "There is nothing to hand out.",
        "page": "Page",
        "of": "of",
    },
}


def render_hand_out_pdf(listed: HandOutList, *, language: Language = "nl") -> bytes:
    """The list in 16 points with a box for each line; the same list gives the same bytes."""
    words = _WORDS[language]
    found = listed.round
    data: dict[str, Any] = {
        "words": words
        | {"theme": words["theme"].format(theme=found.theme, supplier=found.supplier_name)},
        "cooperative": {"name": listed.cooperative_name},
        "groups": _groups(listed, words, language),
        "products": [
            {
                "name": each.name,
                "total": _count(each.quantity, each.unit),
                "lines": [
                    [f"{line.member_name} ({line.member_code})", _quantity(line), _is_done(line)]
                    for line in each.lines
                ],
            }
            for each in listed.products
        ],
    }
    return render_pdf(
        TEMPLATE,
        data,
        language=language,
        title=words["title"].format(code=found.code),
        timestamp=datetime.combine(found.delivery_on, time.min, tzinfo=UTC),
    )


def _groups(listed: HandOutList, words: dict[str, str], language: Language) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    slots: list[SlotView | None] = []
    for each in listed.collectors:
        if not slots or slots[-1] != each.slot:
            slots.append(each.slot)
            groups.append({"when": _when(each.slot, words, language), "members": []})
        groups[-1]["members"].append(
            {
                "name": f"{each.name} ({each.code})",
                "lines": [
                    [line.product_name, _quantity(line), _is_done(line)]
                    for line in each.lines
                    if line.quantity
                ],
            }
        )
    return groups


def _when(slot: SlotView | None, words: dict[str, str], language: Language) -> str:
    if slot is None:
        return words["no_time"]
    start, end = (moment.astimezone(LOCAL_TIME) for moment in (slot.starts_at, slot.ends_at))
    day = format_date(start, "EEEE d MMMM", locale=language)
    first, last = (format_time(each.time(), "HH:mm", locale=language) for each in (start, end))
    return f"{day}, {first} \N{EN DASH} {last}, {slot.place}"


def _quantity(line: SharedLine) -> str:
    text = _count(line.quantity, line.unit)
    return text if line.grams is None else f"{text} ({line.grams}{NO_BREAK_SPACE}g)"


def _count(quantity: int, unit: str) -> str:
    return f"{quantity}{NO_BREAK_SPACE}{unit}"


def _is_done(line: SharedLine) -> bool:
    return line.outcome is HandOutcome.COLLECTED
