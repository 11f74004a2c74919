"""Who acts: the identity that an entry point hands to every use case."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Role(enum.StrEnum):
    """What someone does for a cooperative; the permission table says what each may."""

    MEMBER = "member"
    COORDINATOR = "coordinator"
    TREASURER = "treasurer"
    ACCOUNTANT = "accountant"
    BOARD = "board"
    CARE = "care"
    MERCHANT = "merchant"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An actor within one cooperative (or none yet), with his roles there.

    ``actor`` is what ledger entries and the audit trail record: ``login:12``, ``job:…``,
    ``cli``, ``import``. It is a pseudonym: never a name or an address, because ledger
    entries are hashed and a person must remain erasable.
    """

    actor: str
    login_id: int | None = None
    member_id: int | None = None
    roles: frozenset[Role] = frozenset()

    @property
    def is_platform(self) -> bool:
        """Whether this is the operator of the whole service."""
        return Role.PLATFORM in self.roles


ANONYMOUS = Identity(actor="anonymous")


def system_identity(actor: str) -> Identity:
    """The identity of a job, an import or the operator's command line: may do everything."""
    return Identity(actor=actor, roles=frozenset(Role))
