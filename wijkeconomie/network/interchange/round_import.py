"""One finished round, taken along the same road as a live one, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import false, select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.network.interchange.expected import product_terms
from wijkeconomie.network.interchange.files import DELIVERIES, PLEDGES, ROUNDS
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.resuming import resume
from wijkeconomie.network.interchange.round_details import write_decisions
from wijkeconomie.network.interchange.round_moments import moments_of
from wijkeconomie.network.interchange.round_rows import RoundRows, Surroundings
from wijkeconomie.network.interchange.rows_kept import remember_number, remember_spelling
from wijkeconomie.network.interchange.stored_details import CANCEL_REASON
from wijkeconomie.network.interchange.work import at_moment, on_day
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.invoicing import RecordInvoice, record_invoice
from wijkeconomie.purchasing.models import FreightKey, Product, ShortageRule, Supplier
from wijkeconomie.purchasing.past_pledges import (
    PastPledge,
    record_past_gifts,
    record_past_pledges,
)
from wijkeconomie.purchasing.past_terms import PastTerms, record_past_replacements
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
from wijkeconomie.purchasing.settling import (
    SettleRound,
    allocate_round,
    preview_settlement,
    settle_round,
)
from wijkeconomie.purchasing.uncharged import PastUncharged, record_past_uncharged


@dataclass(frozen=True, slots=True)
class _Import:
    """A round on its way in: its rows, what they are judged by, and its products by code."""

    uow: UnitOfWork
    rows: RoundRows
    around: Surroundings
    round_id: int
    products: Mapping[str, int]


def import_round(uow: UnitOfWork, rows: RoundRows, around: Surroundings) -> None:
    """Plan, open, pledge, close; then cancel, or order, receive and settle, each on its day.

    A round that is not finished takes the steps that it took, and goes on from there.

    What the folder tells of terms, of what closing came to and of later decisions is taken as it
    is told; nobody gets a mail, since all of it was told when it happened.

    Raises:
        DomainError: what the use cases refuse; the caller names the row.
    """
    times = moments_of(rows)
    past = _plan(uow, rows, around)
    round_id = past.round_id
    if times.opened is not None:
        open_round(at_moment(uow, times.opened), round_id, at=times.opened)
        record_past_pledges(uow, round_id, _pledges(past, are_gifts=False))
    if times.closed is not None:
        closing = CloseRound(round_id=round_id, at=times.closed, is_fixed=True)
        close_round(at_moment(uow, times.closed), closing)
    if times.ordered is not None:
        at_ordering = at_moment(uow, times.ordered)
        order_round(at_ordering, OrderRound(round_id=round_id, at=times.ordered))
        record_past_gifts(at_ordering, round_id, _pledges(past, are_gifts=True))
        _receive(past, times.received)
        _invoice(past)
    if times.allocated is not None:
        allocate_round(at_moment(uow, times.allocated), round_id, at=times.allocated)
    if times.settled is not None:
        _settle(past, times.settled, times.accounting_date)
    if times.cancelled is not None:
        reason = times.cancel_reason or CANCEL_REASON
        cancelled = CancelRound(round_id=round_id, reason=reason, at=times.cancelled)
        cancel_round(at_moment(uow, times.cancelled), cancelled)
    if rows.is_finished:
        remember_spelling(uow, ROUNDS, [rows.round])
        remember_spelling(uow, PLEDGES, rows.pledges)
    else:
        resume(uow, rows, round_id)


def _plan(uow: UnitOfWork, rows: RoundRows, around: Surroundings) -> _Import:
    supplier_id = uow.session.scalars(
        select(Supplier.id).where(
            Supplier.cooperative_id == uow.tenant, Supplier.code == rows.round["supplier_id"]
        )
    ).one()
    terms = _terms(uow, rows, around, supplier_id)
    plan = PlanRound(
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
        product_ids=tuple(terms),
    )
    # A draft may be to open in the future.
    planned_at = min(rows.round["opens"], uow.now)
    round_id = plan_round(at_moment(uow, planned_at), plan, terms)
    products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
    replaced = {
        products[sku]: products[row["replaces"]]
        for sku, row in rows.details.products.items()
        if row["replaces"] is not None
    }
    record_past_replacements(uow, round_id, replaced)
    return _Import(uow, rows, around, round_id, products)


def _terms(
    uow: UnitOfWork, rows: RoundRows, around: Surroundings, supplier_id: int
) -> dict[int, PastTerms]:
    """The products of a round with their terms: those that the rows are about, in their order.

    After them stand those that a finished round can have offered besides: what the supplier
    offers now.
    """
    told = rows.details.products.values()
    asked = [*rows.skus(), *(row["replaces"] for row in told if row["replaces"] is not None)]
    besides = (Product.supplier_id == supplier_id) & Product.is_offered
    found = uow.session.execute(
        select(Product.code, Product.id)
        .where(
            Product.cooperative_id == uow.tenant,
            Product.code.in_(asked) | (besides if rows.is_finished else false()),
        )
        .order_by(Product.id)
    )
    keys = {row[0]: row[1] for row in found if row[0] in around.products}
    ordered = dict.fromkeys((*asked, *keys))
    return {keys[sku]: product_terms(rows, sku, around) for sku in ordered}


def _pledges(past: _Import, *, are_gifts: bool) -> list[PastPledge]:
    rows, uow = past.rows, past.uow
    chosen = [row for row in rows.pledges if rows.is_gift(row) == are_gifts]
    members = {
        row[0]: row[1]
        for row in uow.session.execute(
            select(Member.code, Member.id).where(
                Member.cooperative_id == uow.tenant,
                Member.code.in_({row["member_id"] for row in chosen}),
            )
        )
    }
    return [_pledge(past, row, members[row["member_id"]]) for row in chosen]


def _pledge(past: _Import, row: Row, member_id: int) -> PastPledge:
    plain = PastPledge(
        code=row["pledge_id"],
        member_id=member_id,
        round_product_id=past.products[row["sku"]],
        quantity=row["quantity"],
        pledged_at=row["pledged_at"],
        is_withdrawn=row["withdrawn"],
    )
    told = past.rows.details.pledges.get(row["pledge_id"])
    if told is None:
        return plain
    later = zip(told["later_at"] or (), told["later_quantities"] or (), strict=True)
    same = (
        *("withdrawn_at", "tolerance", "max_price_excl_cents", "allotted_quantity"),
        *("dropout", "origin", "instead_of"),
    )
    facts = {name: told[name] for name in same}
    return replace(plain, **facts, later=tuple(later), was_member=True)


def _receive(past: _Import, received: datetime | None) -> None:
    """Enter what came, then what was decided of it; ``received``: when all had been entered."""
    uow, rows = past.uow, past.rows
    for row in rows.deliveries:
        decided = rows.details.deliveries.get(row["sku"])
        receive_line(
            on_day(uow, row["delivered_on"]),
            ReceiveLine(
                round_id=past.round_id,
                round_product_id=past.products[row["sku"]],
                delivered=row["delivered_quantity"],
                damaged=row["damaged_quantity"],
                reason=row["reason"],
                delivered_on=row["delivered_on"],
                uncredited=0 if decided is None else decided["uncredited_quantity"],
                grams=None if decided is None else decided["grams"],
            ),
        )
        if rows.is_finished:
            remember_number(uow, DELIVERIES, row, f"{rows.code}-{row['sku']}")
    at_receiving = at_moment(uow, received or uow.now)
    if received is not None:
        finish_receiving(at_receiving, FinishReceiving(round_id=past.round_id, at=received))
    write_decisions(at_receiving, rows.details, past.round_id, past.products)


def _invoice(past: _Import) -> None:
    rows = past.rows
    if rows.invoice is not None:
        record_invoice(
            on_day(past.uow, rows.invoice["invoice_date"]),
            RecordInvoice(
                round_id=past.round_id,
                code=rows.invoice["invoice_id"],
                invoiced_on=rows.invoice["invoice_date"],
                net_cents=rows.invoice["net_cents"],
                vat_cents=rows.invoice["vat_cents"],
                note=rows.invoice["note"],
                deposit_cents=rows.details.invoice_deposits.get(rows.invoice["invoice_id"]),
            ),
        )


def _settle(past: _Import, settled: datetime, accounting_date: date | None) -> None:
    rows, round_id = past.rows, past.round_id
    at_settling = at_moment(past.uow, settled)
    if (uncharged := rows.details.uncharged) is not None:
        _settle_uncharged(at_settling, uncharged, round_id)
        return
    # What the folder says that was accepted was looked at before, with the rows themselves.
    accepted = preview_settlement(at_settling, round_id).whole_difference_cents
    settle_round(
        at_settling,
        SettleRound(
            round_id=round_id,
            at=at_settling.now,
            accounting_date=accounting_date,
            accepted_difference_cents=accepted,
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
