"""Signing in: passwords as argon2 hashes, one answer for every wrong pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from wijkeconomie.cooperatives.models import Login
from wijkeconomie.cooperatives.refusals import WeakPasswordError, WrongCredentialsError
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork

SHORTEST_PASSWORD = 10
# What anyone would try first, beside short ones. Length does the rest (NIST SP 800-63B, 3.1.1.2).
_COMMON = frozenset(
    {
        *("1234567890", "12345678910", "0123456789", "qwertyuiop", "password12", "password123"),
        *("wachtwoord", "wachtwoord1", "welkom1234", "welkom12345", "wijkeconomie", "1q2w3e4r5t"),
        *("iloveyou12", "cooperatie", "buurthuis1", "aaaaaaaaaa", "1111111111", "0000000000"),
    }
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A login whose password was right; ``session_version`` ends sessions when it is raised."""

    login_id: int
    display_name: str
    language: str
    is_platform: bool
    session_version: int


@cache
def password_hasher(kind: str) -> PasswordHasher:
    """The hasher of the setting ``security.password_hashing``; ``cheap`` is for tests."""
    if kind == "cheap":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return PasswordHasher()


def hash_password(password: str, hasher: PasswordHasher) -> str:
    """The hash to keep of a new password.

    Raises:
        WeakPasswordError: it is short or common.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPasswordError(
            f"a password has at least {SHORTEST_PASSWORD} characters",
            minimum=SHORTEST_PASSWORD,
            field="password",
        )
    if password.lower() in _COMMON:
        raise WeakPasswordError(
            "everyone would try this password first", minimum=SHORTEST_PASSWORD, field="password"
        )
    return hasher.hash(password)


@cache
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody has this password")


def log_in(uow: UnitOfWork, email: str, password: str, hasher: PasswordHasher) -> SignedIn:
    """Check an e-mail address with its password.

    An unknown address takes as long as a known one, so that nobody learns who has a login.

    Raises:
        WrongCredentialsError: the two do not go together.
    """
    login = uow.session.scalar(select(Login).where(Login.email == _plain(email)))
    kept = login.password_hash if login is not None else None
    try:
        hasher.verify(kept or _hash_of_nobody(hasher), password)
    except (VerificationError, InvalidHashError) as error:
        raise WrongCredentialsError("the address and the password do not go together") from error
    if login is None or kept is None:
        raise WrongCredentialsError("the address and the password do not go together")
    if hasher.check_needs_rehash(kept):
        login.password_hash = hasher.hash(password)
        uow.session.flush()
    return _signed_in(login)


def find_login(uow: UnitOfWork, login_id: int, session_version: int) -> SignedIn | None:
    """The login of a session that was begun earlier; ``None`` once it has been ended."""
    login = uow.session.get(Login, login_id)
    if login is None or login.session_version != session_version:
        return None
    return _signed_in(login)


def create_login(
    uow: UnitOfWork,
    *,
    email: str,
    display_name: str,
    password_hash: str | None,
    is_platform: bool = False,
) -> int:
    """Create a login, or return the one that has this address with its password unchanged.

    Raises:
        InvalidInputError: the address or the name is not one.
    """
    address = _plain(email)
    if "@" not in address.strip("@"):
        raise InvalidInputError("this is not an e-mail address", field="email")
    if not display_name.strip():
        raise InvalidInputError("this may not be empty", field="display_name")
    login = uow.session.scalar(select(Login).where(Login.email == address))
    if login is None:
        login = Login(
            email=address,
            display_name=display_name.strip(),
            password_hash=password_hash,
            created_at=uow.now,
        )
        uow.session.add(login)
    elif login.password_hash is None:
        login.password_hash = password_hash
    if is_platform:
        require_permission(uow.identity, "cooperative.create")
        login.is_platform = True
    uow.session.flush()
    return login.id


def set_password(uow: UnitOfWork, login_id: int, password_hash: str) -> int:
    """Give a login a new password; every session it has ends. Returns the new version.

    Raises:
        NotFoundError: no such login.
    """
    login = uow.session.get(Login, login_id, with_for_update=True)
    if login is None:
        raise NotFoundError(f"there is no login {login_id}", login=login_id)
    login.password_hash = password_hash
    login.session_version += 1
    uow.session.flush()
    return login.session_version


def set_language(uow: UnitOfWork, login_id: int, language: str) -> None:
    """Remember the language in which a login reads."""
    login = uow.session.get(Login, login_id)
    if login is not None:
        login.language = language
        uow.session.flush()


def login_by_email(uow: UnitOfWork, email: str) -> SignedIn:
    """The login with an address, for the operator.

    Raises:
        NotFoundError: there is none.
    """
    login = uow.session.scalar(select(Login).where(Login.email == _plain(email)))
    if login is None:
        raise NotFoundError(f"there is no login {email}", email=email)
    return _signed_in(login)


def _plain(email: str) -> str:
    return email.strip().lower()


def _signed_in(login: Login) -> SignedIn:
    return SignedIn(
        login.id, login.display_name, login.language, login.is_platform, login.session_version
    )
