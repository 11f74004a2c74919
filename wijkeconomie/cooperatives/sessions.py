"""Who asks: the login behind a request, the cooperative it is about, and what it may do there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, g, redirect, request, session, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from wijkeconomie.cooperatives.logins import SignedIn, find_login
from wijkeconomie.cooperatives.models import Login
from wijkeconomie.cooperatives.queries import (
    CooperativeView,
    LoginGrant,
    cooperative_by_code,
    grants_of_login,
)
from wijkeconomie.cooperatives.refusals import UnauthenticatedError
from wijkeconomie.cooperatives.tokens import find_token
from wijkeconomie.core.identity import ANONYMOUS, Identity, Role
from wijkeconomie.core.permissions import may
from wijkeconomie.core.refusals import NotFoundError, PermissionDeniedError
from wijkeconomie.core.runtime import current_runtime
from wijkeconomie.core.unit_of_work import UnitOfWork

READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of someone who signed in, within one cooperative."""

    login_id: int
    display_name: str
    language: str
    cooperative: CooperativeView
    identity: Identity

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """A unit of work within the cooperative, as this identity."""
        return current_runtime().units_of_work.begin(
            identity=self.identity, cooperative_id=self.cooperative.id
        )

    def may(self, permission: str) -> bool:
        """Whether one of the roles carries a permission."""
        return may(self.identity, permission)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for the visitor: what, where, and by when in a badge."""

    label: str
    url: str
    explanation: str = ""
    due: str = ""
    kind: str = "neutral"


TaskProvider = Callable[[Visit, UnitOfWork], Sequence[Task]]


def register_tasks(app: Flask, provider: TaskProvider) -> None:
    """Let a capability put tasks on the home page; they come in order of registration."""
    app.extensions.setdefault("home_tasks", []).append(provider)


def begin_session(login: SignedIn) -> None:
    """Remember who signed in, in a session that holds nothing of an earlier one."""
    language = session.get("language")
    session.clear()
    session.permanent = True
    session["login"] = login.login_id
    session["version"] = login.session_version
    if language:
        session["language"] = language


def current_login() -> SignedIn:
    """Who signed in, by session or, for the API, by token.

    Raises:
        UnauthenticatedError: nobody did, or the session was ended.
        PermissionDeniedError: a token or session that only reads is used to write.
    """
    if "signed_in" not in g:
        g.signed_in = _by_token() if request.path.startswith("/api/") else _by_session()
        g.login_language = g.signed_in.language
    login: SignedIn = g.signed_in
    return login


def _by_session() -> SignedIn:
    login_id, version = session.get("login"), session.get("version")
    if isinstance(login_id, int) and isinstance(version, int):
        with current_runtime().units_of_work.begin(identity=ANONYMOUS) as uow:
            found = find_login(uow, login_id, version)
        if found is not None:
            return found
    raise UnauthenticatedError("sign in first")


def _by_token() -> SignedIn:
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        if request.method not in READING:
            # A browser sends its cookie by itself, also for another site: that may only read.
            raise UnauthenticatedError("send a bearer token")
        return _by_session()
    with current_runtime().units_of_work.begin(identity=ANONYMOUS) as uow:
        found = find_token(uow, token.strip())
        login = None if found is None else uow.session.get(Login, found[0])
        if found is None or login is None:
            raise UnauthenticatedError("this token is not valid")
        if found[1] == "read" and request.method not in READING:
            raise PermissionDeniedError(
                "this token only reads", permission="write", roles="a token that writes"
            )
        return SignedIn(
            login.id, login.display_name, login.language, login.is_platform, login.session_version
        )


def login_identity(login: SignedIn) -> Identity:
    """The identity of a login outside any cooperative."""
    roles = frozenset({Role.PLATFORM}) if login.is_platform else frozenset[Role]()
    return Identity(actor=f"login:{login.login_id}", login_id=login.login_id, roles=roles)


def current_visit() -> Visit:
    """The visit that this request is part of, within the cooperative of its address.

    Raises:
        UnauthenticatedError: nobody signed in.
        NotFoundError: no such cooperative, or not one of the visitor's.
    """
    if "visit" not in g:
        g.visit = _visit(current_login(), g.cooperative_code)
    visit: Visit = g.visit
    return visit


def _visit(login: SignedIn, code: str) -> Visit:
    identity = login_identity(login)
    with current_runtime().units_of_work.begin(identity=identity) as uow:
        grant = _grant(uow.session, login, code)
        cooperative = cooperative_by_code(uow.session, code)
    return Visit(
        login.login_id,
        login.display_name,
        login.language,
        cooperative,
        Identity(
            actor=identity.actor,
            login_id=login.login_id,
            member_id=grant.member_id,
            roles=grant.roles | identity.roles,
        ),
    )


def _grant(session: Session, login: SignedIn, code: str) -> LoginGrant:
    for grant in grants_of_login(session, login.login_id):
        if grant.code == code:
            return grant
    if login.is_platform:
        cooperative = cooperative_by_code(session, code)
        return LoginGrant(cooperative.id, code, cooperative.name, frozenset(), None)
    raise NotFoundError(f"there is no cooperative {code}", code=code)


def cooperative_blueprint(name: str, import_name: str) -> Blueprint:
    """A blueprint of pages below ``/c/<cooperative_code>``; views are not given the code."""
    blueprint = Blueprint(
        name, import_name, url_prefix="/c/<cooperative_code>", template_folder="templates"
    )
    within_cooperative(blueprint)
    return blueprint


def within_cooperative(blueprint: Blueprint) -> None:
    """Take the cooperative's code out of addresses, and put it into those that are built."""

    @blueprint.url_value_preprocessor
    def _take_code(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            g.cooperative_code = values.pop("cooperative_code", None)


def init_sessions(app: Flask) -> None:
    """Answer who has not signed in, fill in codes of addresses, and the frame of every page."""
    app.register_error_handler(UnauthenticatedError, _send_to_login)
    app.context_processor(_frame)

    @app.url_defaults
    def _add_code(endpoint: str, values: dict[str, Any]) -> None:
        code = g.get("cooperative_code")
        if (
            code
            and "cooperative_code" not in values
            and app.url_map.is_endpoint_expecting(endpoint, "cooperative_code")
        ):
            values["cooperative_code"] = code


def _send_to_login(_refusal: UnauthenticatedError) -> Response:
    target = url_for("sign_in.log_in")
    if request.method == "GET" and request.path != "/":
        target += "?" + urlencode({"next": request.full_path.rstrip("?")})
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Redirect": target})
    answer = redirect(target, 303)
    assert isinstance(answer, Response)  # noqa: S101 redirect() is typed wider than it is
    return answer


def _frame() -> dict[str, object]:
    """What the layout shows: whose page it is, and where one can go."""
    login: SignedIn | None = g.get("signed_in")
    visit: Visit | None = g.get("visit")
    frame: dict[str, object] = {}
    if login is not None:
        frame["login"] = {
            "display_name": login.display_name,
            "url": url_for("cooperatives.profile") if visit is not None else None,
            "log_out_url": url_for("sign_in.log_out"),
        }
    if visit is not None:
        frame["cooperative"] = visit.cooperative
        frame["home_url"] = url_for("cooperatives.home")
        frame["navigation"] = _navigation(visit)
    return frame


def _navigation(visit: Visit) -> list[dict[str, object]]:
    """Where a person can go, what he most likely wants first: a menu shows only some of it."""
    is_member = visit.identity.member_id is not None
    first = (
        ("cooperatives.home", _("Start"), True),
        ("purchasing.rounds", _("Buying together"), visit.may("round.read")),
    )
    own = (
        ("reports.account", _("My account"), is_member),
        ("vouchers.wallet", _("Vouchers"), is_member),
        ("costs.mine", _("My costs"), is_member),
        ("investments.overview", _("Projects"), visit.may("investment.read")),
        ("budgets.mine", _("Care"), is_member),
        ("vouchers.grants", _("Carers' grants"), is_member or visit.may("grant.read")),
    )
    kept = (
        ("vouchers.till", _("Till"), Role.MERCHANT in visit.identity.roles),
        ("costs.overview", _("Costs"), visit.may("cost.read")),
        ("reports.books", _("The books"), visit.may("ledger.read")),
        ("cooperatives.members", _("Members"), visit.may("member.read")),
        ("vouchers.overview", _("Keep vouchers"), visit.may("voucher.read")),
        ("budgets.overview", _("Care budgets"), visit.may("care.administer")),
        ("budgets.money", _("Money for care"), visit.may("care.money")),
        ("payments.runs", _("Payouts by bank"), visit.may("payment.read")),
    )
    places = (*first, *kept, *own) if visit.may("ledger.read") else (*first, *own, *kept)
    return [
        {
            "label": label,
            "url": url_for(endpoint),
            "is_current": request.endpoint == endpoint
            or (endpoint != "cooperatives.home" and request.path.startswith(url_for(endpoint))),
        }
        for endpoint, label, is_shown in places
        if is_shown and endpoint in current_app.view_functions
    ]
