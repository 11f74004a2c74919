"""Pages of a small group's bills: upload the file, say who is who, see what it does, book it."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import DomainError, InvalidInputError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.refusals import CannotAllocateError, NotAMemberThenError
from wijkeconomie.ledger.refusals import ClosedPeriodError
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.network.blueprints import pages
from wijkeconomie.network.splitting.lines import SplitFault, SplitFile, SplitSource
from wijkeconomie.network.splitting.planning import LeftOut
from wijkeconomie.network.splitting.refusals import SplitFileUnreadableError, SplitImportDoneError
from wijkeconomie.network.splitting.service import (
    SplitChoice,
    SplitPreview,
    book_split,
    guess_members,
    keep_split_file,
    neighbours,
    preview_split,
    split_file,
)

SHOWN = 50
"""Lines left out that a preview names; the count is of all."""
_FAULT_WORDS: dict[SplitFault, object] = {
    "date-wrong": lazy_gettext("this is no day"),
    "amount-wrong": lazy_gettext("this is no amount"),
    "amount-fraction": lazy_gettext("the amount has parts of a cent"),
    "currency": lazy_gettext("the amount is not in euros"),
    "payer-missing": lazy_gettext("nobody paid it"),
    "nobody-shares": lazy_gettext("nobody shares it"),
    "weight-wrong": lazy_gettext("the weight is no number"),
    "does-not-add-up": lazy_gettext("what people paid and owe is not the same"),
    "nothing-owed": lazy_gettext("nobody owes anything for it"),
}
_LEFT_OUT_WORDS: dict[LeftOut, object] = {
    "person-unknown": lazy_gettext("someone in it is no member"),
    "nothing-moves": lazy_gettext("nobody owes anything for it"),
}


@pages.route("/small-group", methods=["GET", "POST"])
def split_upload() -> ResponseReturnValue:
    """Where a file is chosen; a post keeps it and goes on to who is who."""
    visit = current_visit()
    require_permission(visit.identity, "cost.settle")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        sent = request.files.get("file")
        try:
            with visit.begin() as uow:
                content = sent.read() if sent is not None else b""
                name = (sent.filename if sent is not None else None) or ""
                kept = keep_split_file(uow, name, content)
            return redirect(url_for("network.split_import", import_id=kept), 303)
        except SplitFileUnreadableError:
            words = _("This is no export of IHateMoney or Splitwise. Export the bills again.")
            errors = [("file", words)]
    page = render_template("network/split_upload.html", visit=visit, errors=errors)
    return page, 422 if errors else 200


@pages.route("/small-group/<int:import_id>", methods=["GET", "POST"])
def split_import(import_id: int) -> ResponseReturnValue:
    """Who is who, and what the file then does; a post books it."""
    visit = current_visit()
    require_permission(visit.identity, "cost.settle")
    if request.method == "POST":
        return _book(import_id)
    errors: list[tuple[str, str]] = []
    preview: SplitPreview | None = None
    try:
        with visit.begin() as uow:
            today = local_date(uow.now, LOCAL_TIME)
            file = split_file(uow, import_id)
            known = neighbours(uow, today)
            choice = _choice(file, guess_members(file.people, known), today)
            if choice.members:
                preview, errors = _preview(uow, file, choice)
    except SplitImportDoneError:
        flash(_("These bills were booked already, or the file is gone."), "attention")
        return redirect(url_for("network.split_upload"), 303)
    return render_template(
        "network/split_import.html",
        visit=visit,
        file=file,
        has_weights=file.source is SplitSource.IHATEMONEY,
        choice=choice,
        options=[
            ("", _("no member: leave out bills with this person")),
            *((each.code, f"{each.name} ({each.code})") for each in known),
        ],
        preview=preview,
        errors=errors,
        wrong=dict(errors),
        fault_words=_FAULT_WORDS,
        left_out_words=_LEFT_OUT_WORDS,
        shown=SHOWN,
        button=_button(preview),
        today=today,
    )


def _preview(
    uow: UnitOfWork, file: SplitFile, choice: SplitChoice
) -> tuple[SplitPreview | None, list[tuple[str, str]]]:
    try:
        return preview_split(uow, file, choice), []
    except InvalidInputError as refusal:
        return None, [
            (str(refusal.context.get("field", "")), _("A weight is a number, as in 1,5."))
        ]
    except (CannotAllocateError, ClosedPeriodError, NotAMemberThenError) as refusal:
        return None, [("on", _refused(refusal))]


def _refused(refusal: DomainError) -> str:
    if isinstance(refusal, NotAMemberThenError):
        words = _(
            "%(member)s is no member in that month. Choose another day, or leave him out.",
            member=refusal.context["member"],
        )
    elif isinstance(refusal, ClosedPeriodError):
        words = _("The month of this day is closed in the books. Choose another day.")
    else:
        words = _("Nobody shares one of the bills: look at the weights.")
    return str(words)


def _choice(file: SplitFile, guessed: dict[str, str], today: date) -> SplitChoice:
    """Who is who as the page says, else as names suggest. Addresses hold no names."""
    if "on" not in request.args:
        return SplitChoice(members=guessed, weights={}, accounting_date=today)
    members, weights = {}, {}
    for number, name in enumerate(file.people):
        if code := request.args.get(f"person-{number}", ""):
            members[name] = code
        weights[name] = request.args.get(f"weight-{number}", "")
    try:
        on = date.fromisoformat(request.args["on"])
    except ValueError:
        on = today
    return SplitChoice(members=members, weights=weights, accounting_date=on)


def _book(import_id: int) -> ResponseReturnValue:
    here = url_for(
        "network.split_import",
        import_id=import_id,
        **request.args.to_dict(),  # type: ignore[arg-type]
    )
    try:
        with current_visit().begin() as uow:
            today = local_date(uow.now, LOCAL_TIME)
            file = split_file(uow, import_id)
            choice = _choice(file, guess_members(file.people, neighbours(uow, today)), today)
            expected = request.form.get("expected", type=int)
            booked = book_split(uow, import_id, choice, expected=expected)
    except StaleVersionError:
        flash(_("Something was booked in the meantime. This is what is left."), "attention")
        return redirect(here, 303)
    except SplitImportDoneError:
        flash(_("These bills were booked already, or the file is gone."), "attention")
        return redirect(url_for("network.split_upload"), 303)
    count = len(booked.costs) + len(booked.repayments)
    words = ngettext("%(num)d line has been booked.", "%(num)d lines have been booked.", count)
    flash(words, "success")
    return redirect(url_for("costs.overview"), 303)


def _button(preview: SplitPreview | None) -> str:
    if preview is None or not preview.count:
        return ""
    bills = ngettext("%(num)d bill", "%(num)d bills", preview.bills)
    repaid = ngettext("%(num)d repayment", "%(num)d repayments", preview.repayments)
    return str(_("Book %(bills)s and %(repaid)s", bills=bills, repaid=repaid))


__all__ = ["pages"]
