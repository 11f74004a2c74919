"""Use cases of pledges: a member's order in a round, changed as a whole or line by line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.credit_checks import require_credit
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import Pledge, PurchaseRound, RoundProduct
from wijkeconomie.purchasing.pledge_writing import (
    ChangedPledge,
    NewPledge,
    PledgeTerms,
    write_pledges,
)
from wijkeconomie.purchasing.refusals import (
    DeadlinePassedError,
    InactiveMemberError,
    PledgeTooLargeError,
    PriceOutOfReachError,
    ProductNotInRoundError,
    RoundNotOpenError,
    ToleranceTooLargeError,
)
from wijkeconomie.purchasing.round_rules import (
    is_active_member,
    most_tolerance,
    pledge_obstacle,
)
from wijkeconomie.purchasing.topping_up import require_filling, room_in_packs
from wijkeconomie.purchasing.turn_rules import changed_later

NOTHING: PledgeTerms = (0, 0, None)
NO_PLEDGE = 0
"""The version of a pledge that is not there, or was withdrawn."""


# Made once: at the deadline many order at the same moment.
_TENANT: BindParameter[int] = bindparam("tenant")
_MEMBER = (
    select(Member)
    .where(Member.cooperative_id == _TENANT, Member.id == bindparam("member_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_OFFERED = select(RoundProduct).where(
    RoundProduct.cooperative_id == _TENANT, RoundProduct.round_id == bindparam("round_id")
)
_WANTED = _OFFERED.where(RoundProduct.id.in_(bindparam("wanted", expanding=True)))
_OWN = (
    select(Pledge)
    .where(
        Pledge.cooperative_id == _TENANT,
        Pledge.round_id == bindparam("round_id"),
        Pledge.member_id == bindparam("member_id"),
    )
    .with_for_update()
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True, slots=True)
class PledgeLine:
    """How much of one product a member wants; 0 withdraws.

    ``tolerance`` is what may be added to fill a pack or reach a minimum. At a price above
    ``max_price_excl_cents`` (without VAT; ``None``: none) the member wants nothing.
    ``version`` is the one the member saw (``NO_PLEDGE`` where there was no pledge), so that a
    page that lay open cannot undo a later change. ``None`` takes the change as it comes.
    """

    round_product_id: int
    quantity: int
    version: int | None = None
    tolerance: int = 0
    max_price_excl_cents: int | None = None

    @property
    def terms(self) -> PledgeTerms:
        """What it says, as it is stored; a withdrawn one says nothing more."""
        if not self.quantity:
            return NOTHING
        return (self.quantity, self.tolerance, self.max_price_excl_cents)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavePledges:
    """A member's order, or some lines of it; products that are not named stay as they are."""

    round_id: int
    member_id: int
    lines: tuple[PledgeLine, ...]


def save_pledges(uow: UnitOfWork, command: SavePledges) -> list[int]:
    """Save a member's order; either every line is saved or none.

    Lines that change nothing leave no trace. Returns the ids of the pledges that changed.

    Raises:
        PermissionDeniedError: it is someone else's order and not the coordinator who asks.
        NotFoundError: no such round or member.
        RoundNotOpenError, DeadlinePassedError: pledges are not taken now.
        InactiveMemberError: not a member today.
        ProductNotInRoundError, PledgeTooLargeError, ToleranceTooLargeError,
            PriceOutOfReachError, InvalidInputError: a line is not right.
        StaleVersionError: a pledge was changed since the member looked at it.
        CreditLimitError: the cooperative limits credit and this passes the limit.
        TopupOnlyFillsError: only packs that are not full are filled now.
    """
    is_own = command.member_id == uow.identity.member_id
    require_permission(uow.identity, "pledge.make" if is_own else "pledge.make-for-others")
    found = locked_round(uow, command.round_id, is_shared=True)
    require_open(found, uow.now)
    # Rounds are locked before members; the member's lock makes his limit hold over all rounds.
    member = _locked_member(uow, command.member_id)
    require_active(member, uow.now)
    wanted = {line.round_product_id for line in command.lines}
    if len(wanted) < len(command.lines):
        raise InvalidInputError("a product is named once", field="lines")
    offered = offered_products(uow, found.id, wanted)
    known = _own_pledges(uow, found.id, member.id)
    before = queries.reserved_cents(uow.session, uow.tenant, member.id)
    room = None if found.topup_since is None else room_in_packs(uow, found, wanted)
    made: list[NewPledge] = []
    changed: list[ChangedPledge] = []
    for line in command.lines:
        product = checked_line(line, offered, found)
        if room is not None:
            said = _said(known.get(product.id))
            require_filling(product, said, line.terms, room[product.id])
        each = _save_line(_Order(uow, found, member), product, line, known.get(product.id))
        if isinstance(each, NewPledge):
            made.append(each)
        elif each is not None:
            changed.append(each)
    if not made and not changed:
        return []
    ids = write_pledges(uow, found.id, member.id, made=made, changed=changed)
    require_credit(uow, member, before)
    return ids


@dataclass(frozen=True, slots=True)
class _Order:
    """Whose order in which round is being saved; both are held."""

    uow: UnitOfWork
    round: PurchaseRound
    member: Member


def _save_line(
    order: _Order, product: RoundProduct, line: PledgeLine, pledge: Pledge | None
) -> NewPledge | ChangedPledge | None:
    """Change one pledge; ``None`` when it says the same already."""
    standing = pledge if pledge is not None and pledge.withdrawn_at is None else None
    before = _said(pledge)
    # First, so that an order whose answer got lost may be sent again as it was.
    if line.terms == before:
        return None
    if line.version is not None and line.version != (standing.version if standing else NO_PLEDGE):
        raise StaleVersionError(
            "the pledge was changed in the meantime", round_product_id=product.id
        )
    if pledge is None:
        # It tells apart by itself: a member has one pledge for a product in a round.
        code = f"{order.round.code}-{order.member.code}-{product.position}"
        return NewPledge(code, product.id, line.terms)
    _change(pledge, line, order.uow.now)
    action = "withdrawn" if not line.quantity else "changed" if standing else "made"
    return ChangedPledge(pledge, action, before, line.terms)


def _said(pledge: Pledge | None) -> PledgeTerms:
    if pledge is None or pledge.withdrawn_at is not None:
        return NOTHING
    return (pledge.quantity, pledge.tolerance, pledge.max_price_excl_cents)


def _change(pledge: Pledge, line: PledgeLine, now: datetime) -> None:
    if not line.quantity:
        pledge.withdrawn_at = now
    else:
        if pledge.withdrawn_at is not None:
            # Made anew: it takes its turn from now, after everyone who kept his.
            pledge.pledged_at, pledge.withdrawn_at = now, None
            pledge.later_at, pledge.later_quantities = [], []
        else:
            _keep_turns(pledge, line.quantity, now)
        pledge.quantity, pledge.tolerance, pledge.max_price_excl_cents = line.terms
    pledge.changed_at = now
    pledge.version += 1


def _keep_turns(pledge: Pledge, wanted: int, now: datetime) -> None:
    later = list(zip(pledge.later_at, pledge.later_quantities, strict=True))
    later = changed_later(pledge.quantity, later, wanted, now)
    pledge.later_at = [moment for moment, _ in later]
    pledge.later_quantities = [units for _, units in later]


def require_open(found: PurchaseRound, at: datetime) -> None:
    """Refuse where a round takes no pledges at a moment.

    Raises:
        RoundNotOpenError, DeadlinePassedError.
    """
    obstacle = pledge_obstacle(found.state, found.opens_at, found.closes_at, at)
    if obstacle == "round-not-open":
        raise RoundNotOpenError(f"round {found.code} is not open", round=found.code)
    if obstacle == "deadline-passed":
        raise DeadlinePassedError(
            f"round {found.code} closed at {found.closes_at.isoformat()}",
            round=found.code,
            closes_at=found.closes_at.isoformat(),
        )


def _locked_member(uow: UnitOfWork, member_id: int) -> Member:
    member = uow.session.scalar(_MEMBER, {"tenant": uow.tenant, "member_id": member_id})
    if member is None:
        raise NotFoundError(f"there is no member {member_id}", member_id=member_id)
    return member


def require_active(member: Member, at: datetime) -> None:
    """Refuse who is no member at a moment.

    Raises:
        InactiveMemberError.
    """
    if not is_active_member(member.joined_on, member.left_on, at):
        raise InactiveMemberError(f"{member.code} is no member then", member=member.code)


def offered_products(
    uow: UnitOfWork, round_id: int, wanted: Collection[int] | None = None
) -> dict[int, RoundProduct]:
    """What a round offers, or of it only what is wanted."""
    key = {"tenant": uow.tenant, "round_id": round_id}
    found = (
        uow.session.scalars(_OFFERED, key)
        if wanted is None
        else uow.session.scalars(_WANTED, key | {"wanted": list(wanted)})
    )
    return {product.id: product for product in found}


def _own_pledges(uow: UnitOfWork, round_id: int, member_id: int) -> dict[int, Pledge]:
    key = {"tenant": uow.tenant, "round_id": round_id, "member_id": member_id}
    found = uow.session.scalars(_OWN, key)
    return {pledge.round_product_id: pledge for pledge in found}


def checked_line(
    line: PledgeLine, offered: dict[int, RoundProduct], found: PurchaseRound
) -> RoundProduct:
    """The product that a line is about, once the line is right for it.

    Raises:
        ProductNotInRoundError, PledgeTooLargeError, ToleranceTooLargeError,
            PriceOutOfReachError, InvalidInputError.
    """
    product = offered.get(line.round_product_id)
    if product is None:
        raise ProductNotInRoundError(
            f"round {found.code} does not offer {line.round_product_id}", round=found.code
        )
    field_name = f"quantity-{product.id}"
    if line.quantity < 0 or line.tolerance < 0:
        raise InvalidInputError("a quantity is not negative", field=field_name)
    if line.quantity:
        _require_useful_tolerance(product, line.tolerance)
        _require_within_maximum(product, line.quantity + line.tolerance)
        _require_reachable_price(product, line.max_price_excl_cents)
    return product


def _require_useful_tolerance(product: RoundProduct, tolerance: int) -> None:
    most = most_tolerance(
        sells_loose=product.sells_loose,
        pack_size=product.pack_size,
        minimum_quantity=product.minimum_quantity,
    )
    if tolerance > most:
        raise ToleranceTooLargeError(
            f"{most} more of {product.name} is all that can be of use",
            product=product.name,
            maximum=most,
            field=f"tolerance-{product.id}",
        )


def _require_reachable_price(product: RoundProduct, max_price_excl_cents: int | None) -> None:
    lowest = min([product.list_price_excl_cents, *product.ladder_prices_cents])
    if max_price_excl_cents is not None and max_price_excl_cents < lowest:
        raise PriceOutOfReachError(
            f"the lowest price of {product.name} is {lowest} cents",
            product=product.name,
            lowest_cents=lowest,
            field=f"max-price-{product.id}",
        )


def _require_within_maximum(product: RoundProduct, quantity: int) -> None:
    most = product.max_per_member
    if most is not None and quantity > most:
        raise PledgeTooLargeError(
            f"a member may order {most} of {product.name}",
            product=product.name,
            maximum=most,
            field=f"quantity-{product.id}",
        )
