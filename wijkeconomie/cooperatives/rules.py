"""Decisions about members and invitations. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

INVITATION_LASTS = timedelta(days=14)
LIABILITY_WORDS = {"WA": "W.A.", "BA": "B.A.", "UA": "U.A."}


def is_member_on(joined_on: date, left_on: date | None, day: date) -> bool:
    """Whether someone is a member on ``day``; the day of leaving is the last one."""
    return joined_on <= day and (left_on is None or day <= left_on)


def is_invitation_open(
    expires_at: datetime,
    accepted_at: datetime | None,
    withdrawn_at: datetime | None,
    now: datetime,
) -> bool:
    """Whether a link still leads to a login."""
    return accepted_at is None and withdrawn_at is None and now < expires_at


def full_name(name: str, liability: str) -> str:
    """The name as the law wants it on paper: with W.A., B.A. or U.A. (art. 2:54 BW).

    >>> full_name("Coöperatie Het Blokhuis", "UA")
    'Coöperatie Het Blokhuis U.A.'
    """
    suffix = LIABILITY_WORDS[liability]
    return name if name.rstrip().upper().endswith(suffix) else f"{name} {suffix}"
