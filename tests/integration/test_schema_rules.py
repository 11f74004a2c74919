"""Rules of the schema: the border between cooperatives, and migrations that go both ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from tests.conftest import Clock
from tests.factories.rounds import a_market
from wijkeconomie.core.database import DatabaseAddresses, alembic_config, application_engine
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.tables import METADATA

GLOBAL_TABLES = {"api_token", "cooperative", "federation", "login"}
TENANT_TABLES = sorted(set(METADATA.tables) - GLOBAL_TABLES)


@pytest.fixture(scope="module")
def owner_engine(addresses: DatabaseAddresses) -> Iterator[Engine]:
    engine = create_engine(addresses.owner)
    yield engine
    engine.dispose()


def test_every_table_of_the_database_is_in_the_models(owner_engine: Engine) -> None:
    assert set(inspect(owner_engine).get_table_names()) == {*METADATA.tables, "alembic_version"}


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_the_cooperative_comes_first_in_every_key(owner_engine: Engine, table: str) -> None:
    schema = inspect(owner_engine)
    keys = {"primary key": schema.get_pk_constraint(table)["constrained_columns"]}
    keys |= {str(key["name"]): key["column_names"] for key in schema.get_unique_constraints(table)}
    keys |= {
        str(key["name"]): key["constrained_columns"]
        for key in schema.get_foreign_keys(table)
        if key["referred_table"] not in GLOBAL_TABLES
    }

    assert {name: columns[0] for name, columns in keys.items()} == dict.fromkeys(
        keys, "cooperative_id"
    )


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_rows_are_behind_the_border(owner_engine: Engine, table: str) -> None:
    with owner_engine.connect() as connection:
        is_protected, owner = connection.execute(
            text(
                "select relrowsecurity, pg_get_userbyid(relowner) from pg_class"
                " where relname = :table and relkind = 'r'"
            ),
            {"table": table},
        ).one()
        policy = connection.scalar(
            text("select qual from pg_policies where tablename = :table and policyname = 'tenant'"),
            {"table": table},
        )

    assert is_protected
    assert owner != "wijkeconomie_app"
    assert "app.cooperative_id" in policy


@pytest.mark.parametrize("table", sorted(METADATA.tables))
def test_the_service_may_not_empty_or_reshape_a_table(owner_engine: Engine, table: str) -> None:
    with owner_engine.connect() as connection:
        rights = set(
            connection.scalars(
                text(
                    "select privilege_type from information_schema.role_table_grants"
                    " where grantee = 'wijkeconomie_app' and table_name = :table"
                ),
                {"table": table},
            )
        )

    assert rights <= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    if table in {"journal_entry", "posting", "audit_record", "command_record"}:
        assert rights == {"SELECT", "INSERT"}


def test_each_migration_goes_down_and_up_with_data_in_it(
    fresh_addresses: DatabaseAddresses, clock: Clock
) -> None:
    config = alembic_config(fresh_addresses.owner)
    revisions = [
        script.revision
        for script in ScriptDirectory.from_config(config).walk_revisions()
        if script.revision is not None
    ]
    below_ledger = revisions.index("0002_ledger")
    engine = application_engine(fresh_addresses)
    market = a_market(UnitOfWorkFactory(session_factory(engine), clock), clock)
    market.settled_round()
    engine.dispose()

    for _ in revisions[:below_ledger]:
        command.downgrade(config, "-1")
    assert market.books.verify().fault is None
    engine.dispose()
    for revision in reversed(revisions[:below_ledger]):
        command.upgrade(config, revision)
    assert market.books.verify().fault is None
    engine.dispose()

    command.downgrade(config, "base")
    command.upgrade(config, "head")
    command.check(config)
