"""The world of a benchmark: a server of its own that writes durably, and one cooperative."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import text

from wijkeconomie.core.database import application_engine, client_address, database, upgrade
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.settings import load_settings
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory, session_factory
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.service import open_books

BENCH = system_identity("bench")


@dataclass(frozen=True, slots=True)
class World:
    """Units of work for the service, and a plain connection for the reference."""

    units_of_work: UnitOfWorkFactory
    raw: psycopg.Connection[tuple[object, ...]]
    cooperative_id: int
    folder: Path

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """A unit of work within the cooperative."""
        with self.units_of_work.begin(identity=BENCH, cooperative_id=self.cooperative_id) as uow:
            yield uow


@contextmanager
def a_world() -> Iterator[World]:
    """Start a server with the settings of a real one (it waits for the disk), and fill it."""
    with tempfile.TemporaryDirectory(prefix="wijkeconomie-bench-") as home:
        settings = load_settings({"WIJKECONOMIE_HOME": home})
        with database(settings) as addresses:
            upgrade(addresses)
            engine = application_engine(addresses)
            units_of_work = UnitOfWorkFactory(session_factory(engine))
            with psycopg.connect(client_address(addresses.owner)) as raw:
                yield World(units_of_work, raw, _cooperative(units_of_work), Path(home))
            engine.dispose()


def _cooperative(units_of_work: UnitOfWorkFactory) -> int:
    with units_of_work.begin(identity=BENCH) as uow:
        cooperative_id = uow.session.scalars(
            text(
                "insert into cooperative (code, name, neighbourhood, liability, vat_regime, kvk,"
                " iban, creditor_id, founded_on, contribution_year_cents, share_price_cents,"
                " vote_rule) values ('BENCH', 'Bench U.A.', 'Bench', 'UA', 'regulier',"
                " '00000000', 'NL91ABNA0417164300', 'x', '2020-01-01', 0, 0,"
                " 'een_lid_een_stem') returning id"
            )
        ).one()
    with units_of_work.begin(identity=BENCH, cooperative_id=cooperative_id) as uow:
        open_books(uow, load_chart())
    return int(cooperative_id)
