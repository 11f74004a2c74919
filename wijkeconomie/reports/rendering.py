"""A statement in one of its formats: every file and page comes from the same statement."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Literal

from wijkeconomie.core.typesetting import Language
from wijkeconomie.reports.statement import Statement
from wijkeconomie.reports.statement_csv import HEADER, render_csv, write_member_lines
from wijkeconomie.reports.statement_json import render_json
from wijkeconomie.reports.statement_pdf import render_statement_pdf

Format = Literal["csv", "pdf", "json"]
CONTENT_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
    "json": "application/json",
}


def render(
    statement: Statement, format_: Format, *, language: Language = "nl", large_print: bool = False
) -> bytes:
    """The statement as bytes; the same statement gives the same ones."""
    if format_ == "csv":
        return render_csv(statement, language=language)
    if format_ == "json":
        return render_json(statement)
    return render_statement_pdf(statement, language=language, large_print=large_print)


def render_many(statements: Iterable[Statement], *, language: Language = "nl") -> bytes:
    """Many statements as one CSV file, under one header row."""
    out = io.StringIO()
    out.write(HEADER)
    write_member_lines(out, statements, language=language)
    return out.getvalue().encode()


def file_name(statement: Statement, format_: Format) -> str:
    """A name for a downloaded statement that tells what it is."""
    period = f"{statement.period.start.isoformat()}_{statement.period.end.isoformat()}"
    return f"{statement.file_kind}-{statement.subject_code}-{period}.{format_}"
