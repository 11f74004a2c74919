"""What statements tell of shared costs: what a cost was, and why a member's share is what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.costs.explanations import CostShareFacts, explain_cost_share
from wijkeconomie.costs.queries import share_facts

_TITLES = text(
    """
select code, description, to_char(month, 'YYYY-MM') as month from shared_cost
where cooperative_id = :cooperative_id and settled_version > 0
  and id in (select s.cost_id from cost_settlement s where s.cooperative_id = :cooperative_id
    and s.entry_number = any(cast(:numbers as bigint[]))
    union select s.cost_id from cost_settlement s where s.cooperative_id = :cooperative_id
    and s.reversal_number = any(cast(:numbers as bigint[])))
"""
)
_SHARES = text(
    """
select m.code as member, c.code as cost, c.description, c.month, s.version, s.entry_number,
  s.total_cents, s.part_totals, s.weight_sums, s.weight_scales, x.weight, x.variable_weight,
  x.carried, x.minimum_cents, x.cap_cents, x.cents, coalesce(x.subsidy_cents, 0) as subsidy_cents
from cost_settlement s
join shared_cost c on c.cooperative_id = s.cooperative_id and c.id = s.cost_id
join cost_share_block b on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id
cross join unnest(b.member_ids, b.weights, b.variable_weights, b.carried, b.minimum_cents,
  b.cap_cents, b.cents, b.subsidy_cents) as x (member_id, weight, variable_weight, carried,
  minimum_cents, cap_cents, cents, subsidy_cents)
join member m on m.cooperative_id = s.cooperative_id and m.id = x.member_id
where s.cooperative_id = :cooperative_id and m.code = any(cast(:codes as text[]))
  and s.accounting_date >= :from and s.accounting_date < :until
order by c.month, c.id, s.version, m.code
"""
)


@dataclass(frozen=True, slots=True)
class CostShareView:
    """A member's share of one version of a cost, in figures and in words."""

    member: str
    cost: str
    description: str
    month: date
    version: int
    entry_number: int | None
    facts: CostShareFacts

    @property
    def payable_cents(self) -> int:
        """What the member pays or gets back."""
        return self.facts.cents - self.facts.subsidy_cents

    @property
    def why(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The explanation in both languages, as parameters of a text."""
        return (
            ("why_nl", explain_cost_share(self.facts, "nl")),
            ("why_en", explain_cost_share(self.facts, "en")),
        )


def cost_titles(
    session: Session, cooperative_id: int, numbers: Sequence[int]
) -> Mapping[str, tuple[str, str]]:
    """Descriptions and months of the costs that entries settle or turn back, by code."""
    rows = session.execute(_TITLES, {"cooperative_id": cooperative_id, "numbers": list(numbers)})
    return {row.code: (row.description, row.month) for row in rows}


def cost_shares(
    session: Session, cooperative_id: int, codes: Sequence[str], *, from_: date, until: date
) -> list[CostShareView]:
    """The shares of these members in costs that were settled in a period, in order of month."""
    rows = session.execute(
        _SHARES,
        {"cooperative_id": cooperative_id, "codes": list(codes), "from": from_, "until": until},
    )
    return [_view(row) for row in rows]


def _view(row: Any) -> CostShareView:
    return CostShareView(
        row.member,
        row.cost,
        row.description,
        row.month,
        row.version,
        row.entry_number,
        share_facts(row),
    )
