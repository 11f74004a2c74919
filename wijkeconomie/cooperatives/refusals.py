"""What cooperatives refuse: about members, roles, invitations and signing in."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class CooperativeExistsError(DomainError):
    """Another cooperative has this code; choose one of your own."""

    code = "cooperative-exists"
    title = "There is a cooperative with this code"


class MemberExistsError(DomainError):
    """Another member has this number; choose the next one, or leave it out."""

    code = "member-exists"
    title = "There is a member with this number"


class LastBoardMemberError(DomainError):
    """The cooperative would have no board left to hand out roles; name another one first."""

    code = "last-board-member"
    title = "A cooperative keeps at least one board member"


class InvitationNotValidError(DomainError):
    """The link was used, withdrawn, has expired or never was; ask for a new invitation."""

    code = "invitation-not-valid"
    title = "The invitation is not valid any more"


class WrongCredentialsError(DomainError):
    """The e-mail address and the password do not go together; which of the two is not told."""

    code = "wrong-credentials"
    title = "E-mail address or password is not right"


class UnauthenticatedError(DomainError):
    """Nobody has signed in, or the token is not valid any more."""

    code = "unauthenticated"
    title = "Sign in first"


class WeakPasswordError(DomainError):
    """The password is too short or one of the first that anyone would try."""

    code = "weak-password"
    title = "Choose another password"
