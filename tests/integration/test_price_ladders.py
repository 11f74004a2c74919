"""Laws of price ladders, packs and minimums in a round, by the real use cases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.audit import history
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries, settlement_queries, supplier_queries
from wijkeconomie.purchasing.explanations import explain_share
from wijkeconomie.purchasing.ladder_queries import round_ladders
from wijkeconomie.purchasing.mails import round_mails
from wijkeconomie.purchasing.models import Dropout
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.refusals import (
    PledgeTooLargeError,
    PriceOutOfReachError,
    RoundNotOpenError,
    SupplierMinimumError,
    ToleranceTooLargeError,
)
from wijkeconomie.purchasing.rounds import (
    CancelRound,
    CloseRound,
    OrderRound,
    cancel_round,
    close_round,
    order_round,
)
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock, members=6)


def sell(market: Market, **terms: object) -> None:
    """Let the supplier sell oil at 9.10, with terms; at most 500 each."""
    pack_size = int(str(terms.pop("pack_size", 1)))
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
                pack_size=pack_size,
                max_per_member=500,
                terms=SaleTerms(**terms),  # type: ignore[arg-type]
            ),
        )


def want(
    market: Market,
    round_id: int,
    member: str,
    quantity: int,
    *,
    at_most: int | None = None,
    tolerance: int = 0,
) -> None:
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["OLIE"]
        line = PledgeLine(product, quantity, tolerance=tolerance, max_price_excl_cents=at_most)
        save_pledges(
            uow,
            SavePledges(round_id=round_id, member_id=market.members[member], lines=(line,)),
        )


def close(market: Market, round_id: int) -> None:
    with market.books.open() as uow:
        close_round(uow, CloseRound(round_id=round_id))


def oil(market: Market, round_id: int) -> queries.OfferedProduct:
    with market.books.open() as uow:
        offered = queries.offered_products(uow.session, uow.tenant, round_id)
    return next(each for each in offered if each.code == "OLIE")


def pledges(market: Market, round_id: int) -> dict[str, tuple[int | None, Dropout | None]]:
    """What became of each member's oil: units, or why it fell out."""
    with market.books.open() as uow:
        found = queries.pledges(uow.session, uow.tenant, round_id, with_withdrawn=True)
    return {
        each.member_code: (
            None if each.withdrawn_at else each.allotted_quantity or each.quantity,
            each.dropout,
        )
        for each in found
    }


LADDER = ((24, 840), (48, 790))


def test_everyone_pays_the_lowest_price_that_is_earned_by_those_who_accept_it(
    market: Market,
) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    want(market, round_id, "L001", 20)
    want(market, round_id, "L002", 10, at_most=840)
    want(market, round_id, "L003", 16, at_most=790)
    close(market, round_id)
    # At 7.90 all 46 take part, two short; at 8.40 the 30 who accept it are enough.
    assert oil(market, round_id).price_excl_cents == 840
    assert oil(market, round_id).list_price_excl_cents == 910
    assert pledges(market, round_id) == {
        "L001": (20, None),
        "L002": (10, None),
        "L003": (None, Dropout.PRICE),
    }


def test_a_round_that_misses_its_ladder_keeps_the_list_price(market: Market) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    want(market, round_id, "L001", 10)
    want(market, round_id, "L002", 13, at_most=840)
    close(market, round_id)
    assert oil(market, round_id).price_excl_cents == 910
    assert pledges(market, round_id) == {"L001": (10, None), "L002": (None, Dropout.PRICE)}


def test_who_fell_out_is_told_and_the_pledge_says_why(market: Market) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    want(market, round_id, "L001", 10)
    want(market, round_id, "L002", 3, at_most=790)
    close(market, round_id)
    with market.books.open() as uow:
        told = list(
            uow.session.scalars(
                text("select event_key from outbox_message where cooperative_id = :id"),
                {"id": uow.tenant},
            )
        )
        [fallen] = [
            each
            for each in queries.pledges(uow.session, uow.tenant, round_id, with_withdrawn=True)
            if each.dropout
        ]
        last = history(uow.session, uow.tenant, f"pledge/{fallen.id}")[-1]
    assert told == [f"round/{round_id}/dropped/member/{market.members['L002']}"]
    assert (last.action, last.reason, last.before, last.after) == (
        "dropped",
        "price",
        {"quantity": 3},
        {"quantity": 0},
    )


def test_the_page_knows_what_is_missing_to_the_next_price(market: Market) -> None:
    sell(market, ladder=LADDER, sells_loose=False, pack_size=12)
    round_id = market.open_round()
    want(market, round_id, "L001", 13)
    want(market, round_id, "L002", 1, at_most=840)

    def standing() -> tuple[int, int, int]:
        with market.books.open() as uow:
            ladders = round_ladders(uow.session, uow.tenant, round_id, is_open=True)
        [found] = [each for each in ladders if each.has_choice]
        return (found.outcome.position, found.missing_to_next, found.missing_to_order)

    # 14 of 24 at 8.40; the pack of 12 that was begun takes 11 more of those who pay 9.10.
    assert standing() == (0, 10, 11)
    want(market, round_id, "L003", 10)
    assert standing() == (1, 24, 0)


def test_the_reached_price_goes_to_the_order_the_invoice_and_the_explanation(
    market: Market,
) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    want(market, round_id, "L001", 30)
    market.order(round_id)
    market.receive(round_id)
    market.invoice(round_id)
    market.settle(round_id)
    with market.books.open() as uow:
        [share] = settlement_queries.shares(uow.session, uow.tenant, round_id, 1)
    assert share.net_cents == 30 * 840
    assert market.owed("L001") == 30 * 840 + 2268  # with 9 %
    sentences = [step.text for step in explain_share(share.explanation, "nl", unit="fles")]
    assert any("Dat scheelt jou €\xa021,00" in sentence for sentence in sentences)


def test_a_maximum_that_no_price_meets_is_refused_and_not_left_to_hope(market: Market) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    with pytest.raises(PriceOutOfReachError) as refused:
        want(market, round_id, "L001", 1, at_most=789)
    assert refused.value.context["lowest_cents"] == 790


def test_only_the_maximum_is_reserved_where_it_is_lower_than_the_price(market: Market) -> None:
    sell(market, ladder=LADDER, sells_loose=False, pack_size=10)
    round_id = market.open_round()
    want(market, round_id, "L001", 10, at_most=790)
    want(market, round_id, "L002", 10, tolerance=5)
    with market.books.open() as uow:
        reserved = [
            queries.reserved_cents(uow.session, uow.tenant, market.members[member])
            for member in ("L001", "L002")
        ]
    assert reserved == [7900 + 711, 15 * 910 + 1229]  # half a cent of VAT goes up
    close(market, round_id)
    with market.books.open() as uow:
        after = queries.reserved_cents(uow.session, uow.tenant, market.members["L002"])
    assert after == 9100 + 819  # 10 fill a pack: the tolerance was not needed


def test_a_changed_maximum_is_a_change_of_the_pledge(market: Market) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    want(market, round_id, "L001", 5)
    want(market, round_id, "L001", 5, at_most=840)
    want(market, round_id, "L001", 5, at_most=840)
    with market.books.open() as uow:
        [pledge] = queries.pledges(uow.session, uow.tenant, round_id)
        changes = history(uow.session, uow.tenant, f"pledge/{pledge.id}")
    assert pledge.version == 2
    assert [change.action for change in changes] == ["made", "changed"]
    assert changes[-1].after == {"quantity": 5, "max_price_excl_cents": 840}


# --- packs, tolerance, minimums


def test_tolerance_fills_a_pack_and_is_used_evenly(market: Market) -> None:
    sell(market, sells_loose=False, pack_size=10)
    round_id = market.open_round()
    want(market, round_id, "L001", 9, tolerance=4)
    want(market, round_id, "L002", 8, tolerance=4)
    close(market, round_id)
    # 17 wanted, 20 ordered: three more over two times four, the odd one to the first.
    assert pledges(market, round_id) == {"L001": (11, None), "L002": (9, None)}


def test_a_rest_that_fills_no_pack_is_shared_by_the_shortage_rule(market: Market) -> None:
    sell(market, sells_loose=False, pack_size=10)
    round_id = market.open_round()
    want(market, round_id, "L001", 20)
    want(market, round_id, "L002", 4)
    close(market, round_id)
    # 20 of 24: 16.67 and 3.33.
    assert pledges(market, round_id) == {"L001": (17, None), "L002": (3, None)}


def test_who_gets_nothing_of_a_pack_falls_out(market: Market) -> None:
    sell(market, sells_loose=False, pack_size=10)
    round_id = market.open_round()
    want(market, round_id, "L001", 18)
    want(market, round_id, "L002", 1)
    close(market, round_id)
    assert pledges(market, round_id) == {"L001": (9, None), "L002": (1, None)}
    with market.books.open() as uow:
        order_round(uow, OrderRound(round_id=round_id))
        [line] = settlement_queries.deliveries(uow.session, uow.tenant, round_id)
    assert line.ordered == 10


def test_no_pack_is_opened_by_tolerance_alone(market: Market) -> None:
    sell(market, sells_loose=False, pack_size=10)
    round_id = market.open_round()
    want(market, round_id, "L001", 1, tolerance=4)
    want(market, round_id, "L002", 2, tolerance=2)
    close(market, round_id)
    assert set(pledges(market, round_id).values()) == {(None, Dropout.PACKS)}


def test_below_the_minimum_of_a_product_nothing_is_ordered(market: Market) -> None:
    sell(market, minimum_quantity=24)
    round_id = market.open_round()
    want(market, round_id, "L001", 20, tolerance=3)
    close(market, round_id)
    assert pledges(market, round_id) == {"L001": (None, Dropout.MINIMUM)}


def test_tolerance_counts_towards_the_minimum(market: Market) -> None:
    sell(market, minimum_quantity=24)
    round_id = market.open_round()
    want(market, round_id, "L001", 20, tolerance=4)
    close(market, round_id)
    assert pledges(market, round_id) == {"L001": (24, None)}


def test_more_tolerance_than_helps_is_refused_with_the_most(market: Market) -> None:
    sell(market, sells_loose=False, pack_size=10)
    round_id = market.open_round()
    with pytest.raises(ToleranceTooLargeError) as refused:
        want(market, round_id, "L001", 1, tolerance=10)
    assert refused.value.context["maximum"] == 9
    with pytest.raises(PledgeTooLargeError):
        want(market, round_id, "L001", 495, tolerance=6)


def test_an_order_below_the_supplier_s_minimum_takes_a_reason(market: Market) -> None:
    with market.books.open() as uow:
        save_supplier(uow, SaveSupplier(code="S1", name="Boer Bas", minimum_net_cents=5000))
    sell(market)
    round_id = market.open_round()
    want(market, round_id, "L001", 5)
    close(market, round_id)
    with pytest.raises(SupplierMinimumError) as refused, market.books.open() as uow:
        order_round(uow, OrderRound(round_id=round_id))
    assert refused.value.context["short_cents"] == 450
    with market.books.open() as uow:
        order_round(uow, OrderRound(round_id=round_id, below_minimum_reason="gebeld, mag"))
        changes = history(uow.session, uow.tenant, f"round/{round_id}")
    assert changes[-1].reason == "gebeld, mag"


# --- prices over time, and what the database holds


def test_another_price_is_another_version_and_rounds_keep_theirs(
    market: Market, clock: Clock
) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    clock.advance(timedelta(days=1))
    sell(market, ladder=((24, 800),))
    sell(market, ladder=((24, 800),))
    with market.books.open() as uow:
        [product] = [
            each
            for each in supplier_queries.products_of_supplier(
                uow.session, uow.tenant, market.supplier_id
            )
            if each.code == "OLIE"
        ]
        versions = supplier_queries.price_versions(uow.session, uow.tenant, product.id)
        ladders = round_ladders(uow.session, uow.tenant, round_id, is_open=True)
    assert [(each.version, each.ladder) for each in versions] == [
        (2, ((24, 800),)),
        (1, LADDER),
    ]
    assert [len(each.outcome.rungs) for each in ladders if each.has_choice] == [3]


@pytest.mark.parametrize("ladder", [((24, 910),), ((1, 900),), ((24, 840), (24, 790))])
def test_what_is_no_ladder_is_not_stored(
    market: Market, ladder: tuple[tuple[int, int], ...]
) -> None:
    with pytest.raises(InvalidInputError):
        sell(market, ladder=ladder)


def test_the_database_refuses_a_ladder_that_rises(market: Market) -> None:
    sell(market, ladder=LADDER)
    with pytest.raises(DBAPIError, match="ladder_falls"), market.books.open() as uow:
        uow.session.execute(
            text("update product set ladder_prices_cents = '{840,850}' where code = 'OLIE'")
        )


@pytest.mark.parametrize(
    "tampering",
    [
        # A price that was not earned, and one above somebody's maximum.
        "update round_product set price_excl_cents = 790 where id = :product",
        "update pledge set max_price_excl_cents = 800 where round_product_id = :product",
    ],
)
def test_the_database_refuses_a_closing_that_does_not_hold(market: Market, tampering: str) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    want(market, round_id, "L001", 30)
    product = oil(market, round_id).id

    def tamper_and_close() -> None:
        with market.books.open() as uow:
            uow.session.execute(text(tampering), {"product": product})
            uow.session.execute(
                text("update purchase_round set state = 'closed' where id = :id"), {"id": round_id}
            )

    with pytest.raises(DBAPIError, match="does not hold"):
        tamper_and_close()
    assert oil(market, round_id).price_excl_cents == 910


# --- limits at closing


def limit_credit(market: Market, cents: int) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = :cents where id = :id"
            ),
            {"cents": cents, "id": uow.tenant},
        )


def test_what_an_account_does_not_cover_any_more_falls_out_newest_first(
    market: Market, clock: Clock
) -> None:
    sell(market)
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=5)
    clock.advance(timedelta(minutes=1))
    want(market, round_id, "L001", 10)
    limit_credit(market, 5000)  # 5 potatoes are 6.49, ten oil 99.19
    close(market, round_id)
    with market.books.open() as uow:
        found = queries.pledges(uow.session, uow.tenant, round_id, with_withdrawn=True)
    assert [(each.product_code, each.dropout) for each in found] == [
        ("AARD", None),
        ("OLIE", Dropout.CREDIT),
    ]


def test_credit_is_judged_at_the_price_that_was_reached(market: Market) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    want(market, round_id, "L001", 24)
    limit_credit(market, 21974)  # just 24 at 8.40 with VAT; at 9.10 it is 238.06
    close(market, round_id)
    assert pledges(market, round_id) == {"L001": (24, None)}


def test_who_falls_out_may_cost_a_rung_and_that_may_cost_others_theirs(market: Market) -> None:
    sell(market, ladder=((24, 840),))
    round_id = market.open_round()
    want(market, round_id, "L001", 14)
    want(market, round_id, "L002", 10)
    want(market, round_id, "L003", 1, at_most=840)
    # 14 at 8.40 are 128.18: too much. Then 11 are left, at 9.10: ten are 99.19, within it.
    limit_credit(market, 12000)
    close(market, round_id)
    assert oil(market, round_id).price_excl_cents == 910
    assert pledges(market, round_id) == {
        "L001": (None, Dropout.CREDIT),
        "L002": (10, None),
        "L003": (None, Dropout.PRICE),
    }


def test_other_rounds_and_debts_come_before_the_pledges_of_this_one(market: Market) -> None:
    sell(market)
    first, second = market.open_round(), market.open_round()
    want(market, first, "L001", 5)  # 49.60
    want(market, second, "L001", 5)
    limit_credit(market, 9000)
    close(market, second)
    assert pledges(market, second) == {"L001": (None, Dropout.CREDIT)}
    close(market, first)
    assert pledges(market, first) == {"L001": (5, None)}


def test_a_pledge_that_falls_out_by_its_price_takes_no_room_from_others(market: Market) -> None:
    sell(market, ladder=((24, 840),))
    round_id = market.open_round()
    want(market, round_id, "L001", 10, at_most=840)
    market.pledge(round_id, "L001", AARD=5)  # 6.49
    limit_credit(market, 1000)
    close(market, round_id)
    with market.books.open() as uow:
        found = queries.pledges(uow.session, uow.tenant, round_id, with_withdrawn=True)
    assert {each.product_code: each.dropout for each in found} == {
        "AARD": None,
        "OLIE": Dropout.PRICE,
    }


def test_a_letter_about_dropouts_tells_which_and_why(market: Market) -> None:
    sell(market, ladder=LADDER)
    round_id = market.open_round()
    want(market, round_id, "L001", 3, at_most=790)
    told = {"round_id": round_id, "member_id": market.members["L001"]}
    render = round_mails("https://wijk.example")["mail.round-dropped"]
    with market.books.open() as uow:
        uow.session.execute(
            text("update member set email = 'a@example.org', language = 'nl' where id = :id"),
            {"id": market.members["L001"]},
        )
        assert render(uow, told) == []
    close(market, round_id)
    with market.books.open() as uow:
        [letter] = render(uow, told)
    assert "- 3 fles Olijfolie: de prijs werd hoger dan wat jij wilde betalen" in letter.body
    with market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="te weinig"))
        assert render(uow, told) == []


def test_who_pledges_while_the_round_closes_is_counted_or_refused(
    units_of_work: UnitOfWorkFactory, clock: Clock
) -> None:
    market = a_market(units_of_work, clock, members=12)
    sell(market, ladder=((24, 840),))
    round_id = market.open_round()
    start = threading.Barrier(13)
    saved: list[str] = []

    def order(member: str) -> None:
        start.wait()
        try:
            want(market, round_id, member, 4)
            saved.append(member)
        except RoundNotOpenError:
            pass

    def end() -> None:
        start.wait()
        close(market, round_id)

    everyone = [threading.Thread(target=order, args=(each,)) for each in market.members]
    everyone.append(threading.Thread(target=end))
    for each in everyone:
        each.start()
    for each in everyone:
        each.join()
    offered = oil(market, round_id)
    assert set(pledges(market, round_id)) == set(saved)
    assert offered.pledged == 4 * len(saved)
    # The price is that of exactly those who were in time.
    assert offered.price_excl_cents == (840 if 4 * len(saved) >= 24 else 910)
