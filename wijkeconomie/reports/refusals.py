"""What reports refuse."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class StatementDoesNotTieError(DomainError):
    """A sum of a statement differs from the books, so it is not handed out.

    Nothing is wrong with the request: run ``wijkeconomie ledger verify`` and report it. The
    context tells which ``sum``, and ``expected_cents`` and ``found_cents``.
    """

    code = "statement-does-not-tie"
    title = "The statement does not tie to the books"


class NothingSettledError(DomainError):
    """The round had no settlement before the end of the period; choose a later end."""

    code = "nothing-settled"
    title = "The round is not settled yet"
