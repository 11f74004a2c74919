"""Members to choose from, as a form lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class MemberChoice:
    """A member whom a form offers."""

    code: str
    name: str


# By the name as it is shown, so that typing its first letters finds it in the list.
_CHOICES = text(
    """
select code, concat_ws(' ', first_name, infix, last_name) as name from member
where cooperative_id = :cooperative_id and joined_on <= :day
  and (left_on is null or left_on >= :day)
order by lower(concat_ws(' ', first_name, infix, last_name)), code
"""
)


def member_choices(session: Session, cooperative_id: int, day: date) -> list[MemberChoice]:
    """Everyone who is a member on ``day``, by name; the day of leaving is the last one."""
    found = session.execute(_CHOICES, {"cooperative_id": cooperative_id, "day": day})
    return [MemberChoice(*row) for row in found]
