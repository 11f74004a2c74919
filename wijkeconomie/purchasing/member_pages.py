"""Pages of rounds for members: what is open, and one's own order."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries, settlement_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.browsing import MANY, Wish, categories, finds
from wijkeconomie.purchasing.deadline_queries import round_deadline
from wijkeconomie.purchasing.deposit_queries import own_deposits
from wijkeconomie.purchasing.deposit_words import deposit_steps
from wijkeconomie.purchasing.explanations import explain_share
from wijkeconomie.purchasing.handing_queries import reasons_by_hand
from wijkeconomie.purchasing.ladder_queries import ProductLadder, round_ladders
from wijkeconomie.purchasing.ladder_words import (
    LadderShown,
    dropout_words,
    gain_cents,
    ladder_shown,
    price_with_vat,
)
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.order_refusal_words import refused_words
from wijkeconomie.purchasing.pledges import NO_PLEDGE, PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.queries import OfferedProduct, PledgeView, RoundView
from wijkeconomie.purchasing.refusals import (
    CreditLimitError,
    DeadlinePassedError,
    PledgeTooLargeError,
    PriceOutOfReachError,
    RoundNotOpenError,
    ToleranceTooLargeError,
    TopupOnlyFillsError,
)
from wijkeconomie.purchasing.renewing import renewed_as
from wijkeconomie.purchasing.round_rules import pledge_estimate
from wijkeconomie.purchasing.words import state_badge

UNDER_WAY = (
    RoundState.CLOSED,
    RoundState.ORDERED,
    RoundState.RECEIVED,
    RoundState.ALLOCATED,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the visitor wants of a product, as stored or as typed."""

    quantity: int = 0
    tolerance: int = 0
    max_price_excl_cents: int | None = None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A product of the round with what the visitor wants of it."""

    product: OfferedProduct
    wanted: Wanted
    version: int
    ladder: LadderShown | None
    became: PledgeView | None
    """The pledge as it is stored, also one that fell out at closing."""

    @property
    def quantity(self) -> int:
        """Units that are wanted, or that closing made of them."""
        if self.became is not None and self.became.allotted_quantity is not None:
            return self.became.allotted_quantity
        return self.wanted.quantity

    @property
    def price_incl_cents(self) -> int:
        """One unit with its VAT, rounded: what a shelf would say."""
        if self.ladder is not None:
            return self.ladder.price_cents
        return price_with_vat(self.product.price_excl_cents, self.product.vat_basis_points)

    @property
    def estimate_cents(self) -> int:
        """The line with VAT, without freight; while the ladder is open the most it can be."""
        product, most = self.product, self.wanted.max_price_excl_cents
        price = product.price_excl_cents
        price = price if most is None else min(price, most)
        rate, deposit = product.vat_basis_points, product.deposit_cents
        return pledge_estimate(self.quantity, price, rate, product.price_units, deposit)

    @property
    def gain_cents(self) -> int:
        """What the reached price saves, with VAT."""
        return gain_cents(self.product, self.quantity)

    @property
    def dropout(self) -> str | None:
        """Why the pledge fell out at closing, in words."""
        if self.became is None or self.became.dropout is None:
            return None
        return dropout_words(self.became.dropout)


@dataclass(frozen=True, slots=True)
class Order:
    """Someone's order in a round, and what his account allows."""

    member_id: int
    member_code: str
    member_name: str
    lines: tuple[OrderLine, ...]
    balance_cents: int
    reserved_cents: int

    @property
    def gain_cents(self) -> int:
        """What the ladders save on the whole order, with VAT."""
        return sum(line.gain_cents for line in self.lines)

    @property
    def total_cents(self) -> int:
        """All lines together, with VAT, without freight."""
        return sum(line.estimate_cents for line in self.lines)

    @property
    def free_cents(self) -> int:
        """What is left on the account when everything that was ordered has been paid."""
        return self.balance_cents - self.reserved_cents


@pages.app_template_global()
def round_badge(state: RoundState) -> tuple[str, str]:
    """The kind and the words of a state's badge, for templates."""
    return state_badge(state)


@pages.get("/rounds")
def rounds() -> ResponseReturnValue:
    """Rounds by what one can do with them."""
    visit = current_visit()
    require_permission(visit.identity, "round.read")
    with visit.begin() as uow:
        found = queries.rounds(uow.session, uow.tenant)
        paid = _paid(uow, visit)
    groups = [
        (_("Open now"), [each for each in found if each.state is RoundState.OPEN]),
        (_("On the way"), [each for each in found if each.state in UNDER_WAY]),
        (_("Being prepared"), [each for each in found if each.state is RoundState.DRAFT]),
        (
            _("Finished"),
            [each for each in found if each.state in {RoundState.SETTLED, RoundState.CANCELLED}],
        ),
    ]
    if not visit.may("round.plan"):
        groups.pop(2)
    return render_template("purchasing/rounds.html", visit=visit, groups=groups, paid=paid)


def _paid(uow: UnitOfWork, visit: Visit) -> dict[int, int]:
    if visit.identity.member_id is None:
        return {}
    return settlement_queries.paid_by_member(uow.session, uow.tenant, visit.identity.member_id)


@pages.get("/rounds/<round_code>")
def round_page(round_code: str) -> ResponseReturnValue:
    """A round as a member sees it: the deadline, the order, the products."""
    visit = current_visit()
    with visit.begin() as uow:
        return _show(uow, visit, round_code)


def _show(
    uow: UnitOfWork,
    visit: Visit,
    round_code: str,
    errors: list[tuple[str, str]] | None = None,
    wanted: dict[int, Wanted] | None = None,
) -> ResponseReturnValue:
    require_permission(visit.identity, "round.read")
    found = queries.round_by_code(uow.session, uow.tenant, round_code)
    order = _order(uow, visit, found, wanted or {})
    wish = Wish(request.values.get("find", ""), request.values.get("category", ""))
    page = render_template(
        "purchasing/round.html",
        visit=visit,
        round=found,
        order=order,
        wish=wish,
        lines=[line for line in order.lines if finds(wish, line.product)] if order else [],
        category_options=[(each, each) for each in categories(line.product for line in order.lines)]
        if order
        else [],
        searches=order is not None and len(order.lines) > MANY,
        shares=_own_shares(uow, found, order),
        deposits=own_deposits(
            uow.session, uow.tenant, found.id, found.settlement_version, order.member_id
        )
        if order
        else [],
        deposit_steps=deposit_steps,
        errors=errors or [],
        is_open=found.state is RoundState.OPEN and uow.now < found.closes_at,
        has_passed=uow.now >= found.closes_at,
        at_closing=round_deadline(uow.session, uow.tenant, found.id),
        settlements=settlement_queries.settlements(uow.session, uow.tenant, found.id),
        again=renewed_as(uow.session, uow.tenant, found.id),
    )
    return page, 422 if errors else 200


def _ordering_member(uow: UnitOfWork, visit: Visit) -> int | None:
    """For whom the page is: the visitor, or the member that a coordinator orders for."""
    code = request.values.get("member", "")
    if code:
        require_permission(visit.identity, "pledge.make-for-others")
        return member_by_code(uow.session, uow.tenant, code).id
    return visit.identity.member_id


def _order(
    uow: UnitOfWork, visit: Visit, found: RoundView, wanted: dict[int, Wanted]
) -> Order | None:
    member_id = _ordering_member(uow, visit)
    if member_id is None:
        return None
    member = queries.member_name(uow.session, uow.tenant, member_id)
    own = {
        pledge.round_product_id: pledge
        for pledge in queries.pledges(
            uow.session, uow.tenant, found.id, member_id=member_id, with_withdrawn=True
        )
    }
    ladders = {
        each.round_product_id: each
        for each in round_ladders(
            uow.session, uow.tenant, found.id, is_open=found.state is RoundState.OPEN
        )
        if each.has_choice
    }
    return Order(
        member_id=member_id,
        member_code=member.code,
        member_name=member.name,
        lines=tuple(
            _line(product, own.get(product.id), ladders.get(product.id), wanted.get(product.id))
            for product in queries.offered_products(uow.session, uow.tenant, found.id)
        ),
        balance_cents=-queries.owed_cents(uow.session, uow.tenant, member.code),
        reserved_cents=queries.reserved_cents(uow.session, uow.tenant, member_id),
    )


def _line(
    product: OfferedProduct,
    pledge: PledgeView | None,
    ladder: ProductLadder | None,
    typed: Wanted | None,
) -> OrderLine:
    standing = pledge if pledge is not None and pledge.withdrawn_at is None else None
    stored = (
        Wanted(standing.quantity, standing.tolerance, standing.max_price_excl_cents)
        if standing
        else Wanted()
    )
    return OrderLine(
        product,
        typed or stored,
        standing.version if standing else NO_PLEDGE,
        None if ladder is None else ladder_shown(ladder, product),
        pledge,
    )


def _own_shares(uow: UnitOfWork, found: RoundView, order: Order | None) -> list[dict[str, object]]:
    """What the member got and paid, with the sum that explains it."""
    if order is None or found.state is not RoundState.SETTLED:
        return []
    version = found.settlement_version
    reasons = reasons_by_hand(uow.session, uow.tenant, found.id)
    return [
        {
            "share": share,
            "by_hand": reasons.get(share.pledge_id),
            "steps": explain_share(share.explanation, page_language(), unit=share.unit),
        }
        for share in settlement_queries.shares(
            uow.session, uow.tenant, found.id, version, member_id=order.member_id
        )
    ]


@pages.post("/rounds/<round_code>/order")
def save_order(round_code: str) -> ResponseReturnValue:
    """Save the whole order; what does not fit is said beside the product."""
    visit = current_visit()
    errors: list[tuple[str, str]] = []
    wanted: dict[int, Wanted] = {}
    try:
        with visit.begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            member_id = _ordering_member(uow, visit)
            if member_id is None:
                raise NotFoundError("only members order", round=round_code)
            products = queries.offered_products(uow.session, uow.tenant, found.id)
            lines, wanted, errors = _read_lines(products)
            if not errors:
                command = SavePledges(round_id=found.id, member_id=member_id, lines=lines)
                save_pledges(uow, command)
    except (
        CreditLimitError,
        DeadlinePassedError,
        PledgeTooLargeError,
        PriceOutOfReachError,
        RoundNotOpenError,
        ToleranceTooLargeError,
        TopupOnlyFillsError,
    ) as refusal:
        errors = [(str(refusal.context.get("field", "")), refused_words(refusal))]
    except StaleVersionError:
        wanted = {}
        errors = [
            ("", _("This order was changed on another screen. This is how it is now: look again."))
        ]
    if errors:
        with visit.begin() as uow:
            return _show(uow, visit, round_code, errors, wanted)
    if request.headers.get("HX-Request"):
        with visit.begin() as uow:
            return _show(uow, visit, round_code)
    flash(_("Your order has been saved."), "success")
    member, find, category = (
        request.form.get(name) or None for name in ("member", "find", "category")
    )
    here = url_for(
        "purchasing.round_page",
        round_code=round_code,
        member=member,
        find=find,
        category=category,
    )
    return redirect(here, 303)


def _read_lines(
    products: list[OfferedProduct],
) -> tuple[tuple[PledgeLine, ...], dict[int, Wanted], list[tuple[str, str]]]:
    """The lines of the form, what was typed, and what is no number."""
    lines: list[PledgeLine] = []
    wanted: dict[int, Wanted] = {}
    errors: list[tuple[str, str]] = []
    for product in products:
        if f"quantity-{product.id}" not in request.form:
            continue
        numbers = [_whole(f"{name}-{product.id}") for name in ("quantity", "tolerance")]
        if None in numbers:
            field = "quantity" if numbers[0] is None else "tolerance"
            words = _("%(product)s: type a whole number, as in 3.", product=product.name)
            errors.append((f"{field}-{product.id}", words))
            continue
        most = request.form.get(f"max-price-{product.id}", type=int)
        typed = Wanted(numbers[0] or 0, numbers[1] or 0, most)
        wanted[product.id] = typed
        version = request.form.get(f"version-{product.id}", type=int)
        lines.append(PledgeLine(product.id, typed.quantity, version, typed.tolerance, most))
    return tuple(lines), wanted, errors


def _whole(field: str) -> int | None:
    """The whole number of a field, 0 where it is empty, ``None`` where it is no number."""
    number = request.form.get(field, "").strip() or "0"
    if not (number.isascii() and number.isdecimal() and len(number) < 7):
        return None
    return int(number)
