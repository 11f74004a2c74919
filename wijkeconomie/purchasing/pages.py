"""The pages of purchase rounds, and what they put on the start page."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for
from flask_babel import format_datetime
from flask_babel import gettext as _

from wijkeconomie.cooperatives.sessions import Task, Visit
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing import (
    calendar_pages,
    coordinator_pages,
    credit_pages,
    deadline_pages,
    deposit_pages,
    draft_pages,
    freight_pages,
    handing_pages,
    last_order_pages,
    link_pages,
    member_pages,
    order_letter_pages,
    planning_pages,
    price_list_pages,
    progress_pages,
    queries,
    receiving_pages,
    renewing_pages,
    repeating_pages,
    settling_pages,
    sharing_pages,
    stock_pages,
    supplier_pages,
    uncharged_pages,
)
from wijkeconomie.purchasing.blueprints import pages as blueprint
from wijkeconomie.purchasing.coordinator_pages import next_step
from wijkeconomie.purchasing.handing_pages import hand_out_tasks
from wijkeconomie.purchasing.models import RoundState
from wijkeconomie.purchasing.queries import RoundView

VIEWS = (
    calendar_pages,
    coordinator_pages,
    credit_pages,
    deadline_pages,
    deposit_pages,
    draft_pages,
    freight_pages,
    handing_pages,
    last_order_pages,
    link_pages,
    member_pages,
    order_letter_pages,
    planning_pages,
    price_list_pages,
    progress_pages,
    renewing_pages,
    receiving_pages,
    repeating_pages,
    settling_pages,
    sharing_pages,
    stock_pages,
    supplier_pages,
    uncharged_pages,
)
WAITING = (
    RoundState.CLOSED,
    RoundState.ORDERED,
    RoundState.RECEIVED,
    RoundState.ALLOCATED,
    RoundState.DRAFT,
)


def tasks(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
    """Rounds that wait for the coordinator, and rounds that a member can order in."""
    found: list[Task] = [
        *deadline_pages.deadline_tasks(visit, uow),
        *uncharged_pages.uncharged_tasks(visit, uow),
    ]
    if visit.may("round.close"):
        waiting = queries.rounds(uow.session, uow.tenant, states=WAITING)
        found += [task for each in waiting if (task := _coordinators(each)) is not None]
    if visit.may("pledge.make"):
        open_now = queries.rounds(uow.session, uow.tenant, states=[RoundState.OPEN])
        found += [_members(each) for each in open_now]
    return found + hand_out_tasks(visit, uow)


def _coordinators(found: RoundView) -> Task | None:
    step = next_step(found)
    if step is None:
        return None
    return Task(
        label=f"{found.theme}: {step.label}",
        url=url_for("purchasing.manage", round_code=found.code),
        explanation=step.explanation,
        due=found.code,
        kind="attention",
    )


def _members(found: RoundView) -> Task:
    closes = format_datetime(
        found.closes_at.astimezone(LOCAL_TIME), "EEEE d MMMM HH:mm", rebase=False
    )
    return Task(
        label=_("Order %(theme)s", theme=found.theme),
        url=url_for("purchasing.round_page", round_code=found.code),
        explanation=_("From %(supplier)s", supplier=found.supplier_name),
        due=_("until %(moment)s", moment=closes),
        kind="good",
    )


__all__ = ["VIEWS", "blueprint", "tasks"]
