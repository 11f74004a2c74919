"""To whom a letter goes, and in which language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Addressee:
    """A member with an e-mail address."""

    member_id: int
    code: str
    first_name: str
    email: str
    language: Literal["nl", "en"]
    cooperative: str
    cooperative_code: str


def addressees(session: Session, cooperative_id: int, member_ids: Sequence[int]) -> list[Addressee]:
    """Those of the members who have an e-mail address, in order of number."""
    rows = session.execute(
        text(
            "select m.id, m.code, m.first_name, m.email,"
            " case m.language when 'nl' then 'nl' else 'en' end, c.name, c.code"
            " from member m join cooperative c on c.id = m.cooperative_id"
            " where m.cooperative_id = :id and m.email is not null"
            " and m.id = any(cast(:members as bigint[])) order by m.code"
        ),
        {"id": cooperative_id, "members": list(member_ids)},
    )
    return [Addressee(*row) for row in rows]
