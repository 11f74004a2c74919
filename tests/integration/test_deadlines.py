"""Laws of closing times: misses, prolonging, asking, top-up, repeating rounds, by the use cases."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from itertools import count

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market_with_mail
from wijkeconomie.core.audit import history
from wijkeconomie.core.jobs import latest_runs, run_due
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.deadline_mails import deadline_mails
from wijkeconomie.purchasing.deadline_models import OnMiss
from wijkeconomie.purchasing.deadline_queries import DeadlineView, round_deadline
from wijkeconomie.purchasing.deadlines import (
    DeadlineTerms,
    ProlongRound,
    prolong_round,
    set_deadline,
)
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.mails import round_mails
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.refusals import (
    DeadlinePassedError,
    GoodsCameError,
    RoundStateError,
    TopupOnlyFillsError,
)
from wijkeconomie.purchasing.rounds import CancelRound, CloseRound, cancel_round, close_round
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

RENDER = {**round_mails("https://buurt.nl"), **deadline_mails("https://buurt.nl")}


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market_with_mail(units_of_work, clock)


numbers = count()


def a_coordinator(market: Market, role: str = "coordinator") -> int:
    """Someone who gets the letters about work; the id of the login."""
    with market.books.open() as uow:
        login_id = uow.session.scalar(
            text(
                "insert into login (email, display_name, created_at)"
                " values (:email, 'Ans', now()) returning id"
            ),
            {"email": f"{role}{next(numbers)}@{market.books.code.lower()}.nl"},
        )
        uow.session.execute(
            text(
                "insert into role_grant (cooperative_id, login_id, role, granted_at, granted_by)"
                " values (:id, :login, :role, now(), 'test')"
            ),
            {"id": uow.tenant, "login": login_id, "role": role},
        )
    assert isinstance(login_id, int)
    return login_id


def minimum(market: Market, cents: int | None) -> None:
    with market.books.open() as uow:
        save_supplier(uow, SaveSupplier(code="S1", name="Boer Bas", minimum_net_cents=cents))


def agree(market: Market, round_id: int, **terms: object) -> None:
    with market.books.open() as uow:
        set_deadline(uow, round_id, DeadlineTerms(**terms))  # type: ignore[arg-type]


def now(market: Market, round_id: int) -> RoundView:
    with market.books.open() as uow:
        return queries.round_by_id(uow.session, uow.tenant, round_id)


def deadline(market: Market, round_id: int) -> DeadlineView:
    with market.books.open() as uow:
        found = round_deadline(uow.session, uow.tenant, round_id)
    assert found is not None
    return found


def letters(market: Market) -> list[tuple[str, str]]:
    """Address and subject of every letter that would go out now, in order."""
    with market.books.open() as uow:
        rows = uow.session.execute(
            text("select kind, payload from outbox_message where cooperative_id = :id order by id"),
            {"id": uow.tenant},
        ).all()
        return [
            (letter.to, letter.subject)
            for kind, payload in rows
            if kind in RENDER
            for letter in RENDER[kind](uow, payload)
        ]


def outcomes(market: Market, job: str = "rounds.close") -> list[str | None]:
    with market.books.open() as uow:
        runs = latest_runs(uow.session, uow.tenant)
    return [run.outcome for run in reversed(runs) if run.job == job]


def pass_deadline(market: Market, round_id: int) -> None:
    market.clock.set(now(market, round_id).closes_at)
    run_due(market.books.units_of_work, ROUND_JOBS)


# --- misses


def test_a_round_without_terms_closes_as_ever(market: Market) -> None:
    minimum(market, 100_000)
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=1)
    pass_deadline(market, round_id)
    assert now(market, round_id).state is RoundState.CLOSED


def test_a_round_that_reaches_its_minimum_closes_whatever_is_agreed(market: Market) -> None:
    minimum(market, 1190)
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.CANCEL)
    market.pledge(round_id, "L001", AARD=10)
    pass_deadline(market, round_id)
    assert now(market, round_id).state is RoundState.CLOSED


def test_on_a_miss_a_round_is_cancelled_with_the_figures_and_members_are_told(
    market: Market,
) -> None:
    minimum(market, 1191)
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.CANCEL)
    market.pledge(round_id, "L001", AARD=10)
    pass_deadline(market, round_id)
    found = now(market, round_id)
    assert found.state is RoundState.CANCELLED
    reason = (found.cancel_reason or "").replace("\N{NO-BREAK SPACE}", " ")
    assert reason == "er is voor € 11,90 besteld en € 11,91 is nodig"
    assert letters(market) == [("l001@buurt.nl", "De ronde groente gaat niet door")]
    assert market.owed("L001") == 0


def test_a_round_is_prolonged_as_often_as_agreed_and_then_cancelled(market: Market) -> None:
    minimum(market, 10_000)
    round_id = market.open_round()
    agree(
        market,
        round_id,
        on_miss=OnMiss.PROLONG,
        prolong_days=3,
        most_prolongations=2,
        when_spent="cancel",
    )
    market.pledge(round_id, "L001", AARD=10)
    before = now(market, round_id)
    for _ in range(3):
        pass_deadline(market, round_id)
        if (current := now(market, round_id)).state is RoundState.OPEN:
            last = current
    assert outcomes(market) == ["prolonged", "prolonged", "cancelled"]
    assert last.closes_at - before.closes_at == timedelta(days=6)
    assert last.delivery_on - before.delivery_on == timedelta(days=6)


def test_members_may_order_again_after_prolonging_and_are_told_what_is_true(
    market: Market,
) -> None:
    minimum(market, 2000)
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.PROLONG, prolong_days=2, most_prolongations=1)
    market.pledge(round_id, "L001", AARD=10)
    pass_deadline(market, round_id)
    assert letters(market) == [("l001@buurt.nl", "groente blijft langer open")]
    market.pledge(round_id, "L002", AARD=10)
    market.pledge(round_id, "L001", AARD=9)
    pass_deadline(market, round_id)
    assert now(market, round_id).state is RoundState.CLOSED
    assert letters(market) == []  # the new closing time has passed: the letter is stale


def test_a_target_counts_as_the_supplier_s_minimum_does(market: Market) -> None:
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.ASK, target_net_cents=1200)
    market.pledge(round_id, "L001", AARD=10)
    pass_deadline(market, round_id)
    asked = deadline(market, round_id)
    assert [(miss.kind, miss.wanted_cents) for miss in asked.misses] == [("target", 1200)]
    assert asked.reached_cents == 1190


def test_an_empty_round_is_a_miss(market: Market) -> None:
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.CANCEL)
    pass_deadline(market, round_id)
    assert now(market, round_id).cancel_reason == "niemand heeft iets besteld"


def oil(market: Market, **terms: object) -> None:
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="OLIE",
                name="Olijfolie",
                unit="fles",
                price_excl_cents=910,
                vat_basis_points=900,
                pack_size=int(str(terms.pop("pack_size", 1))),
                max_per_member=500,
                terms=SaleTerms(**terms),  # type: ignore[arg-type]
            ),
        )


@pytest.mark.parametrize(("heeds", "state"), [(True, "cancelled"), (False, "closed")])
def test_a_product_below_its_minimum_is_a_miss_where_the_round_says_so(
    market: Market, *, heeds: bool, state: str
) -> None:
    oil(market, minimum_quantity=24)
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.CANCEL, heeds_product_minimum=heeds)
    market.pledge(round_id, "L001", OLIE=23, AARD=1)
    pass_deadline(market, round_id)
    assert now(market, round_id).state == state


def test_judging_a_miss_leaves_no_trace_of_the_closing_that_was_tried(market: Market) -> None:
    oil(market, minimum_quantity=24, ladder=((10, 800),))
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.ASK, heeds_product_minimum=True)
    [pledge_id, _] = sorted(market.pledge(round_id, "L001", OLIE=23, AARD=1))
    pass_deadline(market, round_id)
    with market.books.open() as uow:
        own = queries.pledges(uow.session, uow.tenant, round_id)
        offered = queries.offered_products(uow.session, uow.tenant, round_id)
        changes = history(uow.session, uow.tenant, f"pledge/{pledge_id}")
    assert [pledge.dropout for pledge in own] == [None, None]
    assert {each.price_excl_cents for each in offered if each.code == "OLIE"} == {910}
    assert [change.action for change in changes] == ["made"]
    assert deadline(market, round_id).is_asked


# --- asking the coordinator


def test_a_coordinator_is_asked_once_and_the_round_takes_no_orders(market: Market) -> None:
    a_coordinator(market)
    minimum(market, 5000)
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.ASK)
    market.pledge(round_id, "L001", AARD=10)
    for _ in range(3):
        pass_deadline(market, round_id)
    assert outcomes(market) == ["asked"]
    assert [subject for _, subject in letters(market)] == [
        "Beslis over groente: er is te weinig besteld"
    ]
    assert now(market, round_id).state is RoundState.OPEN
    with pytest.raises(DeadlinePassedError):
        market.pledge(round_id, "L002", AARD=100)


def test_a_coordinator_keeps_the_round_open_and_is_asked_again_if_it_misses_again(
    market: Market,
) -> None:
    a_coordinator(market)
    minimum(market, 5000)
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.ASK)
    market.pledge(round_id, "L001", AARD=10)
    pass_deadline(market, round_id)
    until = market.clock.now + timedelta(days=1)
    with market.books.open() as uow:
        prolong_round(
            uow,
            ProlongRound(round_id=round_id, closes_at=until, delivery_on=date(2026, 1, 20)),
        )
    assert not deadline(market, round_id).is_asked
    assert now(market, round_id).closes_at == until
    market.pledge(round_id, "L002", AARD=1)
    pass_deadline(market, round_id)
    assert outcomes(market) == ["asked", "asked"]


def test_a_coordinator_orders_all_the_same(market: Market) -> None:
    a_coordinator(market)
    minimum(market, 5000)
    round_id = market.open_round()
    agree(market, round_id, on_miss=OnMiss.ASK)
    market.pledge(round_id, "L001", AARD=10)
    pass_deadline(market, round_id)
    with market.books.open() as uow:
        close_round(uow, CloseRound(round_id=round_id))
    assert now(market, round_id).state is RoundState.CLOSED
    assert [subject for _, subject in letters(market)] == []  # the question is not true any more


@pytest.mark.parametrize(
    ("closes", "delivery", "field"),
    [
        (timedelta(hours=-1), 10, "closes_at"),
        (timedelta(0), 10, "closes_at"),
        (timedelta(days=3), 0, "delivery_on"),
    ],
)
def test_a_round_is_not_prolonged_into_the_past_nor_past_its_delivery(
    market: Market, closes: timedelta, delivery: int, field: str
) -> None:
    round_id = market.open_round()
    found = now(market, round_id)
    command = ProlongRound(
        round_id=round_id,
        closes_at=found.closes_at + closes,
        delivery_on=market.clock.now.date() + timedelta(days=delivery),
    )
    with pytest.raises(InvalidInputError) as refused, market.books.open() as uow:
        prolong_round(uow, command)
    assert refused.value.context["field"] == field


def test_a_closed_round_is_not_prolonged(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=1)
    market.order(round_id)
    command = ProlongRound(
        round_id=round_id,
        closes_at=market.clock.now + timedelta(days=9),
        delivery_on=date(2026, 2, 1),
    )
    with pytest.raises(RoundStateError), market.books.open() as uow:
        prolong_round(uow, command)


@pytest.mark.parametrize(
    "terms",
    [
        {"prolong_days": 0},
        {"prolong_days": 29},
        {"most_prolongations": 13},
        {"topup_hours": 97},
        {"target_net_cents": 0},
    ],
)
def test_terms_out_of_range_are_refused(market: Market, terms: dict[str, int]) -> None:
    round_id = market.plan()
    with pytest.raises(InvalidInputError) as refused:
        agree(market, round_id, **terms)
    assert refused.value.context["field"] in terms


def test_the_database_refuses_more_prolongations_than_agreed(market: Market) -> None:
    round_id = market.plan()
    agree(market, round_id, on_miss=OnMiss.PROLONG, most_prolongations=1)
    with pytest.raises(IntegrityError, match="prolonged_as_allowed"), market.books.open() as uow:
        uow.session.execute(
            text("update round_deadline set prolonged = 2 where round_id = :id"), {"id": round_id}
        )


# --- topping up


def packs(market: Market, **terms: object) -> int:
    """A round in which 17 bottles of oil are wanted, of which a pack holds 10."""
    oil(market, pack_size=10, sells_loose=False, **terms)
    round_id = market.open_round()
    agree(market, round_id, topup_hours=12)
    market.pledge(round_id, "L001", OLIE=10, AARD=2)
    market.pledge(round_id, "L002", OLIE=7)
    return round_id


def line(market: Market, round_id: int, member: str, quantity: int, tolerance: int = 0) -> None:
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["OLIE"]
        save_pledges(
            uow,
            SavePledges(
                round_id=round_id,
                member_id=market.members[member],
                lines=(PledgeLine(product, quantity, tolerance=tolerance),),
            ),
        )


def test_after_the_closing_time_members_fill_packs_for_some_hours(market: Market) -> None:
    round_id = packs(market)
    first = now(market, round_id).closes_at
    pass_deadline(market, round_id)
    assert now(market, round_id).closes_at == first + timedelta(hours=12)
    assert [subject for _, subject in letters(market)] == [
        "Help de pakken van groente vol te maken"
    ] * 2
    line(market, round_id, "L003", 2)
    line(market, round_id, "L002", 7, tolerance=3)
    line(market, round_id, "L002", 8, tolerance=2)
    pass_deadline(market, round_id)
    assert outcomes(market) == ["topped-up", "closed"]
    with market.books.open() as uow:
        offered = queries.offered_products(uow.session, uow.tenant, round_id)
    assert {each.code: each.pledged for each in offered}["OLIE"] == 20


@pytest.mark.parametrize(
    ("member", "quantity", "obstacle", "room"),
    [
        ("L001", 9, "takes-back", 3),
        ("L002", 0, "takes-back", 3),
        ("L003", 4, "opens-a-pack", 3),
        ("L001", 14, "opens-a-pack", 3),
    ],
)
def test_filling_takes_nothing_back_and_opens_no_pack(
    market: Market, member: str, quantity: int, obstacle: str, room: int
) -> None:
    round_id = packs(market)
    pass_deadline(market, round_id)
    with pytest.raises(TopupOnlyFillsError) as refused:
        line(market, round_id, member, quantity)
    assert (refused.value.context["obstacle"], refused.value.context["room"]) == (obstacle, room)


def test_loose_products_have_no_pack_to_fill(market: Market) -> None:
    round_id = packs(market)
    pass_deadline(market, round_id)
    with pytest.raises(TopupOnlyFillsError):
        market.pledge(round_id, "L001", AARD=3)
    assert market.pledge(round_id, "L001", AARD=2) == []  # as it was


def test_two_members_at_once_do_not_open_a_pack_together(market: Market) -> None:
    round_id = packs(market)
    pass_deadline(market, round_id)
    start, told = threading.Barrier(2), []

    def fill(member: str, quantity: int) -> None:
        start.wait()
        try:
            line(market, round_id, member, quantity)
            told.append("saved")
        except TopupOnlyFillsError:
            told.append("refused")

    tabs = [threading.Thread(target=fill, args=each) for each in (("L003", 2), ("L002", 9))]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(told) == ["refused", "saved"]


def test_a_round_with_full_packs_has_nothing_to_fill_and_closes(market: Market) -> None:
    round_id = packs(market)
    line(market, round_id, "L003", 3)
    pass_deadline(market, round_id)
    assert outcomes(market) == ["closed"]


def test_a_round_is_judged_after_its_packs_were_filled(market: Market) -> None:
    minimum(market, 20 * 910)
    round_id = packs(market)
    agree(market, round_id, on_miss=OnMiss.CANCEL, topup_hours=12)
    pass_deadline(market, round_id)
    line(market, round_id, "L003", 3)
    pass_deadline(market, round_id)
    assert outcomes(market) == ["topped-up", "closed"]


def test_prolonging_opens_the_round_for_every_change_again(market: Market) -> None:
    minimum(market, 100_000)
    round_id = packs(market)
    agree(market, round_id, on_miss=OnMiss.PROLONG, topup_hours=12)
    pass_deadline(market, round_id)
    pass_deadline(market, round_id)
    assert outcomes(market) == ["topped-up", "prolonged"]
    line(market, round_id, "L001", 1)


# --- goods that came are paid by somebody


def test_a_round_in_which_goods_came_is_not_cancelled(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    market.receive(round_id)
    with pytest.raises(GoodsCameError), market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="vergeten"))


def test_a_round_of_which_nothing_came_may_be_cancelled(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    market.receive(round_id, AARD=0)
    with market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="de boer was ziek"))
    assert now(market, round_id).state is RoundState.CANCELLED


def test_a_round_cannot_be_called_settled_without_a_settlement(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    market.receive(round_id)
    with pytest.raises(DBAPIError, match="settled by nothing"), market.books.open() as uow:
        uow.session.execute(
            text("update purchase_round set state = 'settled' where id = :id"), {"id": round_id}
        )
