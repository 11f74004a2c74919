"""One finished round, taken along the same road as a live one, in one transaction."""

from __future__ import annotations

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.network.interchange.checks import RoundRows
from wijkeconomie.network.interchange.files import DELIVERIES, PLEDGES, ROUNDS
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.round_details import write_decisions, write_deposits
from wijkeconomie.network.interchange.rows_kept import remember_number, remember_spelling
from wijkeconomie.network.interchange.work import at_moment, on_day
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.invoicing import RecordInvoice, record_invoice
from wijkeconomie.purchasing.models import FreightKey, Product, ShortageRule, Supplier
from wijkeconomie.purchasing.pledges import PastPledge, record_past_pledges
from wijkeconomie.purchasing.receiving import (
    FinishReceiving,
    ReceiveLine,
    finish_receiving,
    receive_line,
)
from wijkeconomie.purchasing.rounds import (
    CancelRound,
    CloseRound,
    OrderRound,
    PlanRound,
    cancel_round,
    close_round,
    open_round,
    order_round,
    plan_round,
)
from wijkeconomie.purchasing.settling import SettleRound, preview_settlement, settle_round
from wijkeconomie.purchasing.uncharged import PastUncharged, record_past_uncharged

CANCEL_REASON = "Geannuleerd"
"""The folder does not tell why a round was cancelled."""


def import_round(uow: UnitOfWork, rows: RoundRows) -> None:
    """Plan, open, pledge, close; then cancel, or order, receive and settle, each on its day.

    Raises:
        DomainError: what the use cases refuse; the caller names the row.
    """
    opens, closes = rows.round["opens"], rows.round["closes"]
    round_id = plan_round(at_moment(uow, opens), _plan(uow, rows))
    open_round(at_moment(uow, opens), round_id, at=opens)
    products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
    write_deposits(at_moment(uow, opens), rows.details, round_id, products)
    _pledge(uow, rows, round_id)
    at_closing = at_moment(uow, closes)
    close_round(at_closing, CloseRound(round_id=round_id, at=closes))
    if rows.is_delivered:
        order_round(at_closing, OrderRound(round_id=round_id, at=closes))
        _receive(uow, rows, round_id)
        _settle(uow, rows, round_id)
    else:
        cancel_round(at_closing, CancelRound(round_id=round_id, reason=CANCEL_REASON, at=closes))
    remember_spelling(uow, ROUNDS, [rows.round])
    remember_spelling(uow, PLEDGES, rows.pledges)


def _plan(uow: UnitOfWork, rows: RoundRows) -> PlanRound:
    supplier_id = uow.session.scalars(
        select(Supplier.id).where(
            Supplier.cooperative_id == uow.tenant, Supplier.code == rows.round["supplier_id"]
        )
    ).one()
    asked = {row["sku"] for row in rows.pledges} | {row["sku"] for row in rows.deliveries}
    products = uow.session.scalars(
        select(Product.id)
        .where(
            Product.cooperative_id == uow.tenant,
            Product.supplier_id == supplier_id,
            Product.is_offered | Product.code.in_(asked),
        )
        .order_by(Product.id)
    )
    return PlanRound(
        code=rows.code,
        theme=rows.round["theme"],
        supplier_id=supplier_id,
        opens_at=rows.round["opens"],
        closes_at=rows.round["closes"],
        delivery_on=rows.round["delivery_date"],
        freight_excl_cents=rows.round["shipping_excl_cents"],
        freight_key=FreightKey(rows.round["shipping_key"]),
        shortage_rule=ShortageRule(rows.round["shortage_rule"]),
        surplus_rule=SurplusRule(rows.details.surplus_rule),
        product_ids=tuple(products),
    )


def _pledge(uow: UnitOfWork, rows: RoundRows, round_id: int) -> None:
    products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
    members = {
        row[0]: row[1]
        for row in uow.session.execute(
            select(Member.code, Member.id).where(
                Member.cooperative_id == uow.tenant,
                Member.code.in_({row["member_id"] for row in rows.pledges}),
            )
        )
    }
    record_past_pledges(
        uow,
        round_id,
        [
            PastPledge(
                code=row["pledge_id"],
                member_id=members[row["member_id"]],
                round_product_id=products[row["sku"]],
                quantity=row["quantity"],
                pledged_at=row["pledged_at"],
                is_withdrawn=row["withdrawn"],
            )
            for row in rows.pledges
        ],
    )


def _receive(uow: UnitOfWork, rows: RoundRows, round_id: int) -> None:
    products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
    last = rows.round["closes"]
    for row in rows.deliveries:
        at_arrival = on_day(uow, row["delivered_on"])
        last = max(last, at_arrival.now)
        receive_line(
            at_arrival,
            ReceiveLine(
                round_id=round_id,
                round_product_id=products[row["sku"]],
                delivered=row["delivered_quantity"],
                damaged=row["damaged_quantity"],
                reason=row["reason"],
                delivered_on=row["delivered_on"],
                uncredited=_uncredited(rows, row["sku"]),
            ),
        )
        remember_number(uow, DELIVERIES, row, f"{rows.code}-{row['sku']}")
    finish_receiving(at_moment(uow, last), FinishReceiving(round_id=round_id, at=last))
    write_decisions(at_moment(uow, last), rows.details, round_id, products)


def _uncredited(rows: RoundRows, sku: str) -> int:
    decided = rows.details.deliveries.get(sku)
    return 0 if decided is None else decided["uncredited_quantity"]


def _settle(uow: UnitOfWork, rows: RoundRows, round_id: int) -> None:
    received = queries.round_by_id(uow.session, uow.tenant, round_id).received_at
    at_settling = at_moment(uow, received or rows.round["closes"])
    if rows.invoice is not None:
        on_paper = on_day(uow, rows.invoice["invoice_date"])
        at_settling = max(at_settling, on_paper, key=lambda each: each.now)
        record_invoice(
            on_paper,
            RecordInvoice(
                round_id=round_id,
                code=rows.invoice["invoice_id"],
                invoiced_on=rows.invoice["invoice_date"],
                net_cents=rows.invoice["net_cents"],
                vat_cents=rows.invoice["vat_cents"],
                note=rows.invoice["note"],
                deposit_cents=rows.details.invoice_deposits.get(rows.invoice["invoice_id"]),
            ),
        )
    if (uncharged := rows.details.uncharged) is not None:
        _settle_uncharged(at_settling, uncharged, round_id)
        return
    # Only deposits can differ from what came: the rest was looked at before.
    accepted = preview_settlement(at_settling, round_id).deposits.difference_cents
    settle_round(
        at_settling,
        SettleRound(
            round_id=round_id, at=at_settling.now, accepted_difference_cents=accepted or None
        ),
    )


def _settle_uncharged(uow: UnitOfWork, terms: Row, round_id: int) -> None:
    record_past_uncharged(
        uow,
        PastUncharged(
            round_id=round_id,
            reason=terms["uncharged_reason"],
            asked_by=terms["uncharged_asked_by"],
            approved_by=terms["uncharged_approved_by"],
        ),
    )
