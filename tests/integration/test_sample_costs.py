"""Outcomes of an imported city, computed again by means that share no code with the package."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.conftest import ImportedCity
from wijkeconomie.core.database import DatabaseAddresses, application_engine
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.network.interchange.exporting import cooperatives_to_export
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.outcomes import export_outcomes

CITY = Path(__file__).parents[2] / "wijkeconomie" / "network" / "demo_city"
Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def units_of_work(fresh_addresses: DatabaseAddresses) -> Iterator[UnitOfWorkFactory]:
    engine = application_engine(fresh_addresses)
    yield UnitOfWorkFactory(session_factory(engine))
    engine.dispose()


def largest_remainder(total: int, weights: list[Fraction]) -> list[int]:
    """The textbook rule, in as few words as possible."""
    sign = -1 if total < 0 else 1
    whole = sum(weights)
    exact = [Fraction(abs(total)) * weight / whole for weight in weights]
    shares = [math.floor(share) for share in exact]
    order = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for index in order[: abs(total) - sum(shares)]:
        shares[index] += 1
    return [sign * share for share in shares]


def members_of(month: str, cooperative: str, members: Rows) -> Rows:
    year, number = map(int, month.split("-"))
    first = date(year, number, 1)
    next_first = date(year + number // 12, number % 12 + 1, 1)
    return [
        member
        for member in members
        if member["coop_id"] == cooperative
        and date.fromisoformat(member["joined"]) < next_first
        and (not member["left"] or date.fromisoformat(member["left"]) >= first)
    ]


def expected_shares(folder: Path) -> dict[tuple[str, str], int]:
    members = rows_of(folder / "members.csv")
    keys = {row["member_id"]: row for row in rows_of(folder / "participation_keys.csv")}
    found: dict[tuple[str, str], int] = {}
    for cost in rows_of(folder / "shared_costs.csv"):
        sharing = sorted(
            members_of(cost["month"], cost["coop_id"], members), key=lambda m: m["member_id"]
        )
        column = {"household": "household_size", "m2": "dwelling_m2"}.get(cost["key"], "")
        weights = [
            Fraction(
                1
                if cost["key"] == "equal"
                else Decimal(member[column] if column else keys[member["member_id"]][cost["key"]])
            )
            for member in sharing
        ]
        shares = largest_remainder(int(cost["gross_cents"]), weights)
        for member, share in zip(sharing, shares, strict=True):
            found[cost["cost_id"], member["member_id"]] = share
    return found


def expected_use(
    folder: Path, shares: dict[tuple[str, str], int]
) -> dict[tuple[str, str, str], int]:
    """Energy of low incomes, as long as each pool lasts; the sample's pools all do."""
    low = {m["member_id"] for m in rows_of(folder / "members.csv") if m["income_band"] == "laag"}
    costs = {row["cost_id"]: row for row in rows_of(folder / "shared_costs.csv")}
    found: dict[tuple[str, str, str], int] = {}
    left: dict[str, int] = defaultdict(int)
    for subsidy in rows_of(folder / "subsidies.csv"):
        if subsidy["mode"] != "targeted_pool":
            continue
        left[subsidy["subsidy_id"]] = int(subsidy["cents"])
        for (cost_id, member), share in shares.items():
            cost = costs[cost_id]
            is_paid = cost["coop_id"] == subsidy["coop_id"] and cost["key"] == "kwh"
            if is_paid and int(cost["gross_cents"]) > 0 and member in low and share:
                found[subsidy["subsidy_id"], cost_id, member] = share
                left[subsidy["subsidy_id"]] -= share
    assert all(rest >= 0 for rest in left.values()), "this computation does not know empty pools"
    return found


def check_city(folder: Path, units_of_work: UnitOfWorkFactory, target: Path) -> None:
    assert not import_city(units_of_work, folder).has_refusals
    compare(folder, units_of_work, target)


def compare(folder: Path, units_of_work: UnitOfWorkFactory, target: Path) -> None:
    """Hold what came of a folder that was imported to this computation."""
    identity = system_identity("test")
    export_outcomes(units_of_work, identity, target)

    shares = {
        (row["cost_id"], row["member_id"]): int(row["cents"])
        for row in rows_of(target / "cost_shares.csv")
    }
    used = {
        (row["subsidy_id"], row["cost_id"], row["member_id"]): int(row["cents"])
        for row in rows_of(target / "subsidy_use.csv")
    }
    expected = expected_shares(folder)
    assert shares == expected
    assert used == expected_use(folder, expected)
    for owner in cooperatives_to_export(units_of_work, identity, None):
        with units_of_work.begin(identity=identity, cooperative_id=owner.id) as uow:
            assert verify_books(uow.session, owner.id, owner.code).fault is None


def test_every_share_of_the_demo_city_is_what_a_second_computation_gives(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    check_city(CITY, units_of_work, tmp_path / "outcomes")


def test_every_share_of_the_sample_city_is_what_a_second_computation_gives(
    sample_city: ImportedCity, tmp_path: Path
) -> None:
    compare(sample_city.folder, sample_city.units_of_work, tmp_path / "outcomes")


def test_the_same_city_again_settles_nothing_again(units_of_work: UnitOfWorkFactory) -> None:
    import_city(units_of_work, CITY)

    again = import_city(units_of_work, CITY)

    assert {outcome.value for _, outcome in again.counts} <= {"unchanged"}
