"""Letters about vouchers, made from what is true when they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

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


_WITHDRAWN: Mapping[str, tuple[str, str]] = {
    "nl": (
        "We hebben een wijkmunt ingetrokken",
        (
            "Beste {name},\n\nOp {day} kreeg je van ons {amount} aan wijkmunt. Die hebben we"
            " ingetrokken. De reden: {reason}\n\n{way}Wat je nog hebt, zie je hier: {address}\n\n"
            "Groet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "We withdrew a voucher",
        (
            "Dear {name},\n\nOn {day} we issued a voucher of {amount} to you. We have withdrawn it."
            " The reason: {reason}\n\n{way}What you still have, you see here: {address}\n\n"
            "Regards,\n{cooperative}\n"
        ),
    ),
}
_GOES_BACK: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "bank": "Je krijgt het bedrag terug op je bankrekening.\n\n",
        "cash": "Je krijgt het bedrag cash terug.\n\n",
        "member_account": "Het bedrag staat weer op je rekening bij ons.\n\n",
        "fund": "",
    },
    "en": {
        "bank": "You get the amount back on your bank account.\n\n",
        "cash": "You get the amount back in cash.\n\n",
        "member_account": "The amount is back on your account with us.\n\n",
        "fund": "",
    },
}
_ISSUED = text(
    """
select v.holder_id, v.face_minor, v.issued_on, v.paid_by, s.unit from voucher v
join voucher_scheme s on s.cooperative_id = v.cooperative_id and s.id = v.scheme_id
where v.cooperative_id = :id and v.code = :code
"""
)


def voucher_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters of each kind of message about vouchers."""
    return {
        "mail.voucher-expires": lambda uow, told: _reminder(uow, told, address),
        "mail.voucher-withdrawn": lambda uow, told: _withdrawn(uow, told, address),
    }


def _reminder(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """What still holds something of the vouchers that were about to expire."""
    found = holdings_by_code(uow.session, uow.tenant, told["vouchers"])
    held = sorted((h for h in found.values() if h.balance), key=lambda h: (h.expires_on, h.id))
    if not held:
        return []
    return [
        _letter(to, held, address) for to in addressees(uow.session, uow.tenant, [told["member"]])
    ]


def _withdrawn(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """What was taken back, why, and how what was paid for it comes back."""
    row = uow.session.execute(_ISSUED, {"id": uow.tenant, "code": told["voucher"]}).one()
    letters = []
    for to in addressees(uow.session, uow.tenant, [row.holder_id]):
        subject, body = _WITHDRAWN[to.language]
        letters.append(
            Letter(
                to.email,
                subject,
                body.format(
                    name=to.first_name,
                    day=long_date(row.issued_on, to.language),
                    amount=format_amount(row.face_minor, to.language, row.unit),
                    reason=told["reason"],
                    way=_GOES_BACK[to.language][row.paid_by],
                    address=f"{address}/c/{to.cooperative_code}/wallet",
                    cooperative=to.cooperative,
                ),
            )
        )
    return letters


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
