"""Whoever has the rights of a superuser can change the books, but not so that nobody sees it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, create_engine, text

from tests.factories.books import Books, open_books_of_a_new_cooperative
from wijkeconomie.app import command_line
from wijkeconomie.core.runtime import Runtime


@pytest.fixture
def books(fresh_runtime: Runtime) -> Books:
    """Five entries in a database of this test alone."""
    books = open_books_of_a_new_cooperative(fresh_runtime.units_of_work)
    for amount in (100, 200, 300, 400, 500):
        books.post(amount)
    return books


@pytest.fixture
def superuser(fresh_runtime: Runtime) -> Iterator[Engine]:
    """A connection on which no trigger fires, as an intruder would make it."""
    engine = create_engine(fresh_runtime.addresses.owner)
    yield engine
    engine.dispose()


TAMPERING = {
    "an amount": ("update posting set amount = amount * 2 where entry_number = 3", 3),
    "a line": ("delete from posting where entry_number = 2 and line = 1", 2),
    "a day": (
        "update journal_entry set accounting_date = '2025-12-31' where number = 4",
        4,
    ),
    "a description": ("update journal_entry set description = 'other' where number = 1", 1),
    "an entry": (
        "delete from posting where entry_number = 2; delete from journal_entry where number = 2",
        2,
    ),
    "a hash": ("update journal_entry set hash = previous_hash where number = 5", 5),
    "a balance": ("update account_balance set balance = balance + 1", None),
}


@pytest.mark.parametrize("what", sorted(TAMPERING))
def test_verify_names_the_first_wrong_entry(
    books: Books,
    superuser: Engine,
    fresh_runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    runner: CliRunner,
    what: str,
) -> None:
    assert books.verify().fault is None
    statements, number = TAMPERING[what]
    with superuser.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        for statement in statements.split(";"):
            connection.execute(text(statement))

    fault = books.verify().fault
    assert fault is not None
    assert fault.entry_number == number or number is None

    monkeypatch.setenv("DATABASE_URL", plain(fresh_runtime.addresses.application))
    monkeypatch.setenv("DATABASE_OWNER_URL", plain(fresh_runtime.addresses.owner))
    monkeypatch.setenv("WIJKECONOMIE_HOME", str(fresh_runtime.settings.service_home))
    answer = runner.invoke(command_line, ["ledger", "verify"])
    assert answer.exit_code == 1, answer.output
    if number is not None:
        assert f"entry {number}" in answer.output


def plain(address: str) -> str:
    return address.replace("postgresql+psycopg://", "postgresql://")
