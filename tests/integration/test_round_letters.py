"""Letters about rounds tell what is true: of who gets them, and at the moment of sending."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market_with_mail
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.deadline_mails import deadline_mails
from wijkeconomie.purchasing.deadline_models import OnMiss
from wijkeconomie.purchasing.deadlines import (
    DeadlineTerms,
    ProlongRound,
    prolong_round,
    set_deadline,
)
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.mails import round_mails
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
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


def letters(market: Market, kind: str) -> list[Letter]:
    """Every letter of a kind that would go out now, in order."""
    with market.books.open() as uow:
        payloads = uow.session.scalars(
            text(
                "select payload from outbox_message where cooperative_id = :id and kind = :kind"
                " order by id"
            ),
            {"id": uow.tenant, "kind": kind},
        ).all()
        return [letter for payload in payloads for letter in RENDER[kind](uow, payload)]


def prolong(market: Market, round_id: int) -> None:
    with market.books.open() as uow:
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
        prolong_round(
            uow,
            ProlongRound(
                round_id=round_id,
                closes_at=found.closes_at + timedelta(days=1),
                delivery_on=found.delivery_on + timedelta(days=1),
            ),
        )


def pass_deadline(market: Market, round_id: int) -> None:
    with market.books.open() as uow:
        closes_at = queries.round_by_id(uow.session, uow.tenant, round_id).closes_at
    market.clock.set(closes_at)
    run_due(market.books.units_of_work, ROUND_JOBS)


def test_too_little_is_told_only_where_too_little_was_ordered(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=10)
    prolong(market, round_id)
    [letter] = letters(market, "mail.round-prolonged")
    assert "te weinig" not in letter.body
    assert "Je kunt langer bestellen in de ronde groente: tot donderdag 8 januari" in letter.body

    with market.books.open() as uow:
        terms = DeadlineTerms(on_miss=OnMiss.ASK, target_net_cents=5000)
        set_deadline(uow, round_id, terms)
    pass_deadline(market, round_id)
    prolong(market, round_id)
    [letter] = letters(market, "mail.round-prolonged")
    assert "Er is nog te weinig besteld. Je kunt langer bestellen" in letter.body


def test_a_letter_about_a_cancelled_round_tells_the_reason(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    with market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="de boer is ziek"))
    [letter] = letters(market, "mail.round-cancelled")
    assert "De reden: de boer is ziek" in letter.body


def packs_of_oil(market: Market) -> int:
    """An open round with oil that is sold in full packs of twelve."""
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
                pack_size=12,
                terms=SaleTerms(sells_loose=False),
            ),
        )
    return market.open_round()


def want(market: Market, round_id: int, member: str, quantity: int, tolerance: int) -> None:
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["OLIE"]
        line = PledgeLine(product, quantity, tolerance=tolerance)
        command = SavePledges(round_id=round_id, member_id=market.members[member], lines=(line,))
        save_pledges(uow, command)


def close(market: Market, round_id: int) -> None:
    with market.books.open() as uow:
        close_round(uow, CloseRound(round_id=round_id))


def test_who_gets_another_quantity_to_fill_a_pack_is_told(market: Market) -> None:
    round_id = packs_of_oil(market)
    want(market, round_id, "L001", 8, 4)
    want(market, round_id, "L002", 2, 0)
    market.pledge(round_id, "L001", AARD=1)
    close(market, round_id)
    [letter] = letters(market, "mail.round-dropped")
    assert (letter.to, letter.subject) == ("l001@buurt.nl", "Je bestelling in groente is veranderd")
    assert "- Olijfolie: 10 fles in plaats van 8" in letter.body
    assert "De rest van je bestelling blijft staan." in letter.body
    assert "gaat voor jou niet door" not in letter.body


def test_a_rest_is_told_of_only_where_there_is_one(market: Market) -> None:
    round_id = packs_of_oil(market)
    want(market, round_id, "L001", 3, 0)
    want(market, round_id, "L002", 3, 0)
    market.pledge(round_id, "L002", AARD=1)
    close(market, round_id)
    alone, other = letters(market, "mail.round-dropped")
    assert alone.subject == "Je bestelling in groente gaat niet door"
    assert "Er blijft niets van je bestelling over." in alone.body
    assert "blijft staan" not in alone.body
    assert other.subject == "Een deel van je bestelling in groente gaat niet door"
    assert "De rest van je bestelling blijft staan." in other.body


def test_a_supplier_who_has_the_order_hears_that_it_does_not_go_on(market: Market) -> None:
    with market.books.open() as uow:
        save_supplier(uow, SaveSupplier(code="S1", name="Boer Bas", email="bas@boer.nl"))
    rounds = []
    for is_ordered in (False, True):
        round_id = market.open_round()
        market.pledge(round_id, "L001", AARD=3)
        if is_ordered:
            market.order(round_id)
            has_got_the_order(market)
        with market.books.open() as uow:
            cancel_round(uow, CancelRound(round_id=round_id, reason="storm"))
            rounds.append(queries.round_by_id(uow.session, uow.tenant, round_id).code)
    [letter] = letters(market, "mail.supplier-withdrawal")
    assert (letter.to, letter.subject) == ("bas@boer.nl", f"Bestelling {rounds[1]} gaat niet door")
    assert f"Onze bestelling {rounds[1]} van 5 januari gaat niet door." in letter.body
    # The order itself does not go out any more.
    assert letters(market, "mail.supplier-order") == []


def has_got_the_order(market: Market) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update outbox_message set sent_at = :now where cooperative_id = :own"
                " and kind = 'mail.supplier-order'"
            ),
            {"own": uow.tenant, "now": uow.now - timedelta(minutes=1)},
        )


def test_each_closing_time_has_its_reminder(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    with market.books.open() as uow:
        closes_at = queries.round_by_id(uow.session, uow.tenant, round_id).closes_at
    market.clock.set(closes_at - timedelta(hours=24))
    run_due(market.books.units_of_work, ROUND_JOBS)
    first = letters(market, "mail.round-reminder")
    assert [each.to for each in first] == ["l002@buurt.nl", "l003@buurt.nl"]
    with market.books.open() as uow:
        later = ProlongRound(
            round_id=round_id,
            closes_at=closes_at + timedelta(days=2),
            delivery_on=date(2026, 1, 12),
        )
        prolong_round(uow, later)
    # A reminder that waits still would tell of a closing time that is not near any more.
    assert letters(market, "mail.round-reminder") == []

    market.clock.set(closes_at + timedelta(hours=24))
    for _twice in range(2):
        run_due(market.books.units_of_work, ROUND_JOBS)

    again = letters(market, "mail.round-reminder")
    assert [each.to for each in again] == ["l002@buurt.nl", "l003@buurt.nl"]
    assert local_date(closes_at + timedelta(days=2), LOCAL_TIME) == date(2026, 1, 9)
    assert "tot vrijdag 9 januari" in again[0].body
