"""Outcomes of vouchers of an imported city, computed again by means that share no code."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.conftest import ImportedCity
from wijkeconomie.core.database import DatabaseAddresses, application_engine
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory, session_factory
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.network.interchange.exporting import cooperatives_to_export, export_city
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.outcomes import export_outcomes

CITY = Path(__file__).parents[2] / "wijkeconomie" / "network" / "demo_city"
OPERATOR = system_identity("test")
FILES = ("merchants.csv", "vouchers.csv", "voucher_redemptions.csv")
ATTEMPTS = (
    # Past the last day; over the balance; the rest to the cent; then nothing; a late retry.
    ("X1", "k-X1", "W001", "MRS-W1", "100", "2027-01-11"),
    ("X2", "k-X2", "W001", "MRS-W2", "2501", "2026-02-01"),
    ("X3", "k-X3", "W001", "MRS-W2", "2500", "2027-01-10"),
    ("X4", "k-X4", "W001", "MRS-W1", "1", "2027-01-10"),
    ("X5", "k-X5", "W004", "MRS-W1", "1234", "2026-06-01"),
    ("X1", "k-X1", "W001", "MRS-W1", "100", "2027-01-11"),
    ("X3", "k-X3", "W001", "MRS-W2", "2500", "2027-01-10"),
)

Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def units_of_work(fresh_addresses: DatabaseAddresses) -> Iterator[UnitOfWorkFactory]:
    engine = application_engine(fresh_addresses)
    yield UnitOfWorkFactory(session_factory(engine))
    engine.dispose()


@pytest.fixture
def behind(fresh_addresses: DatabaseAddresses) -> Iterator[Engine]:
    engine = create_engine(fresh_addresses.owner)
    yield engine
    engine.dispose()


def expected_outcomes(folder: Path) -> dict[str, tuple[str, str, str]]:
    """A purse a voucher, and the first time of each attempt."""
    vouchers = {row["voucher_id"]: row for row in rows_of(folder / "vouchers.csv")}
    left = {code: int(row["face_cents"]) for code, row in vouchers.items()}
    found: dict[str, tuple[str, str, str]] = {}
    for row in rows_of(folder / "voucher_redemptions.csv"):
        if row["redemption_id"] in found:
            continue
        voucher = row["voucher_id"]
        reason = ""
        if row["redeemed_on"] > vouchers[voucher]["expires_on"]:
            reason = "expired"
        elif int(row["cents"]) > left[voucher]:
            reason = "insufficient_balance"
        else:
            left[voucher] -= int(row["cents"])
        accepted = "0" if reason else "1"
        found[row["redemption_id"]] = (accepted, reason, str(left[voucher]))
    return found


def check_city(folder: Path, units_of_work: UnitOfWorkFactory, target: Path) -> None:
    assert not import_city(units_of_work, folder).has_refusals
    compare(folder, units_of_work, target)


def compare(folder: Path, units_of_work: UnitOfWorkFactory, target: Path) -> None:
    """Hold what came of a folder that was imported to this computation."""
    export_outcomes(units_of_work, OPERATOR, target / "outcomes")
    export_city(units_of_work, OPERATOR, target / "city")

    rows = rows_of(target / "outcomes" / "voucher_outcomes.csv")
    assert {
        row["redemption_id"]: (row["accepted"], row["reason"], row["balance_after"]) for row in rows
    } == expected_outcomes(folder)
    assert len(rows) == len({row["redemption_id"] for row in rows})
    for file in FILES:
        assert (target / "city" / file).read_bytes() == (folder / file).read_bytes(), file
    for owner in cooperatives_to_export(units_of_work, OPERATOR, None):
        with units_of_work.begin(identity=OPERATOR, cooperative_id=owner.id) as uow:
            assert verify_books(uow.session, owner.id, owner.code).fault is None


def a_harder_city(folder: Path) -> Path:
    """The demo city with attempts that are refused, and with retries far from their first time."""
    target = folder / "harder"
    target.mkdir()
    for path in CITY.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    redemptions = target / "voucher_redemptions.csv"
    lines = redemptions.read_text(encoding="utf-8").splitlines()
    own = [position for position, line in enumerate(lines) if ",MRS-W" in line]
    lines[own[-1] + 1 : own[-1] + 1] = [",".join(attempt) for attempt in ATTEMPTS]
    redemptions.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def test_every_answer_of_the_demo_city_is_what_a_second_computation_gives(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    check_city(CITY, units_of_work, tmp_path)


def test_every_answer_of_the_sample_city_is_what_a_second_computation_gives(
    sample_city: ImportedCity, tmp_path: Path
) -> None:
    compare(sample_city.folder, sample_city.units_of_work, tmp_path)


def test_refusals_and_late_retries_are_answered_too(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    folder = a_harder_city(tmp_path)

    check_city(folder, units_of_work, tmp_path)

    reasons = [row[1] for row in expected_outcomes(folder).values()]
    assert {"expired", "insufficient_balance"} <= set(reasons)


def test_the_same_city_again_answers_nothing_again(
    units_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    folder = a_harder_city(tmp_path)
    import_city(units_of_work, folder)

    again = import_city(units_of_work, folder)

    assert {outcome.value for _, outcome in again.counts} <= {"unchanged"}


def test_the_books_hold_what_merchants_and_holders_can_claim(
    units_of_work: UnitOfWorkFactory, behind: Engine, tmp_path: Path
) -> None:
    folder = a_harder_city(tmp_path)
    import_city(units_of_work, folder)
    outcomes = expected_outcomes(folder)
    paid: dict[str, int] = {}
    for row in {row["redemption_id"]: row for row in rows_of(folder / FILES[2])}.values():
        if outcomes[row["redemption_id"]][0] == "1":
            paid[row["merchant_id"]] = paid.get(row["merchant_id"], 0) + int(row["cents"])
    issued = sum(int(row["face_cents"]) for row in rows_of(folder / "vouchers.csv"))

    with behind.connect() as connection:
        balances = text(
            "select a.party, -b.balance from account a join account_balance b"
            " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
            " where a.key = :key and a.party is not null"
        )
        owed: dict[str, int] = dict(connection.execute(balances, {"key": "merchants"}).all())
        outstanding: dict[str, int] = dict(
            connection.execute(balances, {"key": "vouchers_outstanding"}).all()
        )
        given = connection.execute(text("select code, issued_minor from voucher_fund")).all()
    assert owed == paid
    assert sum(outstanding.values()) == issued - sum(paid.values())
    assert dict(given) == {"MRS-G2": 15000, "NWG-G2": 15000, "ZST-G2": 15000}


def test_what_a_subsidy_did_not_cover_was_our_own_money(
    units_of_work: UnitOfWorkFactory, behind: Engine, tmp_path: Path
) -> None:
    folder = a_harder_city(tmp_path)
    subsidies = folder / "subsidies.csv"
    lines = subsidies.read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("cents")
    for number, line in enumerate(lines):
        cells = line.split(",")
        if cells[0] == "MRS-G2":
            cells[column] = "14999"
            lines[number] = ",".join(cells)
    subsidies.write_text("\n".join(lines) + "\n", encoding="utf-8")

    check_city(folder, units_of_work, tmp_path)

    with behind.connect() as connection:
        given = connection.execute(
            text("select code, issued_minor from voucher_fund where issued_minor > 0")
        ).all()
        balances: dict[str, int] = dict(
            connection.execute(
                text(
                    "select a.code, b.balance from account a join account_balance b"
                    " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
                    " join cooperative c on c.id = a.cooperative_id and c.code = 'MRS'"
                    " where a.code in ('16521:MRS-G2', '16521:MANTELZORG', '82811')"
                )
            ).all()
        )
    assert dict(given) == {"MANTELZORG": 15000, "NWG-G2": 15000, "ZST-G2": 15000}
    assert balances == {"16521:MRS-G2": -14999, "16521:MANTELZORG": 0, "82811": 15000}
