"""Use cases of costs that members paid for each other: booked once, settled at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.keeping import RecordCost, record_cost
from wijkeconomie.costs.keys import MemberTerms, SaveKeyVersion, save_key_version
from wijkeconomie.costs.models import AllocationKey, Basis, CostRepayment, SharedCost
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.refusals import NotAMemberThenError
from wijkeconomie.costs.settling import hold_costs, settle_costs
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import ensure_accounts, post_entry
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date

SINCE = date(2000, 1, 1)
"""A key of a small group never changes: other members or weights are another key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBill:
    """Something that one member paid for some members; negative for money that came back.

    ``weights`` are member numbers with their weights as text; cents are weights too.
    """

    code: str
    description: str
    paid_on: date
    paid_by: str
    cents: int
    weights: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRepayment:
    """Money that one member gave another, in cash or by his own bank."""

    code: str
    description: str
    paid_on: date
    paid_by: str
    paid_to: str
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookGroup:
    """Bills and repayments of a small group, as they are to be booked together.

    ``accounting_date``: ``None`` is today. Its month is the one in which the costs are shared,
    so everyone concerned is to be a member in it.
    """

    bills: Sequence[GroupBill]
    repayments: Sequence[GroupRepayment] = ()
    accounting_date: date | None = None
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class BookedGroup:
    """Codes of what this call booked, and of what was in the books already."""

    costs: tuple[str, ...]
    repayments: tuple[str, ...]
    known: tuple[str, ...]


def book_group(uow: UnitOfWork, command: BookGroup) -> BookedGroup:
    """Book what members paid for each other: all of it, or nothing.

    Each bill becomes a shared cost, settled at once: who shares it is charged, who paid it is
    credited, in one entry. Nothing is owed to a supplier and no VAT is reclaimed, for the
    invoice is not the cooperative's. A code that is in the books already is left as it is, so
    the same call again books nothing.

    Raises:
        NotFoundError: no such member.
        NotAMemberThenError: someone concerned is no member in the month of the booking.
        InvalidInputError: a repayment to oneself or of nothing, or a weight that is none.
        CannotAllocateError: all weights of a bill are 0.
        ClosedPeriodError: the month of the accounting date is closed.
    """
    require_permission(uow.identity, "cost.settle")
    hold_costs(uow)
    on = command.accounting_date or local_date(uow.now, LOCAL_TIME)
    known = _known(uow, command)
    bills = [bill for bill in command.bills if bill.code not in known]
    repayments = [each for each in command.repayments if each.code not in known]
    members = _members(uow, _concerned(bills, repayments), Period.month_of(on))
    keys: dict[tuple[tuple[str, str], ...], str] = {}
    for bill in bills:
        weights = tuple(sorted(bill.weights))
        if weights not in keys:
            keys[weights] = _key(uow, weights, members)
        _record(uow, bill, keys[weights], members, on)
    settled = settle_costs(
        uow,
        {bill.code for bill in bills},
        Publication.SILENT if command.is_silent else Publication.WITH_LETTER,
        month=on,
        accounting_date=on,
    )
    for repayment in repayments:
        _repay(uow, repayment, members, on)
    booked = BookedGroup(
        settled.costs if settled is not None else (),
        tuple(each.code for each in repayments),
        tuple(sorted(known)),
    )
    if booked.costs or booked.repayments:
        record_change(
            uow,
            subject="small-group",
            action="booked",
            after={"costs": len(booked.costs), "repayments": len(booked.repayments)},
        )
    return booked


def _known(uow: UnitOfWork, command: BookGroup) -> set[str]:
    costs = select(SharedCost.code).where(
        SharedCost.cooperative_id == uow.tenant,
        SharedCost.code.in_([bill.code for bill in command.bills]),
    )
    repayments = select(CostRepayment.code).where(
        CostRepayment.cooperative_id == uow.tenant,
        CostRepayment.code.in_([each.code for each in command.repayments]),
    )
    return {*uow.session.scalars(costs), *uow.session.scalars(repayments)}


def _concerned(bills: Iterable[GroupBill], repayments: Iterable[GroupRepayment]) -> dict[str, None]:
    """The numbers of everyone who pays or shares, each once, in order of appearance."""
    codes: dict[str, None] = {}
    for bill in bills:
        codes |= dict.fromkeys([bill.paid_by, *(code for code, _weight in bill.weights)])
    for each in repayments:
        codes |= dict.fromkeys([each.paid_by, each.paid_to])
    return codes


def _members(uow: UnitOfWork, codes: Iterable[str], month: Period) -> Mapping[str, int]:
    """Ids by number of those concerned.

    A share of someone who takes no part in the month would fall to the others unseen.
    """
    wanted = list(codes)
    found = {
        row.code: row
        for row in uow.session.execute(
            select(Member.id, Member.code, Member.joined_on, Member.left_on).where(
                Member.cooperative_id == uow.tenant, Member.code.in_(wanted)
            )
        )
    }
    for code in wanted:
        if code not in found:
            raise NotFoundError(f"there is no member {code}", member=code)
        member = found[code]
        has_left = member.left_on is not None and member.left_on < month.start
        if member.joined_on >= month.end or has_left:
            raise NotAMemberThenError(
                f"{code} was no member in {month.start:%Y-%m}",
                member=code,
                month=f"{month.start:%Y-%m}",
            )
    return {code: row.id for code, row in found.items()}


def _key(uow: UnitOfWork, weights: tuple[tuple[str, str], ...], members: Mapping[str, int]) -> str:
    """The key of exactly these members and weights, made where it is new."""
    told = "\n".join(f"{code}={weight}" for code, weight in weights)
    code = f"GROEP-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    is_known = uow.session.scalar(
        select(AllocationKey.id).where(
            AllocationKey.cooperative_id == uow.tenant, AllocationKey.code == code
        )
    )
    if is_known is None:
        save_key_version(
            uow,
            SaveKeyVersion(
                code=code,
                name=f"Kleine groep van {len(weights)}",
                valid_from=SINCE,
                basis=Basis.WEIGHTS,
                members=[
                    MemberTerms(member_id=members[member], weight=weight)
                    for member, weight in weights
                ],
                is_small_group=True,
            ),
        )
    return code


def _record(
    uow: UnitOfWork, bill: GroupBill, key: str, members: Mapping[str, int], on: date
) -> None:
    record_cost(
        uow,
        RecordCost(
            code=bill.code,
            month=on,
            description=bill.description,
            key_code=key,
            net_cents=bill.cents,
            vat_cents=0,
            incurred_on=bill.paid_on,
            paid_by_member_id=members[bill.paid_by],
        ),
    )


def _repay(
    uow: UnitOfWork, repayment: GroupRepayment, members: Mapping[str, int], on: date
) -> None:
    """Move a claim from who received money to who gave it: no bank of ours had a part in it."""
    if repayment.cents <= 0 or repayment.paid_by == repayment.paid_to:
        raise InvalidInputError("a repayment goes from one member to another", field="cents")
    accounts = ensure_accounts(uow, "member_account", [repayment.paid_by, repayment.paid_to])
    entry = post_entry(
        uow,
        EntryDraft(
            accounting_date=on,
            kind="cost.repaid",
            source=f"repayment/{repayment.code}",
            description=f"Repayment between members {repayment.code}",
            idempotency_key=f"repayment/{repayment.code}",
            postings=(
                debit(accounts[repayment.paid_to], repayment.cents),
                credit(accounts[repayment.paid_by], repayment.cents),
            ),
        ),
    )
    uow.session.add(
        CostRepayment(
            cooperative_id=uow.tenant,
            code=repayment.code,
            paid_on=repayment.paid_on,
            description=repayment.description,
            paid_by_member_id=members[repayment.paid_by],
            paid_to_member_id=members[repayment.paid_to],
            cents=repayment.cents,
            entry_number=entry.number,
        )
    )
    uow.session.flush()
