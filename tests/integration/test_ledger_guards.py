"""The database refuses to break the books, whoever asks: application, owner or superuser."""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress
from datetime import date

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.factories.books import Books, a_balanced_entry, open_books_of_a_new_cooperative
from wijkeconomie.core.refusals import IdempotencyKeyReusedError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger import queries
from wijkeconomie.ledger.batches import PartyKnownError, open_new_accounts
from wijkeconomie.ledger.drafts import BulkEntryDraft, EntryDraft, credit, debit
from wijkeconomie.ledger.periods import close_period, reopen_period
from wijkeconomie.ledger.refusals import (
    AlreadyReversedError,
    BalanceLimitError,
    ClosedPeriodError,
    UnbalancedEntryError,
    UnknownAccountError,
)
from wijkeconomie.ledger.service import (
    ensure_account,
    post_bulk_entries,
    post_bulk_entry,
    post_entry,
    reverse_entry,
    set_balance_limit,
)
from wijkeconomie.ledger.verification import verify_books


@pytest.fixture
def books(units_of_work: UnitOfWorkFactory) -> Books:
    return open_books_of_a_new_cooperative(units_of_work)


def test_numbers_have_no_gaps_after_a_transaction_that_failed(books: Books) -> None:
    first = books.post(100)
    with suppress(RuntimeError), books.open() as uow:
        post_entry(uow, a_balanced_entry(50))
        raise RuntimeError("the work after the entry fails")

    second = books.post(100)

    assert (first, second) == (1, 2)


def test_the_same_entry_twice_is_booked_once(books: Books) -> None:
    draft = a_balanced_entry(700)

    with books.open() as uow:
        first = post_entry(uow, draft)
    with books.open() as uow:
        again = post_entry(uow, draft)
        balance = queries.account_balance(uow.session, books.cooperative_id, "10201")

    assert (again.number, again.is_replay) == (first.number, True)
    assert balance == 700


def test_an_entry_that_another_process_is_posting_is_waited_for_and_booked_once(
    books: Books,
) -> None:
    draft = a_balanced_entry(700)
    replays: list[bool] = []

    def post_too() -> None:
        with books.open() as uow:
            replays.append(post_entry(uow, draft).is_replay)

    with books.open() as uow:
        post_entry(uow, draft)
        other = threading.Thread(target=post_too)
        other.start()
        other.join(0.3)
        assert other.is_alive(), "the second poster waits for the first"
    other.join()

    assert replays == [True]
    assert books.balance("10201") == 700


def test_a_key_with_another_content_is_refused(books: Books) -> None:
    with books.open() as uow:
        post_entry(uow, a_balanced_entry(700, key="rent"))

    with pytest.raises(IdempotencyKeyReusedError), books.open() as uow:
        post_entry(uow, a_balanced_entry(701, key="rent"))


def test_an_unbalanced_draft_cannot_be_made() -> None:
    with pytest.raises(UnbalancedEntryError) as refusal:
        EntryDraft(
            accounting_date=date(2026, 1, 1),
            kind="test.posted",
            source="test/1",
            description="out of balance",
            idempotency_key="x",
            postings=(debit("10201", 10), credit("82701", 9)),
        )

    assert refusal.value.context == {"unit": "EUR", "difference": 1}


def test_an_unknown_account_is_refused_and_nothing_stays(books: Books) -> None:
    draft = EntryDraft(
        accounting_date=date(2026, 1, 1),
        kind="test.posted",
        source="test/1",
        description="unknown account",
        idempotency_key="x",
        postings=(debit("10201", 10), credit("99999", 10)),
    )

    with pytest.raises(UnknownAccountError), books.open() as uow:
        post_entry(uow, draft)

    assert books.verify().entries == 0


def a_bulk_entry(books: Books, amount: int, key: str) -> BulkEntryDraft:
    with books.open() as uow:
        accounts = queries.control_accounts(uow.session, books.cooperative_id)
    keys = ["bank", "other_income"]
    return BulkEntryDraft(
        accounting_date=date(2026, 1, 5),
        kind="test.posted",
        source="test/1",
        description="a test",
        idempotency_key=key,
        account_ids=np.array([accounts[each][1] for each in keys], np.int64),
        account_codes=[accounts[each][0] for each in keys],
        amounts=np.array([amount, -amount], np.int64),
    )


def test_entries_posted_together_are_numbered_in_their_order_and_known_ones_left_out(
    books: Books,
) -> None:
    with books.open() as uow:
        post_bulk_entry(uow, a_bulk_entry(books, 500, "b"))
    drafts = [a_bulk_entry(books, cents, key) for cents, key in ((1, "z"), (500, "b"), (2, "a"))]
    with books.open() as uow:
        posted = post_bulk_entries(uow, drafts)

    assert [(each.number, each.is_replay) for each in posted] == [(2, False), (1, True), (3, False)]
    assert books.balance("10201") == 503
    assert books.verify().fault is None


def test_of_entries_posted_together_one_that_is_refused_takes_all_with_it(books: Books) -> None:
    with books.open() as uow:
        set_balance_limit(uow, "10201", maximum=100)
        assert post_bulk_entries(uow, []) == []

    with pytest.raises(BalanceLimitError), books.open() as uow:
        post_bulk_entries(uow, [a_bulk_entry(books, 60, "a"), a_bulk_entry(books, 60, "b")])
    with books.open() as uow:
        post_bulk_entries(uow, [a_bulk_entry(books, 60, "c")])
    with pytest.raises(IdempotencyKeyReusedError), books.open() as uow:
        post_bulk_entries(uow, [a_bulk_entry(books, 10, "d"), a_bulk_entry(books, 61, "c")])

    assert books.balance("10201") == 60
    assert books.verify().entries == 1


def test_a_limit_holds_to_the_last_cent(books: Books) -> None:
    books.post(1000)
    with books.open() as uow:
        set_balance_limit(uow, "10201", minimum=0)

    books.post(-1000)
    with pytest.raises(BalanceLimitError):
        books.post(-1)

    assert books.balance("10201") == 0


def test_a_closed_month_refuses_until_it_is_reopened(books: Books) -> None:
    with books.open() as uow:
        close_period(uow, date(2026, 1, 20))

    with pytest.raises(ClosedPeriodError) as refusal:
        books.post(1, on=date(2026, 1, 31))
    assert "2026-01" in refusal.value.detail
    books.post(1, on=date(2026, 2, 1))
    with books.open() as uow:
        reopen_period(uow, date(2026, 1, 1), reason="an invoice came late")
    books.post(1, on=date(2026, 1, 31))


def test_a_reversal_is_the_opposite_and_happens_once(books: Books) -> None:
    number = books.post(250)

    def reverse(key: str) -> int:
        with books.open() as uow:
            return reverse_entry(
                uow,
                number,
                accounting_date=date(2026, 2, 1),
                idempotency_key=key,
                description="reversed",
            ).number

    reversal = reverse("reversal")

    assert reverse("reversal") == reversal
    with pytest.raises(AlreadyReversedError):
        reverse("another reversal")
    assert books.balance("10201") == 0


def test_units_do_not_mix(books: Books) -> None:
    with books.open() as uow:
        uow.session.execute(
            text(
                "insert into account (cooperative_id, code, key, unit, kind, rgs_code, name_nl,"
                " name_en, has_parties) values (:c, '16535', 'vouchers', 'UUR', 'liability',"
                " 'BSchOvsVou', 'Uren', 'Hours', false)"
            ),
            {"c": books.cooperative_id},
        )

    with pytest.raises(UnbalancedEntryError):
        EntryDraft(
            accounting_date=date(2026, 1, 1),
            kind="test.posted",
            source="test/1",
            description="euros against hours",
            idempotency_key="x",
            postings=(debit("10201", 10), credit("16535", 10, "UUR")),
        )


ATTACKS = {
    "update a posting": "update posting set amount = amount + 1 where cooperative_id = :c",
    "delete a posting": "delete from posting where cooperative_id = :c",
    "update an entry": "update journal_entry set description = 'x' where cooperative_id = :c",
    "delete an entry": "delete from journal_entry where cooperative_id = :c",
    "empty the postings": "truncate posting",
    "empty the entries": "truncate journal_entry cascade",
    "rename an account": "update account set code = code || 'x' where cooperative_id = :c",
    "delete an account": "delete from account where cooperative_id = :c",
    "add a lone posting": "insert into posting values (:c, 1, 3, 1, 5)",
    "an entry without postings": (
        "insert into journal_entry (cooperative_id, number, accounting_date, posted_at,"
        " posted_by, kind, source, description, idempotency_key, posting_count, content_hash,"
        " previous_hash, hash) values (:c, 0, '2026-01-01', now(), 'x', 'x', 'x', 'x', 'zz', 2,"
        " sha256('x'), '', '')"
    ),
}
ONLY_BY_THE_OWNER = {
    "carry a balance": "update account_balance set balance = 0 where cooperative_id = :c",
    "rewrite the chain": "update ledger_head set last_number = 0 where cooperative_id = :c",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_even_the_superuser_is_refused(books: Books, owner: Engine, attack: str) -> None:
    books.post(100)

    with pytest.raises(DBAPIError), owner.begin() as connection:
        connection.execute(text(ATTACKS[attack]), {"c": books.cooperative_id})

    assert books.verify().fault is None


@pytest.mark.parametrize("attack", [*ATTACKS, *ONLY_BY_THE_OWNER])
def test_the_application_is_refused(books: Books, attack: str) -> None:
    books.post(100)
    statement = (ATTACKS | ONLY_BY_THE_OWNER)[attack]

    with pytest.raises(DBAPIError), books.open() as uow:
        uow.session.execute(text(statement), {"c": books.cooperative_id})

    assert books.verify().fault is None


FORGERIES = {
    "sum": "update posting set amount = amount + 1 where cooperative_id = :c and entry_number = 2"
    " and line = 1",
    "content": "update posting set amount = amount * 2 where cooperative_id = :c"
    " and entry_number = 2",
    "chain": "update journal_entry set previous_hash = sha256('x') where cooperative_id = :c"
    " and number = 2",
    "hash": "update journal_entry set hash = sha256('x') where cooperative_id = :c and number = 2",
    "gap": "with p as (delete from posting where cooperative_id = :c and entry_number = 2)"
    " delete from journal_entry where cooperative_id = :c and number = 2",
}


@pytest.mark.parametrize("check", FORGERIES)
def test_verification_finds_what_a_superuser_forged(
    books: Books, owner: Engine, check: str
) -> None:
    for _ in range(3):
        books.post(100)
    with owner.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(text(FORGERIES[check]), {"c": books.cooperative_id})

    fault = books.verify().fault

    assert fault is not None
    assert (fault.entry_number, fault.check) == (2, check)


def test_verification_finds_entries_cut_off_at_the_end(books: Books, owner: Engine) -> None:
    for _ in range(3):
        books.post(100)
    with owner.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        for table, column in (("posting", "entry_number"), ("journal_entry", "number")):
            connection.execute(
                text(f"delete from {table} where cooperative_id = :c and {column} = 3"),
                {"c": books.cooperative_id},
            )

    fault = books.verify().fault

    assert fault is not None
    assert (fault.entry_number, fault.check) == (3, "gap")


def test_verification_finds_a_balance_that_was_carried_by_hand(books: Books, owner: Engine) -> None:
    books.post(100)
    with owner.begin() as connection:
        connection.execute(
            text(
                "update account_balance set balance = balance + 1 where cooperative_id = :c"
                " and account_id = (select id from account where cooperative_id = :c"
                " and code = '10201')"
            ),
            {"c": books.cooperative_id},
        )

    fault = books.verify().fault

    assert fault is not None
    assert fault.check == "balance"


def test_a_wrong_content_hash_cannot_get_in(books: Books) -> None:
    statement = text(
        "with entry as (insert into journal_entry (cooperative_id, number, accounting_date,"
        " posted_at, posted_by, kind, source, description, idempotency_key, posting_count,"
        " content_hash, previous_hash, hash) values (:c, 0, '2026-01-01', now(), 'x', 'x', 'x',"
        " 'x', :key, 2, sha256('a lie'), '', '') returning number)"
        " insert into posting select :c, number, l.line, l.account_id, l.amount from entry,"
        " (select 1 as line, id as account_id, 5 as amount from account"
        "  where cooperative_id = :c and code = '10201' union all"
        "  select 2, id, -5 from account where cooperative_id = :c and code = '82701') l"
    )

    with pytest.raises(DBAPIError) as error, books.open() as uow:
        uow.session.execute(statement, {"c": books.cooperative_id, "key": str(uuid.uuid4())})

    assert getattr(error.value.orig, "sqlstate", None) == "WE006"


def test_one_cooperative_cannot_see_or_write_the_books_of_another(
    units_of_work: UnitOfWorkFactory,
) -> None:
    mine = open_books_of_a_new_cooperative(units_of_work)
    yours = open_books_of_a_new_cooperative(units_of_work)
    yours.post(100)

    with mine.open() as uow:
        for table in ("account", "journal_entry", "posting", "account_balance", "ledger_head"):
            rows = uow.session.scalar(
                text(f"select count(*) from {table} where cooperative_id = :c"),
                {"c": yours.cooperative_id},
            )
            assert rows == 0, table
    with pytest.raises(DBAPIError), mine.open() as uow:
        uow.session.execute(
            text("insert into accounting_period values (:c, '2026-01-01', true, now(), 'mine')"),
            {"c": yours.cooperative_id},
        )


def test_accounts_of_parties_are_opened_once(books: Books) -> None:
    with books.open() as uow:
        first = ensure_account(uow, "member_account", "L00001")
        again = ensure_account(uow, "member_account", "L00001")

    assert first == again == "13830:L00001"
    with pytest.raises(UnknownAccountError), books.open() as uow:
        ensure_account(uow, "bank", "L00001")


def test_an_account_belongs_to_a_cooperative_that_exists(books: Books, owner: Engine) -> None:
    copied = (
        "insert into account (cooperative_id, code, key, party, unit, kind, rgs_code, name_nl,"
        " name_en, has_parties) select 999999999, code, key, party, unit, kind, rgs_code,"
        " name_nl, name_en, has_parties from account where cooperative_id = :id"
    )
    with pytest.raises(IntegrityError, match="does not exist"), owner.begin() as connection:
        connection.execute(text(copied), {"id": books.cooperative_id})


@pytest.mark.parametrize("parties", [["A1", "NEW"], ["NEW", "NEW"]])
def test_opening_new_accounts_opens_none_where_one_is_known(
    books: Books, parties: list[str]
) -> None:
    with books.open() as uow:
        open_new_accounts(uow, "vouchers_outstanding", ["A1"])
        with pytest.raises(PartyKnownError) as refused:
            open_new_accounts(uow, "vouchers_outstanding", parties)
        opened = open_new_accounts(uow, "vouchers_outstanding", ["NEW"])
    assert refused.value.party == parties[-1 if parties[0] == "NEW" else 0]
    assert set(opened) == {"NEW"}


def test_the_books_verify_page_by_page(books: Books) -> None:
    with books.open() as uow:
        for _ in range(501):
            post_entry(uow, a_balanced_entry(3))

    with books.open() as uow:
        outcome = verify_books(uow.session, books.cooperative_id, books.code)

    assert (outcome.entries, outcome.postings, outcome.fault) == (501, 1002, None)
