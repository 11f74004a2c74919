"""What the clock does for investments: campaigns end, assets lose value, leavers get money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.campaigns import close_campaign, hold_project
from wijkeconomie.investments.depreciating import depreciate
from wijkeconomie.investments.leaver_queries import due_releases
from wijkeconomie.investments.leaving import release_units
from wijkeconomie.investments.models import (
    AssetDepreciation,
    AssetDisposal,
    InvestmentProject,
    ProjectAsset,
    ProjectState,
)
from wijkeconomie.investments.rules import DECIDED_AFTER, depreciation_plan, last_day
from wijkeconomie.investments.sharing import CostSharing
from wijkeconomie.investments.telling import CampaignEvent, tell
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date, midnight_utc

REMINDED_BEFORE = timedelta(days=3)
"""So long before its last day who took units of a campaign and did not pay is reminded."""


def _campaigns_to_close(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    decided = local_date(now, LOCAL_TIME) - DECIDED_AFTER
    rows = session.execute(
        select(InvestmentProject.code, InvestmentProject.closes_on).where(
            InvestmentProject.cooperative_id == cooperative_id,
            InvestmentProject.closed_on.is_(None),
            InvestmentProject.closes_on < decided,
        )
    )
    after = DECIDED_AFTER + timedelta(days=1)
    return [
        (code, midnight_utc(closes_on + after, LOCAL_TIME))
        for code, closes_on in rows
        if closes_on is not None
    ]


def _close(uow: UnitOfWork, period: str) -> str:
    return close_campaign(uow, period).value


def _campaigns_to_announce(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    """Campaigns that opened, but not those that came with an old register."""
    today = local_date(now, LOCAL_TIME)
    return [
        (project.code, midnight_utc(project.opens_on, LOCAL_TIME))
        for project in _running(session, cooperative_id, today)
        if project.opens_on >= local_date(project.created_at, LOCAL_TIME)
    ]


def _campaigns_that_end(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    today = local_date(now, LOCAL_TIME)
    return [
        (project.code, midnight_utc(project.closes_on - REMINDED_BEFORE, LOCAL_TIME))
        for project in _running(session, cooperative_id, today)
        if project.closes_on is not None and project.closes_on - REMINDED_BEFORE <= today
    ]


def _running(session: Session, cooperative_id: int, today: date) -> Sequence[InvestmentProject]:
    return session.scalars(
        select(InvestmentProject).where(
            InvestmentProject.cooperative_id == cooperative_id,
            InvestmentProject.state != ProjectState.FAILED,
            InvestmentProject.closed_on.is_(None),
            InvestmentProject.opens_on <= today,
            func.coalesce(InvestmentProject.closes_on, today) >= today,
        )
    ).all()


def _tell(uow: UnitOfWork, period: str, *, event: CampaignEvent) -> str:
    tell(uow, hold_project(uow, period), event)
    return event.value


def _months_to_depreciate(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    """Months of assets whose last day has come: a day before their costs are settled."""
    today = local_date(now, LOCAL_TIME)
    done = {
        (asset_id, month)
        for asset_id, month in session.execute(
            select(AssetDepreciation.asset_id, AssetDepreciation.month).where(
                AssetDepreciation.cooperative_id == cooperative_id
            )
        )
    }
    disposed = dict(
        session.execute(
            select(AssetDisposal.asset_id, AssetDisposal.disposed_on).where(
                AssetDisposal.cooperative_id == cooperative_id
            )
        ).all()
    )
    assets = session.scalars(
        select(ProjectAsset).where(ProjectAsset.cooperative_id == cooperative_id)
    )
    return [
        (f"{asset.code}/{month:%Y-%m}", midnight_utc(last_day(month), LOCAL_TIME))
        for asset in assets
        for month, _ in depreciation_plan(
            asset.cost_cents, asset.residual_cents, asset.life_months, asset.in_use_from
        )
        if last_day(month) <= today
        and month < disposed.get(asset.id, date.max).replace(day=1)
        and (asset.id, month) not in done
    ]


def _depreciate(uow: UnitOfWork, period: str, *, sharing: CostSharing) -> str:
    code, _, month = period.rpartition("/")
    return str(depreciate(uow, code, Period.parse(month).start, sharing))


def _units_to_release(
    session: Session, cooperative_id: int, now: datetime
) -> Sequence[tuple[str, datetime]]:
    return [
        (f"{project}/{leaver.member}/{leaver.due_on}", midnight_utc(leaver.due_on, LOCAL_TIME))
        for project, leaver in due_releases(
            session, cooperative_id, today=local_date(now, LOCAL_TIME)
        )
    ]


def _release(uow: UnitOfWork, period: str) -> str:
    place, _, due_on = period.rpartition("/")
    project, _, member = place.rpartition("/")
    # Not before its own day, and not in a month of long ago that may be closed.
    today = local_date(uow.now, LOCAL_TIME)
    return str(release_units(uow, project, member, on=max(today, date.fromisoformat(due_on))))


def investment_jobs(sharing: CostSharing) -> tuple[ScheduledJob, ...]:
    """The scheduled work of investments; ``sharing`` is the way to shared costs."""
    return (
        ScheduledJob(
            "investments.announce",
            _campaigns_to_announce,
            partial(_tell, event=CampaignEvent.OPENED),
        ),
        ScheduledJob(
            "investments.remind", _campaigns_that_end, partial(_tell, event=CampaignEvent.ENDS)
        ),
        ScheduledJob("investments.close", _campaigns_to_close, _close),
        ScheduledJob(
            "investments.depreciate", _months_to_depreciate, partial(_depreciate, sharing=sharing)
        ),
        ScheduledJob("investments.release", _units_to_release, _release),
    )
