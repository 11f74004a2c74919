"""A statement as CSV: one table whose ``row_type`` tells what each row is.

UTF-8, comma, one header row. Amounts are euros with a point (``1234.50``); dates ISO 8601;
``vat_percent`` is empty where goods are exempt. Rows that sum to the balance are ``line``;
``share`` rows explain the line above them and are not added to it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TextIO

from wijkeconomie.core.csv_cells import text_cell
from wijkeconomie.core.typesetting import Language
from wijkeconomie.money.amounts import format_plain
from wijkeconomie.reports.statement import (
    Parameters,
    RoundBlock,
    ShareDetail,
    Statement,
    StatementKind,
    StatementLine,
    StatementSection,
)
from wijkeconomie.reports.statement_texts import account_name, line_text

COLUMNS = (
    "row_type",
    "cooperative_code",
    "statement_kind",
    "subject_code",
    "subject_name",
    "period_from",
    "period_until",
    "section",
    "accounting_date",
    "entry_number",
    "kind",
    "source",
    "account",
    "code",
    "description",
    "unit",
    "pledged",
    "delivered",
    "vat_percent",
    "net",
    "freight",
    "vat",
    "gross",
    "opening",
    "debit",
    "credit",
    "balance",
    "deposit",
    "payable",
)
HEADER = ",".join(COLUMNS) + "\n"

Row = dict[str, Any]


def render_csv(statement: Statement, *, language: Language = "nl") -> bytes:
    """The statement as CSV; the language is that of the column ``description`` only."""
    out = io.StringIO()
    out.write(HEADER)
    write_rows(out, statement, language=language)
    return out.getvalue().encode()


def write_rows(out: TextIO, statement: Statement, *, language: Language = "nl") -> None:
    """Write all rows of a statement, without the header."""
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    subject = _subject(statement)
    for row in _rows(statement, language):
        writer.writerow(subject | row)


def _subject(statement: Statement) -> Row:
    return {
        "cooperative_code": statement.cooperative.code,
        "statement_kind": statement.file_kind,
        "subject_code": statement.subject_code,
        "subject_name": text_cell(statement.subject_name),
        "period_from": statement.period.start.isoformat(),
        "period_until": statement.period.end.isoformat(),
    }


def _rows(statement: Statement, language: Language) -> Iterator[Row]:
    yield {"row_type": "opening", "balance": format_plain(statement.opening_cents)}
    for section in statement.sections:
        name = _section_name(section)
        for line in section.lines:
            yield _line_row(line, name, text_cell(line_text(line, language, statement.kind)))
            for detail in line.details:
                yield _share_row(line, name, detail)
    yield from _closing_rows(statement)
    for account in statement.accounts:
        yield {
            "row_type": "account",
            "account": account.code,
            "code": account.rgs_code,
            "kind": account.kind,
            "description": text_cell(account_name(account, language)),
            "opening": format_plain(account.opening_cents),
            "debit": format_plain(account.debit_cents),
            "credit": format_plain(account.credit_cents),
            "balance": format_plain(account.closing_cents),
        }
    yield from _round_rows(statement)


def _section_name(section: StatementSection) -> str:
    return f"{section.kind} {section.subject}".rstrip()


def _line_row(line: StatementLine, section: str, description: str) -> Row:
    return {
        "row_type": "line",
        "section": section,
        "accounting_date": line.accounting_date.isoformat(),
        "entry_number": "" if line.entry_number is None else line.entry_number,
        "kind": line.kind,
        "source": line.source,
        "account": line.account,
        "description": description,
        "debit": format_plain(line.debit_cents),
        "credit": format_plain(line.credit_cents),
        "balance": format_plain(line.balance_cents),
    }


def _share_row(line: StatementLine, section: str, detail: ShareDetail) -> Row:
    return {
        "row_type": "share",
        "section": section,
        "accounting_date": line.accounting_date.isoformat(),
        "entry_number": "" if line.entry_number is None else line.entry_number,
        "kind": line.kind,
        "source": line.source,
        "account": line.account,
        "code": text_cell(detail.product_code),
        "description": text_cell(detail.product_name),
        "unit": text_cell(detail.unit),
        "pledged": detail.pledged,
        "delivered": detail.delivered,
        "vat_percent": _percent(detail.vat_basis_points),
        "net": format_plain(detail.net_cents),
        "freight": format_plain(detail.freight_cents),
        "vat": format_plain(detail.vat_cents),
        "gross": format_plain(detail.gross_cents),
    }


def _closing_rows(statement: Statement) -> Iterator[Row]:
    for total in statement.vat_totals:
        yield {
            "row_type": "vat_total",
            "vat_percent": _percent(total.vat_basis_points),
            "net": format_plain(total.base_cents),
            "vat": format_plain(total.vat_cents),
            "gross": format_plain(total.base_cents + total.vat_cents),
        }
    yield {
        "row_type": "total",
        "debit": format_plain(statement.debit_cents),
        "credit": format_plain(statement.credit_cents),
    }
    yield {"row_type": "closing", "balance": format_plain(statement.closing_cents)}
    for row_type, mark in (
        ("ledger_first", statement.first_entry),
        ("ledger_last", statement.last_entry),
    ):
        if mark is not None:
            yield {"row_type": row_type, "entry_number": mark.number, "source": mark.hash}


def _round_rows(statement: Statement) -> Iterator[Row]:
    for settled in statement.rounds:
        name = "round_reversed" if settled.is_reversal else "round_settled"
        shares = (
            ("supplier", settled.supplier_gross_cents),
            ("members", settled.members_gross_cents),
            ("cooperative", settled.cooperative_gross_cents),
        )
        for party, gross in shares:
            yield {
                "row_type": name,
                "section": f"round {settled.code}",
                "accounting_date": settled.accounting_date.isoformat(),
                "entry_number": "" if settled.entry_number is None else settled.entry_number,
                "source": f"round/{settled.code}/{settled.version}",
                "code": party,
                "description": text_cell(settled.theme),
                "gross": format_plain(gross),
            }
    if statement.round is not None:
        yield from _block_rows(statement.round)


def _block_rows(block: RoundBlock) -> Iterator[Row]:
    section = f"round {block.code}"
    for member in block.members:
        yield {
            "row_type": "member",
            "section": section,
            "code": member.code,
            "description": text_cell(member.name),
            "net": format_plain(member.net_cents),
            "freight": format_plain(member.freight_cents),
            "vat": format_plain(member.vat_cents),
            "gross": format_plain(member.gross_cents),
            "deposit": format_plain(member.deposit_cents),
            "payable": format_plain(member.payable_cents),
        }
    for product in block.products:
        yield {
            "row_type": "product",
            "section": section,
            "code": text_cell(product.code),
            "description": text_cell(product.name),
            "unit": text_cell(product.unit),
            "pledged": product.pledged,
            "delivered": product.shared,
            "vat_percent": _percent(product.vat_basis_points),
            "net": format_plain(product.net_cents),
        }
    if (invoice := block.invoice) is not None:
        yield {
            "row_type": "invoice",
            "section": section,
            "accounting_date": invoice.invoiced_on.isoformat(),
            "code": text_cell(invoice.code),
            "description": text_cell(block.supplier_name),
            "net": format_plain(invoice.net_cents),
            "vat": format_plain(invoice.vat_cents),
            "gross": format_plain(invoice.gross_cents),
            "deposit": format_plain(block.deposit_due_cents),
            "payable": format_plain(invoice.gross_cents + block.deposit_due_cents),
        }


def _percent(basis_points: int | None) -> str:
    return "" if basis_points is None else format_plain(basis_points)


TEXTS_KEPT = 10_000
"""Bounds the memory that finished cells take."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Cells that were made before, in one language for one kind of statement."""

    kind: StatementKind
    language: Language
    texts: dict[tuple[str, str, str, str, Parameters], str]
    days: dict[date, str]


def write_member_lines(
    out: TextIO, statements: Iterable[Statement], *, language: Language = "nl"
) -> int:
    """Write the rows of many statements, quickly; return the number of ``line`` rows.

    The bytes are those of :func:`write_rows`; lines, which are nearly all of it, are put
    together here without a dictionary each.
    """
    written = 0
    known = {kind: _Known(kind, language, {}, {}) for kind in StatementKind}
    for statement in statements:
        buffer = io.StringIO()
        write_rows(buffer, replace(statement, sections=()), language=language)
        opening, _, rest = buffer.getvalue().partition("\n")
        rows = [opening, "\n", *_fast_lines(statement, known[statement.kind]), rest]
        out.write("".join(rows))
        written += sum(len(section.lines) for section in statement.sections)
    return written


def _flat_subject(statement: Statement) -> str:
    values = _subject(statement).values()
    return ",".join(_quoted(str(value)) for value in values)


def _fast_lines(statement: Statement, known: _Known) -> list[str]:
    subject = _flat_subject(statement)
    texts, days = known.texts, known.days
    rows = []
    for section in statement.sections:
        head = f"line,{subject},{_quoted(_section_name(section))}"
        for line in section.lines:
            key = (line.source, line.account, line.text_key, line.kind, line.parameters)
            words = texts.get(key) or _remember_words(known, key, line)
            on = line.accounting_date
            day = days.get(on) or days.setdefault(on, on.isoformat())
            debit, credit, balance = line.debit_cents, line.credit_cents, line.balance_cents
            sign = "-" if balance < 0 else ""
            balance = abs(balance)
            number = "" if line.entry_number is None else line.entry_number
            rows.append(
                f"{head},{day},{number},{words},,,,,,,,,,"
                f"{debit // 100}.{debit % 100:02d},{credit // 100}.{credit % 100:02d},"
                f"{sign}{balance // 100}.{balance % 100:02d},,\n"
            )
            if line.details:
                rows.append(_share_rows(statement, section, line))
    return rows


def _remember_words(
    known: _Known, key: tuple[str, str, str, str, Parameters], line: StatementLine
) -> str:
    """The cells from ``kind`` to ``description`` of a line."""
    if len(known.texts) >= TEXTS_KEPT:
        known.texts.clear()
    description = text_cell(line_text(line, known.language, known.kind))
    cells = (line.kind, line.source, line.account, "", description)
    known.texts[key] = words = ",".join(_quoted(cell) for cell in cells)
    return words


def _share_rows(statement: Statement, section: StatementSection, line: StatementLine) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    subject = _subject(statement)
    for detail in line.details:
        writer.writerow(subject | _share_row(line, _section_name(section), detail))
    return out.getvalue()


_QUOTED_FOR = frozenset(',"\n\r')


def _quoted(text: str) -> str:
    """A cell as the csv module writes it."""
    if _QUOTED_FOR.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
