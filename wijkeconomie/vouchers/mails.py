"""Letters about vouchers, made from what is true when they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wijkeconomie.cooperatives.addressees import Addressee, addressees
from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.vouchers.purses import Holding, holdings_by_code

_WORDS: Mapping[str, tuple[str, str, str]] = {
    "nl": (
        "Je wijkmunt verloopt binnenkort",
        "{amount}, geldig tot en met {day}",
        (
            "Beste {name},\n\nJe hebt nog wijkmunt die binnenkort verloopt:\n\n{vouchers}\n\n"
            "Waar je ermee kunt betalen, staat hier: {address}\n\nGroet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "Your vouchers expire soon",
        "{amount}, valid until {day} inclusive",
        (
            "Dear {name},\n\nYou still have vouchers that expire soon:\n\n{vouchers}\n\n"
            "Here you see where you can use them: {address}\n\nRegards,\n{cooperative}\n"
        ),
    ),
}


def voucher_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters of each kind of message about vouchers."""
    return {"mail.voucher-expires": lambda uow, told: _reminder(uow, told, address)}


def _reminder(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """What still holds something of the vouchers that were about to expire."""
    found = holdings_by_code(uow.session, uow.tenant, told["vouchers"])
    held = sorted((h for h in found.values() if h.balance), key=lambda h: (h.expires_on, h.id))
    if not held:
        return []
    return [
        _letter(to, held, address) for to in addressees(uow.session, uow.tenant, [told["member"]])
    ]


def _letter(to: Addressee, held: Sequence[Holding], address: str) -> Letter:
    subject, line, body = _WORDS[to.language]
    lines = [
        "- "
        + line.format(
            amount=format_amount(holding.balance, to.language, holding.unit),
            day=long_date(holding.expires_on, to.language),
        )
        for holding in held
    ]
    return Letter(
        to.email,
        subject,
        body.format(
            name=to.first_name,
            vouchers="\n".join(lines),
            address=f"{address}/c/{to.cooperative_code}/wallet",
            cooperative=to.cooperative,
        ),
    )
