"""The letter to holders for whom hours wait, made from what is true when it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wijkeconomie.budgets.waiting import holders_to_remind
from wijkeconomie.cooperatives.addressees import addressees
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date

# A letter may be read by others: it tells nothing of the care, its hours or who gives it.
_WORDS: Mapping[str, tuple[str, str]] = {
    "nl": (
        "Er wacht iets op jouw goedkeuring",
        (
            "Beste {name},\n\nEr wachten uren op jouw goedkeuring. Kijk of ze kloppen, en keur ze"
            " goed of wijs ze af.\nDat kan hier: {address}\n\nGroet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "Something waits for your approval",
        (
            "Dear {name},\n\nHours wait for your approval. See whether they are right, and approve"
            " or reject them.\nYou can do that here: {address}\n\nRegards,\n{cooperative}\n"
        ),
    ),
}


def care_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters about care budgets."""
    return {"mail.care-waiting": lambda uow, told: _waiting(uow, told, address)}


def _waiting(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """One letter a holder, on the day itself; who decided meanwhile gets none."""
    if told["day"] != local_date(uow.now, LOCAL_TIME).isoformat():
        return []
    letters = []
    for to in addressees(uow.session, uow.tenant, holders_to_remind(uow.session, uow.now)):
        subject, body = _WORDS[to.language]
        letters.append(
            Letter(
                to.email,
                subject,
                body.format(
                    name=to.first_name,
                    address=f"{address}/c/{to.cooperative_code}/my-care",
                    cooperative=to.cooperative,
                ),
            )
        )
    return letters
