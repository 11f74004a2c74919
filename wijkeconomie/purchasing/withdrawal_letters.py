"""The letter that tells a supplier that an order does not go on."""

from __future__ import annotations

from babel.dates import format_date
from sqlalchemy import text

from wijkeconomie.core.mail import Letter
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.models import PurchaseRound, Supplier
from wijkeconomie.purchasing.order_letters import order_letters

_BODY = (
    "Beste {supplier},\n\nOnze bestelling {code} van {ordered_on} gaat niet door. Lever haar dus"
    " niet op {delivery_on}, en stuur er geen rekening voor.\nKomt dat slecht uit? Neem dan contact"
    " met ons op.\n\nGroet,\n{cooperative}\n"
)


def withdrawal_letter(uow: UnitOfWork, round_id: int) -> Letter | None:
    """The letter that withdraws the order of a round; ``None`` where there is none to withdraw.

    That is so when nothing was ordered, when the mail with the order has not gone out (it does
    not any more), or when the supplier has no address: somebody has to tell it then.
    """
    found = uow.session.get_one(PurchaseRound, (uow.tenant, round_id))
    supplier = uow.session.get_one(Supplier, (uow.tenant, found.supplier_id))
    # What was to be sent after the cancelling was left out.
    until = found.cancelled_at or uow.now
    sent = [each.sent_at for each in order_letters(uow.session, uow.tenant, round_id)]
    is_unknown = bool(sent) and all(at is None or at >= until for at in sent)
    if found.ordered_at is None or is_unknown or not supplier.email:
        return None
    name = uow.session.scalar(
        text("select name from cooperative where id = :id"), {"id": uow.tenant}
    )
    ordered_on = local_date(found.ordered_at, LOCAL_TIME)
    body = _BODY.format(
        supplier=supplier.name,
        code=found.code,
        ordered_on=format_date(ordered_on, "d MMMM", locale="nl"),
        delivery_on=format_date(found.delivery_on, "EEEE d MMMM", locale="nl"),
        cooperative=name,
    )
    return Letter(supplier.email, f"Bestelling {found.code} gaat niet door", body)
