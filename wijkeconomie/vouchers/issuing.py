"""Use cases of issuing vouchers: for money, or as a gift from a fund; one entry for all at once."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from sqlalchemy import text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.batches import PartyKnownError, open_new_accounts
from wijkeconomie.ledger.drafts import BulkEntryDraft
from wijkeconomie.ledger.service import party_accounts, post_bulk_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.accounts import (
    OUTSTANDING,
    open_voucher_accounts,
    tax_of,
    vat_regime,
)
from wijkeconomie.vouchers.entry_rules import EURO, Line, Tax, paid_lines
from wijkeconomie.vouchers.funds import set_apart
from wijkeconomie.vouchers.keeping import scheme_by_code
from wijkeconomie.vouchers.models import PaidBy, VoucherScheme
from wijkeconomie.vouchers.refusals import FundExhaustedError, VoucherCodeTakenError
from wijkeconomie.vouchers.rules import expiry_day

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what looks alike on paper: 0 and O, 1 and I."""
CODE_LENGTH = 9

SOURCES = {
    PaidBy.BANK: "voucher_bank",
    PaidBy.CASH: "cash",
    PaidBy.MEMBER_ACCOUNT: "member_account",
    PaidBy.FUND: "subsidies",
}
"""By which account what was paid for a voucher came in."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Grant:
    """A voucher for a member. Without a code it gets one; without a last day its scheme's."""

    member_id: int
    face_minor: int
    code: str | None = None
    expires_on: date | None = None

    def __repr__(self) -> str:
        # The fingerprint of a command reads ten thousand of these.
        return f"{self.member_id}/{self.face_minor}/{self.code}/{self.expires_on}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueVouchers(Command):
    """Vouchers of one kind, paid in one way, on one day."""

    scheme_code: str
    paid_by: PaidBy
    grants: tuple[Grant, ...]
    fund_code: str | None = None
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class Fund:
    """A fund as far as issuing needs it."""

    id: int
    code: str


def new_code(length: int = CODE_LENGTH) -> str:
    """A code that nobody guesses and anyone can read out."""
    # There are 32 characters, so a byte chooses each of them as often as any other.
    return "".join([ALPHABET[byte % len(ALPHABET)] for byte in secrets.token_bytes(length)])


def issue_vouchers(uow: UnitOfWork, command: IssueVouchers) -> int:
    """Issue vouchers, all or none, as one entry; returns its number.

    Set-based: ten thousand take about as long as writing their rows. A repeated command
    returns the number of the first and issues nothing.

    Raises:
        InvalidInputError: no voucher, one of nothing, or a way of paying that does not fit.
        NotFoundError: no such kind, fund or member.
        FundExhaustedError: the fund has less left.
        VoucherCodeTakenError: a code is in use.
        ClosedPeriodError: the month of the day is closed.
    """
    require_permission(uow.identity, "voucher.issue")
    if (earlier := find_earlier_result(uow, command)) is not None:
        return int(earlier)
    scheme = scheme_by_code(uow, command.scheme_code)
    _check(command, scheme)
    _require_members(uow, {grant.member_id for grant in command.grants})
    day = command.issued_on or local_date(uow.now, LOCAL_TIME)
    fund = _hold_fund(uow, command, scheme.unit)
    codes = [grant.code or new_code() for grant in command.grants]
    accounts = open_voucher_accounts(uow, scheme.unit)
    ids = _open_accounts(uow, codes, scheme.unit)
    account_ids = [ids[code] for code in codes]
    tax = tax_of(scheme.unit, scheme.vat_basis_points, vat_regime(uow), day)
    lines = _across(uow, command, fund, tax)
    columns = [_account(uow, accounts, line, scheme.unit) for line in lines]
    control = accounts[OUTSTANDING][0]
    draft = BulkEntryDraft(
        accounting_date=day,
        kind="voucher.issued",
        source=f"voucher/{codes[0]}",
        description=f"Vouchers issued: {len(codes)} of {scheme.code}",
        idempotency_key=f"voucher/{codes[0]}/issued",
        account_ids=np.array([*account_ids, *(id_ for _, id_ in columns)], np.int64),
        account_codes=[*(f"{control}:{code}" for code in codes), *(code for code, _ in columns)],
        amounts=np.array(
            [*(-grant.face_minor for grant in command.grants), *(line.amount for line in lines)],
            np.int64,
        ),
        unit=scheme.unit,
    )
    number = post_bulk_entry(uow, draft).number
    _write(
        uow,
        command,
        scheme,
        fund=fund,
        day=day,
        codes=codes,
        account_ids=account_ids,
        number=number,
    )
    remember(uow, command, result=number)
    return number


def _open_accounts(uow: UnitOfWork, codes: list[str], unit: str) -> dict[str, int]:
    try:
        return open_new_accounts(uow, OUTSTANDING, codes, unit=unit)
    except PartyKnownError as known:
        raise VoucherCodeTakenError(
            f"there is a voucher {known.party}", code=known.party
        ) from known


def _check(command: IssueVouchers, scheme: VoucherScheme) -> None:
    if not command.grants:
        raise InvalidInputError("name at least one member", field="grants")
    if any(grant.face_minor <= 0 for grant in command.grants):
        raise InvalidInputError("a voucher has a value", field="face_minor")
    if (command.paid_by is PaidBy.FUND) != (command.fund_code is not None):
        raise InvalidInputError("a gift comes from a fund", field="fund_code")
    if command.paid_by is PaidBy.TRANSFER:
        raise InvalidInputError("members pass vouchers on themselves", field="paid_by")
    if scheme.unit != EURO and command.paid_by is not PaidBy.FUND:
        raise InvalidInputError("a local unit is not sold for money", field="paid_by")


def _require_members(uow: UnitOfWork, member_ids: set[int]) -> None:
    found = uow.session.scalar(
        text(
            "select count(*) from member where cooperative_id = :cooperative_id"
            " and id = any(cast(:ids as bigint[]))"
        ),
        {"cooperative_id": uow.tenant, "ids": array_text(member_ids)},
    )
    if found != len(member_ids):
        raise NotFoundError("there is no such member")


_HOLD_FUND = text(
    """
select f.id, f.unit, f.granted_minor - f.issued_minor
  -- What comes back of carers' grants is the municipality's, and not given again.
  + case when exists (select from grant_round r where r.cooperative_id = f.cooperative_id
    and r.fund_id = f.id) then 0 else f.returned_minor end as left_minor
from voucher_fund f where f.cooperative_id = :cooperative_id and f.code = :code for update of f
"""
)


def _hold_fund(uow: UnitOfWork, command: IssueVouchers, unit: str) -> Fund | None:
    """The fund that gives, held; what it gave is counted where the vouchers are written."""
    if command.fund_code is None:
        return None
    values = {"cooperative_id": uow.tenant, "code": command.fund_code}
    row = uow.session.execute(_HOLD_FUND, values).one_or_none()
    if row is None or row.unit != unit:
        raise NotFoundError(f"there is no fund {command.fund_code} in {unit}")
    total = sum(grant.face_minor for grant in command.grants)
    if total > row.left_minor:
        raise FundExhaustedError(
            f"the fund has {row.left_minor} left, the vouchers come to {total}",
            left_cents=row.left_minor,
            total_cents=total,
            unit=unit,
        )
    set_apart(uow, command.fund_code)  # of funds from before euros were set apart
    return Fund(row.id, command.fund_code)


def _across(uow: UnitOfWork, command: IssueVouchers, fund: Fund | None, tax: Tax) -> list[Line]:
    """What stands across the vouchers, merged by account.

    Tax is that of each voucher, so that what its redemptions bring back adds up to it.
    """
    source = SOURCES[command.paid_by]
    owing = command.paid_by is PaidBy.MEMBER_ACCOUNT
    member_codes = _member_codes(uow, command.grants) if owing else {}
    faces = Counter(
        (member_codes.get(grant.member_id, fund.code if fund else None), grant.face_minor)
        for grant in command.grants
    )
    sums: Counter[tuple[str, str | None]] = Counter()
    for (party, face), count in faces.items():
        for line in paid_lines(source, party, face, tax):
            sums[line.account_key, line.party] += line.amount * count
    return [Line(key, party, amount) for (key, party), amount in sums.items() if amount]


def _member_codes(uow: UnitOfWork, grants: Sequence[Grant]) -> dict[int, str]:
    rows = uow.session.execute(
        text(
            "select id, code from member where cooperative_id = :cooperative_id"
            " and id = any(cast(:ids as bigint[]))"
        ),
        {
            "cooperative_id": uow.tenant,
            "ids": array_text({grant.member_id for grant in grants}),
        },
    )
    return dict(rows.all())


def _account(
    uow: UnitOfWork, accounts: dict[str, tuple[str, int]], line: Line, unit: str
) -> tuple[str, int]:
    if line.party is None:
        return accounts[line.account_key]
    ids, codes = party_accounts(uow, line.account_key, [line.party], unit=unit)
    return codes[0], int(ids[0])


_INSERT = text(
    """
insert into voucher (cooperative_id, code, scheme_id, holder_id, account_id, paid_by, fund_id,
  face_minor, issued_on, usable_from, expires_on, entry_number)
select :cooperative_id, code, :scheme_id, holder_id, account_id, :paid_by, :fund_id, face_minor,
  :issued_on, :usable_from, expires_on, :entry_number
from unnest(cast(:codes as text[]), cast(:holder_ids as bigint[]), cast(:account_ids as bigint[]),
  cast(:faces as bigint[]), cast(:expires as date[])) with ordinality
  as v (code, holder_id, account_id, face_minor, expires_on, position)
order by position
"""
)


def _write(
    uow: UnitOfWork,
    command: IssueVouchers,
    scheme: VoucherScheme,
    *,
    fund: Fund | None,
    day: date,
    codes: Sequence[str],
    account_ids: Sequence[int],
    number: int,
) -> None:
    # A direct debit can be returned: what it pays for can be used when that time is over.
    hold = scheme.hold_days if command.paid_by is PaidBy.MEMBER_ACCOUNT else 0
    last_day = expiry_day(day, scheme.valid_days)
    uow.session.execute(
        _INSERT,
        {
            "cooperative_id": uow.tenant,
            "scheme_id": scheme.id,
            "paid_by": command.paid_by,
            "fund_id": fund.id if fund else None,
            "issued_on": day,
            "usable_from": day + timedelta(days=hold),
            "entry_number": number,
            "codes": list(codes),
            "holder_ids": array_text(grant.member_id for grant in command.grants),
            "account_ids": array_text(account_ids),
            "faces": array_text(grant.face_minor for grant in command.grants),
            "expires": array_text(grant.expires_on or last_day for grant in command.grants),
        },
    )
