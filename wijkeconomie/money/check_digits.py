"""Numbers with check digits in Dutch and European payments: IBAN, references, creditor ids.

python-stdnum does the arithmetic it knows; what is added here is the Dutch payment reference
(betalingskenmerk), the Dutch form of the creditor id, and an own code per mistake. Every
``validate_`` function returns the number as it is stored: without spaces, in capitals.
"""

from __future__ import annotations

import re

from stdnum import iban, iso11649
from stdnum.eu import at_02
from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError
from stdnum.iso7064 import mod_97_10

_KVK_NUMBER = re.compile(r"[0-9]{8}")
_IBAN_FORM = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}")
_DUTCH_IBAN_LENGTH = 18
_CREDITOR_ID_FORM = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}")
_DUTCH_CREDITOR_ID_FORM = re.compile(r"NL[0-9]{2}[A-Z0-9]{3}[0-9]{12}")
_CREDITOR_REFERENCE_FORM = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")

# From the right, repeating (Betaalvereniging Nederland, betalingskenmerk).
_REFERENCE_WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1)


class CheckDigitError(ValueError):
    """A number is mistyped or of the wrong kind.

    ``code`` is the kind of number and what is wrong with it: ``iban_format``
    ``iban_country`` ``iban_length`` ``iban_checksum`` ``payment_reference_format``
    ``payment_reference_length`` ``payment_reference_checksum`` ``creditor_id_format``
    ``creditor_id_checksum`` ``creditor_reference_format`` ``creditor_reference_checksum``
    ``kvk_format``. ``detail`` is a sentence for a person.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def validate_iban(text: str) -> str:
    """Check the country's form and the check digits of an IBAN.

    The old eleven test is not applied: it no longer holds for every Dutch account.

    Raises:
        CheckDigitError: ``iban_format`` ``iban_length`` ``iban_country`` ``iban_checksum``.
    """
    number = _compact(text)
    if not _IBAN_FORM.fullmatch(number):
        raise CheckDigitError("iban_format", "An IBAN looks like NL91 ABNA 0417 1643 00.")
    if number.startswith("NL") and len(number) != _DUTCH_IBAN_LENGTH:
        raise CheckDigitError("iban_length", "A Dutch IBAN has 18 characters.")
    try:
        iban.validate(number)
    except InvalidChecksum as error:
        raise CheckDigitError("iban_checksum", "This IBAN contains a typing error.") from error
    except InvalidComponent as error:
        raise CheckDigitError("iban_country", f"{number[:2]} has no IBANs.") from error
    except ValidationError as error:
        raise CheckDigitError(
            "iban_format", f"This is not how an IBAN of {number[:2]} looks."
        ) from error
    # Check digits 00, 01 and 99 satisfy the sum as well but are never issued.
    if iban.calc_check_digits(number) != number[2:4]:
        raise CheckDigitError("iban_checksum", "This IBAN contains a typing error.")
    return number


def validate_payment_reference(text: str) -> str:
    """Check a betalingskenmerk: 7 digits, or 9 to 14 or 16 with a check digit in front.

    With 9 to 14 digits the second one tells how many follow (the last digit of that count).

    Raises:
        CheckDigitError: ``payment_reference_format`` ``payment_reference_length``
            ``payment_reference_checksum``.
    """
    number = _compact(text)
    if not (number.isascii() and number.isdigit()):
        raise CheckDigitError("payment_reference_format", "A betalingskenmerk is all digits.")
    if len(number) == 7:
        return number
    if len(number) != 16 and not 9 <= len(number) <= 14:
        raise CheckDigitError(
            "payment_reference_length", "A betalingskenmerk has 7, 9 to 14 or 16 digits."
        )
    if len(number) != 16 and int(number[1]) != (len(number) - 2) % 10:
        raise CheckDigitError(
            "payment_reference_length", "The second digit does not tell how many follow."
        )
    if number[0] != _reference_check_digit(number[1:]):
        raise CheckDigitError(
            "payment_reference_checksum", "This betalingskenmerk contains a typing error."
        )
    return number


def make_payment_reference(number: int) -> str:
    """Build the betalingskenmerk of 16 digits for a number of at most 15.

    Raises:
        CheckDigitError: ``payment_reference_length`` for a negative or longer number.
    """
    if not 0 <= number < 10**15:
        raise CheckDigitError(
            "payment_reference_length", "A betalingskenmerk holds a number of 15 digits."
        )
    digits = f"{number:015d}"
    return _reference_check_digit(digits) + digits


def validate_creditor_id(text: str) -> str:
    """Check a SEPA creditor id (Incassant-ID); of a Dutch one the whole form.

    Raises:
        CheckDigitError: ``creditor_id_format`` ``creditor_id_checksum``.
    """
    number = _compact(text)
    form = _DUTCH_CREDITOR_ID_FORM if number.startswith("NL") else _CREDITOR_ID_FORM
    if not form.fullmatch(number):
        raise CheckDigitError(
            "creditor_id_format", "An Incassant-ID looks like NL32 ZZZ 99621890 0000."
        )
    if at_02.calc_check_digits(number) != number[2:4]:
        raise CheckDigitError("creditor_id_checksum", "This Incassant-ID contains a typing error.")
    return number


def make_creditor_id(kvk_number: str) -> str:
    """Build the Incassant-ID that belongs to a KvK number.

    Raises:
        CheckDigitError: ``kvk_format``.
    """
    body = f"ZZZ{validate_kvk_number(kvk_number)}0000"
    return f"NL{at_02.calc_check_digits(f'NL00{body}')}{body}"


def validate_kvk_number(text: str) -> str:
    """Check that a chamber of commerce number has 8 digits; it has no check digit.

    Raises:
        CheckDigitError: ``kvk_format``.
    """
    number = _compact(text)
    if not _KVK_NUMBER.fullmatch(number):
        raise CheckDigitError("kvk_format", "A KvK number has 8 digits.")
    return number


def validate_creditor_reference(text: str) -> str:
    """Check an ISO 11649 reference, ``RF`` with two check digits.

    Raises:
        CheckDigitError: ``creditor_reference_format`` ``creditor_reference_checksum``.
    """
    number = _compact(text)
    if not _CREDITOR_REFERENCE_FORM.fullmatch(number):
        raise CheckDigitError(
            "creditor_reference_format", "A reference looks like RF18 5390 0754 7034."
        )
    try:
        iso11649.validate(number)
    except ValidationError as error:
        raise CheckDigitError(
            "creditor_reference_checksum", "This reference contains a typing error."
        ) from error
    return number


def make_creditor_reference(reference: str) -> str:
    """Build the ISO 11649 reference for 1 to 21 letters and digits.

    Raises:
        CheckDigitError: ``creditor_reference_format``.
    """
    body = _compact(reference)
    if not _CREDITOR_REFERENCE_FORM.fullmatch(f"RF00{body}"):
        raise CheckDigitError(
            "creditor_reference_format", "A reference has 1 to 21 letters and digits."
        )
    return f"RF{mod_97_10.calc_check_digits(f'{body}RF')}{body}"


def _compact(text: str) -> str:
    return "".join(text.split()).upper()


def _reference_check_digit(digits: str) -> str:
    weighted = (
        int(digit) * _REFERENCE_WEIGHTS[position % len(_REFERENCE_WEIGHTS)]
        for position, digit in enumerate(reversed(digits))
    )
    check = 11 - sum(weighted) % 11
    return {10: "1", 11: "0"}.get(check, str(check))
