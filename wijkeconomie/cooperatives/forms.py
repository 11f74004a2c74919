"""Reading forms of pages: each field on its own, so that all that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from flask import request
from flask_babel import gettext as _

from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.money.amounts import format_plain, parse_amount
from wijkeconomie.money.periods import LOCAL_TIME, Period

Chosen = TypeVar("Chosen", bound=StrEnum)


@dataclass(slots=True)
class FormReader:
    """Reads a form field by field and remembers what was not right."""

    errors: list[tuple[str, str]] = field(default_factory=list)

    def text(self, name: str, *, is_required: bool = True) -> str:
        """A text; its absence is an error where it is required."""
        value = request.form.get(name, "").strip()
        if is_required and not value:
            self.errors.append((name, _("Fill this in.")))
        return value

    def moment(self, name: str) -> datetime:
        """A day and time as the cooperative's clock shows it."""
        try:
            return datetime.fromisoformat(request.form.get(name, "")).replace(tzinfo=LOCAL_TIME)
        except ValueError:
            self.errors.append((name, _("Give a day and a time.")))
            return datetime.min.replace(tzinfo=LOCAL_TIME)

    def day(self, name: str) -> date:
        """A day."""
        try:
            return date.fromisoformat(request.form.get(name, ""))
        except ValueError:
            self.errors.append((name, _("Give a day.")))
            return date.min

    def optional_day(self, name: str) -> date | None:
        """A day, or ``None`` when it was left open."""
        return self.day(name) if request.form.get(name, "").strip() else None

    def checked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return request.form.get(name) == "yes"

    def optional_amount(self, name: str) -> int | None:
        """Euros as cents, or ``None`` when the field was left open."""
        return self.amount(name) if request.form.get(name, "").strip() else None

    def amount(self, name: str, *, if_empty: int | None = None) -> int:
        """Euros as people write them, as cents; without ``if_empty`` a blank field is an error.

        A blank field that counts as nothing would book what nobody typed.
        """
        typed = request.form.get(name, "").strip()
        if not typed and if_empty is not None:
            return if_empty
        try:
            return parse_amount(typed)
        except ValueError:
            self.errors.append((name, _("Write an amount as in 12,50.")))
            return 0

    def count(self, name: str, *, if_empty: int | None) -> int | None:
        """A whole number."""
        typed = request.form.get(name, "").strip()
        if not typed:
            return if_empty
        if not (typed.isascii() and typed.isdecimal() and len(typed) < 7):
            self.errors.append((name, _("Type a whole number, as in 3.")))
            return if_empty
        return int(typed)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """One of the allowed values; the first one when nothing was chosen."""
        value = request.form.get(name, allowed[0])
        if value in allowed:
            return value
        self.errors.append((name, _("Choose one of these.")))
        return allowed[0]

    def one_of(self, name: str, kinds: type[Chosen]) -> Chosen:
        """One of the members of an enumeration; the first one when nothing was chosen."""
        return kinds(self.choice(name, [each.value for each in kinds]))


def filled_in(cents: int) -> str:
    """An amount as it stands in a field to be changed there: ``12,50``."""
    return format_plain(cents).replace(".", ",")


def asked_month(written: str) -> date:
    """The month of an address.

    Raises:
        InvalidInputError: it is not one.
    """
    try:
        period = Period.parse(written)
    except ValueError as error:
        raise InvalidInputError("write a month as 2026-01", field="month") from error
    if period != Period.month_of(period.start):
        raise InvalidInputError("write a month as 2026-01", field="month")
    return period.start
