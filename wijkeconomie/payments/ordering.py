"""Use cases of payout runs: order what is owed at the bank in one file, and settle what it paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import func, select, text

from wijkeconomie.budgets.holding import MoveCareMoney, pay_carer
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.leaving import PayMember, pay_member
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import (
    ensure_account,
    lock_books,
    open_books,
    post_entry,
    set_balance_limit,
)
from wijkeconomie.money.check_digits import CheckDigitError, validate_iban
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.payments.models import PayeeKind, PayoutOrder, PayoutRun
from wijkeconomie.payments.order_queries import Payee, payees, payout_run
from wijkeconomie.payments.own_accounts import account_of, note_account
from wijkeconomie.payments.refusals import (
    NothingToOrderError,
    OrderCalledOffError,
    OrderSettledError,
)
from wijkeconomie.payments.returning import UNDERWAY, held_orders, order_anew, returned_orders
from wijkeconomie.vouchers import queries as voucher_queries
from wijkeconomie.vouchers.grant_money import PayGrants, pay_grants
from wijkeconomie.vouchers.paying_out import PayOut, pay_out


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeRun(Command):
    """Order payments at the bank from one of our accounts on a day.

    ``parties`` are whom to pay of that kind, and references of payments that came back and are
    ordered anew; ``None``: all of whom an account is known. Of a round of grants always all.
    """

    kind: PayeeKind
    debtor_iban: str
    execute_on: date
    parties: tuple[str, ...] | None = None
    round_code: str | None = None


def make_run(uow: UnitOfWork, command: MakeRun) -> str:
    """Order all that chosen payees are owed, and what came back; returns the code of the run.

    What was owed is under way from now on, and is not ordered a second time. A merchant's fee is
    invoiced as in any payout. The file of the run goes to the bank; a bank line settles it.

    Raises:
        InvalidInputError: no bank account of ours, a day before today, or someone who is owed
            nothing or of whom no account is known.
        NothingToOrderError: nobody can be paid.
        ClosedPeriodError; of grants as ``pay_grants``.
    """
    require_permission(uow.identity, "payment.order")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return earlier
    today = local_date(uow.now, LOCAL_TIME)
    iban = _own_account(command, today)
    lock_books(uow)
    chosen = _chosen(uow, command)
    number = _next_number(uow)
    letter = "W" if command.kind is PayeeKind.MERCHANT else "U"
    code = f"{letter}{today.year % 100:02d}-{number:04d}"
    open_books(uow, load_chart())  # books of an earlier time lack the account of what is under way
    set_balance_limit(uow, ensure_account(uow, UNDERWAY, code), maximum=0)
    note_account(uow, iban, command.kind.account_key)
    orders = _book(uow, command, code, chosen, today)
    if not orders:
        raise NothingToOrderError("nothing goes to a bank account")
    run = PayoutRun(
        cooperative_id=uow.tenant,
        number=number,
        code=code,
        kind=command.kind.value,
        debtor_iban=iban,
        execute_on=command.execute_on,
        made_at=uow.now,
        made_by=uow.actor,
    )
    uow.session.add(run)
    uow.session.flush()
    _write(uow, run, orders)
    remember(uow, command, result=code)
    return code


def _write(uow: UnitOfWork, run: PayoutRun, orders: Sequence[tuple[Payee, str]]) -> None:
    uow.session.add_all(
        PayoutOrder(
            cooperative_id=uow.tenant,
            run_id=run.id,
            position=position,
            end_to_end_id=f"{run.code}-{position:03d}",
            party=payee.party,
            name=payee.name,
            iban=payee.iban,
            cents=payee.cents,
            purpose=purpose,
            replaces_run_id=payee.came_back.run_id if payee.came_back else None,
            replaces_position=payee.came_back.position if payee.came_back else None,
        )
        for position, (payee, purpose) in enumerate(orders, start=1)
    )
    uow.session.flush()


def _own_account(command: MakeRun, today: date) -> str:
    if command.execute_on < today:
        raise InvalidInputError("a bank pays today or later", field="execute_on")
    try:
        return validate_iban(command.debtor_iban)
    except CheckDigitError as error:
        raise InvalidInputError("this is not a bank account", field="debtor_iban") from error


def _chosen(uow: UnitOfWork, command: MakeRun) -> list[Payee]:
    found = payees(uow.session, uow.tenant, command.kind, command.round_code)
    if command.round_code is not None:
        # They are booked as paid together, so none of them can wait for his account.
        if any(payee.iban is None for payee in found):
            raise InvalidInputError("a carer's bank account is not known", field="parties")
        return found
    known = {payee.choice: payee for payee in found if payee.iban is not None}
    wanted = tuple(known) if command.parties is None else command.parties
    if not wanted:
        raise NothingToOrderError("nobody is owed anything, or no account is known")
    if len(set(wanted)) != len(wanted) or not set(wanted) <= set(known):
        raise InvalidInputError("choose from those who can be paid", field="parties")
    return [payee for payee in known.values() if payee.choice in set(wanted)]


def _next_number(uow: UnitOfWork) -> int:
    last = uow.session.scalar(
        select(func.max(PayoutRun.number)).where(PayoutRun.cooperative_id == uow.tenant)
    )
    return (last or 0) + 1


def _book(
    uow: UnitOfWork, command: MakeRun, code: str, chosen: list[Payee], today: date
) -> list[tuple[Payee, str]]:
    """Book each payment as under way, by the use case of its kind; what goes to whom, and why."""
    if command.round_code is not None:
        grants = PayGrants(idempotency_key=code, round_code=command.round_code, underway=code)
        pay_grants(uow, grants)
        return [(payee, f"Mantelzorgwaardering {command.round_code}") for payee in chosen]
    return [
        (replace(payee, cents=cents), purpose)
        for payee in chosen
        for cents, purpose in [_book_one(uow, command.kind, code, payee, today)]
        if cents
    ]


def _book_one(
    uow: UnitOfWork, kind: PayeeKind, code: str, payee: Payee, today: date
) -> tuple[int, str]:
    key = f"{code}/{payee.party}"
    if payee.came_back is not None:
        order_anew(uow, code, payee, today)
        return payee.cents, payee.came_back.purpose
    if kind is PayeeKind.MERCHANT:
        number = pay_out(
            uow,
            PayOut(idempotency_key=key, merchant_code=payee.party, paid_on=today, underway=code),
        )
        paid = voucher_queries.payout(uow.session, uow.tenant, number)
        return paid.paid_cents, f"Wijkmunt, uitbetaling {number}"
    if kind is PayeeKind.CARER:
        pay_carer(
            uow,
            MoveCareMoney(
                idempotency_key=key, alias=payee.party, cents=payee.cents, on=today, underway=code
            ),
        )
        return payee.cents, f"Uitbetaling {payee.party}"
    pay_member(
        uow,
        PayMember(
            idempotency_key=key,
            member_code=payee.party,
            cents=payee.cents,
            paid_on=today,
            underway=code,
        ),
    )
    return payee.cents, f"Uitbetaling aan lid {payee.party}"


def settle_run(uow: UnitOfWork, code: str, on: date, *, reference: str | None = None) -> int | None:
    """Book that the bank paid a run or one payment of it; the number of the entry.

    ``None`` when that was booked before. Name and account of carers' grants are erased.

    Args:
        reference: the end-to-end id of one payment; all that is left of the run without it.

    Raises:
        NotFoundError: no such run or payment.
        OrderCalledOffError: it was called off.
        InvalidInputError: a day before the run was made, or to come.
        ClosedPeriodError.
    """
    require_permission(uow.identity, "payment.order")
    run = payout_run(uow.session, uow.tenant, code)
    made_on = local_date(run.made_at, LOCAL_TIME)
    if not made_on <= on <= local_date(uow.now, LOCAL_TIME):
        raise InvalidInputError("choose a day since the run was made", field="on")
    asked = held_orders(uow, run.id, reference)
    called_off = returned_orders(uow, run.id)
    waiting = [each for each in asked if each.settled_on is None]
    open_ = [each for each in waiting if each.position not in called_off]
    if not open_:
        if waiting:
            raise OrderCalledOffError(f"{reference or code} was called off", code=code)
        return None
    cents = sum(each.cents for each in open_)
    bank = ensure_account(uow, account_of(uow, run.debtor_iban, PayeeKind(run.kind).account_key))
    number = post_entry(
        uow,
        EntryDraft(
            accounting_date=on,
            kind="payout.settled",
            source=f"payout-run/{code}",
            description=f"The bank paid {reference or code}",
            idempotency_key=f"payout-run/{code}/settled/{open_[0].position}",
            postings=(debit(ensure_account(uow, UNDERWAY, code), cents), credit(bank, cents)),
        ),
    ).number
    for each in open_:
        each.settled_on, each.entry_number = on, number
        if run.kind == PayeeKind.GRANT:
            each.name = each.iban = None
    uow.session.flush()
    return number


def open_cents(uow: UnitOfWork, reference: str) -> int:
    """What a reference of a run or of a payment still waits for; 0 when nothing does."""
    return int(
        uow.session.scalar(
            text(
                "select coalesce(sum(o.cents), 0) from payout_order o join payout_run r"
                " on r.cooperative_id = o.cooperative_id and r.id = o.run_id"
                " where o.cooperative_id = :id and o.settled_on is null and not exists (select"
                " from payout_return b where b.cooperative_id = o.cooperative_id"
                " and b.run_id = o.run_id and b.position = o.position)"
                " and :reference in (r.code, o.end_to_end_id)"
            ),
            {"id": uow.tenant, "reference": reference},
        )
        or 0
    )


def require_open(uow: UnitOfWork, code: str) -> None:
    """Refuse when any of a run was paid or called off: then its file must not be sent again.

    Raises:
        NotFoundError, OrderSettledError, OrderCalledOffError.
    """
    run = payout_run(uow.session, uow.tenant, code)
    if run.settled_cents:
        raise OrderSettledError(f"the bank has paid {code}", code=code)
    if run.called_off_cents:
        raise OrderCalledOffError(f"{code} was called off", code=code)
