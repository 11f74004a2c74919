"""Pages of the members' list, of invitations and of roles."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.cooperatives import queries
from wijkeconomie.cooperatives.blueprints import pages
from wijkeconomie.cooperatives.invitations import Invite, invite, withdraw_invitation
from wijkeconomie.cooperatives.roles import grant_role, revoke_role
from wijkeconomie.cooperatives.sessions import current_visit
from wijkeconomie.core.identity import Role
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError

PAGE = 200
ROLES = (
    Role.MEMBER,
    Role.COORDINATOR,
    Role.TREASURER,
    Role.ACCOUNTANT,
    Role.BOARD,
    Role.CARE,
    Role.MERCHANT,
)


def role_names() -> dict[str, str]:
    """The roles in the words of the page."""
    return {
        Role.MEMBER.value: _("member"),
        Role.COORDINATOR.value: _("coordinator"),
        Role.TREASURER.value: _("treasurer"),
        Role.ACCOUNTANT.value: _("accountant"),
        Role.BOARD.value: _("board member"),
        Role.CARE.value: _("care administrator"),
        Role.MERCHANT.value: _("merchant"),
        Role.PLATFORM.value: _("operator"),
    }


@pages.get("/members")
def members() -> ResponseReturnValue:
    """The members, who has which role, and the invitations that are open."""
    return _members()


def _members(
    errors: list[tuple[str, str]] | None = None, link: str | None = None
) -> ResponseReturnValue:
    visit = current_visit()
    require_permission(visit.identity, "member.read")
    search = request.args.get("search", "")
    with visit.begin() as uow:
        shown = {
            "members": queries.members(uow.session, uow.tenant, search=search, limit=PAGE),
            "holders": queries.role_holders(uow.session, uow.tenant),
            "invitations": queries.open_invitations(uow.session, uow.tenant, uow.now),
        }
    page = render_template(
        "cooperatives/members.html",
        visit=visit,
        search=search,
        roles=[role.value for role in ROLES],
        role_names=role_names(),
        errors=errors or [],
        link=link,
        form=request.form,
        **shown,
    )
    return page, 422 if errors else 200


@pages.post("/members/invitations")
def send_invitation() -> ResponseReturnValue:
    """Make an invitation and show its link, this once."""
    visit = current_visit()
    roles = frozenset(role for role in ROLES if role.value in request.form.getlist("roles"))
    command = Invite(
        email=request.form.get("email", ""),
        display_name=request.form.get("display_name", ""),
        roles=roles,
        member_code=request.form.get("member_code", "").strip() or None,
    )
    try:
        with visit.begin() as uow:
            sent = invite(uow, command)
    except InvalidInputError as refusal:
        words = {
            "email": _("This is not an e-mail address."),
            "display_name": _("Give a name."),
            "roles": _("Choose at least one role."),
        }
        field = str(refusal.context["field"])
        return _members([(field, words[field])])
    except NotFoundError:
        return _members([("member_code", _("There is no member with this number."))])
    return _members(link=url_for("cooperatives.invitation", token=sent.token, _external=True))


@pages.post("/members/invitations/<int:invitation_id>/withdraw")
def withdraw(invitation_id: int) -> ResponseReturnValue:
    """Make the link of an invitation worthless."""
    visit = current_visit()
    with visit.begin() as uow:
        withdraw_invitation(uow, invitation_id)
    flash(_("The invitation has been withdrawn."), "success")
    return redirect(url_for("cooperatives.members"), 303)


@pages.post("/members/roles")
def change_role() -> ResponseReturnValue:
    """Give a role to a login, or take it away."""
    visit = current_visit()
    require_permission(visit.identity, "role.grant")
    role = next((each for each in ROLES if each.value == request.form.get("role")), None)
    login_id = request.form.get("login_id", type=int)
    if role is None or login_id is None:
        raise InvalidInputError("choose a role", field="role")
    with visit.begin() as uow:
        holders = {each.login_id for each in queries.role_holders(uow.session, uow.tenant)}
        if login_id not in holders:
            raise NotFoundError(f"there is no login {login_id} here", login=login_id)
        change = revoke_role if request.form.get("action") == "revoke" else grant_role
        change(uow, login_id, role)
    flash(_("The roles have been changed."), "success")
    return redirect(url_for("cooperatives.members"), 303)
