"""Who has hours of care to approve, as far as a reminder needs it: members, and no more.

Care data shows to its holder and to a named administrator only. So the database tells the clock
no more than whom to write to, by a function of its own.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session


def holders_to_remind(session: Session, now: datetime) -> list[int]:
    """Members for whom hours wait: new ones since a day, or the same for another whole week."""
    return list(session.scalars(text("select care_holders_waiting(:now)"), {"now": now}))
