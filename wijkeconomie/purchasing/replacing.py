"""Use cases of what came without being ordered: a replacement, or an extra for a member."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.credit_checks import require_credit
from wijkeconomie.purchasing.deciding import SetShare, round_that_can_be_shared, write_decision
from wijkeconomie.purchasing.handing_models import PledgeOrigin
from wijkeconomie.purchasing.models import Pledge, Product, PurchaseRound, RoundProduct
from wijkeconomie.purchasing.receiving import ReceiveLine, write_delivery
from wijkeconomie.purchasing.refusals import InactiveMemberError, ProductNotInRoundError
from wijkeconomie.purchasing.round_rules import is_active_member


@dataclass(frozen=True, slots=True, kw_only=True)
class AddReplacement:
    """Another product that came in place of one of the round, at its price of today."""

    round_id: int
    replaced_id: int
    product_id: int
    delivered: int
    price_excl_cents: int | None = None
    """Where the supplier charges another price; ``None``: the one that was said before, or else
    that of the product today."""
    damaged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveExtra:
    """Units of a product for a member who did not pledge for it, and agreed to take them."""

    round_id: int
    round_product_id: int
    member_id: int
    quantity: int
    reason: str


def add_replacement(uow: UnitOfWork, command: AddReplacement) -> int:
    """Add a product that came in place of another; returns its number within the round.

    Members who miss units of the replaced product get that many of the replacement, by the
    round's rule; who does not want it is set to 0 by hand. Entering it again changes what came
    of it. It is counted, shared and settled like every product.

    Raises:
        RoundStateError: the round has not been ordered, or was shared already.
        ProductNotInRoundError: the replaced product is not of this round, or is a replacement.
        NotFoundError: no such product of this supplier.
        InvalidInputError: a number or price that is not right.
    """
    require_permission(uow.identity, "round.receive")
    found = round_that_can_be_shared(uow, command.round_id)
    replaced = uow.session.get(RoundProduct, (uow.tenant, command.replaced_id))
    if replaced is None or replaced.round_id != found.id or replaced.replaces_id is not None:
        raise ProductNotInRoundError(
            f"round {found.code} does not offer {command.replaced_id}", round=found.code
        )
    offered = _offered(uow, found, command, replaced)
    line = ReceiveLine(
        round_id=found.id,
        round_product_id=offered.id,
        delivered=command.delivered,
        damaged=command.damaged,
    )
    write_delivery(uow, found, line)
    uow.session.flush()
    _pledge_instead(uow, found, offered, replaced)
    return offered.id


def _offered(
    uow: UnitOfWork, found: PurchaseRound, command: AddReplacement, replaced: RoundProduct
) -> RoundProduct:
    """The replacement within the round: the known one, or a copy of the product made now."""
    product = uow.session.get(Product, (uow.tenant, command.product_id))
    if product is None or product.supplier_id != found.supplier_id:
        raise NotFoundError(
            f"the supplier has no product {command.product_id}", product_id=command.product_id
        )
    if product.id == replaced.product_id:
        raise InvalidInputError("a product does not replace itself", field="product")
    if command.price_excl_cents is not None and command.price_excl_cents < 0:
        raise InvalidInputError("a price is not negative", field="price")
    known = uow.session.scalar(
        select(RoundProduct).where(
            RoundProduct.cooperative_id == uow.tenant,
            RoundProduct.round_id == found.id,
            RoundProduct.product_id == product.id,
        )
    )
    if known is not None:
        if known.replaces_id != replaced.id:
            raise InvalidInputError("the round offers this product itself", field="product")
        _change_price(uow, known, command.price_excl_cents)
        return known
    price = product.price_excl_cents
    if command.price_excl_cents is not None:
        price = command.price_excl_cents
    last = uow.session.scalar(
        select(func.max(RoundProduct.position)).where(
            RoundProduct.cooperative_id == uow.tenant, RoundProduct.round_id == found.id
        )
    )
    row = _in_place_of(replaced, product, price, (last or 0) + 1)
    uow.session.add(row)
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="replaced",
        before={"product": replaced.name},
        after={"product": row.name, "price_excl_cents": price},
    )
    return row


def _change_price(uow: UnitOfWork, known: RoundProduct, price: int | None) -> None:
    """Another price of a replacement that was entered before; ``None`` leaves it as it is."""
    before = known.price_excl_cents
    if price is None or price == before:
        return
    known.price_excl_cents = known.list_price_excl_cents = price
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{known.round_id}",
        action="replacement-priced",
        before={"product": known.name, "price_excl_cents": before},
        after={"product": known.name, "price_excl_cents": price},
    )


def _in_place_of(
    replaced: RoundProduct, product: Product, price: int, position: int
) -> RoundProduct:
    return RoundProduct(
        cooperative_id=replaced.cooperative_id,
        round_id=replaced.round_id,
        product_id=product.id,
        position=position,
        name=product.name,
        unit=product.unit,
        price_excl_cents=price,
        list_price_excl_cents=price,
        vat_basis_points=product.vat_basis_points,
        pack_size=product.pack_size,
        grams_per_unit=product.grams_per_unit,
        price_units=product.price_units,
        supplier_unit=product.supplier_unit,
        deposit_cents=product.deposit_cents,
        ladder_quantities=[],
        ladder_prices_cents=[],
        replaces_id=replaced.id,
    )


# What a replacement can be shared over: each pledge for the product that did not come. How much
# of it that gets follows from what is missing, each time it is computed.
_PLEDGE_INSTEAD = text(
    """
insert into pledge (cooperative_id, code, round_id, round_product_id, member_id, quantity,
  pledged_at, changed_at, origin, instead_of_id)
select x.cooperative_id, x.code || '-V' || :position, x.round_id, :offered, x.member_id,
  coalesce(x.allotted_quantity, x.quantity), x.pledged_at, :now, 'replacement', x.id
from pledge x
where x.cooperative_id = :cooperative_id and x.round_id = :round_id
  and x.round_product_id = :replaced and x.withdrawn_at is null and x.origin = 'pledged'
on conflict (cooperative_id, round_id, member_id, round_product_id) do nothing
"""
)


def _pledge_instead(
    uow: UnitOfWork, found: PurchaseRound, offered: RoundProduct, replaced: RoundProduct
) -> None:
    uow.session.execute(
        _PLEDGE_INSTEAD,
        {
            "cooperative_id": uow.tenant,
            "round_id": found.id,
            "offered": offered.id,
            "position": offered.position,
            "replaced": replaced.id,
            "now": uow.now,
        },
    )


def give_extra(uow: UnitOfWork, command: GiveExtra) -> int:
    """Give a member units that he did not pledge for; returns the pledge.

    Once more for the same product says how many it is in all. The member's account has to cover
    it where the cooperative limits credit.

    Raises:
        RoundStateError: the round has not been ordered, or was shared already.
        ProductNotInRoundError, NotFoundError: no such product or member.
        InvalidInputError: nothing to give, no reason, or a member who pledged for it: change his
            share instead.
        InactiveMemberError: the member has left.
        CreditLimitError: the member's account does not cover it.
    """
    require_permission(uow.identity, "round.receive")
    if command.quantity < 1:
        raise InvalidInputError("give at least 1", field="quantity")
    found = round_that_can_be_shared(uow, command.round_id)
    offered = uow.session.get(RoundProduct, (uow.tenant, command.round_product_id))
    if offered is None or offered.round_id != found.id:
        raise ProductNotInRoundError(
            f"round {found.code} does not offer {command.round_product_id}", round=found.code
        )
    member = uow.session.scalar(
        select(Member)
        .where(Member.cooperative_id == uow.tenant, Member.id == command.member_id)
        .with_for_update()
    )
    if member is None:
        raise NotFoundError(f"there is no member {command.member_id}", member_id=command.member_id)
    if not is_active_member(member.joined_on, member.left_on, uow.now):
        raise InactiveMemberError(f"{member.code} is no member now", member=member.code)
    reserved = queries.reserved_cents(uow.session, uow.tenant, member.id)
    pledge = _extra_pledge(uow, found, offered, member, command.quantity)
    share = SetShare(
        round_id=found.id, pledge_id=pledge.id, quantity=command.quantity, reason=command.reason
    )
    write_decision(uow, found, share)
    require_credit(uow, member, reserved)
    return pledge.id


def _extra_pledge(
    uow: UnitOfWork, found: PurchaseRound, offered: RoundProduct, member: Member, quantity: int
) -> Pledge:
    pledge = uow.session.scalar(
        select(Pledge).where(
            Pledge.cooperative_id == uow.tenant,
            Pledge.round_id == found.id,
            Pledge.round_product_id == offered.id,
            Pledge.member_id == member.id,
        )
    )
    if pledge is not None and pledge.withdrawn_at is None and pledge.origin != PledgeOrigin.EXTRA:
        raise InvalidInputError("this member ordered it: change his share", field="member")
    if pledge is None:
        pledge = Pledge(
            cooperative_id=uow.tenant,
            code=f"{found.code}-{member.code}-{offered.position}",
            round_id=found.id,
            round_product_id=offered.id,
            member_id=member.id,
            pledged_at=uow.now,
        )
    else:
        pledge.version += 1
    # It is given at once, whatever the turns of a pledge that was withdrawn.
    pledge.later_at, pledge.later_quantities = [], []
    pledge.quantity = quantity
    pledge.tolerance = 0
    pledge.max_price_excl_cents = pledge.allotted_quantity = None
    pledge.withdrawn_at = pledge.dropout = None
    pledge.changed_at = uow.now
    pledge.origin = PledgeOrigin.EXTRA.value
    uow.session.add(pledge)
    uow.session.flush()
    return pledge
