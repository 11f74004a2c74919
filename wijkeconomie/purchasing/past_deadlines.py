"""Going on with a round that began elsewhere: what was agreed, and what was done by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.deadline_models import RoundDeadline
from wijkeconomie.purchasing.deadlines import DeadlineTerms, check_terms, take_over
from wijkeconomie.purchasing.due_queries import round_at
from wijkeconomie.purchasing.locking import locked_round


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRound:
    """What a round that is not finished brings along; ``terms``: ``None`` where it just closes.

    ``asked_at``, ``missed``: since when, and about what, a coordinator has to decide.
    ``reminded_at``: when members were reminded, which is not done again.
    """

    round_id: int
    minimum_net_cents: int | None = None
    topup_since: datetime | None = None
    terms: DeadlineTerms | None = None
    planned_closes_at: datetime | None = None
    prolonged: int = 0
    asked_at: datetime | None = None
    missed: Mapping[str, Any] | None = None
    reminded_at: datetime | None = None


_REMINDED = text(
    """
insert into job_run (cooperative_id, job, period, status, attempts, due_at, finished_at)
values (:cooperative_id, 'rounds.remind', :period, 'done', 1, :at, :at)
on conflict do nothing
"""
)


def resume_round(uow: UnitOfWork, command: ResumeRound) -> None:
    """Write what a round brings along, so that the clock goes on where it was. For imports.

    Nobody is told anything: what was told is not told again.

    Raises:
        NotFoundError: no such round.
        InvalidInputError: terms that are out of range, more prolongations than agreed, or a
            question without what it is about.
    """
    require_permission(uow.identity, "city.import")
    found = locked_round(uow, command.round_id)
    found.minimum_net_cents = command.minimum_net_cents
    found.topup_since = command.topup_since
    if command.terms is not None:
        check_terms(command.terms)
        if not 0 <= command.prolonged <= command.terms.most_prolongations:
            raise InvalidInputError("more prolongations than were agreed", field="prolonged")
        if (command.asked_at is None) != (command.missed is None):
            raise InvalidInputError("a question is about what was missed", field="missed")
        row = RoundDeadline(
            cooperative_id=uow.tenant,
            round_id=found.id,
            planned_closes_at=command.planned_closes_at or found.closes_at,
            prolonged=command.prolonged,
            asked_at=command.asked_at,
            missed=None if command.missed is None else dict(command.missed),
        )
        take_over(row, command.terms)
        uow.session.add(row)
    uow.session.flush()
    if command.reminded_at is not None:
        uow.session.execute(
            _REMINDED,
            {
                "cooperative_id": uow.tenant,
                "period": round_at(found.id, found.closes_at),
                "at": command.reminded_at,
            },
        )
