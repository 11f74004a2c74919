"""Use cases of selling from the stock: a sale to a member, and turning it back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Cooperative, Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.service import reverse_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import standard_rates_on
from wijkeconomie.purchasing.credit_checks import require_room
from wijkeconomie.purchasing.models import Product
from wijkeconomie.purchasing.refusals import (
    InactiveMemberError,
    SaleTakenBackError,
    StockGoneError,
)
from wijkeconomie.purchasing.round_rules import is_active_member
from wijkeconomie.purchasing.stock_deposits import charge_sale_deposit, turn_back_sale_deposit
from wijkeconomie.purchasing.stock_models import (
    MovementKind,
    StockItem,
    StockMovement,
    StockSale,
)
from wijkeconomie.purchasing.stock_moving import (
    Movement,
    hold_stock,
    level_of,
    move,
    post_movement,
)
from wijkeconomie.purchasing.stock_rules import SaleAmounts, sale_amounts, sale_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class SellStock:
    """Sell units to a member; ``price_each_cents`` with VAT, ``None`` for what they cost.

    The deposit on their packaging comes beside the price.
    """

    product_id: int
    member_id: int
    units: int
    price_each_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSaleBack:
    """Turn a sale back, named by the number of its movement, and why."""

    product_id: int
    number: int
    reason: str


def sell_stock(uow: UnitOfWork, command: SellStock) -> int:
    """Sell from the stock, and charge it to the member's account; the number of the movement.

    One entry: the member owes the price, VAT is at the product's rate (none under the KOR), and
    what the goods cost leaves the stock. Where the product has a deposit today, a second one
    charges it; the member gets it back for the empties.

    Raises:
        NotFoundError: no such product or member. InactiveMemberError: no member today.
        InvalidInputError: no units, or no price.
        StockGoneError: fewer lie in stock.
        CreditLimitError: the member's account does not cover it.
        ClosedPeriodError: this month is closed.
    """
    require_permission(uow.identity, "stock.change")
    product = product_of(uow, command.product_id)
    if command.units < 1:
        raise InvalidInputError("sell at least 1", field="units")
    member = _held_member(uow, command.member_id)
    item = held_item(uow, product, command.units)
    cost = level_of(item).cost_of(command.units)
    amounts = _amounts(uow, product, command, cost)
    if amounts.gross_cents < 1:
        raise InvalidInputError("a sale has a price; goods that are given are lost", field="price")
    require_room(uow, member, amounts.gross_cents + product.deposit_cents * command.units)
    return _write_sale(uow, product, item, member, _Sale(command.units, amounts, cost))


@dataclass(frozen=True, slots=True)
class _Sale:
    """What is sold: units, what they bring and what they had cost."""

    units: int
    amounts: SaleAmounts
    cost_cents: int


def _write_sale(
    uow: UnitOfWork, product: Product, item: StockItem, member: Member, sale: _Sale
) -> int:
    on = local_date(uow.now, LOCAL_TIME)
    lines = sale_lines(sale.amounts, sale.cost_cents, member.code, standard_rates_on(on))
    entry = post_movement(uow, item, "stock.sold", lines, on=on, product_code=product.code)
    sold = Movement(kind=MovementKind.SALE, units=-sale.units, value_cents=-sale.cost_cents, on=on)
    number = move(uow, item, sold, entry_number=entry)
    uow.session.flush()
    row = StockSale(
        cooperative_id=uow.tenant,
        product_id=product.id,
        number=number,
        member_id=member.id,
        units=sale.units,
        vat_basis_points=sale.amounts.vat_basis_points,
        net_cents=sale.amounts.net_cents,
        vat_cents=sale.amounts.vat_cents,
        gross_cents=sale.amounts.gross_cents,
        entry_number=entry,
        deposit_cents=product.deposit_cents * sale.units,
    )
    charge_sale_deposit(uow, product, member.code, row, on)
    uow.session.add(row)
    uow.session.flush()
    return number


def take_sale_back(uow: UnitOfWork, command: TakeSaleBack) -> int:
    """Turn a sale back: the member owes nothing for it, and the goods lie in stock again.

    The entries of the sale and its deposit stay; their reversals name them. Returns the number of
    the movement.

    Raises:
        NotFoundError: no such sale. SaleTakenBackError: it was turned back before.
        DepositTooMuchError: the empties came back already.
        InvalidInputError: no reason. ClosedPeriodError: this month is closed.
    """
    require_permission(uow.identity, "stock.change")
    product = product_of(uow, command.product_id)
    reason = command.reason.strip()
    if not reason:
        raise InvalidInputError("say why the sale is turned back", field="reason")
    sale = uow.session.get(StockSale, (uow.tenant, product.id, command.number))
    if sale is None:
        raise NotFoundError(f"no sale {command.number} of {product.code}", number=command.number)
    member = _held(uow, sale.member_id)
    [item] = hold_stock(uow, [product.id]).values()
    uow.session.refresh(sale)
    if sale.back_number is not None:
        raise SaleTakenBackError(
            f"sale {command.number} of {product.name} was turned back", product=product.name
        )
    sold = uow.session.get_one(StockMovement, (uow.tenant, product.id, command.number))
    on = local_date(uow.now, LOCAL_TIME)
    entry = reverse_entry(
        uow,
        sale.entry_number,
        accounting_date=on,
        idempotency_key=f"stock/{product.id}/{command.number}/back",
        description=f"Stock of {product.code}, movement {command.number} reversed",
    ).number
    turn_back_sale_deposit(uow, sale, member.code, on)
    back = Movement(
        kind=MovementKind.SALE_BACK,
        units=-sold.units,
        value_cents=-sold.value_cents,
        on=on,
        reason=reason,
    )
    number = move(uow, item, back, entry_number=entry)
    uow.session.flush()
    sale.back_number = number
    uow.session.flush()
    record_change(
        uow,
        subject=f"stock/{product.id}",
        action="sale-taken-back",
        after={"sale": command.number, "movement": number},
        reason=reason,
    )
    return number


def product_of(uow: UnitOfWork, product_id: int) -> Product:
    """A product of the cooperative.

    Raises:
        NotFoundError: there is no such product.
    """
    product = uow.session.get(Product, (uow.tenant, product_id))
    if product is None:
        raise NotFoundError(f"there is no product {product_id}", product_id=product_id)
    return product


def held_item(uow: UnitOfWork, product: Product, units: int) -> StockItem:
    """The stock of a product, held, when at least ``units`` lie there.

    Raises:
        StockGoneError: fewer do.
    """
    [item] = hold_stock(uow, [product.id]).values()
    if item.units < units:
        raise StockGoneError(
            f"{units} of {product.name} are asked, and {item.units} lie in stock",
            product=product.name,
            units=units,
            left=item.units,
        )
    return item


def _held(uow: UnitOfWork, member_id: int) -> Member:
    member = uow.session.scalar(
        select(Member)
        .where(Member.cooperative_id == uow.tenant, Member.id == member_id)
        .with_for_update()
    )
    if member is None:
        raise NotFoundError(f"there is no member {member_id}", member_id=member_id)
    return member


def _held_member(uow: UnitOfWork, member_id: int) -> Member:
    member = _held(uow, member_id)
    if not is_active_member(member.joined_on, member.left_on, uow.now):
        raise InactiveMemberError(f"{member.code} is no member today", member=member.code)
    return member


def _amounts(uow: UnitOfWork, product: Product, command: SellStock, cost: int) -> SaleAmounts:
    regime = uow.session.scalars(
        select(Cooperative.vat_regime).where(Cooperative.id == uow.tenant)
    ).one()
    return sale_amounts(
        cost,
        command.units,
        vat_basis_points=product.vat_basis_points,
        regime=regime,  # type: ignore[arg-type]
        price_each_cents=command.price_each_cents,
    )
