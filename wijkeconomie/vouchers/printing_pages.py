"""Pages by which a coordinator prints payment codes for a member without a phone."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.sessions import Visit, current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.vouchers import queries
from wijkeconomie.vouchers.codes import MOST_ON_A_SHEET, print_codes
from wijkeconomie.vouchers.holder_queries import holders_to_visit
from wijkeconomie.vouchers.pages import Errors, blueprint, today
from wijkeconomie.vouchers.words import qr_picture


@blueprint.route("/vouchers/print", methods=["GET", "POST"])
def paper() -> ResponseReturnValue:
    """Find a voucher and print a sheet of codes for a member without a phone."""
    visit = current_visit()
    require_permission(visit.identity, "voucher.print")
    errors: Errors = []
    if request.method == "POST":
        form = FormReader()
        count = form.count("count", if_empty=None) or 0
        maximum = form.amount("maximum")
        errors = form.errors or _print_errors(count, maximum)
        if not errors:
            return _sheet(visit, form.text("voucher"), count, maximum)
    search = request.values.get("search", "").strip()
    with visit.begin() as uow:
        found = queries.held_vouchers(uow.session, uow.tenant, today(uow), search=search)
        to_visit = holders_to_visit(uow.session, uow.tenant, today(uow))
    page = render_template(
        "vouchers/print.html",
        visit=visit,
        vouchers=found,
        to_visit=to_visit,
        search=search,
        form={"count": "8", "maximum": "25,00"} | request.form.to_dict(),
        errors=errors,
    )
    return page, 422 if errors else 200


def _print_errors(count: int, maximum: int) -> Errors:
    found = []
    if not 1 <= count <= MOST_ON_A_SHEET:
        found.append(("count", _("A sheet has 1 to %(most)s codes.", most=MOST_ON_A_SHEET)))
    if maximum <= 0:
        found.append(("maximum", _("Write an amount as in 12,50.")))
    return found


def _sheet(visit: Visit, voucher: str, count: int, maximum: int) -> ResponseReturnValue:
    """The sheet itself: it is shown this once, as only hashes of its codes are kept."""
    with visit.begin() as uow:
        made = print_codes(uow, voucher, count=count, maximum_minor=maximum)
        held = queries.held_vouchers(uow.session, uow.tenant, today(uow), search=voucher)
    codes = [
        (
            code.written,
            qr_picture(
                url_for(
                    "scan.pay",
                    cooperative_code=visit.cooperative.code,
                    secret=code.secret,
                    _external=True,
                ),
                _("QR code %(number)s", number=number),
            ),
        )
        for number, code in enumerate(made, start=1)
    ]
    return render_template(
        "vouchers/sheet.html", visit=visit, codes=codes, voucher=held[0], maximum=maximum
    )
