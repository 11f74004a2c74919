"""Refusals: outcomes the business forbids, told apart from bugs."""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """A business rule refused the request; the caller can understand it and act on it.

    ``code`` is a stable slug, unique over the code base. It names the problem type on the
    wire, the sentence on a page and the section in ``docs/problems.md``; once released it
    never changes. ``context`` carries the values a sentence needs: numbers, codes, dates as
    text; never a whole object.
    """

    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str, **context: str | int | None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.context = context


class PermissionDeniedError(DomainError):
    """The identity may not do this; ask someone with the role that the context names."""

    code = "permission-denied"
    title = "You may not do this"


class NotFoundError(DomainError):
    """There is no such thing, or it belongs to another cooperative."""

    code = "not-found"
    title = "Not found"


class InvalidInputError(DomainError):
    """A value is not acceptable; ``context["field"]`` names it and ``detail`` says why."""

    code = "invalid-input"
    title = "A value is not acceptable"


class StaleVersionError(DomainError):
    """Someone else changed it in the meantime: look again, then repeat the change."""

    code = "stale-version"
    title = "Changed by someone else in the meantime"


class IdempotencyKeyReusedError(DomainError):
    """One key, two different requests: choose a new key for a changed request."""

    code = "idempotency-key-reused"
    title = "Idempotency key was used for another request"


def all_refusals(root: type[DomainError] = DomainError) -> list[type[DomainError]]:
    """Every refusal class that has been imported, in order of its code."""
    found: list[type[DomainError]] = []
    for child in root.__subclasses__():
        if "code" in vars(child):
            found.append(child)
        found.extend(all_refusals(child))
    return sorted(set(found), key=lambda refusal: refusal.code)
