"""The accounting for a subsidy, read from its two accounts in the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.costs.models import AllocationKey, Subsidy
from wijkeconomie.ledger.queries import AccountLine, account_lines, party_codes

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyReport:
    """What became of a subsidy: the sums, and the entries that they are the sums of.

    ``awarded`` is ``spent`` + ``repaid`` + ``lapsed`` + ``left``; ``awarded`` is also
    ``received`` + ``lapsed`` + ``to_receive``. Amounts are in cents.
    """

    code: str
    grantor: str
    purpose: str
    key_name: str | None
    valid_from: date
    valid_until: date
    accountable_by: date | None
    accounted_on: date | None
    awarded_cents: int
    received_cents: int
    spent_cents: int
    """In all, with what vouchers were given for and did not bring back."""
    given_as_vouchers_cents: int
    returned_by_vouchers_cents: int
    """What came back of vouchers that expired."""
    lapsed_cents: int
    repaid_cents: int
    lines: Sequence[AccountLine]
    """Of the account of what is left, a debit (spending) positive, in order of their day."""

    @property
    def to_receive_cents(self) -> int:
        """What the funder owes still."""
        return self.awarded_cents - self.received_cents - self.lapsed_cents

    @property
    def left_cents(self) -> int:
        """What is left to spend, or to pay back once it was accounted for."""
        return self.awarded_cents - self.spent_cents - self.lapsed_cents - self.repaid_cents

    @property
    def to_repay_cents(self) -> int:
        """What was received and not spent."""
        return max(self.left_cents - self.to_receive_cents, 0)

    @property
    def to_lapse_cents(self) -> int:
        """What was neither spent nor received."""
        return min(self.left_cents, self.to_receive_cents)


def subsidy_report(session: Session, cooperative_id: int, code: str) -> SubsidyReport:
    """The accounting for one subsidy.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = session.execute(
        select(Subsidy, AllocationKey.name)
        .outerjoin(
            AllocationKey,
            (AllocationKey.cooperative_id == Subsidy.cooperative_id)
            & (AllocationKey.id == Subsidy.key_id),
        )
        .where(Subsidy.cooperative_id == cooperative_id, Subsidy.code == code)
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no subsidy {code}", subsidy=code)
    subsidy, key_name = found
    left = _lines(session, cooperative_id, "subsidies", code)
    receivable = _lines(session, cooperative_id, "subsidy_receivable", code)
    apart = {"subsidy.awarded", "subsidy.lapsed", "subsidy.repaid"}
    return SubsidyReport(
        code=subsidy.code,
        grantor=subsidy.grantor,
        purpose=subsidy.purpose,
        key_name=key_name,
        valid_from=subsidy.valid_from,
        valid_until=subsidy.valid_until,
        accountable_by=subsidy.accountable_by,
        accounted_on=subsidy.accounted_on,
        awarded_cents=subsidy.awarded_cents,
        received_cents=-_of_kind(receivable, "subsidy.received"),
        spent_cents=sum(each.amount for each in left if each.kind not in apart),
        given_as_vouchers_cents=_of_kind(left, "voucher.issued"),
        returned_by_vouchers_cents=-_of_kind(left, "voucher.expired"),
        lapsed_cents=_of_kind(left, "subsidy.lapsed"),
        repaid_cents=_of_kind(left, "subsidy.repaid"),
        lines=left,
    )


def _of_kind(lines: Sequence[AccountLine], kind: str) -> int:
    return sum(each.amount for each in lines if each.kind == kind)


# Of a subsidy from before awards were booked the books do not tell what is left.
_LEFT = text(
    """
select s.id, case when e.number is null then s.awarded_cents - s.used_cents
  else greatest(coalesce(-b.balance, 0), 0) end
from subsidy s
left join journal_entry e on e.cooperative_id = s.cooperative_id
  and e.idempotency_key = 'subsidy/' || s.id || '/subsidy.awarded/award'
left join account a on a.cooperative_id = s.cooperative_id and a.key = 'subsidies'
  and a.party = s.code and a.unit = 'EUR'
left join account_balance b on b.cooperative_id = a.cooperative_id and b.account_id = a.id
where s.cooperative_id = :id
"""
)


def left_of_subsidies(session: Session, cooperative_id: int) -> Mapping[int, int]:
    """What the books say is left of each subsidy, in cents by its id.

    Shared costs, what was spent by hand and vouchers that were given all draw on one account.
    """
    return dict(session.execute(_LEFT, {"id": cooperative_id}).all())


def _lines(session: Session, cooperative_id: int, key: str, code: str) -> list[AccountLine]:
    codes = party_codes(session, cooperative_id, key, [code])
    return account_lines(
        session, cooperative_id, list(codes.values()), from_=FIRST_DAY, until=LAST_DAY
    )
