"""What settling shared costs refuses."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class KeyNotValidError(DomainError):
    """The key has no version for that month, or one that waits for a decision; add it."""

    code = "key-not-valid"
    title = "The allocation key is not valid in that month"


class WeightMissingError(DomainError):
    """A member has no weight by which the cost could be shared; the context tells who."""

    code = "weight-missing"
    title = "A member has no weight for this key"


class ReadingMissingError(DomainError):
    """A meter was not read yet, or never twice; write its reading down, or an estimate."""

    code = "reading-missing"
    title = "A meter is still to be read"


class CannotAllocateError(DomainError):
    """The cost cannot be shared as the key says; ``reason`` tells why."""

    code = "cannot-allocate"
    title = "The cost cannot be shared by this key"


class CostSettledError(DomainError):
    """The cost was settled; correct it instead, which turns the settlement back."""

    code = "cost-settled"
    title = "The cost was settled already"


class CostAccountedError(DomainError):
    """A subsidy that helped to pay the cost was accounted for; write down the difference apart."""

    code = "cost-accounted"
    title = "The funder was told what this cost came to"


class CostNotSettledError(DomainError):
    """There is no settlement to correct or to prove yet."""

    code = "cost-not-settled"
    title = "The cost was not settled yet"


class DraftOutdatedError(DomainError):
    """The month comes to something else than what was looked at; look again, then settle."""

    code = "draft-outdated"
    title = "The costs changed since you looked at them"


class CostExistsError(DomainError):
    """Another cost, key, meter or subsidy has this code; choose one of your own."""

    code = "code-taken"
    title = "This code is in use"


class SubsidyLimitError(DomainError):
    """Less is left to receive, to spend or to pay back; the context tells how much."""

    code = "subsidy-limit"
    title = "So much is not left of this subsidy"


class SubsidyAccountedError(DomainError):
    """The funder was told how it was spent; nothing is received or spent after that."""

    code = "subsidy-accounted"
    title = "This subsidy was accounted for"


class SubsidyPeriodError(DomainError):
    """The day is not one for which the subsidy was awarded; the context tells which are."""

    code = "subsidy-period"
    title = "The subsidy is for other days"


class SubsidyForOthersError(DomainError):
    """The subsidy helps other members, or this one with less; the context tells how much."""

    code = "subsidy-for-others"
    title = "The subsidy is not for this member"


class ImplausibleReadingError(DomainError):
    """A reading is lower than an earlier one, or the usage is far from usual: look again."""

    code = "implausible-reading"
    title = "This reading can hardly be right"


class NotAMemberThenError(DomainError):
    """Someone who shares or paid was no member in the month; book in another, or leave him out."""

    code = "not-a-member-then"
    title = "Not a member in that month"
