"""Pages of closing times: what is agreed about them, keeping a round open, unsettled rounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader, filled_in
from wijkeconomie.cooperatives.sessions import Task, Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import to_manage
from wijkeconomie.purchasing.deadline_models import OnMiss
from wijkeconomie.purchasing.deadline_queries import (
    round_deadline,
    round_policy,
    rounds_that_ask,
)
from wijkeconomie.purchasing.deadline_words import on_miss_words, when_spent_words
from wijkeconomie.purchasing.deadlines import (
    DeadlineTerms,
    ProlongRound,
    prolong_round,
    set_deadline,
)
from wijkeconomie.purchasing.refusals import RoundStateError
from wijkeconomie.purchasing.unsettled import SetRoundPolicy, set_round_policy


def read_terms(reader: FormReader) -> DeadlineTerms:
    """The terms of a form; see the template ``_miss_fields.html``."""
    then = reader.choice("when_spent", ["ask", "cancel"])
    return DeadlineTerms(
        on_miss=reader.one_of("on_miss", OnMiss),
        prolong_days=reader.count("prolong_days", if_empty=2) or 0,
        most_prolongations=reader.count("most_prolongations", if_empty=1) or 0,
        when_spent="cancel" if then == "cancel" else "ask",
        target_net_cents=reader.amount("target_net_cents", if_empty=0) or None,
        heeds_product_minimum=request.form.get("heeds_product_minimum") == "yes",
        topup_hours=reader.count("topup_hours", if_empty=None),
        reminder_hours=reader.count("reminder_hours", if_empty=None),
    )


def filled_terms(terms: DeadlineTerms) -> dict[str, str]:
    """The fields of a form with terms in them."""
    target = terms.target_net_cents
    return {
        "on_miss": terms.on_miss.value,
        "prolong_days": str(terms.prolong_days),
        "most_prolongations": str(terms.most_prolongations),
        "when_spent": terms.when_spent,
        "target_net_cents": "" if target is None else filled_in(target),
        "heeds_product_minimum": "yes" if terms.heeds_product_minimum else "",
        "topup_hours": "" if terms.topup_hours is None else str(terms.topup_hours),
        "reminder_hours": "" if terms.reminder_hours is None else str(terms.reminder_hours),
    }


def term_choices() -> dict[str, object]:
    """What a form with terms lets one choose from."""
    return {"on_miss": on_miss_words(), "when_spent": when_spent_words()}


def field_error(refusal: InvalidInputError) -> tuple[str, str]:
    """The field that a use case refused, in words."""
    field = str(refusal.context.get("field", ""))
    words = {
        "closes_at": _("Choose a later moment than the closing time now."),
        "delivery_on": _("The delivery comes after the closing time."),
        "prolong_days": _("Choose 1 to 28 days."),
        "most_prolongations": _("Choose 0 to 12 times, and not less than it happened already."),
        "topup_hours": _("Choose 1 to 96 hours, or leave it empty."),
        "reminder_hours": _("Choose 1 to 168 hours, or leave it empty."),
        "every_weeks": _("Choose 1 to 13 weeks."),
        "closes_days_before": _("A round closes after it opens."),
        "first_delivery_on": _("Choose a day that is still to come."),
        "last_delivery_on": _("The last delivery is not before the first."),
        "last_day": _("The last day is not before the first."),
        "nag_after_days": _("Choose 1 to 60 days."),
        "settle_after_days": _("Choose 1 to 90 days, or leave it empty."),
    }
    return field, words.get(field, _("This is not right."))


@pages.route("/rounds/<round_code>/manage/deadline", methods=["GET", "POST"])
def deadline(round_code: str) -> ResponseReturnValue:
    """What happens at the closing time of a round."""
    visit = current_visit()
    require_permission(visit.identity, "round.plan")
    reader = FormReader()
    if request.method == "POST":
        terms = read_terms(reader)
        if not reader.errors:
            try:
                with visit.begin() as uow:
                    found = queries.round_by_code(uow.session, uow.tenant, round_code)
                    set_deadline(uow, found.id, terms)
                flash(_("Saved."), "success")
                return to_manage(round_code)
            except InvalidInputError as refusal:
                reader.errors.append(field_error(refusal))
            except RoundStateError:
                return to_manage(round_code)
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        known = round_deadline(uow.session, uow.tenant, found.id)
    stored = DeadlineTerms(
        **{
            name: getattr(known, name)
            for name in (DeadlineTerms.__dataclass_fields__ if known else ())
        }
    )
    page = render_template(
        "purchasing/deadline.html",
        visit=visit,
        round=found,
        form=request.form if request.method == "POST" else filled_terms(stored),
        choices=term_choices(),
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


@pages.route("/rounds/<round_code>/manage/prolong", methods=["GET", "POST"])
def prolong(round_code: str) -> ResponseReturnValue:
    """Keep a round open longer; what that means first."""
    visit = current_visit()
    require_permission(visit.identity, "round.close")
    reader = FormReader()
    if request.method == "POST":
        closes_at, delivery_on = reader.moment("closes_at"), reader.day("delivery_on")
        if not reader.errors:
            try:
                with visit.begin() as uow:
                    found = queries.round_by_code(uow.session, uow.tenant, round_code)
                    command = ProlongRound(
                        round_id=found.id, closes_at=closes_at, delivery_on=delivery_on
                    )
                    prolong_round(uow, command)
                flash(_("The round stays open. Who ordered gets a mail."), "success")
                return to_manage(round_code)
            except InvalidInputError as refusal:
                reader.errors.append(field_error(refusal))
            except RoundStateError:
                flash(_("This was done already. This is how the round is now."), "attention")
                return to_manage(round_code)
    with visit.begin() as uow:
        found = queries.round_by_code(uow.session, uow.tenant, round_code)
        later = max(found.closes_at, uow.now).astimezone(LOCAL_TIME) + timedelta(days=2)
    moved = later.date() - found.closes_at.astimezone(LOCAL_TIME).date()
    filled = {
        "closes_at": later.strftime("%Y-%m-%dT%H:%M"),
        "delivery_on": (found.delivery_on + moved).isoformat(),
    }
    page = render_template(
        "purchasing/prolong.html",
        visit=visit,
        round=found,
        form=filled | request.form.to_dict(),
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


@pages.route("/rounds/agreements", methods=["GET", "POST"])
def agreements() -> ResponseReturnValue:
    """What the cooperative does with rounds that lie unsettled."""
    visit = current_visit()
    require_permission(visit.identity, "round.policy")
    reader = FormReader()
    if request.method == "POST":
        command = SetRoundPolicy(
            nag_after_days=reader.count("nag_after_days", if_empty=0) or 0,
            settle_after_days=reader.count("settle_after_days", if_empty=None),
        )
        if not reader.errors:
            try:
                with visit.begin() as uow:
                    set_round_policy(uow, command)
                flash(_("Saved."), "success")
                return redirect(url_for("purchasing.rounds"), 303)
            except InvalidInputError as refusal:
                reader.errors.append(field_error(refusal))
    with visit.begin() as uow:
        policy = round_policy(uow.session, uow.tenant)
    filled = {
        "nag_after_days": str(policy.nag_after_days),
        "settle_after_days": ""
        if policy.settle_after_days is None
        else str(policy.settle_after_days),
    }
    page = render_template(
        "purchasing/agreements.html",
        visit=visit,
        form=filled | request.form.to_dict(),
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


def deadline_tasks(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
    """Rounds about which a coordinator has to decide."""
    if not visit.may("round.close"):
        return []
    return [
        Task(
            label=_("%(theme)s: decide what happens now", theme=theme),
            url=url_for("purchasing.manage", round_code=code),
            explanation=_("Too little was ordered, and nobody can order while you decide."),
            due=code,
            kind="attention",
        )
        for code, theme, _asked_at in rounds_that_ask(uow.session, uow.tenant)
    ]
