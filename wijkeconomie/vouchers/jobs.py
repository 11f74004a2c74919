"""What the clock does for vouchers: holders are reminded, and what has expired is booked out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.outbox import enqueue
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date, midnight_utc
from wijkeconomie.vouchers.expiring import expire_vouchers

# Once a day is enough: when the day has its mark, no voucher is looked at.
_FIRST = """
select 1 where not exists (
  select from job_run where cooperative_id = :id and job = :job and period = :period
    and status = 'done')
and exists (
  select from voucher v
  join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
  join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
  where v.cooperative_id = :id and b.balance < 0 and {is_due})
"""
_IS_EXPIRED = "v.expires_on < cast(:today as date)"
# Who has no address is not reminded by a letter: coordinators see a list of these.
_IS_TO_REMIND = (
    "v.reminded_at is null and cast(:today as date)"
    " between v.expires_on - s.reminder_days::int and v.expires_on"
    " and exists (select from member m where m.cooperative_id = v.cooperative_id"
    " and m.id = v.holder_id and m.email is not null)"
)
_EXPIRED = text(_FIRST.format(is_due=_IS_EXPIRED))
_TO_REMIND = text(_FIRST.format(is_due=_IS_TO_REMIND))


Find = Callable[[Session, int, datetime], Sequence[tuple[str, datetime]]]


def _today(job: str, statement: TextClause) -> Find:
    def find(
        session: Session, cooperative_id: int, now: datetime
    ) -> Sequence[tuple[str, datetime]]:
        today = local_date(now, LOCAL_TIME)
        period = today.isoformat()
        values = {"id": cooperative_id, "job": job, "period": period, "today": today}
        is_due = session.scalar(statement, values) is not None
        return [(period, midnight_utc(today, LOCAL_TIME))] if is_due else []

    return find


def _expire(uow: UnitOfWork, period: str) -> str:
    expired = expire_vouchers(uow, date.fromisoformat(period))
    return ", ".join(f"{amount} {unit}" for unit, amount in expired.items()) or "0"


_REMIND = text(
    f"""
update voucher x set reminded_at = :now
from voucher v
join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
join account_balance b on b.cooperative_id = v.cooperative_id and b.account_id = v.account_id
where x.cooperative_id = :id and v.cooperative_id = :id and v.id = x.id and b.balance < 0
  and {_IS_TO_REMIND}
returning x.holder_id, x.code
"""
)


def _remind(uow: UnitOfWork, period: str) -> str:
    found: dict[int, list[str]] = defaultdict(list)
    values = {"id": uow.tenant, "today": date.fromisoformat(period), "now": uow.now}
    for holder_id, code in uow.session.execute(_REMIND, values):
        found[holder_id].append(code)
    for holder_id, codes in found.items():
        enqueue(
            uow,
            kind="mail.voucher-expires",
            event_key=f"voucher/expires/{period}/member/{holder_id}",
            payload={"member": holder_id, "vouchers": sorted(codes)},
        )
    return str(len(found))


VOUCHER_JOBS = (
    ScheduledJob("vouchers.remind", _today("vouchers.remind", _TO_REMIND), _remind),
    ScheduledJob("vouchers.expire", _today("vouchers.expire", _EXPIRED), _expire),
)
