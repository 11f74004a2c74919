"""Who may look into care data: the holder himself, and a named administrator who leaves a line.

The database decides (migration 0011): a row shows to its holder's login, to the login of the
carer whom it is about, and to a care administrator only in a transaction that wrote down, in the
trail, whose data he opens and what for. So a reading that is not audited reads nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from wijkeconomie.budgets.models import CareTrail
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork

CareKind = Literal["budget", "agreement", "declaration"]

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_alias(kind: str) -> str:
    """A name of which nobody can tell whose it is: all that the books know."""
    return f"{kind}-{''.join(secrets.choice(_ALPHABET) for _ in range(8))}"


def open_care_records(
    uow: UnitOfWork, action: str, *, holder_id: int | None = None, subject: str = ""
) -> None:
    """Write down that an administrator looks, and what for; until then nothing shows.

    Args:
        action: what for, as in ``budget-read``.
        holder_id: whose data; everyone's when left out.

    Raises:
        PermissionDeniedError: only a care administrator may.
    """
    require_permission(uow.identity, "care.administer")
    write_trail(uow, action, holder_id=holder_id, subject=subject)


@contextmanager
def comparing_care_records(uow: UnitOfWork) -> Iterator[None]:
    """Look while nobody is shown anything: a folder's rows are compared with what is stored.

    The line in the trail is taken back with the block; what was found out is a yes or a no. Who
    tells a person more than that opens the records after it.
    """
    savepoint = uow.session.begin_nested()
    try:
        open_care_records(uow, "compared")
        yield
    finally:
        savepoint.rollback()


def open_record(uow: UnitOfWork, action: str, kind: CareKind, row_id: int) -> None:
    """The same for one budget, agreement or declaration: it opens its holder's data only.

    Raises:
        PermissionDeniedError, NotFoundError.
    """
    require_permission(uow.identity, "care.administer")
    holder_id = uow.session.scalar(
        text("select care_holder(:kind, :id)"), {"kind": kind, "id": row_id}
    )
    if holder_id is None:
        raise NotFoundError(f"there is no {kind} {row_id}", id=row_id)
    write_trail(uow, action, holder_id=holder_id, subject=f"{kind}/{row_id}")


def open_own_record(uow: UnitOfWork, action: str, kind: CareKind, row_id: int) -> None:
    """The same, in a use case that holders and carers too may call, for what is their own.

    Raises:
        PermissionDeniedError: neither an administrator nor a member.
        NotFoundError: an administrator asks for what does not exist.
    """
    if may(uow.identity, "care.administer"):
        open_record(uow, action, kind, row_id)
    else:
        require_permission(uow.identity, "care.own")


def write_trail(
    uow: UnitOfWork,
    action: str,
    *,
    holder_id: int | None,
    subject: str = "",
    reason: str | None = None,
) -> None:
    """Write down a reading or a change of care data, in the transaction that does it."""
    uow.session.execute(
        insert(CareTrail).values(
            cooperative_id=uow.tenant,
            recorded_at=uow.now,
            actor=uow.actor,
            login_id=uow.identity.login_id,
            holder_id=holder_id,
            action=action,
            subject=subject,
            reason=reason,
        )
    )


@dataclass(frozen=True, slots=True)
class TrailLine:
    """Who did what with a holder's data, and when."""

    recorded_at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None


def trail_of(
    session: Session, cooperative_id: int, holder_id: int, *, limit: int = 100
) -> list[TrailLine]:
    """Who looked into or changed a holder's data, newest first; a look at everyone's counts too."""
    found = session.scalars(
        select(CareTrail)
        .where(
            CareTrail.cooperative_id == cooperative_id,
            (CareTrail.holder_id == holder_id) | CareTrail.holder_id.is_(None),
        )
        .order_by(CareTrail.id.desc())
        .limit(limit)
    )
    return [
        TrailLine(row.recorded_at, row.actor, row.action, row.subject, row.reason) for row in found
    ]
