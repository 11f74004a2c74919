"""Importing a city folder: importing is running, through the same use cases as live work.

Every row carries its own date; each batch (members, a round, bank lines) is one transaction
and keyed by the ids of the folder. So a crash loses the batch at hand and no more, the same
command goes on where it stopped, and a folder that was imported changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from sqlalchemy import select, text

from wijkeconomie.cooperatives.models import Cooperative, Federation
from wijkeconomie.core.identity import Identity, system_identity
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.network.interchange.care_import import care_faults, import_care
from wijkeconomie.network.interchange.checks import check_round, price_faults
from wijkeconomie.network.interchange.comparing import differences, round_differences
from wijkeconomie.network.interchange.costs_import import cost_faults, import_shared_costs
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.files import (
    COOPERATIVES,
    FEDERATION_FILE,
    LAYOUTS,
    PLEDGES,
    ROUNDS,
)
from wijkeconomie.network.interchange.investments_import import (
    import_investments,
    investment_faults,
)
from wijkeconomie.network.interchange.money_import import bank_faults, import_bank_lines
from wijkeconomie.network.interchange.outcome import (
    ImportOutcome,
    Progress,
    RowOutcome,
    Silent,
)
from wijkeconomie.network.interchange.people_import import (
    import_members,
    import_products,
    import_suppliers,
    open_cooperative,
)
from wijkeconomie.network.interchange.round_import import import_round
from wijkeconomie.network.interchange.round_rows import (
    Surroundings,
    load_surroundings,
    rounds_of,
    unfinished_rounds_of,
)
from wijkeconomie.network.interchange.rows_kept import import_kept_rows, kept_faults
from wijkeconomie.network.interchange.spool import Spool
from wijkeconomie.network.interchange.staging import Staged, stage_folder
from wijkeconomie.network.interchange.stored import stored_rows
from wijkeconomie.network.interchange.voucher_checks import (
    stored_voucher_faults,
    voucher_faults,
)
from wijkeconomie.network.interchange.vouchers_import import import_vouchers
from wijkeconomie.network.interchange.work import (
    CooperativeWork,
    RowRefusedError,
    refusals_at,
)

IMPORT_IDENTITY = system_identity("import")


def import_city(
    units_of_work: UnitOfWorkFactory,
    folder: Path,
    *,
    identity: Identity = IMPORT_IDENTITY,
    is_strict: bool = True,
    progress: Progress | None = None,
    on_fault: Callable[[RowError], None] | None = None,
) -> ImportOutcome:
    """Import a folder, or what is left of it after an earlier attempt.

    Args:
        is_strict: import nothing of a cooperative with a wrong row; else leave out the wrong
            rows and what depends on them (a round is imported whole or not at all).
        on_fault: told everything that is wrong, once the import has ended.

    Raises:
        PermissionDeniedError: the identity may not import a city.
        NotACityFolderError: nothing was done.
    """
    require_permission(identity, "city.import")
    watch = progress or Silent()
    outcome = ImportOutcome()
    with Spool() as spool:
        staged = stage_folder(folder, spool, watch.row_read)
        if staged.is_readable:
            _import_federation(units_of_work, identity, staged, outcome)
            for code in staged.cooperatives():
                work = CooperativeWork(units_of_work, identity, spool, outcome, watch, code)
                _import_cooperative(work, is_strict=is_strict)
        outcome.close(staged.rows, spool.refused_rows())
        for found in spool.faults():
            outcome.refused_cells[found.cooperative or ""] += 1
            if on_fault is not None:
                on_fault(found)
    return outcome


def _import_federation(
    units_of_work: UnitOfWorkFactory, identity: Identity, staged: Staged, outcome: ImportOutcome
) -> None:
    """Write the federation down; there is one, and the folder imported last describes it."""
    record = staged.federation
    if record is None:
        return
    wanted = {name: getattr(record, name) for name in ("name", "city", "currency", "year")}
    with units_of_work.begin(identity=identity) as uow:
        known = uow.session.scalar(select(Federation))
        if known is None:
            uow.session.add(Federation(id=1, **wanted))
            result = RowOutcome.IMPORTED
        elif any(getattr(known, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(known, name, value)
            result = RowOutcome.UPDATED
        else:
            result = RowOutcome.UNCHANGED
    outcome.add(FEDERATION_FILE, result)


def _import_cooperative(work: CooperativeWork, *, is_strict: bool) -> None:
    """Look at everything of a cooperative before anything is written, then import it."""
    with work.units_of_work.begin(identity=work.identity) as uow:
        work.tenant = uow.session.scalar(
            select(Cooperative.id).where(Cooperative.code == work.code)
        )
    around = load_surroundings(work.spool, work.code)
    states = _states(work)
    _check_rows(work, around)
    wrong_rounds = _check_rounds(work, around, states)
    if is_strict and work.spool.has_faults(work.code):
        work.outcome.left_out.append(work.code)
        return
    try:
        _run(work, around, states, wrong_rounds)
    except RowRefusedError as refused:
        # Not to be seen in the folder: the batches before it are in, and the same command goes
        # on from here once the cause is gone.
        work.refuse([refused.fault])
        work.outcome.left_out.append(work.code)
    else:
        work.outcome.cooperatives.append(work.code)


def _states(work: CooperativeWork) -> dict[str, str]:
    """The rounds that are stored already, with their states."""
    if work.tenant is None:
        return {}
    with work.begin() as uow:
        found = uow.session.execute(
            text("select code, state from purchase_round where cooperative_id = :cooperative_id"),
            {"cooperative_id": uow.tenant},
        )
        return {row.code: row.state for row in found}


def _check_rows(work: CooperativeWork, around: Surroundings) -> None:
    if work.tenant is not None:
        [row] = work.spool.rows(COOPERATIVES, work.code)
        with work.begin() as uow:
            [stored] = stored_rows(uow.session, uow.tenant, COOPERATIVES)
            work.refuse(differences(COOPERATIVES, row, stored))
            work.refuse(cost_faults(work, uow))
            work.refuse(care_faults(work, uow))
            work.refuse(investment_faults(work, uow))
            work.refuse(stored_voucher_faults(work, uow))
            for layout in LAYOUTS:
                if layout.is_kept:
                    work.refuse(kept_faults(work, uow, layout))
    work.refuse(price_faults(around))
    work.refuse(voucher_faults(work))
    work.refuse(bank_faults(work, around))


def _check_rounds(work: CooperativeWork, around: Surroundings, states: dict[str, str]) -> set[str]:
    """The codes of the rounds that cannot be imported; what is wrong with them is noted."""
    wrong: set[str] = set()
    for rows in rounds_of(work.spool, work.code):
        faults: list[RowError] = []
        if work.spool.incomplete_reason(ROUNDS.file, rows.code) is not None:
            wrong.add(rows.code)
        else:
            faults = check_round(rows, around)
        if not faults and rows.code not in wrong and rows.code in states:
            with work.begin() as uow:
                faults = round_differences(uow.session, uow.tenant, rows, states[rows.code])
        if faults:
            wrong.add(rows.code)
            work.refuse(faults)
    for rows in unfinished_rounds_of(work.spool, work.code):
        # A round that is here goes on here, whatever the folder tells of it.
        if rows.code in states:
            continue
        is_whole = work.spool.incomplete_reason(ROUNDS.file, rows.code) is None
        faults = check_round(rows, around) if is_whole else []
        work.refuse(faults)
        if faults or not is_whole:
            wrong.add(rows.code)
    return wrong


def _run(
    work: CooperativeWork, around: Surroundings, states: dict[str, str], wrong_rounds: set[str]
) -> None:
    """Do what has not been done yet, batch by batch.

    Raises:
        RowRefusedError: a use case refused a row.
    """
    open_cooperative(work)
    import_suppliers(work)
    import_products(work)
    import_members(work)
    rounds = chain(rounds_of(work.spool, work.code), unfinished_rounds_of(work.spool, work.code))
    for rows in rounds:
        if rows.code in wrong_rounds:
            continue
        is_new = rows.code not in states
        if is_new:
            with refusals_at(rows.round), work.begin() as uow:
                import_round(uow, rows, around)
                work.tell(PLEDGES.file, len(rows.pledges))
        for file, count in rows.counts().items():
            work.done(file, RowOutcome.IMPORTED if is_new else RowOutcome.UNCHANGED, count)
    import_shared_costs(work)
    import_care(work)
    import_investments(work)
    import_vouchers(work)
    import_bank_lines(work)
    for layout in LAYOUTS:
        if layout.is_kept:
            import_kept_rows(work, layout)
