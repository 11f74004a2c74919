"""The shares of a city's projects, computed again by means that share no code with the package."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import ImportedCity
from wijkeconomie.core.database import DatabaseAddresses, application_engine
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.ledger.queries import party_balances
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.network.interchange.exporting import cooperatives_to_export, export_city
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.outcomes import export_outcomes

CITY = Path(__file__).parents[2] / "wijkeconomie" / "network" / "demo_city"
TEST = system_identity("test")
Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def units_of_work(fresh_addresses: DatabaseAddresses) -> Iterator[UnitOfWorkFactory]:
    engine = application_engine(fresh_addresses)
    yield UnitOfWorkFactory(session_factory(engine))
    engine.dispose()


def units_by_member(folder: Path, project: str) -> dict[str, int]:
    held: dict[str, int] = defaultdict(int)
    for row in rows_of(folder / "investments.csv"):
        if row["project_id"] == project:
            held[row["member_id"]] += int(row["units"])
    return dict(sorted(held.items()))


def shared_by_hand(total: int, held: dict[str, int]) -> dict[str, int]:
    """Whole cents by long division; the cents left go to the largest remainders, one each."""
    units = sum(held.values())
    sign = -1 if total < 0 else 1
    divided = {member: divmod(abs(total) * own, units) for member, own in held.items()}
    missing = abs(total) - sum(whole for whole, _ in divided.values())
    lucky = sorted(held, key=lambda member: (-divided[member][1], member))[:missing]
    return {member: sign * (whole + (member in lucky)) for member, (whole, _) in divided.items()}


def expected_shares(folder: Path) -> dict[tuple[str, str], int]:
    return {
        (project["project_id"], member): cents
        for project in rows_of(folder / "projects.csv")
        if project["result_2026_cents"]
        for member, cents in shared_by_hand(
            int(project["result_2026_cents"]), units_by_member(folder, project["project_id"])
        ).items()
    }


def check_city(folder: Path, units_of_work: UnitOfWorkFactory, target: Path) -> None:
    assert not import_city(units_of_work, folder).has_refusals
    compare(folder, units_of_work, target)


def compare(folder: Path, units_of_work: UnitOfWorkFactory, target: Path) -> None:
    """Hold what came of a folder that was imported to this computation."""
    export_outcomes(units_of_work, TEST, target)

    shares = {
        (row["project_id"], row["member_id"]): int(row["cents"])
        for row in rows_of(target / "investment_shares.csv")
    }
    assert shares
    assert shares == expected_shares(folder)
    for owner in cooperatives_to_export(units_of_work, TEST, None):
        with units_of_work.begin(identity=TEST, cooperative_id=owner.id) as uow:
            assert verify_books(uow.session, owner.id, owner.code).fault is None
            capital = party_balances(uow.session, owner.id, "members_capital")
            owed = party_balances(uow.session, owner.id, "owed_to_members")
        own = [row for row in rows_of(folder / "projects.csv") if row["coop_id"] == owner.code]
        assert capital == {
            f"{row['project_id']}/{member}": -units * int(row["unit_price_cents"])
            for row in own
            for member, units in units_by_member(folder, row["project_id"]).items()
        }
        assert -sum(owed.values()) == sum(int(row["result_2026_cents"] or 0) for row in own)


def test_every_share_of_the_demo_city_is_what_a_second_computation_gives(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    check_city(CITY, units_of_work, tmp_path / "outcomes")


def test_every_share_of_the_sample_city_is_what_a_second_computation_gives(
    sample_city: ImportedCity, tmp_path: Path
) -> None:
    compare(sample_city.folder, sample_city.units_of_work, tmp_path / "outcomes")


def test_someone_who_took_part_twice_shares_by_all_his_units(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    folder = a_copy(tmp_path)
    with (folder / "investments.csv").open("a", encoding="utf-8") as file:
        file.write("ZST-INV1,M120,2,2025-12-01\n")

    check_city(folder, units_of_work, tmp_path / "outcomes")


def test_a_loss_comes_off_the_capital_and_nobody_is_owed_anything(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    folder = a_copy(tmp_path)
    projects = (folder / "projects.csv").read_text(encoding="utf-8")
    (folder / "projects.csv").write_text(projects.replace("31415", "-31415"), encoding="utf-8")

    assert not import_city(units_of_work, folder).has_refusals
    export_outcomes(units_of_work, TEST, tmp_path / "outcomes")

    shares = {
        (row["project_id"], row["member_id"]): int(row["cents"])
        for row in rows_of(tmp_path / "outcomes" / "investment_shares.csv")
    }
    assert shares == expected_shares(folder)
    assert sum(shares.values()) == -31415


def test_an_export_gives_the_same_rows_and_a_second_import_changes_nothing(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    folder = a_copy(tmp_path)
    with (folder / "investments.csv").open("a", encoding="utf-8") as file:
        file.write("ZST-INV1,M120,2,2025-12-01\n")
    import_city(units_of_work, folder)
    export_city(units_of_work, TEST, tmp_path / "again")

    for name in ("projects.csv", "investments.csv"):
        assert rows_of(tmp_path / "again" / name) == rows_of(folder / name)
    outcome = import_city(units_of_work, folder)
    assert {result.value for _, result in outcome.counts} <= {"unchanged", "kept"}
    with units_of_work.begin(identity=TEST) as uow:
        assert uow.session.scalar(text("select count(*) from cooperative")) == 3


def test_a_project_that_lacked_its_result_gets_it_by_a_later_import(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    folder = a_copy(tmp_path)
    projects = (folder / "projects.csv").read_text(encoding="utf-8")
    (folder / "projects.csv").write_text(projects.replace("31415", ""), encoding="utf-8")
    import_city(units_of_work, folder)
    export_outcomes(units_of_work, TEST, tmp_path / "before")
    assert rows_of(tmp_path / "before" / "investment_shares.csv") == []

    check_city(CITY, units_of_work, tmp_path / "after")


def a_copy(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    folder.mkdir()
    for file in CITY.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder
