"""What a round has become is held by the database, whoever writes to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.integration.test_receiving import by_hand, ordered, product
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft
from wijkeconomie.ledger.service import ensure_account, post_entry, reverse_entry
from wijkeconomie.purchasing.deciding import ChooseRules, choose_rules
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.replacing import (
    AddReplacement,
    GiveExtra,
    add_replacement,
    give_extra,
)
from wijkeconomie.purchasing.rounds import CancelRound, CloseRound, cancel_round, close_round
from wijkeconomie.purchasing.settling import allocate_round
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product

STEPS = {
    *(("draft", "open"), ("open", "closed"), ("closed", "ordered"), ("ordered", "received")),
    *(("received", "allocated"), ("received", "settled"), ("allocated", "settled")),
    *((state.value, "cancelled") for state in RoundState if state not in {"settled", "cancelled"}),
}


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def a_round(market: Market, state: RoundState) -> int:
    """A round that went as far as ``state``, along its road."""
    if state is RoundState.DRAFT:
        return market.plan()
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.pledge(round_id, "L002", AARD=5)
    if state is RoundState.CLOSED:
        with market.books.open() as uow:
            close_round(uow, CloseRound(round_id=round_id))
    if state in {RoundState.OPEN, RoundState.CLOSED}:
        return round_id
    market.order(round_id)
    if state is RoundState.CANCELLED:
        with market.books.open() as uow:
            cancel_round(uow, CancelRound(round_id=round_id, reason="proef"))
    if state in {RoundState.ORDERED, RoundState.CANCELLED}:
        return round_id
    market.receive(round_id)
    if state is RoundState.ALLOCATED:
        with market.books.open() as uow:
            allocate_round(uow, round_id)
    if state is RoundState.SETTLED:
        market.invoice(round_id, code=f"F-{round_id}")
        market.settle(round_id)
    return round_id


def write(market: Market, statement: str, **values: object) -> None:
    with market.books.open() as uow:
        uow.session.execute(text(statement), values)


@contextmanager
def refused(sqlstate: str) -> Iterator[None]:
    with pytest.raises(DBAPIError) as error:
        yield
    assert getattr(error.value.orig, "sqlstate", None) == sqlstate


# --- one way


def outcome(market: Market, round_id: int, to: RoundState) -> str | None:
    """With which SQLSTATE a step is refused, if it is; it is undone."""
    with market.books.open() as uow:
        step = uow.session.begin_nested()
        try:
            uow.session.execute(
                text("update purchase_round set state = :to where id = :id"),
                {"to": to.value, "id": round_id},
            )
        except DBAPIError as error:
            return str(getattr(error.orig, "sqlstate", None))
        finally:
            step.rollback()
    return None


@pytest.mark.parametrize("state", list(RoundState))
def test_a_round_takes_only_the_steps_of_its_road(market: Market, state: RoundState) -> None:
    round_id = a_round(market, state)
    for to in RoundState:
        is_allowed = (state.value, to.value) in STEPS or to is state
        assert outcome(market, round_id, to) == (None if is_allowed else "WE080"), to


def test_a_round_begins_as_a_draft(market: Market) -> None:
    with refused("WE080"):
        write(
            market,
            "insert into purchase_round (cooperative_id, code, theme, supplier_id, state, opens_at,"
            " closes_at, delivery_on, created_by) select cooperative_id, 'X', theme, supplier_id,"
            " 'open', opens_at, closes_at, delivery_on, 'x' from purchase_round where id = :id",
            id=a_round(market, RoundState.OPEN),
        )


# --- terms and prices


@pytest.mark.parametrize(
    ("state", "change"),
    [
        (RoundState.CLOSED, "freight_key = 'equal'"),
        (RoundState.DRAFT, "code = 'X'"),
        (RoundState.ALLOCATED, "shortage_rule = 'manual'"),
        (RoundState.SETTLED, "surplus_rule = 'ask'"),
    ],
)
def test_the_terms_of_a_round_stay(market: Market, state: RoundState, change: str) -> None:
    with refused("WE081"):
        write(
            market,
            f"update purchase_round set {change} where id = :id",
            id=a_round(market, state),
        )


@pytest.mark.parametrize("state", [RoundState.CLOSED, RoundState.RECEIVED, RoundState.SETTLED])
@pytest.mark.parametrize(
    "change",
    [
        "price_excl_cents = 1, list_price_excl_cents = 1",
        "vat_basis_points = 2100",
        "deposit_cents = 25",
        "replaces_id = null, unit = 'zak'",
    ],
)
def test_a_price_stays_once_its_round_closed(
    market: Market, state: RoundState, change: str
) -> None:
    with refused("WE081"):
        write(
            market,
            f"update round_product set {change} where round_id = :id",
            id=a_round(market, state),
        )


def test_products_are_chosen_in_a_draft(market: Market) -> None:
    round_id = a_round(market, RoundState.OPEN)
    with refused("WE081"):
        write(market, "delete from round_product where round_id = :id", id=round_id)
    other = a_round(market, RoundState.DRAFT)
    write(market, "delete from round_product where round_id = :id", id=other)
    with refused("WE081"):
        write(
            market,
            "insert into round_product (cooperative_id, round_id, product_id, position, name, unit,"
            " price_excl_cents, list_price_excl_cents, pack_size) select cooperative_id, round_id,"
            " (select id from product where cooperative_id = o.cooperative_id and code = 'NIEUW'),"
            " 9, 'Nieuw', unit, 1, 1, 1 from round_product o where round_id = :id limit 1",
            id=round_id,
        )


def test_the_rules_of_sharing_are_chosen_until_a_round_was_shared(market: Market) -> None:
    round_id = a_round(market, RoundState.RECEIVED)
    with market.books.open() as uow:
        choose_rules(uow, ChooseRules(round_id=round_id, surplus_rule=SurplusRule.ASK))


# --- pledges


@pytest.mark.parametrize(
    "state", [each for each in RoundState if each not in {RoundState.DRAFT, RoundState.OPEN}]
)
@pytest.mark.parametrize(
    "change", ["quantity = 9", "withdrawn_at = now()", "max_price_excl_cents = 1", "tolerance = 4"]
)
def test_a_pledge_stays_once_its_round_closed(
    market: Market, state: RoundState, change: str
) -> None:
    round_id = a_round(market, state)
    with refused("WE082"):
        write(market, f"update pledge set {change} where round_id = :id", id=round_id)


@pytest.mark.parametrize("state", [RoundState.CLOSED, RoundState.RECEIVED, RoundState.SETTLED])
def test_no_pledge_is_added_once_its_round_closed(market: Market, state: RoundState) -> None:
    round_id = a_round(market, state)
    with refused("WE082"):
        write(
            market,
            "insert into pledge (cooperative_id, code, round_id, round_product_id, member_id,"
            " quantity, pledged_at, changed_at) select cooperative_id, 'X', round_id,"
            " round_product_id, :member, 1, pledged_at, changed_at from pledge"
            " where round_id = :id limit 1",
            id=round_id,
            member=market.members["L003"],
        )


def test_an_extra_is_given_while_a_delivery_is_counted_and_not_later(market: Market) -> None:
    round_id = a_round(market, RoundState.RECEIVED)
    extra = GiveExtra(
        round_id=round_id,
        round_product_id=product(market, round_id),
        member_id=market.members["L003"],
        quantity=1,
        reason="vroeg erom",
    )
    for _again in range(2):
        with market.books.open() as uow:
            pledge_id = give_extra(uow, extra)
    by_hand(market, round_id, "L003", 0)
    with market.books.open() as uow:
        allocate_round(uow, round_id)
    with refused("WE082"):
        write(market, "update pledge set quantity = 2 where id = :id", id=pledge_id)
    # Nor does an order become an extra, by which it could change.
    other = a_round(market, RoundState.RECEIVED)
    with refused("WE082"):
        write(market, "update pledge set origin = 'extra' where round_id = :id", id=other)


def test_what_came_instead_is_added_while_a_delivery_is_counted(market: Market) -> None:
    with market.books.open() as uow:
        small = save_product(
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
    round_id = ordered(market)
    for price in (150, 140):
        with market.books.open() as uow:
            added = add_replacement(
                uow,
                AddReplacement(
                    round_id=round_id,
                    replaced_id=product(market, round_id),
                    product_id=small,
                    delivered=2,
                    price_excl_cents=price,
                ),
            )
    market.receive(round_id)
    with market.books.open() as uow:
        allocate_round(uow, round_id)
    with refused("WE081"):
        write(
            market,
            "update round_product set price_excl_cents = 1, list_price_excl_cents = 1"
            " where id = :id",
            id=added,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update pledge set member_id = :member",
        "update pledge set round_product_id = round_product_id",
        "update delivery set ordered_quantity = 9",
        "update supplier_invoice set net_cents = net_cents + 1, gross_cents = gross_cents + 1",
        "update pledge_share set gross_cents = 0",
    ],
)
def test_the_application_cannot_make_it_another_pledge_order_or_invoice(
    market: Market, statement: str
) -> None:
    a_round(market, RoundState.SETTLED)
    with pytest.raises(ProgrammingError, match="permission denied"):
        write(market, statement, **({"member": 1} if ":member" in statement else {}))


# --- settlements


def booked(uow: UnitOfWork, members: Mapping[str, int], supplier: int) -> int:
    """An entry by which members pay for what the supplier gets."""
    lines = {("member_account", code): cents for code, cents in members.items() if cents}
    lines["suppliers", "S1"] = -supplier
    rest = supplier - sum(members.values())
    if rest:
        lines["cost_of_goods", None] = rest  # type: ignore[index]
    draft = EntryDraft(
        accounting_date=uow.now.date(),
        kind="round.settled",
        source="round/x/2",
        description="by hand",
        idempotency_key="by hand",
        postings=tuple(
            PostingDraft(ensure_account(uow, key, party), cents)
            for (key, party), cents in lines.items()
        ),
    )
    return post_entry(uow, draft).number


def settle_again_by_hand(
    market: Market,
    round_id: int,
    told: Mapping[str, int],
    entry: Mapping[str, int],
    *,
    supplier: int = 1037,
    turns_back: bool = True,
    version: int = 2,
) -> None:
    """Write a second version straight to the tables: members are told one thing, booked another."""
    with market.books.open() as uow:
        key = {"id": round_id, "tenant": uow.tenant}
        first = uow.session.scalar(
            text("select entry_number from round_settlement where round_id = :id"), key
        )
        if turns_back:
            reversal = reverse_entry(
                uow,
                int(first or 0),
                accounting_date=uow.now.date(),
                idempotency_key="back",
                description="back",
            ).number
            uow.session.execute(
                text("update round_settlement set reversal_number = :n where round_id = :id"),
                key | {"n": reversal},
            )
        number = booked(uow, entry, supplier)
        uow.session.execute(
            text(
                "insert into round_settlement (cooperative_id, round_id, version, entry_number,"
                " settled_at, settled_by, accounting_date, supplier_gross_cents,"
                " members_gross_cents, cooperative_gross_cents) values (:tenant, :id, 2, :entry,"
                " now(), 'x', '2026-01-07', :supplier, :members, :rest)"
            ),
            key
            | {"entry": number, "supplier": supplier, "members": sum(told.values())}
            | {"rest": supplier - sum(told.values())},
        )
        uow.session.execute(
            text(
                "insert into pledge_share (cooperative_id, round_id, version, pledge_id,"
                " delivered_quantity, net_cents, freight_cents, vat_cents, gross_cents,"
                " explanation) select x.cooperative_id, x.round_id, 2, x.id, x.quantity,"
                " told.cents, 0, 0, told.cents, '{}' from pledge x join member m on"
                " m.cooperative_id = x.cooperative_id and m.id = x.member_id join"
                " unnest(cast(:codes as text[]), cast(:cents as bigint[])) told (code, cents)"
                " on told.code = m.code where x.round_id = :id"
            ),
            key | {"codes": list(told), "cents": list(told.values())},
        )
        uow.session.execute(
            text("update purchase_round set settlement_version = :version where id = :id"),
            key | {"version": version},
        )


FAIR = {"L001": 389, "L002": 648}


def test_a_version_that_adds_up_is_taken(market: Market) -> None:
    settle_again_by_hand(market, a_round(market, RoundState.SETTLED), FAIR, FAIR)
    assert market.owed("L001") == 389


@pytest.mark.parametrize(
    ("told", "entry"),
    [
        (FAIR, {"L001": 648, "L002": 389}),  # the sums are equal, the members are not
        (FAIR, {"L001": 390, "L002": 648}),
        ({"L001": 389, "L002": 647}, FAIR),
        (FAIR, {"L001": 389, "L002": 647, "L003": 1}),
    ],
)
def test_members_are_told_what_is_booked_to_the_cent(
    market: Market, told: dict[str, int], entry: dict[str, int]
) -> None:
    round_id = a_round(market, RoundState.SETTLED)
    with refused("WE083"):
        settle_again_by_hand(market, round_id, told, entry)


def test_a_version_counts_after_the_one_before_it_was_turned_back(market: Market) -> None:
    round_id = a_round(market, RoundState.SETTLED)
    with refused("WE083"):
        settle_again_by_hand(market, round_id, FAIR, FAIR, turns_back=False)
    with refused("WE083"):
        settle_again_by_hand(market, round_id, FAIR, FAIR, version=3)


def test_nothing_is_added_to_a_version_that_counts(market: Market) -> None:
    round_id, other = a_round(market, RoundState.SETTLED), a_round(market, RoundState.ORDERED)
    with refused("WE083"):
        write(
            market,
            "insert into pledge_share (cooperative_id, round_id, version, pledge_id,"
            " delivered_quantity, net_cents, freight_cents, vat_cents, gross_cents, explanation)"
            " select cooperative_id, :id, 1, id, 0, 0, 0, 0, 0, '{}' from pledge"
            " where round_id = :other limit 1",
            id=round_id,
            other=other,
        )
    with refused("WE083"):
        write(
            market,
            "insert into round_settlement (cooperative_id, round_id, version, settled_at,"
            " settled_by, accounting_date, supplier_gross_cents, members_gross_cents,"
            " cooperative_gross_cents) values ((select cooperative_id from purchase_round"
            " where id = :id), :id, 2, now(), 'x', '2026-01-07', 0, 0, 0)",
            id=round_id,
        )
