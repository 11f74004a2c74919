"""Public holidays of the Netherlands, as the library ``holidays`` keeps them."""

from __future__ import annotations

from datetime import date
from functools import cache

import holidays


@cache
def _holidays_of(year: int) -> dict[date, str]:
    return dict(holidays.country_holidays("NL", years=year, language="nl").items())


def holiday_on(day: date) -> str | None:
    """The Dutch name of the public holiday on a day, if it is one.

    Source: the general holidays of the Algemene termijnenwet, article 3, with Good Friday, which
    that article treats alike; Liberation Day counts every fifth year, as agreed for work.
    """
    return _holidays_of(day.year).get(day)
