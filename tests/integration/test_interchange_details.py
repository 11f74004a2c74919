"""What the plain files of a city cannot tell of a round goes with it, and comes back the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.unit.network.city_folders import read_rows, set_cell
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_ids_by_code
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.network.interchange.detail_files import DETAIL_FOLDER
from wijkeconomie.network.interchange.exporting import export_city
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.outcomes import export_outcomes
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.deciding import KeepAsStock, SetShare, decide
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.invoicing import RecordInvoice, record_invoice
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.rounds import (
    CloseRound,
    OrderRound,
    PlanRound,
    close_round,
    open_round,
    order_round,
    plan_round,
)
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product
from wijkeconomie.purchasing.uncharged import (
    AskUncharged,
    DecideUncharged,
    ask_uncharged,
    decide_uncharged,
)

OPERATOR = system_identity("test")
OPENS = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


@contextmanager
def at_mrs(runtime: Runtime, person: int | None = None) -> Iterator[UnitOfWork]:
    with runtime.units_of_work.begin(identity=OPERATOR) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    identity = OPERATOR
    if person is not None:
        identity = replace(system_identity(f"login:{person}"), login_id=person)
    with runtime.units_of_work.begin(identity=identity, cooperative_id=tenant) as uow:
        yield uow


def received(runtime: Runtime, clock: Clock, code: str) -> int:
    """Ten bottles at EUR 17.50 a crate of 24 for two members; nine were of use, one is charged."""
    clock.set(max(clock.now, OPENS))
    with at_mrs(runtime) as uow:
        product_id = save_product(
            uow,
            SaveProduct(
                supplier_code="LEV1",
                code="AK-SAP",
                name="Appelsap",
                unit="fles",
                price_excl_cents=1750,
                price_units=24,
                vat_basis_points=900,
                pack_size=24,
                supplier_unit="krat",
                deposit_cents=15,
            ),
        )
        supplier = queries.round_by_code(uow.session, uow.tenant, "MRS-R01").supplier_id
        plan = PlanRound(
            code=code,
            theme="sap",
            supplier_id=supplier,
            opens_at=clock.now,
            closes_at=clock.now + timedelta(days=2),
            delivery_on=local_date(clock.now, LOCAL_TIME) + timedelta(days=4),
            surplus_rule=SurplusRule.ASK,
            product_ids=(product_id,),
        )
        round_id = plan_round(uow, plan)
        open_round(uow, round_id)
    clock.advance(timedelta(hours=1))
    with at_mrs(runtime) as uow:
        members = member_ids_by_code(uow.session, uow.tenant)
        [product] = queries.product_ids_by_code(uow.session, uow.tenant, round_id).values()
        for member, quantity in (("M101", 6), ("M103", 4)):
            line = PledgeLine(product, quantity)
            command = SavePledges(round_id=round_id, member_id=members[member], lines=(line,))
            save_pledges(uow, command)
    clock.advance(timedelta(days=2))
    with at_mrs(runtime) as uow:
        close_round(uow, CloseRound(round_id=round_id))
        order_round(uow, OrderRound(round_id=round_id))
        came = ReceiveLine(
            round_id=round_id,
            round_product_id=product,
            delivered=10,
            damaged=1,
            uncredited=1,
            reason="gebarsten",
        )
        receive_line(uow, came)
        finish_receiving(uow, FinishReceiving(round_id=round_id))
    return round_id


def invoiced(runtime: Runtime, round_id: int, *, more_deposit: int = 0) -> None:
    with at_mrs(runtime) as uow:
        preview = preview_settlement(uow, round_id)
        command = RecordInvoice(
            round_id=round_id,
            code=f"F-{round_id}",
            invoiced_on=local_date(uow.now, LOCAL_TIME),
            net_cents=preview.result.net_cents,
            vat_cents=preview.result.vat_cents,
            deposit_cents=preview.deposits.supplier_cents + more_deposit,
        )
        record_invoice(uow, command)


@pytest.fixture
def lived(city: Runtime, clock: Clock) -> Runtime:
    """A city with a round that was decided by hand, and one that nobody paid for."""
    round_id = received(city, clock, "MRS-HAND")
    with at_mrs(city) as uow:
        pledges = queries.pledges(uow.session, uow.tenant, round_id)
        first = next(each for each in pledges if each.member_code == "M101")
        share = SetShare(
            round_id=round_id, pledge_id=first.id, quantity=3, reason="vroeg om minder"
        )
        decide(uow, share)
        [product] = queries.product_ids_by_code(uow.session, uow.tenant, round_id).values()
        decide(uow, KeepAsStock(round_id=round_id, round_product_id=product, quantity=2))
    invoiced(city, round_id, more_deposit=15)
    with at_mrs(city) as uow:
        settle_round(uow, SettleRound(round_id=round_id, accepted_difference_cents=15))

    round_id = received(city, clock, "MRS-FEEST")
    with at_mrs(city) as uow:
        [product] = queries.product_ids_by_code(uow.session, uow.tenant, round_id).values()
    invoiced(city, round_id)
    with at_mrs(city, person=1) as uow:
        asked = AskUncharged(round_id=round_id, reason="buurtfeest", typed_code="MRS-FEEST")
        request_id = ask_uncharged(uow, asked)
    with at_mrs(city, person=2) as uow:
        approved = DecideUncharged(request_id=request_id, is_approved=True, typed_code="MRS-FEEST")
        decide_uncharged(uow, approved)
    return city


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_details_go_with_a_city_and_come_back_the_same(
    lived: Runtime, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    outcome = export_city(lived.units_of_work, OPERATOR, first)
    assert outcome.unfinished == []
    told = {name for name in files_of(first) if name.startswith(DETAIL_FOLDER)}
    assert told == {
        f"{DETAIL_FOLDER}/{name}.csv"
        for name in (
            *("products", "rounds", "round_deposits", "decisions", "deliveries"),
            *("supplier_invoices", "round_moments"),
        )
    }

    assert not import_city(fresh_runtime.units_of_work, first).has_refusals

    export_city(fresh_runtime.units_of_work, OPERATOR, second)
    assert files_of(second) == files_of(first)
    assert figures(fresh_runtime, tmp_path / "b") == figures(lived, tmp_path / "a")
    # Importing again changes nothing.
    again = import_city(fresh_runtime.units_of_work, first)
    assert not again.has_refusals
    assert {outcome.value for _file, outcome in again.counts} <= {"unchanged", "kept"}


def figures(runtime: Runtime, folder: Path) -> object:
    """What every pledge and round became, and the balances that follow from it."""
    export_outcomes(runtime.units_of_work, OPERATOR, folder)
    found: dict[str, object] = dict(files_of(folder))
    with at_mrs(runtime) as uow:
        assert verify_books(uow.session, uow.tenant, "MRS").fault is None
        for code in ("MRS-HAND", "MRS-FEEST"):
            row = queries.round_by_code(uow.session, uow.tenant, code)
            preview = preview_settlement(uow, row.id)
            [settled] = settlement_queries.settlements(uow.session, uow.tenant, row.id)
            found[code] = (preview.deposits.due_cents, settled.is_uncharged, settled.reason)
        for member in ("M101", "M103"):
            found[member] = queries.owed_cents(uow.session, uow.tenant, member)
    return found


def test_who_does_not_know_the_details_imports_the_plain_files(
    lived: Runtime, tmp_path: Path
) -> None:
    """They lie where a reader of the plain files does not look, and those are as they were."""
    export_city(lived.units_of_work, OPERATOR, tmp_path / "out")

    names = {path.name for path in (tmp_path / "out").glob("*.csv")}
    assert names == {path.name for path in (tmp_path / "out").iterdir() if path.is_file()} - {
        "federation.json"
    }
    [juice] = [row for row in read_rows(tmp_path / "out", "products.csv") if row["sku"] == "AK-SAP"]
    assert juice["price_excl_cents"] == "73"
    shutil.rmtree(tmp_path / "out" / DETAIL_FOLDER)
    # Without them the rounds that they are about do not tie, and that is told; nothing else is.
    outcome = import_city(lived.units_of_work, tmp_path / "out", is_strict=False)
    assert outcome.cooperatives


@pytest.mark.parametrize(
    ("file", "column", "value", "words"),
    [
        ("products.csv", "price_excl_cents", "9900", "another price"),
        ("decisions.csv", "quantity", "9", "left over"),
        ("rounds.csv", "uncharged_approved_by", "login:1", "somebody else"),
        ("decisions.csv", "pledge_id", "NIEMAND", "pledges.csv has no NIEMAND"),
        ("round_deposits.csv", "sku", "AK-PREI", "no such row"),
    ],
)
def test_details_that_do_not_fit_are_refused_at_their_row(
    lived: Runtime,
    fresh_runtime: Runtime,
    tmp_path: Path,
    file: str,
    column: str,
    value: str,
    words: str,
) -> None:
    folder = tmp_path / "out"
    export_city(lived.units_of_work, OPERATOR, folder)
    place = f"{DETAIL_FOLDER}/{file}"
    line = 3 if (file, column) == ("rounds.csv", "uncharged_approved_by") else 2
    set_cell(folder, place, line, column, value)
    found: list[str] = []

    outcome = import_city(
        fresh_runtime.units_of_work, folder, on_fault=lambda fault: found.append(str(fault))
    )

    assert outcome.has_refusals
    assert any(words in each for each in found), found


def test_details_that_differ_from_what_is_stored_are_told(lived: Runtime, tmp_path: Path) -> None:
    export_city(lived.units_of_work, OPERATOR, tmp_path / "out")
    set_cell(tmp_path / "out", f"{DETAIL_FOLDER}/decisions.csv", 2, "reason", "iets anders")
    found: list[str] = []

    import_city(
        lived.units_of_work, tmp_path / "out", on_fault=lambda fault: found.append(str(fault))
    )

    assert any("vroeg om minder" in each for each in found)


def test_an_export_over_an_earlier_one_leaves_no_stale_details(
    lived: Runtime, fresh_runtime: Runtime, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    export_city(lived.units_of_work, OPERATOR, folder)
    assert not import_city(fresh_runtime.units_of_work, folder).has_refusals

    export_city(fresh_runtime.units_of_work, OPERATOR, folder, cooperative="NWG", overwrite=True)

    assert read_rows(folder, f"{DETAIL_FOLDER}/decisions.csv") == []
