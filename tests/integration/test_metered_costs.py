"""Costs that go by meters: what the clock does while readings are missing, and after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.conftest import Clock
from tests.factories.shared_costs import JANUARY, House, a_house
from wijkeconomie.core.audit import history
from wijkeconomie.core.jobs import latest_runs, run_due
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.correcting import CorrectCost, correct_cost
from wijkeconomie.costs.explanations import explain_cost_share
from wijkeconomie.costs.jobs import COST_JOBS
from wijkeconomie.costs.meters import (
    EndMeter,
    NextHolder,
    RecordReading,
    end_meter,
    record_readings,
    save_meter,
)
from wijkeconomie.costs.models import Basis
from wijkeconomie.costs.queries import shares_of_cost
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.refusals import (
    CostExistsError,
    ImplausibleReadingError,
    ReadingMissingError,
)
from wijkeconomie.costs.settling import settle_month

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory, clock: Clock) -> House:
    clock.set(datetime(2026, 4, 20, tzinfo=UTC))
    return with_meters(a_house(units_of_work))


def with_meters(house: House, **terms: Any) -> House:
    """The house with a key of the meter and one at each member's."""
    house.key("water", Basis.METER, **terms)
    for member, member_id in house.members.items():
        with house.books.open() as uow:
            save_meter(uow, f"W-{member}", key_code="water", member_id=member_id, unit="m3")
    return house


def meter_of(house: House, code: str) -> int:
    with house.books.open() as uow:
        found = uow.session.scalar(
            text("select id from meter where cooperative_id = :id and code = :code"),
            {"id": uow.tenant, "code": code},
        )
    assert found is not None
    return int(found)


def read(house: House, day: date, values: Mapping[str, str], **terms: bool) -> None:
    with house.books.open() as uow:
        record_readings(
            uow,
            [
                RecordReading(
                    meter_id=meter_of(house, f"W-{member}"), read_on=day, value=value, **terms
                )
                for member, value in values.items()
            ],
        )


def test_the_clock_waits_for_every_reading_and_settles_by_all_of_them(
    fresh_runtime: Runtime, clock: Clock
) -> None:
    house = with_meters(
        a_house(fresh_runtime.units_of_work), fixed_percent="35", fixed_basis=Basis.EQUAL
    )
    read(house, JANUARY, dict.fromkeys(house.members, "100"))
    house.cost("A", 30_000, key="water")

    clock.set(datetime(2026, 1, 31, 23, 0, tzinfo=UTC))
    at_midnight = run_due(fresh_runtime.units_of_work, COST_JOBS)
    clock.set(datetime(2026, 2, 1, 9, 0, tzinfo=UTC))
    read(house, FEBRUARY, {"L001": "110"})
    clock.set(datetime(2026, 2, 2, 9, 0, tzinfo=UTC))
    half_read = run_due(fresh_runtime.units_of_work, COST_JOBS)
    with house.books.open() as uow:
        [failed] = latest_runs(uow.session, uow.tenant, limit=9)
    assert house.books.verify().entries == 0
    read(house, FEBRUARY, {"L002": "120", "L003": "100"})
    clock.set(datetime(2026, 2, 3, 9, 0, tzinfo=UTC))
    all_read = run_due(fresh_runtime.units_of_work, COST_JOBS)

    assert (at_midnight.failed, half_read.failed) == (1, 1)
    assert failed.error == "reading-missing"
    assert failed.detail == (
        "key water needs readings of 2026-02-01 or later: meter W-L002, W-L003 was not read"
    )
    assert (all_read.done, all_read.failed) == (1, 0)
    # 105,00 over three, and 195,00 by 10 and 20 m3; nobody's usage was estimated.
    assert house.shares("A") == [3500 + 6500, 3500 + 13_000, 3500]
    assert explained(house, "A") == ["", "", ""]


def explained(house: House, code: str) -> list[str]:
    """Of each member what is told of estimates."""
    with house.books.open() as uow:
        shares = shares_of_cost(uow.session, uow.tenant, code)
    words = "verbruik geschat"
    return [words if words in explain_cost_share(share.facts, "nl") else "" for share in shares]


def test_after_the_days_of_grace_usage_goes_on_along_the_line_and_is_caught_up(
    fresh_runtime: Runtime, clock: Clock
) -> None:
    house = with_meters(a_house(fresh_runtime.units_of_work), grace_days=10)
    read(house, date(2025, 12, 1), dict.fromkeys(house.members, "0"))
    read(house, JANUARY, {"L001": "31", "L002": "31", "L003": "62"})
    clock.set(datetime(2026, 2, 10, 22, 30, tzinfo=UTC))
    read(house, FEBRUARY, {"L001": "62", "L003": "124"})
    house.cost("A", 12_400, key="water")
    house.cost("B", 9900, key="water", month=FEBRUARY)

    too_early = run_due(fresh_runtime.units_of_work, COST_JOBS)
    clock.set(datetime(2026, 2, 11, 0, 0, tzinfo=UTC))
    settled = run_due(fresh_runtime.units_of_work, COST_JOBS)
    assert (too_early.failed, settled.done) == (1, 1)
    # 31, 62 and, along the line of December, 31.
    assert house.shares("A") == [3100, 3100, 6200]
    assert explained(house, "A") == ["", "verbruik geschat", ""]

    # In truth L002 used 59 in the two months: 31 were shared, 28 are left for February.
    clock.set(datetime(2026, 3, 2, tzinfo=UTC))
    read(house, MARCH, {"L001": "90", "L002": "90", "L003": "167"})
    assert run_due(fresh_runtime.units_of_work, COST_JOBS).done == 1
    assert house.shares("B") == [2800, 2800, 4300]


def test_what_was_estimated_too_high_is_not_shared_again(house: House) -> None:
    read(house, date(2025, 12, 1), dict.fromkeys(house.members, "0"))
    read(house, JANUARY, dict.fromkeys(house.members, "31"))
    read(house, FEBRUARY, {"L001": "62", "L002": "62"})
    house.cost("A", 9300, key="water")
    house.settle()
    # L003 was away: 62 were shared, and in March the meter shows 40.
    read(house, MARCH, {"L001": "90", "L002": "90", "L003": "40"})
    house.cost("B", 5600, key="water", month=FEBRUARY)
    house.settle(FEBRUARY)
    read(house, date(2026, 4, 1), {"L001": "121", "L002": "121", "L003": "64"})
    house.cost("C", 6400, key="water", month=MARCH)
    house.settle(MARCH)

    assert house.shares("A") == [3100, 3100, 3100]
    assert house.shares("B") == [2800, 2800, 0]
    # 64 in all since December, of which 62 were shared.
    assert house.shares("C") == [3100, 3100, 200]


def test_a_late_reading_counts_in_a_correction(house: House) -> None:
    read(house, date(2025, 12, 1), dict.fromkeys(house.members, "0"))
    read(house, JANUARY, dict.fromkeys(house.members, "31"))
    read(house, FEBRUARY, {"L001": "62", "L002": "62"})
    house.cost("A", 6200, key="water")
    house.settle()
    read(house, FEBRUARY, {"L003": "31"})
    with house.books.open() as uow:
        correct_cost(uow, CorrectCost(cost_code="A", reason="alsnog afgelezen"))

    assert house.shares("A") == [3100, 3100, 0]
    assert explained(house, "A") == ["", "", ""]


def test_a_meter_that_was_read_once_is_never_guessed(house: House) -> None:
    read(house, JANUARY, dict.fromkeys(house.members, "31"))
    read(house, FEBRUARY, {"L001": "62", "L002": "62"})
    house.cost("A", 6200, key="water")

    with pytest.raises(ReadingMissingError) as refusal:
        house.settle()
    assert refusal.value.context["meters"] == "W-L003"
    read(house, FEBRUARY, {"L003": "93"}, is_estimate=True)
    house.settle()

    assert house.shares("A") == [1550, 1550, 3100]
    assert explained(house, "A") == ["", "", "verbruik geschat"]


def test_many_meters_that_wait_are_counted(units_of_work: UnitOfWorkFactory) -> None:
    house = with_meters(a_house(units_of_work, members=8))
    house.cost("A", 100, key="water")

    with pytest.raises(ReadingMissingError) as refusal:
        house.settle()
    assert refusal.value.context["meters"] == "W-L001, W-L002, W-L003, W-L004, W-L005 +3"


def test_who_hands_a_meter_over_pays_up_to_that_day(house: House) -> None:
    read(house, JANUARY, dict.fromkeys(house.members, "0"))
    with house.books.open() as uow:
        end_meter(
            uow,
            EndMeter(
                meter_id=meter_of(house, "W-L001"),
                ended_on=date(2026, 1, 11),
                value="10",
                following=NextHolder(member_id=house.members["L002"], code="W-L001", value="10"),
            ),
        )
    with house.books.open() as uow:
        following = uow.session.scalars(
            text(
                "select id from meter where cooperative_id = :id and code = 'W-L001'"
                " and ended_on is null"
            ),
            {"id": uow.tenant},
        ).one()
        record_readings(uow, [RecordReading(meter_id=following, read_on=FEBRUARY, value="31")])
    read(house, FEBRUARY, {"L002": "5", "L003": "4"})
    house.cost("A", 4000, key="water")
    house.settle()

    # 10 of his own; 21 of the meter that came and 5; 4.
    assert house.shares("A") == [1000, 2600, 400]
    assert explained(house, "A") == ["", "", ""]


def test_a_meter_that_is_replaced_goes_on_with_the_new_one(house: House) -> None:
    read(house, JANUARY, dict.fromkeys(house.members, "990"))
    with house.books.open() as uow:
        new = end_meter(
            uow,
            EndMeter(
                meter_id=meter_of(house, "W-L001"),
                ended_on=date(2026, 1, 11),
                value="1000",
                following=NextHolder(member_id=house.members["L001"], code="N-1", value="3"),
            ),
        )
        assert new is not None
        record_readings(uow, [RecordReading(meter_id=new, read_on=FEBRUARY, value="23")])
    read(house, FEBRUARY, {"L002": "1000", "L003": "1000"})
    house.cost("A", 5000, key="water")
    house.settle()

    assert house.shares("A") == [3000, 1000, 1000]


def test_a_meter_has_one_holder_at_a_time(house: House) -> None:
    read(house, JANUARY, {"L001": "0"})
    meter, other = meter_of(house, "W-L001"), house.members["L002"]
    with house.books.open() as uow:
        end_meter(uow, EndMeter(meter_id=meter, ended_on=date(2026, 1, 11), value="10"))
    for day in (None, date(2026, 1, 10)):
        with pytest.raises(CostExistsError), house.books.open() as uow:
            save_meter(uow, "W-L001", key_code="water", member_id=other, unit="m3", starts_on=day)
    with pytest.raises(InvalidInputError), house.books.open() as uow:
        end_meter(uow, EndMeter(meter_id=meter, ended_on=FEBRUARY, value="10"))
    with house.books.open() as uow:
        save_meter(
            uow,
            "W-L001",
            key_code="water",
            member_id=other,
            unit="m3",
            starts_on=date(2026, 1, 11),
        )
    longer = text("update meter set ended_on = '2026-03-01' where cooperative_id = :c and id = :m")
    with pytest.raises(IntegrityError), house.books.open() as uow:
        uow.session.execute(longer, {"c": uow.tenant, "m": meter})


@pytest.mark.parametrize(
    ("day", "value", "reason"),
    [
        (date(2026, 4, 21), "140", "later"),
        (date(2026, 1, 20), "99", "lower"),
        (date(2026, 1, 20), "161", "higher"),
        # 10 in ten days is usual; 49 in the ten days after are not.
        (date(2026, 1, 21), "111", "unusual"),
        (date(2026, 4, 20), "2000", "unusual"),
        (date(2025, 12, 1), "-1", None),
    ],
)
def test_a_reading_that_can_hardly_be_right_is_told_why(
    house: House, day: date, value: str, reason: str | None
) -> None:
    for on, shown in ((JANUARY, "100"), (date(2026, 1, 11), "110"), (date(2026, 1, 31), "160")):
        read(house, on, {"L001": shown}, is_confirmed=True)

    with pytest.raises((ImplausibleReadingError, InvalidInputError)) as refusal:
        read(house, day, {"L001": value})

    assert refusal.value.context.get("reason") == reason


def test_the_first_usage_is_held_against_that_of_the_others(house: House) -> None:
    read(house, JANUARY, dict.fromkeys(house.members, "0"))
    read(house, FEBRUARY, {"L001": "31", "L002": "20"})

    with pytest.raises(ImplausibleReadingError) as refusal:
        read(house, FEBRUARY, {"L003": "200"})
    assert refusal.value.context["reason"] == "unusual"
    read(house, FEBRUARY, {"L003": "200"}, is_confirmed=True)


def test_lower_than_an_estimate_can_be_confirmed_and_lower_than_a_reading_cannot(
    house: House,
) -> None:
    read(house, JANUARY, {"L001": "10"})
    read(house, FEBRUARY, {"L001": "20"}, is_estimate=True)
    with pytest.raises(ImplausibleReadingError):
        read(house, MARCH, {"L001": "15"})

    read(house, MARCH, {"L001": "15"}, is_confirmed=True)
    with pytest.raises(ImplausibleReadingError):
        read(house, MARCH, {"L001": "9"}, is_confirmed=True)


def test_a_reading_in_the_place_of_another_leaves_its_trace(house: House) -> None:
    read(house, JANUARY, {"L001": "10"})
    read(house, JANUARY, {"L001": "11"})

    with house.books.open() as uow:
        changes = history(uow.session, uow.tenant, f"meter/{meter_of(house, 'W-L001')}")
    last = max(
        (change for change in changes if change.before), key=lambda change: change.recorded_at
    )
    assert (last.before["value"], last.after["value"]) == ("10", "11")


def test_of_several_readings_all_are_kept_or_none(house: House) -> None:
    read(house, JANUARY, {"L001": "10", "L002": "10"})

    with pytest.raises(ImplausibleReadingError):
        read(house, FEBRUARY, {"L001": "20", "L002": "5"})

    with house.books.open() as uow:
        kept = uow.session.scalar(
            text("select count(*) from meter_reading where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    assert kept == 2


def test_a_month_that_has_not_ended_is_not_settled_by_a_guess(house: House, clock: Clock) -> None:
    read(house, JANUARY, dict.fromkeys(house.members, "0"))
    read(house, date(2026, 1, 20), dict.fromkeys(house.members, "20"))
    house.cost("A", 300, key="water")
    clock.set(datetime(2026, 1, 25, tzinfo=UTC))

    with pytest.raises(ReadingMissingError), house.books.open() as uow:
        settle_month(uow, JANUARY, Publication.LATER)
