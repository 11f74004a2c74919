"""Pages of the treasurer: circulation, cover and volume, issuing, and funds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from wijkeconomie.vouchers.entry_rules import EURO
from wijkeconomie.vouchers.funds import SaveFund, save_fund
from wijkeconomie.vouchers.holder_queries import holders_to_visit
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers
from wijkeconomie.vouchers.models import PaidBy
from wijkeconomie.vouchers.order_queries import orders
from wijkeconomie.vouchers.pages import Errors, blueprint, new_key, today, told
from wijkeconomie.vouchers.paying_out import MoveCover, move_cover
from wijkeconomie.vouchers.queries import FundView
from wijkeconomie.vouchers.rules import VOLUME_LIMIT_CENTS, Level
from wijkeconomie.vouchers.subsidising import issue_from, subsidy_source
from wijkeconomie.vouchers.words import way_choices

MONTHS = 12
NONE = "-"


@blueprint.get("/vouchers")
def overview() -> ResponseReturnValue:
    """What is in circulation, whether it is covered, and who is to be paid."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.read")
    with visit.begin() as uow:
        session, tenant, day = uow.session, uow.tenant, today(uow)
        months = meters.months_of_circulation(session, tenant, _last_months(day))
        shown = {
            "circulation": meters.circulation(session, tenant),
            "cover": meters.cover(session, tenant),
            "volume": meters.volume(session, tenant, day),
            "merchants": queries.merchants(session, tenant, day),
            "schemes": queries.schemes(session, tenant),
            "subsidies": subsidy_source().offered(uow, day),
            "funds": _own_funds(uow),
            "payouts": queries.payouts(session, tenant),
            "orders": orders(session, tenant, only_open=True),
        }
    return render_template(
        "vouchers/overview.html",
        visit=visit,
        months=[_UnitOverMonths(unit, _since_the_first(own)) for unit, own in months.items()],
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


@dataclass(frozen=True, slots=True)
class _UnitOverMonths:
    """Circulation of a unit by month: figures, and the same as a chart."""

    unit: str
    rows: Sequence[meters.MonthOfCirculation]

    @property
    def title(self) -> str:
        if self.unit == EURO:
            return str(_("Vouchers outstanding at the end of each month, in euros"))
        return str(_("Vouchers outstanding at the end of each month, in %(unit)s", unit=self.unit))

    @property
    def chart(self) -> object:
        return bar_chart(
            self.title,
            _("The same figures stand in the table below."),
            [
                Bar(
                    format_date(each.month, "MMM", locale=page_language()),
                    max(each.outstanding, 0),
                    str(each.outstanding // 100),
                )
                for each in self.rows
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
        for each in _own_funds(uow)
        if each.left_minor > 0
    ]
    return [*subsidies, *funds]


def _own_funds(uow: UnitOfWork) -> list[FundView]:
    """The funds that are kept here; a subsidy and a round decide on theirs themselves."""
    return [
        each
        for each in queries.funds(uow.session, uow.tenant)
        if each.kept_as == "own" and not subsidy_source().exists(uow, each.code)
    ]


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
            "fund_code": (
                "code",
                _("A subsidy or a round of carers' grants has this code. Choose another one."),
            ),
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
    """Whom no letter reaches; for a treasurer missing cover, the law's limit, who is to be paid."""
    return [*_visits(visit, uow), *_money_tasks(visit, uow)]


def _visits(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
    if not visit.may("voucher.print"):
        return []
    holders = holders_to_visit(uow.session, uow.tenant, today(uow))
    if not holders:
        return []
    return [
        Task(
            label=_("Tell members that their vouchers expire"),
            url=url_for("vouchers.paper"),
            explanation=_("They have no e-mail address, so no letter reaches them."),
            due=str(len({each.member_code for each in holders})),
            kind="attention",
        )
    ]


def _money_tasks(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
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
