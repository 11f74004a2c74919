"""Use cases of payments that do not arrive: called off before the bank paid, or sent back after.

The money stays under way on the account of its run, so nothing that was booked is turned back: a
shop keeps the invoice of its fee, a grant stays granted. Another run orders the payment anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import ensure_account, post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.payments.models import PayeeKind, PayoutOrder, PayoutReturn
from wijkeconomie.payments.order_queries import Payee, payout_run
from wijkeconomie.payments.own_accounts import account_of
from wijkeconomie.payments.refusals import OrderCalledOffError, OrderSettledError

UNDERWAY = "payments_underway"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOff:
    """Call off a run, or one payment of it, that the bank has not paid and will not pay.

    ``reference`` is the end-to-end id of one payment; all that waits for the bank without it.
    """

    code: str
    reason: str
    reference: str | None = None


def call_off(uow: UnitOfWork, command: CallOff) -> int:
    """Note that payments will not be made; how many. What was called off before stays so.

    They wait to be ordered anew, and the file of the run is not given again.

    Raises:
        NotFoundError: no such run or payment.
        OrderSettledError: the bank has paid all of what was asked for.
        InvalidInputError: no reason.
    """
    require_permission(uow.identity, "payment.order")
    reason = _reason(command.reason)
    run = payout_run(uow.session, uow.tenant, command.code)
    asked = held_orders(uow, run.id, command.reference)
    waiting = [each for each in asked if each.settled_on is None]
    if not waiting:
        raise OrderSettledError(f"the bank has paid {command.code}", code=command.code)
    known = returned_orders(uow, run.id)
    new = [each for each in waiting if each.position not in known]
    uow.session.add_all(
        _noted(uow, each, reason, on=local_date(uow.now, LOCAL_TIME)) for each in new
    )
    uow.session.flush()
    if new:
        record_change(
            uow,
            subject=f"payout-run/{command.code}",
            action="called off",
            after={"payments": [each.end_to_end_id for each in new]},
            reason=reason,
        )
    return len(new)


def take_back(uow: UnitOfWork, code: str, reference: str, on: date, *, reason: str) -> int:
    """Book that the bank sent back a payment that it had made; the number of the entry.

    The same again answers with the first entry.

    Raises:
        NotFoundError: no such run or payment.
        OrderCalledOffError: it was called off, so the bank never made it.
        InvalidInputError: no reason, not paid yet, or a day before it was paid or to come.
        ClosedPeriodError.
    """
    require_permission(uow.identity, "payment.order")
    words = _reason(reason)
    run = payout_run(uow.session, uow.tenant, code)
    [order] = held_orders(uow, run.id, reference)
    earlier = returned_orders(uow, run.id).get(order.position)
    if earlier is not None:
        if earlier.entry_number is None:
            raise OrderCalledOffError(f"{reference} was called off", code=reference)
        return earlier.entry_number
    today = local_date(uow.now, LOCAL_TIME)
    if order.settled_on is None or not order.settled_on <= on <= today:
        raise InvalidInputError("choose a day since the bank paid", field="on")
    bank = ensure_account(uow, account_of(uow, run.debtor_iban, PayeeKind(run.kind).account_key))
    number = post_entry(
        uow,
        EntryDraft(
            accounting_date=on,
            kind="payout.returned",
            source=f"payout-run/{code}",
            description=f"The bank sent back {reference}",
            idempotency_key=f"payout-run/{code}/returned/{order.position}",
            postings=(
                debit(bank, order.cents),
                credit(ensure_account(uow, UNDERWAY, code), order.cents),
            ),
        ),
    ).number
    uow.session.add(_noted(uow, order, words, on=on, entry_number=number))
    uow.session.flush()
    return number


def order_anew(uow: UnitOfWork, code: str, payee: Payee, on: date) -> None:
    """Book that a run orders a payment that came back: from under way there to under way here."""
    if payee.came_back is None:
        raise AssertionError("only what came back is ordered anew")
    post_entry(
        uow,
        EntryDraft(
            accounting_date=on,
            kind="payout.renewed",
            source=f"payout-run/{code}",
            description=f"Ordered anew: {payee.came_back.reference}",
            idempotency_key=f"payout-run/{code}/anew/{payee.came_back.reference}",
            postings=(
                debit(ensure_account(uow, UNDERWAY, payee.came_back.run_code), payee.cents),
                credit(ensure_account(uow, UNDERWAY, code), payee.cents),
            ),
        ),
    )


def _reason(written: str) -> str:
    if not written.strip():
        raise InvalidInputError("say why", field="reason")
    return written.strip()


def held_orders(uow: UnitOfWork, run_id: int, reference: str | None) -> Sequence[PayoutOrder]:
    """The payments of a run, or one of them, held until the transaction ends.

    Raises:
        NotFoundError: the run has no payment with this reference.
    """
    found = uow.session.scalars(
        select(PayoutOrder)
        .where(PayoutOrder.cooperative_id == uow.tenant, PayoutOrder.run_id == run_id)
        .order_by(PayoutOrder.position)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    asked = [each for each in found if reference in {None, each.end_to_end_id}]
    if not asked:
        raise NotFoundError(f"there is no payment {reference}", code=reference)
    return asked


def returned_orders(uow: UnitOfWork, run_id: int) -> dict[int, PayoutReturn]:
    """What was called off or came back of a run, by the position of the payment."""
    rows = uow.session.scalars(
        select(PayoutReturn).where(
            PayoutReturn.cooperative_id == uow.tenant, PayoutReturn.run_id == run_id
        )
    )
    return {each.position: each for each in rows}


def _noted(
    uow: UnitOfWork, order: PayoutOrder, reason: str, *, on: date, entry_number: int | None = None
) -> PayoutReturn:
    return PayoutReturn(
        cooperative_id=uow.tenant,
        run_id=order.run_id,
        position=order.position,
        reason=reason,
        returned_on=on,
        entry_number=entry_number,
        noted_at=uow.now,
        noted_by=uow.actor,
    )
