"""What vouchers refuse."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class UnknownVoucherError(DomainError):
    """There is no such voucher or payment code; look whether it was typed right."""

    code = "unknown-voucher"
    title = "No such voucher"


class VoucherExpiredError(DomainError):
    """The voucher's last day, which the context tells, has passed."""

    code = "voucher-expired"
    title = "The voucher has expired"


class VoucherNotUsableYetError(DomainError):
    """The voucher can be used from the day that the context tells: its payment may come back."""

    code = "voucher-not-usable-yet"
    title = "The voucher cannot be used yet"


class VoucherBalanceError(DomainError):
    """The vouchers hold less; ``short_cents`` tells by how much. Pay the rest in another way."""

    code = "voucher-balance"
    title = "The voucher does not hold enough"


class VoucherUsedError(DomainError):
    """Only a whole voucher is withdrawn: of this one something was used, passed on or expired."""

    code = "voucher-used"
    title = "Something of the voucher was used"


class OrderStateError(DomainError):
    """The order was paid or given up already; look how it stands."""

    code = "voucher-order-state"
    title = "The order is not open"


class EarmarkNarrowedError(DomainError):
    """Who holds vouchers of this kind got them for these shops too; make a new kind for fewer."""

    code = "earmark-narrowed"
    title = "Vouchers were issued for these shops"


class WrongCooperativeError(DomainError):
    """The voucher is of another cooperative, and is accepted by the merchants of that one."""

    code = "wrong-cooperative"
    title = "A voucher of another cooperative"


class MerchantNotAcceptedError(DomainError):
    """This merchant is not on the list of those where the voucher can be used."""

    code = "merchant-not-accepted"
    title = "The voucher is not for this merchant"


class PaymentCodeUsedError(DomainError):
    """The code paid before, or was withdrawn; make a new one, or take the next one on the sheet."""

    code = "payment-code-used"
    title = "The payment code was used"


class PaymentCodeExpiredError(DomainError):
    """The code on the phone is too old; make a new one."""

    code = "payment-code-expired"
    title = "The payment code is too old"


class PaymentCodeLimitError(DomainError):
    """More than the member agreed to when the code was made; the context tells the maximum."""

    code = "payment-code-limit"
    title = "More than the payment code allows"


class NotTransferableError(DomainError):
    """Vouchers of this kind are for the member himself, or the other one is no member."""

    code = "not-transferable"
    title = "The voucher cannot be passed on"


class FundExhaustedError(DomainError):
    """The fund has less left than the vouchers come to; nothing was issued."""

    code = "fund-exhausted"
    title = "The fund does not have enough left"


class RefundTooLargeError(DomainError):
    """More than was redeemed and not refunded yet; the context tells what is left."""

    code = "refund-too-large"
    title = "More than was paid"


class NothingToPayOutError(DomainError):
    """Nothing is owed to the merchant, so there is nothing to pay."""

    code = "nothing-to-pay-out"
    title = "Nothing to pay out"


class VoucherCodeTakenError(DomainError):
    """Another voucher, kind of voucher, fund or merchant has this code; choose one of your own."""

    code = "voucher-code-taken"
    title = "This code is in use"
