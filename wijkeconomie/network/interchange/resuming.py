"""What counts of a round until it is finished, written where a round comes in that goes on."""

from __future__ import annotations

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.round_rows import RoundRows
from wijkeconomie.network.interchange.unfinished_files import (
    PICKUP_CHOICES,
    PICKUP_SLOTS,
    RESUMED_TERMS,
)
from wijkeconomie.network.interchange.work import at_moment
from wijkeconomie.purchasing.deadline_models import OnMiss
from wijkeconomie.purchasing.deadlines import DeadlineTerms
from wijkeconomie.purchasing.past_deadlines import ResumeRound, resume_round
from wijkeconomie.purchasing.pickup import AddSlot, ChooseSlot, add_slot, choose_slot


def resume(uow: UnitOfWork, rows: RoundRows, round_id: int) -> None:
    """Give a round that came in what was agreed about its deadline, and its pick-up times.

    Raises:
        DomainError: what the use cases refuse.
    """
    for row in rows.resumed.get(RESUMED_TERMS, ()):
        resume_round(uow, _command(row, round_id))
    if not rows.resumed.get(RESUMED_TERMS):
        resume_round(uow, ResumeRound(round_id=round_id))
    slots = {
        row["number"]: add_slot(
            uow,
            AddSlot(
                round_id=round_id,
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                place=row["place"],
                capacity=row["capacity"],
            ),
        )
        for row in rows.resumed.get(PICKUP_SLOTS, ())
    }
    choices = rows.resumed.get(PICKUP_CHOICES, [])
    members = {
        row[0]: row[1]
        for row in uow.session.execute(
            select(Member.code, Member.id).where(
                Member.cooperative_id == uow.tenant,
                Member.code.in_({row["member_id"] for row in choices}),
            )
        )
    }
    for row in choices:
        chosen = ChooseSlot(
            round_id=round_id, member_id=members[row["member_id"]], slot_id=slots[row["number"]]
        )
        choose_slot(at_moment(uow, row["chosen_at"]), chosen)


def _command(row: Row, round_id: int) -> ResumeRound:
    terms = None
    if row["on_miss"] is not None:
        terms = DeadlineTerms(
            on_miss=OnMiss(row["on_miss"]),
            prolong_days=row["prolong_days"],
            most_prolongations=row["most_prolongations"],
            when_spent=row["when_spent"],
            target_net_cents=row["target_net_cents"],
            heeds_product_minimum=bool(row["heeds_product_minimum"]),
            topup_hours=row["topup_hours"],
            reminder_hours=row["reminder_hours"],
        )
    return ResumeRound(
        round_id=round_id,
        minimum_net_cents=row["minimum_net_cents"],
        topup_since=row["topup_since"],
        terms=terms,
        planned_closes_at=row["planned_closes_at"],
        prolonged=row["prolonged"] or 0,
        asked_at=row["asked_at"],
        missed=row["missed"],
        reminded_at=row["reminded_at"],
    )
