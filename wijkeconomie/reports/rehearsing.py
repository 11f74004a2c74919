"""The statement of a round before it is settled: settled for a moment, read, and undone."""

from __future__ import annotations

from dataclasses import replace

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import Period
from wijkeconomie.purchasing.queries import round_by_code
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round
from wijkeconomie.reports import queries
from wijkeconomie.reports.statement import Statement


def rehearsed_round_statement(uow: UnitOfWork, round_code: str, period: Period) -> Statement:
    """What the statement of a received round becomes when it is settled now.

    The round is settled in a savepoint, its statement read as any other, and the settlement
    undone: so the preview cannot differ from what will be booked. A difference with the
    invoice counts as accepted. It has no entry numbers and hashes, for there is no entry.

    Raises:
        PermissionDeniedError: who asks may not settle rounds.
        As :func:`~wijkeconomie.purchasing.settling.settle_round`: what stands in the way of
            settling stands in the way of its preview.
    """
    require_permission(uow.identity, "round.settle")
    found = round_by_code(uow.session, uow.tenant, round_code)
    accepted = preview_settlement(uow, found.id).whole_difference_cents
    savepoint = uow.session.begin_nested()
    try:
        settle_round(uow, SettleRound(round_id=found.id, accepted_difference_cents=accepted))
        statement = queries.round_statement(uow.session, uow.tenant, round_code, period)
    finally:
        savepoint.rollback()
    return _without_entry(statement)


def _without_entry(statement: Statement) -> Statement:
    sections = tuple(
        replace(section, lines=tuple(replace(line, entry_number=None) for line in section.lines))
        for section in statement.sections
    )
    return replace(
        statement,
        sections=sections,
        rounds=tuple(replace(settled, entry_number=None) for settled in statement.rounds),
        first_entry=None,
        last_entry=None,
        is_rehearsal=True,
    )
