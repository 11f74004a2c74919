"""Reading exports of IHateMoney (JSON and CSV) and Splitwise (CSV). Pure: bytes in, lines out.

Sources: IHateMoney writes ``what``, ``amount``, ``currency``, ``date``, ``payer_name``,
``payer_weight``, ``owers`` and, since version 6, ``bill_type``
(``ihatemoney/models.py::get_pretty_bills``). Splitwise writes five columns, then one for each
person with what the line does to him: what he paid less his share of it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from wijkeconomie.money.weights import WeightFormatError, parse_weight, weight_text
from wijkeconomie.network.splitting.lines import (
    SplitFault,
    SplitFile,
    SplitLine,
    SplitSource,
    WrongLine,
)
from wijkeconomie.network.splitting.refusals import SplitFileUnreadableError

MAXIMUM_BYTES = 2_000_000
MAXIMUM_LINES = 5_000
MAXIMUM_PEOPLE = 100
MAXIMUM_TEXT = 200
LARGEST = Decimal(10) ** 9
EURO = {"", "EUR", "XXX"}
"""``XXX`` is how IHateMoney writes that a group names no currency."""
NEEDED = {"what", "amount", "date", "payer_name", "owers"}
FIXED = 5
REPAYMENT_WORDS = {"payment", "betaling", "reimbursement"}
BALANCE_WORDS = {"total balance", "totaal saldo", "totaalsaldo"}


class _FaultError(ValueError):
    """A line that cannot be taken over."""

    def __init__(self, fault: SplitFault) -> None:
        super().__init__(fault)
        self.fault: SplitFault = fault


def read_split_file(content: bytes) -> SplitFile:
    """Read an export; which program wrote it shows.

    Raises:
        SplitFileUnreadableError: it is none of them, too large, or holds no line.
    """
    if len(content) > MAXIMUM_BYTES:
        raise SplitFileUnreadableError(f"the file is larger than {MAXIMUM_BYTES} bytes")
    text = _text(content)
    if text.lstrip().startswith("["):
        return _ihatemoney(_json_rows(text))
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
    heading = next((row for row in rows if any(row)), [])
    names = [cell.lower() for cell in heading]
    if set(names) >= NEEDED:
        body = ((number, row) for number, row in enumerate(rows, start=1) if any(row))
        return _ihatemoney(
            [(number, dict(zip(names, row, strict=False))) for number, row in body][1:]
        )
    if len(heading) > FIXED + 1 and all(heading[FIXED:]):
        return _splitwise(heading, rows)
    raise SplitFileUnreadableError("this is no export of IHateMoney or Splitwise")


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise SplitFileUnreadableError("the file is no text")


def _json_rows(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        # Numbers stay as they are written: 13.33 is no binary fraction on the way.
        found = json.loads(text, parse_float=str, parse_int=str)
    except (json.JSONDecodeError, RecursionError) as error:
        raise SplitFileUnreadableError(f"the file breaks off: {error}") from error
    if not all(isinstance(row, dict) and row.keys() >= NEEDED for row in found):
        raise SplitFileUnreadableError("this is no export of IHateMoney")
    return list(enumerate(found, start=1))


def _require_size(lines: int, people: int) -> None:
    if not lines:
        raise SplitFileUnreadableError("there is no bill in the file")
    if lines > MAXIMUM_LINES or people > MAXIMUM_PEOPLE:
        raise SplitFileUnreadableError(
            f"more than {MAXIMUM_LINES} lines or {MAXIMUM_PEOPLE} people"
        )


def _ihatemoney(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> SplitFile:
    payers = {_short(row.get("payer_name")) for _number, row in rows}
    weights: dict[str, str] = {}
    lines: list[SplitLine] = []
    wrong: list[WrongLine] = []
    for number, row in rows:
        try:
            line = _ihatemoney_line(number, row, payers)
            weights[line.paid[0][0]] = _weight(row.get("payer_weight"))
        except _FaultError as error:
            wrong.append(WrongLine(number, _short(row.get("what")), error.fault))
            continue
        lines.append(line)
    people = sorted({name for line in lines for name, _ in (*line.paid, *line.shared)})
    _require_size(len(rows), len(people))
    return SplitFile(
        source=SplitSource.IHATEMONEY,
        people=tuple(people),
        lines=tuple(lines),
        wrong=tuple(wrong),
        # The export tells weights of payers only; who never paid weighs 1 unless one says else.
        weights={name: weights.get(name, "1") for name in people},
        balances=None,
    )


def _ihatemoney_line(number: int, row: Mapping[str, Any], payers: set[str]) -> SplitLine:
    if _short(row.get("currency")).upper() not in EURO:
        raise _FaultError("currency")
    payer = _short(row["payer_name"])
    if not payer:
        raise _FaultError("payer-missing")
    owers = row["owers"]
    named = (
        [_short(name) for name in owers]
        if isinstance(owers, list)
        else list(_listed_names(_short(owers, MAXIMUM_TEXT * MAXIMUM_PEOPLE), payers))
    )
    shared = tuple((name, None) for name in dict.fromkeys(named) if name)
    if not shared:
        raise _FaultError("nobody-shares")
    cents = _cents(_short(row["amount"]))
    if not cents:
        raise _FaultError("nothing-owed")
    return SplitLine(
        number,
        _day(_short(row["date"])),
        _short(row["what"]),
        _short(row.get("bill_type")).lower() in REPAYMENT_WORDS,
        ((payer, cents),),
        shared,
    )


def _listed_names(cell: str, known: set[str]) -> Iterator[str]:
    """Names that stand behind each other; one with a comma in it is found where it also paid."""
    parts = cell.split(", ")
    while parts:
        length = next(
            (n for n in range(len(parts), 1, -1) if ", ".join(parts[:n]) in known),
            1,
        )
        yield ", ".join(parts[:length]).strip()
        parts = parts[length:]


def _splitwise(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> SplitFile:
    names = [cell[:MAXIMUM_TEXT] for cell in heading[FIXED:]]
    if len(set(names)) < len(names):
        raise SplitFileUnreadableError("two people in the file have the same name")
    lines: list[SplitLine] = []
    wrong: list[WrongLine] = []
    balances: dict[str, int] | None = None
    bodies = [(number, row) for number, row in enumerate(rows, start=1) if any(row)][1:]
    for number, row in bodies:
        cells = [*row, *[""] * (FIXED + len(names) - len(row))]
        try:
            if cells[1].lower() in BALANCE_WORDS:
                # One line of totals for each currency; only ours counts.
                if cells[4].upper() in EURO:
                    balances = dict(zip(names, map(_cents, cells[FIXED:]), strict=False))
                continue
            lines.append(_splitwise_line(number, cells, names))
        except _FaultError as error:
            wrong.append(WrongLine(number, cells[1][:MAXIMUM_TEXT], error.fault))
    _require_size(len(lines) + len(wrong), len(names))
    return SplitFile(
        source=SplitSource.SPLITWISE,
        people=tuple(names),
        lines=tuple(lines),
        wrong=tuple(wrong),
        weights={},
        balances=balances,
    )


def _splitwise_line(number: int, cells: Sequence[str], names: Sequence[str]) -> SplitLine:
    on, what, category, cost_text, currency = cells[:FIXED]
    if currency.upper() not in EURO:
        raise _FaultError("currency")
    cost = _cents(cost_text)
    effects = dict(zip(names, (_cents(cell or "0") for cell in cells[FIXED:]), strict=False))
    if sum(effects.values()):
        raise _FaultError("does-not-add-up")
    paid = {name: cents for name, cents in effects.items() if cents > 0}
    shared = {name: -cents for name, cents in effects.items() if cents < 0}
    if not paid:
        raise _FaultError("nothing-owed")
    if len(paid) == 1 and sum(paid.values()) <= cost:
        # One paid it all: his own share is what the others do not owe him. Where several paid,
        # the file does not tell who paid what, only what it comes to: that is taken over.
        [(payer, gets_back)] = paid.items()
        paid = {payer: cost}
        shared = {payer: cost - gets_back} | shared
    return SplitLine(
        number,
        _day(on),
        what[:MAXIMUM_TEXT],
        category.lower() in REPAYMENT_WORDS,
        tuple(paid.items()),
        tuple((name, str(cents)) for name, cents in shared.items() if cents),
    )


def _short(value: object, length: int = MAXIMUM_TEXT) -> str:
    return "" if value is None else str(value).strip()[:length]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise _FaultError("date-wrong") from None


def _cents(text: str) -> int:
    """Cents of an amount as a program writes it: ``12``, ``12.5`` or ``-12.50``."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise _FaultError("amount-wrong") from None
    if not amount.is_finite() or abs(amount) > LARGEST:
        raise _FaultError("amount-wrong")
    cents = amount.scaleb(2)
    if cents != cents.to_integral_value():
        raise _FaultError("amount-fraction")
    return int(cents)


def _weight(value: object) -> str:
    try:
        weight = parse_weight(_short(value) or "1")
    except WeightFormatError:
        raise _FaultError("weight-wrong") from None
    if weight < 0:
        raise _FaultError("weight-wrong")
    return weight_text(weight)
