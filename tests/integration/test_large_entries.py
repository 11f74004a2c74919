"""The guard of postings holds for entries of any size: few lines and many take other ways in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.factories.books import Books, open_books_of_a_new_cooperative
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger.canonical import content_hash, posting_line
from wijkeconomie.ledger.drafts import EntryHeader
from wijkeconomie.ledger.queries import balances, control_accounts
from wijkeconomie.ledger.service import party_accounts

SIZES = (2, 399, 400, 401, 1500)
"""Around the size from which the guard joins by hashing, and well above it."""


@dataclass(frozen=True)
class Line:
    """A posting as an attacker writes it; ``code`` and ``unit`` go into the hash only."""

    account_id: int
    amount: int
    code: str
    unit: str = "EUR"


@pytest.fixture
def books(units_of_work: UnitOfWorkFactory) -> Books:
    return open_books_of_a_new_cooperative(units_of_work)


def lines_of(books: Books, size: int) -> list[Line]:
    """What ``size - 1`` members owe for one income, which balances."""
    members = [f"L{number:05d}" for number in range(1, size)]
    with books.open() as uow:
        ids, codes = party_accounts(uow, "member_account", members)
        income, income_id = control_accounts(uow.session, books.cooperative_id)["other_income"]
    lines = [
        Line(int(id_), number, code)
        for number, (id_, code) in enumerate(zip(ids, codes, strict=True), start=1)
    ]
    return [*lines, Line(income_id, -sum(line.amount for line in lines), income)]


def write(books: Books, lines: Sequence[Line], *, hashed: Sequence[Line] | None = None) -> None:
    """Write an entry as the application may, past every check of the program.

    ``hashed`` is what the entry's hash was made of, where that is not what is written.
    """
    header = EntryHeader(
        accounting_date=date(2026, 1, 5),
        kind="test.posted",
        source="test/1",
        description="a test",
        idempotency_key="key",
    )
    with books.open() as uow:
        digest = content_hash(
            header,
            posted_at=uow.now,
            posted_by=uow.actor,
            posting_count=len(lines),
            posting_lines=[
                posting_line(number, line.code, line.unit, line.amount)
                for number, line in enumerate(hashed or lines, start=1)
            ],
        )
        uow.session.execute(
            text(
                "with entry as (insert into journal_entry (cooperative_id, number,"
                " accounting_date, posted_at, posted_by, kind, source, description,"
                " idempotency_key, posting_count, content_hash, previous_hash, hash)"
                " values (:c, 0, '2026-01-05', :now, :by, 'test.posted', 'test/1', 'a test',"
                " 'key', :count, :digest, '', '') returning number)"
                " insert into posting (cooperative_id, entry_number, line, account_id, amount)"
                " select :c, number, line, account, amount"
                " from entry, unnest(cast(:accounts as bigint[]), cast(:amounts as bigint[]))"
                " with ordinality as l (account, amount, line)"
            ),
            {
                "c": books.cooperative_id,
                "now": uow.now,
                "by": uow.actor,
                "count": len(lines),
                "digest": digest,
                "accounts": [line.account_id for line in lines],
                "amounts": [line.amount for line in lines],
            },
        )


@pytest.mark.parametrize("size", SIZES)
def test_an_entry_of_any_size_is_carried_to_each_balance(books: Books, size: int) -> None:
    lines = lines_of(books, size)

    write(books, lines)

    assert books.verify().fault is None
    with books.open() as uow:
        kept = balances(uow.session, books.cooperative_id, [line.code for line in lines])
    assert kept == {line.code: line.amount for line in lines}


def out_of_balance(lines: list[Line]) -> list[Line]:
    return [replace(lines[0], amount=lines[0].amount + 1), *lines[1:]]


def of_nobody(lines: list[Line]) -> list[Line]:
    return [*lines[:-1], replace(lines[-1], account_id=10**12)]


ATTACKS: dict[str, tuple[Callable[[list[Line]], list[Line]], str]] = {
    "out of balance": (out_of_balance, "WE002"),
    "an account that is not there": (of_nobody, "WE003"),
    "another content than was hashed": (lambda lines: [*lines[::-1]], "WE006"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_wrong_entry_of_any_size_is_refused(books: Books, size: int, attack: str) -> None:
    lines = lines_of(books, size)
    spoil, sqlstate = ATTACKS[attack]

    with pytest.raises(DBAPIError) as refusal:
        write(books, spoil(lines), hashed=lines if sqlstate == "WE006" else None)

    assert getattr(refusal.value.orig, "sqlstate", None) == sqlstate
    assert books.verify().entries == 0


@pytest.mark.parametrize("size", SIZES)
def test_the_account_of_another_cooperative_is_not_there(
    books: Books, units_of_work: UnitOfWorkFactory, size: int
) -> None:
    lines = lines_of(books, size)
    [*_, theirs] = lines_of(open_books_of_a_new_cooperative(units_of_work), 2)

    with pytest.raises(DBAPIError) as refusal:
        write(books, [*lines[:-1], replace(lines[-1], account_id=theirs.account_id)])

    assert getattr(refusal.value.orig, "sqlstate", None) == "WE003"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("hours", [0, 7])
def test_each_unit_balances_by_itself_in_an_entry_of_any_size(
    books: Books, size: int, hours: int
) -> None:
    lines = lines_of(books, size)
    with books.open() as uow:
        ids = uow.session.scalars(
            text(
                "insert into account (cooperative_id, code, key, unit, kind, rgs_code, name_nl,"
                " name_en, has_parties) select :c, '1653' || n, 'vouchers' || n, 'UUR',"
                " 'liability', 'BSchOvsVou', 'Uren', 'Hours', false from generate_series(1, 2) n"
                " returning id"
            ),
            {"c": books.cooperative_id},
        ).all()
    of_hours = [Line(ids[0], 5, "16531", "UUR"), Line(ids[1], hours - 5, "16532", "UUR")]

    if hours:
        with pytest.raises(DBAPIError, match="out of balance by 7 UUR"):
            write(books, [*lines, *of_hours])
    else:
        write(books, [*lines, *of_hours])

    assert books.verify().entries == (0 if hours else 1)
