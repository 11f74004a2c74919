"""Bank lines that pay for units of a project, found by the number of the participation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.models import ParticipationState
from wijkeconomie.investments.participating import (
    hold_participation,
    payment_entry,
    receive_payment,
)
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.payments.rules import Mismatch


@dataclass(frozen=True, slots=True)
class PaidParticipation:
    """Whose participation a line paid, and the entry."""

    member_id: int
    entry_number: int


def pay_participation(
    uow: UnitOfWork, reference: str, *, cents: int, on: date, bank: str
) -> PaidParticipation | Mismatch:
    """Book a payment by its reference, or tell why a person has to look.

    Nothing is guessed: the reference is the number of a participation that waits for its
    payment, the amount is its price to the cent, and the day is not before it was taken.

    Args:
        bank: the key of the account in the books on which the money came.

    Raises:
        ClosedPeriodError: the month of the day is closed.
    """
    try:
        participation, _project, _member = hold_participation(uow, reference.strip())
    except NotFoundError:
        return Mismatch.REFERENCE_UNKNOWN
    if cents < 0:
        return Mismatch.NOTHING_TO_RETURN
    if cents != participation.cents:
        return Mismatch.AMOUNT_DIFFERS
    is_in_time = participation.bought_on <= on <= local_date(uow.now, LOCAL_TIME)
    if participation.state != ParticipationState.SUBSCRIBED or not is_in_time:
        return Mismatch.NO_PARTICIPATION_WAITS
    receive_payment(uow, participation.code, on, bank=bank)
    return PaidParticipation(participation.member_id, payment_entry(uow, participation))
