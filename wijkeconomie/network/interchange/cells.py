"""Cells of an interchange file: how each kind is read, and how a value is written.

Every reader accepts one way of writing, so that what is read can be written back the same;
only moments have several (with or without seconds or a time), and those are remembered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from json import JSONDecodeError
from typing import Any

from wijkeconomie.money.check_digits import (
    CheckDigitError,
    validate_creditor_id,
    validate_iban,
    validate_kvk_number,
)
from wijkeconomie.money.periods import LOCAL_TIME

"""Moments in a folder carry no zone: they are what a clock in Utrecht showed."""

TEXT_LIMIT = 1000
GIVEN_CODE_LIMIT = 200
_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,58}[A-Za-z0-9])?")
_COOPERATIVE_CODE = re.compile(r"[A-Za-z0-9-]{1,20}")
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{6})?)?"
    r"(?:[+-][0-9]{2}:[0-9]{2})?"
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


class CellError(ValueError):
    """A cell is not what its column asks; the message is the reason, for a person."""


Reader = Callable[[str], Any]
Writer = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cell: its name in messages, its reader, and whether midnight is just a date.

    ``write``: how a value is written, where that is not how values of its type are.
    """

    name: str
    read: Reader
    writes_midnight_as_date: bool = False
    write: Writer | None = None


def write_cell(kind: Kind, value: Any) -> str:
    """Write a stored value as the cell that :attr:`Kind.read` gives it back from."""
    if value is None:
        return ""
    if kind.write is not None:
        return kind.write(value)
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return _written_moment(value, is_date=kind.writes_midnight_as_date)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _written_moment(moment: datetime, *, is_date: bool) -> str:
    local = moment.astimezone(LOCAL_TIME)
    if is_date and local.time() == time():
        return local.date().isoformat()
    wall = local.replace(tzinfo=None).isoformat(
        timespec="microseconds" if local.microsecond else "seconds"
    )
    if local.fold:  # the hour that the clock shows twice: say that it is the second
        return f"{wall}{local.strftime('%z')[:3]}:{local.strftime('%z')[3:]}"
    return wall


def _read_text(cell: str) -> str:
    if len(cell) > TEXT_LIMIT:
        raise CellError(f"a text has at most {TEXT_LIMIT} characters, this one has {len(cell)}")
    if not cell.isprintable():
        raise CellError("a text has no control characters")
    if cell != cell.strip():
        raise CellError("a text does not begin or end with a space")
    return cell


def _write_text(text: str) -> str:
    """Write a text that the program took from a form as one that can be read again.

    Lines and tabs become spaces, and what is too long is cut off.
    """
    if text.isprintable() and text == text.strip() and len(text) <= TEXT_LIMIT:
        return text
    words = "".join(each if each.isprintable() else " " for each in text).split()
    return " ".join(words)[:TEXT_LIMIT].rstrip()


def _read_given_code(cell: str) -> str:
    if len(_read_text(cell)) > GIVEN_CODE_LIMIT:
        raise CellError(f"a number or code has at most {GIVEN_CODE_LIMIT} characters")
    return cell


def _read_reference(cell: str) -> str:
    if len(_read_text(cell)) > 35:
        raise CellError("a payment reference has at most 35 characters")
    return cell


def _read_matching(pattern: re.Pattern[str], reason: str) -> Reader:
    def read(cell: str) -> str:
        if not pattern.fullmatch(cell):
            raise CellError(reason)
        return cell

    return read


def _read_number(what: str, *, least: int, most: int = 10**15) -> Reader:
    def read(cell: str) -> int:
        if not _WHOLE_NUMBER.fullmatch(cell):
            raise CellError(f"{what} is a whole number written in digits, as in 1250")
        number = int(cell)
        if number < least:
            raise CellError(f"{what} is at least {least}")
        if number > most:
            raise CellError(f"{what} is at most {most}")
        return number

    return read


def _read_numbers(cell: str) -> tuple[int, ...]:
    read = _read_number("a number of a list", least=0)
    return tuple(read(each) for each in cell.split(" "))


def _write_numbers(numbers: Iterable[int]) -> str:
    return " ".join(str(number) for number in numbers)


def _read_object(cell: str) -> dict[str, Any]:
    try:
        found = json.loads(cell)
    except (JSONDecodeError, RecursionError) as error:
        raise CellError("this is not JSON") from error
    if not isinstance(found, dict):
        raise CellError("this is not an object with names and values")
    return found


def _write_object(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _read_moments(cell: str) -> tuple[datetime, ...]:
    return tuple(_read_moment(each) for each in cell.split(" "))


def _write_moments(moments: Iterable[datetime]) -> str:
    return " ".join(_written_moment(moment, is_date=False) for moment in moments)


def _read_date(cell: str) -> date:
    if not _DATE.fullmatch(cell):
        raise CellError("a date is written as 2026-01-31")
    try:
        day = date.fromisoformat(cell)
    except ValueError as error:
        raise CellError("there is no such day") from error
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise CellError(f"a year lies between {_FIRST_YEAR} and {_LAST_YEAR}")
    return day


def _read_moment(cell: str) -> datetime:
    """Read a moment; in the hour that the clock skips, the zone of before it counts."""
    if not _MOMENT.fullmatch(cell):
        raise CellError("a moment is written as 2026-01-31T18:30:00")
    _read_date(cell[:10])
    try:
        moment = datetime.fromisoformat(cell)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=LOCAL_TIME)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CellError("there is no such moment") from error


def _read_day_or_moment(cell: str) -> datetime:
    if _DATE.fullmatch(cell):
        return datetime.combine(_read_date(cell), time(), LOCAL_TIME).astimezone(UTC)
    if "T" not in cell:
        raise CellError("this is a date (2026-01-31) or a moment (2026-01-31T18:30:00)")
    return _read_moment(cell)


def _read_flag(cell: str) -> bool:
    if cell not in {"0", "1"}:
        raise CellError("this is 0 (no) or 1 (yes)")
    return cell == "1"


def _read_mark(cell: str) -> bool:
    if cell != "1":
        raise CellError("this is 1 (yes), or absent")
    return True


def _read_checked(validate: Callable[[str], str]) -> Reader:
    def read(cell: str) -> str:
        try:
            number = validate(cell)
        except CheckDigitError as error:
            raise CellError(error.detail) from error
        if number != cell:
            raise CellError(f"write it without spaces and in capitals: {number}")
        return number

    return read


def _read_email(cell: str) -> str:
    name, at, host = _read_text(cell).partition("@")
    if not (name and at and "." in host.strip(".")) or " " in cell or "@" in host:
        raise CellError("an e-mail address looks like name@example.org")
    return cell


def one_of(*words: str) -> Kind:
    """A cell with one word of a few."""
    return Kind("word", _read_matching(_any_of(words), f"this is one of: {', '.join(words)}"))


def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(word) for word in words))


def translated(words: Mapping[str, str]) -> Kind:
    """A cell with one word of a few; its value is what the program calls it."""
    read = one_of(*words).read
    return Kind("word", lambda cell: words[read(cell)])


TEXT = Kind("text", _read_text, write=_write_text)
CODE = Kind("code", _read_matching(_CODE, "a code has letters, digits, dots and dashes"))
GIVEN_CODE = Kind("code", _read_given_code)
"""A number that somebody else gave out, such as of an article or an invoice: ``2026/0012``."""
COOPERATIVE_CODE = Kind(
    "code", _read_matching(_COOPERATIVE_CODE, "a code has 1 to 20 letters, digits and dashes")
)
REFERENCE = Kind("reference", _read_reference)
CENTS = Kind("cents", _read_number("an amount in cents", least=0))
SIGNED_CENTS = Kind("cents", _read_number("an amount in cents", least=-(10**15)))
COUNT = Kind("count", _read_number("a quantity", least=0, most=10**9))
POSITIVE_COUNT = Kind("count", _read_number("a quantity", least=1, most=10**9))
NUMBERS = Kind("numbers", _read_numbers, write=_write_numbers)
JSON_OBJECT = Kind("JSON", _read_object, write=_write_object)
MOMENTS = Kind("moments", _read_moments, write=_write_moments)
DAYS = Kind("days", _read_number("a number of days", least=0, most=3650))
YEAR = Kind("year", _read_number("a year", least=_FIRST_YEAR, most=_LAST_YEAR))
BASIS_POINTS = Kind("basis points", _read_number("a rate in basis points", least=0, most=10_000))
DECIMAL = Kind("decimal", _read_matching(_DECIMAL, "a number is written as 386.6, not below 0"))
DATE = Kind("date", _read_date)
MONTH = Kind("month", _read_matching(_MONTH, "a month is written as 2026-01"))
MOMENT = Kind("moment", _read_moment)
DAY_OR_MOMENT = Kind("moment", _read_day_or_moment, writes_midnight_as_date=True)
FLAG = Kind("flag", _read_flag)
MARK = Kind("mark", _read_mark)
"""Yes where it stands; no is absent."""
IBAN = Kind("IBAN", _read_checked(validate_iban))
CREDITOR_ID = Kind("creditor id", _read_checked(validate_creditor_id))
KVK_NUMBER = Kind("KvK number", _read_checked(validate_kvk_number))
EMAIL = Kind("e-mail address", _read_email)
