"""Numbers with check digits: published examples, made-up ones, and typing errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wijkeconomie.money.check_digits import (
    CheckDigitError,
    make_creditor_id,
    make_creditor_reference,
    make_payment_reference,
    validate_creditor_id,
    validate_creditor_reference,
    validate_iban,
    validate_kvk_number,
    validate_payment_reference,
)


@pytest.mark.parametrize(
    ("validate", "text", "stored"),
    [
        (validate_iban, "nl91 abna 0417 1643 00", "NL91ABNA0417164300"),
        (validate_iban, "NL02ABNA0123456789", "NL02ABNA0123456789"),
        (validate_iban, "NL55RABO0607442650", "NL55RABO0607442650"),
        (validate_iban, "BE31435411161155", "BE31435411161155"),
        (validate_payment_reference, "5000 0567 8901 2345", "5000056789012345"),
        (validate_payment_reference, "12 2345 3462 2567", "12234534622567"),
        (validate_payment_reference, "1234567", "1234567"),
        (validate_creditor_id, "NL32 ZZZ 99621890 0000", "NL32ZZZ996218900000"),
        (validate_creditor_id, "NL06ZZZ990738920000", "NL06ZZZ990738920000"),
        (validate_creditor_id, "ES23ZZZ47690558N", "ES23ZZZ47690558N"),
        (validate_creditor_reference, "RF18 5390 0754 7034", "RF18539007547034"),
        (validate_kvk_number, "9962 1890", "99621890"),
    ],
)
def test_a_good_number_is_stored_without_spaces(
    validate: Callable[[str], str], text: str, stored: str
) -> None:
    assert validate(text) == stored


@pytest.mark.parametrize(
    ("validate", "text", "code"),
    [
        (validate_iban, "", "iban_format"),
        (validate_iban, "NL91-ABNA-0417", "iban_format"),
        (validate_iban, "NL91ABNA041716430", "iban_length"),
        (validate_iban, "NL92ABNA0417164300", "iban_checksum"),
        (validate_iban, "XX62ABNA0417164300", "iban_country"),
        (validate_iban, "NL87000A0417164300", "iban_format"),
        (validate_payment_reference, "12345678a", "payment_reference_format"),
        (validate_payment_reference, "١٢٣٤٥٦٧", "payment_reference_format"),
        (validate_payment_reference, "12345678", "payment_reference_length"),
        (validate_payment_reference, "123456789012345", "payment_reference_length"),
        (validate_payment_reference, "13234534622567", "payment_reference_length"),
        (validate_payment_reference, "5000056789012354", "payment_reference_checksum"),
        (validate_creditor_id, "NL32ZZZ99621890", "creditor_id_format"),
        (validate_creditor_id, "NL33ZZZ996218900000", "creditor_id_checksum"),
        (validate_creditor_reference, "RF1", "creditor_reference_format"),
        (validate_creditor_reference, "RF17539007547034", "creditor_reference_checksum"),
        (validate_kvk_number, "1234567", "kvk_format"),
        (make_creditor_id, "1234567X", "kvk_format"),
        (make_creditor_reference, "A" * 22, "creditor_reference_format"),
        (make_creditor_reference, "", "creditor_reference_format"),
    ],
)
def test_a_wrong_number_is_refused_for_its_own_reason(
    validate: Callable[[str], str], text: str, code: str
) -> None:
    with pytest.raises(CheckDigitError) as refusal:
        validate(text)
    assert refusal.value.code == code
    assert refusal.value.detail


def test_check_digits_that_are_never_issued_are_refused() -> None:
    # Adding 97 to check digits 02 gives 99, which satisfies the sum as well.
    assert validate_iban("NL02ABNA0123456789")
    with pytest.raises(CheckDigitError) as refusal:
        validate_iban("NL99ABNA0123456789")
    assert refusal.value.code == "iban_checksum"


def test_a_creditor_id_follows_from_the_kvk_number() -> None:
    assert make_creditor_id("99621890") == "NL32ZZZ996218900000"


@pytest.mark.parametrize("number", [0, -1, 56789012345, 10**15 - 1, 10**15])
def test_a_made_payment_reference_is_a_good_one(number: int) -> None:
    if 0 <= number < 10**15:
        made = make_payment_reference(number)
        assert validate_payment_reference(made) == made
        assert int(made[1:]) == number
    else:
        with pytest.raises(CheckDigitError):
            make_payment_reference(number)


def test_a_made_creditor_reference_is_a_good_one() -> None:
    made = make_creditor_reference("c01 round 17")

    assert made.endswith("C01ROUND17")
    assert validate_creditor_reference(made) == made
