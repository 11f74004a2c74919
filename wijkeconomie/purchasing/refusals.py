"""What purchasing refuses: each class is one answer a member or coordinator can act on."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class RoundStateError(DomainError):
    """The round is not in a state for this step; rounds move one way (docs/rounds.md)."""

    code = "round-state"
    title = "The round is not that far, or further"


class RoundNotOpenError(DomainError):
    """Pledges are taken while a round is open: wait for it to open, or for the next one."""

    code = "round-not-open"
    title = "The round is not open"


class DeadlinePassedError(DomainError):
    """The closing time has passed, whether or not the round was closed already."""

    code = "deadline-passed"
    title = "The closing time has passed"


class ProductNotInRoundError(DomainError):
    """The product is not offered in this round; choose one from its list."""

    code = "product-not-in-round"
    title = "This round does not offer that product"


class PledgeTooLargeError(DomainError):
    """More than one member may order of this product; the context tells the maximum."""

    code = "pledge-too-large"
    title = "More than one member may order"


class ToleranceTooLargeError(DomainError):
    """More tolerance than can fill a pack or reach a minimum; the context tells the most."""

    code = "tolerance-too-large"
    title = "More tolerance than can be of use"


class PriceOutOfReachError(DomainError):
    """The maximum is below the lowest price there is; the context tells ``lowest_cents``.

    It could never be met, whatever the others order: choose a price of the ladder.
    """

    code = "price-out-of-reach"
    title = "No price of the ladder is that low"


class DuplicatePledgeError(DomainError):
    """This member pledged for this product in this round already; change that pledge."""

    code = "pledge-exists"
    title = "There is a pledge for this product already"


class InactiveMemberError(DomainError):
    """Only members pledge: from the day of joining up to and with the day of leaving."""

    code = "not-an-active-member"
    title = "Not a member on that day"


class CreditLimitError(DomainError):
    """The member's free balance does not cover it; ``short_cents`` tells how much is missing.

    Paying in, or pledging less, helps. A change that does not worsen the position is never
    refused.
    """

    code = "credit-limit"
    title = "The free balance is too low"


class NothingPledgedError(DomainError):
    """There is nothing to order; cancel the round instead."""

    code = "nothing-pledged"
    title = "Nobody pledged anything"


class SupplierMinimumError(DomainError):
    """The order is smaller than the supplier takes; the context tells ``short_cents``.

    Cancel the round, or order all the same with the reason why he will take it.
    """

    code = "below-supplier-minimum"
    title = "The order is too small for the supplier"


class PriceListUnreadableError(DomainError):
    """The file is no CSV or XLSX table, or too large; save it again as one of these."""

    code = "price-list-unreadable"
    title = "The price list cannot be read"


class PriceListTakenOverError(DomainError):
    """This price list was taken over already; upload a newer one."""

    code = "price-list-taken-over"
    title = "The price list was taken over already"


class OverOrderError(DomainError):
    """More arrived than was ordered: say why, or correct the number."""

    code = "over-order"
    title = "More arrived than was ordered"


class LinesNotReceivedError(DomainError):
    """Some ordered lines have no delivered quantity yet; enter it, or 0."""

    code = "lines-not-received"
    title = "Not every line has been received"


class UndecidedUnitsError(DomainError):
    """Units came that nobody decided on, or more was given by hand than came.

    Say who gets them, or what the cooperative keeps; the context tells ``product`` and
    ``units``, negative where too many were given away.
    """

    code = "units-undecided"
    title = "Somebody has to decide who gets this"


class GoodsNotWeighedError(DomainError):
    """Goods that are settled by weight have not been weighed; the context tells ``product``."""

    code = "goods-not-weighed"
    title = "A weight is missing"


class SlotFullError(DomainError):
    """As many members as fit collect at that time already; choose another one."""

    code = "slot-full"
    title = "This pick-up time is full"


class InvoiceMissingError(DomainError):
    """Something was delivered or charged, so the supplier's invoice is needed."""

    code = "invoice-missing"
    title = "The supplier's invoice is missing"


class InvoiceDifferenceError(DomainError):
    """The invoice is not what deliveries and prices come to.

    Correct the delivery or ask the supplier; the cooperative can accept exactly this
    difference at its own cost. The context tells ``expected``, ``invoiced`` and
    ``difference`` in cents.
    """

    code = "invoice-difference"
    title = "The invoice differs from the delivery"


class InvoiceKnownError(DomainError):
    """Another round has an invoice with this number; an invoice is settled once."""

    code = "invoice-known"
    title = "This invoice was entered before"


class GoodsCameError(DomainError):
    """Goods or an invoice came, so that somebody has to pay: settle the round.

    Where the members are not to pay, settle it without charging them: that takes a second person.
    """

    code = "goods-came"
    title = "Goods came in this round"


class TopupOnlyFillsError(DomainError):
    """Only packs that are not full are filled now; the context tells the ``room`` in them.

    Nothing is taken back, and no pack is opened, until the round closes.
    """

    code = "topup-only-fills"
    title = "Only packs that are not full are filled"


class SecondPersonError(DomainError):
    """Somebody else than who asked for it has to decide."""

    code = "second-person-needed"
    title = "This takes a second person"


class UnchargedAskedError(DomainError):
    """It was asked already to settle this round without charging; it waits for a decision."""

    code = "uncharged-asked"
    title = "This waits for a second person already"


class ConfirmationError(DomainError):
    """The code of the round was not typed as confirmation, so nothing was done."""

    code = "confirmation-needed"
    title = "Type the code of the round to confirm"


class FiguresChangedError(DomainError):
    """The amounts are not those that were shown: look at them again before booking."""

    code = "figures-changed"
    title = "The amounts changed since they were shown"


class StockGoneError(DomainError):
    """Fewer ``units`` of the ``product`` lie in stock than would go; ``left`` tells how many."""

    code = "stock-gone"
    title = "There is not enough in stock"


class SaleTakenBackError(DomainError):
    """This sale from the stock was turned back before; it is turned back once."""

    code = "sale-taken-back"
    title = "This sale was turned back already"


class DepositTooMuchError(DomainError):
    """More deposit would come back than is paid: ``left_cents`` tells what is."""

    code = "deposit-too-much"
    title = "More comes back than was paid in deposits"


class ReturnUndoneError(DomainError):
    """This return of packaging was turned back before; it is turned back once."""

    code = "return-undone"
    title = "This return was turned back already"
