"""Bank lines that pay for vouchers that a member ordered, found by the reference of the order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.service import lock_books
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.payments.own_accounts import MAIN, VOUCHERS, account_of
from wijkeconomie.payments.rules import Mismatch
from wijkeconomie.vouchers.buying import held_order, receive_order
from wijkeconomie.vouchers.order_models import OrderState


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """Whose order a line paid, and the entry by which the vouchers were issued."""

    member_id: int
    entry_number: int


def pay_voucher_order(
    uow: UnitOfWork, reference: str, *, cents: int, on: date, account_iban: str
) -> PaidOrder | Mismatch:
    """Issue vouchers by the reference of their order, or tell why a person has to look.

    Nothing is guessed: the order waits for its payment, the amount is its own to the cent, and
    the day is not before it was ordered. What comes in on another account than that of vouchers
    has yet to be moved there.

    Raises:
        ClosedPeriodError: the month of the day is closed.
    """
    lock_books(uow)  # an order is held after the books: several lines share a transaction
    try:
        order = held_order(uow, reference.strip().upper())
    except NotFoundError:
        return Mismatch.REFERENCE_UNKNOWN
    if cents < 0:
        return Mismatch.NOTHING_TO_RETURN
    if cents != order.cents:
        return Mismatch.AMOUNT_DIFFERS
    is_in_time = order.ordered_on <= on <= local_date(uow.now, LOCAL_TIME)
    if order.state != OrderState.OPEN or not is_in_time:
        return Mismatch.NO_ORDER_WAITS
    is_apart = account_of(uow, account_iban, MAIN) == VOUCHERS
    number = receive_order(uow, order.code, on, is_apart=is_apart)
    return PaidOrder(order.member_id, number)
