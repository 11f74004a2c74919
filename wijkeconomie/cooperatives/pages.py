"""Pages of signing in, of the start page, and of one's own profile."""

from __future__ import annotations

from itertools import chain
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from flask import (
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives import queries
from wijkeconomie.cooperatives.blueprints import pages, sign_in
from wijkeconomie.cooperatives.invitations import accept_invitation, find_invitation
from wijkeconomie.cooperatives.logins import (
    SHORTEST_PASSWORD,
    SignedIn,
    find_login,
    hash_password,
    log_in,
    password_hasher,
    set_language,
    set_password,
)
from wijkeconomie.cooperatives.models import Login
from wijkeconomie.cooperatives.refusals import WeakPasswordError, WrongCredentialsError
from wijkeconomie.cooperatives.sessions import (
    begin_session,
    current_login,
    current_visit,
    login_identity,
)
from wijkeconomie.cooperatives.tokens import create_token, revoke_token, tokens_of_login
from wijkeconomie.core.identity import ANONYMOUS, system_identity
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.runtime import current_runtime


def _hasher() -> PasswordHasher:
    return password_hasher(current_runtime().settings.security_password_hashing)


def _local(target: str) -> str:
    """The target when it is a path of this site, else the start page."""
    parts = urlsplit(target)
    is_local = not parts.scheme and not parts.netloc and target.startswith("/")
    return target if is_local and not target.startswith(("//", "/\\")) else "/"


def _to(target: str) -> Response:
    answer = redirect(target, 303)
    assert isinstance(answer, Response)  # noqa: S101 redirect() is typed wider than it is
    return answer


@sign_in.route("/login", methods=["GET", "POST"], endpoint="log_in")
def log_in_page() -> ResponseReturnValue:
    """The form to sign in, and what it does."""
    target = _local(request.values.get("next", "/"))
    email, errors = request.form.get("email", ""), []
    if request.method == "POST":
        try:
            with current_runtime().units_of_work.begin(identity=ANONYMOUS) as uow:
                login = log_in(uow, email, request.form.get("password", ""), _hasher())
            begin_session(login)
            return _to(target)
        except WrongCredentialsError:
            errors = [("email", _("The e-mail address and the password do not go together."))]
    page = render_template("cooperatives/login.html", email=email, next=target, errors=errors)
    return page, 422 if errors else 200


@sign_in.post("/logout")
def log_out() -> ResponseReturnValue:
    """End the session of this browser."""
    language = cookie.get("language")
    cookie.clear()
    if language:
        cookie["language"] = language
    return _to(url_for("sign_in.log_in"))


@sign_in.get("/")
def choose() -> ResponseReturnValue:
    """To the one cooperative of a login, or a choice between several."""
    login = current_login()
    with current_runtime().units_of_work.begin(identity=login_identity(login)) as uow:
        if login.is_platform:
            codes = [(each.code, each.name) for each in queries.cooperatives(uow.session)]
        else:
            grants = queries.grants_of_login(uow.session, login.login_id)
            codes = [(each.code, each.name) for each in grants]
    if len(codes) == 1:
        return _to(url_for("cooperatives.home", cooperative_code=codes[0][0]))
    return render_template("cooperatives/choose.html", cooperatives=codes)


@pages.get("/")
def home() -> ResponseReturnValue:
    """What waits for the visitor, by role."""
    visit = current_visit()
    providers = current_app.extensions.get("home_tasks", [])
    with visit.begin() as uow:
        tasks = list(chain.from_iterable(provider(visit, uow) for provider in providers))
    return render_template("cooperatives/home.html", visit=visit, tasks=tasks)


@pages.route("/invitation/<token>", methods=["GET", "POST"])
def invitation(token: str) -> ResponseReturnValue:
    """Choose a password, and be in."""
    runtime = current_runtime()
    with runtime.units_of_work.begin(identity=ANONYMOUS) as uow:
        cooperative = queries.cooperative_by_code(uow.session, g.cooperative_code)
    # Whoever holds the link acts by it: it says what is given, to whom.
    by_link = system_identity("invitation")
    errors: list[tuple[str, str]] = []
    with runtime.units_of_work.begin(identity=by_link, cooperative_id=cooperative.id) as uow:
        invited = find_invitation(uow, token)
        shown = {"name": invited.display_name, "email": invited.email}
        if request.method == "POST":
            try:
                password_hash = hash_password(request.form.get("password", ""), _hasher())
                login_id = accept_invitation(uow, token, password_hash=password_hash)
                login = uow.session.get_one(Login, login_id)
                # Who had a password keeps it, and signs in with that: a link is not a password.
                is_new = login.password_hash == password_hash
                version = login.session_version
            except WeakPasswordError as refusal:
                errors = [("password", _weak(refusal))]
    if request.method == "POST" and not errors:
        flash(_("Welcome! You are in."), "success")
        if is_new:
            _enter(login_id, version)
        return _to(url_for("cooperatives.home"))
    page = render_template(
        "cooperatives/invitation.html",
        invited=shown,
        inviting=cooperative,
        errors=errors,
        minimum=SHORTEST_PASSWORD,
    )
    return page, 422 if errors else 200


def _enter(login_id: int, version: int) -> None:
    with current_runtime().units_of_work.begin(identity=ANONYMOUS) as uow:
        login = find_login(uow, login_id, version)
    if login is not None:
        begin_session(login)


def _weak(refusal: WeakPasswordError) -> str:
    words = _(
        "Choose a password of at least %(minimum)s characters that nobody guesses. Three words "
        "work well.",
        minimum=refusal.context["minimum"],
    )
    return str(words)


@pages.get("/profile")
def profile() -> ResponseReturnValue:
    """One's own password and tokens."""
    return _profile()


def _profile(
    errors: list[tuple[str, str]] | None = None, token: str | None = None
) -> ResponseReturnValue:
    visit = current_visit()
    with visit.begin() as uow:
        tokens = tokens_of_login(uow, visit.login_id)
    page = render_template(
        "cooperatives/profile.html",
        visit=visit,
        tokens=tokens,
        new_token=token,
        errors=errors or [],
        minimum=SHORTEST_PASSWORD,
    )
    return page, 422 if errors else 200


@pages.post("/profile/password")
def change_password() -> ResponseReturnValue:
    """Set another password; every other session ends."""
    visit = current_visit()
    try:
        password_hash = hash_password(request.form.get("password", ""), _hasher())
        with visit.begin() as uow:
            login = uow.session.get_one(Login, visit.login_id)
            log_in(uow, login.email, request.form.get("old_password", ""), _hasher())
            version = set_password(uow, visit.login_id, password_hash)
    except WeakPasswordError as refusal:
        return _profile([("password", _weak(refusal))])
    except WrongCredentialsError:
        return _profile([("old_password", _("This is not your password of now."))])
    begin_session(SignedIn(visit.login_id, visit.display_name, visit.language, False, version))
    flash(_("Your password has been changed. Other devices are signed out."), "success")
    return _to(url_for("cooperatives.profile"))


@pages.post("/profile/language")
def change_language() -> ResponseReturnValue:
    """Remember the language for mails and other devices."""
    visit = current_visit()
    language = "en" if request.form.get("language") == "en" else "nl"
    with visit.begin() as uow:
        set_language(uow, visit.login_id, language)
    cookie["language"] = language
    return _to(url_for("cooperatives.profile"))


@pages.post("/profile/tokens")
def make_token() -> ResponseReturnValue:
    """Make a token and show it once."""
    visit = current_visit()
    scope = "write" if request.form.get("scope") == "write" else "read"
    try:
        with visit.begin() as uow:
            token = create_token(
                uow,
                visit.login_id,
                name=request.form.get("token_name", ""),
                scope="write" if scope == "write" else "read",
            )
    except InvalidInputError:
        return _profile([("token_name", _("Give the token a name, so that you know it later."))])
    return _profile(token=token)


@pages.post("/profile/tokens/<int:token_id>/revoke")
def end_token(token_id: int) -> ResponseReturnValue:
    """Make a token worthless."""
    visit = current_visit()
    with visit.begin() as uow:
        revoke_token(uow, visit.login_id, token_id)
    return _to(url_for("cooperatives.profile"))
