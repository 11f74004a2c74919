"""Importing care budgets and declarations, which are judged in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import select

from wijkeconomie.budgets.access import comparing_care_records, open_care_records
from wijkeconomie.budgets.keeping import (
    SaveAgreement,
    SaveBudget,
    SaveCarer,
    add_agreement,
    add_budget,
    add_carer,
)
from wijkeconomie.budgets.models import (
    AgreementStatus,
    CareAgreement,
    CareBudget,
    CareDeclaration,
    CareLaw,
)
from wijkeconomie.budgets.taking_over import TakeOver, take_over
from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import Period
from wijkeconomie.network.interchange.comparing import differences
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.files import (
    CARE_BUDGETS,
    CARE_DECLARATIONS,
    CARE_LAYOUTS,
)
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.outcome import RowOutcome
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.stored import stored_rows
from wijkeconomie.network.interchange.work import CooperativeWork, refusals_at

BATCH = 500


def care_faults(work: CooperativeWork, uow: UnitOfWork) -> list[RowError]:
    """Where rows differ from what is stored under the same key; that is told to a person."""
    found: list[RowError] = []
    with comparing_care_records(uow):
        for layout in CARE_LAYOUTS:
            stored = {
                layout.key_of(cells): cells
                for cells in stored_rows(uow.session, uow.tenant, layout)
            }
            for row in work.spool.rows(layout, work.code):
                if (known := stored.get(layout.key_of(row.cells))) is not None:
                    found.extend(differences(layout, row, known))
    if found:
        open_care_records(uow, "city-compared")
    return found


def import_care(work: CooperativeWork) -> None:
    """Bring in budgets, each with one agreement, and answer every declaration.

    Cells are kept in our own spelling: what is kept as it was written lies open to all.

    Raises:
        RowRefusedError: a use case refused a row.
    """
    for batch in _batches(work, CARE_BUDGETS):
        with work.begin() as uow:
            if new := _unknown(uow, CareBudget, CARE_BUDGETS, batch):
                open_care_records(uow, "city-imported")
            holders = _member_ids(uow, [row["member_id"] for row in new])
            for row in new:
                with refusals_at(row):
                    _save_budget(uow, row, holders[row["member_id"]])
            work.tell(CARE_BUDGETS.file, len(batch))
        _count(work, CARE_BUDGETS, new, batch)
    for batch in _batches(work, CARE_DECLARATIONS):
        with work.begin() as uow:
            if new := _unknown(uow, CareDeclaration, CARE_DECLARATIONS, batch):
                open_care_records(uow, "city-imported")
                with refusals_at(new[0]):
                    take_over(uow, _claims(uow, new))
            work.tell(CARE_DECLARATIONS.file, len(batch))
        _count(work, CARE_DECLARATIONS, new, batch)


def _batches(work: CooperativeWork, layout: Layout) -> Iterator[list[Row]]:
    rows = (row for row in work.spool.rows(layout, work.code) if work.is_right(row))
    while batch := list(islice(rows, BATCH)):
        yield batch


def _unknown(
    uow: UnitOfWork, table: type[CareBudget | CareDeclaration], layout: Layout, batch: list[Row]
) -> list[Row]:
    codes = [layout.key_of(row.cells) for row in batch]
    with comparing_care_records(uow):
        known = set(
            uow.session.scalars(
                select(table.code).where(table.cooperative_id == uow.tenant, table.code.in_(codes))
            )
        )
    return [row for row, code in zip(batch, codes, strict=True) if code not in known]


def _count(work: CooperativeWork, layout: Layout, new: list[Row], batch: list[Row]) -> None:
    work.done(layout.file, RowOutcome.IMPORTED, len(new))
    work.done(layout.file, RowOutcome.UNCHANGED, len(batch) - len(new))


def _member_ids(uow: UnitOfWork, codes: Sequence[str]) -> dict[str, int]:
    return dict(
        uow.session.execute(
            select(Member.code, Member.id).where(
                Member.cooperative_id == uow.tenant, Member.code.in_(codes)
            )
        ).all()
    )


def _save_budget(uow: UnitOfWork, row: Row, holder_id: int) -> None:
    budget_id = add_budget(
        uow,
        SaveBudget(
            code=row["budget_id"],
            holder_id=holder_id,
            law=CareLaw(row["law"]),
            is_drawing_right=row["drawing_right"],
            starts_on=row["period_start"],
            ends_on=row["period_end"],
            budget_cents=row["budget_cents"],
        ),
    )
    add_agreement(
        uow,
        uow.session.get_one(CareBudget, (uow.tenant, budget_id)),
        SaveAgreement(
            budget_id=budget_id,
            carer_id=add_carer(uow, SaveCarer(name=None)),
            hourly_rate_cents=row["hourly_rate_cents"],
            status=AgreementStatus(row["agreement_status"]),
        ),
    )


def _claims(uow: UnitOfWork, rows: Sequence[Row]) -> list[TakeOver]:
    """The rows as claims on the first agreement of their budgets."""
    codes = {row["budget_id"] for row in rows}
    agreements: dict[str, int] = {}
    found = uow.session.execute(
        select(CareBudget.code, CareAgreement.id)
        .join(
            CareAgreement,
            (CareAgreement.cooperative_id == CareBudget.cooperative_id)
            & (CareAgreement.budget_id == CareBudget.id),
        )
        .where(CareBudget.cooperative_id == uow.tenant, CareBudget.code.in_(codes))
        .order_by(CareAgreement.id)
    )
    for code, agreement_id in found:
        agreements.setdefault(code, agreement_id)
    return [
        TakeOver(
            code=row["declaration_id"],
            agreement_id=agreements[row["budget_id"]],
            month=Period.parse(row["month"]).start,
            minutes=row["minutes"],
            claimed_cents=row["cents"],
        )
        for row in rows
    ]
