"""Use cases of the money of a round: received, paid to carers, accounted for, paid back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import Row, text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import BulkEntryDraft, EntryDraft, credit, debit
from wijkeconomie.ledger.queries import account_balance, control_accounts, last_number
from wijkeconomie.ledger.service import (
    ensure_account,
    lock_books,
    party_accounts,
    post_bulk_entry,
    post_entry,
)
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.grant_models import GrantPayout, GrantRound, GrantState
from wijkeconomie.vouchers.grant_refusals import GrantAmountError
from wijkeconomie.vouchers.granting import (
    TO_SPEND,
    held_round,
    held_round_to_pay,
    require_state,
    round_accounts,
)
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers, issue_vouchers, new_code
from wijkeconomie.vouchers.models import PaidBy


@dataclass(frozen=True, slots=True)
class GrantMoney:
    """What the municipality owes still, and what is left to spend or to pay back, in cents."""

    to_receive_cents: int
    to_spend_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveGrantMoney(Command):
    """An amount that went from or to the municipality; the day is today without one."""

    round_code: str
    cents: int
    on: date | None = None


def grant_money(uow: UnitOfWork, code: str) -> GrantMoney:
    """How the two accounts of a round stand."""
    receivable, to_spend = round_accounts(uow, code)
    return GrantMoney(
        account_balance(uow.session, uow.tenant, receivable),
        -account_balance(uow.session, uow.tenant, to_spend),
    )


def receive_grant_money(uow: UnitOfWork, command: MoveGrantMoney) -> GrantMoney:
    """Book that the municipality paid, whole or in part.

    Raises:
        NotFoundError, InvalidInputError, ClosedPeriodError.
        GrantAmountError: more than it owes.
    """
    require_permission(uow.identity, "grant.change")
    if find_earlier_result(uow, command) is not None:
        return grant_money(uow, command.round_code)
    round_ = held_round(uow, command.round_code)
    _require_amount(command.cents, grant_money(uow, round_.code).to_receive_cents)
    receivable, _ = round_accounts(uow, round_.code)
    bank = ensure_account(uow, "bank")
    number = post_entry(
        uow,
        EntryDraft(
            accounting_date=command.on or local_date(uow.now, LOCAL_TIME),
            kind="grant.received",
            source=f"grant/{round_.code}",
            description=f"Carers' grants {round_.code} received",
            idempotency_key=f"grant/{round_.code}/received/{command.idempotency_key}",
            postings=(debit(bank, command.cents), credit(receivable, command.cents)),
        ),
    ).number
    remember(uow, command, result=number)
    return grant_money(uow, round_.code)


def _require_amount(cents: int, left: int) -> None:
    if cents <= 0:
        raise InvalidInputError("an amount is above zero", field="cents")
    if cents > left:
        raise GrantAmountError(f"{left} cents are left", left_cents=max(left, 0))


_GRANTED = text(
    """
select a.id, a.payout, a.granted_cents, a.member_id, m.code as member_code
from grant_application a
join member m on m.cooperative_id = a.cooperative_id and m.id = a.member_id
where a.cooperative_id = :cooperative_id and a.round_id = :round and a.state = 'granted'
order by a.id
"""
)
# One statement for all letters: a round has thousands.
_TELL = text(
    """
insert into outbox_message (cooperative_id, kind, event_key, payload, created_at, next_attempt_at)
select :cooperative_id, 'mail.grant-paid', 'grant/' || :code || '/paid/' || a.id,
  jsonb_build_object('application', a.id, 'ordered', cast(:ordered as boolean)), :now, :now
from unnest(cast(:ids as bigint[])) as a (id)
on conflict (cooperative_id, event_key) do nothing
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayGrants(Command):
    """Pay all that a round granted; what goes to bank accounts was transferred that day."""

    round_code: str
    on: date | None = None
    underway: str | None = None
    """The payout run that orders what goes to bank accounts."""


def pay_grants(uow: UnitOfWork, command: PayGrants) -> int:
    """Pay every grant of a decided round, in the way each carer chose; how much in all.

    Euros are one entry, vouchers another; all or nothing of both.

    Raises:
        NotFoundError, ClosedPeriodError.
        GrantStateError: the round was not decided, or paid before.
        BalanceLimitError: the round has less left than it granted.
    """
    require_permission(uow.identity, "grant.change")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    round_ = held_round_to_pay(uow, command.round_code)
    require_state(round_, GrantState.DECIDED)
    day = command.on or local_date(uow.now, LOCAL_TIME)
    rows = uow.session.execute(_GRANTED, {"cooperative_id": uow.tenant, "round": round_.id}).all()
    vouchers = [row for row in rows if row.payout == GrantPayout.VOUCHER]
    euros = [row for row in rows if row.payout != GrantPayout.VOUCHER]
    if euros:
        _pay_euros(uow, round_, euros, day, command.underway)
    if vouchers:
        _issue(uow, round_, vouchers, day)
    round_.state = GrantState.PAID
    uow.session.flush()
    total = int(sum(row.granted_cents for row in rows))
    record_change(
        uow, subject=f"grant_round/{round_.id}", action="paid", after={"paid_cents": total}
    )
    uow.session.execute(
        _TELL,
        {
            "cooperative_id": uow.tenant,
            "code": round_.code,
            "now": uow.now,
            "ordered": command.underway is not None,
            "ids": array_text(row.id for row in rows),
        },
    )
    remember(uow, command, result=total)
    return total


def _pay_euros(
    uow: UnitOfWork,
    round_: GrantRound,
    rows: list[Row[tuple[object, ...]]],
    day: date,
    underway: str | None,
) -> None:
    """Onto members' accounts, a debt to them from then on, or by bank as one sum."""
    owed: dict[str, int] = {}
    for row in rows:
        if row.payout == GrantPayout.ACCOUNT:
            owed[row.member_code] = owed.get(row.member_code, 0) + row.granted_cents
    total = sum(row.granted_cents for row in rows)
    spent_ids, spent_codes = party_accounts(uow, TO_SPEND, [round_.code])
    ids, codes = party_accounts(uow, "member_account", list(owed))
    columns = [
        (int(spent_ids[0]), spent_codes[0], total),
        *(
            (int(id_), code, -owed[member])
            for id_, code, member in zip(ids, codes, owed, strict=True)
        ),
    ]
    if by_bank := total - sum(owed.values()):
        if underway is None:
            code, id_ = control_accounts(uow.session, uow.tenant)["bank"]
        else:
            [ordered], [code] = party_accounts(uow, "payments_underway", [underway])
            id_ = int(ordered)
        columns.append((id_, code, -by_bank))
    draft = BulkEntryDraft(
        accounting_date=day,
        kind="grant.paid",
        source=f"grant/{round_.code}",
        description=f"Carers' grants {round_.code} paid",
        idempotency_key=f"grant/{round_.code}/paid",
        account_ids=np.array([id_ for id_, _, _ in columns], np.int64),
        account_codes=[code for _, code, _ in columns],
        amounts=np.array([amount for _, _, amount in columns], np.int64),
    )
    post_bulk_entry(uow, draft)


_SCHEME = text(
    "select code from voucher_scheme where cooperative_id = :cooperative_id and id = :id"
)
_ENDOW = text(
    "update voucher_fund set granted_minor = granted_minor + :total"
    " where cooperative_id = :cooperative_id and id = :id"
)
_NAME_VOUCHERS = text(
    "update grant_application a set voucher_code = v.code"
    " from unnest(cast(:ids as bigint[]), cast(:codes as text[])) as v (id, code)"
    " where a.cooperative_id = :cooperative_id and a.id = v.id"
)


def _issue(
    uow: UnitOfWork, round_: GrantRound, rows: list[Row[tuple[object, ...]]], day: date
) -> None:
    """Vouchers from the round's fund, which grants exactly what was decided."""
    total = sum(row.granted_cents for row in rows)
    values = {"cooperative_id": uow.tenant}
    uow.session.execute(_ENDOW, {**values, "id": round_.fund_id, "total": total})
    scheme = uow.session.scalars(_SCHEME, {**values, "id": round_.scheme_id}).one()
    codes = [new_code() for _ in rows]
    issue_vouchers(
        uow,
        IssueVouchers(
            idempotency_key=f"grant/{round_.code}",
            scheme_code=scheme,
            paid_by=PaidBy.FUND,
            fund_code=round_.code,
            issued_on=day,
            grants=tuple(
                Grant(member_id=row.member_id, face_minor=row.granted_cents, code=code)
                for row, code in zip(rows, codes, strict=True)
            ),
        ),
    )
    uow.session.execute(
        _NAME_VOUCHERS, {**values, "ids": array_text(row.id for row in rows), "codes": codes}
    )


def account_for_round(uow: UnitOfWork, code: str, *, on: date | None = None) -> GrantMoney:
    """Note that the municipality was told; what was not spent nor received is not owed any more.

    What was received and not spent stays as a debt to it, to be paid back. Vouchers that expire
    later come back to the round: account for it again, and pay that back too.

    Raises:
        NotFoundError, ClosedPeriodError.
        GrantStateError: the grants were not paid yet.
    """
    require_permission(uow.identity, "grant.change")
    round_ = held_round(uow, code)
    lock_books(uow)
    require_state(round_, GrantState.PAID, GrantState.ACCOUNTED)
    day = on or local_date(uow.now, LOCAL_TIME)
    stands = grant_money(uow, code)
    lapses = min(stands.to_receive_cents, stands.to_spend_cents)
    if lapses:
        receivable, to_spend = round_accounts(uow, code)
        draft = EntryDraft(
            accounting_date=day,
            kind="grant.lapsed",
            source=f"grant/{code}",
            description=f"Carers' grants {code} accounted for",
            # The books are held, so the number of the entry before this one is ours alone.
            idempotency_key=f"grant/{code}/lapsed/{last_number(uow.session, uow.tenant)}",
            postings=(debit(to_spend, lapses), credit(receivable, lapses)),
        )
        post_entry(uow, draft)
    if round_.state == GrantState.PAID:
        round_.state, round_.accounted_on = GrantState.ACCOUNTED, day
    uow.session.flush()
    record_change(uow, subject=f"grant_round/{round_.id}", action="accounted for")
    return grant_money(uow, code)


def repay_grant_money(uow: UnitOfWork, command: MoveGrantMoney) -> GrantMoney:
    """Book that unspent money was paid back to the municipality, after the accounting.

    Raises:
        NotFoundError, InvalidInputError, ClosedPeriodError.
        GrantStateError: the round was not accounted for.
        GrantAmountError: more than was received and not spent.
    """
    require_permission(uow.identity, "grant.change")
    if find_earlier_result(uow, command) is not None:
        return grant_money(uow, command.round_code)
    round_ = held_round(uow, command.round_code)
    require_state(round_, GrantState.ACCOUNTED)
    stands = grant_money(uow, round_.code)
    _require_amount(command.cents, stands.to_spend_cents - stands.to_receive_cents)
    _, to_spend = round_accounts(uow, round_.code)
    bank = ensure_account(uow, "bank")
    number = post_entry(
        uow,
        EntryDraft(
            accounting_date=command.on or local_date(uow.now, LOCAL_TIME),
            kind="grant.repaid",
            source=f"grant/{round_.code}",
            description=f"Carers' grants {round_.code} paid back",
            idempotency_key=f"grant/{round_.code}/repaid/{command.idempotency_key}",
            postings=(debit(to_spend, command.cents), credit(bank, command.cents)),
        ),
    ).number
    remember(uow, command, result=number)
    return grant_money(uow, round_.code)
