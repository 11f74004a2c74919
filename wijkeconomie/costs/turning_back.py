"""The settlement of a cost that stands: what it took from whom, and turning it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import select, text

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.carrying import write_carried
from wijkeconomie.costs.dividing import GivenBack
from wijkeconomie.costs.models import (
    CostSettlement,
    CostShareBlock,
    RunState,
    SettlementRun,
    SharedCost,
)
from wijkeconomie.costs.participant_queries import carried_cents
from wijkeconomie.costs.refusals import CostAccountedError
from wijkeconomie.ledger.service import reverse_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The settlement of a cost that stands, with the amounts that it was made of.

    ``paid`` is what each member pays by it, by number; ``subsidies`` what each subsidy pays, by
    its id; ``carried`` what each member carries once it is turned back.
    """

    settlement: CostSettlement
    run_state: RunState
    net_cents: int
    vat_cents: int
    paid: Mapping[str, int]
    subsidies: Mapping[int, int]
    carried: Mapping[int, Fraction]

    def gives_back(self) -> GivenBack:
        """What another settlement in its place finds."""
        return GivenBack(self.subsidies, self.carried)


def standing_settlement(uow: UnitOfWork, cost: SharedCost) -> Standing:
    """The settlement of a settled cost that stands.

    Raises:
        CostAccountedError: a subsidy that helps to pay it was accounted for.
    """
    settlement, state = uow.session.execute(
        select(CostSettlement, SettlementRun.state)
        .join(
            SettlementRun,
            (SettlementRun.cooperative_id == CostSettlement.cooperative_id)
            & (SettlementRun.id == CostSettlement.run_id),
        )
        .where(
            CostSettlement.cooperative_id == uow.tenant,
            CostSettlement.cost_id == cost.id,
            CostSettlement.version == cost.settled_version,
        )
    ).one()
    key = {"cooperative_id": uow.tenant, "settlement": settlement.id}
    return Standing(
        settlement=settlement,
        run_state=RunState(state),
        net_cents=cost.net_cents,
        vat_cents=cost.vat_cents,
        paid=dict(uow.session.execute(_PAID, key).all()),
        subsidies=_subsidies(uow, cost, settlement),
        carried=_carried(uow, cost, settlement),
    )


_PAID = text(
    """
select m.code, x.cents - coalesce(x.subsidy, 0) from cost_share_block b
cross join unnest(b.member_ids, b.cents, b.subsidy_cents) as x (member_id, cents, subsidy)
join member m on m.cooperative_id = b.cooperative_id and m.id = x.member_id
where b.cooperative_id = :cooperative_id and b.settlement_id = :settlement
"""
)
_SUBSIDIES = text(
    """
select s.id, s.code, s.accounted_on, sum((select sum(c) from unnest(u.cents) c))::bigint as cents
from cost_subsidy_block u
join subsidy s on s.cooperative_id = u.cooperative_id and s.id = u.subsidy_id
where u.cooperative_id = :cooperative_id and u.settlement_id = :settlement
group by s.id, s.code, s.accounted_on
"""
)


def _subsidies(uow: UnitOfWork, cost: SharedCost, settlement: CostSettlement) -> dict[int, int]:
    """What each subsidy pays of it.

    The funder was told the sum that an accounted subsidy spent: it may not change any more, and
    members may not pay in its place what it paid for them.
    """
    rows = uow.session.execute(
        _SUBSIDIES, {"cooperative_id": uow.tenant, "settlement": settlement.id}
    ).all()
    for row in rows:
        if row.accounted_on is not None:
            raise CostAccountedError(
                f"subsidy {row.code}, which helped to pay {cost.code}, was accounted for on"
                f" {row.accounted_on}: write the difference down as a cost of its own",
                cost=cost.code,
                subsidy=row.code,
            )
    return {row.id: row.cents for row in rows}


def _carried(uow: UnitOfWork, cost: SharedCost, settlement: CostSettlement) -> dict[int, Fraction]:
    """What each member carries once it is undone: with the share given back, the exact one off."""
    blocks = uow.session.scalars(
        select(CostShareBlock)
        .where(
            CostShareBlock.cooperative_id == uow.tenant,
            CostShareBlock.settlement_id == settlement.id,
            CostShareBlock.carried.is_not(None),
        )
        .order_by(CostShareBlock.position)
    ).all()
    if not blocks:
        return {}
    weight_sum = int(settlement.weight_sums[0]) or 1
    ids = [member_id for block in blocks for member_id in block.member_ids]
    weights = [int(weight) for block in blocks for weight in block.weights]
    shares = [cents for block in blocks for cents in block.cents]
    known = carried_cents(uow.session, uow.tenant, cost.key_id, ids)
    return {
        member_id: carried + cents - Fraction(settlement.total_cents * weight, weight_sum)
        for member_id, carried, cents, weight in zip(ids, known, shares, weights, strict=True)
    }


def turn_back(uow: UnitOfWork, cost: SharedCost, standing: Standing, *, on: date) -> None:
    """Reverse the entry of a settlement, and give back what it used and what it carried on.

    Raises:
        ClosedPeriodError: the month of ``on`` is closed.
    """
    settlement = standing.settlement
    if settlement.entry_number is not None:
        settlement.reversal_number = reverse_entry(
            uow,
            settlement.entry_number,
            accounting_date=on,
            idempotency_key=f"cost/{cost.id}/reversed/{settlement.version}",
            description=f"Cost {cost.code}, version {settlement.version} turned back",
        ).number
    for subsidy_id, cents in standing.subsidies.items():
        uow.session.execute(
            _GIVE_BACK, {"cooperative_id": uow.tenant, "id": subsidy_id, "cents": cents}
        )
    write_carried(uow, cost.key_id, standing.carried)
    uow.session.flush()


_GIVE_BACK = text(
    "update subsidy set used_cents = used_cents - :cents"
    " where cooperative_id = :cooperative_id and id = :id"
)
