"""Laws of matching: exact or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.payments.rules import (
    ContributionReference,
    Mismatch,
    contribution_reference,
    mismatch,
    read_contribution_reference,
)


@given(st.integers(2000, 2099), st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z"))
def test_a_reference_that_is_written_is_read_back(year: int, member_code: str) -> None:
    reference = contribution_reference(member_code, year)

    assert read_contribution_reference(reference) == ContributionReference(year, member_code)


@pytest.mark.parametrize("text", [None, "", "CONTR26", "CONTR26-", "contr26-L1", "XCONTR26-L1"])
def test_what_is_not_a_contribution_reference_is_not_guessed_at(text: str | None) -> None:
    assert read_contribution_reference(text) is None


@pytest.mark.parametrize(
    ("amount", "charged", "collected", "expected"),
    [
        (1250, 1250, 0, None),
        (-1250, 1250, 1250, None),
        (1250, 0, 0, Mismatch.NOT_CHARGED),
        (1249, 1250, 0, Mismatch.AMOUNT_DIFFERS),
        (-1251, 1250, 1250, Mismatch.AMOUNT_DIFFERS),
        (1250, 1250, 1250, Mismatch.COLLECTED_ALREADY),
        (-1250, 1250, 0, Mismatch.NOTHING_TO_RETURN),
    ],
)
def test_a_line_is_booked_only_on_an_open_charge_of_the_same_amount(
    amount: int, charged: int, collected: int, expected: Mismatch | None
) -> None:
    assert mismatch(amount, charged, collected) == expected
