"""What statements tell of shared costs: what a cost was, and why a member's share is what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.costs.explanations import explain_cost_share
from wijkeconomie.costs.queries import shares_booked
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.shared_queries import CostTitle
from wijkeconomie.reports.statement import Parameters

_TITLES = text(
    """
select code, description, to_char(month, 'YYYY-MM') as month,
  case when paid_by_member_id is not null then gross_cents < 0 end as advance_is_debit
from shared_cost
where cooperative_id = :cooperative_id and settled_version > 0
  and id in (select s.cost_id from cost_settlement s where s.cooperative_id = :cooperative_id
    and (s.entry_number = any(cast(:numbers as bigint[]))
      or s.reversal_number = any(cast(:numbers as bigint[]))))
"""
)


def cost_titles(
    session: Session, cooperative_id: int, numbers: Sequence[int]
) -> Mapping[str, CostTitle]:
    """What the costs are that entries settle or turn back, by code."""
    rows = session.execute(_TITLES, {"cooperative_id": cooperative_id, "numbers": list(numbers)})
    return {row.code: CostTitle(row.description, row.month, row.advance_is_debit) for row in rows}


def cost_reasons(
    session: Session, cooperative_id: int, codes: Sequence[str], period: Period
) -> dict[tuple[str, int], Parameters]:
    """Why shares are what they are, in both languages, by member and entry."""
    shares = shares_booked(session, cooperative_id, codes, from_=period.start, until=period.end)
    return {
        (share.member, share.entry_number): (
            ("why_nl", explain_cost_share(share.facts, "nl")),
            ("why_en", explain_cost_share(share.facts, "en")),
        )
        for share in shares
        if share.entry_number is not None
    }
