"""Laws of correcting settled costs: seen first, told to whom it concerns, and never half."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import text

from tests.factories.shared_costs import JANUARY, House, a_house
from tests.integration.test_outbox import with_addresses
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.correcting import CorrectCost, correct_cost, preview_correction
from wijkeconomie.costs.drafts import draft_month
from wijkeconomie.costs.funding import account_for_subsidy
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy
from wijkeconomie.costs.mails import cost_mails
from wijkeconomie.costs.models import SubsidyMode, TiePolicy
from wijkeconomie.costs.queries import draft_of_month, runs_of_month, shares_of_member
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.refusals import CostAccountedError, DraftOutdatedError
from wijkeconomie.costs.settling import publish_run, settle_month


@pytest.fixture
def house(units_of_work: UnitOfWorkFactory) -> House:
    return a_house(units_of_work)


def correct(house: House, code: str = "A", **terms: Any) -> tuple[str, ...]:
    with house.books.open() as uow:
        return correct_cost(uow, CorrectCost(cost_code=code, reason="typfout", **terms))


def settle_and_show(house: House) -> None:
    with house.books.open() as uow:
        assert settle_month(uow, JANUARY, Publication.SILENT) is not None


def messages(house: House) -> list[str]:
    with house.books.open() as uow:
        return list(
            uow.session.scalars(
                text("select kind from outbox_message where cooperative_id = :id order by id"),
                {"id": uow.tenant},
            )
        )


def runs(house: House) -> list[tuple[int, str, int]]:
    with house.books.open() as uow:
        found = runs_of_month(uow.session, uow.tenant, JANUARY)
        return [(run.number, run.state, run.total_cents) for run in found]


def shown_to(house: House, member: str) -> list[int]:
    with house.books.open() as uow:
        found = shares_of_member(uow.session, uow.tenant, house.members[member], JANUARY)
        return [share.payable_cents for share in found]


def subsidise(
    house: House,
    code: str,
    mode: SubsidyMode,
    cents: int,
    *,
    until: date = date(2026, 12, 31),
    earmarks: Sequence[tuple[int, int]] = (),
) -> None:
    with house.books.open() as uow:
        save_subsidy(
            uow,
            SaveSubsidy(
                code=code,
                grantor="Gemeente",
                purpose="energie",
                mode=mode,
                awarded_cents=cents,
                valid_from=JANUARY,
                valid_until=until,
                key_code="equal",
                earmarks=earmarks,
            ),
        )


def used(house: House) -> dict[str, int]:
    with house.books.open() as uow:
        rows = uow.session.execute(
            text("select code, used_cents from subsidy where cooperative_id = :id"),
            {"id": uow.tenant},
        )
        return dict(rows.all())


def test_a_run_that_waits_to_be_shown_is_put_right_without_showing_it(house: House) -> None:
    house.cost("A", 1000)
    house.settle()
    correct(house, net_cents=1001)

    assert runs(house) == [(1, "posted", 1001)]
    assert (messages(house), shown_to(house, "L002")) == ([], [])
    with house.books.open() as uow:
        [run] = runs_of_month(uow.session, uow.tenant, JANUARY)
        publish_run(uow, run.id)
    assert messages(house) == ["mail.costs-settled"]
    assert shown_to(house, "L002") == [334]
    assert house.books.verify().fault is None


def test_a_run_that_was_shown_gets_one_beside_it_and_those_who_pay_otherwise_are_told(
    house: House,
) -> None:
    house.cost("A", 1000)
    settle_and_show(house)
    correct(house, net_cents=1001)

    assert runs(house) == [(2, "published", 1001), (1, "published", 1000)]
    assert messages(house) == ["mail.costs-corrected"]
    assert shown_to(house, "L002") == [334]


def test_letters_count_only_what_members_were_shown(house: House) -> None:
    with_addresses(house)
    house.cost("A", 900)
    with house.books.open() as uow:
        shown = settle_month(uow, JANUARY, Publication.SILENT)
    house.cost("B", 300)
    house.settle()

    assert shown is not None
    with house.books.open() as uow:
        fan_out = cost_mails("https://example.org")["mail.costs-settled"]
        fan_out(uow, {"run": shown.run_id, "month": "2026-01"})
        told = uow.session.scalars(
            text(
                "select payload from outbox_message where cooperative_id = :id"
                " and kind = 'mail.costs-member'"
            ),
            {"id": uow.tenant},
        ).all()
    assert [payload["cents"] for payload in told] == [300, 300]


def test_a_correction_leaves_the_draft_of_what_waits_standing(house: House) -> None:
    house.cost("A", 1000)
    settle_and_show(house)
    house.cost("B", 500)
    with house.books.open() as uow:
        draft = draft_month(uow, JANUARY)
    correct(house, net_cents=1001)

    with house.books.open() as uow:
        assert draft_of_month(uow.session, uow.tenant, JANUARY) is not None
        reasons = uow.session.execute(
            text(
                "select number, state, reason from settlement_run"
                " where cooperative_id = :id order by number"
            ),
            {"id": uow.tenant},
        ).all()
        settled = settle_month(uow, JANUARY, Publication.LATER)
    assert [tuple(row) for row in reasons] == [
        (1, "published", None),
        (2, "published", "typfout"),
        (3, "draft", None),
    ]
    assert settled is not None
    assert (settled.run_id, settled.costs) == (draft, ("B",))


def test_what_a_correction_comes_to_is_seen_first_and_nothing_is_written(house: House) -> None:
    house.cost("A", 1000)
    settle_and_show(house)
    command = CorrectCost(cost_code="A", reason="typfout", net_cents=1300)
    with house.books.open() as uow:
        preview = preview_correction(uow, command)

    assert [(each.code, each.difference_cents) for each in preview.changes] == [
        ("L001", 100),
        ("L002", 100),
        ("L003", 100),
    ]
    assert preview.is_shown
    assert house.books.verify().entries == 1
    with house.books.open() as uow:
        correct_cost(
            uow, CorrectCost(cost_code="A", reason="x", net_cents=1300, seen=preview.fingerprint)
        )
    assert house.owed("L001") == 434


def test_a_correction_books_what_was_seen_or_nothing(house: House) -> None:
    house.cost("A", 1000)
    settle_and_show(house)
    with house.books.open() as uow:
        seen = preview_correction(
            uow, CorrectCost(cost_code="A", reason="x", net_cents=1300)
        ).fingerprint

    with pytest.raises(DraftOutdatedError), house.books.open() as uow:
        correct_cost(uow, CorrectCost(cost_code="A", reason="x", net_cents=1301, seen=seen))
    assert house.owed("L001") == 334


@pytest.mark.parametrize(("net", "vat"), [(1000, -210), (1000, 216), (-1000, 210), (0, 6)])
def test_vat_that_does_not_go_with_the_amount_is_refused(house: House, net: int, vat: int) -> None:
    house.cost("A", 1000, vat=210)
    house.settle()

    with pytest.raises(InvalidInputError) as caught:
        correct(house, net_cents=net, vat_cents=vat)
    assert caught.value.context["field"] == "vat_cents"


def test_a_correction_keeps_the_turn_of_the_settlement_that_it_replaces(house: House) -> None:
    house.key("turns", tie_policy=TiePolicy.ROTATE)
    for code in ("A", "B", "C"):
        house.cost(code, 100, key="turns")
    house.settle()

    assert correct(house, "B", net_cents=100) == ()
    assert house.shares("B") == [33, 34, 33]
    house.cost("D", 100, key="turns")
    house.settle()
    assert house.shares("D") == [34, 33, 33]


def test_who_is_gone_gets_back_what_he_carried_by_a_settlement_that_is_turned_back(
    house: House,
) -> None:
    house.key("carried", tie_policy=TiePolicy.CARRY)
    house.cost("A", 1000, key="carried")
    house.settle()
    with house.books.open() as uow:
        uow.session.execute(
            text(
                "update member set left_on = '2025-12-31'"
                " where cooperative_id = :id and code = 'L003'"
            ),
            {"id": uow.tenant},
        )
    correct(house)

    with house.books.open() as uow:
        rows = uow.session.execute(
            text(
                "select m.code, a.cents from allocation_carry a join member m"
                " on m.cooperative_id = a.cooperative_id and m.id = a.member_id"
                " where a.cooperative_id = :id"
            ),
            {"id": uow.tenant},
        ).all()
    assert {row.code: Fraction(row.cents) for row in rows} == {"L001": 0, "L002": 0, "L003": 0}
    assert [house.owed(member) for member in house.members] == [500, 500, 0]


def test_a_subsidy_that_was_accounted_for_is_not_taken_out_of_a_cost_any_more(
    house: House,
) -> None:
    subsidise(house, "G1", SubsidyMode.POOL, 600)
    house.cost("A", 900)
    house.settle()
    with house.books.open() as uow:
        account_for_subsidy(uow, "G1", date(2026, 2, 1))

    with pytest.raises(CostAccountedError) as caught:
        correct(house, net_cents=1200)
    assert caught.value.context == {"cost": "A", "subsidy": "G1"}
    assert [house.owed(member) for member in house.members] == [100, 100, 100]
    assert used(house) == {"G1": 600}


def test_a_rest_in_an_old_pool_does_not_keep_an_earmark_from_helping(house: House) -> None:
    subsidise(house, "G1", SubsidyMode.POOL, 100, until=date(2026, 6, 30))
    subsidise(house, "G2", SubsidyMode.EARMARKED, 1000, earmarks=((house.members["L002"], 250),))
    subsidise(house, "G3", SubsidyMode.POOL, 300, until=date(2027, 1, 1))
    house.cost("A", 1000)
    house.settle()

    # G1 ends first: 300 each are left. G2 pays 250 for L002, G3 300 of the 650 that are left.
    assert used(house) == {"G1": 100, "G2": 250, "G3": 300}
    assert [house.owed(member) for member in house.members] == [161, 27, 162]
    assert house.shares("A") == [334, 333, 333]
    assert house.books.verify().fault is None


def test_a_correction_gives_back_to_each_subsidy_what_it_paid(house: House) -> None:
    subsidise(house, "G1", SubsidyMode.POOL, 100, until=date(2026, 6, 30))
    subsidise(house, "G2", SubsidyMode.POOL, 900)
    house.cost("A", 600)
    house.settle()
    assert used(house) == {"G1": 100, "G2": 500}
    correct(house, net_cents=90)

    assert used(house) == {"G1": 90, "G2": 0}
    assert [house.owed(member) for member in house.members] == [0, 0, 0]
    assert house.books.verify().fault is None
