"""From a request of a page or of the API to the queue of redemptions."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from wijkeconomie.cooperatives.sessions import Visit
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.vouchers.answers import Answer, Asked, Redeem, require_accepted
from wijkeconomie.vouchers.queue import RedemptionQueue

_EXTENSION = "redemption_queue"


def init_tills(app: Flask, units_of_work: UnitOfWorkFactory) -> None:
    """Give the application its queue: requests of all its threads gather in it."""
    app.extensions[_EXTENSION] = RedemptionQueue(units_of_work)


def redeem_now(visit: Visit, command: Redeem) -> Answer:
    """Pay a merchant; the answer is recorded before a refusal is raised.

    Raises:
        VoucherExpiredError, VoucherBalanceError: recorded.
        DomainError: see ``redeeming.redeem``; nothing was recorded.
    """
    queue = cast(RedemptionQueue, current_app.extensions[_EXTENSION])
    return require_accepted(queue.redeem(visit.cooperative.id, Asked(visit.identity, command)))
