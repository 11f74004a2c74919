"""Gathering the proof of a settlement from what is stored."""

from __future__ import annotations

from sqlalchemy import select, text

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.permissions import may
from wijkeconomie.core.refusals import NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.models import (
    AllocationKey,
    AllocationKeyVersion,
    CostSettlement,
    CostShareBlock,
    RunState,
    SettlementRun,
    SharedCost,
    TiePolicy,
)
from wijkeconomie.costs.proof import ProofColumns, ProofHead, digest, pseudonym, write_proof
from wijkeconomie.costs.proof_first import write_first_proof
from wijkeconomie.costs.refusals import CostNotSettledError


def proof_of(uow: UnitOfWork, cost_code: str, *, version: int | None = None) -> bytes:
    """The centenbewijs of a published settlement: the standing one, or an earlier version.

    Members and who keeps the books may have it; no name stands in it.

    Raises:
        NotFoundError: no such cost.
        CostNotSettledError: not settled, or not shown to members yet.
    """
    cost, settlement = _settlement(uow, cost_code, version)
    key_version = uow.session.get_one(AllocationKeyVersion, (uow.tenant, settlement.key_version_id))
    key = uow.session.get_one(AllocationKey, (uow.tenant, key_version.key_id))
    head = ProofHead(
        cooperative=uow.session.get_one(Cooperative, uow.tenant).code,
        cost=cost.code,
        version=settlement.version,
        month=f"{cost.month:%Y-%m}",
        total_cents=settlement.total_cents,
        key=key.code,
        key_version=key_version.number,
        basis=key_version.basis,
        fixed_basis=key_version.fixed_basis,
        fixed_percent=key_version.fixed_percent,
        policy=TiePolicy(key_version.tie_policy).value,
        start=settlement.start,
        scales=tuple(int(scale) for scale in settlement.weight_scales),
    )
    blocks = _blocks(uow, settlement)
    codes = _codes(uow, [member for block in blocks for member in block.member_ids])
    names = [
        pseudonym(settlement.secret, codes[member])
        for block in blocks
        for member in block.member_ids
    ]
    columns = _columns(blocks)
    # The digest in the books tells in which form the settlement was made.
    is_second = digest(head, columns) == settlement.proof
    write = write_proof if is_second else write_first_proof
    return write(
        head,
        columns,
        names,
        entry_number=settlement.entry_number,
        entry_hash=_hash(uow, settlement.entry_number),
    )


def _settlement(
    uow: UnitOfWork, cost_code: str, version: int | None
) -> tuple[SharedCost, CostSettlement]:
    if not (may(uow.identity, "cost.read") or may(uow.identity, "statement.read-own")):
        raise PermissionDeniedError("a proof is for members", permission="cost.read")
    cost = uow.session.scalar(
        select(SharedCost).where(
            SharedCost.cooperative_id == uow.tenant, SharedCost.code == cost_code
        )
    )
    if cost is None:
        raise NotFoundError(f"there is no cost {cost_code}", cost=cost_code)
    settlement = uow.session.scalar(
        select(CostSettlement)
        .join(
            SettlementRun,
            (SettlementRun.cooperative_id == CostSettlement.cooperative_id)
            & (SettlementRun.id == CostSettlement.run_id),
        )
        .where(
            CostSettlement.cooperative_id == uow.tenant,
            CostSettlement.cost_id == cost.id,
            CostSettlement.version == (version or cost.settled_version),
            SettlementRun.state == RunState.PUBLISHED,
        )
    )
    if settlement is None:
        raise CostNotSettledError(f"cost {cost.code} has no published settlement", cost=cost.code)
    return cost, settlement


def _blocks(uow: UnitOfWork, settlement: CostSettlement) -> list[CostShareBlock]:
    return list(
        uow.session.scalars(
            select(CostShareBlock)
            .where(
                CostShareBlock.cooperative_id == uow.tenant,
                CostShareBlock.settlement_id == settlement.id,
            )
            .order_by(CostShareBlock.position)
        )
    )


def _columns(blocks: list[CostShareBlock]) -> ProofColumns:
    first = blocks[0]
    return ProofColumns(
        weights=[int(w) for block in blocks for w in block.weights],
        variable_weights=None
        if first.variable_weights is None
        else [int(w) for block in blocks for w in block.variable_weights or ()],
        minimums=None
        if first.minimum_cents is None
        else [cents for block in blocks for cents in block.minimum_cents or ()],
        caps=None
        if first.cap_cents is None
        else [cents for block in blocks for cents in block.cap_cents or ()],
        carried=None
        if first.carried is None
        else [cents for block in blocks for cents in block.carried or ()],
        cents=[cents for block in blocks for cents in block.cents],
        subsidy_cents=None
        if first.subsidy_cents is None
        else [cents for block in blocks for cents in block.subsidy_cents or ()],
    )


def _codes(uow: UnitOfWork, member_ids: list[int]) -> dict[int, str]:
    return dict(
        uow.session.execute(
            text(
                "select id, code from member where cooperative_id = :id"
                " and id = any(cast(:members as bigint[]))"
            ),
            {"id": uow.tenant, "members": member_ids},
        ).all()
    )


def _hash(uow: UnitOfWork, number: int | None) -> str | None:
    found: str | None = uow.session.scalar(
        text(
            "select encode(hash, 'hex') from journal_entry"
            " where cooperative_id = :id and number = :number"
        ),
        {"id": uow.tenant, "number": number},
    )
    return found
