"""Pages of meters: which there are, reading all of a key on one day, and letting one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives import queries as cooperative_queries
from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import queries
from wijkeconomie.costs.meter_queries import MeterView, meter_view, meters
from wijkeconomie.costs.meters import (
    EndMeter,
    NextHolder,
    RecordReading,
    end_meter,
    record_readings,
    save_meter,
)
from wijkeconomie.costs.models import Basis
from wijkeconomie.costs.pages import blueprint
from wijkeconomie.costs.refusals import CostExistsError, ImplausibleReadingError
from wijkeconomie.money.periods import LOCAL_TIME, local_date

Errors = list[tuple[str, str]]


@blueprint.get("/meters")
def meter_list() -> ResponseReturnValue:
    """The meters with their last readings, and a form to read them."""
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    return _page(visit, [])


def _page(visit: Visit, errors: Errors) -> ResponseReturnValue:
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        known = meters(uow.session, uow.tenant)
        page = render_template(
            "costs/meters.html",
            visit=visit,
            meters=[meter for meter in known if meter.ended_on is None],
            ended=[meter for meter in known if meter.ended_on is not None],
            keys=[
                (key.code, key.name)
                for key in queries.keys(uow.session, uow.tenant)
                if key.basis == Basis.METER
            ],
            members=[
                (code, code)
                for code in cooperative_queries.active_member_codes(uow.session, uow.tenant, today)
            ],
            form=request.form.to_dict() or {"read_on": today.isoformat()},
            errors=errors,
        )
    return page, 422 if errors else 200


@blueprint.post("/meters")
def add_meter() -> ResponseReturnValue:
    """Write down a meter of a member."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    form = FormReader()
    with visit.begin() as uow:
        ids = cooperative_queries.member_ids_by_code(uow.session, uow.tenant)
        member = form.choice("member", list(ids))
        code, key, unit = form.text("code"), form.text("key"), form.text("unit")
        since = form.optional_day("starts_on")
        if not form.errors:
            try:
                save_meter(
                    uow, code, key_code=key, member_id=ids[member], unit=unit, starts_on=since
                )
            except DomainError as refusal:
                if refusal.code != "code-taken":
                    raise
                form.errors.append(("code", _("This number is in use. Choose another one.")))
    if form.errors:
        return _page(visit, form.errors)
    flash(_("Written down. Read the meter at the start of a month."), "success")
    return redirect(url_for("costs.meter_list"), 303)


@blueprint.post("/meters/readings")
def read_meters() -> ResponseReturnValue:
    """Write down what meters show; what can hardly be right is asked about, and nothing is kept."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    form = FormReader()
    day = form.day("read_on")
    if form.errors:
        return _page(visit, form.errors)
    with visit.begin() as uow:
        held = [meter for meter in meters(uow.session, uow.tenant) if meter.ended_on is None]
    typed = [(meter, form.text(f"value-{meter.code}", is_required=False)) for meter in held]
    commands = [
        RecordReading(
            meter_id=meter.id,
            read_on=day,
            value=value.replace(",", "."),
            is_estimate=form.checked(f"estimate-{meter.code}"),
            is_confirmed=form.checked(f"confirm-{meter.code}"),
        )
        for meter, value in typed
        if value
    ]
    with visit.begin() as uow:
        savepoint = uow.session.begin_nested()
        errors = _doubts(uow, {meter.id: meter.code for meter in held}, commands)
        if errors:
            savepoint.rollback()
    if errors:
        return _page(visit, errors)
    flash(_("The readings are written down."), "success")
    return redirect(url_for("costs.meter_list"), 303)


def _doubts(uow: UnitOfWork, codes: Mapping[int, str], commands: Sequence[RecordReading]) -> Errors:
    """Record each reading on its own, so that all that is wrong is said at once."""
    errors: Errors = []
    for command in commands:
        field = f"value-{codes[command.meter_id]}"
        try:
            record_readings(uow, [command])
        except InvalidInputError:
            errors.append((field, _("Write what the meter shows, as in 1234,5.")))
        except ImplausibleReadingError as refusal:
            errors.append((field, _doubt_words(refusal)))
    return errors


def _doubt_words(refusal: ImplausibleReadingError) -> str:
    value = str(refusal.context.get("value")).replace(".", ",")
    sentences = {
        "lower": _("Lower than before (%(value)s). Look again.", value=value),
        "higher": _("Higher than later on (%(value)s). Look again.", value=value),
        "later": _("This day has not come yet."),
        "outside": _("On this day the meter was not at this member's."),
        "unusual": _("Far more than usual. Look again, or tick that it is right."),
    }
    return str(sentences[str(refusal.context["reason"])])


@blueprint.route("/meters/<int:meter_id>/end", methods=["GET", "POST"])
def end(meter_id: int) -> ResponseReturnValue:
    """Let a meter go: read it for the last time, and say who or what follows."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    with visit.begin() as uow:
        meter = meter_view(uow.session, uow.tenant, meter_id)
        today = local_date(uow.now, LOCAL_TIME)
        members = cooperative_queries.active_member_codes(uow.session, uow.tenant, today)
    errors: Errors = []
    if request.method == "POST":
        form = FormReader()
        with visit.begin() as uow:
            savepoint = uow.session.begin_nested()
            errors = _end(uow, form, meter)
            if errors:
                savepoint.rollback()
        if not errors:
            flash(_("Written down. Usage before that day stays with %(who)s.", who=meter.member))
            return redirect(url_for("costs.meter_list"), 303)
    page = render_template(
        "costs/meter_end.html",
        visit=visit,
        meter=meter,
        members=[("", _("nobody yet")), *((code, code) for code in members)],
        form=request.form.to_dict() or {"ended_on": today.isoformat(), "next_code": meter.code},
        errors=errors,
    )
    return page, 422 if errors else 200


def _end(uow: UnitOfWork, form: FormReader, meter: MeterView) -> Errors:
    ids = cooperative_queries.member_ids_by_code(uow.session, uow.tenant)
    day, value = form.day("ended_on"), form.text("value").replace(",", ".")
    following = None
    if member := form.choice("next_member", ["", *ids]):
        shown = form.text("next_value", is_required=False).replace(",", ".")
        code = form.text("next_code", is_required=False) or meter.code
        if code != meter.code and not shown:
            form.errors.append(("next_value", _("Fill this in.")))
        following = NextHolder(member_id=ids[member], code=code, value=shown or value)
    if form.errors:
        return form.errors
    try:
        end_meter(
            uow,
            EndMeter(
                meter_id=meter.id,
                ended_on=day,
                value=value,
                following=following,
                is_confirmed=form.checked("is_confirmed"),
            ),
        )
    except InvalidInputError as refusal:
        if refusal.context["field"] == "ended_on":
            return [("ended_on", _("Give a day after it began and was read last."))]
        return [("value", _("Write what the meter shows, as in 1234,5."))]
    except ImplausibleReadingError as refusal:
        return [("value", _doubt_words(refusal))]
    except CostExistsError:
        return [("next_code", _("This number is in use. Choose another one."))]
    return []
