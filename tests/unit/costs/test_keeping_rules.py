"""What a cost may look like that is written down: worked examples at the edges."""

from __future__ import annotations

from datetime import date

import pytest

from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.costs.keeping_rules import require_amounts, require_code, require_day

TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    ("net", "vat", "rate"),
    [
        (1000, 210, 2100),
        (1000, 215, 2100),  # rounded line by line
        (1000, 90, 2100),  # an invoice of two rates
        (1000, 0, 2100),
        (1000, 0, 0),
        (1000, 0, None),
        (-1000, -210, 2100),
        (0, 0, None),
    ],
)
def test_vat_that_an_invoice_can_have(net: int, vat: int, rate: int | None) -> None:
    require_amounts(net, vat, rate)


@pytest.mark.parametrize(
    ("net", "vat", "rate"),
    [
        (1000, 216, 2100),
        (1000, -210, 2100),
        (-1000, 210, 2100),
        (1000, 1, 0),
        (1000, 1, None),
        (10**13 + 1, 0, None),
    ],
)
def test_vat_that_no_invoice_can_have(net: int, vat: int, rate: int | None) -> None:
    with pytest.raises(InvalidInputError):
        require_amounts(net, vat, rate)


@pytest.mark.parametrize("code", ["HUUR-26-01", "a", "C01.K0001", "x" * 60])
def test_a_code_that_can_stand_in_an_address(code: str) -> None:
    require_code(code)


@pytest.mark.parametrize("code", ["", "HUUR/1", "huur 1", "-a", "a.", "é", "x" * 61])
def test_a_code_that_cannot(code: str) -> None:
    with pytest.raises(InvalidInputError):
        require_code(code)


@pytest.mark.parametrize(
    ("day", "recurs", "is_right"),
    [
        (date(2000, 1, 1), False, True),
        (date(1999, 12, 31), False, False),
        (date(2000, 1, 1), True, False),
        (date(2021, 6, 15), True, True),
        (date(2036, 6, 15), False, True),
        (date(2036, 6, 16), True, False),
        (date(202, 6, 15), True, False),
    ],
)
def test_days_that_are_no_slip_of_the_pen(day: date, *, recurs: bool, is_right: bool) -> None:
    if is_right:
        require_day(day, TODAY, recurs=recurs)
        return
    with pytest.raises(InvalidInputError):
        require_day(day, TODAY, recurs=recurs)
