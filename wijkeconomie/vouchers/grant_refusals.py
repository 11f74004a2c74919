"""What rounds of carers' grants refuse."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class GrantWindowError(DomainError):
    """One can apply from the first to the last day of the round, which the context tells."""

    code = "grant-window"
    title = "One cannot apply now"


class GrantStateError(DomainError):
    """The round is not at this step: the context tells at which it is."""

    code = "grant-state"
    title = "The round is not at this step"


class GrantAppliedError(DomainError):
    """The carer applied before: for this person, or in a round with one application a carer."""

    code = "grant-applied"
    title = "Applied before"


class GrantCarersFullError(DomainError):
    """As many carers as the round allows have applied for this person; the context tells it."""

    code = "grant-carers-full"
    title = "Enough carers applied for this person"


class GrantOtherRoundError(DomainError):
    """For this person was applied in another round of the same year."""

    code = "grant-other-round"
    title = "Another round of this year has this person"


class GrantBudgetFullError(DomainError):
    """The budget is spoken for, and this round serves who came first."""

    code = "grant-budget-full"
    title = "The budget is spoken for"


class GrantAmountError(DomainError):
    """More than can be received or paid back; ``left_cents`` tells how much that is."""

    code = "grant-amount"
    title = "More than is left"
