"""Telling members what becomes of a campaign: one message an event, sent by the outbox."""

from __future__ import annotations

import enum

from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.models import InvestmentProject


class CampaignEvent(enum.StrEnum):
    """What members hear about."""

    OPENED = "opened"
    ENDS = "ends"
    GRANTED = "granted"
    FAILED = "failed"


def tell(uow: UnitOfWork, project: InvestmentProject, event: CampaignEvent) -> None:
    """Queue the letters about an event, once; who gets one is found when they are sent."""
    key = f"campaign/{project.id}/{event}"
    enqueue(
        uow,
        kind="mail.campaign",
        event_key=key,
        payload={"project": project.code, "event": event.value, "key": key},
    )
