"""Pages of money: a member's account, statements, and the accountant's books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from babel.dates import format_date
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.queries import member_by_code
from wijkeconomie.cooperatives.sessions import Task, Visit, cooperative_blueprint, current_visit
from wijkeconomie.core.charts import Bar, bar_chart
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.periods import close_period, reopen_period
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date
from wijkeconomie.payments.queries import unbooked_lines
from wijkeconomie.purchasing import queries as purchasing
from wijkeconomie.purchasing.explanations import explain_share
from wijkeconomie.reports.accountant_queries import account_groups, entry_rows
from wijkeconomie.reports.rehearsing import rehearsed_round_statement
from wijkeconomie.reports.rendering import CONTENT_TYPES, Format, file_name, render, render_many
from wijkeconomie.reports.service import StatementRequest, every_member_statement, statement_for
from wijkeconomie.reports.statement import Statement, StatementLine
from wijkeconomie.reports.statement_texts import line_text, payment_sentences
from wijkeconomie.reports.words import kind_words

PAGE = 100
MONTHS = 6

blueprint = cooperative_blueprint("reports", __name__)


@blueprint.app_template_filter()
def entry_kind(kind: str) -> str:
    """What an entry is about, for templates."""
    return kind_words(kind)


def asked_period(today: date) -> Period:
    """The month that the address asks for, else this one.

    Raises:
        InvalidInputError: it is not a month, quarter or year.
    """
    text = request.args.get("period", "")
    try:
        return Period.parse(text) if text else Period.month_of(today)
    except ValueError as error:
        raise InvalidInputError("write a month as 2026-01", field="period") from error


def months_until(today: date, count: int) -> list[Period]:
    """The last ``count`` months, this one first."""
    found = [Period.month_of(today)]
    while len(found) < count:
        found.append(Period.month_of(found[-1].start - timedelta(days=1)))
    return found


def _months(today: date) -> list[tuple[str, str]]:
    """The last two years of months, for a form: their value and how they read."""
    return [
        (f"{month.start:%Y-%m}", format_date(month.start, "MMMM y", locale=page_language()))
        for month in months_until(today, 24)
    ]


@blueprint.get("/account")
def account() -> ResponseReturnValue:
    """A member's own account: balance, reserved, free, and every line with its why."""
    visit = current_visit()
    require_permission(visit.identity, "statement.read-own")
    if visit.identity.member_id is None:
        raise NotFoundError("only members have an account")
    with visit.begin() as uow:
        member = purchasing.member_name(uow.session, uow.tenant, visit.identity.member_id)
    return _member_page(member.code, is_own=True)


@blueprint.get("/books/members/<member_code>")
def member_account(member_code: str) -> ResponseReturnValue:
    """Any member's account, for who keeps the books."""
    require_permission(current_visit().identity, "statement.read-any")
    return _member_page(member_code, is_own=False)


def _member_page(member_code: str, *, is_own: bool) -> ResponseReturnValue:
    visit = current_visit()
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        period = asked_period(today)
        request_ = StatementRequest(period=period, member_code=member_code)
        statement = statement_for(uow, request_)
        balance = -purchasing.owed_cents(uow.session, uow.tenant, member_code)
        reserved = _reserved(uow, member_code)
        spent = _spent(uow, member_code, months_until(today, MONTHS))
    language = page_language()
    return render_template(
        "reports/account.html",
        visit=visit,
        is_own=is_own,
        statement=statement,
        lines=[_shown(statement, line) for line in _lines(statement)],
        payment=payment_sentences(statement, language),
        balance=balance,
        reserved=reserved,
        spent=spent,
        chart=bar_chart(
            _("What you paid for orders, by month"),
            _("The same figures stand in the table below."),
            # Short names of months fit on a phone; the table beside has the years.
            [
                Bar(month.split()[0], cents, format_amount(cents, language))
                for month, cents in spent
            ],
        ),
        months_options=_months(today),
        period=f"{period.start:%Y-%m}",
    )


def _reserved(uow: UnitOfWork, member_code: str) -> int:
    member = member_by_code(uow.session, uow.tenant, member_code)
    return purchasing.reserved_cents(uow.session, uow.tenant, member.id)


def _spent(uow: UnitOfWork, member_code: str, months: list[Period]) -> list[tuple[str, int]]:
    """What rounds and the stock cost a member in each month, the oldest first; never below zero."""
    control = ledger.control_codes(uow.session, uow.tenant)["member_account"]
    lines = ledger.account_lines(
        uow.session,
        uow.tenant,
        [f"{control}:{member_code}"],
        from_=months[-1].start,
        until=months[0].end,
    )
    found = {month.start: 0 for month in reversed(months)}
    for line in lines:
        if line.source.startswith(("round/", "stock/")):
            found[line.accounting_date.replace(day=1)] += line.amount
    return [
        (format_date(month, "MMM y", locale=page_language()), max(cents, 0))
        for month, cents in found.items()
    ]


def _lines(statement: Statement) -> list[StatementLine]:
    lines = [line for section in statement.sections for line in section.lines]
    return sorted(lines, key=lambda line: (line.accounting_date, line.entry_number or 0))


def _shown(statement: Statement, line: StatementLine) -> dict[str, object]:
    language = page_language()
    return {
        "line": line,
        "text": line_text(line, language, statement.kind),
        "cents": line.debit_cents - line.credit_cents,
        "details": [
            (detail, explain_share(detail.explanation, language, unit=detail.unit))
            for detail in line.details
        ],
    }


@blueprint.get("/account.<any(csv, pdf, json):format_>")
def download_account(format_: Format) -> ResponseReturnValue:
    """A member's own statement as a file."""
    visit = current_visit()
    if visit.identity.member_id is None:
        raise NotFoundError("only members have an account")
    with visit.begin() as uow:
        member = purchasing.member_name(uow.session, uow.tenant, visit.identity.member_id)
    return _download(format_, member_code=member.code)


@blueprint.get("/books/members/<member_code>.<any(csv, pdf, json):format_>")
def download_member(member_code: str, format_: Format) -> ResponseReturnValue:
    """Any member's statement as a file, for who keeps the books."""
    require_permission(current_visit().identity, "statement.read-any")
    return _download(format_, member_code=member_code)


@blueprint.get("/books/statement.<any(csv, pdf, json):format_>")
def download_cooperative(format_: Format) -> ResponseReturnValue:
    """The statement of the whole cooperative as a file."""
    return _download(format_)


@blueprint.get("/books/rounds/<round_code>.<any(csv, pdf, json):format_>")
def download_round(round_code: str, format_: Format) -> ResponseReturnValue:
    """The statement of a round as a file."""
    return _download(format_, round_code=round_code)


@blueprint.get("/books/rounds/<round_code>/preview.<any(csv, pdf, json):format_>")
def download_preview(round_code: str, format_: Format) -> ResponseReturnValue:
    """What the statement of a round becomes when it is settled now, as a file."""
    with current_visit().begin() as uow:
        period = _whole_life(local_date(uow.now, LOCAL_TIME))
        statement = rehearsed_round_statement(uow, round_code, period)
    return _statement_file(statement, format_)


@blueprint.get("/books/members.csv")
def download_every_member() -> ResponseReturnValue:
    """The statements of all members in one file, for a spreadsheet."""
    visit = current_visit()
    with visit.begin() as uow:
        period = asked_period(local_date(uow.now, LOCAL_TIME))
        content = render_many(every_member_statement(uow, period), language=page_language())
    name = f"members-{visit.cooperative.code}-{period.start}_{period.end}.csv"
    return _file(content, name, "csv")


def _download(
    format_: Format, *, member_code: str | None = None, round_code: str | None = None
) -> Response:
    with current_visit().begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        period = _whole_life(today) if round_code else asked_period(today)
        statement = statement_for(
            uow, StatementRequest(period=period, member_code=member_code, round_code=round_code)
        )
    return _statement_file(statement, format_)


def _statement_file(statement: Statement, format_: Format) -> Response:
    content = render(
        statement,
        format_,
        language=page_language(),
        large_print="large" in request.args and format_ == "pdf",
    )
    return _file(content, file_name(statement, format_), format_)


def _file(content: bytes, name: str, format_: Format) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, content_type=CONTENT_TYPES[format_])


def _whole_life(today: date) -> Period:
    """A period that holds everything booked so far, and what is dated to the end of next year."""
    return Period(date(2000, 1, 1), date(today.year + 2, 1, 1))


@blueprint.get("/books")
def books() -> ResponseReturnValue:
    """The books of a month: what ties, what to download, what waits."""
    return _books()


def _books(verification: object = None) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, "ledger.read")
    after = request.args.get("after", 0, type=int)
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        period = asked_period(today)
        key = (uow.session, uow.tenant)
        groups = account_groups(*key, period.start, period.end)
        rows = entry_rows(*key, period.start, period.end, after=after, limit=PAGE + 1)
        waiting = unbooked_lines(*key, limit=PAGE)
        closed = period.start in ledger.closed_periods(*key)
    return render_template(
        "reports/books.html",
        visit=visit,
        language=page_language(),
        months_options=_months(today),
        period=f"{period.start:%Y-%m}",
        groups=groups,
        totals={
            name: sum(getattr(group, name) for group in groups)
            for name in ("opening", "debit", "credit", "closing")
        },
        entries=rows[:PAGE],
        more=rows[PAGE - 1].number if len(rows) > PAGE else None,
        waiting=waiting,
        is_closed=closed,
        verification=verification,
    )


@blueprint.post("/books/verify")
def verify() -> ResponseReturnValue:
    """Check the books now: sums, gaps, hashes and balances."""
    visit = current_visit()
    require_permission(visit.identity, "ledger.read")
    with visit.begin() as uow:
        outcome = verify_books(uow.session, uow.tenant, visit.cooperative.code)
        moment = uow.now
    return _books({"outcome": outcome, "moment": moment})


@blueprint.post("/books/period")
def change_period() -> ResponseReturnValue:
    """Close a month, or open it again with the reason why."""
    visit = current_visit()
    require_permission(visit.identity, "period.close")
    text = request.form.get("period", "")
    try:
        month = Period.parse(text).start
    except ValueError as error:
        raise InvalidInputError("write a month as 2026-01", field="period") from error
    reason = request.form.get("reason", "").strip()
    if request.form.get("action") == "reopen" and not reason:
        flash(_("Say why the month is opened again."), "error")
    else:
        with visit.begin() as uow:
            if request.form.get("action") == "reopen":
                reopen_period(uow, month, reason=reason)
                flash(_("The month is open again."), "success")
            else:
                close_period(uow, month, reason=reason or None)
                flash(_("The month is closed. Nothing can be booked in it."), "success")
    return redirect(url_for("reports.books", period=text), 303)


@blueprint.get("/books/entries/<int:number>")
def entry(number: int) -> ResponseReturnValue:
    """One entry with its lines, its hash, and what reverses it."""
    visit = current_visit()
    require_permission(visit.identity, "ledger.read")
    with visit.begin() as uow:
        found = ledger.entry(uow.session, uow.tenant, number)
        names = {line.account_code: line for line in ledger.trial_balance(uow.session, uow.tenant)}
    return render_template(
        "reports/entry.html",
        visit=visit,
        entry=found,
        names=names,
        language=page_language(),
    )


@blueprint.get("/books/rounds/<round_code>")
def round_statement(round_code: str) -> ResponseReturnValue:
    """What became of a round: supplier, members and cooperative, to the cent."""
    visit = current_visit()
    with visit.begin() as uow:
        period = _whole_life(local_date(uow.now, LOCAL_TIME))
        statement = statement_for(uow, StatementRequest(period=period, round_code=round_code))
    return render_template(
        "reports/round.html", visit=visit, statement=statement, round=statement.round
    )


def tasks(visit: Visit, uow: UnitOfWork) -> Sequence[Task]:
    """Bank lines that wait for someone who keeps the books."""
    if not visit.may("ledger.post"):
        return []
    waiting = unbooked_lines(uow.session, uow.tenant, limit=PAGE)
    if not waiting:
        return []
    return [
        Task(
            label=_("Look at bank lines that match nothing"),
            url=url_for("reports.books") + "#waiting",
            due=str(len(waiting)),
            kind="attention",
        )
    ]
