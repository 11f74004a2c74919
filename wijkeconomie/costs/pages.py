"""Pages of shared costs: what waits, what comes, what was settled, and a member's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from babel.dates import format_date
from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.cooperatives.sessions import Task, Visit, cooperative_blueprint, current_visit
from wijkeconomie.core.charts import Bar, bar_chart
from wijkeconomie.core.jobs import (
    ScheduledJob,
    done_since,
    due_work,
    failing_work,
    latest_runs,
    work_under_way,
)
from wijkeconomie.core.outbox import unsent_messages
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import queries
from wijkeconomie.costs.explanations import explain_cost_share
from wijkeconomie.costs.group_queries import advances_of_member
from wijkeconomie.costs.keeping import stop_cost
from wijkeconomie.costs.models import RunState
from wijkeconomie.costs.next_runs import next_runs
from wijkeconomie.costs.paging import AskedPage, ShownPage
from wijkeconomie.costs.proof_queries import proof_of
from wijkeconomie.costs.recurring_queries import recurring_costs
from wijkeconomie.costs.words import basis_words, job_words
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.periods import LOCAL_TIME, Period, local_date, midnight_utc

MONTHS = 12
RUNS = 50

blueprint = cooperative_blueprint("costs", __name__)
blueprint.app_template_filter("basis_words")(basis_words)
blueprint.app_template_filter("job_words")(job_words)


@blueprint.app_template_filter()
def month_words(month: date) -> str:
    """``januari 2026``."""
    return format_date(month, "MMMM y", locale=page_language())


@blueprint.get("/costs")
def overview() -> ResponseReturnValue:
    """What will be settled when, for how much; what was settled; what failed."""
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    with visit.begin() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        return render_template(
            "costs/overview.html",
            visit=visit,
            next_runs=next_runs(uow.session, uow.tenant, today),
            today=today,
            recurring=recurring_costs(uow.session, uow.tenant, today),
            runs=queries.settled_runs(uow.session, uow.tenant),
            keys=queries.keys(uow.session, uow.tenant),
            subsidies=queries.subsidies(uow.session, uow.tenant),
            failures=failing_work(uow, _scheduled()),
        )


@blueprint.get("/costs/<code>")
def cost_page(code: str) -> ResponseReturnValue:
    """One cost: what it is, what each member pays of it, and why."""
    visit = current_visit()
    require_permission(visit.identity, "cost.read")
    return cost_page_with(visit, code, [])


def asked_page() -> AskedPage:
    """Which part of a long list of members the request asks for."""
    written = request.values.get("page", "")
    number = int(written) if written.isascii() and written.isdecimal() and len(written) < 7 else 1
    return AskedPage(max(number, 1), request.values.get("search", "").strip().upper())


def seen_fingerprint() -> bytes:
    """The fingerprint of what the page showed that a form was sent from.

    Raises:
        InvalidInputError: somebody changed it.
    """
    try:
        return bytes.fromhex(request.form.get("seen", ""))
    except ValueError as error:
        raise InvalidInputError("the form was changed", field="seen") from error


def cost_page_with(visit: Visit, code: str, errors: list[tuple[str, str]]) -> ResponseReturnValue:
    """One cost, with what was wrong in a form of it."""
    asked = asked_page()
    with visit.begin() as uow:
        cost = queries.cost_view(uow.session, uow.tenant, code)
        shares = queries.shares_of_cost(uow.session, uow.tenant, code, asked)
        total = queries.share_count(uow.session, uow.tenant, code)
    language = page_language()
    page = render_template(
        "costs/cost.html",
        visit=visit,
        cost=cost,
        shares=[(share, explain_cost_share(share.facts, language)) for share in shares],
        shown=ShownPage(shares, asked, total),
        errors=errors,
        form=request.form,
    )
    return page, 422 if errors else 200


@blueprint.post("/costs/<code>/stop")
def stop(code: str) -> ResponseReturnValue:
    """Keep a waiting cost from being settled."""
    visit = current_visit()
    require_permission(visit.identity, "cost.change")
    form = FormReader()
    reason = form.text("reason")
    if form.errors:
        return cost_page_with(visit, code, form.errors)
    with visit.begin() as uow:
        stop_cost(uow, queries.cost_view(uow.session, uow.tenant, code).id, reason=reason)
    flash(_("This cost will not be settled."), "success")
    return redirect(url_for("costs.cost_page", code=code), 303)


@blueprint.get("/costs/<code>/centenbewijs.json")
@blueprint.get("/costs/<code>/centenbewijs-<int:version>.json")
def proof(code: str, version: int | None = None) -> ResponseReturnValue:
    """The proof of a settlement, or of one that was corrected, for everyone of the cooperative."""
    return proof_answer(current_visit(), code, version)


def proof_answer(visit: Visit, code: str, version: int | None) -> Response:
    """The proof of a settlement as a file; of the standing one without a version."""
    with visit.begin() as uow:
        content = proof_of(uow, code, version=version)
    name = code if version is None else f"{code}-{version}"
    headers = {"Content-Disposition": f'attachment; filename="centenbewijs-{name}.json"'}
    return Response(content, headers=headers, content_type="application/json")


@blueprint.get("/my-costs")
def mine() -> ResponseReturnValue:
    """What a member pays for shared costs: by month in a chart, and line by line with its why."""
    visit = current_visit()
    member_id = visit.identity.member_id
    if member_id is None:
        raise NotFoundError("only members share costs")
    with visit.begin() as uow:
        months = last_months(local_date(uow.now, LOCAL_TIME))
        shares = queries.shares_of_member(uow.session, uow.tenant, member_id, months[0])
        advances = advances_of_member(uow.session, uow.tenant, member_id, months[0])
    language = page_language()
    paid = _paid(months, shares)
    return render_template(
        "costs/mine.html",
        visit=visit,
        paid=paid,
        advances=advances,
        chart=bar_chart(
            _("What you paid for shared costs, in euros by month"),
            _("The same figures stand in the table below."),
            [
                Bar(
                    format_date(month, "MMM", locale=language),
                    max(cents, 0),
                    _whole_euros(cents),
                )
                for month, cents in paid
            ],
        ),
        shares=[(share, explain_cost_share(share.facts, language)) for share in shares],
    )


def _whole_euros(cents: int) -> str:
    """Euros short enough for a bar on a phone; the table has the cents."""
    return str(Decimal(cents).scaleb(-2).quantize(Decimal(1)))


def last_months(today: date) -> list[date]:
    """The first days of the last twelve months, the oldest first."""
    found = [today.replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


def _paid(months: Sequence[date], shares: Sequence[queries.MemberShare]) -> list[tuple[date, int]]:
    found = dict.fromkeys(months, 0)
    for share in shares:
        if share.month in found:
            found[share.month] += share.payable_cents
    return list(found.items())


@blueprint.get("/work")
def work() -> ResponseReturnValue:
    """Scheduled work: what is still to do, what was done, and what failed and why."""
    visit = current_visit()
    require_permission(visit.identity, "job.read")
    with visit.begin() as uow:
        this_morning = midnight_utc(local_date(uow.now, LOCAL_TIME), LOCAL_TIME)
        started = work_under_way(uow, _scheduled())
        begun = {(each.job, each.period) for each in started}
        return render_template(
            "costs/work.html",
            visit=visit,
            runs=latest_runs(uow.session, uow.tenant, limit=RUNS),
            started=started,
            due=[
                due
                for due in due_work(uow, _scheduled(), with_waiting=True)
                if (due.job, due.period) not in begun
            ],
            failing={(run.job, run.period) for run in failing_work(uow, _scheduled())},
            done_today=done_since(uow.session, uow.tenant, this_morning),
            letters=unsent_messages(uow.session, uow.tenant),
        )


def _scheduled() -> Sequence[ScheduledJob]:
    found: Sequence[ScheduledJob] = current_app.extensions["wijkeconomie.scheduled"]
    return found


def tasks(visit: Visit, uow: UnitOfWork) -> list[Task]:
    """Scheduled work that failed, and months that wait after they ended."""
    if not visit.may("cost.settle"):
        return []
    found = [
        Task(
            label=job_words(run.job),
            url=url_for("costs.work"),
            explanation=str(current_app.jinja_env.filters["failure_sentence"](run)),
            due=run.period,
            kind="wrong",
        )
        for run in failing_work(uow, _scheduled())
    ]
    today = local_date(uow.now, LOCAL_TIME)
    found += [
        Task(
            label=_("Look at the costs of %(month)s", month=month_words(waiting.month)),
            url=url_for("costs.month_page", month=f"{waiting.month:%Y-%m}"),
            explanation=format_amount(waiting.gross_cents, page_language()),
            due=str(waiting.costs),
            kind="attention",
        )
        for waiting in queries.waiting_months(uow.session, uow.tenant)
        if Period.month_of(waiting.month).end <= today
    ]
    found += [
        Task(
            label=_("Show the costs of %(month)s to the members", month=month_words(run.month)),
            url=url_for("costs.month_page", month=f"{run.month:%Y-%m}"),
            explanation=_("They were settled, and nobody was told yet."),
            due=local_date(run.posted_at, LOCAL_TIME).isoformat(),
            kind="attention",
        )
        for run in queries.settled_runs(uow.session, uow.tenant)
        if run.state == RunState.POSTED
    ]
    return found
