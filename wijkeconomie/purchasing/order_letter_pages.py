"""The page's button to mail an order again, and what stands beside it."""

from __future__ import annotations

from flask import flash
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.purchasing.blueprints import pages
from wijkeconomie.purchasing.coordinator_pages import take_step, to_manage
from wijkeconomie.purchasing.order_letters import send_order_again


@pages.post("/rounds/<round_code>/manage/order/mail")
def mail_order(round_code: str) -> ResponseReturnValue:
    """Mail the order to the supplier once more."""
    try:
        return take_step(
            round_code,
            lambda uow, found: send_order_again(uow, found.id),
            _("The order is mailed to the supplier."),
        )
    except InvalidInputError:
        flash(_("The supplier has no e-mail address here. Hand over the letter yourself."), "error")
        return to_manage(round_code)
