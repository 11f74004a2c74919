"""Reads of projects, participations, assets and results, for pages, files and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.investments.models import (
    AssetDepreciation,
    InvestmentProject,
    ProjectAsset,
    ProjectDrawing,
    ProjectState,
)
from wijkeconomie.investments.rules import CampaignFigures, drawable_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectView:
    """A project and how far its campaign is."""

    id: int
    code: str
    name: str
    explanation: str
    instrument: str
    unit_price_cents: int
    target_units: int
    stage_units: int
    maximum_units: int | None
    opens_on: date
    closes_on: date | None
    repayment_months: int
    repayment_cents_per_year: int | None
    transfers: str
    state: str
    closed_on: date | None
    taken_units: int
    raised_units: int
    paid_units: int
    drawn_cents: int

    @property
    def left_units(self) -> int:
        """How many units can still be taken."""
        return self.target_units - self.taken_units

    @property
    def target_cents(self) -> int:
        """What the campaign asks for."""
        return self.target_units * self.unit_price_cents

    @property
    def paid_cents(self) -> int:
        """What came in."""
        return self.paid_units * self.unit_price_cents

    @property
    def drawable_cents(self) -> int:
        """How much more may be spent now."""
        return drawable_cents(
            CampaignFigures(
                unit_price_cents=self.unit_price_cents,
                target_units=self.target_units,
                stage_units=self.stage_units,
                raised_units=self.raised_units,
                drawn_cents=self.drawn_cents,
                is_closed=self.closed_on is not None,
            )
        )

    def is_open(self, today: date) -> bool:
        """Whether units can be taken today."""
        return (
            self.state != ProjectState.FAILED
            and self.closed_on is None
            and self.opens_on <= today
            and (self.closes_on is None or today <= self.closes_on)
            and self.left_units > 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationView:
    """A participation with its project and its member."""

    code: str
    project_code: str
    project: str
    instrument: str
    member_id: int
    member_code: str
    member: str
    units: int
    cents: int
    state: str
    bought_on: date
    paid_on: date | None
    issued_on: date | None
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class AssetView:
    """An asset with what it is worth in the books now."""

    code: str
    name: str
    in_use_from: date
    life_months: int
    cost_cents: int
    residual_cents: int
    depreciated_cents: int
    key_code: str | None
    months_done: int
    disposed_on: date | None
    disposal_kind: str | None
    proceeds_cents: int | None
    """What it was sold for, with VAT."""
    disposal_result_cents: int | None
    is_owed: bool
    """Whether the buyer has yet to pay it."""

    @property
    def value_cents(self) -> int:
        """Cost less what was written off; nothing once it is out of use."""
        return 0 if self.disposed_on else self.cost_cents - self.depreciated_cents


@dataclass(frozen=True, slots=True)
class ResultView:
    """A result that was shared, and a member's own part of it."""

    year: int
    cents: int
    units: int
    own_cents: int | None


_PROJECTS = text(
    """
select p.id, p.code, p.name, p.explanation, p.instrument, p.unit_price_cents, p.target_units,
  p.stage_units, p.maximum_units, p.opens_on, p.closes_on, p.repayment_months,
  p.repayment_cents_per_year, p.transfers, p.state, p.closed_on, p.taken_units, p.raised_units,
  p.drawn_cents,
  p.raised_units + coalesce((select sum(x.units) from participation x
    where x.cooperative_id = p.cooperative_id and x.project_id = p.id and x.state = 'paid'), 0)
    ::bigint as paid_units
from investment_project p
where p.cooperative_id = :id and (cast(:code as text) is null or p.code = :code)
order by p.opens_on desc, p.id desc
"""
)
_PARTICIPATIONS = text(
    """
select x.code, p.code as project_code, p.name as project, p.instrument, x.member_id,
  m.code as member_code,
  concat_ws(' ', m.first_name, m.infix, m.last_name) as member, x.units, x.cents, x.state,
  x.bought_on, x.paid_on, x.issued_on, x.ended_on
from participation x
join investment_project p on p.cooperative_id = x.cooperative_id and p.id = x.project_id
join member m on m.cooperative_id = x.cooperative_id and m.id = x.member_id
where x.cooperative_id = :id
  and (cast(:project as text) is null or p.code = :project)
  and (cast(:member as bigint) is null or x.member_id = :member)
  and (cast(:code as text) is null or x.code = :code)
order by p.id, m.code, x.id
"""
)
_RESULTS = text(
    """
select r.year, r.cents, r.units, s.cents as own_cents
from project_result r
left join result_share s on s.cooperative_id = r.cooperative_id and s.result_id = r.id
  and s.member_id = :member
where r.cooperative_id = :id and r.project_id = :project and r.reversed_on is null
order by r.year desc
"""
)
_OWED = text(
    """
select m.id, m.code, concat_ws(' ', m.first_name, m.infix, m.last_name) as name, m.iban,
  -b.balance as cents
from account a
join account_balance b on b.cooperative_id = a.cooperative_id and b.account_id = a.id
join member m on m.cooperative_id = a.cooperative_id and m.code = a.party
where a.cooperative_id = :id and a.key = 'owed_to_members' and b.balance < 0 order by m.code
"""
)


def projects(session: Session, cooperative_id: int) -> list[ProjectView]:
    """All projects, the one that opened last first."""
    rows = session.execute(_PROJECTS, {"id": cooperative_id, "code": None})
    return [ProjectView(**row._mapping) for row in rows]  # noqa: SLF001 a named tuple's own way


def project(session: Session, cooperative_id: int, code: str) -> ProjectView:
    """One project.

    Raises:
        NotFoundError: there is none with this code.
    """
    row = session.execute(_PROJECTS, {"id": cooperative_id, "code": code}).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no project {code}", project=code)
    return ProjectView(**row._mapping)  # noqa: SLF001


def participations(
    session: Session,
    cooperative_id: int,
    *,
    project_code: str | None = None,
    member_id: int | None = None,
) -> list[ParticipationView]:
    """Participations by project, member number and arrival."""
    rows = session.execute(
        _PARTICIPATIONS,
        {"id": cooperative_id, "project": project_code, "member": member_id, "code": None},
    )
    return [ParticipationView(**row._mapping) for row in rows]  # noqa: SLF001


def participation(session: Session, cooperative_id: int, code: str) -> ParticipationView:
    """One participation.

    Raises:
        NotFoundError: there is none with this number.
    """
    row = session.execute(
        _PARTICIPATIONS, {"id": cooperative_id, "project": None, "member": None, "code": code}
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no participation {code}", participation=code)
    return ParticipationView(**row._mapping)  # noqa: SLF001


def register_on(session: Session, cooperative_id: int, day: date) -> list[ParticipationView]:
    """Who held which units at the end of a day: they counted, and were not released yet."""
    return [
        each
        for each in participations(session, cooperative_id)
        if each.issued_on is not None
        and each.issued_on <= day
        and (each.ended_on is None or each.ended_on > day)
    ]


def drawings(session: Session, cooperative_id: int, project_id: int) -> Sequence[ProjectDrawing]:
    """The invoices of a project that stand, in order of arrival."""
    return session.scalars(
        select(ProjectDrawing)
        .where(
            ProjectDrawing.cooperative_id == cooperative_id,
            ProjectDrawing.project_id == project_id,
            ProjectDrawing.reversed_on.is_(None),
        )
        .order_by(ProjectDrawing.id)
    ).all()


def assets(session: Session, cooperative_id: int, project_id: int) -> list[AssetView]:
    """The assets of a project, in the order in which they came into use."""
    rows = session.execute(
        text(
            "select a.code, a.name, a.in_use_from, a.life_months, a.cost_cents, a.residual_cents,"
            " a.depreciated_cents, a.key_code, (select count(*) from asset_depreciation d"
            " where d.cooperative_id = a.cooperative_id and d.asset_id = a.id) as months_done,"
            " x.disposed_on, x.kind as disposal_kind, x.proceeds_cents,"
            " x.result_cents as disposal_result_cents,"
            " x.buyer is not null and not exists (select from journal_entry e"
            "  where e.cooperative_id = a.cooperative_id"
            "  and e.idempotency_key = 'asset/' || a.id || '/paid') as is_owed"
            " from project_asset a left join asset_disposal x"
            " on x.cooperative_id = a.cooperative_id and x.asset_id = a.id"
            " where a.cooperative_id = :id and a.project_id = :project"
            " order by a.in_use_from, a.id"
        ),
        {"id": cooperative_id, "project": project_id},
    )
    return [AssetView(**row._mapping) for row in rows]  # noqa: SLF001


def project_of_asset(session: Session, cooperative_id: int, code: str) -> str:
    """The code of the project that an asset belongs to.

    Raises:
        NotFoundError: there is no asset with this code.
    """
    found = session.scalar(
        select(InvestmentProject.code)
        .join(
            ProjectAsset,
            (ProjectAsset.cooperative_id == InvestmentProject.cooperative_id)
            & (ProjectAsset.project_id == InvestmentProject.id),
        )
        .where(ProjectAsset.cooperative_id == cooperative_id, ProjectAsset.code == code)
    )
    if found is None:
        raise NotFoundError(f"there is no asset {code}", asset=code)
    return found


def depreciated_months(session: Session, cooperative_id: int, code: str) -> dict[date, int]:
    """What an asset lost in each month that was posted."""
    rows = session.execute(
        select(AssetDepreciation.month, AssetDepreciation.cents)
        .join(
            ProjectAsset,
            (ProjectAsset.cooperative_id == AssetDepreciation.cooperative_id)
            & (ProjectAsset.id == AssetDepreciation.asset_id),
        )
        .where(ProjectAsset.cooperative_id == cooperative_id, ProjectAsset.code == code)
        .order_by(AssetDepreciation.month)
    )
    return dict(rows.all())


def results(
    session: Session, cooperative_id: int, project_id: int, member_id: int | None
) -> list[ResultView]:
    """The results that were shared, the latest first, with the part of one member."""
    rows = session.execute(
        _RESULTS, {"id": cooperative_id, "project": project_id, "member": member_id}
    )
    return [ResultView(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class OwedView:
    """What the cooperative owes a member, and where to pay it."""

    member_id: int
    code: str
    name: str
    iban: str | None
    cents: int


def owed_to_members(session: Session, cooperative_id: int) -> list[OwedView]:
    """Members who have money to come, by number."""
    return [OwedView(*row) for row in session.execute(_OWED, {"id": cooperative_id})]
