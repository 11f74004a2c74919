"""Amounts typed and written, value added tax, periods."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from wijkeconomie.money.amounts import (
    Amount,
    AmountError,
    format_amount,
    format_plain,
    parse_amount,
)
from wijkeconomie.money.periods import Period, clamp_day, local_date, midnight_utc
from wijkeconomie.money.vat import (
    VatCategory,
    category_of,
    contained_vat,
    invoice_vat,
    net_per_rate,
    rate_on,
    standard_rates_on,
    vat_on,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("12", 1200),
        ("12,34", 1234),
        ("12.34", 1234),
        ("1.234,50", 123_450),
        ("1,234.50", 123_450),
        ("1.234.567,89", 123_456_789),
        ("1234567,89", 123_456_789),
        ("€ 5,00", 500),
        ("€5.00", 500),
        ("-5,00", -500),
        ("€ -5,00", -500),
        ("-€5.00", -500),
        ("€\N{NO-BREAK SPACE}1.234,50", 123_450),
        ("  0,05 ", 5),
        ("-0,00", 0),
    ],
)
def test_an_amount_is_read_to_the_cent(text: str, cents: int) -> None:
    assert parse_amount(text) == cents


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "amount_empty"),
        ("   ", "amount_empty"),
        ("12,345", "amount_ambiguous_thousands"),
        ("12.345", "amount_ambiguous_thousands"),
        ("1.234.567", "amount_ambiguous_thousands"),
        ("12,3", "amount_decimals"),
        ("12,", "amount_decimals"),
        ("1.234,5", "amount_decimals"),
        ("1234,567", "amount_decimals"),
        ("1.23,45", "amount_decimals"),
        ("1.234.50", "amount_decimals"),
        (",50", "amount_not_a_number"),
        ("12,34-", "amount_not_a_number"),
        ("--5", "amount_not_a_number"),
        ("-€-5", "amount_not_a_number"),
        ("1 234,50", "amount_not_a_number"),
        ("1e3", "amount_not_a_number"),
        ("twaalf", "amount_not_a_number"),
        ("€", "amount_not_a_number"),
        ("$ 5", "amount_not_a_number"),
        ("١٢", "amount_not_a_number"),
        ("9" * 5000, "amount_too_large"),
    ],
)
def test_what_is_no_clear_amount_is_refused(text: str, code: str) -> None:
    with pytest.raises(AmountError) as refusal:
        parse_amount(text)
    assert refusal.value.code == code
    assert len(refusal.value.detail) < 150


def test_an_amount_is_written_as_the_language_does() -> None:
    assert format_amount(123_450) == "€\N{NO-BREAK SPACE}1.234,50"
    assert format_amount(-5) == "€\N{NO-BREAK SPACE}-0,05"
    assert format_amount(-123_456_789, "en") == "-€1,234,567.89"
    assert format_amount(2000, "nl", "LOMBOK") == "20,00\N{NO-BREAK SPACE}LOMBOK"
    assert format_plain(123_450) == "1234.50"
    assert format_plain(-5) == "-0.05"


def test_amounts_of_one_unit_add_up() -> None:
    assert Amount(5) + Amount(7) - Amount(2) == Amount(10)
    assert -Amount(5, "LOMBOK") == Amount(-5, "LOMBOK")


def test_amounts_of_two_units_do_not_add_up() -> None:
    with pytest.raises(AmountError) as refusal:
        Amount(5) + Amount(7, "LOMBOK")
    assert refusal.value.code == "amount_mixed_units"


@pytest.mark.parametrize("minor", [1.0, True, "1"])
def test_an_amount_is_a_whole_number(minor: Any) -> None:
    with pytest.raises(TypeError):
        Amount(minor)


def test_an_amount_does_not_add_to_a_bare_number() -> None:
    bare: Any = 5
    with pytest.raises(TypeError):
        Amount(5) + bare
    with pytest.raises(TypeError):
        Amount(5) - bare


@pytest.mark.parametrize(
    ("net", "rate", "tax"),
    [
        (1000, 2100, 210),
        (50, 900, 5),  # 4.5 cents
        (-50, 900, -5),
        (49, 900, 4),  # 4.41 cents
        (1000, 0, 0),
        (1000, None, 0),
    ],
)
def test_tax_rounds_half_a_cent_away_from_zero(net: int, rate: int | None, tax: int) -> None:
    assert vat_on(net, rate) == tax


def test_tax_inside_a_price_is_found() -> None:
    assert contained_vat(12_100, 2100) == 2100
    assert contained_vat(-109, 900) == -9
    assert contained_vat(1090, None) == 0


def test_tax_is_rounded_once_per_rate_of_an_invoice() -> None:
    lines: list[tuple[int | None, int]] = [(900, 5), (2100, 100), (900, 5), (None, 70)]

    tax = invoice_vat(net_per_rate(lines))

    # Line by line the two fives at 9% would bear nothing; together 0.9 becomes 1.
    assert tax == {900: 1, 2100: 21, None: 0}


def test_zero_exempt_and_out_of_scope_are_three_things() -> None:
    assert category_of(900) is VatCategory.RATE
    assert category_of(0) is VatCategory.ZERO
    assert category_of(None) is VatCategory.EXEMPT
    assert category_of(None, is_in_scope=False) is VatCategory.OUT_OF_SCOPE
    assert [category.gives_input_tax for category in VatCategory] == [True, True, False, False]


def test_rates_change_on_their_dates() -> None:
    assert standard_rates_on(date(2018, 12, 31)) == {"high": 2100, "low": 600, "zero": 0}
    assert standard_rates_on(date(2019, 1, 1)) == {"high": 2100, "low": 900, "zero": 0}
    assert rate_on("lodging", date(2025, 12, 31)) == 900
    assert rate_on("lodging", date(2026, 1, 1)) == 2100
    assert rate_on("solar_panels_on_homes", date(2023, 1, 1)) == 0
    with pytest.raises(ValueError, match="2012-09-30"):
        standard_rates_on(date(2012, 9, 30))


def test_a_rate_is_a_whole_number_and_not_negative() -> None:
    rate: Any = 21.0
    with pytest.raises(TypeError):
        vat_on(100, rate)
    with pytest.raises(ValueError, match="negative"):
        contained_vat(100, -1)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-01", date(2026, 1, 1), date(2026, 2, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026-Q4", date(2026, 10, 1), date(2027, 1, 1)),
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_written_period_is_half_open(text: str, start: date, end: date) -> None:
    period = Period.parse(text)

    assert (period.start, period.end) == (start, end)
    assert start in period
    assert end not in period


@pytest.mark.parametrize("text", ["", "2026-13", "2026-00", "2026-1", "2026-Q5", "26-01", "x"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"period|month"):
        Period.parse(text)


def test_a_period_ends_after_it_starts_and_knows_no_hours() -> None:
    with pytest.raises(ValueError, match="ends after"):
        Period(date(2026, 1, 1), date(2026, 1, 1))
    with pytest.raises(TypeError):
        Period(datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 2))
    with pytest.raises(ValueError, match="quarter"):
        Period.quarter(2026, 0)


def test_periods_are_counted_in_days_and_months() -> None:
    winter = Period(date(2025, 12, 15), date(2026, 2, 2))

    assert len(Period.month(2024, 2)) == len(list(Period.month(2024, 2))) == 29
    assert [month.start.month for month in winter.months()] == [12, 1, 2]
    assert winter.overlap_days(Period.month(2026, 2)) == 1
    assert winter.overlap_days(Period.month(2026, 3)) == 0
    assert winter.intersection(Period.month(2026, 1)) == Period.month(2026, 1)
    assert winter.intersection(Period.month(2026, 3)) is None


def test_the_31st_falls_on_the_last_day_of_a_short_month() -> None:
    assert clamp_day(2026, 2, 31) == date(2026, 2, 28)
    assert clamp_day(2028, 2, 31) == date(2028, 2, 29)
    assert clamp_day(2026, 1, 31) == date(2026, 1, 31)
    with pytest.raises(ValueError, match="1 to 31"):
        clamp_day(2026, 1, 32)


def test_a_day_of_a_clock_change_has_23_or_25_hours() -> None:
    spring, autumn = (
        Period(day, date(day.year, day.month, day.day + 1)).instants(AMSTERDAM)
        for day in (date(2026, 3, 29), date(2026, 10, 25))
    )

    assert spring == (
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )
    assert autumn == (
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )


def test_a_midnight_that_does_not_exist_is_the_moment_of_the_change() -> None:
    # In São Paulo the clock went from 00:00 to 01:00 on 4 November 2018.
    midnight = midnight_utc(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))

    assert midnight == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_an_instant_falls_on_the_local_day() -> None:
    assert local_date(datetime(2026, 1, 31, 23, 30, tzinfo=UTC), AMSTERDAM) == date(2026, 2, 1)
    with pytest.raises(ValueError, match="timezone"):
        local_date(datetime(2026, 1, 31), AMSTERDAM)  # noqa: DTZ001  # the mistake itself
