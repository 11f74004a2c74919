"""Pages of the treasurer: circulation, cover and volume, issuing, kinds and funds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from babel.dates import format_date
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Task, Visit, current_visit
from wijkeconomie.core.charts import Bar, bar_chart
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.vouchers import meters, queries
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers
from wijkeconomie.vouchers.keeping import (
    SaveFund,
    SaveScheme,
    save_fund,
    save_scheme,
)
from wijkeconomie.vouchers.models import PaidBy, VatKind
from wijkeconomie.vouchers.pages import Errors, blueprint, new_key, today, told
from wijkeconomie.vouchers.paying_out import MoveCover, move_cover
from wijkeconomie.vouchers.rules import VOLUME_LIMIT_CENTS, Level
from wijkeconomie.vouchers.subsidising import issue_from, subsidy_source
from wijkeconomie.vouchers.words import way_choices

MONTHS = 12
NONE = "-"
RATES = (("", NONE), ("900", "9 %"), ("2100", "21 %"), ("0", "0 %"))


@blueprint.get("/vouchers")
def overview() -> ResponseReturnValue:
    """What is in circulation, whether it is covered, and who is to be paid."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.read")
    with visit.begin() as uow:
        session, tenant, day = uow.session, uow.tenant, today(uow)
        months = _since_the_first(meters.months_of_circulation(session, tenant, _last_months(day)))
        shown = {
            "circulation": meters.circulation(session, tenant),
            "cover": meters.cover(session, tenant),
            "volume": meters.volume(session, tenant, day),
            "merchants": queries.merchants(session, tenant, day),
            "schemes": queries.schemes(session, tenant),
            "subsidies": subsidy_source().offered(uow, day),
            "funds": [
                each
                for each in queries.funds(session, tenant)
                if not subsidy_source().exists(uow, each.code)
            ],
            "payouts": queries.payouts(session, tenant),
        }
    return render_template(
        "vouchers/overview.html",
        visit=visit,
        months=months,
        chart=_chart(months),
        limit_cents=VOLUME_LIMIT_CENTS,
        key=new_key(),
        **shown,
    )


def _since_the_first(
    months: Sequence[meters.MonthOfCirculation],
) -> Sequence[meters.MonthOfCirculation]:
    """The months from the first one on in which there was something; the last one always."""
    began = next(
        (position for position, each in enumerate(months) if each.issued or each.outstanding),
        len(months) - 1,
    )
    return months[began:]


def _last_months(day: date) -> list[date]:
    found = [day.replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


def _chart(months: Sequence[meters.MonthOfCirculation]) -> object:
    return bar_chart(
        _("Vouchers outstanding at the end of each month, in euros"),
        _("The same figures stand in the table below."),
        [
            Bar(
                format_date(each.month, "MMM", locale=page_language()),
                max(each.outstanding, 0),
                str(each.outstanding // 100),
            )
            for each in months
        ],
    )


@blueprint.route("/vouchers/issue", methods=["GET", "POST"])
def issue() -> ResponseReturnValue:
    """Issue a voucher to a member, or the same to several."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.issue")
    errors: Errors = []
    if request.method == "POST":
        errors = _issue(visit)
        if not errors:
            return redirect(url_for("vouchers.overview"), 303)
    with visit.begin() as uow:
        kinds = [(each.code, each.name) for each in queries.schemes(uow.session, uow.tenant)]
        gifts = _gift_sources(uow)
    page = render_template(
        "vouchers/issue.html",
        visit=visit,
        kinds=kinds,
        funds=[("", NONE), *gifts],
        ways=way_choices(),
        form={"key": new_key()} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _gift_sources(uow: UnitOfWork) -> list[tuple[str, str]]:
    """Subsidies and funds by their codes, with what each can still give."""
    language, source = page_language(), subsidy_source()
    subsidies = [
        (
            each.code,
            _(
                "subsidy %(code)s, %(purpose)s: %(left)s left",
                code=each.code,
                purpose=each.purpose,
                left=format_amount(each.left_cents, language),
            ),
        )
        for each in source.offered(uow, today(uow))
    ]
    funds = [
        (
            each.code,
            _(
                "fund %(code)s, %(name)s: %(left)s left",
                code=each.code,
                name=each.name,
                left=format_amount(each.left_minor, language, each.unit),
            ),
        )
        for each in queries.funds(uow.session, uow.tenant)
        if each.left_minor > 0 and not source.exists(uow, each.code)
    ]
    return [*subsidies, *funds]


def _issue(visit: Visit) -> Errors:
    form = FormReader()
    members = form.text("members").replace(",", " ").split()
    amount = form.amount("amount")
    scheme = form.text("kind")
    paid_by = PaidBy(form.choice("paid_by", [way for way, _words in way_choices()]))
    fund = form.text("fund", is_required=paid_by is PaidBy.FUND) or None
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            grants = tuple(
                Grant(member_id=member_by_code(uow.session, uow.tenant, code).id, face_minor=amount)
                for code in members
            )
            issue_from(
                uow,
                IssueVouchers(
                    idempotency_key=form.text("key"),
                    scheme_code=scheme,
                    paid_by=paid_by,
                    fund_code=fund if paid_by is PaidBy.FUND else None,
                    grants=grants,
                ),
                subsidy_source(),
            )
    except NotFoundError:
        return [("members", _("There is no member with this number."))]
    except InvalidInputError as refusal:
        words = {
            "face_minor": ("amount", _("Write an amount as in 12,50.")),
            "paid_by": ("paid_by", _("A local unit is given from a fund.")),
            "fund_code": ("fund", _("A subsidy gives vouchers in euro only.")),
        }
        field = str(refusal.context["field"])
        return [words.get(field, ("members", _("Name at least one member.")))]
    except DomainError as refusal:
        of_subsidy = refusal.code in {"subsidy-period", "subsidy-accounted"}
        return [("fund" if of_subsidy else "amount", told(refusal))]
    flash(_("Issued. Members see it in their wallet."), "success")
    return []


@blueprint.route("/vouchers/kinds/new", methods=["GET", "POST"])
def new_kind() -> ResponseReturnValue:
    """Make a kind of voucher."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.change")
    errors: Errors = []
    if request.method == "POST":
        errors = _save_kind(visit)
        if not errors:
            flash(_("Made. You can issue it now."), "success")
            return redirect(url_for("vouchers.overview"), 303)
    with visit.begin() as uow:
        shops = [(each.code, each.name) for each in queries.merchants(uow.session, uow.tenant)]
    page = render_template(
        "vouchers/new_kind.html",
        visit=visit,
        rates=RATES,
        shops=shops,
        chosen=request.form.getlist("merchants"),
        form={"unit": "EUR", "days": "365", "transferable": "yes"}
        | (request.form.to_dict() | {"transferable": request.form.get("transferable", "")})
        if request.form
        else {"unit": "EUR", "days": "365", "transferable": "yes"},
        errors=errors,
    )
    return page, 422 if errors else 200


def _save_kind(visit: Visit) -> Errors:
    form = FormReader()
    rate = form.choice("rate", [value for value, _words in RATES])
    days = form.count("days", if_empty=365)
    command = SaveScheme(
        code=form.text("code"),
        name=form.text("name"),
        unit=form.text("unit").upper(),
        vat_kind=VatKind.SPV if rate else VatKind.MPV,
        vat_basis_points=int(rate) if rate else None,
        valid_days=days or 0,
        is_transferable=request.form.get("transferable") == "yes",
        merchants=tuple(request.form.getlist("merchants")),
    )
    if form.errors:
        return form.errors
    try:
        with visit.begin() as uow:
            save_scheme(uow, command)
    except InvalidInputError as refusal:
        words = {
            "unit": ("unit", _("A unit is EUR, or 2 to 12 letters. Tax is in EUR only.")),
            "valid_days": ("days", _("A voucher is valid for a day at least.")),
        }
        return [words[str(refusal.context["field"])]]
    except DomainError as refusal:
        return [("code", told(refusal))]
    return []


@blueprint.route("/vouchers/funds/new", methods=["GET", "POST"])
def new_fund() -> ResponseReturnValue:
    """Write down a fund, or what it grants from now on."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.change")
    errors: Errors = []
    if request.method == "POST":
        form = FormReader()
        command = SaveFund(
            code=form.text("code"),
            name=form.text("name"),
            grantor=form.text("grantor"),
            granted_minor=form.amount("granted"),
            unit=(form.text("unit", is_required=False) or "EUR").upper(),
            returns_unspent=request.form.get("returns") == "yes",
        )
        errors = form.errors or _save_fund(visit, command)
        if not errors:
            flash(_("Written down. You can give vouchers from it."), "success")
            return redirect(url_for("vouchers.overview"), 303)
    page = render_template(
        "vouchers/new_fund.html", visit=visit, form=request.values, errors=errors
    )
    return page, 422 if errors else 200


def _save_fund(visit: Visit, command: SaveFund) -> Errors:
    try:
        with visit.begin() as uow:
            if subsidy_source().exists(uow, command.code):
                return [("code", _("This is a subsidy. Choose it when you issue vouchers."))]
            save_fund(uow, command)
    except InvalidInputError as refusal:
        words = {
            "unit": ("unit", _("A fund keeps its unit.")),
            "granted_minor": ("granted", _("More than this was given already.")),
        }
        return [words[str(refusal.context["field"])]]
    return []


@blueprint.post("/vouchers/cover")
def set_apart() -> ResponseReturnValue:
    """Book that money was moved to the bank account of vouchers."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.pay-out")
    form = FormReader()
    amount = form.amount("amount")
    if form.errors or amount <= 0:
        raise InvalidInputError("write an amount", field="amount")
    with visit.begin() as uow:
        move_cover(uow, MoveCover(idempotency_key=form.text("key"), amount_cents=amount))
    flash(_("Booked. The meter shows it."), "success")
    return redirect(url_for("vouchers.overview"), 303)


def voucher_tasks(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
    """What a treasurer must look at: missing cover, the limit of the law, who waits for money."""
    if not visit.may("voucher.pay-out"):
        return []
    language, address = page_language(), url_for("vouchers.overview")
    cover = meters.cover(uow.session, uow.tenant)
    volume = meters.volume(uow.session, uow.tenant, today(uow))
    found = []
    if cover.short_cents:
        found.append(
            Task(
                label=_("Set money apart for vouchers"),
                url=address,
                explanation=_("What is outstanding is not covered."),
                due=format_amount(cover.short_cents, language),
                kind="attention",
            )
        )
    if volume.level is not Level.GOOD:
        found.append(
            Task(
                label=_("Look at the limit of the law"),
                url=address,
                explanation=_("Paid with vouchers in twelve months."),
                due=format_amount(volume.cents, language),
                kind="wrong" if volume.level is Level.PASSED else "attention",
            )
        )
    if cover.merchants_cents > 0:
        found.append(
            Task(
                label=_("Pay the shops"),
                url=address,
                explanation=_("They are owed this for vouchers."),
                due=format_amount(cover.merchants_cents, language),
            )
        )
    return found
