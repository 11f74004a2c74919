"""The one error of the embedded server, and how an error of the system becomes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run; the message says why and what to do."""


@contextmanager
def explained(attempt: str, advice: str) -> Iterator[None]:
    """Turn an error of the file system into one that a person can act upon.

    ``attempt`` completes "cannot ...". Only for blocks that run none of the caller's code.

    Raises:
        EmbeddedPostgresError: the attempt, the system's reason and ``advice``.
    """
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise EmbeddedPostgresError(
            f"cannot {attempt}: {error.strerror or error}{place}; {advice}"
        ) from error
