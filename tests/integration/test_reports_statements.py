"""Statements out of real books: they tie, they are whole, and nobody sees another's."""

from __future__ import annotations

import csv
import io
import json
import logging
import stat
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, event, text

from tests.factories.books import Books, open_books_of_a_new_cooperative
from tests.factories.settled_rounds import a_planned_round, settle, some_members
from wijkeconomie.core.database import DatabaseAddresses
from wijkeconomie.core.identity import Identity, Role, system_identity
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, PermissionDeniedError
from wijkeconomie.core.shell import Shell
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft
from wijkeconomie.ledger.queries import party_balances
from wijkeconomie.ledger.service import ensure_account, post_entry
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.commands import statement_command
from wijkeconomie.reports.queries import (
    cooperative_statement,
    member_statement,
    member_statements,
    round_statement,
)
from wijkeconomie.reports.refusals import NothingSettledError, StatementDoesNotTieError
from wijkeconomie.reports.service import StatementRequest, statement_for
from wijkeconomie.reports.statement import Statement

JANUARY = Period.month(2026, 1)
FEBRUARY = Period.month(2026, 2)


@pytest.fixture
def books(units_of_work: UnitOfWorkFactory) -> Books:
    return open_books_of_a_new_cooperative(units_of_work)


def post(books: Books, debit: str, credit: str, *, cents: int, on: date, source: str) -> int:
    """Post between two accounts, ``key`` or ``key:party``; return the number of the entry."""
    with books.open() as uow:
        codes = []
        for account in (debit, credit):
            key, _, party = account.partition(":")
            codes.append(ensure_account(uow, key, party or None))
        draft = EntryDraft(
            accounting_date=on,
            kind=f"{source.partition('/')[0]}.posted",
            source=source,
            description=source,
            idempotency_key=str(uuid.uuid4()),
            postings=(PostingDraft(codes[0], cents), PostingDraft(codes[1], -cents)),
        )
        return post_entry(uow, draft).number


def charge(books: Books, member: str, on: date, cents: int = 1250) -> int:
    receivable = f"contribution_receivable:{member}"
    source = f"contribution/{on.year}"
    return post(books, receivable, "contribution_income", cents=cents, on=on, source=source)


def pay(books: Books, member: str, on: date, cents: int) -> int:
    return post(books, "bank", f"member_account:{member}", cents=cents, on=on, source="bank/B1")


def of_member(books: Books, code: str, period: Period = JANUARY) -> Statement:
    with books.open() as uow:
        return member_statement(uow.session, books.cooperative_id, code, period)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent to the database."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        sent.append(sql)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def test_a_member_statement_leads_from_opening_to_closing(books: Books) -> None:
    members = some_members(books, 3)
    charge(books, "L001", date(2025, 1, 1))
    pay(books, "L001", date(2025, 3, 1), 5000)
    settle(books, a_planned_round(books, members), (15, 15))
    charge(books, "L001", date(2026, 1, 1))

    statement = of_member(books, "L001")

    with books.open() as uow:
        kept = sum(
            party_balances(uow.session, books.cooperative_id, key)["L001"]
            for key in ("member_account", "contribution_receivable")
        )
    assert statement.opening_cents == 1250 - 5000
    assert statement.closing_cents == kept
    assert [line.text_key for line in statement.lines] == ["contribution", "round_settled"]
    assert statement.subject_name == "Fatima de Vries 1"
    assert statement.address == ("Fatima de Vries 1", "Kanaalstraat 1", "3531 CJ Utrecht")


def test_a_round_stands_with_its_shares_and_their_explanation(books: Books) -> None:
    members = some_members(books, 3)
    settle(books, a_planned_round(books, members), (11, 15))

    statement = of_member(books, "L002")

    [line] = statement.lines
    assert [detail.product_name for detail in line.details] == ["Aardappelen", "Zeep"]
    assert sum(detail.gross_cents for detail in line.details) == line.debit_cents
    assert line.details[0].explanation["q"] == {"q": 5, "t": 15, "u": 11, "d": 4, "s": "p", "r": 1}
    assert [total.vat_basis_points for total in statement.vat_totals] == [900, 2100]


def test_a_corrected_round_stands_three_times_and_its_vat_once(books: Books) -> None:
    members = some_members(books, 2)
    planned = a_planned_round(books, members)
    settle(books, planned, (8, 10))
    second = settle(books, planned, (10, 10), version=2, on=date(2026, 1, 20))

    statement = of_member(books, "L001")

    assert [line.text_key for line in statement.lines] == [
        "round_settled",
        "round_reversed",
        "round_settled",
    ]
    gross = sum(total.base_cents + total.vat_cents for total in statement.vat_totals)
    assert gross == statement.closing_cents == second.gross_per_member()[members["L001"]]


def test_a_round_that_brought_nothing_is_mentioned(books: Books) -> None:
    members = some_members(books, 2)
    settle(books, a_planned_round(books, members), (0, 0), freight_cents=0)

    statement = of_member(books, "L001")

    [line] = statement.lines
    assert (line.text_key, line.entry_number, line.debit_cents) == ("round_nothing", None, 0)
    assert [detail.delivered for detail in line.details] == [0, 0]


def test_the_number_of_queries_does_not_grow_with_the_members(books: Books, engine: Engine) -> None:
    members = some_members(books, 12)
    settle(books, a_planned_round(books, members), (60, 60))
    numbers = []

    for codes in (["L001"], None):
        with books.open() as uow, counted(engine) as sent:
            found = list(member_statements(uow.session, books.cooperative_id, codes, JANUARY))
            numbers.append((len(found), len(sent)))

    assert [count for count, _ in numbers] == [1, 12]
    assert numbers[0][1] == numbers[1][1] <= 7


def test_together_the_members_owe_what_the_books_say(books: Books) -> None:
    members = some_members(books, 5)
    result = settle(books, a_planned_round(books, members), (25, 23))
    pay(books, "L003", date(2026, 1, 20), 1000)

    with books.open() as uow:
        found = list(member_statements(uow.session, books.cooperative_id, None, JANUARY))

    closings = sum(statement.closing_cents for statement in found)
    assert closings == result.members_gross_cents - 1000
    assert [statement.subject_code for statement in found] == sorted(members)


def test_the_ledger_marks_are_those_of_the_first_and_last_line(books: Books) -> None:
    some_members(books, 1)
    first = charge(books, "L001", date(2026, 1, 2))
    last = pay(books, "L001", date(2026, 1, 9), 1250)

    statement = of_member(books, "L001")

    assert statement.first_entry is not None
    assert statement.last_entry is not None
    assert (statement.first_entry.number, statement.last_entry.number) == (first, last)
    with books.open() as uow:
        hash_ = uow.session.scalar(
            text("select encode(hash, 'hex') from journal_entry where number = :number"),
            {"number": last},
        )
    assert statement.last_entry.hash == hash_


@pytest.mark.parametrize(
    ("paid", "expected"),
    [(0, (0, 1250, 0)), (500, (0, 750, 0)), (1250, (0, 0, 0)), (2000, (0, 0, 750))],
)
def test_a_mandate_collects_the_contribution_and_nothing_more(
    books: Books, paid: int, expected: tuple[int, int, int]
) -> None:
    some_members(books, 1)
    charge(books, "L001", date(2026, 1, 2))
    if paid:
        pay(books, "L001", date(2026, 1, 9), paid)

    note = of_member(books, "L001").payment

    assert note is not None
    assert (note.pay_cents, note.collect_cents, note.credit_cents) == expected


def test_a_share_whose_posting_is_missing_stops_the_statement(books: Books, owner: Engine) -> None:
    members = some_members(books, 2)
    settle(books, a_planned_round(books, members), (10, 10))
    with owner.begin() as connection:
        connection.execute(
            text(
                "update pledge_share set net_cents = net_cents + 1, gross_cents = gross_cents + 1"
                " where cooperative_id = :cooperative_id"
            ),
            {"cooperative_id": books.cooperative_id},
        )

    with pytest.raises(StatementDoesNotTieError):
        of_member(books, "L001")


def test_a_round_statement_shows_members_products_invoice_and_versions(books: Books) -> None:
    members = some_members(books, 3)
    planned = a_planned_round(books, members)
    first = settle(books, planned, (15, 16))
    with books.open() as uow:
        statement = round_statement(uow.session, books.cooperative_id, "R01", JANUARY)

    assert statement.round is not None
    assert statement.closing_cents == first.members_gross_cents
    assert statement.round.cooperative_gross_cents == first.cooperative.gross_cents > 0
    assert [member.code for member in statement.round.members] == ["L001", "L002", "L003"]
    assert [product.arrived for product in statement.round.products] == [15, 16]
    assert statement.round.invoice is not None
    assert statement.round.invoice.gross_cents == first.gross_cents


def test_a_round_is_shown_as_it_stood_at_the_end_of_the_period(books: Books) -> None:
    members = some_members(books, 2)
    planned = a_planned_round(books, members)
    first = settle(books, planned, (8, 10))
    second = settle(books, planned, (10, 10), version=2, on=date(2026, 2, 3))

    with books.open() as uow:
        january = round_statement(uow.session, books.cooperative_id, "R01", JANUARY)
        february = round_statement(uow.session, books.cooperative_id, "R01", FEBRUARY)

    assert january.closing_cents == first.members_gross_cents == february.opening_cents
    assert february.closing_cents == second.members_gross_cents
    assert [(settled.version, settled.is_reversal) for settled in february.rounds] == [
        (1, False),
        (1, True),
        (2, False),
    ]


def test_a_round_that_was_not_settled_yet_is_refused(books: Books) -> None:
    members = some_members(books, 2)
    settle(books, a_planned_round(books, members), (10, 10))

    with books.open() as uow:
        december = Period.month(2025, 12)
        with pytest.raises(NothingSettledError):
            round_statement(uow.session, books.cooperative_id, "R01", december)
        with pytest.raises(NotFoundError):
            round_statement(uow.session, books.cooperative_id, "R99", JANUARY)


def test_a_cooperative_statement_has_bank_rounds_vat_and_every_account(books: Books) -> None:
    members = some_members(books, 3)
    result = settle(books, a_planned_round(books, members), (15, 15))
    pay(books, "L001", date(2025, 12, 30), 700)
    pay(books, "L001", date(2026, 1, 20), 1000)

    with books.open() as uow:
        statement = cooperative_statement(uow.session, books.cooperative_id, JANUARY)

    assert (statement.opening_cents, statement.closing_cents) == (700, 1700)
    assert [settled.code for settled in statement.rounds] == ["R01"]
    assert statement.rounds[0].supplier_gross_cents == result.gross_cents
    assert sum(total.vat_cents for total in statement.vat_totals) == result.vat_cents
    assert {account.code for account in statement.accounts} >= {"10201", "13830:L001", "80305"}
    assert statement.last_entry is not None


def test_a_cooperative_without_entries_has_an_empty_statement(books: Books) -> None:
    with books.open() as uow:
        statement = cooperative_statement(uow.session, books.cooperative_id, JANUARY)

    assert (statement.opening_cents, statement.closing_cents, statement.sections) == (0, 0, ())


def a_member_identity(member_id: int | None, *roles: Role) -> Identity:
    return Identity(actor="login:1", login_id=1, member_id=member_id, roles=frozenset(roles))


def test_members_see_their_own_statement_and_no_other(
    books: Books, units_of_work: UnitOfWorkFactory
) -> None:
    members = some_members(books, 2)
    identity = a_member_identity(members["L001"], Role.MEMBER)

    with units_of_work.begin(identity=identity, cooperative_id=books.cooperative_id) as uow:
        own = statement_for(uow, StatementRequest(period=JANUARY, member_code="L001"))
        for request in (
            StatementRequest(period=JANUARY, member_code="L002"),
            StatementRequest(period=JANUARY, member_code="L001", round_code="R01"),
            StatementRequest(period=JANUARY, round_code="R01"),
            StatementRequest(period=JANUARY),
        ):
            with pytest.raises((PermissionDeniedError, InvalidInputError)):
                statement_for(uow, request)

    assert own.subject_code == "L001"


def test_the_treasurer_sees_every_statement(books: Books, units_of_work: UnitOfWorkFactory) -> None:
    some_members(books, 2)
    identity = a_member_identity(None, Role.TREASURER)

    with units_of_work.begin(identity=identity, cooperative_id=books.cooperative_id) as uow:
        member = statement_for(uow, StatementRequest(period=JANUARY, member_code="L002"))
        whole = statement_for(uow, StatementRequest(period=JANUARY))

    assert (member.subject_code, whole.subject_code) == ("L002", books.code)


def test_members_of_another_cooperative_are_not_found(
    books: Books, units_of_work: UnitOfWorkFactory
) -> None:
    some_members(books, 1)
    other = open_books_of_a_new_cooperative(units_of_work)

    with (
        units_of_work.begin(
            identity=system_identity("test"), cooperative_id=other.cooperative_id
        ) as uow,
        pytest.raises(NotFoundError),
    ):
        statement_for(uow, StatementRequest(period=JANUARY, member_code="L001"))


RunCommand = Callable[..., Result]


@pytest.fixture
def run(
    books: Books,
    addresses: DatabaseAddresses,
    runner: CliRunner,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> RunCommand:
    """Runs ``wijkeconomie statement`` over January on the test's database."""
    monkeypatch.setenv("DATABASE_URL", addresses.application)
    monkeypatch.setenv("DATABASE_OWNER_URL", addresses.owner)
    monkeypatch.setenv("WIJKECONOMIE_HOME", str(tmp_path))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run_command(*extra: str, output: str = "-", flags: Sequence[str] = ()) -> Result:
        given = {"--cooperative": books.code, "--from": "2026-01-01", "--to": "2026-02-01"}
        given |= {"--format": "csv", "--output": output}
        given |= dict(zip(extra[::2], extra[1::2], strict=True))
        arguments = [*(part for pair in given.items() for part in pair), *flags]
        shell = Shell(create_app=lambda _: pytest.fail("no web service"), jobs=())
        try:
            return runner.invoke(statement_command, arguments, obj=shell)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)

    return run_command


def test_the_same_command_gives_the_same_bytes_in_every_format(
    books: Books, run: RunCommand, tmp_path: Path
) -> None:
    members = some_members(books, 2)
    settle(books, a_planned_round(books, members), (10, 10))

    for format_ in ("csv", "pdf", "json"):
        for subject in ((), ("--member", "L001"), ("--round", "R01")):
            first, again = tmp_path / "first", tmp_path / "again"
            for path in (first, again):
                result = run(*subject, "--format", format_, output=str(path))
                assert result.exit_code == 0, result.output
            assert first.read_bytes() == again.read_bytes() != b""


def test_standard_output_has_the_bytes_of_the_file(
    books: Books, run: RunCommand, tmp_path: Path
) -> None:
    some_members(books, 1)
    charge(books, "L001", date(2026, 1, 2))

    printed = run("--member", "L001")
    run("--member", "L001", output=str(tmp_path / "l.csv"))

    assert printed.stdout_bytes == (tmp_path / "l.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(printed.stdout_bytes.decode(), newline="")))
    assert [row["row_type"] for row in rows][:3] == ["opening", "line", "total"]


def test_all_members_stand_in_one_file_as_each_stands_in_his_own(
    books: Books, run: RunCommand
) -> None:
    members = some_members(books, 3)
    settle(books, a_planned_round(books, members), (10, 10))
    charge(books, "L001", date(2026, 1, 2))

    header, *together = run(flags=["--all-members"]).stdout_bytes.splitlines()

    apart = [run("--member", code).stdout_bytes.splitlines() for code in ("L001", "L002", "L003")]
    assert [lines[0] for lines in apart] == [header] * 3
    assert together == [line for lines in apart for line in lines[1:]]


def test_every_rendering_of_one_request_has_the_same_closing(books: Books, run: RunCommand) -> None:
    members = some_members(books, 2)
    result = settle(books, a_planned_round(books, members), (9, 10))

    document = json.loads(run("--member", "L002", "--format", "json").stdout_bytes)
    rows = list(
        csv.DictReader(io.StringIO(run("--member", "L002").stdout_bytes.decode(), newline=""))
    )

    [closing] = [row["balance"] for row in rows if row["row_type"] == "closing"]
    owed = result.gross_per_member()[members["L002"]]
    assert document["statement"]["closing_cents"] == owed
    assert closing == f"{owed // 100}.{owed % 100:02d}"


@pytest.mark.parametrize(
    ("extra", "code", "says"),
    [
        (("--cooperative", "NOWHERE"), 1, "there is no cooperative NOWHERE"),
        (("--member", "L999"), 1, "there is no member L999"),
        (("--round", "R99"), 1, "there is no round R99"),
        (("--to", "2026-01-01"), 2, "--to must be later than --from"),
        (("--from", "2026-02-30"), 2, "2026-02-30"),
        (("--member", "L001", "--round", "R01"), 2, "give one of"),
    ],
)
def test_a_wrong_request_is_refused_with_what_is_wrong(
    run: RunCommand, extra: tuple[str, ...], code: int, says: str
) -> None:
    result = run(*extra)

    assert result.exit_code == code
    assert says in result.stderr
    assert result.stdout_bytes == b""


def test_a_place_that_cannot_be_written_is_said_and_leaves_nothing(
    run: RunCommand, tmp_path: Path
) -> None:
    missing = tmp_path / "no such folder" / "s.csv"

    result = run(output=str(missing))

    assert result.exit_code == 2
    assert f"cannot write {missing}" in result.stderr
    assert not missing.parent.exists()


def test_an_earlier_file_is_replaced_whole(run: RunCommand, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("what stood here")

    run(output=str(path))

    assert path.read_text().startswith("row_type,")
    assert list(tmp_path.glob(".s.csv.*")) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
