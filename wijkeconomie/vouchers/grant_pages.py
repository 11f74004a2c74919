"""Pages of a carer: rounds in which he can apply, applying, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from babel.dates import format_date
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Task, Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.runtime import current_runtime
from wijkeconomie.core.settings import secret_key
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.vouchers import grant_queries as queries
from wijkeconomie.vouchers.grant_applying import Apply, apply_for_grant, withdraw_application
from wijkeconomie.vouchers.grant_models import GrantPayout
from wijkeconomie.vouchers.grant_queries import RoundView
from wijkeconomie.vouchers.grant_rules import receiver_hash
from wijkeconomie.vouchers.grant_words import (
    budget_rule_words,
    grant_state_words,
    outcome_words,
    payout_words,
)
from wijkeconomie.vouchers.pages import Errors, blueprint, new_key, own_number, today, told

FIRST_BIRTHDAY = date(1900, 1, 1)

blueprint.app_template_filter("grant_state_words")(grant_state_words)
blueprint.app_template_filter("payout_words")(payout_words)
blueprint.app_template_filter("outcome_words")(outcome_words)
blueprint.app_template_filter("budget_rule_words")(budget_rule_words)


def keyed_hash(cooperative_id: int, *, initials: str, born_on: date, postcode: str) -> str:
    """The hash of a person cared for, by the key of this service.

    Raises:
        InvalidInputError: these are no initials, or no postcode.
    """
    secret = secret_key(current_runtime().settings)
    try:
        return receiver_hash(
            secret, cooperative_id, initials=initials, born_on=born_on, postcode=postcode
        )
    except ValueError as error:
        field = "initials" if "initials" in str(error) else "postcode"
        raise InvalidInputError(str(error), field=field) from error


@blueprint.get("/grants")
def grants() -> ResponseReturnValue:
    """Where a carer can apply and how it stands; for who keeps them, the rounds."""
    visit = current_visit()
    require_permission(visit.identity, "cooperative.read")
    with visit.begin() as uow:
        rounds = queries.grant_rounds(uow.session, uow.tenant)
        member_id = visit.identity.member_id
        own = (
            queries.applications_of_member(uow.session, uow.tenant, member_id) if member_id else []
        )
        day = today(uow)
    return render_template(
        "vouchers/grants.html",
        visit=visit,
        rounds=rounds,
        open_rounds=[each for each in rounds if each.takes_on(day)],
        open_codes={each.code for each in rounds if each.takes_on(day)},
        applied_codes={each.round_code for each in own},
        applications=own,
    )


@blueprint.route("/grants/<code>/apply", methods=["GET", "POST"])
def apply(code: str) -> ResponseReturnValue:
    """Apply; a coordinator types it in for who has no phone."""
    visit = current_visit()
    for_others = visit.may("grant.apply-for-others")
    if visit.identity.member_id is None and not for_others:
        raise NotFoundError("only members apply")
    errors: Errors = []
    if request.method == "POST":
        errors = _apply(visit, code)
        if not errors:
            flash(_("We have your application. You hear from us when it is decided."), "success")
            return redirect(url_for("vouchers.grants"), 303)
    with visit.begin() as uow:
        round_ = queries.grant_round(uow.session, uow.tenant, code)
        own = own_number(uow, visit.identity.member_id) if visit.identity.member_id else ""
        is_open = round_.takes_on(today(uow))
    page = render_template(
        "vouchers/grant_apply.html",
        visit=visit,
        round=round_,
        is_open=is_open,
        for_others=for_others,
        payouts=[(way.value, payout_words(way)) for way in round_.payouts],
        form={"key": new_key(), "member": own} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _apply(visit: Visit, code: str) -> Errors:
    form = FormReader()
    initials, postcode = form.text("initials"), form.text("postcode")
    born_on = form.day("born")
    payout = form.one_of("payout", GrantPayout)
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            day = today(uow)
            if not FIRST_BIRTHDAY <= born_on <= day:
                return [("born", _("Give the day of birth."))]
            apply_for_grant(
                uow,
                Apply(
                    idempotency_key=form.text("key"),
                    round_code=code,
                    carer_id=_carer(visit, uow),
                    receiver_hash=keyed_hash(
                        uow.tenant, initials=initials, born_on=born_on, postcode=postcode
                    ),
                    payout=payout,
                ),
            )
    except InvalidInputError as refusal:
        words = {
            "initials": ("initials", _("Write initials as in J.P.")),
            "postcode": ("postcode", _("Write a postcode as in 3531 CJ.")),
            "payout": ("payout", _("Choose one of these.")),
            "iban": ("payout", _("We have no bank account of this member. Choose another way.")),
        }
        return [words[str(refusal.context["field"])]]
    except NotFoundError:
        return [("member", _("There is no member with this number."))]
    except DomainError as refusal:
        return [("initials", told(refusal))]
    return []


def _carer(visit: Visit, uow: UnitOfWork) -> int:
    """Who applies: whose number was typed in, or else the visitor himself."""
    typed = request.form.get("member", "").strip()
    if typed and visit.may("grant.apply-for-others"):
        return member_by_code(uow.session, uow.tenant, typed).id
    if visit.identity.member_id is None:
        raise NotFoundError("name the member who applies")
    return visit.identity.member_id


@blueprint.post("/grants/applications/<int:number>/withdraw")
def withdraw(number: int) -> ResponseReturnValue:
    """Take an application back."""
    with current_visit().begin() as uow:
        withdraw_application(uow, number)
    flash(_("Withdrawn. We keep nothing of it."), "success")
    return redirect(url_for("vouchers.grants"), 303)


def grant_tasks(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
    """For a carer the rounds that take applications; for a treasurer what he must do next."""
    rounds = queries.grant_rounds(uow.session, uow.tenant)
    found = []
    if visit.identity.member_id is not None:
        day = today(uow)
        own = queries.applications_of_member(uow.session, uow.tenant, visit.identity.member_id)
        applied = {each.round_code for each in own}
        found += [
            _invitation(each) for each in rounds if each.takes_on(day) and each.code not in applied
        ]
    if visit.may("grant.change"):
        found += [
            Task(
                label=_("Carers' grants: %(name)s", name=each.name),
                url=url_for("vouchers.grant_round", code=each.code),
                explanation=grant_state_words(each.state),
                kind="attention",
            )
            for each in rounds
            if each.state in {"closed", "decided", "paid"}
        ]
    return found


def _invitation(round_: RoundView) -> Task:
    return Task(
        label=_("Do you care for someone? Apply for a carer's grant"),
        url=url_for("vouchers.apply", code=round_.code),
        explanation=round_.name,
        due=_("until %(day)s", day=format_date(round_.closes_on, "d MMMM", locale=page_language())),
    )
