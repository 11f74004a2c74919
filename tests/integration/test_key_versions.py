"""Versions of keys: completed, mended and kept; and whose turn it is when a cost is corrected."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.factories.shared_costs import House, a_house
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.correcting import CorrectCost, correct_cost
from wijkeconomie.costs.keys import record_decision
from wijkeconomie.costs.models import Basis, TiePolicy
from wijkeconomie.costs.proof_checking import verify_proof
from wijkeconomie.costs.proof_queries import proof_of
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.refusals import KeyNotValidError
from wijkeconomie.costs.settling import settle_month

FEBRUARY = date(2026, 2, 1)


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory) -> House:
    return a_house(units_of_work)


def correct(house: House, code: str, cents: int) -> tuple[str, ...]:
    with house.books.open() as uow:
        return correct_cost(uow, CorrectCost(cost_code=code, reason="typfout", net_cents=cents))


def test_a_version_is_settled_by_once_its_decision_is_written_down(house: House) -> None:
    house.key("voted", requires_decision=True)
    house.cost("A", 900, key="voted")
    with pytest.raises(KeyNotValidError):
        house.settle()

    with house.books.open() as uow:
        record_decision(uow, "voted", 1, " Voorstel 12 ")

    assert house.settle() == ("A",)
    with house.books.open() as uow:
        stored = uow.session.scalar(
            text(
                "select decision from allocation_key_version where cooperative_id = :id"
                " and requires_decision"
            ),
            {"id": uow.tenant},
        )
    assert stored == "Voorstel 12"


@pytest.mark.parametrize(
    ("code", "number", "decision"),
    [("voted", 1, " "), ("voted", 2, "V12"), ("voted", 9, "V12"), ("none", 1, "V12")],
)
def test_a_decision_is_of_a_version_that_waits_for_one(
    house: House, code: str, number: int, decision: str
) -> None:
    house.key("voted", requires_decision=True)
    house.key("voted", since=FEBRUARY, requires_decision=True, decision="V11")

    with pytest.raises((InvalidInputError, NotFoundError)), house.books.open() as uow:
        record_decision(uow, code, number, decision)


def test_a_version_takes_the_place_of_a_wrong_one_of_the_same_day(house: House) -> None:
    house.key("deed", Basis.PARTS, weights=["1", "1", "1"], parts_total="4")
    house.cost("A", 1000, key="deed")
    house.key("deed", Basis.PARTS, weights=["1", "1", "2"], parts_total="4")
    house.settle()

    assert house.shares("A") == [250, 250, 500]

    house.key("deed", Basis.PARTS, weights=["2", "1", "1"], parts_total="4")
    assert correct(house, "A", 1000) == ("L001", "L003")
    assert house.shares("A") == [500, 250, 250]


@pytest.mark.parametrize(
    "statement",
    [
        "update allocation_key_version set decision = 'anders' where cooperative_id = :id",
        "update allocation_weight set weight = '9' where cooperative_id = :id",
        "delete from allocation_weight where cooperative_id = :id",
    ],
)
def test_the_database_keeps_a_version_that_was_settled_by(house: House, statement: str) -> None:
    house.key("own", Basis.WEIGHTS, weights=["1", "1", "2"])
    with house.books.open() as uow:
        uow.session.execute(text(statement), {"id": uow.tenant})
        uow.session.rollback()
    house.cost("A", 400, key="own")
    house.settle()

    with pytest.raises(DBAPIError, match="settled by"), house.books.open() as uow:
        uow.session.execute(text(statement), {"id": uow.tenant})


@pytest.mark.parametrize("column", ["valid_from", "basis", "requires_decision", "grace_days"])
def test_the_service_may_complete_a_version_and_not_change_it(house: House, column: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), house.books.open() as uow:
        uow.session.execute(text(f"update allocation_key_version set {column} = {column}"))


def test_a_fixed_part_goes_by_the_parts_of_a_deed(house: House) -> None:
    with house.books.open() as uow:
        uow.session.execute(
            text("update member set household_size = 1 where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    house.key(
        "heat",
        Basis.HOUSEHOLD,
        weights=["1", "1", "2"],
        fixed_percent="40",
        fixed_basis=Basis.PARTS,
        parts_total="4",
    )
    house.cost("A", 10_000, key="heat")
    house.settle()

    # 40,00 by 1 : 1 : 2, and 60,00 over three.
    assert house.shares("A") == [1000 + 2000, 1000 + 2000, 2000 + 2000]


@pytest.mark.parametrize("basis", [Basis.PARTS, Basis.WEIGHTS])
def test_a_member_has_one_weight_for_one_part(house: House, basis: Basis) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        house.key("twice", basis, fixed_percent="40", fixed_basis=Basis.PARTS, parts_total="4")
    assert refusal.value.context["field"] == "fixed_basis"


@pytest.mark.parametrize("days", [-1, 93])
def test_a_meter_is_not_waited_for_without_end(house: House, days: int) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        house.key("water", Basis.METER, grace_days=days)
    assert refusal.value.context["field"] == "grace_days"


def test_a_correction_keeps_whose_turn_it_was(house: House) -> None:
    house.key("turns", tie_policy=TiePolicy.ROTATE)
    for code in ("A", "B", "C"):
        house.cost(code, 100, key="turns")
    house.settle()

    # Everyone pays a cent more, and nobody's cent moves to another.
    assert correct(house, "A", 103) == ("L001", "L002", "L003")
    assert house.shares("A") == [35, 34, 34]
    assert correct(house, "B", 100) == ()
    assert house.shares("B") == [33, 34, 33]


def test_a_cost_of_nothing_that_is_corrected_is_one_turn(house: House) -> None:
    house.key("turns", tie_policy=TiePolicy.ROTATE)
    house.cost("A", 0, key="turns")
    house.settle()
    correct(house, "A", 0)
    house.cost("B", 100, key="turns", month=FEBRUARY)
    house.settle(FEBRUARY)

    assert house.shares("B") == [33, 34, 33]


def test_the_proof_of_what_was_corrected_can_still_be_had(house: House) -> None:
    house.cost("A", 1000)
    with house.books.open() as uow:
        settle_month(uow, date(2026, 1, 1), Publication.SILENT)
    correct(house, "A", 1001)

    with house.books.open() as uow:
        first, second = proof_of(uow, "A", version=1), proof_of(uow, "A")
    assert verify_proof(first).head.total_cents == 1000
    assert verify_proof(second).head.total_cents == 1001
