"""What settling a month would come to: per member, beside the month before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.dividing import Divider
from wijkeconomie.costs.settling import fingerprint, waiting_costs
from wijkeconomie.money.periods import Period


@dataclass(frozen=True, slots=True)
class PreviewedCost:
    """A cost that waits: what it is, or why it cannot be settled."""

    code: str
    description: str
    key: str
    total_cents: int
    subsidy_cents: int
    members: int
    estimated: tuple[str, ...]
    refusal: DomainError | None


@dataclass(frozen=True, slots=True)
class MemberDifference:
    """What a member would pay now, what he paid for the month before, and the difference."""

    code: str
    name: str
    cents: int
    before_cents: int

    @property
    def difference_cents(self) -> int:
        """More (or, below zero, less) than last time."""
        return self.cents - self.before_cents


@dataclass(frozen=True, slots=True)
class MonthPreview:
    """A month that waits to be settled."""

    month: Period
    costs: tuple[PreviewedCost, ...]
    members: tuple[MemberDifference, ...]
    fingerprint: bytes | None
    """Of what was seen, for settling exactly that; ``None`` when it cannot be settled."""

    @property
    def total_cents(self) -> int:
        """All that waits."""
        return sum(cost.total_cents for cost in self.costs)


_PAID = text(
    """
select m.code, sum(x.cents - coalesce(x.subsidy, 0))::bigint
from shared_cost c
join cost_settlement s on s.cooperative_id = c.cooperative_id and s.cost_id = c.id
  and s.version = c.settled_version
join cost_share_block b on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id
cross join unnest(b.member_ids, b.cents, b.subsidy_cents) as x (member_id, cents, subsidy)
join member m on m.cooperative_id = c.cooperative_id and m.id = x.member_id
where c.cooperative_id = :cooperative_id and c.month = :month
group by m.code
"""
)
_NAMES = text(
    "select code, concat_ws(' ', first_name, infix, last_name) from member"
    " where cooperative_id = :cooperative_id"
)


def preview_month(uow: UnitOfWork, month: date) -> MonthPreview:
    """What settling a month comes to; nothing is written.

    Raises:
        PermissionDeniedError: for who does not keep the books.
    """
    require_permission(uow.identity, "cost.read")
    period = Period.month_of(month)
    divider = Divider(uow, uow.session.get_one(Cooperative, uow.tenant).code, period)
    paying: Counter[str] = Counter()
    costs = []
    proofs: list[bytes] = []
    for cost in waiting_costs(uow, period):
        try:
            divided = divider.divide(cost, 1)
        except DomainError as refusal:
            costs.append(
                PreviewedCost(cost.code, cost.description, "", cost.gross_cents, 0, 0, (), refusal)
            )
            continue
        proofs.append(divided.proof)
        paying.update(
            dict(zip(divided.by.members.codes, divided.payable_cents.tolist(), strict=True))
        )
        costs.append(
            PreviewedCost(
                cost.code,
                cost.description,
                divided.by.key.name,
                cost.gross_cents,
                int(divided.subsidy_cents.sum()),
                len(divided.by.members),
                tuple(sorted(divided.by.estimated)),
                None,
            )
        )
    before = paid_per_member(uow, (period.start - timedelta(days=1)).replace(day=1))
    names = member_names(uow)
    everyone = sorted({*paying, *before}) if costs else []
    return MonthPreview(
        period,
        tuple(costs),
        tuple(
            MemberDifference(code, names[code], paying[code], before.get(code, 0))
            for code in everyone
        ),
        fingerprint(proofs) if len(proofs) == len(costs) else None,
    )


def paid_per_member(uow: UnitOfWork, month: date) -> Mapping[str, int]:
    """What members pay for the settled costs of a month, by code."""
    found: dict[str, int] = defaultdict(int)
    found.update(uow.session.execute(_PAID, {"cooperative_id": uow.tenant, "month": month}).all())
    return found


def member_names(uow: UnitOfWork) -> Mapping[str, str]:
    """The names of all members, by number."""
    return dict(uow.session.execute(_NAMES, {"cooperative_id": uow.tenant}).all())
