"""Which pledges of a round its members' accounts do not cover any more, when it closes."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from sqlalchemy import select, text

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.purchasing.models import PurchaseRound
from wijkeconomie.purchasing.queries import reserved_by_member
from wijkeconomie.purchasing.round_rules import covered, pledge_estimate

# Members are locked in the order of their ids, after the round: as everywhere, so that
# nobody waits in a circle.
_MEMBERS = text(
    """
select m.id, m.code, m.credit_limit_cents from member m
where m.cooperative_id = :cooperative_id and m.id in (
  select member_id from pledge where cooperative_id = :cooperative_id
    and round_id = :round_id and withdrawn_at is null)
order by m.id for update
"""
)
_LINES = text(
    """
select x.member_id, x.id, x.quantity + x.tolerance, o.price_excl_cents, o.vat_basis_points,
  o.price_units, o.deposit_cents
from pledge x
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
where x.cooperative_id = :cooperative_id and x.round_id = :round_id and x.withdrawn_at is null
  and (x.max_price_excl_cents is null or x.max_price_excl_cents >= o.price_excl_cents)
order by x.member_id, x.pledged_at, x.code collate "C"
"""
)


def uncovered_pledges(uow: UnitOfWork, found: PurchaseRound) -> list[int]:
    """Pledges that their members' accounts do not cover at the prices that were reached.

    The oldest pledges of a member go first, with what other unsettled rounds reserve before
    all of them. Those that fall out by their maximum price count for nothing. There are none
    where the cooperative does not limit credit.
    """
    limit = uow.session.execute(
        select(Cooperative.enforces_credit_limit, Cooperative.default_credit_limit_cents).where(
            Cooperative.id == uow.tenant
        )
    ).one()
    if not limit.enforces_credit_limit:
        return []
    key = {"cooperative_id": uow.tenant, "round_id": found.id}
    members = {row.id: row for row in uow.session.execute(_MEMBERS, key)}
    owed = ledger.party_balances(uow.session, uow.tenant, "member_account")
    elsewhere = reserved_by_member(uow.session, uow.tenant, except_round=found.id)
    uncovered: list[int] = []
    lines = uow.session.execute(_LINES, key).all()
    for member_id, own in groupby(lines, key=itemgetter(0)):
        pledges = list(own)
        member = members[member_id]
        most = member.credit_limit_cents
        most = limit.default_credit_limit_cents if most is None else most
        room = most - owed.get(member.code, 0) - elsewhere.get(member_id, 0)
        kept = covered(room, [pledge_estimate(*line[2:]) for line in pledges])
        uncovered += [line[1] for line in pledges[kept:]]
    return uncovered
