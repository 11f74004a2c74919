"""One cooperative's part of an import: its transactions, its figures and its refusals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from wijkeconomie.core.identity import Identity
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.money.periods import LOCAL_TIME, midnight_utc
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.outcome import ImportOutcome, Progress, RowOutcome
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.spool import Spool


class RowRefusedError(Exception):
    """A use case refused a row that looked right; the batch it was in has been undone."""

    def __init__(self, fault: RowError) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(slots=True)
class CooperativeWork:
    """What the steps of one cooperative's import share. ``tenant`` is its id once it exists."""

    units_of_work: UnitOfWorkFactory
    identity: Identity
    spool: Spool
    outcome: ImportOutcome
    progress: Progress
    code: str
    tenant: int | None = None
    wrong_rows: set[tuple[str, int]] = field(default_factory=set)

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """One batch: a transaction within the cooperative."""
        with self.units_of_work.begin(identity=self.identity, cooperative_id=self.tenant) as uow:
            yield uow

    def done(self, file: str, outcome: RowOutcome, rows: int = 1) -> None:
        """Count rows that have been committed."""
        self.outcome.add(file, outcome, rows)

    def tell(self, file: str, rows: int) -> None:
        """Tell who watches, within the transaction: when that raises, the batch is undone."""
        self.progress.rows_done(self.code, file, rows)

    def refuse(self, faults: Iterable[RowError]) -> None:
        """Note what is wrong with the cooperative's rows; those are not imported."""
        for fault in faults:
            self.wrong_rows.add((fault.file, fault.line))
            self.spool.add_fault(replace(fault, cooperative=self.code))

    def is_right(self, row: Row) -> bool:
        """Whether nothing was found wrong with a row after it had been read."""
        return (row.file, row.line) not in self.wrong_rows


@contextmanager
def refusals_at(row: Row) -> Iterator[None]:
    """Turn what a use case refuses into a fault with the place of the row."""
    try:
        yield
    except DomainError as refusal:
        reason = f"{refusal.detail} ({refusal.code})"
        raise RowRefusedError(RowError(row.file, row.line, "", "", reason)) from refusal


def at_moment(uow: UnitOfWork, moment: datetime) -> UnitOfWork:
    """The same unit of work at the moment of which a row tells."""
    return replace(uow, now=moment)


def on_day(uow: UnitOfWork, day: date) -> UnitOfWork:
    """The same unit of work at the start of a day in the Netherlands."""
    return replace(uow, now=midnight_utc(day, LOCAL_TIME))
