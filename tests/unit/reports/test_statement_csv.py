"""The CSV file: one table, tied sums, harmless text, and a quick way with the same bytes."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from tests.factories.statements import (
    Posted,
    a_cooperative_statement,
    a_member_statement,
    a_round_statement,
    many_postings,
)
from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.reports.statement import Statement
from wijkeconomie.reports.statement_csv import (
    COLUMNS,
    HEADER,
    render_csv,
    write_member_lines,
    write_rows,
)

HOSTILE = '=HYPERLINK("x"),\n"quoted" +1 #[a] $b$'


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.mark.parametrize(
    "statement", [a_member_statement(), a_round_statement(), a_cooperative_statement()]
)
def test_every_row_has_every_column(statement: Statement) -> None:
    records = list(csv.reader(io.StringIO(render_csv(statement).decode(), newline="")))

    assert tuple(records[0]) == COLUMNS
    assert {len(record) for record in records} == {len(COLUMNS)}


def test_opening_and_lines_come_to_the_closing_row() -> None:
    rows = rows_of(render_csv(a_member_statement(many_postings(50), opening=-1234)))

    by_type = {row["row_type"]: row for row in rows}
    moved = sum(
        Decimal(row["debit"]) - Decimal(row["credit"]) for row in rows if row["row_type"] == "line"
    )
    opening = Decimal(by_type["opening"]["balance"])
    assert opening == Decimal("-12.34")
    assert opening + moved == Decimal(by_type["closing"]["balance"])


def test_amounts_are_plain_decimals() -> None:
    posted: list[Posted] = [(a_member_statement().period.start, "other", "x", -123450, ())]

    rows = rows_of(render_csv(a_member_statement(posted)))

    [line] = [row for row in rows if row["row_type"] == "line"]
    assert (line["debit"], line["credit"], line["balance"]) == ("0.00", "1234.50", "-1234.50")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1"])
def test_text_never_starts_a_formula(text: str) -> None:
    assert text_cell(text).startswith("'")
    assert "\n" not in text_cell(text)


def test_a_hostile_name_stays_one_cell() -> None:
    rows = rows_of(render_csv(a_member_statement(name=HOSTILE)))

    assert {row["subject_name"] for row in rows} == {"'" + HOSTILE.replace("\n", " ")}


def test_the_quick_way_writes_the_same_bytes() -> None:
    statements = [
        a_member_statement(),
        a_member_statement([]),
        a_member_statement(name=HOSTILE),
        a_member_statement(many_postings(400), opening=-99),
    ]
    plain, quick = io.StringIO(), io.StringIO()
    for statement in statements:
        write_rows(plain, statement)

    count = write_member_lines(quick, statements)

    assert quick.getvalue() == plain.getvalue()
    assert count == sum(len(list(statement.lines)) for statement in statements)


def test_the_quick_way_after_the_header_is_the_whole_file() -> None:
    out = io.StringIO()
    out.write(HEADER)

    write_member_lines(out, [a_member_statement()], language="en")

    assert out.getvalue().encode() == render_csv(a_member_statement(), language="en")
