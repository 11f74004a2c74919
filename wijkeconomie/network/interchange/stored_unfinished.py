"""What counts of a round only until it is finished, as rows of the folder."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import TextClause, text

from wijkeconomie.network.interchange.unfinished_files import (
    PICKUP_CHOICES,
    PICKUP_SLOTS,
    RESUMED_TERMS,
)

_GOING_ON = """r.cooperative_id = :cooperative_id
  and (cast(:code as text) is null or r.code = :code)
  and r.state not in ('settled', 'cancelled')"""
_NUMBER = """(select count(*) from pickup_slot before
    where before.cooperative_id = s.cooperative_id and before.round_id = s.round_id
      and before.id <= s.id)"""

RESUMED_SELECTS: Mapping[str, TextClause] = {
    RESUMED_TERMS.file: text(
        f"""
select r.code as round_id, r.minimum_net_cents, r.topup_since, d.planned_closes_at, d.on_miss,
  d.prolong_days, d.most_prolongations, d.prolonged, d.when_spent, d.target_net_cents,
  nullif(d.heeds_product_minimum, false) as heeds_product_minimum, d.topup_hours,
  d.reminder_hours, d.asked_at, d.missed, job.finished_at as reminded_at
from purchase_round r
left join round_deadline d on d.cooperative_id = r.cooperative_id and d.round_id = r.id
left join job_run job on job.cooperative_id = r.cooperative_id and job.job = 'rounds.remind'
  and job.period like r.id || '/%' and job.status = 'done'
  and cast(split_part(job.period, '/', 2) as timestamptz) = r.closes_at
where {_GOING_ON}
  and (r.minimum_net_cents is not null or d.round_id is not null or job.period is not null)
order by r.id
"""
    ),
    PICKUP_SLOTS.file: text(
        f"""
select r.code as round_id, {_NUMBER} as number, s.starts_at, s.ends_at, s.place, s.capacity
from pickup_slot s
join purchase_round r on r.cooperative_id = s.cooperative_id and r.id = s.round_id
where {_GOING_ON} order by r.id, s.id
"""
    ),
    # Who withdrew his order collects nothing.
    PICKUP_CHOICES.file: text(
        f"""
select r.code as round_id, member.code as member_id, {_NUMBER} as number, c.chosen_at
from pickup_choice c
join pickup_slot s on s.cooperative_id = c.cooperative_id and s.round_id = c.round_id
  and s.id = c.slot_id
join purchase_round r on r.cooperative_id = c.cooperative_id and r.id = c.round_id
join member on member.cooperative_id = c.cooperative_id and member.id = c.member_id
where {_GOING_ON} and exists (select from pledge x where x.cooperative_id = c.cooperative_id
  and x.round_id = c.round_id and x.member_id = c.member_id and x.withdrawn_at is null)
order by r.id, c.chosen_at, member.code collate "C"
"""
    ),
}
