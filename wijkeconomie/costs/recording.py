"""Writing a settlement of a cost: its entry, shares, subsidy and carried fractions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import DividedCost
from wijkeconomie.costs.entry_rules import CostAmounts, cost_lines
from wijkeconomie.costs.models import (
    AllocationCarry,
    CostSettlement,
    RunState,
    SettlementRun,
)
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import BulkEntryDraft
from wijkeconomie.ledger.queries import account_ids, control_codes
from wijkeconomie.ledger.service import (
    ensure_accounts,
    open_books,
    party_accounts,
    post_bulk_entry,
)
from wijkeconomie.money.periods import Period
from wijkeconomie.money.vat import standard_rates_on

BLOCK = 1000


def new_run(uow: UnitOfWork, month: Period, *, reason: str | None = None) -> SettlementRun:
    """The next run of a month, posted; ``reason`` is that of a correction."""
    last = uow.session.scalar(
        select(func.max(SettlementRun.number)).where(
            SettlementRun.cooperative_id == uow.tenant, SettlementRun.month == month.start
        )
    )
    run = SettlementRun(
        cooperative_id=uow.tenant,
        month=month.start,
        number=(last or 0) + 1,
        state=RunState.POSTED,
        posted_at=uow.now,
        posted_by=uow.actor,
        reason=reason,
    )
    uow.session.add(run)
    uow.session.flush()
    return run


def own_cooperative(uow: UnitOfWork) -> Cooperative:
    """The cooperative that the unit of work is within."""
    return uow.session.get_one(Cooperative, uow.tenant)


def record_settlement(
    uow: UnitOfWork,
    cooperative: Cooperative,
    run: SettlementRun,
    divided: DividedCost,
    on: date,
) -> None:
    """Write one settlement: entry, shares, subsidy, carried fractions and the cost's version."""
    cost, by = divided.cost, divided.by
    version = divided.head.version
    used = int(divided.subsidy_cents.sum())
    proof = divided.proof
    settlement = CostSettlement(
        cooperative_id=uow.tenant,
        cost_id=cost.id,
        version=version,
        run_id=run.id,
        key_version_id=by.version.id,
        subsidy_id=divided.subsidy.id if divided.subsidy is not None else None,
        accounting_date=on,
        total_cents=cost.gross_cents,
        subsidy_cents=used,
        part_totals=list(divided.shares.part_totals),
        weight_sums=[str(part.total) for part in by.terms.parts],
        weight_scales=[str(part.scale) for part in by.terms.parts],
        start=by.terms.start,
        member_count=len(by.members),
        entry_number=_post(uow, cooperative, divided, proof, on),
        proof=proof,
        secret=divided.secret,
    )
    uow.session.add(settlement)
    uow.session.flush()
    _write_blocks(uow, settlement.id, divided)
    if divided.subsidy is not None:
        divided.subsidy.used_cents += used
    if divided.shares.carry is not None:
        _write_carry(uow, cost.key_id, by.members.ids, divided.shares.carry)
    cost.settled_version = version
    uow.session.flush()


def _post(
    uow: UnitOfWork, cooperative: Cooperative, divided: DividedCost, proof: bytes, on: date
) -> int | None:
    cost = divided.cost
    if not cost.gross_cents:
        return None
    version = divided.head.version
    lines = cost_lines(
        CostAmounts(
            net_cents=cost.net_cents,
            vat_cents=cost.vat_cents,
            vat_basis_points=cost.vat_basis_points,
            supplier=cost.supplier_code,
            subsidy=divided.subsidy.code if divided.subsidy is not None else None,
            subsidy_cents=int(divided.subsidy_cents.sum()),
        ),
        regime="kor" if cooperative.vat_regime == "kor" else "regulier",
        standard_rates=standard_rates_on(on),
    )
    codes = _line_codes(uow, [(line.account_key, line.party) for line in lines])
    ids = account_ids(uow.session, uow.tenant, codes)
    member_ids, member_codes, payable = _member_columns(uow, divided)
    draft = BulkEntryDraft(
        accounting_date=on,
        kind="cost.settled",
        source=f"cost/{cost.code}/{version}",
        description=f"Cost {cost.code}, version {version}, proof {proof.hex()}",
        idempotency_key=f"cost/{cost.id}/settled/{version}",
        account_ids=np.append(member_ids, [ids[code] for code in codes]).astype(np.int64),
        account_codes=[*member_codes, *codes],
        amounts=np.append(payable, [line.amount_cents for line in lines]).astype(np.int64),
    )
    return post_bulk_entry(uow, draft).number


def _line_codes(uow: UnitOfWork, wanted: Sequence[tuple[str, str | None]]) -> list[str]:
    known = control_codes(uow.session, uow.tenant)
    if any(key not in known for key, _ in wanted):
        # The books were opened before the chart had these accounts.
        open_books(uow, load_chart())
        known = control_codes(uow.session, uow.tenant)
    return [
        known[key] if party is None else ensure_accounts(uow, key, [party])[party]
        for key, party in wanted
    ]


def _member_columns(
    uow: UnitOfWork, divided: DividedCost
) -> tuple[Sequence[int], Sequence[str], Sequence[int]]:
    """Accounts and amounts of the members who pay something."""
    members = divided.by.members
    payable = divided.payable_cents
    paying = np.flatnonzero(payable)
    if None in members.account_ids:
        codes = [members.codes[index] for index in paying.tolist()]
        ids, account_codes = party_accounts(uow, "member_account", codes)
        return ids.tolist(), account_codes, payable[paying].tolist()
    control = control_codes(uow.session, uow.tenant)["member_account"]
    own = np.array(members.account_ids, np.int64)[paying].tolist()
    codes = [members.codes[index] for index in paying.tolist()]
    return own, [f"{control}:{code}" for code in codes], payable[paying].tolist()


_INSERT_BLOCK = text(
    """
insert into cost_share_block (cooperative_id, settlement_id, position, member_ids, weights,
  variable_weights, minimum_cents, cap_cents, carried, cents, subsidy_cents)
values (:cooperative_id, :settlement_id, :position, cast(:member_ids as bigint[]),
  cast(:weights as text[]), cast(:variable_weights as text[]), cast(:minimum_cents as bigint[]),
  cast(:cap_cents as bigint[]), cast(:carried as text[]), cast(:cents as bigint[]),
  cast(:subsidy_cents as bigint[]))
"""
)


def _write_blocks(uow: UnitOfWork, settlement_id: int, divided: DividedCost) -> None:
    columns: dict[str, Sequence[object] | None] = {
        "member_ids": divided.by.members.ids,
        "weights": divided.columns.weights,
        "variable_weights": divided.columns.variable_weights,
        "minimum_cents": divided.columns.minimums,
        "cap_cents": divided.columns.caps,
        "carried": divided.columns.carried,
        "cents": divided.columns.cents,
        "subsidy_cents": divided.columns.subsidy_cents,
    }
    rows = [
        {"cooperative_id": uow.tenant, "settlement_id": settlement_id, "position": position}
        | {
            name: None if column is None else array_text(column[start : start + BLOCK])
            for name, column in columns.items()
        }
        for position, start in enumerate(range(0, len(divided.columns.cents), BLOCK))
    ]
    uow.session.execute(_INSERT_BLOCK, rows)


def _write_carry(
    uow: UnitOfWork, key_id: int, member_ids: Sequence[int], carry: Sequence[Fraction]
) -> None:
    statement = upsert(AllocationCarry)
    uow.session.execute(
        statement.on_conflict_do_update(
            index_elements=["cooperative_id", "key_id", "member_id"],
            set_={"cents": statement.excluded.cents},
        ),
        [
            {
                "cooperative_id": uow.tenant,
                "key_id": key_id,
                "member_id": member_id,
                "cents": str(cents),
            }
            for member_id, cents in zip(member_ids, carry, strict=True)
        ],
    )
