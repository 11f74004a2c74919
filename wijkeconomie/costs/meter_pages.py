"""Pages of meters: which there are, and reading all of a key on one day."""

from __future__ import annotations

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
from wijkeconomie.costs.meter_queries import MeterView, meters
from wijkeconomie.costs.meters import RecordReading, record_reading, save_meter
from wijkeconomie.costs.models import Basis
from wijkeconomie.costs.pages import blueprint
from wijkeconomie.costs.refusals import ImplausibleReadingError
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
        page = render_template(
            "costs/meters.html",
            visit=visit,
            meters=meters(uow.session, uow.tenant),
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
        if not form.errors:
            try:
                save_meter(uow, code, key_code=key, member_id=ids[member], unit=unit)
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
    """Write down what meters show; what can hardly be right is asked about, the rest is kept."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    form = FormReader()
    day = form.day("read_on")
    if form.errors:
        return _page(visit, form.errors)
    with visit.begin() as uow:
        known = meters(uow.session, uow.tenant)
    for meter in known:
        if typed := form.text(f"value-{meter.code}", is_required=False):
            command = RecordReading(
                meter_id=meter.id,
                read_on=day,
                value=typed.replace(",", "."),
                is_estimate=form.checked(f"estimate-{meter.code}"),
                is_confirmed=form.checked(f"confirm-{meter.code}"),
            )
            with visit.begin() as uow:
                form.errors += _record(uow, meter, command)
    if form.errors:
        return _page(visit, form.errors)
    flash(_("The readings are written down."), "success")
    return redirect(url_for("costs.meter_list"), 303)


def _record(uow: UnitOfWork, meter: MeterView, command: RecordReading) -> Errors:
    field = f"value-{meter.code}"
    try:
        with uow.session.begin_nested():
            record_reading(uow, command)
    except InvalidInputError:
        return [(field, _("Write what the meter shows, as in 1234,5."))]
    except ImplausibleReadingError as refusal:
        if earlier := refusal.context.get("earlier"):
            return [(field, _("Lower than before (%(value)s). Look again.", value=earlier))]
        if later := refusal.context.get("later"):
            return [(field, _("Higher than later on (%(value)s). Look again.", value=later))]
        return [(field, _("Far more than usual. Look again, or tick that it is right."))]
    return []
