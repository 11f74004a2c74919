"""Composition root: the only module that knows every part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import click
from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect

from wijkeconomie.api.problems import init_api, route_errors_by_path
from wijkeconomie.budgets import pages as care_pages
from wijkeconomie.budgets.jobs import CARE_JOBS
from wijkeconomie.budgets.mails import care_mails
from wijkeconomie.cli.allocate import allocate_command
from wijkeconomie.cli.database import database_commands
from wijkeconomie.cli.demo import demo_command
from wijkeconomie.cli.jobs import jobs_commands, worker
from wijkeconomie.cli.login import login_commands
from wijkeconomie.cli.serve import serve
from wijkeconomie.cooperatives.sessions import init_sessions, register_tasks
from wijkeconomie.core.clock import Job
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.mail import delivery
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.settings import Settings, secret_key
from wijkeconomie.core.shell import Shell
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs import (
    funding_pages,
    keeping_pages,
)
from wijkeconomie.costs import pages as cost_pages
from wijkeconomie.costs import queries as cost_queries
from wijkeconomie.costs.commands import settle_commands, verify_settlement
from wijkeconomie.costs.giving import Gift, has_subsidy, subsidies_to_give_from, take_for_gifts
from wijkeconomie.costs.jobs import COST_JOBS
from wijkeconomie.costs.keeping import RecordCost, record_cost
from wijkeconomie.costs.mails import cost_mails
from wijkeconomie.investments import (
    building_pages,
    transfer_pages,
)
from wijkeconomie.investments import pages as investment_pages
from wijkeconomie.investments.jobs import investment_jobs
from wijkeconomie.investments.mails import campaign_mails
from wijkeconomie.investments.sharing import CostSharing, CostToShare
from wijkeconomie.ledger.commands import ledger_commands
from wijkeconomie.network.commands import export_commands, import_commands
from wijkeconomie.purchasing import pages as purchasing_pages
from wijkeconomie.purchasing import (
    supplier_queries,
)
from wijkeconomie.purchasing.deadline_mails import deadline_mails
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.mails import round_mails
from wijkeconomie.purchasing.renewal_letters import renewal_mails
from wijkeconomie.reports import pages as reports_pages
from wijkeconomie.reports.below_zero import BELOW_ZERO_JOBS, below_zero_mails
from wijkeconomie.reports.commands import statement_command
from wijkeconomie.reports.jobs import STATEMENT_JOBS
from wijkeconomie.reports.mails import statement_mails
from wijkeconomie.views import PAGES, RESOURCES
from wijkeconomie.vouchers import (
    grant_pages,
    till_pages,
)
from wijkeconomie.vouchers import keeping_pages as voucher_keeping_pages
from wijkeconomie.vouchers.grant_jobs import GRANT_JOBS
from wijkeconomie.vouchers.grant_mails import grant_mails
from wijkeconomie.vouchers.jobs import VOUCHER_JOBS
from wijkeconomie.vouchers.mails import voucher_mails
from wijkeconomie.vouchers.subsidising import (
    OfferedSubsidy,
    SubsidyGift,
    SubsidySource,
    TakenSubsidy,
    init_subsidies,
)
from wijkeconomie.vouchers.tills import init_tills
from wijkeconomie.web.errors import init_errors
from wijkeconomie.web.formatting import init_formatting
from wijkeconomie.web.security import init_security
from wijkeconomie.web.translations import init_translations


def _cost_keys(uow: UnitOfWork) -> list[tuple[str, str]]:
    return [(key.code, key.name) for key in cost_queries.keys(uow.session, uow.tenant)]


def _record_cost(uow: UnitOfWork, cost: CostToShare) -> None:
    record_cost(
        uow,
        RecordCost(
            code=cost.code,
            month=cost.month,
            description=cost.description,
            key_code=cost.key_code,
            net_cents=cost.cents,
            vat_cents=0,
        ),
    )


def _cost_payers(uow: UnitOfWork, code: str) -> int:
    return cost_queries.share_count(uow.session, uow.tenant, code)


COST_SHARING = CostSharing(keys=_cost_keys, record=_record_cost, payers=_cost_payers)
"""By this an asset becomes a cost that members share, without either knowing the other."""


def _known_suppliers(uow: UnitOfWork) -> list[str]:
    return [each.code for each in supplier_queries.suppliers(uow.session, uow.tenant)]


def _offered_subsidies(uow: UnitOfWork, on: date) -> list[OfferedSubsidy]:
    return [
        OfferedSubsidy(
            code=each.code,
            grantor=each.grantor,
            purpose=each.purpose,
            left_cents=each.left_cents,
        )
        for each in subsidies_to_give_from(uow, on)
    ]


def _take_from_subsidy(
    uow: UnitOfWork, code: str, gifts: Sequence[SubsidyGift], on: date
) -> TakenSubsidy:
    taken = take_for_gifts(
        uow,
        code,
        [
            Gift(member_id=each.member_id, cents=each.cents, before_cents=each.before_cents)
            for each in gifts
        ],
        on,
    )
    return TakenSubsidy(
        grantor=taken.grantor, purpose=taken.purpose, awarded_cents=taken.awarded_cents
    )


SUBSIDY_SOURCE = SubsidySource(
    offered=_offered_subsidies, exists=has_subsidy, take=_take_from_subsidy
)
"""By this vouchers are given from subsidies, without either knowing the other."""

SCHEDULED_JOBS = (
    *ROUND_JOBS,
    *COST_JOBS,
    *investment_jobs(COST_SHARING),
    *VOUCHER_JOBS,
    *GRANT_JOBS,
    *CARE_JOBS,
    *STATEMENT_JOBS,
    *BELOW_ZERO_JOBS,
)


def _do_due_work(runtime: Runtime) -> int:
    hands = runtime.settings.worker_hands
    return run_due(runtime.units_of_work, SCHEDULED_JOBS, hands=hands).done


def _send_messages(runtime: Runtime) -> int:
    address = runtime.settings.external_url
    renderers = {
        **round_mails(address),
        **deadline_mails(address),
        **renewal_mails(address),
        **cost_mails(address),
        **voucher_mails(address),
        **grant_mails(address),
        **campaign_mails(address),
        **care_mails(address),
        **statement_mails(address),
        **below_zero_mails(address),
    }
    return send_due(runtime.units_of_work, renderers, delivery(runtime.settings))


CLOCK = (
    Job("due-work", _do_due_work),
    Job("outbox", _send_messages),
)


def create_app(runtime: Runtime) -> Flask:
    """Build a web service on ``runtime``; two calls give two that share nothing."""
    app = Flask("wijkeconomie", template_folder="web/templates", static_folder="web/static")
    app.secret_key = secret_key(runtime.settings)
    app.extensions["wijkeconomie"] = runtime
    app.extensions["wijkeconomie.scheduled"] = SCHEDULED_JOBS
    app.url_map.strict_slashes = False
    protection = init_security(app, runtime.settings)
    init_translations(app)
    init_formatting(app)
    init_errors(app)
    init_sessions(app)
    init_tills(app, runtime.units_of_work)
    for blueprint in PAGES:
        app.register_blueprint(blueprint)
    register_tasks(app, purchasing_pages.tasks)
    register_tasks(app, cost_pages.tasks)
    register_tasks(app, care_pages.tasks)
    register_tasks(app, funding_pages.tasks)
    register_tasks(app, investment_pages.tasks)
    register_tasks(app, transfer_pages.transfer_tasks)
    building_pages.init_cost_sharing(app, COST_SHARING)
    keeping_pages.init_suppliers(app, _known_suppliers)
    init_subsidies(app, SUBSIDY_SOURCE)
    register_tasks(app, till_pages.till_tasks)
    register_tasks(app, voucher_keeping_pages.voucher_tasks)
    register_tasks(app, grant_pages.grant_tasks)
    register_tasks(app, reports_pages.tasks)
    _add_resources(app, protection)
    _limit_sign_in(app, runtime.settings)
    return app


def _add_resources(app: Flask, protection: CSRFProtect) -> None:
    """Register the API. It takes tokens, not forms, so cross-site forms cannot reach it."""
    api = init_api(app)
    for resource in RESOURCES:
        api.register_blueprint(resource)
        protection.exempt(resource)
    route_errors_by_path(app, api)


def _limit_sign_in(app: Flask, settings: Settings) -> None:
    """Slow down guessing of passwords: so many tries an address of the network and a login.

    The count is kept in the memory of a process; several processes count each for itself.
    """
    limiter = Limiter(_who_tries, app=app, storage_uri="memory://")
    limit = limiter.limit(settings.security_login_attempts, methods=["POST"])
    view: Any = limit(app.view_functions["sign_in.log_in"])
    app.view_functions["sign_in.log_in"] = view


def _who_tries() -> str:
    return f"{get_remote_address()}/{request.form.get('email', '').strip().lower()}"


@click.group(help="Wijkeconomie: group purchases, shared costs and the books of a neighbourhood.")
@click.version_option(package_name="wijkeconomie")
@click.pass_context
def command_line(context: click.Context) -> None:
    """The console script; each command opens what it needs."""
    context.obj = Shell(create_app=create_app, jobs=CLOCK, scheduled=SCHEDULED_JOBS)


for _command in (
    allocate_command,
    database_commands,
    demo_command,
    export_commands,
    import_commands,
    jobs_commands,
    ledger_commands,
    login_commands,
    serve,
    settle_commands,
    statement_command,
    verify_settlement,
    worker,
):
    command_line.add_command(_command)
