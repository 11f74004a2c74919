"""The hand-out list on paper and as CSV: the same lines, by member and by product."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime

from wijkeconomie.purchasing.hand_out_document import (
    HandOutList,
    hand_out_list,
    render_hand_out_csv,
    render_hand_out_pdf,
)
from wijkeconomie.purchasing.handing_models import HandOutcome, PledgeOrigin
from wijkeconomie.purchasing.handing_queries import Collector, SharedLine, SlotView
from wijkeconomie.purchasing.models import FreightKey, RoundState, ShortageRule
from wijkeconomie.purchasing.queries import RoundView

MOMENT = datetime(2026, 1, 9, 19, 0, tzinfo=UTC)
ROUND = RoundView(
    id=1,
    code="MRS-R01",
    theme="groente",
    state=RoundState.RECEIVED,
    supplier_id=1,
    supplier_code="S1",
    supplier_name="Boer Bas",
    opens_at=MOMENT,
    closes_at=MOMENT,
    delivery_on=date(2026, 1, 14),
    freight_excl_cents=0,
    freight_key=FreightKey.VALUE,
    shortage_rule=ShortageRule.PRO_RATA,
    settlement_version=0,
    opened_at=MOMENT,
    closed_at=MOMENT,
    ordered_at=MOMENT,
    received_at=MOMENT,
    settled_at=None,
    cancelled_at=None,
    cancel_reason=None,
    minimum_net_cents=None,
    pledgers=2,
    pledged_net_cents=0,
)
SLOT = SlotView(7, datetime(2026, 1, 14, 16, tzinfo=UTC), MOMENT, "Buurthuis", 5, 1)
POTATOES = SharedLine(
    pledge_id=1,
    member_id=1,
    member_code="L001",
    member_name="=Fatima de Vries",
    round_product_id=1,
    product_name="Aardappelen",
    unit="kg",
    ordered=5,
    origin=PledgeOrigin.PLEDGED,
    computed=4,
    quantity=3,
    by_hand_reason="vroeg om minder",
    grams_per_unit=None,
    grams=None,
    outcome=HandOutcome.COLLECTED,
    note=None,
)
CHEESE = replace(POTATOES, pledge_id=2, round_product_id=2, product_name="Kaas", unit="stuk")
CHEESE = replace(CHEESE, quantity=1, grams=512, outcome=None, by_hand_reason=None)
NOTHING = replace(POTATOES, pledge_id=3, quantity=0)


def a_list() -> HandOutList:
    other = replace(CHEESE, pledge_id=4, member_id=2, member_code="L002", member_name="Jan")
    collectors = [
        Collector(1, "L001", "=Fatima de Vries", SLOT, (POTATOES, CHEESE, NOTHING)),
        Collector(2, "L002", "Jan", None, (other,)),
    ]
    return hand_out_list(ROUND, collectors, "De Zwaan")


def test_by_product_are_the_same_lines_as_by_member() -> None:
    found = [(product.name, product.quantity) for product in a_list().products]
    assert found == [("Aardappelen", 3), ("Kaas", 2)]


def test_the_csv_tells_local_times_and_runs_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(render_hand_out_csv(a_list()).decode())))
    assert [row["product"] for row in rows] == ["Aardappelen", "Kaas", "Aardappelen", "Kaas"]
    assert rows[0]["from"] == "2026-01-14 17:00"
    assert rows[0]["name"] == "'=Fatima de Vries"
    assert [row["grams"] for row in rows] == ["", "512", "", "512"]
    assert [row["outcome"] for row in rows] == ["collected", "", "collected", ""]


def test_the_same_list_on_paper_is_the_same_bytes() -> None:
    for language in ("nl", "en"):
        first = render_hand_out_pdf(a_list(), language=language)
        assert first == render_hand_out_pdf(a_list(), language=language)
        assert first.startswith(b"%PDF")
    empty = hand_out_list(ROUND, [], "De Zwaan")
    assert render_hand_out_pdf(empty).startswith(b"%PDF")
