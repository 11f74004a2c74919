"""What the books refuse, and how a complaint of the database becomes such a refusal."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from wijkeconomie.core.refusals import DomainError


class UnbalancedEntryError(DomainError):
    """The postings of an entry do not sum to zero; the context tells the difference."""

    code = "unbalanced-entry"
    title = "Debits and credits differ"


class UnknownAccountError(DomainError):
    """A posting names an account that is not in the chart; open it first."""

    code = "unknown-account"
    title = "No such account"


class ClosedPeriodError(DomainError):
    """The accounting date lies in a closed month: choose a later date or reopen the month."""

    code = "closed-period"
    title = "The accounting period is closed"


class BalanceLimitError(DomainError):
    """The entry would carry an account past its limit; nothing was booked."""

    code = "balance-limit"
    title = "The balance would pass its limit"


class AlreadyReversedError(DomainError):
    """The entry has been reversed before; an entry is reversed at most once."""

    code = "already-reversed"
    title = "The entry was reversed before"


class UnknownEntryError(DomainError):
    """There is no entry with this number in the books of this cooperative."""

    code = "unknown-entry"
    title = "No such journal entry"


_BY_SQLSTATE: dict[str, tuple[type[DomainError], str]] = {
    "WE001": (ClosedPeriodError, "the month of the accounting date is closed"),
    "WE002": (UnbalancedEntryError, "the postings do not sum to zero for each unit"),
    "WE003": (UnknownAccountError, "an account is not in the chart of this cooperative"),
    "23502": (UnknownAccountError, "an account is not in the chart of this cooperative"),
}
_BY_CONSTRAINT: dict[str, tuple[type[DomainError], str]] = {
    "ck_account_balance_not_below_minimum": (
        BalanceLimitError,
        "an account would fall below its limit",
    ),
    "ck_account_balance_not_above_maximum": (
        BalanceLimitError,
        "an account would rise above its limit",
    ),
    "uq_journal_entry_cooperative_id_reverses_number": (
        AlreadyReversedError,
        "this entry has been reversed before",
    ),
}


def as_refusal(error: DBAPIError, **context: str | int | None) -> DomainError | None:
    """The refusal that a guard of the database stands for, or ``None``: then it is a bug."""
    state = getattr(error.orig, "sqlstate", None) or ""
    diagnosis = getattr(error.orig, "diag", None)
    constraint = getattr(diagnosis, "constraint_name", None) or ""
    found = _BY_CONSTRAINT.get(constraint) or _BY_SQLSTATE.get(state)
    if found is None:
        return None
    refusal, sentence = found
    primary = getattr(diagnosis, "message_primary", None) if state.startswith("WE") else None
    return refusal(primary or sentence, **context)
