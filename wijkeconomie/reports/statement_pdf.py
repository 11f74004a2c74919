"""A statement as a PDF letter: tagged, with bundled fonts, the same bytes every time."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

from wijkeconomie.core.typesetting import Language, render_pdf
from wijkeconomie.reports.statement import Statement
from wijkeconomie.reports.statement_layout import letter
from wijkeconomie.reports.statement_texts import period_text, title_of

TEMPLATE = Path(__file__).parent / "typst" / "statement.typ"


def render_statement_pdf(
    statement: Statement, *, language: Language = "nl", large_print: bool = False
) -> bytes:
    """Typeset a statement on A4, at 16 points when ``large_print``.

    The moment of creation that stands in the file is the end of the period, not the clock's.
    """
    title = (
        f"{title_of(statement, language)} {statement.subject_code}, "
        f"{period_text(statement.period, language)}"
    )
    return render_pdf(
        TEMPLATE,
        letter(statement, language, large_print=large_print),
        language=language,
        title=title,
        timestamp=datetime.combine(statement.period.end, time.min, tzinfo=UTC),
    )
