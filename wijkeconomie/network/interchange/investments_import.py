"""Importing projects and participations: each is paid on its own day, then the result is shared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice

from sqlalchemy import select

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.campaigns import OpenCampaign, open_campaign
from wijkeconomie.investments.models import Instrument, InvestmentProject, ProjectResult
from wijkeconomie.investments.participating import RecordParticipation, record_participation
from wijkeconomie.investments.results import ShareResult, share_project_result
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.network.interchange.comparing import differences
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.files import INVESTMENTS, PROJECTS
from wijkeconomie.network.interchange.outcome import RowOutcome
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.rows_kept import remember_spelling, row_key
from wijkeconomie.network.interchange.stored import Cells, stored_rows
from wijkeconomie.network.interchange.work import CooperativeWork, refusals_at

BATCH = 500
RESULT_YEAR = 2026
"""The year whose result a folder tells, in a column of that name."""

RESULT = f"result_{RESULT_YEAR}_cents"


def investment_faults(work: CooperativeWork, uow: UnitOfWork) -> Iterator[RowError]:
    """Where rows differ from what is stored; a result that was not shared yet may be filled in."""
    projects = {
        cells["project_id"]: cells for cells in stored_rows(uow.session, uow.tenant, PROJECTS)
    }
    for row in work.spool.rows(PROJECTS, work.code):
        if (known := projects.get(row["project_id"])) is not None:
            result = known[RESULT] or row.cells[RESULT]
            yield from differences(PROJECTS, row, known | {RESULT: result})
    taken = _stored_participations(uow)
    for row, occurrence in work.spool.numbered_rows(INVESTMENTS, work.code):
        if (known := taken.get(row_key(INVESTMENTS, row, occurrence))) is not None:
            yield from differences(INVESTMENTS, row, known)


def _stored_participations(uow: UnitOfWork) -> dict[str, Cells]:
    """What is stored, by member and project; the second time with a number."""
    found: dict[str, Cells] = {}
    times: dict[str, int] = {}
    for cells in stored_rows(uow.session, uow.tenant, INVESTMENTS):
        key = INVESTMENTS.key_of(cells)
        times[key] = times.get(key, 0) + 1
        found[key if times[key] == 1 else f"{key}#{times[key]}"] = cells
    return found


def import_investments(work: CooperativeWork) -> None:
    """Bring in projects, their participations and the result of the year.

    A project of a folder gathers without a condition: what came in counts from its own day. Its
    participations are own capital, as the members' capital of a cooperative is.

    Raises:
        RowRefusedError: a use case refused a row.
    """
    projects = [row for row in work.spool.rows(PROJECTS, work.code) if work.is_right(row)]
    if not projects:
        return
    _import_projects(work, projects)
    _import_participations(work)
    _share_results(work, projects)


def _import_projects(work: CooperativeWork, rows: list[Row]) -> None:
    first: dict[str, date] = {}
    for row in work.spool.rows(INVESTMENTS, work.code):
        known = first.get(row["project_id"], row["bought_on"])
        first[row["project_id"]] = min(known, row["bought_on"])
    with work.begin() as uow:
        known_codes = set(
            uow.session.scalars(
                select(InvestmentProject.code).where(InvestmentProject.cooperative_id == uow.tenant)
            )
        )
        new = [row for row in rows if row["project_id"] not in known_codes]
        today = local_date(uow.now, LOCAL_TIME)
        for row in new:
            with refusals_at(row):
                open_campaign(uow, _campaign(row, first.get(row["project_id"], today)))
        remember_spelling(uow, PROJECTS, new)
        work.tell(PROJECTS.file, len(rows))
    work.done(PROJECTS.file, RowOutcome.IMPORTED, len(new))
    work.done(PROJECTS.file, RowOutcome.UNCHANGED, len(rows) - len(new))


def _campaign(row: Row, opens_on: date) -> OpenCampaign:
    return OpenCampaign(
        code=row["project_id"],
        name=row["name"],
        instrument=Instrument.EQUITY,
        unit_price_cents=row["unit_price_cents"],
        target_units=row["target_units"],
        stage_units=1,
        opens_on=opens_on,
    )


def _import_participations(work: CooperativeWork) -> None:
    with work.begin() as uow:
        known = _stored_participations(uow).keys()
    rows = (
        (row, row_key(INVESTMENTS, row, occurrence))
        for row, occurrence in work.spool.numbered_rows(INVESTMENTS, work.code)
        if work.is_right(row)
    )
    while batch := list(islice(rows, BATCH)):
        new = [row for row, key in batch if key not in known]
        with work.begin() as uow:
            for row in new:
                with refusals_at(row):
                    record_participation(uow, _participation(row))
            work.tell(INVESTMENTS.file, len(batch))
        work.done(INVESTMENTS.file, RowOutcome.IMPORTED, len(new))
        work.done(INVESTMENTS.file, RowOutcome.UNCHANGED, len(batch) - len(new))


def _participation(row: Row) -> RecordParticipation:
    return RecordParticipation(
        project_code=row["project_id"],
        member_code=row["member_id"],
        units=row["units"],
        bought_on=row["bought_on"],
    )


def _share_results(work: CooperativeWork, rows: list[Row]) -> None:
    for row in rows:
        if row[RESULT] is None:
            continue
        with refusals_at(row), work.begin() as uow:
            if not _is_shared(uow, row["project_id"]):
                share_project_result(
                    uow,
                    ShareResult(
                        project_code=row["project_id"],
                        year=RESULT_YEAR,
                        cents=row[RESULT],
                        accounting_date=date(RESULT_YEAR, 12, 31),
                    ),
                )


def _is_shared(uow: UnitOfWork, code: str) -> bool:
    found = uow.session.scalar(
        select(ProjectResult.id)
        .join(
            InvestmentProject,
            (InvestmentProject.cooperative_id == ProjectResult.cooperative_id)
            & (InvestmentProject.id == ProjectResult.project_id),
        )
        .where(
            ProjectResult.cooperative_id == uow.tenant,
            ProjectResult.reversed_on.is_(None),
            InvestmentProject.code == code,
            ProjectResult.year == RESULT_YEAR,
        )
    )
    return found is not None
