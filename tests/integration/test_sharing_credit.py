"""What is given by hand is covered by an account; extras and replacements keep what was said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.integration.test_receiving import by_hand, came, given, lines, ordered, product, settled
from wijkeconomie.core.audit import history
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.deciding import SetShare, decide
from wijkeconomie.purchasing.handing_models import HandOutcome, PledgeOrigin
from wijkeconomie.purchasing.handing_out import NotCollected, resolve_uncollected
from wijkeconomie.purchasing.models import Pledge
from wijkeconomie.purchasing.refusals import CreditLimitError, InactiveMemberError
from wijkeconomie.purchasing.replacing import (
    AddReplacement,
    GiveExtra,
    add_replacement,
    give_extra,
)
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product

ONE_KILO = 130  # 1.19 and 9 % VAT
THREE_KILO = 389
FOUR_KILO = 519


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def limit(market: Market, cents: int) -> None:
    """From now on no account goes further below zero than this."""
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = :most where id = :id"
            ),
            {"id": uow.tenant, "most": cents},
        )


def reserved(market: Market, member: str) -> int:
    with market.books.open() as uow:
        return queries.reserved_cents(uow.session, uow.tenant, market.members[member])


def sell_on(market: Market, round_id: int, seller: str, buyer: str) -> None:
    with market.books.open() as uow:
        resolve_uncollected(
            uow,
            NotCollected(
                round_id=round_id,
                pledge_id=lines(market, round_id)[seller].pledge_id,
                outcome=HandOutcome.SOLD_ON,
                note="niet geweest",
                to_member_id=market.members[buyer],
            ),
        )


# --- by hand


def test_more_than_was_ordered_is_given_by_hand_as_far_as_an_account_covers_it(
    market: Market,
) -> None:
    round_id = ordered(market)
    came(market, round_id, 15)
    limit(market, FOUR_KILO)
    by_hand(market, round_id, "L001", 4)
    # Nor kilo by kilo: what was set before is reserved.
    with pytest.raises(CreditLimitError) as refused:
        by_hand(market, round_id, "L001", 5)
    assert refused.value.context["member"] == "L001"
    assert refused.value.context["short_cents"] == 649 - FOUR_KILO
    assert (given(market, round_id)["L001"], reserved(market, "L001")) == (4, FOUR_KILO)


def test_less_by_hand_frees_what_was_reserved_and_needs_no_room(market: Market) -> None:
    round_id = ordered(market)
    came(market, round_id, 12)
    limit(market, 0)
    by_hand(market, round_id, "L001", 1)
    assert reserved(market, "L001") == ONE_KILO
    # To leave it to the rule again is to get more again.
    with pytest.raises(CreditLimitError):
        by_hand(market, round_id, "L001", None)


def test_an_order_in_another_round_sees_what_was_given_by_hand(market: Market) -> None:
    round_id = ordered(market)
    other = market.open_round()
    came(market, round_id, 15)
    limit(market, FOUR_KILO)
    by_hand(market, round_id, "L001", 4)
    with pytest.raises(CreditLimitError) as refused:
        market.pledge(other, "L001", AARD=1)
    assert refused.value.context["short_cents"] == ONE_KILO


def test_goods_are_not_sold_on_to_an_account_that_does_not_cover_them(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id, AARD=12)
    limit(market, FOUR_KILO)
    before = given(market, round_id)
    with pytest.raises(CreditLimitError) as refused:
        sell_on(market, round_id, "L003", "L001")
    assert refused.value.context["member"] == "L001"
    assert given(market, round_id) == before
    limit(market, 7 * ONE_KILO)
    sell_on(market, round_id, "L003", "L001")
    assert given(market, round_id) == {"L001": 7, "L002": 5, "L003": 0}


def test_selling_on_asks_no_credit_of_who_keeps_what_he_had(market: Market) -> None:
    round_id = ordered(market)
    market.pledge(market.open_round(), "L002", ZEEP=1)
    market.receive(round_id, AARD=10)
    shared = given(market, round_id)
    limit(market, 0)
    with market.books.open() as uow:
        resolve_uncollected(
            uow,
            NotCollected(
                round_id=round_id,
                pledge_id=lines(market, round_id)["L001"].pledge_id,
                outcome=HandOutcome.SOLD_ON,
                note="niet geweest",
            ),
        )
    assert given(market, round_id) == shared | {"L001": 0}


def test_a_correction_tells_what_somebody_got_whatever_his_account(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id, AARD=12)
    settled(market, round_id)
    limit(market, 0)
    lines_of = lines(market, round_id)
    command = CorrectRound(
        round_id=round_id,
        reason="verwisseld",
        decisions=(
            SetShare(
                round_id=round_id, pledge_id=lines_of["L001"].pledge_id, quantity=4, reason="x"
            ),
            SetShare(
                round_id=round_id, pledge_id=lines_of["L002"].pledge_id, quantity=4, reason="x"
            ),
        ),
    )
    with market.books.open() as uow:
        preview_correction(uow, command)
        correct_round(uow, command)
    assert given(market, round_id)["L001"] == 4


# --- extras


def give(market: Market, round_id: int, member: str, quantity: int) -> int:
    with market.books.open() as uow:
        extra = GiveExtra(
            round_id=round_id,
            round_product_id=product(market, round_id),
            member_id=market.members[member],
            quantity=quantity,
            reason="vroeg erom",
        )
        return give_extra(uow, extra)


def test_who_has_left_gets_no_extra(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    market.receive(round_id, AARD=5)
    with market.books.open() as uow:
        uow.session.execute(
            text("update member set left_on = :day where id = :id"),
            {"day": uow.now.date() - timedelta(days=1), "id": market.members["L002"]},
        )
    with pytest.raises(InactiveMemberError):
        give(market, round_id, "L002", 2)


def test_an_extra_in_place_of_a_withdrawn_order_begins_anew(market: Market) -> None:
    """A withdrawn order with later increments of 4 and 3 kg, and an extra of 2."""
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    for count in (1, 5, 8):
        market.clock.advance(timedelta(minutes=1))
        market.pledge(round_id, "L002", AARD=count)
    market.pledge(round_id, "L002", AARD=0)
    market.order(round_id)
    market.receive(round_id, AARD=5)

    pledge_id = give(market, round_id, "L002", 2)

    with market.books.open() as uow:
        found = uow.session.get_one(Pledge, (uow.tenant, pledge_id))
        assert (found.later_at, found.later_quantities) == ([], [])
        assert (found.quantity, found.version, found.origin) == (2, 5, PledgeOrigin.EXTRA)
    give(market, round_id, "L002", 1)
    assert given(market, round_id) == {"L001": 3, "L002": 1}


# --- replacements


@pytest.fixture
def small(market: Market) -> int:
    """Another kind of potatoes of the supplier, at 1.50."""
    with market.books.open() as uow:
        return save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="KRIEL",
                name="Krieltjes",
                unit="kg",
                price_excl_cents=150,
                vat_basis_points=900,
                is_offered=False,
            ),
        )


def replace_potatoes(
    market: Market, round_id: int, small: int, *, delivered: int = 4, price: int | None = None
) -> None:
    with market.books.open() as uow:
        add_replacement(
            uow,
            AddReplacement(
                round_id=round_id,
                replaced_id=product(market, round_id),
                product_id=small,
                delivered=delivered,
                price_excl_cents=price,
            ),
        )


def test_a_replacement_entered_again_keeps_the_price_that_was_said(
    market: Market, small: int
) -> None:
    round_id = ordered(market)
    came(market, round_id, 8)
    replace_potatoes(market, round_id, small, price=99)
    replace_potatoes(market, round_id, small, delivered=3)

    def told() -> tuple[int, int | None]:
        with market.books.open() as uow:
            [line] = [
                each
                for each in settlement_queries.deliveries(uow.session, uow.tenant, round_id)
                if each.product_code == "KRIEL"
            ]
        return line.price_excl_cents, line.delivered

    assert told() == (99, 3)
    replace_potatoes(market, round_id, small, delivered=3, price=120)
    assert told() == (120, 3)
    with market.books.open() as uow:
        changes = history(uow.session, uow.tenant, f"round/{round_id}")
    priced = [each for each in changes if each.action == "replacement-priced"]
    assert [(each.before, each.after) for each in priced] == [
        (
            {"product": "Krieltjes", "price_excl_cents": 99},
            {"product": "Krieltjes", "price_excl_cents": 120},
        )
    ]


def test_a_replacement_needs_no_reason_and_tells_what_it_came_for(
    market: Market, small: int
) -> None:
    round_id = ordered(market)
    came(market, round_id, 8)
    replace_potatoes(market, round_id, small)
    with market.books.open() as uow:
        told = {
            line.product_code: (line.replaces, line.reason)
            for line in settlement_queries.deliveries(uow.session, uow.tenant, round_id)
        }
    assert told == {"AARD": (None, "geteld"), "KRIEL": ("Aardappelen", None)}


def test_a_replacement_by_hand_reserves_what_goes_beyond_what_it_came_for(
    market: Market, small: int
) -> None:
    round_id = ordered(market)
    came(market, round_id, 0)
    replace_potatoes(market, round_id, small, delivered=20)
    with market.books.open() as uow:
        pledge_id = uow.session.scalar(
            text(
                "select x.id from pledge x join member m on m.id = x.member_id"
                " where x.round_id = :id and x.origin = 'replacement' and m.code = 'L001'"
                " and m.cooperative_id = x.cooperative_id"
            ),
            {"id": round_id},
        )
    limit(market, THREE_KILO + 164)
    with market.books.open() as uow:
        share = SetShare(round_id=round_id, pledge_id=pledge_id, quantity=4, reason="lekker")
        decide(uow, share)
    assert reserved(market, "L001") == THREE_KILO + 164  # 1.50 and 9 % VAT
    with pytest.raises(CreditLimitError), market.books.open() as uow:
        decide(uow, SetShare(round_id=round_id, pledge_id=pledge_id, quantity=5, reason="meer"))
