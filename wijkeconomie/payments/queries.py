"""Reads of bank lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.payments.models import BankLine


@dataclass(frozen=True, slots=True)
class BankLineView:
    """A bank line as it is read; ``entry_number`` is ``None`` until it has been booked."""

    id: int
    code: str
    account_iban: str
    booked_on: date
    amount_cents: int
    counter_iban: str | None
    end_to_end_id: str | None
    kind: str
    return_reason: str | None
    entry_number: int | None


def _view(line: BankLine) -> BankLineView:
    return BankLineView(
        line.id,
        line.code,
        line.account_iban,
        line.booked_on,
        line.amount_cents,
        line.counter_iban,
        line.end_to_end_id,
        line.kind,
        line.return_reason,
        line.entry_number,
    )


def bank_line_by_code(session: Session, cooperative_id: int, code: str) -> BankLineView | None:
    """The line with the bank's reference ``code``, if it was recorded."""
    line = session.scalar(
        select(BankLine).where(BankLine.cooperative_id == cooperative_id, BankLine.code == code)
    )
    return None if line is None else _view(line)


def unbooked_lines(
    session: Session, cooperative_id: int, *, limit: int | None = None
) -> list[BankLineView]:
    """Lines that wait to be booked, by date and then in order of arrival."""
    lines = session.scalars(
        select(BankLine)
        .where(BankLine.cooperative_id == cooperative_id, BankLine.entry_number.is_(None))
        .order_by(BankLine.booked_on, BankLine.id)
        .limit(limit)
    )
    return [_view(line) for line in lines]


_MATCH_FACTS = text(
    """
select member.id as member_id,
  coalesce((select sum(posting.amount)::bigint from posting
    join account on account.cooperative_id = posting.cooperative_id
      and account.id = posting.account_id
    join journal_entry entry on entry.cooperative_id = posting.cooperative_id
      and entry.number = posting.entry_number
    where posting.cooperative_id = :cooperative_id and account.cooperative_id = :cooperative_id
      and account.key = 'contribution_receivable' and account.party = member.code
      and account.unit = 'EUR' and posting.amount > 0
      and entry.kind = 'contribution.charged'
      and entry.accounting_date >= make_date(:year, 1, 1)
      and entry.accounting_date < make_date(:year + 1, 1, 1)), 0) as charged_cents,
  coalesce((select sum(line.amount_cents)::bigint from bank_line line
    where line.cooperative_id = :cooperative_id and line.member_id = member.id
      and line.end_to_end_id = :end_to_end_id and line.entry_number is not null), 0)
    as collected_cents
from member
where member.cooperative_id = :cooperative_id and member.code = :member_code
"""
)


@dataclass(frozen=True, slots=True)
class MatchFacts:
    """What a line is matched by: the member, his charge of the year, and what was collected."""

    member_id: int
    charged_cents: int
    collected_cents: int


def match_facts(
    session: Session,
    cooperative_id: int,
    *,
    member_code: str,
    year: int,
    end_to_end_id: str,
) -> MatchFacts | None:
    """The facts that decide on one line; ``None`` when there is no such member."""
    found = session.execute(
        _MATCH_FACTS,
        {
            "cooperative_id": cooperative_id,
            "member_code": member_code,
            "year": year,
            "end_to_end_id": end_to_end_id,
        },
    ).one_or_none()
    return None if found is None else MatchFacts(*found)
