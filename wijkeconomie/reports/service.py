"""Who may see which statement, and the one door to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import Period
from wijkeconomie.reports import queries
from wijkeconomie.reports.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRequest:
    """Which statement: of a member, of a round, or with neither of the cooperative."""

    period: Period
    member_code: str | None = None
    round_code: str | None = None


def statement_for(uow: UnitOfWork, request: StatementRequest) -> Statement:
    """The statement that was asked for; it ties to the books.

    Members see their own; the rest takes ``statement.read-any``.

    Raises:
        PermissionDeniedError: it is someone else's.
        NotFoundError: no such member or round in this cooperative.
        NothingSettledError: the round was not settled before the end of the period.
        InvalidInputError: a member and a round were both asked for.
        StatementDoesNotTieError: the books and the statement differ.
    """
    if request.member_code is None or not _is_own(uow, request.member_code):
        require_permission(uow.identity, "statement.read-any")
    if request.member_code is not None and request.round_code is not None:
        raise InvalidInputError(
            "ask for the statement of a member or of a round, not both", field="round"
        )
    if request.member_code is not None:
        return queries.member_statement(
            uow.session, uow.tenant, request.member_code, request.period
        )
    if request.round_code is not None:
        return queries.round_statement(uow.session, uow.tenant, request.round_code, request.period)
    return queries.cooperative_statement(uow.session, uow.tenant, request.period)


def every_member_statement(uow: UnitOfWork, period: Period) -> Iterator[Statement]:
    """The statements of all members, in order of their code; each ties to the books.

    Raises:
        PermissionDeniedError: not for members.
        StatementDoesNotTieError: the books and a statement differ.
    """
    require_permission(uow.identity, "statement.read-any")
    return queries.member_statements(uow.session, uow.tenant, None, period)


def _is_own(uow: UnitOfWork, member_code: str) -> bool:
    if uow.identity.member_id is None or not may(uow.identity, "statement.read-own"):
        return False
    own_code: str | None = uow.session.scalar(
        text("select code from member where cooperative_id = :cooperative_id and id = :id"),
        {"cooperative_id": uow.tenant, "id": uow.identity.member_id},
    )
    return own_code == member_code
