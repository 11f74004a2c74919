"""Use cases of the link by which everyone may look at a round, and what he then sees."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.ladder_queries import ProductLadder, round_ladders
from wijkeconomie.purchasing.link_models import RoundLink
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.queries import OfferedProduct, RoundView

TOKEN_BYTES = 12
"""Nobody guesses it, and it still makes a picture that a phone reads from a wall."""

ENOUGH_MEMBERS = 3
"""With fewer the figures of the group are those of someone whom a neighbour may know."""


@dataclass(frozen=True, slots=True)
class PublicRound:
    """A round as everyone with the link sees it: no person, and no figure that is one person's.

    ``pledgers`` is ``None`` while too few take part to tell; a product has a ladder only when
    enough members ordered of that very product.
    """

    round: RoundView
    products: tuple[tuple[OfferedProduct, ProductLadder | None], ...]
    pledgers: int | None


def share_round(uow: UnitOfWork, round_id: int) -> str:
    """Let everyone look who has the link; its token. A round that is shared keeps its link.

    A link that was withdrawn stays worthless: sharing again makes another.

    Raises:
        NotFoundError: no such round.
    """
    require_permission(uow.identity, "round.share")
    locked_round(uow, round_id)
    found = uow.session.get(RoundLink, (uow.tenant, round_id))
    if found is not None and found.withdrawn_at is None:
        return found.token
    token = secrets.token_urlsafe(TOKEN_BYTES)
    if found is None:
        found = RoundLink(cooperative_id=uow.tenant, round_id=round_id)
        uow.session.add(found)
    found.token, found.shared_at, found.shared_by = token, uow.now, uow.actor
    found.withdrawn_at = None
    uow.session.flush()
    record_change(uow, subject=f"round/{round_id}", action="shared")
    return token


def withdraw_link(uow: UnitOfWork, round_id: int) -> None:
    """Make the link of a round worthless; nothing happens where there is none."""
    require_permission(uow.identity, "round.share")
    locked_round(uow, round_id)
    found = uow.session.get(RoundLink, (uow.tenant, round_id))
    if found is None or found.withdrawn_at is not None:
        return
    found.withdrawn_at = uow.now
    uow.session.flush()
    record_change(uow, subject=f"round/{round_id}", action="unshared")


def link_of_round(uow: UnitOfWork, round_id: int) -> str | None:
    """The token of a round that is shared."""
    return uow.session.scalar(
        select(RoundLink.token).where(
            RoundLink.cooperative_id == uow.tenant,
            RoundLink.round_id == round_id,
            RoundLink.withdrawn_at.is_(None),
        )
    )


def round_by_link(uow: UnitOfWork, token: str) -> PublicRound:
    """What someone without a login sees by a link.

    Raises:
        NotFoundError: there is no such link, or it was withdrawn.
    """
    round_id = uow.session.scalar(
        select(RoundLink.round_id).where(
            RoundLink.cooperative_id == uow.tenant,
            RoundLink.token == token,
            RoundLink.withdrawn_at.is_(None),
        )
    )
    if round_id is None:
        raise NotFoundError("there is no such link")
    found = queries.round_by_id(uow.session, uow.tenant, round_id)
    offered = queries.offered_products(uow.session, uow.tenant, round_id)
    told = {each.id for each in offered if each.pledgers >= ENOUGH_MEMBERS}
    ladders = {
        each.round_product_id: each
        for each in round_ladders(
            uow.session, uow.tenant, round_id, is_open=found.state is RoundState.OPEN
        )
        if each.has_choice and each.round_product_id in told
    }
    return PublicRound(
        found,
        tuple((product, ladders.get(product.id)) for product in offered),
        found.pledgers if found.pledgers >= ENOUGH_MEMBERS else None,
    )
