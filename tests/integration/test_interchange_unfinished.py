"""A round that is not finished goes out with its cooperative, and goes on where it comes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.integration.test_interchange_rounds import comes_back_the_same, moved_out
from tests.unit.network.city_folders import change_rows, read_rows, set_cell
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_ids_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.jobs import due_work
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.unfinished_files import UNFINISHED_FOLDER
from wijkeconomie.purchasing import deadline_queries, handing_queries, queries
from wijkeconomie.purchasing.deadline_models import OnMiss
from wijkeconomie.purchasing.deadlines import DeadlineTerms, meet_deadline, set_deadline
from wijkeconomie.purchasing.due_queries import round_at
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.pickup import AddSlot, ChooseSlot, add_slot, choose_slot
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.rounds import OrderRound, order_round
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

OPERATOR = system_identity("test")
TERMS = DeadlineTerms(
    on_miss=OnMiss.PROLONG,
    prolong_days=3,
    most_prolongations=2,
    when_spent="cancel",
    target_net_cents=1500,
    heeds_product_minimum=True,
    reminder_hours=12,
)


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    """A cooperative with an open round: packs, a ladder, a deadline, and a time to collect."""
    found = a_market(units_of_work, clock)
    with found.books.open() as uow:
        supplier = SaveSupplier(code="S1", name="Boer Bas", email="bas@example.org")
        save_supplier(uow, supplier)
        product = SaveProduct(
            supplier_code="S1",
            code="AARD",
            name="Aardappelen",
            unit="kg",
            price_excl_cents=119,
            vat_basis_points=900,
            pack_size=4,
            terms=SaleTerms(sells_loose=False, ladder=((12, 99),)),
        )
        save_product(uow, product)
    round_id = found.open_round(freight=300)
    with found.books.open() as uow:
        set_deadline(uow, round_id, TERMS)
        slot = AddSlot(
            round_id=round_id,
            starts_at=uow.now + timedelta(days=4),
            ends_at=uow.now + timedelta(days=4, hours=2),
            place="buurthuis",
            capacity=1,
        )
        slot_id = add_slot(uow, slot)
    for member, quantity in (("L001", 6), ("L002", 5)):
        found.clock.advance(timedelta(minutes=10))
        with found.books.open() as uow:
            [line] = [
                PledgeLine(key, quantity, tolerance=2)
                for code, key in queries.product_ids_by_code(
                    uow.session, uow.tenant, round_id
                ).items()
                if code == "AARD"
            ]
            key = found.members[member]
            save_pledges(uow, SavePledges(round_id=round_id, member_id=key, lines=(line,)))
    with found.books.open() as uow:
        chosen = ChooseSlot(round_id=round_id, member_id=found.members["L001"], slot_id=slot_id)
        choose_slot(uow, chosen)
    return found


@contextmanager
def at(runtime: Runtime, market: Market) -> Iterator[UnitOfWork]:
    """The cooperative of a market where it came in."""
    with runtime.units_of_work.begin(identity=OPERATOR) as uow:
        tenant = cooperative_by_code(uow.session, market.books.code).id
    with runtime.units_of_work.begin(identity=OPERATOR, cooperative_id=tenant) as uow:
        yield uow


def the_round(uow: UnitOfWork) -> queries.RoundView:
    [found] = queries.rounds(uow.session, uow.tenant)
    return found


def test_an_open_round_goes_on_where_it_comes_in(
    market: Market, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    comes_back_the_same(market, fresh_runtime, tmp_path)

    with at(fresh_runtime, market) as uow:
        round_id = the_round(uow).id
        members = member_ids_by_code(uow.session, uow.tenant)
        agreed = deadline_queries.round_deadline(uow.session, uow.tenant, round_id)
        [slot] = handing_queries.slots(uow.session, uow.tenant, round_id)
        assert uow.session.scalar(text("select count(*) from outbox_message")) == 0
        assert agreed is not None
        assert (agreed.on_miss, agreed.prolong_days, agreed.reminder_hours) == ("prolong", 3, 12)
        assert (slot.place, slot.capacity, slot.taken) == ("buurthuis", 1, 1)
    with at(fresh_runtime, market) as uow:
        products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
        lines = (PledgeLine(products["AARD"], 1), PledgeLine(products["ZEEP"], 2))
        save_pledges(uow, SavePledges(round_id=round_id, member_id=members["L003"], lines=lines))
    market.clock.advance(timedelta(days=2))
    with at(fresh_runtime, market) as uow:
        assert meet_deadline(uow, round_id) == "closed"
        order_round(uow, OrderRound(round_id=round_id))
    # 6 and 5 with a tolerance of 2 each and 1 without make three packs, at the lower price.
    with at(fresh_runtime, market) as uow:
        [potatoes] = [
            each
            for each in queries.offered_products(uow.session, uow.tenant, round_id)
            if each.code == "AARD"
        ]
        assert (potatoes.pledged, potatoes.price_excl_cents) == (12, 99)
        told = uow.session.scalars(text("select kind from outbox_message")).all()
        assert told == ["mail.supplier-order"]
    # The folder tells of it as it was; here it has gone on.
    again = import_city(fresh_runtime.units_of_work, tmp_path / "out")
    assert not again.has_refusals
    assert {outcome.value for _file, outcome in again.counts} <= {"unchanged", "kept"}


def test_what_the_clock_did_already_is_not_done_again(
    market: Market, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    """Members were reminded, and a coordinator was asked: neither gets a second mail."""
    with market.books.open() as uow:
        going_on = the_round(uow)
        reminded = round_at(going_on.id, going_on.closes_at)
        key = {"tenant": uow.tenant, "now": uow.now, "id": reminded}
        uow.session.execute(
            text(
                "insert into job_run (cooperative_id, job, period, status, attempts, due_at,"
                " finished_at) values (:tenant, 'rounds.remind', :id, 'done', 1, :now, :now)"
            ),
            key,
        )
        uow.session.execute(
            text(
                "update round_deadline set asked_at = :now, missed = '{\"net_cents\": 12}'"
                " where cooperative_id = :tenant"
            ),
            key,
        )
    comes_back_the_same(market, fresh_runtime, tmp_path)

    market.clock.advance(timedelta(days=1, hours=23))

    with at(fresh_runtime, market) as uow:
        assert [each.job for each in due_work(uow, ROUND_JOBS)] == []
    market.clock.advance(timedelta(hours=2))
    with at(fresh_runtime, market) as uow:
        assert meet_deadline(uow, the_round(uow).id) == "left"


@pytest.mark.parametrize(
    ("file", "column", "value", "words"),
    [
        ("more/round_moments.csv", "closed_at", "2026-01-06T12:00:00", "is open"),
        ("more/round_moments.csv", "opened_at", "", "is open"),
        ("more/round_products.csv", "sku", "KAAS", "products.csv has no KAAS"),
        ("more/deadlines.csv", "prolonged", "9", "more prolongations"),
        ("more/pickup_choices.csv", "member_id", "L003", "ordered nothing"),
        ("more/pickup_choices.csv", "number", "2", "no such time"),
        ("more/deadlines.csv", "when_spent", "", "told whole"),
        ("more/deadlines.csv", "missed", "{}", "what was missed"),
        ("rounds.csv", "status", "settled", "one of"),
        ("pledges.csv", "pledged_at", "2027-01-01T12:00:00", "not open then"),
    ],
)
def test_what_does_not_fit_is_refused(
    market: Market,
    fresh_runtime: Runtime,
    tmp_path: Path,
    file: str,
    column: str,
    value: str,
    words: str,
) -> None:
    moved_out(market.books.units_of_work, market.books.code, tmp_path)
    set_cell(tmp_path, f"{UNFINISHED_FOLDER}/{file}", 2, column, value)
    found: list[str] = []

    outcome = import_city(
        fresh_runtime.units_of_work, tmp_path, on_fault=lambda fault: found.append(str(fault))
    )

    assert outcome.left_out == [market.books.code]
    assert any(words in each for each in found), found


def test_every_product_of_a_round_that_goes_on_is_told(
    market: Market, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    moved_out(market.books.units_of_work, market.books.code, tmp_path)
    file = f"{UNFINISHED_FOLDER}/more/round_products.csv"
    assert [row["sku"] for row in read_rows(tmp_path, file)] == ["AARD", "ZEEP"]
    change_rows(tmp_path, file, lambda rows: rows[1:])
    found: list[str] = []

    import_city(
        fresh_runtime.units_of_work, tmp_path, on_fault=lambda fault: found.append(str(fault))
    )

    assert any("round_products.csv has no AARD" in each for each in found), found
