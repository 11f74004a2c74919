"""Pages of the care administrator: shared hours, and lists for whoever pays."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.budgets import queries
from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.budgets.carer_pages import Errors, read_time
from wijkeconomie.budgets.list_document import file_name, render_list_csv, render_list_pdf
from wijkeconomie.budgets.lists import made_lists, make_list, month_list, waiting_lists
from wijkeconomie.budgets.models import AgreementStatus, Payer
from wijkeconomie.budgets.pages import blueprint, form_key, new_key, said_in_words
from wijkeconomie.budgets.refusals import REFUSALS_OF_HOURS
from wijkeconomie.budgets.sharing import ShareHours, share_hours
from wijkeconomie.cooperatives.forms import FormReader, asked_month
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.once import once
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@blueprint.get("/care/lists")
def lists() -> ResponseReturnValue:
    """Months that wait for a list, and lists that were made."""
    visit = current_visit()
    with visit.begin() as uow:
        open_care_records(uow, "budgets-read")
        waiting = waiting_lists(uow.session, uow.tenant)
        made = made_lists(uow.session, uow.tenant)
    return render_template("budgets/lists.html", visit=visit, waiting=waiting, made=made)


@blueprint.post("/care/lists")
def new_list() -> ResponseReturnValue:
    """Make the list of a month."""
    visit = current_visit()
    require_permission(visit.identity, "care.administer")
    month = asked_month(request.form.get("month", ""))
    form = FormReader()
    payer = form.one_of("payer", Payer)
    with visit.begin() as uow:
        make_list(uow, month, payer, form.text("payer_name", is_required=False) or None)
    flash(_("The list has been made. Download it and send it."), "success")
    return redirect(url_for("budgets.lists"), 303)


@blueprint.get("/care/lists/<int:list_id>.<any(csv, pdf):kind>")
def list_file(list_id: int, kind: str) -> ResponseReturnValue:
    """A list as a file."""
    visit = current_visit()
    with visit.begin() as uow:
        wanted = month_list(uow, list_id)
    if kind == "csv":
        content, content_type = render_list_csv(wanted), "text/csv; charset=utf-8"
    else:
        content = render_list_pdf(wanted, visit.cooperative, language=page_language())
        content_type = "application/pdf"
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(wanted, kind)}"',
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers, content_type=content_type)


@blueprint.route("/care/shared-hours", methods=["GET", "POST"])
def shared_hours() -> ResponseReturnValue:
    """Share the time of one carer over several holders."""
    visit = current_visit()
    require_permission(visit.identity, "care.administer")
    carer_id = request.values.get("carer", type=int)
    errors: Errors = []
    if request.method == "POST" and carer_id is not None:
        form = FormReader()
        month, minutes = read_time(form)
        parts = _parts()
        if len(parts) < 2:
            form.errors.append(("", _("Give two holders or more a part.")))
        errors = form.errors
        if not errors:
            command = ShareHours(month=month, minutes=minutes, parts=parts)
            errors = _share(command)
        if not errors:
            flash(_("Declared. Each holder sees his part and what it was shared by."), "success")
            return redirect(url_for("budgets.overview"), 303)
    with visit.begin() as uow:
        carers = queries.carers(uow.session, uow.tenant)
        agreements = []
        if carer_id is not None:
            open_care_records(uow, "budgets-read")
            agreements = [
                each
                for each in queries.agreements(uow.session, uow.tenant, carer_id=carer_id)
                if each.status == AgreementStatus.APPROVED
            ]
        today = local_date(uow.now, LOCAL_TIME)
    page = render_template(
        "budgets/shared.html",
        visit=visit,
        carers=[(carer.id, carer.name) for carer in carers],
        carer_id=carer_id,
        agreements=agreements,
        key=request.form.get("idempotency_key") or new_key(),
        form={"month": f"{today:%Y-%m}"} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _parts() -> list[tuple[int, str]]:
    """The weights that were typed, a field an agreement; an empty one takes no part."""
    found = []
    for name, typed in request.form.items():
        kind, _dash, number = name.partition("-")
        if kind == "weight" and number.isdecimal() and typed.strip():
            found.append((int(number), typed.strip().replace(",", ".")))
    return found


def _share(command: ShareHours) -> Errors:
    body = {
        "month": command.month.isoformat(),
        "minutes": command.minutes,
        "parts": tuple(command.parts),
    }

    def act(uow: UnitOfWork) -> str:
        return ",".join(str(each.id) for each in share_hours(uow, command))

    try:
        once(current_visit(), form_key(), "care-shared", body, act)
    except REFUSALS_OF_HOURS as refusal:
        return [("", said_in_words(refusal))]
    except InvalidInputError as refusal:
        words = {
            "weights": _("A weight is a number as in 1 or 1,5, and one of them is above 0."),
            "month": _("This month has not begun yet."),
            "minutes": _("A month has not so many hours."),
        }
        field = str(refusal.context["field"])
        if field not in words:
            raise
        return [("hours" if field == "minutes" else field, words[field])]
    return []
