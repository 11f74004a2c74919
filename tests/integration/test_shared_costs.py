"""Laws of settling shared costs, by the real use cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.conftest import Clock
from tests.factories.shared_costs import JANUARY, House, a_house
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import DomainError, NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.costs.correcting import CorrectCost, correct_cost
from wijkeconomie.costs.drafts import draft_month, drop_draft
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy, stop_cost
from wijkeconomie.costs.keys import MemberTerms, SaveKeyVersion, save_key_version
from wijkeconomie.costs.meters import RecordReading, record_readings, save_meter
from wijkeconomie.costs.models import Basis, SubsidyMode, TiePolicy
from wijkeconomie.costs.previewing import preview_month
from wijkeconomie.costs.proof_checking import ProofError, verify_proof
from wijkeconomie.costs.proof_queries import proof_of
from wijkeconomie.costs.queries import DraftView, draft_of_month, runs_of_month, shares_of_member
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.refusals import (
    CannotAllocateError,
    CostNotSettledError,
    CostSettledError,
    DraftOutdatedError,
    ImplausibleReadingError,
    KeyNotValidError,
    WeightMissingError,
)
from wijkeconomie.costs.settling import publish_run, settle_month
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.periods import close_period
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.member_queries import member_statement
from wijkeconomie.reports.statement_texts import line_text

FEBRUARY = date(2026, 2, 1)


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory) -> House:
    return a_house(units_of_work)


def balance(house: House, key: str) -> int:
    with house.books.open() as uow:
        code = ledger.control_codes(uow.session, uow.tenant)[key]
        lines = ledger.trial_balance(uow.session, uow.tenant)
        return sum(line.closing for line in lines if line.account_code.partition(":")[0] == code)


def change_members(house: House, assignments: str, **values: object) -> None:
    with house.books.open() as uow:
        uow.session.execute(
            text(f"update member set {assignments} where cooperative_id = :id"),
            {"id": uow.tenant, **values},
        )


def published(house: House, month: date = JANUARY) -> None:
    with house.books.open() as uow:
        assert settle_month(uow, month, Publication.WITH_LETTER) is not None


def test_a_month_is_settled_once_with_an_entry_for_each_cost(house: House) -> None:
    house.cost("A", 1000)
    house.cost("B", 101, vat=21)
    house.cost("C", 900, month=FEBRUARY)

    assert house.settle() == ("A", "B")
    assert house.settle() == ()
    assert house.shares("A") == [334, 333, 333]
    assert [house.owed(member) for member in house.members] == [334 + 41, 333 + 41, 333 + 40]
    assert balance(house, "invoices_to_come") == -1122
    assert (balance(house, "input_vat"), balance(house, "vat_due_high")) == (21, -21)
    verification = house.books.verify()
    assert (verification.fault, verification.entries) == (None, 2)


def test_a_late_cost_makes_a_second_run_of_its_month(house: House) -> None:
    house.cost("A", 1000)
    house.settle()
    house.cost("B", 500)

    assert house.settle() == ("B",)
    with house.books.open() as uow:
        numbers = uow.session.scalars(
            text("select number from settlement_run where cooperative_id = :id order by number"),
            {"id": uow.tenant},
        ).all()
    assert numbers == [1, 2]


def test_a_refund_mirrors_a_charge(house: House) -> None:
    house.cost("A", -1000)
    house.settle()

    assert house.shares("A") == [-334, -333, -333]
    assert balance(house, "invoices_to_come") == 1000


def test_a_cost_of_nothing_is_settled_without_an_entry(house: House) -> None:
    house.cost("A", 0)

    assert house.settle() == ("A",)
    assert house.books.verify().entries == 0


def test_under_the_small_businesses_scheme_vat_is_part_of_the_cost(house: House) -> None:
    with house.books.open() as uow:
        uow.session.execute(
            text("update cooperative set vat_regime = 'kor' where id = :id"), {"id": uow.tenant}
        )
    house.cost("A", 1000, vat=210)
    house.settle()

    assert balance(house, "shared_costs") == 1210
    assert balance(house, "services_exempt") == -1210
    assert balance(house, "input_vat") == 0


def test_a_changed_key_leaves_earlier_settlements_as_they_are(house: House) -> None:
    house.key("own", Basis.WEIGHTS, weights=["1", "1", "2"])
    house.cost("A", 400, key="own")
    house.settle()
    house.key("own", Basis.WEIGHTS, weights=["0", "1", "3"], since=FEBRUARY)
    house.cost("B", 400, key="own", month=FEBRUARY)
    house.settle(FEBRUARY)

    assert house.shares("A") == [100, 100, 200]
    assert house.shares("B") == [0, 100, 300]


def test_members_share_by_the_days_of_their_membership(house: House) -> None:
    house.key("days", is_prorated=True)
    change_members(house, "joined_on = '2026-01-17'")
    with house.books.open() as uow:
        uow.session.execute(
            text(
                "update member set joined_on = '2020-01-01', left_on = case code when 'L002'"
                " then date '2026-01-10' end where cooperative_id = :id and code <> 'L003'"
            ),
            {"id": uow.tenant},
        )
    house.cost("A", 5600, key="days")
    house.settle()

    # 31, 10 and 15 days.
    assert house.shares("A") == [3100, 1000, 1500]


def test_who_was_no_member_in_the_month_pays_nothing(house: House) -> None:
    change_members(house, "left_on = case code when 'L001' then date '2025-12-31' end")
    house.cost("A", 1000)
    house.settle()

    assert house.shares("A") == [500, 500]
    assert house.owed("L001") == 0


def test_heating_goes_partly_by_area_and_partly_by_meter(house: House) -> None:
    change_members(house, "dwelling_m2 = 50")
    house.key(
        "heat",
        Basis.WEIGHTS,
        weights=["1", "1", "2"],
        fixed_percent="35",
        fixed_basis=Basis.FLOOR_AREA,
    )
    house.cost("A", 10000, key="heat")
    house.settle()

    # 35,00 over three, 65,00 by 1 : 1 : 2.
    assert house.shares("A") == [1167 + 1625, 1167 + 1625, 1166 + 3250]


def test_caps_minimums_and_exclusions_are_kept(house: House) -> None:
    ids = list(house.members.values())
    with house.books.open() as uow:
        save_key_version(
            uow,
            SaveKeyVersion(
                code="bound",
                name="bound",
                valid_from=date(2020, 1, 1),
                basis=Basis.EQUAL,
                members=(
                    MemberTerms(member_id=ids[0], cap_cents=100),
                    MemberTerms(member_id=ids[1], is_excluded=True),
                ),
            ),
        )
    house.cost("A", 1000, key="bound")
    house.settle()

    assert house.shares("A") == [100, 900]


def test_who_has_his_turn_first_moves_one_on_each_time(house: House) -> None:
    house.key("turn", tie_policy=TiePolicy.ROTATE)
    shares = []
    for number in range(4):
        house.cost(f"A{number}", 100, key="turn", month=date(2026, number + 1, 1))
        house.settle(date(2026, number + 1, 1))
        shares.append(house.shares(f"A{number}"))

    assert shares == [[34, 33, 33], [33, 34, 33], [33, 33, 34], [34, 33, 33]]


MONTHS = 5
STAYS = st.tuples(st.integers(0, MONTHS - 1), st.integers(1, MONTHS)).map(
    lambda stay: (min(stay[0], stay[1] - 1), stay[1])
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stays=st.lists(STAYS, min_size=2, max_size=6),
    costs=st.lists(
        st.tuples(st.integers(-500, 2000), st.lists(st.integers(0, 9), min_size=6, max_size=6)),
        min_size=1,
        max_size=MONTHS,
    ),
    corrected=st.booleans(),
)
def test_with_carry_nobody_is_ever_a_cent_from_what_all_who_share_bear_alike(
    units_of_work: UnitOfWorkFactory,
    stays: list[tuple[int, int]],
    costs: list[tuple[int, list[int]]],
    corrected: bool,  # noqa: FBT001 hypothesis passes it
) -> None:
    """Members come and go; ``stays`` are the months of each, from one up to another."""
    house = a_house(units_of_work, members=len(stays) + 1)
    months = [date(2026, number + 1, 1) for number in range(MONTHS + 1)]
    for code, (first, last) in zip([*house.members][1:], stays, strict=True):
        joined, left = months[first], months[last] - timedelta(days=1)
        change_member(house, code, joined, left)
    exact = dict.fromkeys(house.members, Fraction(0))
    charged = dict.fromkeys(house.members, 0)
    for number, (total, drawn) in enumerate(costs):
        there = {"L001": max(drawn[0], 1)} | {
            code: weight
            for (code, weight), (first, last) in zip(
                zip([*house.members][1:], drawn, strict=False), stays, strict=True
            )
            if first <= number < last
        }
        weights = [str(there.get(code, 0)) for code in house.members]
        terms = {"since": months[number], "tie_policy": TiePolicy.CARRY}
        house.key("carry", Basis.WEIGHTS, weights=weights, **terms)  # type: ignore[arg-type]
        house.cost(f"A{number}", total, key="carry", month=months[number])
        house.settle(months[number])
        if corrected and number == 0:
            with house.books.open() as uow:
                correct_cost(uow, CorrectCost(cost_code="A0", reason="again"))
        for code, share in zip(there, house.shares(f"A{number}"), strict=True):
            exact[code] += Fraction(total * there[code], sum(there.values()))
            charged[code] += share
        off = [exact[code] - charged[code] for code, weight in there.items() if weight]
        alike = sum(off, Fraction(0)) / len(off)
        assert all(abs(each - alike) < 1 for each in off)
        if all(stay == (0, MONTHS) for stay in stays) and all(map(min, (d for _, d in costs))):
            assert alike == 0

    assert {code: house.owed(code) for code in house.members} == charged
    assert house.books.verify().fault is None


def change_member(house: House, code: str, joined_on: date, left_on: date) -> None:
    with house.books.open() as uow:
        uow.session.execute(
            text(
                "update member set joined_on = :joined_on, left_on = :left_on"
                " where cooperative_id = :id and code = :code"
            ),
            {"id": uow.tenant, "code": code, "joined_on": joined_on, "left_on": left_on},
        )


def subsidise(house: House, mode: SubsidyMode, cents: int, **terms: object) -> None:
    with house.books.open() as uow:
        save_subsidy(
            uow,
            SaveSubsidy(
                code="G1",
                grantor="Gemeente",
                purpose="energie",
                mode=mode,
                awarded_cents=cents,
                valid_from=date(2026, 1, 1),
                valid_until=date(2026, 12, 31),
                key_code="equal",
                **terms,  # type: ignore[arg-type]
            ),
        )


def used(house: House) -> int:
    with house.books.open() as uow:
        return int(
            uow.session.scalar(
                text("select used_cents from subsidy where cooperative_id = :id"),
                {"id": uow.tenant},
            )
            or 0
        )


def test_a_targeted_pool_pays_for_low_incomes_until_it_is_empty(house: House) -> None:
    change_members(house, "income_band = case code when 'L003' then 'regulier' else 'laag' end")
    subsidise(house, SubsidyMode.TARGETED_POOL, 900)
    house.cost("A", 1000)
    house.cost("B", 1000, month=FEBRUARY)
    house.settle()
    house.settle(FEBRUARY)

    # 334 + 333 in January; 233 are left for February.
    assert used(house) == 900
    assert [house.owed(member) for member in house.members] == [334 - 117, 333 - 116, 666]
    assert balance(house, "subsidies") == 0
    assert balance(house, "subsidy_receivable") == 900
    assert house.shares("A") == [334, 333, 333]


def test_a_pool_lowers_what_everyone_pays(house: House) -> None:
    subsidise(house, SubsidyMode.POOL, 400)
    house.cost("A", 1000)
    house.settle()

    assert [house.owed(member) for member in house.members] == [200, 200, 200]
    assert used(house) == 400


def test_an_earmark_pays_for_one_member_and_never_more_than_his_share(house: House) -> None:
    subsidise(house, SubsidyMode.EARMARKED, 1000, earmarks=((house.members["L002"], 500),))
    house.cost("A", 1000)
    house.settle()

    assert [house.owed(member) for member in house.members] == [334, 0, 333]
    assert used(house) == 333


def test_a_correction_turns_back_and_tells_only_whose_amount_changed(house: House) -> None:
    house.cost("A", 1000)
    house.settle()
    with house.books.open() as uow:
        changed = correct_cost(uow, CorrectCost(cost_code="A", reason="typfout", net_cents=1001))

    assert changed == ("L002",)
    assert [house.owed(member) for member in house.members] == [334, 334, 333]
    with house.books.open() as uow:
        kinds = [ledger.entry(uow.session, uow.tenant, number).kind for number in (1, 2, 3)]
    assert kinds == ["cost.settled", "cost.settled.reversed", "cost.settled"]
    assert house.books.verify().fault is None


def test_the_statement_tells_what_each_cost_was_and_why(house: House) -> None:
    house.cost("A", 1000)
    house.settle()
    with house.books.open() as uow:
        correct_cost(
            uow,
            CorrectCost(
                cost_code="A", reason="typfout", net_cents=1001, accounting_date=date(2026, 1, 31)
            ),
        )
    with house.books.open() as uow:
        statement = member_statement(uow.session, uow.tenant, "L002", Period.month(2026, 1))

    texts = [line_text(line, "nl", statement.kind) for line in statement.lines]
    plain = [words.replace("\xa0", " ") for words in texts]
    assert plain == [
        "kosten A, 2026-01: € 10,00 × 1/3 = 333,33… cent, afgerond omlaag",
        "Eerdere verdeling van kosten A, 2026-01 teruggedraaid",
        "kosten A, 2026-01: € 10,01 × 1/3 = 333,66… cent, afgerond omhoog, grootste rest",
    ]
    assert statement.closing_cents == 334


def test_a_preview_is_what_settling_then_does(house: House) -> None:
    house.cost("A", 1000)
    house.settle()
    house.cost("B", 500, month=FEBRUARY)
    with house.books.open() as uow:
        preview = preview_month(uow, FEBRUARY)
    before = [house.owed(member) for member in house.members]
    house.settle(FEBRUARY)

    after = [house.owed(member) for member in house.members]
    assert [line.cents for line in preview.members] == [
        late - early for early, late in zip(before, after, strict=True)
    ]
    assert [line.before_cents for line in preview.members] == [334, 333, 333]
    assert preview.total_cents == 500


def test_a_preview_gives_a_subsidy_out_once(house: House) -> None:
    subsidise(house, SubsidyMode.POOL, 900)
    house.cost("A", 600)
    house.cost("B", 600)
    with house.books.open() as uow:
        preview = preview_month(uow, JANUARY)
    house.settle()

    assert [cost.subsidy_cents for cost in preview.costs] == [600, 300]
    assert [line.cents for line in preview.members] == [100, 100, 100]
    assert [house.owed(member) for member in house.members] == [100, 100, 100]
    assert used(house) == 900


def test_who_has_his_turn_first_moves_one_on_with_each_cost_of_a_month(house: House) -> None:
    house.key("turns", tie_policy=TiePolicy.ROTATE)
    for code in ("A", "B", "C", "D"):
        house.cost(code, 100, key="turns")
    house.settle()

    assert [house.shares(code) for code in ("A", "B", "C", "D")] == [
        [34, 33, 33],
        [33, 34, 33],
        [33, 33, 34],
        [34, 33, 33],
    ]


def test_many_costs_of_a_large_month_are_written_in_parts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wijkeconomie.costs.recording.SHARES_AT_ONCE", 4)
    subsidise(house, SubsidyMode.POOL, 1000)
    house.key("carried", tie_policy=TiePolicy.CARRY)
    for number in range(7):
        house.cost(f"A{number}", 200)
        house.cost(f"B{number}", 100, key="carried")
    house.settle()

    assert used(house) == 1000
    carried = [
        sum(house.shares(f"B{number}")[member] for number in range(7)) for member in range(3)
    ]
    assert sorted(carried) == [233, 233, 234]
    assert sum(house.owed(member) for member in house.members) == 1400 - 1000 + 700
    assert house.books.verify().fault is None


def test_a_draft_books_nothing_and_becomes_the_run(house: House) -> None:
    house.cost("A", 1000)
    with house.books.open() as uow:
        draft = draft_month(uow, JANUARY)
        assert draft_month(uow, JANUARY) == draft
        assert preview_month(uow, JANUARY).fingerprint == kept(uow).fingerprint
    assert house.books.verify().entries == 0
    with house.books.open() as uow:
        settled = settle_month(uow, JANUARY, Publication.LATER, seen=kept(uow).fingerprint)
        assert settled is not None
        assert draft_of_month(uow.session, uow.tenant, JANUARY) is None

    assert settled.run_id == draft
    house.cost("B", 500)
    house.settle()
    with house.books.open() as uow:
        assert [run.number for run in runs_of_month(uow.session, uow.tenant, JANUARY)] == [2, 1]


def kept(uow: UnitOfWork) -> DraftView:
    found = draft_of_month(uow.session, uow.tenant, JANUARY)
    assert found is not None
    return found


def test_what_changed_since_it_was_looked_at_is_not_settled(house: House) -> None:
    house.cost("A", 1000)
    with house.books.open() as uow:
        draft_month(uow, JANUARY)
    house.cost("B", 1)

    with pytest.raises(DraftOutdatedError), house.books.open() as uow:
        settle_month(uow, JANUARY, Publication.LATER, seen=kept(uow).fingerprint)
    assert house.books.verify().entries == 0

    assert house.settle() == ("A", "B")


def test_a_draft_is_thrown_away_once_and_never_a_run(house: House, owner: Engine) -> None:
    house.cost("A", 1000)
    with house.books.open() as uow:
        draft_month(uow, JANUARY)
        drop_draft(uow, JANUARY)
    with pytest.raises(NotFoundError), house.books.open() as uow:
        drop_draft(uow, JANUARY)
    house.settle()

    with pytest.raises(NotFoundError), house.books.open() as uow:
        drop_draft(uow, JANUARY)
    with pytest.raises(IntegrityError), owner.begin() as connection:
        connection.execute(text("delete from settlement_run"))


def test_nothing_can_be_kept_of_a_month_where_nothing_waits(house: House) -> None:
    with pytest.raises(NotFoundError), house.books.open() as uow:
        draft_month(uow, JANUARY)


def test_a_run_is_shown_once(house: House) -> None:
    house.cost("A", 1000)
    with house.books.open() as uow:
        settled = settle_month(uow, JANUARY, Publication.LATER)
        assert settled is not None
        for _ in range(2):
            publish_run(uow, settled.run_id)
        told = uow.session.scalar(
            text("select count(*) from outbox_message where cooperative_id = :id"),
            {"id": uow.tenant},
        )

    assert told == 1


def test_a_stopped_cost_is_not_settled(house: House) -> None:
    cost = house.cost("A", 1000)
    with house.books.open() as uow:
        stop_cost(uow, cost, reason="dubbel")

    assert house.settle() == ()


def test_what_was_settled_is_not_stopped(house: House) -> None:
    cost = house.cost("A", 1000)
    house.settle()

    with pytest.raises(CostSettledError), house.books.open() as uow:
        stop_cost(uow, cost, reason="te laat")


def refused(house: House) -> DomainError:
    with pytest.raises(DomainError) as caught:
        house.settle()
    assert house.books.verify().entries == 0
    return caught.value


def test_a_key_that_is_not_valid_yet_is_refused_and_nothing_is_settled(house: House) -> None:
    house.key("late", since=FEBRUARY)
    house.cost("A", 1000)
    house.cost("B", 1000, key="late")

    assert isinstance(refused(house), KeyNotValidError)


def test_a_key_that_waits_for_a_decision_is_refused(house: House) -> None:
    house.key("voted", requires_decision=True)
    house.cost("A", 1000, key="voted")

    assert isinstance(refused(house), KeyNotValidError)


def test_a_member_without_the_weight_is_named(house: House) -> None:
    house.key("area", Basis.FLOOR_AREA)
    house.cost("A", 1000, key="area")

    refusal = refused(house)
    assert isinstance(refusal, WeightMissingError)
    assert refusal.context["member"] == "L001"


def test_parts_of_a_deed_must_add_up(house: House) -> None:
    house.key("deed", Basis.PARTS, weights=["1", "1", "1"], parts_total="4")
    house.cost("A", 1000, key="deed")

    refusal = refused(house)
    assert isinstance(refusal, CannotAllocateError)
    assert refusal.context["reason"] == "breukdelen_sum"


def test_a_closed_month_is_said(house: House) -> None:
    house.cost("A", 1000)
    with house.books.open() as uow:
        close_period(uow, JANUARY)

    assert isinstance(refused(house), ClosedPeriodError)


def test_only_who_keeps_the_books_settles(house: House) -> None:
    member = Identity(actor="login:1", roles=frozenset({Role.MEMBER}))
    with pytest.raises(PermissionDeniedError), house.books.open() as uow:
        settle_month(replace(uow, identity=member), JANUARY, Publication.LATER)


def test_usage_is_read_from_meters_and_marked_where_it_was_estimated(
    house: House, clock: Clock
) -> None:
    clock.set(datetime(2026, 2, 20, tzinfo=UTC))
    house.key("meter", Basis.METER)
    ends = {"L001": date(2026, 2, 1), "L002": date(2026, 2, 1), "L003": date(2026, 1, 21)}
    for code, member_id in house.members.items():
        with house.books.open() as uow:
            meter = save_meter(uow, f"W-{code}", key_code="meter", member_id=member_id, unit="m3")
            for day, value in (
                (JANUARY, "100"),
                (ends[code], "110.0" if code != "L002" else "120"),
            ):
                record_readings(uow, [RecordReading(meter_id=meter, read_on=day, value=value)])
    house.cost("A", 4550, key="meter")
    with house.books.open() as uow:
        [cost] = preview_month(uow, JANUARY).costs
    house.settle()

    # 10, 20 and 10 in 20 days, which is 15,5 in the month: 1000, 2000 and 1550.
    assert house.shares("A") == [1000, 2000, 1550]
    assert cost.estimated == ("L003",)


@pytest.mark.parametrize(("day", "value"), [(20, "99"), (5, "111"), (12, "900")])
def test_a_reading_that_can_hardly_be_right_is_refused(
    house: House, clock: Clock, day: int, value: str
) -> None:
    clock.set(datetime(2026, 2, 20, tzinfo=UTC))
    house.key("meter", Basis.METER)
    with house.books.open() as uow:
        meter = save_meter(uow, "W", key_code="meter", member_id=house.members["L001"], unit="kWh")
        for on, shown in ((1, "100"), (10, "110")):
            record_readings(
                uow, [RecordReading(meter_id=meter, read_on=date(2026, 1, on), value=shown)]
            )
    with pytest.raises(ImplausibleReadingError), house.books.open() as uow:
        record_readings(
            uow, [RecordReading(meter_id=meter, read_on=date(2026, 1, day), value=value)]
        )


def test_the_database_refuses_shares_that_are_not_the_total(house: House, owner: Engine) -> None:
    house.cost("A", 1000)
    house.settle()
    with owner.begin() as connection:
        connection.execute(text("alter table cost_share_block disable trigger stand"))
        connection.execute(
            text("update cost_share_block set cents[1] = cents[1] + 1 where cooperative_id = :id"),
            {"id": house.books.cooperative_id},
        )
        connection.execute(text("alter table cost_share_block enable trigger stand"))
    copied = text(
        "insert into cost_settlement (cooperative_id, cost_id, version, run_id, key_version_id,"
        " accounting_date, total_cents, subsidy_cents, part_totals, weight_sums, weight_scales,"
        " start, member_count, proof, secret) select cooperative_id, cost_id, 2, run_id,"
        " key_version_id, accounting_date, total_cents, subsidy_cents, part_totals,"
        " weight_sums, weight_scales, start, member_count, proof, secret from cost_settlement"
        " where cooperative_id = :id"
    )
    with pytest.raises(DBAPIError, match="shares of settlement"), house.books.open() as uow:
        uow.session.execute(copied, {"id": uow.tenant})


def _swap(document: dict[str, Any]) -> None:
    """Who got the cent that was left, and who did not, as if it were the other way round."""
    parties = sorted(document["parties"], key=lambda party: party["cents"])
    parties[0]["cents"], parties[-1]["cents"] = parties[-1]["cents"], parties[0]["cents"]


LIES: tuple[Callable[[dict[str, Any]], object], ...] = (
    _swap,
    lambda d: d["parties"][0].update(cents=335),
    lambda d: d["parties"][0].update(weight=2),
    lambda d: d["parties"][0].update(weight=1.0),
    lambda d: d["parties"][0].update(served=None),
    lambda d: d["parties"][0].update(served=2),
    lambda d: d["parties"][0].update(more=1),
    lambda d: d["parties"][0].pop("party"),
    lambda d: d["parties"].pop(),
    lambda d: d["parties"].clear(),
    lambda d: d.update(parties=[1, 2, 3]),
    lambda d: d.update(parties={"weight": 1}),
    lambda d: d.update(total_cents=1001),
    lambda d: d.update(cost="B"),
    lambda d: d.update(subsidy_cents=499),
    lambda d: d.update(subsidy_cents=-1),
    lambda d: d.update(subsidy_cents=1001),
    lambda d: d["key"].update(version=2),
    lambda d: d["key"].update(policy="mine"),
    lambda d: d["key"].update(scales=[]),
    lambda d: d["key"].update(fixed_percent="1/0"),
    lambda d: d.pop("key"),
    lambda d: d.update(format="another"),
)


def test_a_proof_is_checked_alone_and_every_lie_is_found(house: House) -> None:
    change_members(house, "income_band = 'laag'")
    subsidise(house, SubsidyMode.TARGETED_POOL, 500)
    house.cost("A", 1000)
    published(house)
    with house.books.open() as uow:
        proof = proof_of(uow, "A")
        again = proof_of(uow, "A")
        [own] = shares_of_member(uow.session, uow.tenant, house.members["L002"], JANUARY)
        entry = ledger.entry(uow.session, uow.tenant, 2)

    outcome = verify_proof(proof)
    assert proof == again
    assert (outcome.parties, outcome.subsidy_cents, outcome.entry_number) == (3, 500, 2)
    assert entry.description.endswith(outcome.digest)
    assert outcome.entry_hash == entry.hash.hex()
    assert b"L00" not in proof
    assert b"Fatima" not in proof
    assert b"subsidy_cents" in proof
    document = json.loads(proof)
    parties = [party["party"] for party in document["parties"]]
    assert parties == sorted(parties)
    [line] = [party for party in document["parties"] if party["party"] == own.party]
    assert (line["cents"], line["served"]) == (own.facts.cents, 0) == (333, 0)
    for lie in LIES:
        told = json.loads(proof)
        lie(told)
        with pytest.raises(ProofError):
            verify_proof(json.dumps(told).encode())


@pytest.mark.parametrize(
    "terms",
    [
        {"tie_policy": TiePolicy.ROTATE},
        {"tie_policy": TiePolicy.CARRY},
        {"fixed_percent": "35", "fixed_basis": Basis.EQUAL},
        {"fixed_percent": "35", "fixed_basis": Basis.EQUAL, "tie_policy": TiePolicy.ROTATE},
        {"is_prorated": True},
    ],
    ids=str,
)
def test_a_proof_of_any_key_is_right_and_its_digest_stands_in_the_books(
    house: House, terms: dict[str, Any]
) -> None:
    house.key("any", **terms)
    for number, total in enumerate((1000, 101, -250)):
        house.cost(f"A{number}", total, key="any")
    published(house)

    for number in range(3):
        with house.books.open() as uow:
            outcome = verify_proof(proof_of(uow, f"A{number}"))
            entry = ledger.entry(uow.session, uow.tenant, outcome.entry_number or 0)
        assert entry.description.endswith(outcome.digest)


def test_a_settlement_of_the_first_form_keeps_it(house: House, owner: Engine) -> None:
    house.cost("A", 1000)
    published(house)
    with owner.begin() as connection:
        connection.execute(text("alter table cost_settlement disable trigger stands"))
        connection.execute(
            text("update cost_settlement set proof = '\\x00' where cooperative_id = :id"),
            {"id": house.books.cooperative_id},
        )
        connection.execute(text("alter table cost_settlement enable trigger stands"))
    with house.books.open() as uow:
        proof = proof_of(uow, "A")

    assert json.loads(proof)["format"] == "wijkeconomie centenbewijs 1"
    assert verify_proof(proof).parties == 3


def test_there_is_no_proof_before_publishing(house: House) -> None:
    house.cost("A", 1000)
    house.settle()

    with pytest.raises(CostNotSettledError), house.books.open() as uow:
        proof_of(uow, "A")


def test_a_month_settled_twice_at_once_is_settled_once(house: House) -> None:
    house.cost("A", 1000)
    together = Barrier(4)
    found: list[tuple[str, ...]] = []

    def settle() -> None:
        together.wait()
        found.append(house.settle())

    threads = [Thread(target=settle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [(), (), (), ("A",)]
    assert house.books.verify().entries == 1


def test_a_day_later_still_finds_nothing(house: House) -> None:
    house.cost("A", 1000)
    house.settle()

    assert house.settle(JANUARY + timedelta(days=1)) == ()
