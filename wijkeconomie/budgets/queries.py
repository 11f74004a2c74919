"""Reads of care budgets. The database shows a visitor no more than he may see.

A carer sees no budgets, so what is read for him joins none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.money.periods import Period

_NAME = "concat_ws(' ', {0}.first_name, {0}.infix, {0}.last_name)"
_CARER_NAME = f"coalesce(carer.name, nullif({_NAME.format('cm')}, ''), carer.alias)"
_CARER = """
join carer on carer.cooperative_id = x.cooperative_id and carer.id = x.carer_id
left join member cm on cm.cooperative_id = carer.cooperative_id and cm.id = carer.member_id
"""


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget as its holder and an administrator see it."""

    id: int
    code: str
    alias: str
    holder_id: int
    holder_code: str
    holder_name: str
    law: str
    is_drawing_right: bool
    starts_on: date
    ends_on: date
    budget_cents: int
    used_cents: int
    waiting_cents: int
    """Declared and not decided on: part of what is used."""
    payer_name: str | None

    @property
    def left_cents(self) -> int:
        """What may still be declared."""
        return self.budget_cents - self.used_cents

    @property
    def period(self) -> Period:
        """The days of the budget."""
        return Period(self.starts_on, self.ends_on + timedelta(days=1))


WEIGHT = """case d.state when 'approved' then d.cents
  when 'submitted' then greatest(d.cents - d.replaced_cents, 0) else 0 end"""
"""What a declaration ``d`` weighs on its budget; the guard of declarations says the same."""

_BUDGETS = text(
    f"""
select x.id, x.code, x.alias, x.holder_id, m.code, {_NAME.format("m")}, x.law,
  x.is_drawing_right, x.starts_on, x.ends_on, x.budget_cents, x.used_cents,
  (select coalesce(sum({WEIGHT}), 0)::bigint from care_declaration d
   where d.cooperative_id = x.cooperative_id and d.budget_id = x.id and d.state = 'submitted'),
  x.payer_name
from care_budget x
join member m on m.cooperative_id = x.cooperative_id and m.id = x.holder_id
where x.cooperative_id = :cooperative_id
  and (cast(:budget_id as bigint) is null or x.id = :budget_id)
  and (cast(:holder_id as bigint) is null or x.holder_id = :holder_id)
order by x.ends_on desc, m.code, x.id
""".replace("::", r"\:\:")
)


def budgets(
    session: Session, cooperative_id: int, *, holder_id: int | None = None
) -> list[BudgetView]:
    """Budgets that may be seen, those that end last first."""
    found = session.execute(
        _BUDGETS,
        {"cooperative_id": cooperative_id, "budget_id": None, "holder_id": holder_id},
    )
    return [BudgetView(*row) for row in found]


def budget_view(session: Session, cooperative_id: int, budget_id: int) -> BudgetView:
    """One budget.

    Raises:
        NotFoundError: there is none, or it may not be seen.
    """
    found = session.execute(
        _BUDGETS, {"cooperative_id": cooperative_id, "budget_id": budget_id, "holder_id": None}
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no budget {budget_id}", budget=budget_id)
    return BudgetView(*found)


@dataclass(frozen=True, slots=True)
class AgreementView:
    """A care agreement."""

    id: int
    budget_id: int
    holder_name: str
    carer_id: int
    carer_name: str
    hourly_rate_cents: int
    starts_on: date
    ends_on: date
    limit_cents: int | None
    used_cents: int
    status: str
    decided_on: date | None
    decided_by: str | None


_AGREEMENTS = text(
    f"""
select x.id, x.budget_id, {_NAME.format("m")}, x.carer_id, {_CARER_NAME}, x.hourly_rate_cents,
  x.starts_on, x.ends_on, x.limit_cents, x.used_cents, x.status, x.decided_on, x.decided_by
from care_agreement x
join member m on m.cooperative_id = x.cooperative_id and m.id = x.holder_id
{_CARER}
where x.cooperative_id = :cooperative_id
  and (cast(:budget_id as bigint) is null or x.budget_id = :budget_id)
  and (cast(:member_id as bigint) is null or carer.member_id = :member_id)
  and (cast(:carer_id as bigint) is null or x.carer_id = :carer_id)
order by m.code, x.id
"""
)


def agreements(
    session: Session,
    cooperative_id: int,
    *,
    budget_id: int | None = None,
    member_id: int | None = None,
    carer_id: int | None = None,
) -> list[AgreementView]:
    """Agreements of a budget, of a carer, or of the carer that a member is."""
    found = session.execute(
        _AGREEMENTS,
        {
            "cooperative_id": cooperative_id,
            "budget_id": budget_id,
            "member_id": member_id,
            "carer_id": carer_id,
        },
    )
    return [AgreementView(*row) for row in found]


@dataclass(frozen=True, slots=True)
class DeclarationView:
    """A declaration, with what a shared one was shared by."""

    id: int
    code: str
    number: int
    budget_id: int
    holder_name: str
    carer_name: str
    month: date
    minutes: int
    hourly_rate_cents: int
    claimed_cents: int
    cents: int
    left_after_cents: int
    state: str
    refusal: str | None
    shared_minutes: int | None
    shared_weight: str | None
    shared_weight_sum: str | None
    declared_at: datetime
    decided_at: datetime | None
    decision_note: str | None
    list_id: int | None
    corrects_id: int | None
    replaced_minutes: int
    replaced_cents: int
    correction_reason: str | None
    is_being_corrected: bool
    """Whether a correction waits for the holder."""


_DECLARATIONS = text(
    f"""
select x.id, x.code, x.number, x.budget_id, {_NAME.format("m")}, {_CARER_NAME}, x.month,
  x.minutes, x.hourly_rate_cents, x.claimed_cents, x.cents, x.left_after_cents, x.state,
  x.refusal, x.shared_minutes, x.shared_weight, x.shared_weight_sum, x.declared_at,
  x.decided_at, x.decision_note, x.list_id, x.corrects_id, x.replaced_minutes, x.replaced_cents,
  x.correction_reason, exists (select from care_declaration n
    where n.cooperative_id = x.cooperative_id and n.corrects_id = x.id and n.state = 'submitted')
from care_declaration x
join member m on m.cooperative_id = x.cooperative_id and m.id = x.holder_id
{_CARER}
where x.cooperative_id = :cooperative_id
  and (cast(:id as bigint) is null or x.id = :id)
  and (cast(:budget_id as bigint) is null or x.budget_id = :budget_id)
  and (cast(:holder_id as bigint) is null or x.holder_id = :holder_id)
  and (cast(:member_id as bigint) is null or carer.member_id = :member_id)
  and (cast(:state as text) is null or x.state = :state)
order by x.month desc, x.id desc limit :limit
"""
)


def declarations(
    session: Session,
    cooperative_id: int,
    *,
    budget_id: int | None = None,
    holder_id: int | None = None,
    member_id: int | None = None,
    state: str | None = None,
    limit: int = 200,
) -> list[DeclarationView]:
    """Declarations of a budget, a holder or the carer that a member is, newest month first."""
    found = session.execute(
        _DECLARATIONS,
        {
            "cooperative_id": cooperative_id,
            "id": None,
            "budget_id": budget_id,
            "holder_id": holder_id,
            "member_id": member_id,
            "state": state,
            "limit": limit,
        },
    )
    return [DeclarationView(*row) for row in found]


def declaration_view(session: Session, cooperative_id: int, declaration_id: int) -> DeclarationView:
    """One declaration.

    Raises:
        NotFoundError: there is none, or it may not be seen.
    """
    asked = dict.fromkeys(("budget_id", "holder_id", "member_id", "state"))
    found = session.execute(
        _DECLARATIONS,
        {"cooperative_id": cooperative_id, "id": declaration_id, "limit": 1, **asked},
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no declaration {declaration_id}", id=declaration_id)
    return DeclarationView(*found)


def used_by_month(session: Session, cooperative_id: int, budget_id: int) -> dict[date, int]:
    """What weighs on a budget, by month."""
    return dict(
        session.execute(
            text(
                f"select d.month, sum({WEIGHT})\\:\\:bigint from care_declaration d"
                " where d.cooperative_id = :cooperative_id and d.budget_id = :budget_id"
                " and d.state in ('submitted', 'approved') group by d.month"
            ),
            {"cooperative_id": cooperative_id, "budget_id": budget_id},
        ).all()
    )


@dataclass(frozen=True, slots=True)
class CarerView:
    """Someone who gives care."""

    id: int
    alias: str
    name: str
    member_code: str | None


def carers(session: Session, cooperative_id: int) -> list[CarerView]:
    """All carers, by name."""
    found = session.execute(
        text(
            f"select x.id, x.alias, coalesce(x.name, nullif({_NAME.format('m')}, ''), x.alias),"
            " m.code from carer x left join member m on m.cooperative_id = x.cooperative_id"
            " and m.id = x.member_id where x.cooperative_id = :id order by 3, 1"
        ),
        {"id": cooperative_id},
    )
    return [CarerView(*row) for row in found]
