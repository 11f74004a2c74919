"""Requests to redeem, and their answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from wijkeconomie.core.identity import Identity
from wijkeconomie.vouchers.refusals import VoucherBalanceError, VoucherExpiredError
from wijkeconomie.vouchers.rules import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem:
    """Pay a merchant by a voucher's code, by a payment code, or from a member's wallet.

    Exactly one of ``voucher_code``, ``payment_code`` and ``holder_id`` is given.
    ``on`` and ``code`` are for what happened elsewhere: its day, and its number there.
    """

    idempotency_key: str
    merchant_code: str
    amount_minor: int
    voucher_code: str | None = None
    payment_code: str | None = None
    holder_id: int | None = None
    unit: str = "EUR"
    on: date | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with who makes it."""

    identity: Identity
    command: Redeem

    @property
    def key(self) -> tuple[str, str]:
        """What names the request: keys are per actor."""
        return self.identity.actor, self.command.idempotency_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of an attempt, the first time and each time it is repeated.

    ``balance_after_minor`` is what the voucher holds after it, or without a voucher's code what
    the member can still pay this merchant.
    """

    code: str
    merchant_code: str
    merchant_name: str
    voucher_code: str | None
    holder_id: int
    unit: str
    amount_minor: int
    redeemed_on: date
    refusal: str | None
    balance_after_minor: int
    is_replay: bool = False

    @property
    def is_accepted(self) -> bool:
        """Whether the merchant is paid."""
        return self.refusal is None


def require_accepted(answer: Answer) -> Answer:
    """The answer, if the merchant is paid.

    Raises:
        VoucherExpiredError, VoucherBalanceError: as it tells.
    """
    if answer.refusal == Refusal.EXPIRED:
        raise VoucherExpiredError("the voucher has expired", redemption=answer.code)
    if answer.refusal == Refusal.INSUFFICIENT_BALANCE:
        held = answer.balance_after_minor
        short = answer.amount_minor - held
        raise VoucherBalanceError(
            f"the voucher holds {held}, which is {short} too little",
            redemption=answer.code,
            balance_cents=held,
            short_cents=short,
            unit=answer.unit,
        )
    return answer


def secret_of(payment_code: str) -> str:
    """The secret part of a payment code, however it was typed."""
    secret = payment_code.rpartition(".")[2]
    return "".join(letter for letter in secret.upper() if letter.isalnum())


def prefix_of(payment_code: str) -> str:
    """The code of the cooperative in a payment code; empty when it was left out."""
    return payment_code.rpartition(".")[0].strip()


def code_hash(cooperative_id: int, payment_code: str) -> str:
    """What is kept of a payment code."""
    return hashlib.sha256(f"{cooperative_id}/{secret_of(payment_code)}".encode()).hexdigest()
