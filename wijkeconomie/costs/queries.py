"""Reads of costs, keys, runs and members' shares, for pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.costs.explanations import CostShareFacts
from wijkeconomie.costs.paging import FIRST_PAGE, PER_PAGE, AskedPage
from wijkeconomie.costs.proof import pseudonym
from wijkeconomie.costs.settlement_writing import BLOCK


@dataclass(frozen=True, slots=True)
class WaitingMonth:
    """A month with costs that wait."""

    month: date
    costs: int
    gross_cents: int


@dataclass(frozen=True, slots=True)
class RunView:
    """A settled month: how many costs, together how much, and when."""

    id: int
    month: date
    number: int
    state: str
    posted_at: datetime
    costs: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key with its latest version."""

    code: str
    name: str
    number: int
    valid_from: date
    basis: str
    tie_policy: str


def waiting_months(session: Session, cooperative_id: int) -> list[WaitingMonth]:
    """Months with costs that wait, the oldest first."""
    rows = session.execute(
        text(
            "select month, count(*), sum(gross_cents)::bigint from shared_cost"
            " where cooperative_id = :id and settled_version = 0 and stopped_at is null"
            " group by month order by month"
        ),
        {"id": cooperative_id},
    )
    return [WaitingMonth(*row) for row in rows]


# A run that was corrected before it was shown holds both settlements; the last one counts.
_RUNS = """
select r.id, r.month, r.number, r.state, r.posted_at, count(s.id),
  coalesce(sum(s.total_cents), 0)::bigint
from settlement_run r
left join cost_settlement s on s.cooperative_id = r.cooperative_id and s.run_id = r.id
  and not exists (select from cost_settlement later where later.cooperative_id = s.cooperative_id
    and later.cost_id = s.cost_id and later.version > s.version and later.run_id = s.run_id)
where r.cooperative_id = :id and r.state <> 'draft' {condition}
group by r.id, r.month, r.number, r.state, r.posted_at
order by r.month desc, r.number desc limit :limit
"""


def settled_runs(session: Session, cooperative_id: int, *, limit: int = 24) -> list[RunView]:
    """Runs, the newest first."""
    rows = session.execute(text(_RUNS.format(condition="")), {"id": cooperative_id, "limit": limit})
    return [RunView(*row) for row in rows]


def runs_of_month(session: Session, cooperative_id: int, month: date) -> list[RunView]:
    """The runs of a month, the newest first."""
    rows = session.execute(
        text(_RUNS.format(condition="and r.month = :month")),
        {"id": cooperative_id, "month": month, "limit": None},
    )
    return [RunView(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class DraftView:
    """Who kept what a month came to as a draft, when, and what that was."""

    drafted_by: str
    drafted_at: datetime
    fingerprint: bytes


def draft_of_month(session: Session, cooperative_id: int, month: date) -> DraftView | None:
    """The draft of a month, if one stands."""
    row = session.execute(
        text(
            "select drafted_by, drafted_at, fingerprint from settlement_run"
            " where cooperative_id = :id and month = :month and state = 'draft'"
        ),
        {"id": cooperative_id, "month": month},
    ).one_or_none()
    return DraftView(*row) if row is not None else None


def keys(session: Session, cooperative_id: int) -> list[KeyView]:
    """Keys with their latest versions, by name."""
    rows = session.execute(
        text(
            "select distinct on (k.name, k.code) k.code, k.name, v.number, v.valid_from, v.basis,"
            " v.tie_policy from allocation_key k join allocation_key_version v"
            " on v.cooperative_id = k.cooperative_id and v.key_id = k.id"
            " where k.cooperative_id = :id and not k.is_small_group"
            " order by k.name, k.code, v.valid_from desc, v.number desc"
        ),
        {"id": cooperative_id},
    )
    return [KeyView(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class SubsidyView:
    """A subsidy with what was used of it; ``key_name`` is whose costs it helps to pay."""

    code: str
    grantor: str
    purpose: str
    key_name: str | None
    mode: str
    awarded_cents: int
    used_cents: int
    """By shared costs, by hand, and by vouchers less what came back of these."""
    valid_from: date
    valid_until: date
    accountable_by: date | None
    accounted_on: date | None

    @property
    def left_cents(self) -> int:
        """What can still be used, or has to go back."""
        return self.awarded_cents - self.used_cents


_BY_VOUCHERS = """coalesce((select sum(p.amount) from account a
  join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
  join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
  where a.cooperative_id = s.cooperative_id and a.key = 'subsidies' and a.party = s.code
    and a.unit = 'EUR' and e.kind in ('voucher.issued', 'voucher.expired')), 0)::bigint"""


def subsidies(session: Session, cooperative_id: int) -> list[SubsidyView]:
    """Subsidies, the one to account for first on top."""
    rows = session.execute(
        text(
            "select s.code, s.grantor, s.purpose, k.name, s.mode, s.awarded_cents,"
            f" s.used_cents + {_BY_VOUCHERS},"
            " s.valid_from, s.valid_until, s.accountable_by, s.accounted_on from subsidy s"
            " left join allocation_key k on k.cooperative_id = s.cooperative_id and k.id = s.key_id"
            " where s.cooperative_id = :id order by s.accountable_by nulls last, s.code"
        ),
        {"id": cooperative_id},
    )
    return [SubsidyView(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class CostView:
    """A cost as the treasurer sees it."""

    id: int
    code: str
    description: str
    month: date
    key_name: str
    supplier_code: str | None
    document: str | None
    net_cents: int
    vat_cents: int
    gross_cents: int
    settled_version: int
    is_stopped: bool
    paid_by: str | None
    """Name and number of the member who paid it for the others."""


_COSTS = """
select c.id, c.code, c.description, c.month, k.name, c.supplier_code, c.document, c.net_cents,
  c.vat_cents, c.gross_cents, c.settled_version, c.stopped_at is not null,
  concat_ws(' ', m.first_name, m.infix, m.last_name) || ' (' || m.code || ')'
from shared_cost c join allocation_key k on k.cooperative_id = c.cooperative_id and k.id = c.key_id
left join member m on m.cooperative_id = c.cooperative_id and m.id = c.paid_by_member_id
where c.cooperative_id = :id and {condition} order by c.id
"""


def costs_of_month(session: Session, cooperative_id: int, month: date) -> list[CostView]:
    """The costs of a month, in order of arrival."""
    rows = session.execute(
        text(_COSTS.format(condition="c.month = :month")), {"id": cooperative_id, "month": month}
    )
    return [CostView(*row) for row in rows]


def cost_view(session: Session, cooperative_id: int, code: str) -> CostView:
    """One cost.

    Raises:
        NotFoundError: there is none with this code.
    """
    row = session.execute(
        text(_COSTS.format(condition="c.code = :code")), {"id": cooperative_id, "code": code}
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no cost {code}", cost=code)
    return CostView(*row)


@dataclass(frozen=True, slots=True)
class MemberShare:
    """A member's share in a settlement of a cost."""

    member: str
    member_name: str
    cost: str
    description: str
    month: date
    entry_number: int | None
    facts: CostShareFacts
    secret: bytes
    version: int

    @property
    def party(self) -> str:
        """By which number the member stands in the proof; he alone is told."""
        return pseudonym(self.secret, self.member)

    @property
    def payable_cents(self) -> int:
        """What the member pays or gets back."""
        return self.facts.cents - self.facts.subsidy_cents


_SHARES = """
select m.code as member, concat_ws(' ', m.first_name, m.infix, m.last_name) as member_name,
  c.code as cost, c.description, c.month, s.entry_number, s.secret, s.part_totals, s.weight_sums,
  s.weight_scales, s.held_cents, s.free_weight, s.carry_mean, x.weight, x.variable_weight,
  x.carried, x.minimum_cents, x.cap_cents, x.cents, coalesce(x.subsidy_cents, 0) as subsidy_cents,
  coalesce(x.is_estimated, false) as is_estimated, s.version
from shared_cost c
join cost_settlement s on s.cooperative_id = c.cooperative_id and s.cost_id = c.id
join settlement_run r on r.cooperative_id = s.cooperative_id and r.id = s.run_id
join cost_share_block b on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id
cross join unnest(b.member_ids, b.weights, b.variable_weights, b.carried, b.minimum_cents,
  b.cap_cents, b.cents, b.subsidy_cents, b.is_estimated) as x (member_id, weight,
  variable_weight, carried, minimum_cents, cap_cents, cents, subsidy_cents, is_estimated)
join member m on m.cooperative_id = c.cooperative_id and m.id = x.member_id
where c.cooperative_id = :id and {condition}
order by c.month desc, c.id, s.version, m.code
"""


def shares_of_member(
    session: Session, cooperative_id: int, member_id: int, since: date
) -> list[MemberShare]:
    """What a member pays for published costs from a month on, the newest month first."""
    condition = (
        "b.member_ids @> array[cast(:member as bigint)] and x.member_id = :member"
        " and c.month >= :since and r.state = 'published' and s.version = c.settled_version"
    )
    rows = session.execute(
        text(_SHARES.format(condition=condition)),
        {"id": cooperative_id, "member": member_id, "since": since},
    )
    return [_share(row) for row in rows]


def share_count(session: Session, cooperative_id: int, code: str) -> int:
    """How many members share a cost by the settlement that stands; 0 when none does."""
    statement = text(
        "select s.member_count from shared_cost c join cost_settlement s"
        " on s.cooperative_id = c.cooperative_id and s.cost_id = c.id"
        " and s.version = c.settled_version where c.cooperative_id = :id and c.code = :code"
    )
    return session.scalar(statement, {"id": cooperative_id, "code": code}) or 0


def shares_of_cost(
    session: Session, cooperative_id: int, code: str, asked: AskedPage = FIRST_PAGE
) -> Sequence[MemberShare]:
    """What members pay for a cost, in order of member number: of one page, or of one member.

    A page lies within one row of shares, so that the others are not read.
    """
    first = (asked.number - 1) * PER_PAGE
    condition = "c.code = :code and s.version = c.settled_version and b.position = :block"
    if asked.search:
        condition = (
            "c.code = :code and s.version = c.settled_version and upper(m.code) = :search"
            " and b.member_ids && array(select id from member"
            " where cooperative_id = :id and upper(code) = :search)"
        )
    rows = session.execute(
        text(f"{_SHARES.format(condition=condition)} limit :limit offset :offset"),
        {
            "id": cooperative_id,
            "code": code,
            "search": asked.search,
            "block": first // BLOCK,
            "limit": PER_PAGE,
            "offset": 0 if asked.search else first % BLOCK,
        },
    )
    return [_share(row) for row in rows]


def shares_booked(
    session: Session, cooperative_id: int, codes: Sequence[str], *, from_: date, until: date
) -> list[MemberShare]:
    """The shares of these members in every version that was booked in a period."""
    condition = (
        "m.code = any(cast(:codes as text[])) and s.entry_number is not null"
        " and s.accounting_date >= :from and s.accounting_date < :until"
    )
    rows = session.execute(
        text(_SHARES.format(condition=condition)),
        {"id": cooperative_id, "codes": list(codes), "from": from_, "until": until},
    )
    return [_share(row) for row in rows]


def _share(row: Any) -> MemberShare:
    return MemberShare(
        row.member,
        row.member_name,
        row.cost,
        row.description,
        row.month,
        row.entry_number,
        _facts(row),
        row.secret,
        row.version,
    )


def _facts(row: Any) -> CostShareFacts:
    scales = [int(scale) for scale in row.weight_scales]
    weights = [row.weight] if row.variable_weight is None else [row.weight, row.variable_weight]
    return CostShareFacts(
        part_totals=row.part_totals,
        weights=[Fraction(int(w), scale) for w, scale in zip(weights, scales, strict=True)],
        weight_sums=[
            Fraction(int(total), scale)
            for total, scale in zip(row.weight_sums, scales, strict=True)
        ],
        carried=None if row.carried is None else Fraction(row.carried),
        carry_mean=None if row.carry_mean is None else Fraction(row.carry_mean),
        minimum_cents=row.minimum_cents,
        cap_cents=row.cap_cents,
        held_cents=row.held_cents,
        free_weight=None if row.free_weight is None else Fraction(int(row.free_weight), scales[0]),
        cents=row.cents,
        subsidy_cents=row.subsidy_cents,
        is_estimated=row.is_estimated,
    )
