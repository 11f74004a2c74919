"""Pages of the hand-out: the list to tick off, pick-up times, and what was not collected."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Task, Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import handing_queries, queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.hand_out_document import (
    hand_out_list,
    render_hand_out_csv,
    render_hand_out_pdf,
)
from wijkeconomie.purchasing.handing_models import HandOutcome
from wijkeconomie.purchasing.handing_out import (
    HANDED_OUT_IN,
    CheckOff,
    NotCollected,
    check_off,
    resolve_uncollected,
)
from wijkeconomie.purchasing.handing_queries import Collector
from wijkeconomie.purchasing.models import PurchaseRound, RoundState
from wijkeconomie.purchasing.pickup import AddSlot, ChooseSlot, add_slot, choose_slot, remove_slot
from wijkeconomie.purchasing.refusals import (
    CreditLimitError,
    InactiveMemberError,
    RoundStateError,
    SlotFullError,
)
from wijkeconomie.purchasing.words import outcome_words

Errors = list[tuple[str, str]]


@pages.get("/rounds/<round_code>/hand-out")
def hand_out(round_code: str) -> ResponseReturnValue:
    """The list to tick off: by member, or by product."""
    return _page(round_code, [])


def _page(round_code: str, errors: Errors) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, "round.hand-out")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        row = uow.session.get_one(PurchaseRound, (uow.tenant, found.id))
        collectors = handing_queries.collectors(uow.session, row)
        slots = handing_queries.slots(uow.session, uow.tenant, found.id)
    groups = [
        (slot, list(members)) for slot, members in groupby(collectors, key=lambda each: each.slot)
    ]
    page = render_template(
        "purchasing/hand_out.html",
        visit=visit,
        round=found,
        groups=groups,
        collectors=collectors,
        waiting=sum(1 for each in collectors if each.waiting),
        products=hand_out_list(found, collectors, visit.cooperative.name).products,
        by_product=request.args.get("by") == "product",
        slots=slots,
        can_check_off=found.state in HANDED_OUT_IN,
        can_sell_on=found.state is RoundState.RECEIVED,
        outcomes=outcome_words(),
        errors=errors,
        form=request.form,
    )
    return page, 422 if errors else 200


def _back(round_code: str, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("purchasing.hand_out", round_code=round_code, _anchor=anchor), 303)


@pages.post("/rounds/<round_code>/hand-out/check")
def check(round_code: str) -> ResponseReturnValue:
    """Tick off what a member collected, or take that back."""
    visit = current_visit()
    ids = tuple(int(each) for each in request.form.getlist("pledge") if each.isdecimal())
    is_undone = request.form.get("action") == "undo"
    try:
        with visit.begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            check_off(uow, CheckOff(round_id=found.id, pledge_ids=ids, is_undone=is_undone))
    except InvalidInputError:
        flash(_("This was sold on. Change who gets it instead."), "error")
    except RoundStateError:
        flash(_("Count the delivery first."), "attention")
    return _back(round_code, f"member-{request.form.get('member', '')}")


@pages.post("/rounds/<round_code>/hand-out/not-collected")
def not_collected(round_code: str) -> ResponseReturnValue:
    """Say what becomes of what a member did not collect."""
    visit = current_visit()
    reader = FormReader()
    pledge_id = reader.count("pledge", if_empty=0) or 0
    outcome = reader.choice("outcome", [each.value for each in list(HandOutcome)[1:]])
    note = reader.text("note")
    buyer = reader.text("buyer", is_required=False)
    if not reader.errors:
        try:
            with visit.begin() as uow:
                found = queries.round_by_code(uow.session, uow.tenant, round_code)
                to = member_by_code(uow.session, uow.tenant, buyer).id if buyer else None
                resolve_uncollected(
                    uow,
                    NotCollected(
                        round_id=found.id,
                        pledge_id=pledge_id,
                        outcome=HandOutcome(outcome),
                        note=note,
                        to_member_id=to,
                    ),
                )
        except DomainError as refusal:
            reader.errors.append(("", _refused(refusal)))
    if reader.errors:
        return _page(round_code, [("", words) for _field, words in reader.errors])
    flash(_("Saved."), "success")
    return _back(round_code)


def _refused(refusal: DomainError) -> str:
    if isinstance(refusal, RoundStateError):
        return str(_("The round was settled already. Correct the round instead."))
    if isinstance(refusal, CreditLimitError):
        member = str(refusal.context["member"])
        return str(_("The account of %(member)s does not cover it.", member=member))
    if isinstance(refusal, InactiveMemberError):
        return str(_("This person is no member any more."))
    if isinstance(refusal, NotFoundError):
        return str(_("We do not know this one. Look at the number."))
    return str(_("This is not right."))


@pages.post("/rounds/<round_code>/hand-out/slots")
def save_slot(round_code: str) -> ResponseReturnValue:
    """Offer a pick-up time, or take back one that nobody chose."""
    visit = current_visit()
    reader = FormReader()
    gone = request.form.get("remove", type=int)
    try:
        with visit.begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            if gone is not None:
                remove_slot(uow, found.id, gone)
            else:
                command = AddSlot(
                    round_id=found.id,
                    starts_at=reader.moment("starts_at"),
                    ends_at=reader.moment("ends_at"),
                    place=reader.text("place"),
                    capacity=reader.count("capacity", if_empty=None) or None,
                )
                if not reader.errors:
                    add_slot(uow, command)
    except InvalidInputError as refusal:
        words = {
            "ends_at": _("A pick-up time ends after it starts."),
            "place": _("Fill this in."),
        }
        field = str(refusal.context["field"])
        reader.errors.append((field, words.get(field, _("Members chose this time already."))))
    if reader.errors:
        return _page(round_code, reader.errors)
    flash(_("Saved."), "success")
    return _back(round_code, "slots")


@pages.get("/rounds/<round_code>/hand-out.<any(csv, pdf):extension>")
def download_hand_out(round_code: str, extension: str) -> ResponseReturnValue:
    """The list on paper in large print, or for a spreadsheet."""
    visit = current_visit()
    require_permission(visit.identity, "round.hand-out")
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        row = uow.session.get_one(PurchaseRound, (uow.tenant, found.id))
        listed = hand_out_list(
            found, handing_queries.collectors(uow.session, row), visit.cooperative.name
        )
    if extension == "csv":
        content, kind = render_hand_out_csv(listed), "text/csv; charset=utf-8"
    else:
        content, kind = render_hand_out_pdf(listed, language=page_language()), "application/pdf"
    name = f"{_('hand-out')}-{round_code}.{extension}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, content_type=kind)


@pages.route("/rounds/<round_code>/pickup", methods=["GET", "POST"])
def pickup(round_code: str) -> ResponseReturnValue:
    """A member chooses when to collect, and sees what."""
    visit = current_visit()
    require_permission(visit.identity, "round.read")
    member_id = visit.identity.member_id
    if member_id is None:
        raise NotFoundError("only members collect", round=round_code)
    errors: Errors = []
    if request.method == "POST":
        errors = _choose(visit, round_code, member_id)
        if not errors:
            flash(_("Saved."), "success")
            return redirect(url_for("purchasing.pickup", round_code=round_code), 303)
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        row = uow.session.get_one(PurchaseRound, (uow.tenant, found.id))
        own = _own(handing_queries.collectors(uow.session, row), member_id)
        slots = handing_queries.slots(uow.session, uow.tenant, found.id)
        chosen = handing_queries.chosen_slots(uow.session, uow.tenant, found.id).get(member_id)
        has_ordered = member_id in queries.pledging_members(uow.session, uow.tenant, found.id)
        now = uow.now
    page = render_template(
        "purchasing/pickup.html",
        visit=visit,
        round=found,
        slots=[slot for slot in slots if slot.ends_at > now or slot.id == chosen],
        chosen=chosen,
        own=own if found.state in HANDED_OUT_IN else None,
        has_ordered=has_ordered,
        errors=errors,
    )
    return page, 422 if errors else 200


def _own(collectors: Sequence[Collector], member_id: int) -> Collector | None:
    return next((each for each in collectors if each.member_id == member_id), None)


def _choose(visit: Visit, round_code: str, member_id: int) -> Errors:
    try:
        with visit.begin() as uow:
            found = queries.round_by_code(uow.session, uow.tenant, round_code)
            slot_id = request.form.get("slot", type=int)
            choose_slot(uow, ChooseSlot(round_id=found.id, member_id=member_id, slot_id=slot_id))
    except SlotFullError:
        return [("slot", _("This time is full. Choose another one."))]
    except InvalidInputError:
        return [("slot", _("This time is over. Choose another one."))]
    return []


def hand_out_tasks(visit: Visit, uow: UnitOfWork) -> list[Task]:
    """Goods that were not collected, for the coordinator; times to choose, for a member."""
    found: list[Task] = []
    if visit.may("round.hand-out"):
        for round_, members in handing_queries.uncollected(uow.session, uow.tenant, uow.now):
            found.append(
                Task(
                    label=_("%(theme)s: decide what was not collected", theme=round_.theme),
                    url=url_for("purchasing.hand_out", round_code=round_.code),
                    explanation=ngettext(
                        "%(num)d member did not collect everything.",
                        "%(num)d members did not collect everything.",
                        members,
                    ),
                    due=round_.code,
                    kind="attention",
                )
            )
    member_id = visit.identity.member_id
    if member_id is not None:
        waiting = handing_queries.rounds_to_choose_for(uow.session, uow.tenant, member_id, uow.now)
        found += [
            Task(
                label=_("%(theme)s: choose when you collect", theme=round_.theme),
                url=url_for("purchasing.pickup", round_code=round_.code),
                explanation=_("From %(supplier)s", supplier=round_.supplier_name),
                kind="attention",
            )
            for round_ in waiting
        ]
    return found
