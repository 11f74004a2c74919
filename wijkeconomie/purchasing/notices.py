"""Who is told what of a round: messages in the outbox, many at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

from sqlalchemy import text

from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork

Occasion = Literal[
    "cancelled",
    "settled",
    "corrected",
    "reminder",
    "dropped",
    "prolonged",
    "topup",
    "uncharged",
    "renewed",
]

_TELL_MEMBERS = text(
    """
insert into outbox_message
  (cooperative_id, kind, event_key, payload, created_at, next_attempt_at)
select :cooperative_id, :kind, :event || '/member/' || told.member_id,
  cast(:payload as jsonb) || jsonb_build_object('member_id', told.member_id), :now, :now
from unnest(cast(:member_ids as bigint[])) as told (member_id)
on conflict (cooperative_id, event_key) do nothing
"""
)


def tell_members(
    uow: UnitOfWork,
    occasion: Occasion,
    round_id: int,
    member_ids: Iterable[int],
    *,
    version: int | None = None,
    **told: bool,
) -> None:
    """Queue one mail a member, ``mail.round-<occasion>``; a repeat adds none.

    The payload holds ``round_id``, ``member_id`` and, for settlements and closing times,
    ``version``, and what the occasion tells beside that; the words are made when it is sent.
    """
    event = f"round/{round_id}/{occasion}"
    payload: dict[str, int] = {"round_id": round_id, **told}
    if version is not None:
        event, payload["version"] = f"{event}/{version}", version
    uow.session.execute(
        _TELL_MEMBERS,
        {
            "cooperative_id": uow.tenant,
            "kind": f"mail.round-{occasion}",
            "event": event,
            "payload": json.dumps(payload),
            "now": uow.now,
            "member_ids": sorted(set(member_ids)),
        },
    )


def tell_supplier(uow: UnitOfWork, round_id: int, *, number: int = 0) -> None:
    """Queue the order to the supplier, ``mail.supplier-order``; once for each ``number``.

    0 is the mail that ordering sends; what is sent again has the next number.
    """
    event = f"round/{round_id}/ordered"
    enqueue(
        uow,
        kind="mail.supplier-order",
        event_key=event if not number else f"{event}/{number}",
        payload={"round_id": round_id, "is_again": number > 0},
    )


def withdraw_order(uow: UnitOfWork, round_id: int) -> None:
    """Queue the letter that an order does not go on, ``mail.supplier-withdrawal``; once a round."""
    enqueue(
        uow,
        kind="mail.supplier-withdrawal",
        event_key=f"round/{round_id}/withdrawn",
        payload={"round_id": round_id},
    )
