"""Laws of the evening of a delivery: counting, deciding by hand, weighing, handing out."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.audit import history
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.purchasing import handing_queries, queries, settlement_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round
from wijkeconomie.purchasing.deciding import (
    ChooseRules,
    KeepAsStock,
    SetShare,
    WeighPledge,
    choose_rules,
    decide,
)
from wijkeconomie.purchasing.handing_models import HandOutcome, SurplusRule
from wijkeconomie.purchasing.handing_out import (
    CheckOff,
    NotCollected,
    check_off,
    resolve_uncollected,
)
from wijkeconomie.purchasing.handing_queries import SharedLine
from wijkeconomie.purchasing.mails import round_mails
from wijkeconomie.purchasing.models import PurchaseRound, ShortageRule
from wijkeconomie.purchasing.pickup import AddSlot, ChooseSlot, add_slot, choose_slot, remove_slot
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.refusals import (
    GoodsNotWeighedError,
    RoundStateError,
    SlotFullError,
    UndecidedUnitsError,
)
from wijkeconomie.purchasing.replacing import (
    AddReplacement,
    GiveExtra,
    add_replacement,
    give_extra,
)
from wijkeconomie.purchasing.settling import allocate_round
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def ordered(market: Market, **terms: object) -> int:
    """Three members ordered 3, 5 and 4 kg of potatoes."""
    round_id = market.open_round(**terms)
    for member, count in (("L001", 3), ("L002", 5), ("L003", 4)):
        market.pledge(round_id, member, AARD=count)
    market.order(round_id)
    return round_id


def product(market: Market, round_id: int, code: str = "AARD") -> int:
    with market.books.open() as uow:
        return queries.product_ids_by_code(uow.session, uow.tenant, round_id)[code]


def came(market: Market, round_id: int, delivered: int, **facts: int) -> None:
    with market.books.open() as uow:
        receive_line(
            uow,
            ReceiveLine(
                round_id=round_id,
                round_product_id=product(market, round_id),
                delivered=delivered,
                reason="geteld",
                **facts,  # type: ignore[arg-type]
            ),
        )


def lines(market: Market, round_id: int) -> dict[str, SharedLine]:
    """What members get of potatoes."""
    key = product(market, round_id)
    with market.books.open() as uow:
        found = uow.session.get_one(PurchaseRound, (uow.tenant, round_id))
        return {
            line.member_code: line
            for line in handing_queries.shared_lines(uow.session, found)
            if line.round_product_id == key
        }


def given(market: Market, round_id: int) -> dict[str, int]:
    return {code: line.quantity for code, line in lines(market, round_id).items()}


def by_hand(market: Market, round_id: int, member: str, quantity: int | None) -> None:
    pledge_id = lines(market, round_id)[member].pledge_id
    with market.books.open() as uow:
        decide(
            uow,
            SetShare(round_id=round_id, pledge_id=pledge_id, quantity=quantity, reason="gevraagd"),
        )


def settled(market: Market, round_id: int) -> None:
    market.invoice(round_id, code=f"F-{round_id}")
    market.settle(round_id)
    assert market.books.verify().fault is None


# --- by hand beside the rule


def test_counting_again_never_loses_what_was_set_by_hand(market: Market) -> None:
    round_id = ordered(market)
    came(market, round_id, 9)
    assert given(market, round_id) == {"L001": 2, "L002": 4, "L003": 3}
    by_hand(market, round_id, "L001", 3)

    came(market, round_id, 6)

    found = lines(market, round_id)
    assert (found["L001"].computed, found["L001"].quantity) == (2, 3)
    assert found["L001"].by_hand_reason == "gevraagd"
    assert [found[code].quantity for code in ("L002", "L003")] == [2, 1]


def test_a_share_by_hand_is_taken_back_and_the_rule_decides_again(market: Market) -> None:
    round_id = ordered(market)
    came(market, round_id, 9)
    by_hand(market, round_id, "L001", 0)
    by_hand(market, round_id, "L001", None)

    found = lines(market, round_id)["L001"]
    assert (found.quantity, found.is_by_hand) == (2, False)
    with market.books.open() as uow:
        changes = history(uow.session, uow.tenant, f"pledge/{found.pledge_id}")
    assert [change.action for change in changes] == ["made", "set-by-hand", "released"]


def test_a_share_by_hand_takes_a_reason(market: Market) -> None:
    round_id = ordered(market)
    came(market, round_id, 9)
    pledge_id = lines(market, round_id)["L001"].pledge_id
    with pytest.raises(InvalidInputError), market.books.open() as uow:
        decide(uow, SetShare(round_id=round_id, pledge_id=pledge_id, quantity=1, reason=" "))


def test_more_given_by_hand_than_came_is_not_booked(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id, AARD=9)
    by_hand(market, round_id, "L002", 8)
    came(market, round_id, 6)
    market.invoice(round_id)
    with pytest.raises(UndecidedUnitsError) as refused:
        market.settle(round_id)
    assert refused.value.context["units"] == -2
    with pytest.raises(UndecidedUnitsError), market.books.open() as uow:
        allocate_round(uow, round_id)


def test_a_shortage_by_hand_waits_until_somebody_decided(market: Market) -> None:
    round_id = ordered(market, shortage_rule=ShortageRule.MANUAL)
    market.receive(round_id, AARD=9)
    market.invoice(round_id)
    assert given(market, round_id) == {"L001": 0, "L002": 0, "L003": 0}
    with pytest.raises(UndecidedUnitsError):
        market.settle(round_id)
    by_hand(market, round_id, "L002", 2)
    assert given(market, round_id) == {"L001": 3, "L002": 2, "L003": 4}
    settled(market, round_id)


def test_one_product_has_another_rule_than_its_round(market: Market) -> None:
    round_id = ordered(market)
    came(market, round_id, 7)
    with market.books.open() as uow:
        choose_rules(
            uow,
            ChooseRules(
                round_id=round_id,
                products=((product(market, round_id), ShortageRule.FIRST_PLEDGED),),
            ),
        )
    assert given(market, round_id) == {"L001": 3, "L002": 4, "L003": 0}


def write_a_version_with_more(market: Market, round_id: int) -> None:
    """A second version in which everyone got one more, behind the back of the rules."""
    columns = "net_cents, freight_cents, vat_cents, gross_cents, explanation"
    with market.books.open() as uow:
        versions = (
            "insert into round_settlement select cooperative_id, round_id, 2, null, null,"
            " settled_at, settled_by, accounting_date, supplier_gross_cents,"
            " members_gross_cents, cooperative_gross_cents, reason from round_settlement"
            " where round_id = :id"
        )
        shares = (
            "insert into pledge_share (cooperative_id, round_id, version, pledge_id,"
            f" delivered_quantity, {columns}) select cooperative_id, round_id, 2, pledge_id,"
            f" delivered_quantity + 1, {columns} from pledge_share where round_id = :id"
        )
        for statement in (versions, shares):
            uow.session.execute(text(statement), {"id": round_id})


def test_the_database_refuses_shares_that_are_not_what_came(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id, AARD=9)
    settled(market, round_id)
    with pytest.raises(DBAPIError) as error:
        write_a_version_with_more(market, round_id)
    assert getattr(error.value.orig, "sqlstate", None) == "WE018"


# --- more than ordered


def test_what_is_left_waits_for_a_decision_where_the_round_asks(market: Market) -> None:
    round_id = ordered(market)
    with market.books.open() as uow:
        choose_rules(uow, ChooseRules(round_id=round_id, surplus_rule=SurplusRule.ASK))
    market.receive(round_id, AARD=15)
    market.invoice(round_id)
    with pytest.raises(UndecidedUnitsError) as refused:
        market.settle(round_id)
    assert refused.value.context["units"] == 3
    by_hand(market, round_id, "L001", 4)
    with market.books.open() as uow:
        decide(
            uow,
            KeepAsStock(round_id=round_id, round_product_id=product(market, round_id), quantity=2),
        )
    settled(market, round_id)
    assert given(market, round_id) == {"L001": 4, "L002": 5, "L003": 4}


def test_tolerance_takes_what_came_too_much_before_the_stock_does(market: Market) -> None:
    round_id = market.open_round()
    for member, count in (("L001", 3), ("L002", 5), ("L003", 4)):
        market.pledge(round_id, member, AARD=count)
    with market.books.open() as uow:
        uow.session.execute(
            text("update pledge set tolerance = 2 where round_id = :id and quantity = 5"),
            {"id": round_id},
        )
    market.order(round_id)
    market.receive(round_id, AARD=15)
    assert given(market, round_id) == {"L001": 3, "L002": 7, "L003": 4}
    settled(market, round_id)
    with market.books.open() as uow:
        [version] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
    assert version.cooperative_gross_cents == 130  # 1 kg of stock at 1.19 with 9 %


# --- replacements and extras


def test_a_replacement_goes_to_who_misses_and_follows_a_recount(market: Market) -> None:
    with market.books.open() as uow:
        other = save_product(
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
    came(market, round_id, 8)
    replacement = AddReplacement(
        round_id=round_id,
        replaced_id=product(market, round_id),
        product_id=other,
        delivered=4,
    )
    with market.books.open() as uow:
        added = add_replacement(uow, replacement)

    def both() -> dict[str, list[int]]:
        got: dict[str, list[int]] = {}
        with market.books.open() as uow:
            found = uow.session.get_one(PurchaseRound, (uow.tenant, round_id))
            for line in handing_queries.shared_lines(uow.session, found):
                got.setdefault(line.member_code, []).append(line.quantity)
        return got

    assert both() == {"L001": [2, 1], "L002": [3, 2], "L003": [3, 1]}
    came(market, round_id, 10)
    assert [sum(units) for units in both().values()] == [3, 5, 4]
    with market.books.open() as uow:
        assert add_replacement(uow, replace(replacement, delivered=2)) == added
    market.receive(round_id, AARD=10, KRIEL=2)
    settled(market, round_id)
    # 10 kg at 1.19 and 2 kg at 1.50 with 9 % VAT.
    assert sum(market.owed(member) for member in market.members) == 1624


def test_who_did_not_order_gets_an_extra_and_pays_for_it(market: Market) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    market.receive(round_id, AARD=5)
    with market.books.open() as uow:
        give_extra(
            uow,
            GiveExtra(
                round_id=round_id,
                round_product_id=product(market, round_id),
                member_id=market.members["L002"],
                quantity=2,
                reason="vroeg erom",
            ),
        )
    settled(market, round_id)
    # 3.57 and 2.38, with 0.54 VAT on both shared as 0.32 and 0.22.
    assert [market.owed(member) for member in ("L001", "L002", "L003")] == [389, 260, 0]


# --- losses and weights


def test_damage_is_credited_or_paid_by_who_got_some(market: Market) -> None:
    round_id = ordered(market)
    came(market, round_id, 12, damaged=2)
    with market.books.open() as uow:
        credited = uow.session.get_one(PurchaseRound, (uow.tenant, round_id))
        plain = settlement_queries.settlement_input(uow.session, credited)
    assert plain.products[0].uncredited == 0
    came(market, round_id, 12, damaged=2, uncredited=2)
    came(market, round_id, 12, damaged=2)  # counted again: the answer stays
    with market.books.open() as uow:
        finish_receiving(uow, FinishReceiving(round_id=round_id))
    settled(market, round_id)
    # All 12 kg are charged: 14.28 and 9 % VAT, paid by who got the 10 that were good.
    assert sum(market.owed(member) for member in market.members) == 1557


@pytest.mark.parametrize(("facts", "field"), [({"uncredited": 3}, "un"), ({"grams": 5}, "gr")])
def test_losses_that_were_not_there_are_refused(
    market: Market, facts: dict[str, int], field: str
) -> None:
    round_id = ordered(market)
    with pytest.raises(InvalidInputError) as refused:
        came(market, round_id, 12, damaged=2, **facts)
    assert str(refused.value.context["field"]).startswith(field)


def a_cheese_round(market: Market) -> int:
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="KAAS",
                name="Kaas",
                unit="stuk",
                price_excl_cents=650,
                vat_basis_points=900,
                grams_per_unit=500,
            ),
        )
    round_id = market.open_round()
    for member in ("L001", "L002"):
        market.pledge(round_id, member, KAAS=1)
    market.order(round_id)
    return round_id


def test_what_is_ordered_by_the_piece_is_paid_by_weight(market: Market) -> None:
    round_id = a_cheese_round(market)
    market.receive(round_id)
    market.invoice(round_id)
    with pytest.raises(GoodsNotWeighedError):
        market.settle(round_id)
    key = product(market, round_id, "KAAS")
    with market.books.open() as uow:
        receive_line(
            uow, ReceiveLine(round_id=round_id, round_product_id=key, delivered=2, grams=1100)
        )
        found = uow.session.get_one(PurchaseRound, (uow.tenant, round_id))
        pledges = {
            line.member_code: line.pledge_id
            for line in handing_queries.shared_lines(uow.session, found)
        }
        decide(uow, WeighPledge(round_id=round_id, pledge_id=pledges["L001"], grams=480))
    with pytest.raises(GoodsNotWeighedError):
        market.settle(round_id)
    with market.books.open() as uow:
        decide(uow, WeighPledge(round_id=round_id, pledge_id=pledges["L002"], grams=620))
    settled(market, round_id)
    # 1,100 g at 6.50 for 500 g is 14.30; 480 g of it is 6.24, and 9 % VAT is shared alike.
    assert [market.owed(member) for member in ("L001", "L002")] == [680, 879]


def test_a_letter_about_weighed_goods_has_the_weight_in_its_subject(market: Market) -> None:
    round_id = a_cheese_round(market)
    key = product(market, round_id, "KAAS")
    with market.books.open() as uow:
        uow.session.execute(
            text("update member set email = code || '@example.org' where cooperative_id = :id"),
            {"id": uow.tenant},
        )
        receive_line(
            uow, ReceiveLine(round_id=round_id, round_product_id=key, delivered=2, grams=1700)
        )
        found = uow.session.get_one(PurchaseRound, (uow.tenant, round_id))
        grams = {"L001": 480, "L002": 1220}
        for line in handing_queries.shared_lines(uow.session, found):
            weight = WeighPledge(
                round_id=round_id, pledge_id=line.pledge_id, grams=grams[line.member_code]
            )
            decide(uow, weight)
        finish_receiving(uow, FinishReceiving(round_id=round_id))
    settled(market, round_id)
    with market.books.open() as uow:
        told = {"round_id": round_id, "member_id": market.members["L002"], "version": 1}
        [letter] = round_mails("https://wijk.example.org")["mail.round-settled"](uow, told)
    assert letter.subject == "Afrekening van groente, Kaas 1.220 g"


# --- the hand-out


def checked(market: Market, round_id: int, *members: str) -> None:
    found = lines(market, round_id)
    with market.books.open() as uow:
        check_off(
            uow,
            CheckOff(
                round_id=round_id,
                pledge_ids=tuple(found[member].pledge_id for member in members),
            ),
        )


def test_checking_off_twice_is_once_and_is_taken_back(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id)
    checked(market, round_id, "L001", "L002")
    checked(market, round_id, "L001")
    pledge_id = lines(market, round_id)["L001"].pledge_id
    with market.books.open() as uow:
        check_off(uow, CheckOff(round_id=round_id, pledge_ids=(pledge_id,), is_undone=True))
    found = lines(market, round_id)
    assert [found[code].waits for code in ("L001", "L002", "L003")] == [True, False, True]
    with market.books.open() as uow:
        changes = history(uow.session, uow.tenant, f"pledge/{pledge_id}")
    assert [change.action for change in changes] == ["made", "handed-out", "handed-out"]


def test_nothing_is_handed_out_before_it_was_counted(market: Market) -> None:
    round_id = ordered(market)
    with pytest.raises(RoundStateError):
        checked(market, round_id, "L001")


def not_collected(
    market: Market, round_id: int, member: str, outcome: HandOutcome, to: str | None = None
) -> None:
    pledge_id = lines(market, round_id)[member].pledge_id
    with market.books.open() as uow:
        resolve_uncollected(
            uow,
            NotCollected(
                round_id=round_id,
                pledge_id=pledge_id,
                outcome=outcome,
                note="niet geweest",
                to_member_id=None if to is None else market.members[to],
            ),
        )


@pytest.mark.parametrize("buyer", ["L001", None])
def test_selling_on_changes_nobody_else(market: Market, buyer: str | None) -> None:
    round_id = ordered(market)
    market.receive(round_id, AARD=7)
    before = given(market, round_id)
    checked(market, round_id, "L001", "L002")

    not_collected(market, round_id, "L003", HandOutcome.SOLD_ON, to=buyer)

    after = given(market, round_id)
    assert after["L003"] == 0
    assert after["L002"] == before["L002"]
    assert after["L001"] == before["L001"] + (before["L003"] if buyer else 0)
    settled(market, round_id)
    assert market.owed("L003") == 0


def test_who_does_not_collect_may_pay_all_the_same(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id)
    not_collected(market, round_id, "L003", HandOutcome.CHARGED)
    settled(market, round_id)
    assert market.owed("L003") == 519
    with pytest.raises(RoundStateError):
        not_collected(market, round_id, "L003", HandOutcome.SOLD_ON)


def test_a_hand_out_that_is_over_asks_what_becomes_of_the_rest(
    market: Market, clock: Clock
) -> None:
    round_id = ordered(market)
    market.receive(round_id)
    checked(market, round_id, "L001")

    def waiting() -> list[int]:
        with market.books.open() as uow:
            found = handing_queries.uncollected(uow.session, uow.tenant, uow.now)
        return [members for _round, members in found]

    assert waiting() == []
    clock.advance(timedelta(days=1))
    assert waiting() == [2]
    not_collected(market, round_id, "L002", HandOutcome.KEPT)
    not_collected(market, round_id, "L003", HandOutcome.CHARGED)
    assert waiting() == [1]
    checked(market, round_id, "L002")
    assert waiting() == []


def test_a_settled_round_is_corrected_by_hand(market: Market) -> None:
    round_id = ordered(market)
    market.receive(round_id, AARD=9)
    settled(market, round_id)
    pledge_id = lines(market, round_id)["L001"].pledge_id
    share = SetShare(round_id=round_id, pledge_id=pledge_id, quantity=0, reason="nooit gekregen")
    with market.books.open() as uow:
        correct_round(
            uow, CorrectRound(round_id=round_id, reason="nooit gekregen", decisions=(share,))
        )
        assert ledger.last_number(uow.session, uow.tenant) == 3
    assert market.owed("L001") == 0
    assert given(market, round_id) == {"L001": 0, "L002": 5, "L003": 4}
    assert market.books.verify().fault is None


# --- pick-up times


def a_slot(market: Market, round_id: int, *, hours: int = 24, capacity: int | None = 1) -> int:
    with market.books.open() as uow:
        return add_slot(
            uow,
            AddSlot(
                round_id=round_id,
                starts_at=uow.now + timedelta(hours=hours),
                ends_at=uow.now + timedelta(hours=hours + 1),
                place="Buurthuis",
                capacity=capacity,
            ),
        )


def choose(market: Market, round_id: int, member: str, slot_id: int | None) -> None:
    with market.books.open() as uow:
        choose_slot(
            uow,
            ChooseSlot(round_id=round_id, member_id=market.members[member], slot_id=slot_id),
        )


def test_a_member_chooses_when_to_collect_and_a_full_time_is_refused(market: Market) -> None:
    round_id = ordered(market)
    early, late = a_slot(market, round_id), a_slot(market, round_id, hours=30)
    choose(market, round_id, "L001", early)
    with pytest.raises(SlotFullError):
        choose(market, round_id, "L002", early)
    choose(market, round_id, "L001", late)
    choose(market, round_id, "L002", early)
    with pytest.raises(InvalidInputError), market.books.open() as uow:
        remove_slot(uow, round_id, late)
    choose(market, round_id, "L001", None)
    with market.books.open() as uow:
        remove_slot(uow, round_id, late)
        [slot] = handing_queries.slots(uow.session, uow.tenant, round_id)
    assert (slot.taken, slot.is_full) == (1, True)


def test_the_last_place_is_given_once(market: Market) -> None:
    round_id = ordered(market)
    slot = a_slot(market, round_id)
    start, outcomes = threading.Barrier(2), list[str]()

    def want(member: str) -> None:
        start.wait()
        try:
            choose(market, round_id, member, slot)
            outcomes.append("chosen")
        except SlotFullError:
            outcomes.append("full")

    both = [threading.Thread(target=want, args=(member,)) for member in ("L001", "L002")]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(outcomes) == ["chosen", "full"]


def test_who_ordered_nothing_or_comes_too_late_does_not_choose(
    market: Market, clock: Clock
) -> None:
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=1)
    market.order(round_id)
    slot = a_slot(market, round_id)
    with pytest.raises(NotFoundError):
        choose(market, round_id, "L002", slot)
    clock.advance(timedelta(days=3))
    with pytest.raises(InvalidInputError):
        choose(market, round_id, "L001", slot)


def test_the_hand_out_list_goes_by_time_and_leaves_out_who_gets_nothing(market: Market) -> None:
    round_id = ordered(market)
    slot = a_slot(market, round_id)
    choose(market, round_id, "L003", slot)
    market.receive(round_id)
    by_hand(market, round_id, "L002", 0)
    with market.books.open() as uow:
        found = uow.session.get_one(PurchaseRound, (uow.tenant, round_id))
        listed = handing_queries.collectors(uow.session, found)
    assert [each.code for each in listed] == ["L003", "L001"]
