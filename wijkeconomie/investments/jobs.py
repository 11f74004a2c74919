"""What the clock does for investments: campaigns end, assets lose value, leavers get money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.campaigns import close_campaign
from wijkeconomie.investments.depreciating import depreciate
from wijkeconomie.investments.leaver_queries import due_releases
from wijkeconomie.investments.leaving import release_units
from wijkeconomie.investments.models import AssetDepreciation, InvestmentProject, ProjectAsset
from wijkeconomie.investments.rules import DECIDED_AFTER, depreciation_plan, last_day
from wijkeconomie.investments.sharing import CostSharing
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date, midnight_utc


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
    assets = session.scalars(
        select(ProjectAsset).where(ProjectAsset.cooperative_id == cooperative_id)
    )
    return [
        (f"{asset.code}/{month:%Y-%m}", midnight_utc(last_day(month), LOCAL_TIME))
        for asset in assets
        for month, _ in depreciation_plan(
            asset.cost_cents, asset.residual_cents, asset.life_months, asset.in_use_from
        )
        if last_day(month) <= today and (asset.id, month) not in done
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
        ScheduledJob("investments.close", _campaigns_to_close, _close),
        ScheduledJob(
            "investments.depreciate", _months_to_depreciate, partial(_depreciate, sharing=sharing)
        ),
        ScheduledJob("investments.release", _units_to_release, _release),
    )
