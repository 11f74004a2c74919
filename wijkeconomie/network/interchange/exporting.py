"""Exporting a city: the same files, columns and rows as an import reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select, text

from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.cooperatives.models import Cooperative, Federation
from wijkeconomie.core.identity import Identity
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.network.interchange.faults import ExportConflictError
from wijkeconomie.network.interchange.files import (
    CARE_LAYOUTS,
    FEDERATION_FILE,
    LAYOUTS,
    MEMBERS,
    PRODUCTS,
    ROUNDS,
    SUPPLIERS,
    VOUCHER_REDEMPTIONS,
)
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.retries import rows_with_retries
from wijkeconomie.network.interchange.stored import Cells, stored_rows
from wijkeconomie.network.interchange.unfinished_files import DETAILS, UNFINISHED_OF
from wijkeconomie.network.interchange.writing import folder_in_place, write_json, write_rows

_SHARED = (SUPPLIERS.file, PRODUCTS.file)
_ALONE = (MEMBERS.file, ROUNDS.file, UNFINISHED_OF[ROUNDS].file)


@dataclass(slots=True)
class ExportOutcome:
    """Rows per file, and the rounds that are still going on, which lie in files of their own."""

    rows: Counter[str] = field(default_factory=Counter)
    unfinished: list[tuple[str, str, str]] = field(default_factory=list)
    """Code of the cooperative, code of the round, its state."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A cooperative to read from."""

    id: int
    code: str


def cooperatives_to_export(
    units_of_work: UnitOfWorkFactory, identity: Identity, code: str | None
) -> list[Owner]:
    """The named cooperative, or all in order of their codes.

    Raises:
        PermissionDeniedError, NotFoundError.
    """
    with units_of_work.begin(identity=identity) as uow:
        require_permission(uow.identity, "city.export")
        statement = select(Cooperative.id, Cooperative.code).order_by(Cooperative.code)
        if code is not None:
            statement = statement.where(Cooperative.code == code)
        owners = [Owner(*row) for row in uow.session.execute(statement)]
    if not owners:
        missing = "there are no cooperatives" if code is None else f"there is no cooperative {code}"
        raise NotFoundError(missing, code=code)
    return owners


def export_city(
    units_of_work: UnitOfWorkFactory,
    identity: Identity,
    folder: Path,
    *,
    cooperative: str | None = None,
    overwrite: bool = False,
) -> ExportOutcome:
    """Write all cooperatives, or one, as a city folder.

    What the plain files cannot tell lies in files of their own, where there is any; so do rounds
    that are not settled or cancelled, which the outcome names.

    Raises:
        FolderInUseError: the folder holds files.
        ExportConflictError: two cooperatives use one code for different things.
        NotFoundError: there is nothing to export.
    """
    owners = cooperatives_to_export(units_of_work, identity, cooperative)
    outcome = ExportOutcome()
    with folder_in_place(folder, overwrite=overwrite) as draft:
        for layout in LAYOUTS:
            rows = _all_rows(units_of_work, identity, owners, layout)
            outcome.rows[layout.file] = write_rows(draft / layout.file, layout.names, rows)
        for layout in DETAILS:
            rows = _all_rows(units_of_work, identity, owners, layout)
            _write_details(draft, folder, layout, rows, outcome)
        if _write_federation(units_of_work, identity, owners, draft / FEDERATION_FILE):
            outcome.rows[FEDERATION_FILE] = 1
        for owner in owners:
            outcome.unfinished.extend(_unfinished(units_of_work, identity, owner))
    return outcome


def _write_details(
    draft: Path,
    folder: Path,
    layout: Layout,
    rows: Iterator[Iterator[str]],
    outcome: ExportOutcome,
) -> None:
    """Write a file of details; none where it has no rows, unless it takes the place of one."""
    path = draft / layout.file
    path.parent.mkdir(parents=True, exist_ok=True)
    count = write_rows(path, layout.names, rows)
    if count or (folder / layout.file).exists():
        outcome.rows[layout.file] = count
    else:
        path.unlink()


def _all_rows(
    units_of_work: UnitOfWorkFactory,
    identity: Identity,
    owners: Sequence[Owner],
    layout: Layout,
) -> Iterator[Iterator[str]]:
    """The rows of one file of every cooperative, streamed, each in its own transaction."""
    seen: dict[str, tuple[str, Cells]] = {}
    is_shared = layout.file in _SHARED
    for owner in owners:
        with units_of_work.begin(identity=identity, cooperative_id=owner.id) as uow:
            if layout in CARE_LAYOUTS:
                open_care_records(uow, "city-exported")
            found = (
                rows_with_retries(uow.session, owner.id)
                if layout is VOUCHER_REDEMPTIONS
                else stored_rows(uow.session, owner.id, layout)
            )
            for cells in found:
                if is_shared or layout.file in _ALONE:
                    key = layout.key_of(cells)
                    known = seen.setdefault(key, (owner.code, cells if is_shared else {}))
                    if known[0] != owner.code:
                        if not is_shared or known[1] != cells:
                            raise _conflict(layout, key, known[0], owner.code)
                        continue
                yield iter(cells.values())


def _conflict(layout: Layout, key: str, first: str, second: str) -> ExportConflictError:
    return ExportConflictError(
        f"{layout.file}: {key} is one thing in {first} and another in {second}; "
        "export one cooperative at a time",
        file=layout.file,
        key=key,
        first=first,
        second=second,
    )


def _write_federation(
    units_of_work: UnitOfWorkFactory, identity: Identity, owners: Sequence[Owner], path: Path
) -> bool:
    with units_of_work.begin(identity=identity) as uow:
        federation = uow.session.scalar(select(Federation))
    if federation is None:
        return False
    record = {
        "name": federation.name,
        "city": federation.city,
        "currency": federation.currency,
        "year": federation.year,
        "money_unit": "cents",
        "cooperatives": [owner.code for owner in owners],
    }
    write_json(path, record)
    return True


def _unfinished(
    units_of_work: UnitOfWorkFactory, identity: Identity, owner: Owner
) -> list[tuple[str, str, str]]:
    with units_of_work.begin(identity=identity, cooperative_id=owner.id) as uow:
        rows = uow.session.execute(
            text(
                "select code, state from purchase_round where cooperative_id = :cooperative_id"
                " and state not in ('settled', 'cancelled') order by id"
            ),
            {"cooperative_id": owner.id},
        )
        return [(owner.code, code, state) for code, state in rows]
