"""Reads of members who left with units in a project."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.investments.accounts import CAPITAL, units_party
from wijkeconomie.investments.models import Instrument
from wijkeconomie.investments.rules import Leaver, months_later, releases
from wijkeconomie.ledger.queries import party_balances

_LEFT = text(
    """
select p.code as project, p.instrument, p.repayment_months, p.repayment_cents_per_year,
  m.code as member, greatest(m.left_on, max(x.issued_on)) as since
from participation x
join investment_project p on p.cooperative_id = x.cooperative_id and p.id = x.project_id
join member m on m.cooperative_id = x.cooperative_id and m.id = x.member_id
where x.cooperative_id = :id and x.state = 'issued' and m.left_on < :today
group by p.id, p.code, p.instrument, p.repayment_months, p.repayment_cents_per_year,
  m.code, m.left_on
order by p.id, m.code
"""
)
_RELEASED = text(
    """
select p.code, x.ended_on, x.released_cents
from participation x
join investment_project p on p.cooperative_id = x.cooperative_id and p.id = x.project_id
where x.cooperative_id = :id and x.state = 'released'
"""
)


def waiting_leavers(
    session: Session, cooperative_id: int, *, today: date
) -> list[tuple[str, int | None, Leaver]]:
    """Who left with units, when his money is due and how much it is now, with the project's cap."""
    rows = session.execute(_LEFT, {"id": cooperative_id, "today": today}).all()
    kinds = {row.instrument for row in rows}
    left = {
        kind: party_balances(session, cooperative_id, CAPITAL[Instrument(kind)]) for kind in kinds
    }
    return [
        (
            row.project,
            row.repayment_cents_per_year,
            Leaver(
                months_later(row.since, row.repayment_months),
                row.member,
                -left[row.instrument].get(units_party(row.project, row.member), 0),
            ),
        )
        for row in rows
    ]


def due_releases(session: Session, cooperative_id: int, *, today: date) -> list[tuple[str, Leaver]]:
    """Project and leaver of every release that the projects' rules allow today."""
    waiting: dict[tuple[str, int | None], list[Leaver]] = defaultdict(list)
    for project, per_year, leaver in waiting_leavers(session, cooperative_id, today=today):
        waiting[project, per_year].append(leaver)
    if not waiting:
        return []
    before: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for project, day, cents in session.execute(_RELEASED, {"id": cooperative_id}):
        before[project].append((day, cents))
    return [
        (project, leaver)
        for (project, per_year), leavers in waiting.items()
        for leaver in releases(leavers, before[project], per_year_cents=per_year, today=today)
    ]
