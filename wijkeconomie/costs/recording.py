"""Writing a settlement of a cost: its entry, shares, subsidy and carried fractions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from wijkeconomie.cooperatives.models import Cooperative, Member
from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import DividedCost
from wijkeconomie.costs.entry_rules import CostAmounts, CostLine, cost_lines
from wijkeconomie.costs.models import (
    AllocationCarry,
    CostSettlement,
    RunState,
    SettlementRun,
    SharedCost,
)
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import BulkEntryDraft
from wijkeconomie.ledger.queries import control_accounts
from wijkeconomie.ledger.service import open_books, party_accounts, post_bulk_entry
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


class Recorder:
    """Writes the settlements of one run: entries one by one, the rest together at the end."""

    def __init__(
        self, uow: UnitOfWork, cooperative: Cooperative, run: SettlementRun, on: date
    ) -> None:
        self._uow = uow
        self._is_small = cooperative.vat_regime == "kor"
        self._run = run
        self._on = on
        self._accounts = self._chart()
        self._written: list[tuple[CostSettlement, DividedCost]] = []

    def _chart(self) -> dict[str, tuple[str, int]]:
        found = control_accounts(self._uow.session, self._uow.tenant)
        if "shared_costs" not in found:
            # The books were opened before the chart had these accounts.
            open_books(self._uow, load_chart())
            found = control_accounts(self._uow.session, self._uow.tenant)
        return found

    def record(self, divided: DividedCost) -> None:
        """Post a cost; what its settlement used up or carries on counts for the next one."""
        cost, by = divided.cost, divided.by
        used = int(divided.subsidy_cents.sum())
        proof = divided.proof
        settlement = CostSettlement(
            cooperative_id=self._uow.tenant,
            cost_id=cost.id,
            version=divided.head.version,
            run_id=self._run.id,
            key_version_id=by.version.id,
            subsidy_id=divided.subsidy.id if divided.subsidy is not None else None,
            accounting_date=self._on,
            total_cents=cost.gross_cents,
            subsidy_cents=used,
            part_totals=list(divided.shares.part_totals),
            weight_sums=[str(part.total) for part in by.terms.parts],
            weight_scales=[str(part.scale) for part in by.terms.parts],
            start=by.terms.start,
            member_count=len(by.members),
            entry_number=self._post(divided, proof) if cost.gross_cents else None,
            proof=proof,
            secret=divided.secret,
        )
        self._uow.session.add(settlement)
        self._written.append((settlement, divided))
        if divided.subsidy is not None:
            divided.subsidy.used_cents += used
        if divided.shares.carry is not None:
            _write_carry(self._uow, cost.key_id, by.members.ids, divided.shares.carry)
        cost.settled_version = divided.head.version

    def finish(self) -> None:
        """Write the settlements and their shares."""
        self._uow.session.flush()
        rows = [
            row
            for settlement, divided in self._written
            for row in _block_rows(self._uow.tenant, settlement.id, divided)
        ]
        if rows:
            self._uow.session.execute(_INSERT_BLOCK, rows)

    def _post(self, divided: DividedCost, proof: bytes) -> int:
        cost, version = divided.cost, divided.head.version
        lines = cost_lines(
            CostAmounts(
                net_cents=cost.net_cents,
                vat_cents=cost.vat_cents,
                vat_basis_points=cost.vat_basis_points,
                supplier=cost.supplier_code,
                payer=self._payer(cost),
                subsidy=divided.subsidy.code if divided.subsidy is not None else None,
                subsidy_cents=int(divided.subsidy_cents.sum()),
            ),
            regime="kor" if self._is_small else "regulier",
            standard_rates=standard_rates_on(self._on),
        )
        accounts = [self._account(line) for line in lines]
        member_ids, member_codes, payable = self._member_columns(divided)
        draft = BulkEntryDraft(
            accounting_date=self._on,
            kind="cost.settled",
            source=f"cost/{cost.code}/{version}",
            description=f"Cost {cost.code}, version {version}, proof {proof.hex()}",
            idempotency_key=f"cost/{cost.id}/settled/{version}",
            account_ids=np.append(member_ids, [id_ for _, id_ in accounts]).astype(np.int64),
            account_codes=[*member_codes, *(code for code, _ in accounts)],
            amounts=np.append(payable, [line.amount_cents for line in lines]).astype(np.int64),
        )
        return post_bulk_entry(self._uow, draft).number

    def _payer(self, cost: SharedCost) -> str | None:
        """The number of the member who paid it for the others, if one did."""
        if cost.paid_by_member_id is None:
            return None
        return self._uow.session.get_one(Member, (self._uow.tenant, cost.paid_by_member_id)).code

    def _account(self, line: CostLine) -> tuple[str, int]:
        if line.party is None:
            return self._accounts[line.account_key]
        ids, codes = party_accounts(self._uow, line.account_key, [line.party])
        return codes[0], int(ids[0])

    def _member_columns(
        self, divided: DividedCost
    ) -> tuple[Sequence[int], Sequence[str], Sequence[int]]:
        """Accounts and amounts of the members who pay something."""
        members = divided.by.members
        payable = divided.payable_cents
        paying = np.flatnonzero(payable)
        codes = [members.codes[index] for index in paying.tolist()]
        if None in members.account_ids:
            ids, account_codes = party_accounts(self._uow, "member_account", codes)
            return ids.tolist(), account_codes, payable[paying].tolist()
        control, _ = self._accounts["member_account"]
        own = np.array(members.account_ids, np.int64)[paying].tolist()
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


def _block_rows(
    cooperative_id: int, settlement_id: int, divided: DividedCost
) -> Iterator[dict[str, object]]:
    """The shares of a settlement, a thousand members a row."""
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
    for position, start in enumerate(range(0, len(divided.columns.cents), BLOCK)):
        key = {
            "cooperative_id": cooperative_id,
            "settlement_id": settlement_id,
            "position": position,
        }
        yield key | {
            name: None if column is None else array_text(column[start : start + BLOCK])
            for name, column in columns.items()
        }


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
