"""Laws of amounts, tax and numbers with check digits."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.money.amounts import format_amount, format_plain, parse_amount
from wijkeconomie.money.check_digits import (
    CheckDigitError,
    make_creditor_id,
    make_payment_reference,
    validate_creditor_id,
    validate_payment_reference,
)
from wijkeconomie.money.vat import contained_vat, vat_on

cents = st.integers(min_value=-(10**13), max_value=10**13)
rates = st.integers(min_value=0, max_value=10_000)
locales: st.SearchStrategy[Literal["nl", "en"]] = st.sampled_from(["nl", "en"])


@given(amount=cents, locale=locales)
def test_a_written_amount_reads_back(amount: int, locale: Literal["nl", "en"]) -> None:
    assert parse_amount(format_amount(amount, locale)) == amount
    assert parse_amount(format_plain(amount)) == amount


@given(net=cents, rate=rates)
def test_tax_is_within_half_a_cent_and_mirrors(net: int, rate: int) -> None:
    tax = vat_on(net, rate)

    exact = Fraction(net * rate, 10_000)
    assert abs(tax - exact) <= Fraction(1, 2)
    assert vat_on(-net, rate) == -tax
    assert abs(tax) >= abs(exact) or abs(tax - exact) < Fraction(1, 2)


@given(net=cents, rate=rates)
def test_tax_added_to_a_net_amount_is_contained_in_the_gross(net: int, rate: int) -> None:
    tax = vat_on(net, rate)

    assert abs(contained_vat(net + tax, rate) - tax) <= 1


@given(number=st.integers(0, 10**15 - 1), position=st.integers(1, 15), step=st.integers(1, 9))
def test_a_payment_reference_with_a_changed_digit_is_mostly_refused(
    number: int, position: int, step: int
) -> None:
    made = make_payment_reference(number)
    changed_digit = str((int(made[position]) + step) % 10)
    changed = made[:position] + changed_digit + made[position + 1 :]

    # Two remainders share the check digits 0 and 1, so those can hide one change.
    if made[0] not in "01":
        with pytest.raises(CheckDigitError):
            validate_payment_reference(changed)


@given(kvk=st.from_regex(r"[0-9]{8}", fullmatch=True).filter(str.isascii))
def test_a_creditor_id_made_from_a_kvk_number_is_a_good_one(kvk: str) -> None:
    made = make_creditor_id(kvk)

    assert validate_creditor_id(made) == made
    assert kvk in made
