"""Giving vouchers from a subsidy.

Subsidies are kept by another capability on the same level; the two do not know each other.
``app.py`` hands in how a subsidy is taken from, and the books are what they share: an issue debits
the account of what is left of the subsidy, which the database keeps from passing zero, and what
expires flows back to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import Flask, current_app
from sqlalchemy import text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.commands import find_earlier_result
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.entry_rules import EURO
from wijkeconomie.vouchers.issuing import IssueVouchers, issue_vouchers
from wijkeconomie.vouchers.keeping import scheme_by_code
from wijkeconomie.vouchers.models import PaidBy

_EXTENSION = "voucher_subsidies"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedSubsidy:
    """A subsidy from which vouchers can be given today."""

    code: str
    grantor: str
    purpose: str
    left_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyGift:
    """What a member is about to get, beside what vouchers of this subsidy gave him before."""

    member_id: int
    cents: int
    before_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSubsidy:
    """A subsidy that is held for an issue."""

    grantor: str
    purpose: str
    awarded_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidySource:
    """The way to subsidies."""

    offered: Callable[[UnitOfWork, date], Sequence[OfferedSubsidy]]
    """From which something can be given on a day."""
    exists: Callable[[UnitOfWork, str], bool]
    """Whether a code is that of a subsidy."""
    take: Callable[[UnitOfWork, str, Sequence[SubsidyGift], date], TakenSubsidy]
    """Holds a subsidy, or refuses: too little left, other days, other members, accounted for."""


def init_subsidies(app: Flask, source: SubsidySource) -> None:
    """Give pages and API the way to subsidies."""
    app.extensions[_EXTENSION] = source


def subsidy_source() -> SubsidySource:
    """The way to subsidies of the running application."""
    found: SubsidySource = current_app.extensions[_EXTENSION]
    return found


def issue_from(uow: UnitOfWork, command: IssueVouchers, source: SubsidySource) -> int:
    """Issue vouchers as ``issue_vouchers`` does; a fund's code may be that of a subsidy.

    Then the subsidy is held first, so that it never gives more than is left, whoever else spends
    it at that moment. It gets a fund of its code, which grants what the subsidy awarded.

    Raises:
        DomainError: those of ``issue_vouchers``, and those of taking from the subsidy.
        InvalidInputError: a subsidy gives euros only.
    """
    require_permission(uow.identity, "voucher.issue")
    code = command.fund_code
    if command.paid_by is PaidBy.FUND and code is not None and source.exists(uow, code):
        if (earlier := find_earlier_result(uow, command)) is not None:
            return int(earlier)
        if scheme_by_code(uow, command.scheme_code).unit != EURO:
            raise InvalidInputError("a subsidy gives euros", field="fund_code")
        day = command.issued_on or local_date(uow.now, LOCAL_TIME)
        endow_fund(uow, code, source.take(uow, code, _gifts(uow, command), day))
    return issue_vouchers(uow, command)


def _gifts(uow: UnitOfWork, command: IssueVouchers) -> list[SubsidyGift]:
    wanted: Counter[int] = Counter()
    for grant in command.grants:
        wanted[grant.member_id] += max(grant.face_minor, 0)
    before = _given_before(uow, str(command.fund_code), wanted)
    return [
        SubsidyGift(member_id=member_id, cents=cents, before_cents=before.get(member_id, 0))
        for member_id, cents in wanted.items()
    ]


_GIVEN_BEFORE = text(
    """
select v.holder_id, sum(v.face_minor - v.expired_minor)::bigint
from voucher v
join voucher_fund f on f.cooperative_id = v.cooperative_id and f.id = v.fund_id
where v.cooperative_id = :cooperative_id and f.code = :code and v.paid_by = 'fund'
  and v.withdrawn_on is null and v.holder_id = any(cast(:ids as bigint[]))
group by v.holder_id
"""
)


def _given_before(uow: UnitOfWork, code: str, members: Mapping[int, int]) -> dict[int, int]:
    """What came back of expired vouchers was not given."""
    rows = uow.session.execute(
        _GIVEN_BEFORE,
        {"cooperative_id": uow.tenant, "code": code, "ids": array_text(members)},
    )
    return dict(rows.all())


_ENDOW = text(
    """
insert into voucher_fund (cooperative_id, code, name, grantor, granted_minor)
values (:cooperative_id, :code, :name, :grantor, :granted)
on conflict (cooperative_id, code) do update
set granted_minor = greatest(voucher_fund.granted_minor, excluded.granted_minor),
  returns_unspent = true
"""
)


def endow_fund(uow: UnitOfWork, code: str, taken: TakenSubsidy) -> None:
    """Let a subsidy that is held have a fund of its code, which grants what it awarded.

    How much of that is left stands in the books, and the database keeps it from passing zero.
    """
    values = {"name": taken.purpose, "grantor": taken.grantor, "granted": taken.awarded_cents}
    uow.session.execute(_ENDOW, {"cooperative_id": uow.tenant, "code": code} | values)
