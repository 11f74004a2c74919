"""Use cases of members who buy vouchers: order, give up, and what a bank line pays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers, issue_vouchers, new_code
from wijkeconomie.vouchers.keeping import scheme_by_code
from wijkeconomie.vouchers.models import PaidBy, VoucherScheme
from wijkeconomie.vouchers.order_models import OrderState, VoucherOrder
from wijkeconomie.vouchers.paying_out import MoveCover, move_cover
from wijkeconomie.vouchers.refusals import OrderStateError

MOST_CENTS = 100_000
"""The most of one order; who wants more orders again, or comes to the desk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderVouchers(Command):
    """So much of a kind for a member, who pays by bank."""

    member_id: int
    scheme_code: str
    cents: int


def order_vouchers(uow: UnitOfWork, command: OrderVouchers) -> str:
    """Order vouchers; returns the reference to pay by. Nothing is booked or issued yet.

    Raises:
        PermissionDeniedError: for someone else, without being the treasurer.
        NotFoundError: no such kind, or it is not for sale; he is no member any more.
        InvalidInputError: no amount, or more than one order can be.
    """
    _require_own(uow, command.member_id)
    if (earlier := find_earlier_result(uow, command)) is not None:
        return earlier
    scheme = scheme_by_code(uow, command.scheme_code)
    if not scheme.is_for_sale:
        raise NotFoundError(f"kind {scheme.code} is not for sale", code=scheme.code)
    if not 0 < command.cents <= MOST_CENTS:
        raise InvalidInputError(f"order 1 to {MOST_CENTS} cents", field="cents")
    today = local_date(uow.now, LOCAL_TIME)
    member = uow.session.get(Member, (uow.tenant, command.member_id))
    if member is None or (member.left_on is not None and member.left_on < today):
        raise NotFoundError("there is no such member")
    order = VoucherOrder(
        cooperative_id=uow.tenant,
        code=f"WM-{new_code(7)}",
        member_id=member.id,
        scheme_id=scheme.id,
        cents=command.cents,
        state=OrderState.OPEN,
        ordered_on=today,
        ordered_at=uow.now,
    )
    uow.session.add(order)
    uow.session.flush()
    remember(uow, command, result=order.code)
    return order.code


def give_up_order(uow: UnitOfWork, code: str) -> None:
    """Give an order up that was not paid; a payment that comes in later waits for a person.

    Raises:
        NotFoundError: there is none.
        OrderStateError: it was paid, or given up before.
        PermissionDeniedError: it is someone else's.
    """
    order = held_order(uow, code)
    _require_own(uow, order.member_id)
    if order.state != OrderState.OPEN:
        raise OrderStateError(f"order {code} is {order.state}", state=order.state)
    order.state = OrderState.GIVEN_UP
    uow.session.flush()
    record_change(uow, subject=f"voucher_order/{order.id}", action="given up")


def receive_order(uow: UnitOfWork, code: str, paid_on: date, *, is_apart: bool) -> int:
    """Issue what was ordered, on the day on which the bank received it; the entry's number.

    Who calls this holds the books. Vouchers are booked across the bank account of vouchers; what
    came in on the ordinary one is booked over, and the meter of cover asks to move it.

    Args:
        is_apart: whether the money is on the bank account of vouchers.

    Raises:
        NotFoundError, OrderStateError, ClosedPeriodError.
    """
    require_permission(uow.identity, "voucher.issue")
    order = held_order(uow, code)
    if order.state != OrderState.OPEN:
        raise OrderStateError(f"order {code} is {order.state}", state=order.state)
    scheme = uow.session.get_one(VoucherScheme, (uow.tenant, order.scheme_id))
    voucher_code = new_code()
    number = issue_vouchers(
        uow,
        IssueVouchers(
            idempotency_key=f"order/{code}",
            scheme_code=scheme.code,
            paid_by=PaidBy.BANK,
            issued_on=paid_on,
            grants=(Grant(member_id=order.member_id, face_minor=order.cents, code=voucher_code),),
        ),
    )
    if not is_apart:
        moved = MoveCover(
            idempotency_key=f"order/{code}/arrived", amount_cents=-order.cents, moved_on=paid_on
        )
        move_cover(uow, moved)
    order.state, order.paid_on = OrderState.PAID, paid_on
    order.entry_number, order.voucher_code = number, voucher_code
    uow.session.flush()
    return number


def held_order(uow: UnitOfWork, code: str) -> VoucherOrder:
    """An order, held until the transaction ends.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = uow.session.scalar(
        select(VoucherOrder)
        .where(VoucherOrder.cooperative_id == uow.tenant, VoucherOrder.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(f"there is no order {code}", code=code)
    return found


def _require_own(uow: UnitOfWork, member_id: int) -> None:
    if may(uow.identity, "voucher.change"):
        return
    require_permission(uow.identity, "voucher.use")
    if uow.identity.member_id != member_id:
        raise PermissionDeniedError(
            "someone buys for himself", permission="voucher.change", roles="treasurer"
        )
