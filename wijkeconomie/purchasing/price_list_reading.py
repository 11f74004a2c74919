"""Reading a supplier's price list: a CSV or XLSX file of any make as rows of text.

Nothing here knows what a column means; ``price_list_rules`` does.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from charset_normalizer import from_bytes
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from wijkeconomie.purchasing.refusals import PriceListUnreadableError

MAXIMUM_BYTES = 5_000_000
MAXIMUM_UNPACKED = 100_000_000
MAXIMUM_ROWS = 20_000
MAXIMUM_COLUMNS = 60
MAXIMUM_CELL = 500
DELIMITERS = ";,\t|"
_ZIP = b"PK\x03\x04"
# Spreadsheets compute in binary: 8.4 may stand there as 8.399999999999999.
_NOISE = Decimal("0.000001")

Rows = list[list[str]]


def read_price_list(content: bytes) -> Rows:
    """The rows of a price list as text, without empty ones; what kind of file it is, shows.

    Raises:
        PriceListUnreadableError: too large, no table, or a file that is neither.
    """
    if len(content) > MAXIMUM_BYTES:
        raise PriceListUnreadableError(f"the file is larger than {MAXIMUM_BYTES} bytes")
    rows = _from_workbook(content) if content.startswith(_ZIP) else _from_text(content)
    if len(rows) < 2 or max(len(row) for row in rows) < 2:
        raise PriceListUnreadableError("there is no table with a heading and articles in the file")
    return rows


def _from_text(content: bytes) -> Rows:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Western lists only: a short one gives too little to tell rare alphabets apart by.
        guess = from_bytes(content, cp_isolation=["cp1252", "utf_16", "latin_1"]).best()
        if guess is None:
            raise PriceListUnreadableError("the file is no text and no spreadsheet") from None
        text = str(guess)
    if "\x00" in text:
        raise PriceListUnreadableError("the file is no text and no spreadsheet")
    try:
        return _cleaned(csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=False))
    except csv.Error as error:
        raise PriceListUnreadableError(f"the table breaks off: {error}") from error


def _delimiter(text: str) -> str:
    """The character that cuts the first lines into most cells, equally many in each."""
    lines = [line for line in text.splitlines()[:20] if line.strip()]

    def regularity(delimiter: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        usual = max(set(counts), key=counts.count, default=0)
        return (counts.count(usual) * min(usual - 1, 1), usual)

    return max(DELIMITERS, key=regularity)


def _from_workbook(content: bytes) -> Rows:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MAXIMUM_UNPACKED:
                raise PriceListUnreadableError("the spreadsheet is too large when unpacked")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            return _cleaned(
                [_cell(value) for value in row]
                for row in sheet.iter_rows(max_col=MAXIMUM_COLUMNS, values_only=True)
            )
        finally:
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, IndexError, ValueError) as error:
        raise PriceListUnreadableError("the spreadsheet cannot be read") from error


def _cell(value: object) -> str:
    """A cell as someone would type it; numbers without the noise of their binary form."""
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, int | str):
        return str(value)
    try:
        exact = Decimal(repr(value)).quantize(_NOISE).normalize()
    except ArithmeticError:
        return str(value)
    return f"{exact:f}"


def _cleaned(rows: Iterable[list[str]]) -> Rows:
    found: Rows = []
    for row in rows:
        cells = [cell.strip()[:MAXIMUM_CELL] for cell in row[:MAXIMUM_COLUMNS]]
        if any(cells):
            found.append(cells)
        if len(found) > MAXIMUM_ROWS:
            raise PriceListUnreadableError(f"the file has more than {MAXIMUM_ROWS} rows")
    return found
