"""Importing keys, subsidies and shared costs: each month of costs is settled on its last day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice

from sqlalchemy import select, text

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.entry_rules import rate_of
from wijkeconomie.costs.keeping import RecordCost, SaveSubsidy, record_cost, save_subsidy
from wijkeconomie.costs.keys import (
    MemberTerms,
    SaveKeyVersion,
    save_key_version,
    save_member_terms,
)
from wijkeconomie.costs.models import AllocationKey, AllocationKeyVersion, Basis, SubsidyMode
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import settle_month
from wijkeconomie.money.periods import Period
from wijkeconomie.money.vat import standard_rates_on
from wijkeconomie.network.interchange.comparing import differences
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.files import PARTICIPATION_KEYS, SHARED_COSTS, SUBSIDIES
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.outcome import RowOutcome
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.rows_kept import remember_spelling
from wijkeconomie.network.interchange.stored import stored_rows
from wijkeconomie.network.interchange.work import CooperativeWork, refusals_at

BATCH = 1000
COST_LAYOUTS = (PARTICIPATION_KEYS, SUBSIDIES, SHARED_COSTS)

KEYS = {
    "equal": ("Ieder evenveel", Basis.EQUAL),
    "household": ("Naar huishouden", Basis.HOUSEHOLD),
    "m2": ("Naar woonoppervlak", Basis.FLOOR_AREA),
    "kwh": ("Naar kilowattuur", Basis.WEIGHTS),
    "usage": ("Naar gebruik", Basis.WEIGHTS),
}
"""The five keys of a folder, with the policy ``order``. They are valid for all its months."""

SINCE = date(2000, 1, 1)
ENERGY_WORD, ENERGY_KEY = "energie", "kwh"
"""A subsidy with this word in its purpose helps to pay the costs of this key."""


def cost_faults(work: CooperativeWork, uow: UnitOfWork) -> Iterator[RowError]:
    """Where rows differ from what is stored under the same key."""
    for layout in COST_LAYOUTS:
        stored = {
            layout.key_of(cells): cells for cells in stored_rows(uow.session, uow.tenant, layout)
        }
        for row in work.spool.rows(layout, work.code):
            if (known := stored.get(layout.key_of(row.cells))) is not None:
                yield from differences(layout, row, known)


def import_shared_costs(work: CooperativeWork) -> None:
    """Bring in keys, subsidies and costs, and settle every month that waits, oldest first.

    Raises:
        RowRefusedError: a use case refused a row, or the settling of a month.
    """
    if not any(_has_rows(work, layout) for layout in COST_LAYOUTS):
        return
    with work.begin() as uow:
        versions = _own_keys(uow)
    _import_weights(work, versions)
    for layout in (SUBSIDIES, SHARED_COSTS):
        _import_each(work, layout)
    _settle_months(work)


def _has_rows(work: CooperativeWork, layout: Layout) -> bool:
    return next(iter(work.spool.rows(layout, work.code)), None) is not None


def _own_keys(uow: UnitOfWork) -> dict[str, int]:
    """The ids of the versions of the five keys, made where they are new."""
    found: dict[str, int] = dict(
        uow.session.execute(
            select(AllocationKey.code, AllocationKeyVersion.id)
            .join(
                AllocationKeyVersion,
                (AllocationKeyVersion.cooperative_id == AllocationKey.cooperative_id)
                & (AllocationKeyVersion.key_id == AllocationKey.id),
            )
            .where(
                AllocationKey.cooperative_id == uow.tenant,
                AllocationKeyVersion.valid_from == SINCE,
            )
            .order_by(AllocationKeyVersion.number)
        ).all()
    )
    for code, (name, basis) in KEYS.items():
        if code not in found:
            command = SaveKeyVersion(code=code, name=name, valid_from=SINCE, basis=basis)
            found[code] = save_key_version(uow, command)
    return found


def _import_weights(work: CooperativeWork, versions: dict[str, int]) -> None:
    for new, batch in _new_rows(work, PARTICIPATION_KEYS):
        with work.begin() as uow:
            ids = _member_ids(uow, [row["member_id"] for row in new])
            for code in ("kwh", "usage"):
                terms = [
                    MemberTerms(member_id=ids[row["member_id"]], weight=str(row[code]))
                    for row in new
                ]
                save_member_terms(uow, versions[code], terms)
            work.tell(PARTICIPATION_KEYS.file, len(batch))
        _count(work, PARTICIPATION_KEYS, new, batch)


def _member_ids(uow: UnitOfWork, codes: list[str]) -> dict[str, int]:
    return dict(
        uow.session.execute(
            select(Member.code, Member.id).where(
                Member.cooperative_id == uow.tenant, Member.code.in_(codes)
            )
        ).all()
    )


def _import_each(work: CooperativeWork, layout: Layout) -> None:
    save = _save_subsidy if layout is SUBSIDIES else _save_cost
    for new, batch in _new_rows(work, layout):
        with work.begin() as uow:
            for row in new:
                with refusals_at(row):
                    save(uow, row)
            remember_spelling(uow, layout, new)
            work.tell(layout.file, len(batch))
        _count(work, layout, new, batch)


def _new_rows(work: CooperativeWork, layout: Layout) -> Iterator[tuple[list[Row], list[Row]]]:
    """The right rows in batches: those that are not stored yet, and all of them."""
    with work.begin() as uow:
        known = {layout.key_of(cells) for cells in stored_rows(uow.session, uow.tenant, layout)}
    rows = (row for row in work.spool.rows(layout, work.code) if work.is_right(row))
    while batch := list(islice(rows, BATCH)):
        yield [row for row in batch if layout.key_of(row.cells) not in known], batch


def _count(work: CooperativeWork, layout: Layout, new: list[Row], batch: list[Row]) -> None:
    work.done(layout.file, RowOutcome.IMPORTED, len(new))
    work.done(layout.file, RowOutcome.UNCHANGED, len(batch) - len(new))


def _save_subsidy(uow: UnitOfWork, row: Row) -> None:
    helps_energy = row["mode"] == SubsidyMode.TARGETED_POOL and ENERGY_WORD in row["purpose"]
    save_subsidy(
        uow,
        SaveSubsidy(
            code=row["subsidy_id"],
            grantor=row["grantor"],
            purpose=row["purpose"],
            mode=SubsidyMode(row["mode"]),
            awarded_cents=row["cents"],
            valid_from=row["valid_from"],
            valid_until=row["valid_to"],
            accountable_by=row["accountable_by"],
            key_code=ENERGY_KEY if helps_energy else None,
        ),
    )


def _save_cost(uow: UnitOfWork, row: Row) -> None:
    month = Period.parse(row["month"]).start
    net, vat = row["net_cents"], row["vat_cents"]
    record_cost(
        uow,
        RecordCost(
            code=row["cost_id"],
            month=month,
            description=row["description"],
            key_code=row["key"],
            net_cents=net,
            vat_cents=vat,
            vat_basis_points=rate_of(net, vat, standard_rates_on(month)),
        ),
    )


def _settle_months(work: CooperativeWork) -> None:
    with work.begin() as uow:
        months = uow.session.scalars(
            text(
                "select distinct month from shared_cost where cooperative_id = :cooperative_id"
                " and settled_version = 0 and stopped_at is null order by month"
            ),
            {"cooperative_id": uow.tenant},
        ).all()
    for month in months:
        written = f"{month:%Y-%m}"
        first = next(
            row for row in work.spool.rows(SHARED_COSTS, work.code) if row["month"] == written
        )
        with refusals_at(first), work.begin() as uow:
            settle_month(uow, month, Publication.SILENT)
