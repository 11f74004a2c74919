"""Whatever happened in rounds, they go out with their cooperative and come in the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine, select, text

from tests.conftest import Clock
from tests.factories.lived_rounds import LivedRound
from tests.factories.rounds import Market, a_market
from tests.integration.test_rounds_stateful import RoundsModel
from tests.unit.network.city_folders import read_rows, set_cell
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.network.interchange.detail_files import PRODUCT_TERMS
from wijkeconomie.network.interchange.exporting import export_city
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.outcomes import export_outcomes
from wijkeconomie.network.interchange.writing import write_rows
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.models import Supplier
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

OPERATOR = system_identity("test")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def moved_out(units_of_work: UnitOfWorkFactory, code: str, folder: Path) -> None:
    """Export one cooperative; what a test's cooperative lacks of a real one is put in."""
    export_city(units_of_work, OPERATOR, folder, cooperative=code, overwrite=True)
    set_cell(folder, "cooperatives.csv", 2, "kvk", "98120451")
    set_cell(folder, "cooperatives.csv", 2, "creditor_id", "NL20ZZZ981204510000")


def comes_back_the_same(market: Market, fresh: Runtime, folder: Path) -> None:
    """Export, import elsewhere and export again: the same bytes, amounts and balances."""
    source, code = market.books.units_of_work, market.books.code
    moved_out(source, code, folder / "out")
    told: list[str] = []

    import_city(fresh.units_of_work, folder / "out", on_fault=lambda fault: told.append(str(fault)))

    assert told == []
    export_city(fresh.units_of_work, OPERATOR, folder / "again", cooperative=code, overwrite=True)
    assert files_of(folder / "again") == files_of(folder / "out")
    for units, name in ((source, "here"), (fresh.units_of_work, "there")):
        export_outcomes(units, OPERATOR, folder / name, cooperative=code)
    assert files_of(folder / "there") == files_of(folder / "here")
    assert balances(fresh.units_of_work, code) == balances(source, code)
    again = import_city(fresh.units_of_work, folder / "out")
    assert {outcome.value for _file, outcome in again.counts} <= {"unchanged", "kept"}


def balances(units_of_work: UnitOfWorkFactory, code: str) -> dict[str, int]:
    """What stands on every account, once the books were verified."""
    with units_of_work.begin(identity=OPERATOR) as uow:
        tenant = cooperative_by_code(uow.session, code).id
    with units_of_work.begin(identity=OPERATOR, cooperative_id=tenant) as uow:
        assert verify_books(uow.session, tenant, code).fault is None
        rows = uow.session.execute(
            text(
                "select a.code, b.balance from account a join account_balance b"
                " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
                " where a.cooperative_id = :tenant and b.balance <> 0"
            ),
            {"tenant": tenant},
        )
        return {row[0]: row[1] for row in rows}


@settings(max_examples=6, suppress_health_check=list(HealthCheck), deadline=None)
@given(random=st.randoms(use_true_random=False), rounds=st.integers(1, 2))
def test_rounds_of_any_kind_come_back_the_same(
    units_of_work: UnitOfWorkFactory,
    fresh_runtime: Runtime,
    clock: Clock,
    tmp_path: Path,
    random: Random,
    rounds: int,
) -> None:
    market = a_market(units_of_work, clock)
    for _ in range(rounds):
        LivedRound(market, random).live()
    LivedRound(market, random, goes_on=True).live()

    comes_back_the_same(market, fresh_runtime, tmp_path)


class RoundsThatMove(RoundsModel):
    """The model of rounds; what it settled moves out at its end."""

    fresh: Runtime
    folder: Path

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "market"):
            comes_back_the_same(self.market, self.fresh, self.folder)


def test_rounds_of_the_model_come_back_the_same(
    units_of_work: UnitOfWorkFactory, fresh_runtime: Runtime, clock: Clock, tmp_path: Path
) -> None:
    RoundsThatMove.units_of_work = units_of_work
    RoundsThatMove.clock = clock
    RoundsThatMove.fresh = fresh_runtime
    RoundsThatMove.folder = tmp_path
    run_state_machine_as_test(
        RoundsThatMove,
        settings=settings(
            max_examples=3,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    """A cooperative with one settled round."""
    found = a_market(units_of_work, clock)
    found.settled_round(AARD=10)
    return found


def saved(market: Market, **changed: Any) -> None:
    """Save potatoes again, changed."""
    terms: dict[str, Any] = {
        "supplier_code": "S1",
        "code": "AARD",
        "name": "Aardappelen",
        "unit": "kg",
        "price_excl_cents": 119,
        "vat_basis_points": 900,
        "max_per_member": 50,
    }
    with market.books.open() as uow:
        save_product(uow, SaveProduct(**terms | changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"price_excl_cents": 240},
        {"vat_basis_points": None},
        {"max_per_member": 1},
        {"pack_size": 12, "terms": SaleTerms(sells_loose=False, minimum_quantity=30)},
        {"name": "Bintjes", "unit": "zak"},
        {"price_units": 7},
        {"grams_per_unit": 1000},
        {"is_offered": False},
        {"supplier_code": "S2"},
    ],
)
def test_a_round_is_not_judged_by_what_its_products_became(
    market: Market, fresh_runtime: Runtime, tmp_path: Path, changed: dict[str, Any]
) -> None:
    """2026-12-01: an export gave the price of today, and its import refused the round."""
    with market.books.open() as uow:
        save_supplier(uow, SaveSupplier(code="S2", name="Boerin Bo"))

    saved(market, **changed)

    comes_back_the_same(market, fresh_runtime, tmp_path)


def test_what_a_supplier_asks_now_does_not_stop_what_he_took(
    market: Market, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    boer = SaveSupplier(code="S1", name="Boer Bas", email="bas@boerderij")
    with market.books.open() as uow:
        save_supplier(uow, replace(boer, minimum_net_cents=1_000_000))

    comes_back_the_same(market, fresh_runtime, tmp_path)

    with at(fresh_runtime, market) as uow:
        [supplier] = uow.session.scalars(
            select(Supplier).where(Supplier.cooperative_id == uow.tenant)
        )
        assert (supplier.email, supplier.minimum_net_cents) == ("bas@boerderij", 1_000_000)
        assert uow.session.scalar(text("select count(*) from outbox_message")) == 0


@contextmanager
def at(runtime: Runtime, market: Market) -> Iterator[UnitOfWork]:
    """The cooperative of a market where it came in."""
    with runtime.units_of_work.begin(identity=OPERATOR) as uow:
        tenant = cooperative_by_code(uow.session, market.books.code).id
    with runtime.units_of_work.begin(identity=OPERATOR, cooperative_id=tenant) as uow:
        yield uow


def test_a_member_who_is_said_to_have_left_before_keeps_what_he_paid(
    market: Market, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update member set left_on = '2025-12-31' where cooperative_id = :tenant"
                " and code = 'L001'"
            ),
            {"tenant": uow.tenant},
        )

    comes_back_the_same(market, fresh_runtime, tmp_path)


def test_numbers_of_suppliers_are_theirs(
    market: Market, owner: Engine, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    """Articles and invoices are numbered by suppliers: with any sign, and two may give the same."""
    with market.books.open() as uow:
        supplier = save_supplier(uow, SaveSupplier(code="S-2", name="Boerin Bo"))
        tenant = uow.tenant
    with owner.begin() as connection:
        connection.execute(
            text("update supplier_invoice set code = '2026/001' where cooperative_id = :tenant"),
            {"tenant": tenant},
        )
    saved(market, supplier_code="S-2", code="KAAS 1/2 (jong)", name="Kaas,\thalf")
    other = replace(market, supplier_id=supplier)
    round_id = other.open_round()
    with other.books.open() as uow:
        [product] = queries.product_ids_by_code(uow.session, uow.tenant, round_id).values()
        line = PledgeLine(product, 3)
        order = SavePledges(round_id=round_id, member_id=other.members["L001"], lines=(line,))
        save_pledges(uow, order)
    other.order(round_id)
    other.receive(round_id)
    other.invoice(round_id, code="2026/001")
    other.settle(round_id)

    comes_back_the_same(market, fresh_runtime, tmp_path)


@pytest.mark.parametrize(
    ("file", "column", "value", "words"),
    [
        ("round_products.csv", "price_excl_cents", "5", "no price of its ladder"),
        ("round_products.csv", "list_price_excl_cents", "1", "prices fall"),
        ("round_products.csv", "ladder_prices_cents", "90 80 70", "as many prices as"),
        ("round_products.csv", "replaces", "PERZIK", "products.csv has no PERZIK"),
        ("round_products.csv", "closing", "1 2", "six numbers"),
        ("round_pledges.csv", "allotted_quantity", "99", "more than was asked"),
        ("round_pledges.csv", "origin", "replacement", "in place of another"),
        ("round_pledges.csv", "dropout", "packs", "not withdrawn"),
        ("round_pledges.csv", "later_at", "2026-01-05T14:00:00", "as many moments"),
        ("round_moments.csv", "closed_at", "", "without this"),
        ("round_moments.csv", "settled_at", "", "is delivered"),
        ("round_moments.csv", "cancel_reason", "zomaar", "no other has"),
        ("supplier_invoices.csv", "net_difference_cents", "7", "come to"),
        ("supplier_invoices.csv", "invoice_id", "F999", "no such row"),
    ],
)
def test_facts_that_do_not_fit_are_refused_at_their_row(
    units_of_work: UnitOfWorkFactory,
    fresh_runtime: Runtime,
    clock: Clock,
    tmp_path: Path,
    file: str,
    column: str,
    value: str,
    words: str,
) -> None:
    """A round that filled packs at a price of its ladder, with a difference that was accepted."""
    market = a_market(units_of_work, clock)
    ladder = SaleTerms(sells_loose=False, ladder=((8, 110),))
    saved(market, pack_size=4, terms=ladder)
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=6, ZEEP=1)
    market.pledge(round_id, "L002", AARD=3, ZEEP=1)
    market.order(round_id)
    market.receive(round_id)
    market.invoice(round_id, more_net=12)
    market.settle(round_id, accepted=12)
    moved_out(units_of_work, market.books.code, tmp_path)
    set_cell(tmp_path, f"more/{file}", 2, column, value)
    found: list[str] = []

    outcome = import_city(
        fresh_runtime.units_of_work, tmp_path, on_fault=lambda fault: found.append(str(fault))
    )

    assert outcome.left_out == [market.books.code]
    assert any(words in each for each in found), found


def test_a_folder_of_before_these_columns_is_read(
    market: Market, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    saved(market, deposit_cents=15)
    moved_out(market.books.units_of_work, market.books.code, tmp_path)
    [row] = read_rows(tmp_path, "more/products.csv")
    for name in PRODUCT_TERMS.later:
        del row[name]
    write_rows(tmp_path / "more" / "products.csv", list(row), [row.values()])

    outcome = import_city(fresh_runtime.units_of_work, tmp_path)

    assert not outcome.has_refusals
