"""Use cases of redeeming vouchers: one request, or all that wait at once in one transaction.

The books are held first, so what is read is what will be booked: an answer is exact, whoever
pays at the same moment. That a voucher never passes zero the database holds once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.vouchers.answers import Answer, Asked, Redeem
from wijkeconomie.vouchers.desk import Desk
from wijkeconomie.vouchers.recording import record_redemptions


def redeem(uow: UnitOfWork, command: Redeem) -> Answer:
    """Pay a merchant, or record why not; a repeated request hears the first answer.

    An answer that tells ``expired`` or ``insufficient_balance`` must be committed like any
    other; ``require_accepted`` turns it into its refusal after that.

    Raises:
        UnknownVoucherError, WrongCooperativeError, MerchantNotAcceptedError,
        VoucherNotUsableYetError: nothing is recorded.
        PaymentCodeUsedError, PaymentCodeExpiredError, PaymentCodeLimitError: the same.
        IdempotencyKeyReusedError: the key belongs to another request.
        ClosedPeriodError, PermissionDeniedError, InvalidInputError.
    """
    [outcome] = redeem_together(uow, [Asked(uow.identity, command)])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def redeem_together(uow: UnitOfWork, asked: Sequence[Asked]) -> list[Answer | DomainError]:
    """Answer requests in their order, in one transaction: each its answer or its refusal.

    A refusal of one leaves the others as they are. Permissions are those of each identity.

    Raises:
        ClosedPeriodError: of one of them; none is booked.
    """
    desk = Desk(uow, asked)
    outcomes: list[Answer | DomainError] = []
    for each in asked:
        try:
            outcomes.append(desk.answer(each))
        except DomainError as refusal:
            outcomes.append(refusal)
    record_redemptions(uow, desk.taken.values())
    return outcomes
