"""Care outcomes of an imported city, computed again with no code of the package."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import ImportedCity
from wijkeconomie.core.database import DatabaseAddresses, application_engine
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.network.interchange.exporting import cooperatives_to_export, export_city
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.outcomes import export_outcomes

CITY = Path(__file__).parents[2] / "wijkeconomie" / "network" / "demo_city"
TEST = system_identity("test")
Rows = list[dict[str, str]]

# Every reason, the edges of a budget and of half cents, and who waits or was turned down.
MORE_BUDGETS = """\
B-M101,M101,Zvw,0,2026-02-10,2026-04-05,10000,3333,goedgekeurd
B-M102,M102,Jeugdwet,1,2026-01-01,2026-12-31,500000,2550,in_behandeling
B-M104,M104,Wlz,1,2026-01-01,2026-12-31,500000,2550,afgewezen
"""
MORE_DECLARATIONS = """\
D-1,B-M101,2026-02,90,5000
D-2,B-M101,2026-02,90,4999
D-3,B-M101,2026-01,60,3333
D-4,B-M101,2026-05,60,3333
D-5,B-M101,2026-04,91,5055
D-6,B-M101,2026-04,90,5000
D-7,B-M101,2026-03,1,56
D-8,B-M101,2026-03,0,0
D-9,B-M102,2026-03,60,2550
D-10,B-M104,2026-03,60,2550
"""
ACCEPTED = ["D-1", "D-6", "D-8"]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def units_of_work(fresh_addresses: DatabaseAddresses) -> Iterator[UnitOfWorkFactory]:
    engine = application_engine(fresh_addresses)
    yield UnitOfWorkFactory(session_factory(engine))
    engine.dispose()


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    shutil.copytree(CITY, folder)
    for file, more in (
        ("care_budgets.csv", MORE_BUDGETS),
        ("care_declarations.csv", MORE_DECLARATIONS),
    ):
        with (folder / file).open("a", encoding="utf-8") as stream:
            stream.write(more)
    return folder


def expected_outcomes(folder: Path) -> Rows:
    budgets = {row["budget_id"]: row for row in rows_of(folder / "care_budgets.csv")}
    used: Counter[str] = Counter()
    found = []
    for row in rows_of(folder / "care_declarations.csv"):
        budget = budgets[row["budget_id"]]
        whole = int(budget["budget_cents"])
        exact = Decimal(row["minutes"]) * Decimal(budget["hourly_rate_cents"]) / 60
        cents = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
        if budget["agreement_status"] != "goedgekeurd":
            reason = "agreement_not_approved"
        elif not budget["period_start"][:7] <= row["month"] <= budget["period_end"][:7]:
            reason = "outside_period"
        elif cents != int(row["cents"]):
            reason = "amount_differs"
        elif used[row["budget_id"]] + cents > whole:
            reason = "insufficient_budget"
        else:
            reason = ""
            used[row["budget_id"]] += cents
        found.append(
            {
                "declaration_id": row["declaration_id"],
                "accepted": "0" if reason else "1",
                "reason": reason,
                "cents": "0" if reason else str(cents),
                "balance_after": str(whole - used[row["budget_id"]]),
            }
        )
    return found


def check_city(folder: Path, units_of_work: UnitOfWorkFactory, target: Path) -> Rows:
    faults: list[object] = []
    assert not import_city(units_of_work, folder, on_fault=faults.append).has_refusals, faults
    return compare(folder, units_of_work, target)


def compare(folder: Path, units_of_work: UnitOfWorkFactory, target: Path) -> Rows:
    """Hold what came of a folder that was imported to this computation."""
    export_outcomes(units_of_work, TEST, target)

    outcomes = rows_of(target / "care_outcomes.csv")
    expected = expected_outcomes(folder)
    assert sorted(outcomes, key=lambda row: row["declaration_id"]) == sorted(
        expected, key=lambda row: row["declaration_id"]
    )
    budgets = rows_of(folder / "care_budgets.csv")
    of_money = {row["budget_id"] for row in budgets if row["drawing_right"] == "0"}
    budget_of = {
        row["declaration_id"]: row["budget_id"] for row in rows_of(folder / "care_declarations.csv")
    }
    borne = [int(row["cents"]) for row in expected if budget_of[row["declaration_id"]] in of_money]
    held = owed = 0
    for owner in cooperatives_to_export(units_of_work, TEST, None):
        with units_of_work.begin(identity=TEST, cooperative_id=owner.id) as uow:
            assert verify_books(uow.session, owner.id, owner.code).fault is None
            sums: dict[str, int] = dict(
                uow.session.execute(
                    text(
                        "select a.key, sum(b.balance)::bigint from account a"
                        " join account_balance b on b.cooperative_id = a.cooperative_id"
                        " and b.account_id = a.id where a.cooperative_id = :id group by a.key"
                    ),
                    {"id": owner.id},
                ).all()
            )
        held += sums.get("care_budgets", 0)
        owed += sums.get("carers", 0)
    assert (held, owed) == (sum(borne), -sum(borne))
    return outcomes


def test_every_declaration_of_the_demo_city_is_answered_as_a_second_computation_does(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    assert check_city(CITY, units_of_work, tmp_path / "outcomes")


def test_every_declaration_of_the_sample_city_is_answered_as_a_second_computation_does(
    sample_city: ImportedCity, tmp_path: Path
) -> None:
    assert compare(sample_city.folder, sample_city.units_of_work, tmp_path / "outcomes")


def test_every_reason_to_refuse_is_found_by_both(
    units_of_work: UnitOfWorkFactory, city: Path, tmp_path: Path
) -> None:
    outcomes = check_city(city, units_of_work, tmp_path / "outcomes")

    ours = {row["declaration_id"]: row for row in outcomes}
    assert [code for code in (f"D-{n}" for n in range(1, 11)) if ours[code]["accepted"] == "1"] == (
        ACCEPTED
    )
    assert {row["reason"] for row in outcomes} == {
        "",
        "agreement_not_approved",
        "outside_period",
        "amount_differs",
        "insufficient_budget",
    }


def test_the_same_city_again_changes_nothing_and_comes_out_as_it_went_in(
    units_of_work: UnitOfWorkFactory, city: Path, tmp_path: Path
) -> None:
    import_city(units_of_work, city)

    again = import_city(units_of_work, city)

    assert {outcome.value for (file, outcome) in again.counts if file.startswith("care_")} == {
        "unchanged"
    }
    export_city(units_of_work, TEST, tmp_path / "out")
    for file in ("care_budgets.csv", "care_declarations.csv"):
        key = "budget_id" if file == "care_budgets.csv" else "declaration_id"
        written, read = rows_of(tmp_path / "out" / file), rows_of(city / file)
        assert sorted(written, key=lambda row: row[key]) == sorted(read, key=lambda row: row[key])


def test_the_books_know_no_member_of_a_budget(units_of_work: UnitOfWorkFactory, city: Path) -> None:
    import_city(units_of_work, city)

    for owner in cooperatives_to_export(units_of_work, TEST, None):
        with units_of_work.begin(identity=TEST, cooperative_id=owner.id) as uow:
            told = uow.session.scalars(
                text(
                    "select concat_ws(' ', source, description, idempotency_key, posted_by)"
                    " from journal_entry where kind like 'care.%' and cooperative_id = :id"
                ),
                {"id": owner.id},
            ).all()
        assert not [line for line in told if "M1" in line]
