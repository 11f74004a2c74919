"""What the resources of a round share: finding things by their codes, and naming wrong fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.core.refusals import DomainError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries, supplier_queries
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.refusals import ProductNotInRoundError


def told(description: str) -> dict[str, str]:
    """What the OpenAPI document says of a field: what it is, and in which unit."""
    return {"description": description}


def round_named(uow: UnitOfWork, code: str) -> RoundView:
    """A round of this cooperative.

    Raises:
        NotFoundError: it has none with this code.
    """
    return queries.round_by_code(uow.session, uow.tenant, code)


def row_of(uow: UnitOfWork, found: RoundView) -> PurchaseRound:
    """The row of a round, for reads that need it."""
    return uow.session.get_one(PurchaseRound, (uow.tenant, found.id))


def product_in(uow: UnitOfWork, found: RoundView, product_code: str) -> int:
    """The number that a product has within a round.

    Raises:
        ProductNotInRoundError: the round does not offer it.
    """
    products = queries.product_ids_by_code(uow.session, uow.tenant, found.id)
    if product_code not in products:
        raise ProductNotInRoundError(
            f"the round does not offer {product_code}", product=product_code
        )
    return products[product_code]


def pledge_ids(
    uow: UnitOfWork, found: RoundView, lines: Iterable[tuple[str, str]]
) -> tuple[int, ...]:
    """The pledges of a round by product and member: there is at most one of each.

    Raises:
        ProductNotInRoundError, NotFoundError: no such product, member or pledge.
    """
    own: dict[str, dict[str, int]] = {}
    ids = []
    for product_code, member_code in lines:
        if member_code not in own:
            own[member_code] = _pledges_of(uow, found, member_code)
        if product_code not in own[member_code]:
            product_in(uow, found, product_code)
            raise NotFoundError(
                f"{member_code} has nothing of {product_code} in this round",
                member=member_code,
                product=product_code,
            )
        ids.append(own[member_code][product_code])
    return tuple(ids)


def _pledges_of(uow: UnitOfWork, found: RoundView, member_code: str) -> dict[str, int]:
    member_id = member_by_code(uow.session, uow.tenant, member_code).id
    own = queries.pledges(uow.session, uow.tenant, found.id, member_id=member_id)
    return {each.product_code: each.id for each in own}


def product_codes(uow: UnitOfWork, found: RoundView) -> dict[int, str]:
    """The codes of products by their number within a round."""
    known = queries.product_ids_by_code(uow.session, uow.tenant, found.id)
    return {key: code for code, key in known.items()}


def supplier_named(uow: UnitOfWork, code: str) -> int:
    """The id of a supplier.

    Raises:
        NotFoundError: there is none with this code.
    """
    known = supplier_queries.suppliers(uow.session, uow.tenant)
    found = next((each.id for each in known if each.code == code), None)
    if found is None:
        raise NotFoundError(f"there is no supplier {code}", code=code)
    return found


@contextmanager
def fields_named(products: Mapping[str, int] | None = None, /, **names: str) -> Iterator[None]:
    """Let a refusal name the field of the request, where the use case names that of a form.

    Forms have a field for each line (``damaged-12``); a request has ``damaged``. ``names``:
    fields of forms that have another name in the request. ``products``: their numbers by code,
    where the number of a field is that of a product; the refusal then names its code.
    """
    try:
        yield
    except DomainError as refusal:
        if "field" in refusal.context:
            field, _dash, number = str(refusal.context["field"]).rpartition("-")
            if not number.isdecimal():
                field, number = str(refusal.context["field"]), ""
            refusal.context["field"] = names.get(field, field)
            codes = {str(key): code for code, key in (products or {}).items()}
            if number in codes:
                refusal.context["product_code"] = codes[number]
        raise
