"""What payments refuses."""

from __future__ import annotations

from wijkeconomie.core.refusals import DomainError


class BankLineDiffersError(DomainError):
    """A line with this reference was recorded with another content; banks do not reuse them."""

    code = "bank-line-differs"
    title = "This bank line was recorded differently"


class WrongBankAccountError(DomainError):
    """The line is of an account that is not the cooperative's."""

    code = "wrong-bank-account"
    title = "Not an account of this cooperative"


class NothingToOrderError(DomainError):
    """Nobody of this kind is owed anything, or no bank account of theirs is known."""

    code = "nothing-to-order"
    title = "There is nothing to pay"


class OrderSettledError(DomainError):
    """The bank has paid this run: its file is not given again, so that it is not sent twice."""

    code = "order-settled"
    title = "The bank has paid this"


class OrderCalledOffError(DomainError):
    """A payment was called off or came back, so the file of its run is not given again."""

    code = "order-called-off"
    title = "This was called off"
