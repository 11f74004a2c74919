"""One round as three people would play it: two members, a coordinator and a treasurer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries, settlement_queries, supplier_queries
from wijkeconomie.purchasing.invoicing import RecordInvoice, record_invoice
from wijkeconomie.purchasing.models import FreightKey
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.rounds import (
    CloseRound,
    OrderRound,
    PlanRound,
    close_round,
    open_round,
    order_round,
    plan_round,
)
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round

SUPPLIER = "LEV1"
ORDERS: Mapping[str, Mapping[str, int]] = {
    "M101": {"AK-AARD": 10, "AK-PREI": 3, "AK-TAS": 1},
    "M103": {"AK-AARD": 7, "AK-APPL": 5, "AK-PREI": 2},
    "M105": {"AK-AARD": 8, "AK-APPL": 4, "AK-TAS": 2},
}
"""What members order, by member number and product."""
SHORT = {"AK-AARD": (22, 2), "AK-PREI": (4, 0)}
"""What comes of products that do not come whole: delivered, and damaged of those."""


@dataclass(frozen=True, slots=True)
class Step:
    """What someone did, in words for the table, with an amount where there is one."""

    who: str
    text: str
    cents: int | None = None


@dataclass(frozen=True, slots=True)
class Player:
    """Someone who signs in: how he opens a unit of work, and who he is."""

    name: str
    begin: Callable[[], AbstractContextManager[UnitOfWork]]


@dataclass(frozen=True, slots=True)
class Players:
    """Who plays: members by their number, the coordinator and the treasurer."""

    members: Mapping[str, Player]
    coordinator: Player
    treasurer: Player


@dataclass(frozen=True, slots=True)
class PlayedRound:
    """A settled round and the steps to it."""

    code: str
    entry_number: int | None
    settled_on: datetime
    steps: list[Step]


def play_round(players: Players) -> PlayedRound:
    """Plan, pledge, close, order, receive short, and settle; each step by who would take it."""
    steps: list[Step] = []
    round_id, code = _plan(players.coordinator, steps, theme="groente en fruit", days=2)
    for member_code, order in ORDERS.items():
        _pledge(players.members[member_code], round_id, order, steps)
    _close_and_order(players.coordinator, round_id, steps)
    _receive_short(players.coordinator, round_id, steps)
    settled_on = _settle(players.treasurer, round_id, code, steps)
    with players.treasurer.begin() as uow:
        [settlement] = settlement_queries.settlements(uow.session, uow.tenant, round_id)
    return PlayedRound(code, settlement.entry_number, settled_on, steps)


def plan_open_round(players: Players) -> str:
    """Leave a round open for a visitor to pledge in; its code."""
    _, code = _plan(players.coordinator, [], theme="groente voor deze week", days=5)
    return code


def _plan(coordinator: Player, steps: list[Step], *, theme: str, days: int) -> tuple[int, str]:
    with coordinator.begin() as uow:
        [supplier] = [
            each
            for each in supplier_queries.suppliers(uow.session, uow.tenant)
            if each.code == SUPPLIER
        ]
        closes_at = _at_eight(uow.now + timedelta(days=days))
        round_id = plan_round(
            uow,
            PlanRound(
                theme=theme,
                supplier_id=supplier.id,
                opens_at=uow.now,
                closes_at=closes_at,
                delivery_on=local_date(closes_at, LOCAL_TIME) + timedelta(days=2),
                freight_excl_cents=1250,
                freight_key=FreightKey.VALUE,
            ),
        )
        open_round(uow, round_id)
        code = queries.round_by_id(uow.session, uow.tenant, round_id).code
    steps.append(Step(coordinator.name, f"opens round {code} at {supplier.name}"))
    return round_id, code


def _at_eight(moment: datetime) -> datetime:
    """Eight in the evening of that day, where the cooperative is."""
    return moment.astimezone(LOCAL_TIME).replace(hour=20, minute=0, second=0, microsecond=0)


def _pledge(member: Player, round_id: int, order: Mapping[str, int], steps: list[Step]) -> None:
    with member.begin() as uow:
        products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
        member_id = uow.identity.member_id
        if member_id is None:
            raise AssertionError("a member's login has a member")
        save_pledges(
            uow,
            SavePledges(
                round_id=round_id,
                member_id=member_id,
                lines=tuple(PledgeLine(products[sku], quantity) for sku, quantity in order.items()),
            ),
        )
        reserved = queries.reserved_cents(uow.session, uow.tenant, member_id)
    steps.append(Step(member.name, f"orders {len(order)} products; reserved", reserved))


def _close_and_order(coordinator: Player, round_id: int, steps: list[Step]) -> None:
    with coordinator.begin() as uow:
        close_round(uow, CloseRound(round_id=round_id))
        order_round(uow, OrderRound(round_id=round_id))
        found = queries.round_by_id(uow.session, uow.tenant, round_id)
    text = f"closes with {found.pledgers} members and orders, without VAT"
    steps.append(Step(coordinator.name, text, found.pledged_net_cents))


def _receive_short(coordinator: Player, round_id: int, steps: list[Step]) -> None:
    with coordinator.begin() as uow:
        for offered in queries.offered_products(uow.session, uow.tenant, round_id):
            if not offered.pledged:
                continue
            delivered, damaged = SHORT.get(offered.code, (offered.pledged, 0))
            receive_line(
                uow,
                ReceiveLine(
                    round_id=round_id,
                    round_product_id=offered.id,
                    delivered=delivered,
                    damaged=damaged,
                    reason=None if delivered == offered.pledged else "minder geoogst",
                ),
            )
            if delivered - damaged < offered.pledged:
                text = (
                    f"receives {delivered} of {offered.pledged} {offered.unit} {offered.name}"
                    f", {damaged} damaged"
                )
                steps.append(Step(coordinator.name, text))
        finish_receiving(uow, FinishReceiving(round_id=round_id))


def _settle(treasurer: Player, round_id: int, code: str, steps: list[Step]) -> datetime:
    with treasurer.begin() as uow:
        expected = preview_settlement(uow, round_id).result
        # The supplier charges what was usable, so its invoice is what was computed.
        record_invoice(
            uow,
            RecordInvoice(
                round_id=round_id,
                code=f"F-{code}",
                invoiced_on=local_date(uow.now, LOCAL_TIME),
                net_cents=expected.net_cents,
                vat_cents=expected.vat_cents,
            ),
        )
        steps.append(Step(treasurer.name, "enters the supplier's invoice", expected.gross_cents))
        settle_round(uow, SettleRound(round_id=round_id))
        settled = preview_settlement(uow, round_id).members
        steps.extend(Step("", f"{each.name} pays", each.gross_cents) for each in settled)
        steps.append(Step(treasurer.name, "settles; members pay", expected.members_gross_cents))
        return uow.now
