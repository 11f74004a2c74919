"""Cells of the CSV files that we hand out."""

from __future__ import annotations

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LINE_ENDS = str.maketrans({"\r": " ", "\n": " ", "\t": " ", "\0": ""})


def text_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run: one line, never a formula.

    A text that would start a formula gets an apostrophe in front, as spreadsheets themselves
    write it. Only for text of people: amounts and codes of ours stay as they are.

    Source: OWASP, "CSV Injection".
    """
    flat = text.translate(_LINE_ENDS)
    if flat.lstrip().startswith(_STARTS_A_FORMULA) or text.startswith(_STARTS_A_FORMULA):
        return f"'{flat}"
    return flat
