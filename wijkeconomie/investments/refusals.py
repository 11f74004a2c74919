"""What investing together refuses."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class ProjectExistsError(DomainError):
    """Another project, asset or invoice has this code; choose one of your own."""

    code = "project-code-taken"
    title = "This code is in use"


class ProspectusNeededError(DomainError):
    """The offers of twelve months pass the exempt amount; name the approved prospectus."""

    code = "prospectus-needed"
    title = "An offer of this size takes an approved prospectus"


class CampaignNotOpenError(DomainError):
    """The campaign has not begun, is over, or did not get enough; look at its days."""

    code = "campaign-not-open"
    title = "The campaign is not open"


class CampaignFullError(DomainError):
    """Fewer units are left, or fewer for one member; the context tells how many."""

    code = "campaign-full"
    title = "Not so many units are left"


class MembersOnlyError(DomainError):
    """Only who is a member that day may take part; join first."""

    code = "members-only"
    title = "Only members take part"


class ParticipationStateError(DomainError):
    """The participation was paid, withdrawn or repaid already; look how it stands."""

    code = "participation-state"
    title = "The participation does not allow this any more"


class DrawingAboveRaisedError(DomainError):
    """The invoice is more than may be spent yet; wait for the next stage."""

    code = "drawing-above-raised"
    title = "More than may be spent of this project"


class DrawingUsedError(DomainError):
    """The invoice is part of something in use, or was turned back before."""

    code = "drawing-used"
    title = "This invoice cannot be turned back any more"


class NothingDrawnError(DomainError):
    """No invoice waits to become part of something in use; enter the invoices first."""

    code = "nothing-drawn"
    title = "There are no invoices to put into use"


class AssetDisposedError(DomainError):
    """It is out of use: it loses no more value, and is not taken out of use again."""

    code = "asset-disposed"
    title = "This is out of use"


class AssetDepreciatedError(DomainError):
    """Its loss of that month was booked; take it out of use on ``date`` or later."""

    code = "asset-depreciated"
    title = "That month was written off already"


class NoUnitsError(DomainError):
    """Nobody holds units of this project on that day, so nothing can be shared."""

    code = "no-units"
    title = "Nobody holds units"


class ResultSharedError(DomainError):
    """The result of that year was shared already; it is shared once."""

    code = "result-shared"
    title = "The result of this year was shared already"


class ResultFollowedError(DomainError):
    """Something came after it: a member was paid of it, or capital moved on. It stays."""

    code = "result-followed"
    title = "This result cannot be turned back any more"


class PaymentFollowedError(DomainError):
    """Something came after it: units count by it, were spent or shared over. It stays."""

    code = "payment-followed"
    title = "This payment cannot be turned back any more"


class LossNotBorneError(DomainError):
    """Participations that are a loan bear no loss; the cooperative bears it."""

    code = "loss-not-borne"
    title = "A loan bears no loss"


class LossAboveCapitalError(DomainError):
    """The loss is more than what is left of the units; no member pays in for a loss."""

    code = "loss-above-capital"
    title = "The loss is more than the capital"


class NothingOwedError(DomainError):
    """The member is owed less than that; look at what he is owed."""

    code = "nothing-owed"
    title = "So much is not owed to this member"


class UnitsNotTransferredError(DomainError):
    """The campaign does not let members pass units of this project on."""

    code = "units-not-transferred"
    title = "These units are not passed on"


class TransferStateError(DomainError):
    """The units were passed on, refused or withdrawn before; look how they stand."""

    code = "transfer-state"
    title = "These units are at another point"


class LossBeforeTransferError(DomainError):
    """Units were passed on or released after that day; date the loss on ``date`` at least."""

    code = "loss-before-transfer"
    title = "Units were passed on or released after that day"
