"""Use cases of a round of carers' grants: set up, open, close, decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.batches import PartyKnownError, open_new_accounts
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.queries import control_codes
from wijkeconomie.ledger.service import ensure_account, open_books, post_entry, set_balance_limit
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.accounts import open_voucher_accounts
from wijkeconomie.vouchers.entry_rules import EURO
from wijkeconomie.vouchers.grant_models import GrantRefusal, GrantRound, GrantState
from wijkeconomie.vouchers.grant_refusals import GrantStateError
from wijkeconomie.vouchers.grant_rules import Application, BudgetRule, GrantTerms, share_out
from wijkeconomie.vouchers.keeping import flush_or_refuse, scheme_by_code
from wijkeconomie.vouchers.models import VoucherFund
from wijkeconomie.vouchers.refusals import VoucherCodeTakenError

RECEIVABLE = "subsidy_receivable"
TO_SPEND = "subsidies"
KEEP_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveGrantRound:
    """A round as its municipality asks for it; ``scheme_code`` is the kind of voucher it pays."""

    code: str
    name: str
    grantor: str
    budget_cents: int
    person_cap_cents: int
    opens_on: date
    closes_on: date
    carer_cap_cents: int | None = None
    carer_limit: int | None = None
    is_one_per_carer: bool = True
    budget_rule: BudgetRule = BudgetRule.PRO_RATA
    pays_to_account: bool = True
    pays_to_bank: bool = False
    scheme_code: str | None = None
    keep_days: int = KEEP_DAYS


def save_grant_round(uow: UnitOfWork, command: SaveGrantRound) -> int:
    """Set up a round and book what the municipality awards; returns its id.

    The round gets a voucher fund with its code. The fund grants nothing yet, so that nothing can
    be given from it but what the round decides.

    Raises:
        InvalidInputError: no amount, a window that ends before it begins, no way of paying.
        NotFoundError: no such kind of voucher.
        VoucherCodeTakenError: a fund, a round or a subsidy has the code.
        ClosedPeriodError: the month of today is closed.
    """
    require_permission(uow.identity, "grant.change")
    scheme = scheme_by_code(uow, command.scheme_code) if command.scheme_code else None
    _check(command)
    if scheme is not None and scheme.unit != EURO:
        raise InvalidInputError("a grant is paid in euro", field="scheme_code")
    open_voucher_accounts(uow, EURO)
    fund = VoucherFund(
        cooperative_id=uow.tenant,
        code=command.code,
        name=command.name,
        grantor=command.grantor,
        granted_minor=0,
    )
    uow.session.add(fund)
    flush_or_refuse(uow, command.code)
    _open_accounts(uow, command.code)
    round_ = _new_round(uow, command, fund_id=fund.id, scheme_id=scheme.id if scheme else None)
    uow.session.add(round_)
    flush_or_refuse(uow, command.code)
    _book_award(uow, round_)
    record_change(uow, subject=f"grant_round/{round_.id}", action="set up")
    return round_.id


def _new_round(
    uow: UnitOfWork, command: SaveGrantRound, *, fund_id: int, scheme_id: int | None
) -> GrantRound:
    return GrantRound(
        cooperative_id=uow.tenant,
        code=command.code,
        name=command.name,
        grantor=command.grantor,
        year=command.opens_on.year,
        fund_id=fund_id,
        budget_cents=command.budget_cents,
        person_cap_cents=command.person_cap_cents,
        carer_cap_cents=command.carer_cap_cents,
        carer_limit=command.carer_limit,
        is_one_per_carer=command.is_one_per_carer,
        budget_rule=command.budget_rule,
        opens_on=command.opens_on,
        closes_on=command.closes_on,
        pays_to_account=command.pays_to_account,
        pays_to_bank=command.pays_to_bank,
        scheme_id=scheme_id,
        keep_days=command.keep_days,
        state=GrantState.PLANNED,
        created_at=uow.now,
        created_by=uow.actor,
    )


def _check(command: SaveGrantRound) -> None:
    if command.budget_cents <= 0:
        raise InvalidInputError("a budget is above zero", field="budget_cents")
    if command.person_cap_cents <= 0:
        raise InvalidInputError("a cap is above zero", field="person_cap_cents")
    if command.carer_cap_cents is not None and command.carer_cap_cents <= 0:
        raise InvalidInputError("a cap is above zero", field="carer_cap_cents")
    if command.carer_limit is not None and command.carer_limit < 1:
        raise InvalidInputError("one carer at least", field="carer_limit")
    if command.closes_on < command.opens_on:
        raise InvalidInputError("the last day is not before the first", field="closes_on")
    if not (command.pays_to_account or command.pays_to_bank or command.scheme_code):
        raise InvalidInputError("say how a grant is paid", field="payouts")
    if command.keep_days < 0:
        raise InvalidInputError("days are not negative", field="keep_days")


def _open_accounts(uow: UnitOfWork, code: str) -> None:
    """Open the accounts of a round, which nothing else has: no subsidy and no other fund.

    Who sets up another one with this code at the same moment waits, and finds it taken.
    """
    if RECEIVABLE not in control_codes(uow.session, uow.tenant):
        open_books(uow, load_chart())
    try:
        for key in (RECEIVABLE, TO_SPEND):
            open_new_accounts(uow, key, [code])
    except PartyKnownError as known:
        raise VoucherCodeTakenError(f"{code} is in the books", code=code) from known


def _book_award(uow: UnitOfWork, round_: GrantRound) -> None:
    """Book the award; from then on the ledger refuses to spend more than it."""
    receivable, to_spend = round_accounts(uow, round_.code)
    draft = EntryDraft(
        accounting_date=local_date(uow.now, LOCAL_TIME),
        kind="grant.awarded",
        source=f"grant/{round_.code}",
        description=f"Carers' grants {round_.code} awarded",
        idempotency_key=f"grant/{round_.code}/awarded",
        postings=(debit(receivable, round_.budget_cents), credit(to_spend, round_.budget_cents)),
    )
    post_entry(uow, draft)
    set_balance_limit(uow, receivable, minimum=0)
    set_balance_limit(uow, to_spend, maximum=0)


def round_accounts(uow: UnitOfWork, code: str) -> tuple[str, str]:
    """Where stands what the municipality owes still, and what is left to spend or pay back."""
    return ensure_account(uow, RECEIVABLE, code), ensure_account(uow, TO_SPEND, code)


def held_round(uow: UnitOfWork, code: str) -> GrantRound:
    """A round, held until the transaction ends: who decides on it waits for who did before.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = uow.session.scalar(
        select(GrantRound)
        .where(GrantRound.cooperative_id == uow.tenant, GrantRound.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(f"there is no round {code}", code=code)
    return found


def held_round_to_pay(uow: UnitOfWork, code: str) -> GrantRound:
    """A round and its fund, held in this order, before the books are.

    Raises:
        NotFoundError: there is none with this code.
    """
    round_ = held_round(uow, code)
    values = {"cooperative_id": uow.tenant, "id": round_.fund_id}
    uow.session.execute(_HOLD_FUND, values)
    return round_


_HOLD_FUND = text(
    "select id from voucher_fund where cooperative_id = :cooperative_id and id = :id for update"
)


def require_state(round_: GrantRound, *states: GrantState) -> None:
    """Refuse unless the round is at one of these steps.

    Raises:
        GrantStateError: it is at another one.
    """
    if round_.state not in states:
        raise GrantStateError(f"the round is {round_.state}", state=round_.state)


def terms_of(round_: GrantRound) -> GrantTerms:
    """What a round grants, as the rule takes it."""
    return GrantTerms(
        budget_cents=round_.budget_cents,
        person_cap_cents=round_.person_cap_cents,
        carer_cap_cents=round_.carer_cap_cents,
        budget_rule=BudgetRule(round_.budget_rule),
    )


def open_round(uow: UnitOfWork, code: str) -> None:
    """Open the window on its first day.

    Raises:
        NotFoundError, GrantStateError.
    """
    _step(uow, code, GrantState.PLANNED, GrantState.OPEN)


def close_round(uow: UnitOfWork, code: str) -> None:
    """Close the window after its last day.

    Raises:
        NotFoundError, GrantStateError.
    """
    _step(uow, code, GrantState.OPEN, GrantState.CLOSED)


def _step(uow: UnitOfWork, code: str, before: GrantState, after: GrantState) -> None:
    require_permission(uow.identity, "grant.change")
    round_ = held_round(uow, code)
    require_state(round_, before)
    round_.state = after
    uow.session.flush()
    record_change(uow, subject=f"grant_round/{round_.id}", action=after.value)


_ASKED = text(
    """
select a.id, a.receiver_id from grant_application a
where a.cooperative_id = :cooperative_id and a.round_id = :round and a.state = 'applied'
order by a.id
"""
)
_GRANT = text(
    """
with decided as (
  select * from unnest(cast(:ids as bigint[]), cast(:cents as bigint[])) as d (id, cents)
), written as (
  update grant_application a set
    state = case when d.cents > 0 then 'granted' else 'refused' end,
    refusal = case when d.cents = 0 then cast(:spent as text) end,
    granted_cents = nullif(d.cents, 0)
  from decided d
  where a.cooperative_id = :cooperative_id and a.id = d.id
  returning a.receiver_id, coalesce(a.granted_cents, 0) as cents
), sums as (
  select receiver_id, sum(cents) as cents from written group by receiver_id
)
update grant_receiver p set allotted_cents = coalesce(s.cents, 0)
from grant_receiver q
left join sums s on s.receiver_id = q.id
where p.cooperative_id = :cooperative_id and p.id = q.id
  and q.cooperative_id = :cooperative_id and q.round_id = :round
"""
)
_CARERS = text(
    "select count(distinct member_id) from grant_application"
    " where cooperative_id = :cooperative_id and round_id = :round and state = 'granted'"
)


def decide_round(uow: UnitOfWork, code: str) -> int:
    """Decide on every application that was not refused before; returns what is granted in all.

    Raises:
        NotFoundError.
        GrantStateError: the window is not closed, or it was decided before.
    """
    require_permission(uow.identity, "grant.change")
    round_ = held_round(uow, code)
    require_state(round_, GrantState.CLOSED)
    values = {"cooperative_id": uow.tenant, "round": round_.id}
    asked = [Application(*row) for row in uow.session.execute(_ASKED, values)]
    granted = share_out(terms_of(round_), asked)
    uow.session.execute(
        _GRANT,
        {
            **values,
            "spent": GrantRefusal.BUDGET_SPENT,
            "ids": array_text(granted),
            "cents": array_text(granted.values()),
        },
    )
    round_.state = GrantState.DECIDED
    round_.granted_cents = sum(granted.values())
    round_.granted_carers = uow.session.scalar(_CARERS, values)
    uow.session.flush()
    record_change(
        uow,
        subject=f"grant_round/{round_.id}",
        action="decided",
        after={"granted_cents": round_.granted_cents},
    )
    return round_.granted_cents
