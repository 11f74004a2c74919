"""Closing random rounds, recomputed by trying every price: shares no code with the service."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.rounds import CloseRound, close_round
from wijkeconomie.purchasing.suppliers import SaleTerms, SaveProduct, save_product

LADDERS = ((), ((12, 900),), ((10, 900), (20, 800), (35, 750)))


@dataclass(frozen=True)
class Wish:
    """What one member pledges of oil."""

    quantity: int
    tolerance: int
    most: int | None


WISHES = st.lists(
    st.builds(
        Wish,
        st.integers(1, 15),
        st.integers(0, 3),
        st.sampled_from([None, None, 1000, 900, 800, 750]),
    ),
    min_size=1,
    max_size=6,
)


def by_hand(
    wishes: list[Wish], ladder: tuple[tuple[int, int], ...], pack: int, limit: int | None
) -> tuple[int, dict[int, str]]:
    """The price, and of each wish ``in`` or why it is out; one wish a member, oldest first."""
    out: dict[int, str] = {}
    while True:
        best = 1000
        for least, price in ladder:
            takers = [
                wish
                for number, wish in enumerate(wishes)
                if number not in out and (wish.most is None or wish.most >= price)
            ]
            if packed(takers, pack) >= least:
                best = min(best, price)
        poor = [
            number
            for number, wish in enumerate(wishes)
            if number not in out
            and (wish.most is None or wish.most >= best)
            and limit is not None
            and (wish.quantity + wish.tolerance) * best > limit
        ]
        if not poor:
            break
        out |= dict.fromkeys(poor, "credit")
    for number, wish in enumerate(wishes):
        if number not in out and wish.most is not None and wish.most < best:
            out[number] = "price"
    return best, out


def packed(takers: list[Wish], pack: int) -> int:
    wanted = sum(wish.quantity for wish in takers)
    most = wanted + sum(wish.tolerance for wish in takers)
    units = 0
    while units < wanted and units + pack <= most:
        units += pack
    return units


def close_round_of(
    market: Market, wishes: list[Wish], ladder: tuple[tuple[int, int], ...], pack: int
) -> int:
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="OLIE",
                name="Olijfolie",
                unit="fles",
                price_excl_cents=1000,
                vat_basis_points=None,
                pack_size=pack,
                terms=SaleTerms(sells_loose=False, ladder=ladder),
            ),
        )
    round_id = market.open_round()
    with market.books.open() as uow:
        product = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["OLIE"]
        for (_code, member_id), wish in zip(sorted(market.members.items()), wishes, strict=False):
            lowest = min([1000, *(price for _least, price in ladder)])
            most = None if wish.most is None else max(wish.most, lowest)
            line = PledgeLine(
                product,
                wish.quantity,
                tolerance=min(wish.tolerance, pack - 1),
                max_price_excl_cents=most,
            )
            save_pledges(uow, SavePledges(round_id=round_id, member_id=member_id, lines=(line,)))
    return round_id


def stored(market: Market, round_id: int) -> tuple[int, dict[int, str], int, list[Wish]]:
    """Price, who is out and why, units allotted, and the wishes as they were stored."""
    with market.books.open() as uow:
        [offered] = [
            each
            for each in queries.offered_products(uow.session, uow.tenant, round_id)
            if each.code == "OLIE"
        ]
        found = queries.pledges(uow.session, uow.tenant, round_id, with_withdrawn=True)
    out = {number: each.dropout.value for number, each in enumerate(found) if each.dropout}
    wishes = [Wish(each.quantity, each.tolerance, each.max_price_excl_cents) for each in found]
    return offered.price_excl_cents, out, offered.pledged, wishes


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    WISHES,
    st.sampled_from(LADDERS),
    st.integers(1, 6),
    st.none() | st.integers(0, 14_000),
)
def test_closing_comes_to_what_trying_every_price_comes_to(
    units_of_work: UnitOfWorkFactory,
    clock: Clock,
    wishes: list[Wish],
    ladder: tuple[tuple[int, int], ...],
    pack: int,
    limit: int | None,
) -> None:
    market = a_market(units_of_work, clock, members=6)
    round_id = close_round_of(market, wishes, ladder, pack)
    if limit is not None:
        with market.books.open() as uow:
            uow.session.execute(
                text(
                    "update cooperative set enforces_credit_limit = true,"
                    " default_credit_limit_cents = :limit where id = :id"
                ),
                {"limit": limit, "id": uow.tenant},
            )
    with market.books.open() as uow:
        close_round(uow, CloseRound(round_id=round_id))

    price, out, allotted, said = stored(market, round_id)
    expected_price, expected_out = by_hand(said, ladder, pack, limit)
    takers = [wish for number, wish in enumerate(said) if number not in expected_out]
    assert price == expected_price
    assert allotted == packed(takers, pack)
    # Besides those, only who got nothing of a pack is out.
    assert {number: why for number, why in out.items() if why != "packs"} == expected_out
