"""Pages of rounds that repeat: the template, what is to come, and breaks in the deliveries."""

from __future__ import annotations

from datetime import date, time

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader, filled_in
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import supplier_queries
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.deadline_pages import (
    field_error,
    filled_terms,
    read_terms,
    term_choices,
)
from wijkeconomie.purchasing.deadline_words import (
    delivery_words,
    holiday_words,
    rhythm_words,
    skipped_words,
)
from wijkeconomie.purchasing.deadlines import DeadlineTerms, terms_in
from wijkeconomie.purchasing.handing_models import SurplusRule
from wijkeconomie.purchasing.models import FreightKey, ShortageRule
from wijkeconomie.purchasing.repeating import (
    SaveDeliveryBreak,
    SaveRepeatingRound,
    save_delivery_break,
    save_repeating_round,
    stop_repeating_round,
    withdraw_delivery_break,
)
from wijkeconomie.purchasing.repeating_models import OnHoliday, RepeatingRound
from wijkeconomie.purchasing.repeating_queries import (
    deliveries_made,
    deliveries_to_come,
    delivery_breaks,
    repeating_round,
    repeating_rounds,
)
from wijkeconomie.purchasing.words import freight_words, shortage_words, surplus_words


@pages.get("/repeating")
def repeating() -> ResponseReturnValue:
    """Rounds that repeat, and days without deliveries."""
    return _overview([])


def _overview(errors: list[tuple[str, str]]) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, "round.plan")
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        suppliers = supplier_queries.suppliers(uow.session, uow.tenant)
        names = {each.id: each.name for each in suppliers}
        rows = repeating_rounds(uow.session, uow.tenant)
        shown = [
            (row, rhythm_words(row), names[row.supplier_id], _to_come(uow, row, 1)) for row in rows
        ]
        breaks = [
            (each, names.get(each.supplier_id or 0))
            for each in delivery_breaks(uow.session, uow.tenant, today)
        ]
    page = render_template(
        "purchasing/repeating.html",
        visit=visit,
        rounds=shown,
        breaks=breaks,
        supplier_options=[
            ("", _("all suppliers")),
            *((each.code, each.name) for each in suppliers),
        ],
        form=request.form,
        errors=errors,
    )
    return page, 422 if errors else 200


def _to_come(uow: UnitOfWork, row: RepeatingRound, count: int) -> list[tuple[object, str]]:
    plans = deliveries_to_come(uow.session, row, count=count)
    return [(plan, delivery_words(plan)) for plan in plans]


@pages.post("/repeating/breaks")
def add_break() -> ResponseReturnValue:
    """Keep days without deliveries."""
    visit = current_visit()
    reader = FormReader()
    first_day, last_day = reader.day("first_day"), reader.day("last_day")
    reason = reader.text("reason")
    if not reader.errors:
        try:
            with visit.begin() as uow:
                supplier_id = _supplier_id(uow, request.form.get("supplier", ""))
                command = SaveDeliveryBreak(
                    first_day=first_day, last_day=last_day, reason=reason, supplier_id=supplier_id
                )
                save_delivery_break(uow, command)
            flash(_("Saved. No rounds are made for these days."), "success")
            return redirect(url_for("purchasing.repeating"), 303)
        except InvalidInputError as refusal:
            reader.errors.append(field_error(refusal))
    return _overview(reader.errors)


@pages.post("/repeating/breaks/<int:break_id>/withdraw")
def remove_break(break_id: int) -> ResponseReturnValue:
    """Let deliveries come again."""
    visit = current_visit()
    with visit.begin() as uow:
        withdraw_delivery_break(uow, break_id)
    flash(_("The break has been taken back."), "success")
    return redirect(url_for("purchasing.repeating"), 303)


def _supplier_id(uow: UnitOfWork, code: str) -> int | None:
    if not code:
        return None
    known = supplier_queries.suppliers(uow.session, uow.tenant)
    found = next((each for each in known if each.code == code), None)
    if found is None:
        raise NotFoundError(f"there is no supplier {code}", code=code)
    return found.id


@pages.route("/repeating/new", methods=["GET", "POST"])
def new_repeating() -> ResponseReturnValue:
    """A form for a round that repeats."""
    return _edit(None)


@pages.route("/repeating/<code>", methods=["GET", "POST"])
def change_repeating(code: str) -> ResponseReturnValue:
    """A round that repeats: what is to come, what was made, and a form to change it."""
    return _edit(code)


@pages.post("/repeating/<code>/stop")
def stop_repeating(code: str) -> ResponseReturnValue:
    """Make no more rounds of it."""
    visit = current_visit()
    with visit.begin() as uow:
        stop_repeating_round(uow, code)
    flash(_("No new rounds are made. The ones that are there go on."), "success")
    return redirect(url_for("purchasing.repeating"), 303)


def _edit(code: str | None) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, "round.plan")
    reader = FormReader()
    if request.method == "POST":
        try:
            with visit.begin() as uow:
                command = _read(uow, reader, code)
                if not reader.errors:
                    save_repeating_round(uow, command)
            if not reader.errors:
                flash(_("Saved. The next round is made by itself."), "success")
                return redirect(url_for("purchasing.change_repeating", code=command.code), 303)
        except InvalidInputError as refusal:
            is_known = refusal.context["field"] == "code" and bool(request.form.get("code"))
            reader.errors.append(
                ("code", _("A round that repeats has this code already. Choose another one."))
                if is_known
                else field_error(refusal)
            )
    with visit.begin() as uow:
        row = repeating_round(uow.session, uow.tenant, code) if code else None
        suppliers = supplier_queries.suppliers(uow.session, uow.tenant)
        shown = _shown(uow, row)
    filled = _filled(row, {each.id: each.code for each in suppliers})
    page = render_template(
        "purchasing/repeating_round.html",
        visit=visit,
        row=row,
        **shown,
        supplier_options=[(each.code, each.name) for each in suppliers],
        holidays=holiday_words(),
        freight=freight_words(),
        shortage=shortage_words(),
        surplus=surplus_words(),
        choices=term_choices(),
        form=request.form if request.method == "POST" else filled,
        errors=reader.errors,
    )
    return page, 422 if reader.errors else 200


def _shown(uow: UnitOfWork, row: RepeatingRound | None) -> dict[str, object]:
    if row is None:
        return {"to_come": [], "made": []}
    made = [
        (each, skipped_words(each.skipped, each.note) if each.skipped else each.note)
        for each in deliveries_made(uow.session, uow.tenant, row.id)
    ]
    return {"to_come": [] if row.stopped_at else _to_come(uow, row, 6), "made": made}


def _hour(reader: FormReader, name: str) -> time:
    try:
        return time.fromisoformat(request.form.get(name, ""))
    except ValueError:
        reader.errors.append((name, _("Give a time, as in 20:00.")))
        return time()


def _read(uow: UnitOfWork, reader: FormReader, code: str | None) -> SaveRepeatingRound:
    last = request.form.get("last_delivery_on", "")
    return SaveRepeatingRound(
        code=code or reader.text("code"),
        theme=reader.text("theme"),
        supplier_id=_supplier_id(uow, reader.text("supplier")) or 0,
        category=reader.text("category", is_required=False) or None,
        every_weeks=reader.count("every_weeks", if_empty=1) or 0,
        first_delivery_on=reader.day("first_delivery_on"),
        last_delivery_on=reader.day("last_delivery_on") if last else None,
        opens_days_before=reader.count("opens_days_before", if_empty=6) or 0,
        opens_time=_hour(reader, "opens_time"),
        closes_days_before=reader.count("closes_days_before", if_empty=2) or 0,
        closes_time=_hour(reader, "closes_time"),
        ahead_days=reader.count("ahead_days", if_empty=1) or 0,
        on_holiday=reader.one_of("on_holiday", OnHoliday),
        freight_excl_cents=reader.amount("freight_excl_cents", if_empty=0),
        freight_key=reader.one_of("freight_key", FreightKey),
        shortage_rule=reader.one_of("shortage_rule", ShortageRule),
        surplus_rule=reader.one_of("surplus_rule", SurplusRule),
        is_new=code is None,
        terms=read_terms(reader),
    )


def _filled(row: RepeatingRound | None, suppliers: dict[int, str]) -> dict[str, str]:
    if row is None:
        return {
            "every_weeks": "1",
            "opens_days_before": "6",
            "opens_time": "09:00",
            "closes_days_before": "2",
            "closes_time": "20:00",
            "ahead_days": "1",
            "on_holiday": OnHoliday.SKIP.value,
            "freight_excl_cents": "0,00",
            "freight_key": FreightKey.VALUE.value,
            "shortage_rule": ShortageRule.PRO_RATA.value,
            "surplus_rule": SurplusRule.ASK.value,
            **filled_terms(DeadlineTerms()),
        }
    return {
        "code": row.code,
        "theme": row.theme,
        "supplier": suppliers[row.supplier_id],
        "category": row.category or "",
        "every_weeks": str(row.every_weeks),
        "first_delivery_on": row.first_delivery_on.isoformat(),
        "last_delivery_on": _iso(row.last_delivery_on),
        "opens_days_before": str(row.opens_days_before),
        "opens_time": row.opens_time.strftime("%H:%M"),
        "closes_days_before": str(row.closes_days_before),
        "closes_time": row.closes_time.strftime("%H:%M"),
        "ahead_days": str(row.ahead_days),
        "on_holiday": row.on_holiday,
        "freight_excl_cents": filled_in(row.freight_excl_cents),
        "freight_key": row.freight_key,
        "shortage_rule": row.shortage_rule,
        "surplus_rule": row.surplus_rule,
        **filled_terms(terms_in(row)),
    }


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()
