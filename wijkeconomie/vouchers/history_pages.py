"""Pages of a merchant's history: his own on his phone, and that of each for who keeps the books."""

from __future__ import annotations

from datetime import date

from babel.dates import format_date
from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from wijkeconomie.cooperatives.forms import asked_month
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import Period
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.merchant_history import history_csv, months_of_merchant, movements
from wijkeconomie.vouchers.pages import blueprint, today
from wijkeconomie.vouchers.till_pages import own_tills

YEAR_LENGTH = 4


@blueprint.app_template_filter()
def month_in_words(month: date) -> str:
    """``januari 2026``."""
    return format_date(month, "MMMM y", locale=page_language())


@blueprint.get("/till/history/<merchant_code>")
def own_history(merchant_code: str) -> ResponseReturnValue:
    """What the visitor's own shop took, gave back and was paid, by month."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.redeem")
    with visit.begin() as uow:
        require_own(visit, uow, merchant_code)
    return _history(visit, merchant_code, is_own=True)


@blueprint.get("/till/history/<merchant_code>.csv")
def own_history_file(merchant_code: str) -> ResponseReturnValue:
    """The same of a year or a month as a CSV file."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.redeem")
    with visit.begin() as uow:
        require_own(visit, uow, merchant_code)
    return _file(visit, merchant_code)


@blueprint.get("/vouchers/merchants/<merchant_code>/history")
def merchant_history(merchant_code: str) -> ResponseReturnValue:
    """The history of any merchant, for who keeps or reads the books."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.read")
    return _history(visit, merchant_code, is_own=False)


@blueprint.get("/vouchers/merchants/<merchant_code>/history.csv")
def merchant_history_file(merchant_code: str) -> ResponseReturnValue:
    """The same of a year or a month as a CSV file."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.read")
    return _file(visit, merchant_code)


def require_own(visit: Visit, uow: UnitOfWork, merchant_code: str) -> None:
    """Refuse unless the visitor works at the till of a merchant.

    Raises:
        NotFoundError: he does not, or there is none with this code.
    """
    if merchant_code not in {till.code for till in own_tills(visit, uow)}:
        raise NotFoundError(f"there is no merchant {merchant_code}", code=merchant_code)


def _history(visit: Visit, code: str, *, is_own: bool) -> ResponseReturnValue:
    asked = request.args.get("month", "")
    chosen = asked_month(asked) if asked else None
    with visit.begin() as uow:
        shop = queries.merchant(uow.session, uow.tenant, code, today(uow))
        months = months_of_merchant(uow.session, uow.tenant, code)
        month = chosen or (months[0].month if months else today(uow).replace(day=1))
        rows = movements(uow.session, uow.tenant, code, Period.month_of(month))
    page, file = (
        ("vouchers.own_history", "vouchers.own_history_file")
        if is_own
        else ("vouchers.merchant_history", "vouchers.merchant_history_file")
    )
    return render_template(
        "vouchers/history.html",
        visit=visit,
        shop=shop,
        is_own=is_own,
        months=[
            (each, url_for(page, merchant_code=code, month=f"{each.month:%Y-%m}"))
            for each in months
        ],
        month=month,
        rows=rows,
        files=[
            (period, url_for(file, merchant_code=code, period=period))
            for period in (f"{month:%Y-%m}", f"{month:%Y}")
        ],
    )


def _file(visit: Visit, code: str) -> ResponseReturnValue:
    written = request.args.get("period", "")
    with visit.begin() as uow:
        shop = queries.merchant(uow.session, uow.tenant, code, today(uow))
        rows = movements(uow.session, uow.tenant, shop.code, _asked(written, today(uow)))
    name = f"{shop.code}-{written or 'vouchers'}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(history_csv(rows), headers=headers, content_type="text/csv; charset=utf-8")


def _asked(written: str, day: date) -> Period:
    """The period of the address: a month, a year, or this year.

    Raises:
        InvalidInputError: it is neither.
    """
    if not written:
        return Period.year(day.year)
    if len(written) == YEAR_LENGTH and written.isdecimal() and int(written):
        return Period.year(int(written))
    return Period.month_of(asked_month(written))
