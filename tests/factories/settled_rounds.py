"""Rounds that were settled: rows and journal entries as a settlement leaves them.

Written straight to the tables, so that reports can be tested without the road there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import update

from tests.factories.books import Books
from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft
from wijkeconomie.ledger.service import ensure_account, ensure_accounts, post_entry, reverse_entry
from wijkeconomie.money.vat import standard_rates_on
from wijkeconomie.purchasing.delivery_models import Delivery, SupplierInvoice
from wijkeconomie.purchasing.entry_rules import Invoiced, entry_lines
from wijkeconomie.purchasing.models import Pledge, Product, PurchaseRound, RoundProduct, Supplier
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_inputs import PledgeInput, ProductInput, SettlementInput
from wijkeconomie.purchasing.settlement_models import PledgeShare, RoundSettlement
from wijkeconomie.purchasing.settlement_results import SettlementResult

CLOSED_AT = datetime(2026, 1, 9, 19, 0, tzinfo=UTC)
PRODUCTS = (("GR-AARD", "Aardappelen", "kg", 112, 900), ("ZP-GROEN", "Zeep", "fles", 215, 2100))


@dataclass(frozen=True)
class PlannedRound:
    """A round with a pledge of each member for each product; not settled yet."""

    round_id: int
    code: str
    member_codes: tuple[str, ...]
    member_ids: tuple[int, ...]
    product_ids: tuple[int, ...]
    pledge_ids: tuple[int, ...]


def some_members(books: Books, count: int, *, mandate: bool = True) -> dict[str, int]:
    """Members ``L001``… with their ids."""
    with books.open() as uow:
        members = [
            Member(
                cooperative_id=books.cooperative_id,
                code=f"L{number:03d}",
                initials="F.",
                first_name="Fatima",
                infix="de",
                last_name=f"Vries {number}",
                street="Kanaalstraat",
                house_number=str(number),
                postcode="3531 CJ",
                city="Utrecht",
                mandate_id=f"M{number:03d}" if mandate else None,
                joined_on=date(2020, 1, 1),
                share_units=1,
            )
            for number in range(1, count + 1)
        ]
        uow.session.add_all(members)
        uow.session.flush()
        return {member.code: member.id for member in members}


def a_planned_round(
    books: Books, members: dict[str, int], *, code: str = "R01", quantity: int = 5
) -> PlannedRound:
    """A received round in which every member pledged ``quantity`` of each product."""
    coop = {"cooperative_id": books.cooperative_id}
    with books.open() as uow:
        supplier = Supplier(**coop, code=f"S-{code}", name="Groothandel B.V.")
        uow.session.add(supplier)
        uow.session.flush()
        round_ = PurchaseRound(
            **coop,
            code=code,
            theme="groente",
            supplier_id=supplier.id,
            opens_at=datetime(2026, 1, 2, 8, 0, tzinfo=UTC),
            closes_at=CLOSED_AT,
            delivery_on=date(2026, 1, 14),
            freight_excl_cents=1500,
            created_by="test",
        )
        uow.session.add(round_)
        uow.session.flush()
        product_ids = tuple(
            _round_product(uow, supplier.id, round_.id, position, code)
            for position in range(len(PRODUCTS))
        )
        pledges = [
            Pledge(
                **coop,
                code=f"{code}-P{member:03d}-{position}",
                round_id=round_.id,
                round_product_id=product_id,
                member_id=member_id,
                quantity=quantity,
                pledged_at=CLOSED_AT,
                changed_at=CLOSED_AT,
            )
            for member, member_id in enumerate(members.values())
            for position, product_id in enumerate(product_ids)
        ]
        uow.session.add_all(pledges)
        uow.session.flush()
        for state in ("open", "closed", "ordered", "received"):
            round_.state = state
            uow.session.flush()
        return PlannedRound(
            round_.id,
            code,
            tuple(members),
            tuple(members.values()),
            product_ids,
            tuple(pledge.id for pledge in pledges),
        )


def _round_product(
    uow: UnitOfWork, supplier_id: int, round_id: int, position: int, code: str
) -> int:
    sku, name, unit, price, vat = PRODUCTS[position]
    product = Product(
        cooperative_id=uow.tenant,
        supplier_id=supplier_id,
        code=f"{sku}-{code}",
        name=name,
        unit=unit,
        price_excl_cents=price,
        vat_basis_points=vat,
    )
    uow.session.add(product)
    uow.session.flush()
    offered = RoundProduct(
        cooperative_id=uow.tenant,
        round_id=round_id,
        product_id=product.id,
        position=position,
        name=name,
        unit=unit,
        price_excl_cents=price,
        list_price_excl_cents=price,
        vat_basis_points=vat,
        pack_size=1,
    )
    uow.session.add(offered)
    uow.session.flush()
    return offered.id


def settle(
    books: Books,
    planned: PlannedRound,
    usable: tuple[int, ...],
    *,
    on: date = date(2026, 1, 16),
    version: int = 1,
    quantity: int = 5,
    freight_cents: int = 1500,
) -> SettlementResult:
    """Settle as it was delivered; a version after the first turns the one before it back."""
    products = tuple(
        ProductInput(product_id, price, vat, units)
        for product_id, (_, _, _, price, vat), units in zip(
            planned.product_ids, PRODUCTS, usable, strict=True
        )
    )
    members = [member for member in planned.member_ids for _ in PRODUCTS]
    pledges = tuple(
        PledgeInput(pledge_id, member, products[number % len(PRODUCTS)].key, quantity)
        for number, (pledge_id, member) in enumerate(zip(planned.pledge_ids, members, strict=True))
    )
    result = compute_settlement(
        SettlementInput(products=products, pledges=pledges, freight_excl_cents=freight_cents)
    )
    with books.open() as uow:
        if version > 1:
            _turn_back(uow, planned, version - 1, on)
        number = _post(uow, planned, result, on=on, version=version)
        _record(uow, planned, result, usable, on=on, version=version, number=number)
    return result


def _turn_back(uow: UnitOfWork, planned: PlannedRound, version: int, on: date) -> None:
    earlier = uow.session.get_one(RoundSettlement, (uow.tenant, planned.round_id, version))
    assert earlier.entry_number is not None
    reversal = reverse_entry(
        uow,
        earlier.entry_number,
        accounting_date=on,
        idempotency_key=f"turn back {planned.code}/{version}",
        description="corrected",
    )
    earlier.reversal_number = reversal.number


def _post(
    uow: UnitOfWork, planned: PlannedRound, result: SettlementResult, *, on: date, version: int
) -> int | None:
    supplier = f"S-{planned.code}"
    lines = entry_lines(
        result,
        regime="regulier",
        invoiced=Invoiced(
            supplier=supplier, vat_cents=result.vat_cents, gross_cents=result.gross_cents
        ),
        members=dict(zip(planned.member_ids, planned.member_codes, strict=True)),
        standard_rates=standard_rates_on(on),
    )
    if not lines:
        return None
    ensure_accounts(uow, "member_account", list(planned.member_codes))
    postings = tuple(
        PostingDraft(ensure_account(uow, line.account_key, line.party), line.amount_cents)
        for line in lines
    )
    source = f"round/{planned.code}/{version}"
    draft = EntryDraft(
        accounting_date=on,
        kind="round.settled",
        source=source,
        description=source,
        idempotency_key=f"{source}/settlement",
        postings=postings,
    )
    return post_entry(uow, draft).number


def _record(
    uow: UnitOfWork,
    planned: PlannedRound,
    result: SettlementResult,
    usable: tuple[int, ...],
    *,
    on: date,
    version: int,
    number: int | None,
) -> None:
    coop = {"cooperative_id": uow.tenant, "round_id": planned.round_id}
    uow.session.add(
        RoundSettlement(
            **coop,
            version=version,
            entry_number=number,
            settled_at=uow.now,
            settled_by="test",
            accounting_date=on,
            supplier_gross_cents=result.gross_cents,
            members_gross_cents=result.members_gross_cents,
            cooperative_gross_cents=result.cooperative.gross_cents,
            reason="geteld" if version > 1 else None,
        )
    )
    uow.session.flush()
    uow.session.add_all(
        PledgeShare(
            **coop,
            version=version,
            pledge_id=share.pledge,
            delivered_quantity=share.delivered,
            net_cents=share.net_cents,
            freight_cents=share.freight_cents,
            vat_cents=share.vat_cents,
            gross_cents=share.gross_cents,
            explanation=share.explanation,
        )
        for share in result.shares
    )
    uow.session.flush()
    settled = uow.session.get_one(PurchaseRound, (uow.tenant, planned.round_id))
    settled.state, settled.settlement_version = "settled", version
    if version > 1:
        _count_again(uow, planned, usable)
    else:
        uow.session.add_all(
            Delivery(
                **coop,
                code=f"D{planned.code}-{product_id}",
                round_product_id=product_id,
                ordered_quantity=units,
                delivered_quantity=units,
                version=1,
            )
            for product_id, units in zip(planned.product_ids, usable, strict=True)
        )
        uow.session.add(
            SupplierInvoice(
                **coop,
                code=f"F-{planned.code}",
                supplier_id=settled.supplier_id,
                invoiced_on=on,
                net_cents=result.net_cents,
                vat_cents=result.vat_cents,
                gross_cents=result.gross_cents,
            )
        )


def _count_again(uow: UnitOfWork, planned: PlannedRound, usable: tuple[int, ...]) -> None:
    for product_id, units in zip(planned.product_ids, usable, strict=True):
        uow.session.execute(
            update(Delivery)
            .where(Delivery.cooperative_id == uow.tenant, Delivery.round_product_id == product_id)
            .values(delivered_quantity=units)
        )
