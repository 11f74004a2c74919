"""Rounds against a model: whatever members, coordinator and supplier do, guards and money hold.

The model knows the road of a round and counts the books; how goods are shared is not repeated
here, but what has to be true of it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.purchasing import handing_queries, queries, settlement_queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.deciding import (
    ChooseRules,
    KeepAsStock,
    SetShare,
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
from wijkeconomie.purchasing.invoicing import (
    RecordInvoice,
    WithdrawInvoice,
    record_invoice,
    withdraw_invoice,
)
from wijkeconomie.purchasing.models import PurchaseRound, RoundState, ShortageRule
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.refusals import (
    GoodsCameError,
    LinesNotReceivedError,
    NothingPledgedError,
    RoundNotOpenError,
    RoundStateError,
    UndecidedUnitsError,
)
from wijkeconomie.purchasing.rounds import (
    CancelRound,
    CloseRound,
    OrderRound,
    cancel_round,
    close_round,
    order_round,
)
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product

MEMBERS = ("L001", "L002", "L003")
PRODUCTS = ("AARD", "ZEEP")
STEPS = ("pledge", "close", "count", "finish", "share", "settle", "cancel")
ALLOWED = {
    "open": {"pledge", "close", "cancel"},
    "ordered": {"count", "finish", "share", "cancel"},
    "received": {"count", "share", "settle", "cancel"},
    "settled": set[str](),
    "cancelled": set[str](),
}
WHO = st.sampled_from(MEMBERS)
WHAT = st.sampled_from(PRODUCTS)
COUNT = st.integers(0, 9)


class PowerCutError(Exception):
    """The machine stops in the middle of a transaction."""


@dataclass
class Model:
    """What a round has to be: its state, what was said by hand, and what was pledged."""

    round_id: int
    state: str = "open"
    pledged: dict[tuple[str, str], int] = field(default_factory=dict)
    came: dict[str, int] = field(default_factory=dict)
    by_hand: dict[int, int] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)

    @property
    def ordered(self) -> set[str]:
        """Products of which there is a line."""
        return {code for (_member, code), count in self.pledged.items() if count}


def at(*states: str) -> Callable[[RoundsModel], bool]:
    """When a rule makes sense; what is refused at other moments has a rule of its own."""
    return lambda machine: hasattr(machine, "now") and machine.now.state in states


class RoundsModel(RuleBasedStateMachine):
    """One round after another, with everything that can be done at any moment."""

    units_of_work: UnitOfWorkFactory
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.paid: dict[str, int] = dict.fromkeys(MEMBERS, 0)
        self.rounds = 0

    @initialize(
        rule_=st.sampled_from(ShortageRule),
        surplus=st.sampled_from(SurplusRule),
        price_units=st.sampled_from([1, 7]),
    )
    def open_market(self, rule_: ShortageRule, surplus: SurplusRule, price_units: int) -> None:
        self.market: Market = a_market(self.units_of_work, self.clock)
        with self.market.books.open() as uow:
            # At 8.31 for 7 kg no kilo has a price of whole cents.
            potatoes = SaveProduct(
                supplier_code="S1",
                code="AARD",
                name="Aardappelen",
                unit="kg",
                price_excl_cents=119 if price_units == 1 else 831,
                price_units=price_units,
                vat_basis_points=900,
                max_per_member=50,
            )
            save_product(uow, potatoes)
        self._open(rule_, surplus)

    def _open(self, rule_: ShortageRule, surplus: SurplusRule) -> None:
        self.now = Model(self.market.open_round(shortage_rule=rule_, freight=self.rounds * 137))
        self.rounds += 1
        with self.market.books.open() as uow:
            choose_rules(uow, ChooseRules(round_id=self.now.round_id, surplus_rule=surplus))
        for number, member in enumerate(MEMBERS):
            self.market.pledge(self.now.round_id, member, AARD=3 + number)
            self.now.pledged[member, "AARD"] = 3 + number

    def product(self, uow: UnitOfWork, code: str) -> int:
        return queries.product_ids_by_code(uow.session, uow.tenant, self.now.round_id)[code]

    def shared(self, uow: UnitOfWork) -> list[SharedLine]:
        found = uow.session.get_one(PurchaseRound, (uow.tenant, self.now.round_id))
        return handing_queries.shared_lines(uow.session, found)

    @rule(step=st.sampled_from(STEPS), member=WHO)
    def take_a_step_out_of_turn(self, step: str, member: str) -> None:
        """Every step that the state does not allow is refused, and changes nothing."""
        if step in ALLOWED[self.now.state]:
            return
        with pytest.raises((RoundStateError, RoundNotOpenError)):
            self.take(step, member)

    def take(self, step: str, member: str) -> None:
        """Take a step of the road as it comes."""
        key = self.now.round_id
        with self.market.books.open() as uow:
            line = self.product(uow, "AARD")
            if step == "pledge":
                lines = (PledgeLine(line, 1),)
                member_id = self.market.members[member]
                save_pledges(uow, SavePledges(round_id=key, member_id=member_id, lines=lines))
            elif step == "close":
                close_round(uow, CloseRound(round_id=key))
            elif step == "count":
                receive_line(uow, ReceiveLine(round_id=key, round_product_id=line, delivered=0))
            elif step == "finish":
                finish_receiving(uow, FinishReceiving(round_id=key))
            elif step == "share":
                decide(uow, KeepAsStock(round_id=key, round_product_id=line, quantity=1))
            elif step == "settle":
                settle_round(uow, SettleRound(round_id=key))
            else:
                cancel_round(uow, CancelRound(round_id=key, reason="te laat"))

    # --- members

    @precondition(at("open"))
    @rule(member=WHO, code=WHAT, count=COUNT)
    def pledge(self, member: str, code: str, count: int) -> None:
        self.market.pledge(self.now.round_id, member, **{code: count})
        self.now.pledged[member, code] = count

    # --- the road

    @precondition(at("open"))
    @rule(cut=st.booleans())
    def close_and_order(self, *, cut: bool) -> None:
        """Close and order in one transaction, as the page does; sometimes the power fails."""

        def act() -> None:
            with self.market.books.open() as uow:
                close_round(uow, CloseRound(round_id=self.now.round_id))
                order_round(uow, OrderRound(round_id=self.now.round_id))
                if cut:
                    raise PowerCutError

        if not self.now.ordered:
            with pytest.raises(NothingPledgedError):
                act()
        elif cut:
            with pytest.raises(PowerCutError):
                act()
        else:
            act()
            self.now.state = "ordered"

    @precondition(at("ordered", "received"))
    @rule(code=WHAT, came=st.integers(0, 30), damaged=st.integers(0, 3), charged=st.booleans())
    def count_line(self, code: str, came: int, damaged: int, *, charged: bool) -> None:
        damaged = min(damaged, came)
        with self.market.books.open() as uow:
            line = ReceiveLine(
                round_id=self.now.round_id,
                round_product_id=self.product(uow, code),
                delivered=came,
                damaged=damaged,
                uncredited=damaged if charged else 0,
                reason="geteld",
            )
            receive_line(uow, line)
        self.now.came[code] = came

    @precondition(at("ordered"))
    @rule(more=st.integers(-4, 4))
    def count_everything(self, more: int) -> None:
        """Count each line that was ordered, about as much as was."""
        with self.market.books.open() as uow:
            lines = settlement_queries.deliveries(uow.session, uow.tenant, self.now.round_id)
            for line in lines:
                came = max(line.ordered + more, 0)
                receive_line(
                    uow,
                    ReceiveLine(
                        round_id=self.now.round_id,
                        round_product_id=line.round_product_id,
                        delivered=came,
                        reason="geteld",
                    ),
                )
                self.now.came[line.product_code] = came

    @precondition(at("ordered"))
    @rule()
    def finish(self) -> None:
        def act() -> None:
            with self.market.books.open() as uow:
                finish_receiving(uow, FinishReceiving(round_id=self.now.round_id))

        if self.now.ordered - self.now.came.keys():
            with pytest.raises(LinesNotReceivedError):
                act()
        else:
            act()
            self.now.state = "received"

    # --- by hand

    @precondition(at("ordered", "received"))
    @rule(which=st.integers(0, 5), quantity=st.none() | st.integers(0, 9))
    def set_by_hand(self, which: int, quantity: int | None) -> None:
        with self.market.books.open() as uow:
            lines = self.shared(uow)
        if not lines:
            return
        pledge_id = lines[which % len(lines)].pledge_id
        command = SetShare(
            round_id=self.now.round_id, pledge_id=pledge_id, quantity=quantity, reason="gevraagd"
        )
        with self.market.books.open() as uow:
            decide(uow, command)
        self.now.by_hand.pop(pledge_id, None)
        if quantity is not None:
            self.now.by_hand[pledge_id] = quantity

    @precondition(at("ordered", "received"))
    @rule()
    def leave_it_to_the_rule(self) -> None:
        with self.market.books.open() as uow:
            for pledge_id in self.now.by_hand:
                decide(
                    uow,
                    SetShare(round_id=self.now.round_id, pledge_id=pledge_id, quantity=None),
                )
        self.now.by_hand = {}

    @precondition(at("ordered", "received"))
    @rule(code=WHAT)
    def keep_what_is_left(self, code: str) -> None:
        """Resolve what waits of a product, where it is not too little, by keeping it."""
        if code not in self.now.came:
            return
        with self.market.books.open() as uow:
            result = preview_settlement(uow, self.now.round_id).result
            key = self.product(uow, code)
            left = result.cooperative.surplus.get(key, 0)
            decide(
                uow, KeepAsStock(round_id=self.now.round_id, round_product_id=key, quantity=left)
            )
        with self.market.books.open() as uow:
            again = preview_settlement(uow, self.now.round_id).result
        assert again.open_units.get(key, 0) <= 0

    # --- the hand-out

    @precondition(at("received", "settled"))
    @rule(which=st.integers(0, 5))
    def tick_off(self, which: int) -> None:
        with self.market.books.open() as uow:
            lines = self.shared(uow)
        if not lines:
            return
        command = CheckOff(
            round_id=self.now.round_id, pledge_ids=(lines[which % len(lines)].pledge_id,)
        )
        with self.market.books.open() as uow:
            check_off(uow, command)

    @precondition(at("received"))
    @rule(which=st.integers(0, 5), buyer=st.none() | WHO)
    def sell_on(self, which: int, buyer: str | None) -> None:
        """Selling on changes the seller and the buyer, and nobody else."""
        with self.market.books.open() as uow:
            before = self.shared(uow)
        sold = before[which % len(before)]
        if not sold.quantity or sold.member_code == buyer:
            return
        with self.market.books.open() as uow:
            resolve_uncollected(
                uow,
                NotCollected(
                    round_id=self.now.round_id,
                    pledge_id=sold.pledge_id,
                    outcome=HandOutcome.SOLD_ON,
                    note="niet geweest",
                    to_member_id=None if buyer is None else self.market.members[buyer],
                ),
            )
        with self.market.books.open() as uow:
            after = self.shared(uow)
        told = {line.pledge_id: line.quantity for line in before}
        for line in after:
            if line.round_product_id != sold.round_product_id:
                assert line.quantity == told[line.pledge_id]
            elif line.pledge_id == sold.pledge_id:
                assert line.quantity == 0
            elif line.member_code == buyer:
                assert line.quantity == told.get(line.pledge_id, 0) + sold.quantity
            else:
                assert line.quantity == told[line.pledge_id]
            if line.is_by_hand:
                self.now.by_hand[line.pledge_id] = line.quantity

    # --- money

    @precondition(at("received"))
    @rule(cut=st.booleans(), difference=st.integers(-30, 30))
    def settle(self, *, cut: bool, difference: int) -> None:
        with self.market.books.open() as uow:
            preview = preview_settlement(uow, self.now.round_id)
        expected = preview.result
        more = difference if expected.net_cents + difference > 0 and expected.gross_cents else 0
        if expected.gross_cents:
            with self.market.books.open() as uow:
                record_invoice(
                    uow,
                    RecordInvoice(
                        round_id=self.now.round_id,
                        code=f"F{self.now.round_id}",
                        invoiced_on=uow.now.date(),
                        net_cents=expected.net_cents + more,
                        vat_cents=expected.vat_cents,
                    ),
                )
        else:
            self._take_invoice_back()
        command = SettleRound(round_id=self.now.round_id, accepted_difference_cents=more or None)

        def act() -> None:
            with self.market.books.open() as uow:
                settle_round(uow, command)
                if cut:
                    raise PowerCutError

        if expected.open_units:
            with pytest.raises(UndecidedUnitsError):
                act()
        elif cut:
            with pytest.raises(PowerCutError):
                act()
        else:
            act()
            self.now.state = "settled"
            self._charge(expected.gross_per_member())

    def _take_invoice_back(self) -> None:
        """Of nothing that came there is no invoice; one of an earlier count is not it."""
        with self.market.books.open() as uow:
            if settlement_queries.invoice(uow.session, uow.tenant, self.now.round_id) is not None:
                withdraw_invoice(
                    uow, WithdrawInvoice(round_id=self.now.round_id, reason="niets gekomen")
                )

    def _charge(self, gross: dict[int, int]) -> None:
        """Put the new amounts in place of those before, by member."""
        names = {key: code for code, key in self.market.members.items()}
        for code, cents in self.now.charged.items():
            self.paid[code] -= cents
        self.now.charged = {names[key]: cents for key, cents in gross.items()}
        for code, cents in self.now.charged.items():
            self.paid[code] += cents

    @precondition(at("settled"))
    @rule(code=WHAT, came=st.integers(0, 30), which=st.integers(0, 5))
    def correct(self, code: str, came: int, which: int) -> None:
        """A correction either ties or is refused as a whole."""
        if code not in self.now.came:
            return
        with self.market.books.open() as uow:
            lines = self.shared(uow)
            key = self.product(uow, code)
            known = settlement_queries.invoice(uow.session, uow.tenant, self.now.round_id)
        if known is None:
            return
        pledge_id = lines[which % len(lines)].pledge_id
        command = CorrectRound(
            round_id=self.now.round_id,
            reason="geteld",
            lines=(
                ReceiveLine(
                    round_id=self.now.round_id,
                    round_product_id=key,
                    delivered=came,
                    reason="geteld",
                ),
            ),
            decisions=(
                SetShare(
                    round_id=self.now.round_id, pledge_id=pledge_id, quantity=1, reason="gezien"
                ),
            ),
        )
        try:
            with self.market.books.open() as uow:
                more = preview_correction(uow, command).difference_cents
                correct_round(uow, replace(command, accepted_difference_cents=more))
                result = preview_settlement(uow, self.now.round_id).result
        except DomainError:
            return
        self.now.by_hand[pledge_id] = 1
        self._charge(result.gross_per_member())

    @precondition(at("settled", "cancelled"))
    @rule(
        rule_=st.sampled_from(ShortageRule),
        surplus=st.sampled_from(SurplusRule),
        days=st.integers(0, 2),
    )
    def begin_the_next(self, rule_: ShortageRule, surplus: SurplusRule, days: int) -> None:
        self.clock.advance(timedelta(days=days))
        self._open(rule_, surplus)

    @precondition(at("open", "ordered", "received"))
    @rule(sure=st.integers(0, 9))
    def cancel(self, sure: int) -> None:
        """A round of which nothing came can end; rarely, so that others get far."""
        if sure != 7:
            return

        def act() -> None:
            with self.market.books.open() as uow:
                cancel_round(uow, CancelRound(round_id=self.now.round_id, reason="geen tijd"))

        if any(self.now.came.values()):
            with pytest.raises(GoodsCameError):
                act()
        else:
            act()
            self.now.state = "cancelled"

    # --- onwards: without these few rounds would get far

    @precondition(at("open", "ordered"))
    @rule(more=st.integers(-4, 4))
    def go_on_to_received(self, more: int) -> None:
        if self.now.state == "open" and self.now.ordered:
            self.close_and_order(cut=False)
        if self.now.state == "ordered":
            self.count_everything(more)
            self.finish()

    @precondition(at("received"))
    @rule(difference=st.integers(-30, 30))
    def decide_and_settle(self, difference: int) -> None:
        with self.market.books.open() as uow:
            waiting = preview_settlement(uow, self.now.round_id).result.open_units
            for key in waiting:
                keep = KeepAsStock(round_id=self.now.round_id, round_product_id=key, quantity=None)
                decide(uow, keep)
        with self.market.books.open() as uow:
            waiting = preview_settlement(uow, self.now.round_id).result.open_units
        if any(units < 0 for units in waiting.values()):
            self.leave_it_to_the_rule()
        for code in sorted(self.now.came):
            self.keep_what_is_left(code)
        self.settle(cut=False, difference=difference)
        assert self.now.state == "settled"

    # --- what is always true

    @invariant()
    def the_state_is_the_model_s(self) -> None:
        if not hasattr(self, "market"):
            return
        with self.market.books.open() as uow:
            found = queries.round_by_id(uow.session, uow.tenant, self.now.round_id)
        assert found.state is RoundState(self.now.state)

    @invariant()
    def money_ties(self) -> None:
        if not hasattr(self, "market"):
            return
        with self.market.books.open() as uow:
            owed = ledger.party_balances(uow.session, uow.tenant, "member_account")
            versions = settlement_queries.settlements(uow.session, uow.tenant, self.now.round_id)
            invoice = settlement_queries.invoice(uow.session, uow.tenant, self.now.round_id)
        assert {code: owed.get(code, 0) for code in MEMBERS} == self.paid
        for version in versions:
            assert version.supplier_gross_cents == (
                version.members_gross_cents + version.cooperative_gross_cents
            )
        if versions and invoice is not None:
            assert versions[-1].supplier_gross_cents == invoice.gross_cents
            assert versions[-1].members_gross_cents == sum(self.now.charged.values())

    @invariant()
    def what_came_is_given_left_or_waits(self) -> None:
        if not hasattr(self, "market") or self.now.state in {"open", "cancelled"}:
            return
        with self.market.books.open() as uow:
            lines = self.shared(uow)
            result = preview_settlement(uow, self.now.round_id).result
            came = settlement_queries.deliveries(uow.session, uow.tenant, self.now.round_id)
        for line in lines:
            if line.pledge_id in self.now.by_hand:
                assert line.quantity == self.now.by_hand[line.pledge_id]
        for each in came:
            given = sum(
                line.quantity for line in lines if line.round_product_id == each.round_product_id
            )
            left = result.cooperative.surplus.get(each.round_product_id, 0)
            if given > each.usable:
                assert result.open_units[each.round_product_id] == each.usable - given
            else:
                assert given + left == each.usable
        if self.now.state == "settled":
            assert result.open_units == {}

    def teardown(self) -> None:
        if hasattr(self, "market"):
            assert self.market.books.verify().fault is None


def test_rounds_are_what_the_model_says(units_of_work: UnitOfWorkFactory, clock: Clock) -> None:
    RoundsModel.units_of_work = units_of_work
    RoundsModel.clock = clock
    run_state_machine_as_test(
        RoundsModel,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
