"""How amounts, dates and quantities read on a page: Jinja filters for Dutch and English."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from flask import Flask, g
from flask_babel import get_locale, gettext, ngettext

from wijkeconomie.core.runtime import current_runtime
from wijkeconomie.money.amounts import format_amount, format_plain

NO_BREAK_SPACE = "\u00a0"


def language() -> Literal["nl", "en"]:
    """The language of the page."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "nl"


def amount(cents: int) -> str:
    """Cents as ``€ 1.234,50``, or in the English manner."""
    return format_amount(cents, language())


def plain_amount(cents: int) -> str:
    """Cents as someone types them into a form: ``12,50``."""
    return format_plain(cents).replace(".", "," if language() == "nl" else ".")


def local_date(day: date | datetime) -> str:
    """``vrijdag 9 januari``, with the year when it is not this one."""
    if isinstance(day, datetime):
        day = day.astimezone(_zone()).date()
    pattern = "EEEE d MMMM" if day.year == _now().year else "EEEE d MMMM y"
    return str(format_date(day, pattern, locale=language()))


def short_date(day: date | datetime) -> str:
    """``9 jan 2026``, for tables."""
    if isinstance(day, datetime):
        day = day.astimezone(_zone()).date()
    return str(format_date(day, "d MMM y", locale=language()))


def local_datetime(moment: datetime) -> str:
    """``vrijdag 9 januari, 20:00`` in the time of the cooperative."""
    local = moment.astimezone(_zone())
    return f"{local_date(local)}, {format_time(local.time(), 'HH:mm', locale=language())}"


def remaining(until: datetime) -> str:
    """What is left until a moment, in the largest unit that still counts, or that it is over."""
    left = until - _now()
    if left <= timedelta(0):
        return str(gettext("closed"))
    if left >= timedelta(days=2):
        return str(ngettext("%(num)d day left", "%(num)d days left", left.days))
    hours = left // timedelta(hours=1)
    if hours >= 1:
        return str(ngettext("%(num)d hour left", "%(num)d hours left", hours))
    minutes = max(left // timedelta(minutes=1), 1)
    return str(ngettext("%(num)d minute left", "%(num)d minutes left", minutes))


def quantity(count: int, unit: str = "") -> str:
    """A count with its unit, kept on one line."""
    grouped = f"{count:,}".replace(",", "." if language() == "nl" else ",")
    return f"{grouped}{NO_BREAK_SPACE}{unit}" if unit else grouped


def vat_rate(basis_points: int | None) -> str:
    """``9 %``, ``0 %`` or, where there is no rate, that it is exempt: three different things."""
    if basis_points is None:
        return str(gettext("exempt from VAT"))
    whole, part = divmod(basis_points, 100)
    separator = "," if language() == "nl" else "."
    text = f"{whole}{separator}{part:02d}".rstrip("0") if part else str(whole)
    return f"{text}{NO_BREAK_SPACE}%"


def _zone() -> ZoneInfo:
    return current_runtime().settings.service_time_zone


def _now() -> datetime:
    moment: datetime = g.setdefault("now", current_runtime().units_of_work.clock())
    return moment


def init_formatting(app: Flask) -> None:
    """Register the filters, and the language, for every template."""
    filters = (
        amount,
        plain_amount,
        local_date,
        short_date,
        local_datetime,
        remaining,
        quantity,
        vat_rate,
    )
    for function in filters:
        app.add_template_filter(function)
    app.add_template_global(language, "current_language")
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def _language() -> dict[str, str]:
        return {"language": language()}
