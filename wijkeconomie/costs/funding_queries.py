"""The accounting for a subsidy, read from its two accounts in the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
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
        received_cents=-sum(each.amount for each in receivable if each.kind == "subsidy.received"),
        spent_cents=sum(each.amount for each in left if each.kind not in apart),
        lapsed_cents=sum(each.amount for each in left if each.kind == "subsidy.lapsed"),
        repaid_cents=sum(each.amount for each in left if each.kind == "subsidy.repaid"),
        lines=left,
    )


def _lines(session: Session, cooperative_id: int, key: str, code: str) -> list[AccountLine]:
    codes = party_codes(session, cooperative_id, key, [code])
    return account_lines(
        session, cooperative_id, list(codes.values()), from_=FIRST_DAY, until=LAST_DAY
    )
