"""The migration of keys and meters, down and up with the data that it is about."""

from __future__ import annotations

from datetime import UTC, date, datetime

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from tests.conftest import Clock
from tests.factories.shared_costs import JANUARY, House, a_house
from wijkeconomie.core.database import DatabaseAddresses, alembic_config, application_engine
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.costs.explanations import explain_cost_share
from wijkeconomie.costs.keys import MemberTerms, SaveKeyVersion, save_key_version
from wijkeconomie.costs.meters import (
    EndMeter,
    NextHolder,
    RecordReading,
    end_meter,
    record_readings,
    save_meter,
)
from wijkeconomie.costs.models import Basis
from wijkeconomie.costs.proof_checking import verify_proof
from wijkeconomie.costs.proof_queries import proof_of
from wijkeconomie.costs.queries import shares_of_cost
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import settle_month

REVISION = "0030_keys_and_meters"


def told(engine: Engine, statement: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def explained(house: House) -> list[str]:
    with house.books.open() as uow:
        shares = shares_of_cost(uow.session, uow.tenant, "A")
    return [explain_cost_share(share.facts, "nl") for share in shares]


def test_keys_meters_and_explanations_go_down_and_up(
    fresh_addresses: DatabaseAddresses, clock: Clock
) -> None:
    clock.set(datetime(2026, 3, 20, tzinfo=UTC))
    engine = application_engine(fresh_addresses)
    house = a_house(UnitOfWorkFactory(session_factory(engine), clock))
    prepare(house)
    before = explained(house)
    engine.dispose()
    owner = create_engine(fresh_addresses.owner)
    config = alembic_config(fresh_addresses.owner)
    below = ScriptDirectory.from_config(config).get_revision(REVISION).down_revision
    assert isinstance(below, str)

    command.downgrade(config, below)
    # The replaced versions went to days before the one that counts; the number that is held stays.
    versions = "select number, valid_from from allocation_key_version order by key_id, number"
    assert told(owner, versions)[1:4] == [
        (1, date(2019, 12, 30)),
        (2, date(2019, 12, 31)),
        (3, date(2020, 1, 1)),
    ]
    [(ended,), (held,)] = told(owner, "select code from meter order by id")
    assert (str(ended).startswith("W / "), held) == (True, "W")
    owner.dispose()
    command.upgrade(config, "head")
    command.check(config)

    assert explained(house) == before
    assert before[0].startswith("begrensd door het maximum van de sleutel")
    assert before[1].startswith("wat over is na de grenzen van de sleutel")
    with house.books.open() as uow:
        proof = proof_of(uow, "A")
    assert verify_proof(proof).head.key_version == 3
    assert house.books.verify().fault is None
    engine.dispose()
    owner.dispose()


def prepare(house: House) -> None:
    """A key replaced twice and settled by, a fixed part by deed, and a meter that moved."""
    for cap in (300, 200, 100):
        with house.books.open() as uow:
            save_key_version(
                uow,
                SaveKeyVersion(
                    code="bound",
                    name="bound",
                    valid_from=date(2020, 1, 1),
                    basis=Basis.EQUAL,
                    members=(MemberTerms(member_id=house.members["L001"], cap_cents=cap),),
                ),
            )
    house.key(
        "heat",
        Basis.METER,
        weights=["1", "1", "1"],
        fixed_percent="40",
        fixed_basis=Basis.PARTS,
        parts_total="3",
    )
    house.cost("A", 1000, key="bound")
    with house.books.open() as uow:
        settle_month(uow, JANUARY, Publication.SILENT)
        meter = save_meter(uow, "W", key_code="heat", member_id=house.members["L001"], unit="GJ")
        record_readings(uow, [RecordReading(meter_id=meter, read_on=JANUARY, value="0")])
        end_meter(
            uow,
            EndMeter(
                meter_id=meter,
                ended_on=date(2026, 2, 1),
                value="3",
                following=NextHolder(member_id=house.members["L002"], code="W", value="3"),
            ),
        )
