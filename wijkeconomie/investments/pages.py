"""Pages of projects for everyone: what there is, one's own part, and the certificate."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Task, Visit, cooperative_blueprint, current_visit
from wijkeconomie.core.charts import Bar, bar_chart
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError, PermissionDeniedError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments import queries
from wijkeconomie.investments.certificate import Certificate, render_certificate
from wijkeconomie.investments.charting import values_over_time
from wijkeconomie.investments.models import Instrument, ParticipationState
from wijkeconomie.investments.participating import Subscribe, subscribe, withdraw
from wijkeconomie.investments.queries import AssetView, ProjectView
from wijkeconomie.investments.refusals import CampaignFullError
from wijkeconomie.investments.words import instrument_words, state_kind, state_words
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME, local_date

blueprint = cooperative_blueprint("investments", __name__)
blueprint.app_template_filter("instrument_words")(instrument_words)
blueprint.app_template_filter("participation_words")(state_words)
blueprint.app_template_filter("participation_kind")(state_kind)


@dataclass(frozen=True, slots=True)
class AssetOnPage:
    """An asset with its values over time: each with whether it was posted, and their chart."""

    asset: AssetView
    values: list[tuple[date, int, bool]]
    chart: Markup


@blueprint.get("/projects")
def overview() -> ResponseReturnValue:
    """All projects with how far they are, and the visitor's own part."""
    visit = current_visit()
    require_permission(visit.identity, "investment.read")
    with visit.begin() as uow:
        found = queries.projects(uow.session, uow.tenant)
        mine = _own(uow, visit)
        today = local_date(uow.now, LOCAL_TIME)
    return render_template(
        "investments/overview.html",
        visit=visit,
        projects=[(project, project.is_open(today)) for project in found],
        mine=mine,
    )


def _own(
    uow: UnitOfWork, visit: Visit, project_code: str | None = None
) -> list[queries.ParticipationView]:
    member_id = visit.identity.member_id
    if member_id is None:
        return []
    return queries.participations(
        uow.session, uow.tenant, project_code=project_code, member_id=member_id
    )


@blueprint.get("/projects/<code>")
def project_page(code: str) -> ResponseReturnValue:
    """One project: its campaign, one's own part, what was built and what it earned."""
    visit = current_visit()
    require_permission(visit.identity, "investment.read")
    return show_project(visit, code, [])


def show_project(visit: Visit, code: str, errors: list[tuple[str, str]]) -> ResponseReturnValue:
    """The page of a project; with errors it answers that the form was not right."""
    may_change = visit.may("investment.change")
    with visit.begin() as uow:
        project = queries.project(uow.session, uow.tenant, code)
        today = local_date(uow.now, LOCAL_TIME)
        page = render_template(
            "investments/project.html",
            visit=visit,
            project=project,
            today=today,
            is_open=project.is_open(today),
            chart=_progress_chart(project),
            mine=_own(uow, visit, code),
            waiting=_waiting(uow, code) if may_change else [],
            drawings=queries.drawings(uow.session, uow.tenant, project.id),
            assets=_assets(uow, project),
            results=queries.results(uow.session, uow.tenant, project.id, visit.identity.member_id),
            key=uuid.uuid4().hex,
            form=request.form,
            errors=errors,
        )
    return page, 422 if errors else 200


def _waiting(uow: UnitOfWork, code: str) -> list[queries.ParticipationView]:
    return [
        each
        for each in queries.participations(uow.session, uow.tenant, project_code=code)
        if each.state == ParticipationState.SUBSCRIBED
    ]


def _progress_chart(project: ProjectView) -> Markup:
    return bar_chart(
        _("How far the campaign is, in units"),
        _("The same figures stand in the table below."),
        [
            Bar(_("paid"), project.paid_units, str(project.paid_units)),
            Bar(
                _("unpaid"),
                project.taken_units - project.paid_units,
                str(project.taken_units - project.paid_units),
            ),
            Bar(_("still free"), project.left_units, str(project.left_units)),
            Bar(_("asked for"), project.target_units, str(project.target_units)),
        ],
    )


def _assets(uow: UnitOfWork, project: ProjectView) -> list[AssetOnPage]:
    return [
        _on_page(asset, queries.depreciated_months(uow.session, uow.tenant, asset.code))
        for asset in queries.assets(uow.session, uow.tenant, project.id)
    ]


def _on_page(asset: AssetView, posted: dict[date, int]) -> AssetOnPage:
    values = values_over_time(asset, posted)
    chart = bar_chart(
        _("What %(what)s is worth in the books, in euros", what=asset.name),
        _("The same figures stand in the table below."),
        [Bar(f"{day:%Y}", cents, _whole_euros(cents)) for day, cents, _posted in values],
    )
    return AssetOnPage(asset, values, chart)


def _whole_euros(cents: int) -> str:
    """Euros short enough for a bar on a phone; the table has the cents."""
    return str(Decimal(cents).scaleb(-2).quantize(Decimal(1)))


@blueprint.post("/projects/<code>/take")
def take(code: str) -> ResponseReturnValue:
    """Take units for oneself."""
    visit = current_visit()
    require_permission(visit.identity, "investment.subscribe")
    member_id = visit.identity.member_id
    if member_id is None:
        raise NotFoundError("only members take part")
    form = FormReader()
    units = form.count("units", if_empty=None)
    if not units and not form.errors:
        form.errors.append(("units", _("Type a whole number, as in 3.")))
    if form.errors:
        return show_project(visit, code, form.errors)
    command = Subscribe(
        idempotency_key=request.form.get("idempotency_key", "") or uuid.uuid4().hex,
        project_code=code,
        member_id=member_id,
        units=units or 0,
    )
    try:
        with visit.begin() as uow:
            subscribe(uow, command)
    except CampaignFullError as refusal:
        left = str(refusal.context["left"])
        words = _("You can take %(left)s more units at most.", left=left)
        return show_project(visit, code, [("units", words)])
    flash(_("You take part. Pay by bank: how stands below."), "success")
    return redirect(url_for("investments.project_page", code=code), 303)


@blueprint.post("/participations/<code>/withdraw")
def give_up(code: str) -> ResponseReturnValue:
    """Give up units that were not paid."""
    visit = current_visit()
    with visit.begin() as uow:
        project = queries.participation(uow.session, uow.tenant, code).project_code
        withdraw(uow, code)
    flash(_("You gave these units up. You pay nothing."), "success")
    return redirect(url_for("investments.project_page", code=project), 303)


@blueprint.get("/participations/<code>/certificate.pdf")
def certificate(code: str) -> ResponseReturnValue:
    """The certificate of a participation that counts: for its member, and who keeps the register.

    Raises:
        NotFoundError: it does not count (yet). PermissionDeniedError: it is someone else's.
    """
    visit = current_visit()
    with visit.begin() as uow:
        found = queries.participation(uow.session, uow.tenant, code)
        project = queries.project(uow.session, uow.tenant, found.project_code)
    is_own = found.member_id == visit.identity.member_id
    if not is_own and not visit.may("investment.read-register"):
        raise PermissionDeniedError(
            "this is someone else's", permission="investment.read-register", roles="treasurer"
        )
    if found.issued_on is None or found.state == ParticipationState.TRANSFERRED:
        raise NotFoundError(f"participation {code} does not count yet", participation=code)
    content = render_certificate(
        Certificate(
            cooperative=visit.cooperative.full_name,
            kvk=visit.cooperative.kvk,
            code=found.code,
            project_code=project.code,
            project=project.name,
            instrument=Instrument(found.instrument),
            member_code=found.member_code,
            member=found.member,
            units=found.units,
            unit_price_cents=project.unit_price_cents,
            cents=found.cents,
            issued_on=found.issued_on,
            repayment_months=project.repayment_months,
        ),
        language=page_language(),
    )
    headers = {"Content-Disposition": f'attachment; filename="{code}.pdf"'}
    return Response(content, headers=headers, content_type="application/pdf")


def tasks(visit: Visit, uow: UnitOfWork) -> list[Task]:
    """Units that the visitor has to pay, and payments that the treasurer has to note."""
    found = [
        Task(
            label=_("Pay for your part in %(project)s", project=each.project),
            url=url_for("investments.project_page", code=each.project_code),
            explanation=format_amount(each.cents, page_language()),
            due=_("to be paid"),
            kind="attention",
        )
        for each in _own(uow, visit)
        if each.state == ParticipationState.SUBSCRIBED
    ]
    if visit.may("investment.change"):
        owed = sum(each.cents for each in queries.owed_to_members(uow.session, uow.tenant))
        if owed:
            found.append(
                Task(
                    label=_("Pay members what they are owed"),
                    url=url_for("investments.owed"),
                    explanation=format_amount(owed, page_language()),
                )
            )
    return found
