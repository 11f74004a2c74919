"""Writing a settlement of a cost: its entry, shares, subsidy and carried fractions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import Enum

import numpy as np
from sqlalchemy import text

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.carrying import write_carried
from wijkeconomie.costs.dividing import DividedCost
from wijkeconomie.costs.entry_rules import CostAmounts, cost_lines
from wijkeconomie.costs.metering import write_closings
from wijkeconomie.costs.models import RunState, SharedCost
from wijkeconomie.costs.settlement_writing import WrittenBy, write_settlements
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import BulkEntryDraft
from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.ledger.queries import control_accounts
from wijkeconomie.ledger.service import open_books, party_accounts, post_bulk_entries
from wijkeconomie.money.periods import Period
from wijkeconomie.money.vat import VatRegime, standard_rates_on

SHARES_AT_ONCE = 200_000
"""So many shares are held in memory before they are written."""


class Publication(Enum):
    """When the members see a run, and whether they are told."""

    LATER = "later"
    WITH_LETTER = "with letter"
    SILENT = "silent"
    """An import shows what was settled long ago."""


# The next run of a month is the draft of it, if one stands: both have the number after the last.
_NEW_RUN = text(
    """
insert into settlement_run (cooperative_id, month, number, state, posted_at, posted_by,
  published_at, reason)
select :cooperative_id, :month, coalesce(max(number), 0) + 1, :state, :now, :actor,
  :published_at, :reason
from settlement_run
where cooperative_id = :cooperative_id and month = :month and state <> 'draft'
on conflict (cooperative_id, month, number) do update
  set state = excluded.state, posted_at = excluded.posted_at, posted_by = excluded.posted_by,
    published_at = excluded.published_at
  where settlement_run.state = 'draft'
returning id
"""
)


# A draft is of what waits, not of what is corrected: it goes on standing, as the last of its month.
_LEAVE_DRAFT = text(
    "update settlement_run set number = number + 1"
    " where cooperative_id = :cooperative_id and month = :month and state = 'draft'"
)


def new_run(
    uow: UnitOfWork, month: Period, publication: Publication, *, reason: str | None = None
) -> int:
    """The next run of a month, posted: the draft of it, if one stands. Its id.

    ``reason`` is that of a correction, which is no draft's run.
    """
    is_published = publication is not Publication.LATER
    if reason is not None:
        uow.session.execute(_LEAVE_DRAFT, {"cooperative_id": uow.tenant, "month": month.start})
    run_id: int = uow.session.scalars(
        _NEW_RUN,
        {
            "cooperative_id": uow.tenant,
            "month": month.start,
            "state": RunState.PUBLISHED if is_published else RunState.POSTED,
            "now": uow.now,
            "actor": uow.actor,
            "published_at": uow.now if is_published else None,
            "reason": reason,
        },
    ).one()
    return run_id


class Recorder:
    """Writes the settlements of one run down, many at a time."""

    def __init__(self, uow: UnitOfWork, vat_regime: VatRegime, run_id: int, on: date) -> None:
        self._uow = uow
        self._vat_regime = vat_regime
        self._run_id = run_id
        self._on = on
        self._accounts = self._chart()
        self._parts: dict[tuple[str, str], tuple[str, int]] = {}
        self._waiting: list[DividedCost] = []

    def _chart(self) -> dict[str, tuple[str, int]]:
        found = control_accounts(self._uow.session, self._uow.tenant)
        if not {"shared_costs", "services_zero"} <= found.keys():
            # The books were opened before the chart had these accounts.
            open_books(self._uow, load_chart())
            found = control_accounts(self._uow.session, self._uow.tenant)
        return found

    def record(self, divided: DividedCost) -> None:
        """Take a cost to be written; it is in the books after :meth:`finish` at the latest."""
        self._waiting.append(divided)
        if sum(len(each.by.members) for each in self._waiting) >= SHARES_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Post the entries, and write settlements, shares, and what was used or carried on."""
        waiting, self._waiting = self._waiting, []
        drafts = [self._draft(divided) for divided in waiting if divided.cost.gross_cents]
        posted = iter(post_bulk_entries(self._uow, drafts))
        write_settlements(
            self._uow,
            WrittenBy(self._run_id, self._on),
            [
                (divided, next(posted).number if divided.cost.gross_cents else None)
                for divided in waiting
            ],
        )
        self._carry_on(waiting)
        write_closings(self._uow, [each for divided in waiting for each in divided.by.metered])

    def _carry_on(self, settled: Sequence[DividedCost]) -> None:
        """What the last cost of each key that carries left to its members."""
        last = {each.cost.key_id: each for each in settled if each.shares.carry is not None}
        for key_id, each in last.items():
            carried = zip(each.by.members.ids, each.shares.carry or (), strict=True)
            write_carried(self._uow, key_id, dict(carried))

    def _draft(self, divided: DividedCost) -> BulkEntryDraft:
        cost, version = divided.cost, divided.head.version
        lines = cost_lines(
            CostAmounts(
                net_cents=cost.net_cents,
                vat_cents=cost.vat_cents,
                vat_basis_points=cost.vat_basis_points,
                supplier=cost.supplier_code,
                payer=self._payer(cost),
                subsidies=[(use.subsidy.code, use.total_cents) for use in divided.uses],
            ),
            regime=self._vat_regime,
            standard_rates=standard_rates_on(self._on),
        )
        accounts = [self._account(line) for line in lines]
        member_ids, member_codes, payable = self._member_columns(divided)
        return BulkEntryDraft(
            accounting_date=self._on,
            kind="cost.settled",
            source=f"cost/{cost.code}/{version}",
            description=f"Cost {cost.code}, version {version}, proof {divided.proof.hex()}",
            idempotency_key=f"cost/{cost.id}/settled/{version}",
            account_ids=np.append(member_ids, [id_ for _, id_ in accounts]).astype(np.int64),
            account_codes=[*member_codes, *(code for code, _ in accounts)],
            amounts=np.append(payable, [line.amount_cents for line in lines]).astype(np.int64),
        )

    def _payer(self, cost: SharedCost) -> str | None:
        """The number of the member who paid it for the others, if one did."""
        if cost.paid_by_member_id is None:
            return None
        return self._uow.session.get_one(Member, (self._uow.tenant, cost.paid_by_member_id)).code

    def _account(self, line: EntryLine) -> tuple[str, int]:
        if line.party is None:
            return self._accounts[line.account_key]
        wanted = (line.account_key, line.party)
        if wanted not in self._parts:
            ids, codes = party_accounts(self._uow, line.account_key, [line.party])
            self._parts[wanted] = codes[0], int(ids[0])
        return self._parts[wanted]

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
