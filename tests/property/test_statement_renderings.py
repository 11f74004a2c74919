"""CSV, JSON and PDF of a statement tell the same amounts, whatever was booked."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.statements import Posted, a_member_statement
from wijkeconomie.money.amounts import format_amount, parse_amount
from wijkeconomie.reports.statement import check_statement
from wijkeconomie.reports.statement_csv import render_csv, write_member_lines, write_rows
from wijkeconomie.reports.statement_json import render_json
from wijkeconomie.reports.statement_layout import letter

KINDS = st.sampled_from(
    [
        ("bank.transfer", "bank/B1"),
        ("round.settled", "round/C01-R01/1"),
        ("contribution.charged", "contribution/2026"),
        ("manual", "note/1"),
    ]
)
AMOUNTS = st.integers(-(10**9), 10**9).filter(bool)
DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 31))
POSTED = st.lists(st.tuples(DAYS, KINDS, AMOUNTS), max_size=12).map(
    lambda lines: [(day, kind, source, amount, ()) for day, (kind, source), amount in sorted(lines)]
)


@given(posted=POSTED, opening=st.integers(-(10**9), 10**9), name=st.text(max_size=30))
@settings(deadline=None)
def test_the_renderings_agree_to_the_cent(posted: list[Posted], opening: int, name: str) -> None:
    statement = check_statement(a_member_statement(posted, opening=opening, name=name))

    rows = list(csv.DictReader(io.StringIO(render_csv(statement).decode(), newline="")))
    document = json.loads(render_json(statement))["statement"]
    paper = letter(statement, "nl", large_print=False)

    by_type = {row["row_type"]: row for row in rows}
    assert parse_amount(by_type["closing"]["balance"]) == document["closing_cents"]
    assert parse_amount(by_type["total"]["debit"]) == document["debit_cents"]
    assert parse_amount(by_type["total"]["credit"]) == document["credit_cents"]
    assert paper["summary"]["rows"][0][1] == format_amount(document["opening_cents"])
    assert paper["summary"]["closing"][1] == format_amount(abs(document["closing_cents"]))
    lines = [row for row in rows if row["row_type"] == "line"]
    assert len(lines) == len(posted)
    assert [parse_amount(line["balance"]) for line in lines] == [
        line["balance_cents"] for section in document["sections"] for line in section["lines"]
    ]


@given(posted=POSTED, opening=st.integers(-(10**9), 10**9), name=st.text(max_size=30))
@settings(deadline=None)
def test_the_quick_csv_has_the_bytes_of_the_plain_one(
    posted: list[Posted], opening: int, name: str
) -> None:
    statement = a_member_statement(posted, opening=opening, name=name)
    plain, quick = io.StringIO(), io.StringIO()

    write_rows(plain, statement)
    write_member_lines(quick, [statement])

    assert quick.getvalue() == plain.getvalue()
