"""Use cases of month lists: what was approved in a month, for one body that pays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.budgets.models import SVB_NAME, CareList, Payer
from wijkeconomie.budgets.refusals import NothingToListError, PayerUnknownError
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork

_PAYS = "case when b.law = 'Zvw' and not b.is_drawing_right then 'insurer' else 'svb' end"
_WAITS = f"""
from care_declaration d
join care_budget b on b.cooperative_id = d.cooperative_id and b.id = d.budget_id
where d.cooperative_id = :cooperative_id and d.state = 'approved' and d.list_id is null
  and {_PAYS} = :payer and b.payer_name = :payer_name
  and (d.month = :month or d.corrects_id is not null and d.month < :month)
"""


def make_list(uow: UnitOfWork, month: date, payer: Payer, payer_name: str | None = None) -> int:
    """Put every approved declaration of a month that is on no list yet on a new one; its id.

    A list is for one body: an insurer reads of its own insured alone (art. 9 AVG).

    A declaration that comes later makes a second list of the month. What is on a list is not
    turned back any more: it has gone to whoever pays. What was corrected stands on the next list
    of its month or of a later one, with the difference.

    Args:
        payer_name: which body; the SVB where a list for the SVB leaves it out.

    Raises:
        PayerUnknownError: a list for an insurer does not say for which.
        NothingToListError: there is none.
    """
    name = payer_name or (SVB_NAME if payer is Payer.SVB else None)
    if name is None:
        raise PayerUnknownError("a list is for one insurer: say for which")
    open_care_records(uow, "list-made", subject=f"{month:%Y-%m}/{payer.value}/{name}")
    wanted = {
        "cooperative_id": uow.tenant,
        "payer": payer.value,
        "payer_name": name,
        "month": month.replace(day=1),
    }
    ids = uow.session.scalars(
        text(f"select d.id {_WAITS} order by d.id for update of d"), wanted
    ).all()
    if not ids:
        raise NothingToListError(f"nothing of {month:%Y-%m} waits for {name}")
    earlier = uow.session.scalar(
        text(
            "select coalesce(max(number), 0) from care_list where cooperative_id ="
            " :cooperative_id and month = :month and payer = :payer"
            " and payer_name = :payer_name"
        ),
        wanted,
    )
    made = CareList(
        cooperative_id=uow.tenant,
        month=wanted["month"],
        payer=payer.value,
        payer_name=name,
        number=(earlier or 0) + 1,
        made_at=uow.now,
        made_by=uow.actor,
    )
    uow.session.add(made)
    uow.session.flush()
    uow.session.execute(
        text(
            "update care_declaration set list_id = :list where cooperative_id = :cooperative_id"
            " and id = any(:ids)"
        ),
        {"list": made.id, "cooperative_id": uow.tenant, "ids": list(ids)},
    )
    return made.id


@dataclass(frozen=True, slots=True)
class WaitingList:
    """A month of which approved declarations are on no list yet."""

    month: date
    payer: str
    payer_name: str | None
    """Unknown: nobody wrote down which insurer pays these budgets."""
    declarations: int
    cents: int


def waiting_lists(session: Session, cooperative_id: int) -> list[WaitingList]:
    """Months that wait for a list, oldest first."""
    found = session.execute(
        text(
            f"select d.month, {_PAYS}, b.payer_name, count(*),"
            " sum(d.cents - d.replaced_cents)\\:\\:bigint"
            " from care_declaration d"
            " join care_budget b on b.cooperative_id = d.cooperative_id and b.id = d.budget_id"
            " where d.cooperative_id = :id and d.state = 'approved' and d.list_id is null"
            " group by 1, 2, 3 order by 1, 2, 3"
        ),
        {"id": cooperative_id},
    )
    return [WaitingList(*row) for row in found]


@dataclass(frozen=True, slots=True)
class MadeList:
    """A list that was made."""

    id: int
    month: date
    payer: str
    payer_name: str
    number: int
    made_at: datetime


def made_lists(session: Session, cooperative_id: int, *, limit: int = 60) -> list[MadeList]:
    """Lists that were made, newest first."""
    found = session.execute(
        text(
            "select id, month, payer, payer_name, number, made_at from care_list"
            " where cooperative_id = :id order by id desc limit :limit"
        ),
        {"id": cooperative_id, "limit": limit},
    )
    return [MadeList(*row) for row in found]


@dataclass(frozen=True, slots=True)
class ListLine:
    """A declaration on a list; a correction with its difference, which may be below zero."""

    month: date
    law: str
    budget: str
    holder: str
    carer: str
    minutes: int
    hourly_rate_cents: int
    cents: int
    declaration: str
    approved_at: datetime
    is_on_paper: bool
    replaced_minutes: int | None
    """What it said before, of a correction."""


@dataclass(frozen=True, slots=True)
class MonthList:
    """A list as it goes to whoever pays."""

    month: date
    payer: Payer
    payer_name: str
    number: int
    made_at: datetime
    lines: tuple[ListLine, ...]

    @property
    def total_cents(self) -> int:
        """All lines."""
        return sum(line.cents for line in self.lines)

    @property
    def minutes(self) -> int:
        """All time."""
        return sum(line.minutes for line in self.lines)


_LINES = text(
    """
select d.month, b.law, b.code, concat_ws(' ', m.first_name, m.infix, m.last_name),
  coalesce(c.name, nullif(concat_ws(' ', cm.first_name, cm.infix, cm.last_name), ''), c.alias),
  d.minutes - d.replaced_minutes, d.hourly_rate_cents, d.cents - d.replaced_cents,
  coalesce(d.first_code, d.code), d.decided_at, d.decision_note is not null,
  case when d.corrects_id is not null then d.replaced_minutes end
from care_declaration d
join care_budget b on b.cooperative_id = d.cooperative_id and b.id = d.budget_id
join member m on m.cooperative_id = d.cooperative_id and m.id = d.holder_id
join carer c on c.cooperative_id = d.cooperative_id and c.id = d.carer_id
left join member cm on cm.cooperative_id = c.cooperative_id and cm.id = c.member_id
where d.cooperative_id = :cooperative_id and d.list_id = :list
order by b.law, b.code, d.number
"""
)


def month_list(uow: UnitOfWork, list_id: int) -> MonthList:
    """A list with its lines, by law and budget; a line in the trail tells that it was read.

    Raises:
        PermissionDeniedError: only a care administrator may.
        NotFoundError: no such list.
    """
    open_care_records(uow, "list-read", subject=str(list_id))
    found = uow.session.get(CareList, (uow.tenant, list_id))
    if found is None:
        raise NotFoundError(f"there is no list {list_id}", list=list_id)
    lines = uow.session.execute(_LINES, {"cooperative_id": uow.tenant, "list": list_id})
    return MonthList(
        found.month,
        Payer(found.payer),
        found.payer_name,
        found.number,
        found.made_at,
        tuple(ListLine(*line) for line in lines),
    )
