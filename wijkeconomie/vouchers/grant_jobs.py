"""What the clock does for carers' grants: windows open and close, and applicants are erased."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date, midnight_utc
from wijkeconomie.vouchers.grant_erasing import erase_applicants
from wijkeconomie.vouchers.granting import close_round, open_round

_DUE = {
    "grants.open": ("state = 'planned'", "opens_on"),
    "grants.close": ("state = 'open'", "closes_on + 1"),
    "grants.erase": (
        "state = 'accounted' and erased_at is null",
        "accounted_on + keep_days::int",
    ),
}
Find = Callable[[Session, int, datetime], Sequence[tuple[str, datetime]]]


def _find(job: str) -> Find:
    condition, day = _DUE[job]
    statement = text(
        f"select code, {day} as due_on from grant_round"
        f" where cooperative_id = :id and {condition} and {day} <= :today".replace("::", r"\:\:")
    )

    def find(
        session: Session, cooperative_id: int, now: datetime
    ) -> Sequence[tuple[str, datetime]]:
        values = {"id": cooperative_id, "today": local_date(now, LOCAL_TIME)}
        rows: list[tuple[str, date]] = [
            (code, due_on) for code, due_on in session.execute(statement, values)
        ]
        return [(code, midnight_utc(due_on, LOCAL_TIME)) for code, due_on in rows]

    return find


_CAREGIVERS = text(
    "select id from member where cooperative_id = :id and is_caregiver and left_on is null"
    " and email is not null order by id"
)


def _open(uow: UnitOfWork, code: str) -> str:
    """Open a window and tell the members who are known to care for someone."""
    open_round(uow, code)
    members = uow.session.scalars(_CAREGIVERS, {"id": uow.tenant}).all()
    for member in members:
        enqueue(
            uow,
            kind="mail.grant-opened",
            event_key=f"grant/{code}/opened/member/{member}",
            payload={"member": member, "round": code},
        )
    return str(len(members))


def _close(uow: UnitOfWork, code: str) -> str:
    close_round(uow, code)
    return code


def _erase(uow: UnitOfWork, code: str) -> str:
    erase_applicants(uow, code)
    return code


GRANT_JOBS = (
    ScheduledJob("grants.open", _find("grants.open"), _open),
    ScheduledJob("grants.close", _find("grants.close"), _close),
    ScheduledJob("grants.erase", _find("grants.erase"), _erase),
)
