"""Use cases of the treasurer: money that insurers paid for care, and what carers were paid.

He works with aliases and amounts, and knows whom to pay. Whose budget it is he cannot see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.budgets.entries import limit_payable
from wijkeconomie.budgets.keeping import HELD, PAYABLE
from wijkeconomie.budgets.refusals import NotOurMoneyError
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import ensure_account, post_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCareMoney(Command):
    """Money that came in for a budget, or went out to a carer, named by the alias."""

    alias: str
    cents: int
    on: date
    underway: str | None = None
    """The payout run that orders it at the bank; without one the carer has been paid."""


def receive_care_money(uow: UnitOfWork, command: MoveCareMoney) -> int:
    """Book what an insurer paid for a budget; the number of the entry.

    Raises:
        NotOurMoneyError: no budget whose money comes here has this alias.
        InvalidInputError: an amount of nothing. ClosedPeriodError.
    """
    return _move(uow, command, kind="care.received", key=HELD)


def pay_carer(uow: UnitOfWork, command: MoveCareMoney) -> int:
    """Book that a carer was paid; never more than he is owed, as the database guards.

    Raises:
        NotOurMoneyError: nobody with this alias is owed anything.
        InvalidInputError: an amount of nothing. BalanceLimitError, ClosedPeriodError.
    """
    return _move(uow, command, kind="care.paid", key=PAYABLE)


def _move(uow: UnitOfWork, command: MoveCareMoney, *, kind: str, key: str) -> int:
    require_permission(uow.identity, "care.money")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    if command.cents <= 0:
        raise InvalidInputError("an amount is more than nothing", field="amount")
    account = _known_account(uow, key, command.alias)
    bank = ensure_account(uow, "bank")
    if key == HELD:
        lines = (debit(bank, command.cents), credit(account, command.cents))
    else:
        limit_payable(uow, account)
        if command.underway is not None:
            bank = ensure_account(uow, "payments_underway", command.underway)
        lines = (debit(account, command.cents), credit(bank, command.cents))
    entry = post_entry(
        uow,
        EntryDraft(
            accounting_date=command.on,
            kind=kind,
            source=f"care/{command.alias}",
            description=f"{kind} {command.alias}",
            idempotency_key=f"{kind}/{uow.actor}/{command.idempotency_key}",
            postings=lines,
        ),
    )
    remember(uow, command, result=entry.number)
    return entry.number


def _known_account(uow: UnitOfWork, key: str, alias: str) -> str:
    code = uow.session.scalar(
        text(
            "select code from account where cooperative_id = :id and key = :key"
            " and party = :alias and unit = 'EUR'"
        ),
        {"id": uow.tenant, "key": key, "alias": alias},
    )
    if code is None:
        raise NotOurMoneyError(f"the books hold nothing of {alias}", alias=alias)
    return str(code)


@dataclass(frozen=True, slots=True)
class HeldBudget:
    """What the books know of a budget: an alias and its balance, a debit positive."""

    alias: str
    balance_cents: int


@dataclass(frozen=True, slots=True)
class OwedCarer:
    """A carer to pay: who he is and where to, but not for whom he works."""

    alias: str
    name: str
    iban: str | None
    owed_cents: int


def held_budgets(session: Session, cooperative_id: int) -> list[HeldBudget]:
    """Budgets whose money may come here, by alias."""
    found = session.execute(
        text(
            "select a.party, b.balance from account a join account_balance b"
            " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
            " where a.cooperative_id = :id and a.key = :key and a.party is not null"
            " order by a.party"
        ),
        {"id": cooperative_id, "key": HELD},
    )
    return [HeldBudget(*row) for row in found]


def owed_carers(session: Session, cooperative_id: int) -> list[OwedCarer]:
    """Carers who were ever owed something, by name; a member's own account where he has one."""
    found = session.execute(
        text(
            "select a.party, coalesce(c.name, nullif(concat_ws(' ', m.first_name, m.infix,"
            " m.last_name), ''), c.alias), coalesce(c.iban, m.iban), -b.balance"
            " from account a join account_balance b"
            " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
            " join carer c on c.cooperative_id = a.cooperative_id and c.alias = a.party"
            " left join member m on m.cooperative_id = c.cooperative_id and m.id = c.member_id"
            " where a.cooperative_id = :id and a.key = :key and a.party is not null"
            " order by 2, 1"
        ),
        {"id": cooperative_id, "key": PAYABLE},
    )
    return [OwedCarer(*row) for row in found]
