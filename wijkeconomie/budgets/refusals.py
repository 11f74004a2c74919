"""What keeping care budgets refuses."""

from __future__ import annotations

from wijkeconomie.budgets.rules import Objection
from wijkeconomie.core.refusals import DomainError


class CareCodeTakenError(DomainError):
    """Another budget, declaration or carer has this number; choose one of your own."""

    code = "care-code-taken"
    title = "This number is in use"


class AgreementNotApprovedError(DomainError):
    """The agreement has not been approved (yet): nothing can be declared on it."""

    code = "agreement-not-approved"
    title = "The care agreement is not approved"


class OutsideCarePeriodError(DomainError):
    """The month lies outside the agreement; the context tells from when to when it goes."""

    code = "outside-care-period"
    title = "The month lies outside the agreement"


class CareAmountDiffersError(DomainError):
    """Minutes and rate come to another amount than was claimed."""

    code = "care-amount-differs"
    title = "Minutes and rate come to another amount"


class OverFenceError(DomainError):
    """The agreement has a part of the budget of its own, and too little is left of it."""

    code = "over-care-fence"
    title = "Too little is left for this agreement"


class OverBudgetError(DomainError):
    """Too little is left of the budget. Nothing was declared: a budget is never passed."""

    code = "over-care-budget"
    title = "Too little is left of the budget"


class DeclarationStateError(DomainError):
    """The declaration is not in a state in which this can be done; look how it stands."""

    code = "declaration-state"
    title = "The declaration is at another point"


class NothingToListError(DomainError):
    """There is no approved declaration of that month that is not on a list yet."""

    code = "nothing-to-list"
    title = "There is nothing to put on a list"


class PayerUnknownError(DomainError):
    """Nobody wrote down which insurer pays these budgets: do so first, budget by budget."""

    code = "payer-unknown"
    title = "Which insurer pays is not known"


class PayerFixedError(DomainError):
    """Hours of this budget went to who pays it: another one needs a new budget."""

    code = "payer-fixed"
    title = "Who pays this budget cannot change any more"


class OwnHoursError(DomainError):
    """Nobody decides on hours that he worked himself: ask the holder or another administrator."""

    code = "own-hours"
    title = "These are hours of your own"


class OwnCarerError(DomainError):
    """Someone is not paid for care of himself from his own budget; choose another carer."""

    code = "own-carer"
    title = "The holder cannot be his own carer"


class NotOurMoneyError(DomainError):
    """The SVB pays this budget from the holder's drawing right: its money never comes to us."""

    code = "not-our-money"
    title = "The cooperative does not hold this money"


REFUSALS_OF_HOURS = (
    AgreementNotApprovedError,
    OutsideCarePeriodError,
    CareAmountDiffersError,
    OverFenceError,
    OverBudgetError,
)
REFUSAL_OF: dict[Objection, tuple[type[DomainError], str]] = {
    Objection.NOT_APPROVED: (AgreementNotApprovedError, "the agreement is not approved"),
    Objection.OUTSIDE_PERIOD: (OutsideCarePeriodError, "the month lies outside the agreement"),
    Objection.AMOUNT_DIFFERS: (CareAmountDiffersError, "minutes and rate come to another amount"),
    Objection.OVER_FENCE: (OverFenceError, "too little is left for this agreement"),
    Objection.OVER_BUDGET: (OverBudgetError, "too little is left of the budget"),
}
