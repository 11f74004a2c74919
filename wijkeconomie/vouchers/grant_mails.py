"""Letters about carers' grants: a round has opened, a grant was paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from wijkeconomie.cooperatives.addressees import addressees
from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import Renderer
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.vouchers.grant_models import GrantPayout

_OPENED: Mapping[str, tuple[str, str]] = {
    "nl": (
        "Je kunt mantelzorgwaardering aanvragen",
        (
            "Beste {name},\n\nZorg je voor iemand? Je kunt tot en met {day} een bedrag aanvragen:"
            " {round}, van {grantor}.\n\nAanvragen doe je hier: {address}\n\nHeb je geen computer"
            " of telefoon bij de hand? De coördinator vult het graag met je in.\n\nGroet,\n"
            "{cooperative}\n"
        ),
    ),
    "en": (
        "You can apply for a carer's grant",
        (
            "Dear {name},\n\nDo you care for someone? Until {day} inclusive you can apply for a"
            " grant: {round}, from {grantor}.\n\nYou apply here: {address}\n\nNo computer or phone"
            " at hand? The coordinator will fill it in with you.\n\nRegards,\n{cooperative}\n"
        ),
    ),
}
_WAYS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "account": "Het staat op je rekening bij ons.",
        "bank": "We hebben het overgemaakt naar je bankrekening.",
        "ordered": "We hebben de bank gevraagd het over te maken naar je bankrekening.",
        "voucher": "Het staat als wijkmunt in je portemonnee.",
    },
    "en": {
        "account": "It is on your account with us.",
        "bank": "We transferred it to your bank account.",
        "ordered": "We asked the bank to transfer it to your bank account.",
        "voucher": "It is in your wallet as a voucher.",
    },
}
_PAID: Mapping[str, tuple[str, str]] = {
    "nl": (
        "Je mantelzorgwaardering is betaald",
        (
            "Beste {name},\n\nBedankt voor je zorg. Je krijgt {amount}: {round}, van {grantor}."
            " {way}\n\nJe ziet het hier: {address}\n\nGroet,\n{cooperative}\n"
        ),
    ),
    "en": (
        "Your carer's grant was paid",
        (
            "Dear {name},\n\nThank you for your care. You get {amount}: {round}, from {grantor}."
            " {way}\n\nYou see it here: {address}\n\nRegards,\n{cooperative}\n"
        ),
    ),
}
_COMING: Mapping[str, str] = {
    "nl": "Je mantelzorgwaardering komt eraan",
    "en": "Your carer's grant is on its way",
}
_ROUND = text(
    "select code, name, grantor, closes_on, state from grant_round"
    " where cooperative_id = :id and code = :code"
)
_GRANTED = text(
    """
select a.member_id, a.payout, a.granted_cents, r.name, r.grantor
from grant_application a
join grant_round r on r.cooperative_id = a.cooperative_id and r.id = a.round_id
where a.cooperative_id = :id and a.id = :application and a.member_id is not null
  and a.granted_cents is not null
"""
)


def grant_mails(address: str) -> Mapping[str, Renderer]:
    """What makes the letters of each kind of message about carers' grants."""
    return {
        "mail.grant-opened": lambda uow, told: _opened(uow, told, address),
        "mail.grant-paid": lambda uow, told: _paid(uow, told, address),
    }


def _opened(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """Nothing when the window has closed before the letter could go."""
    row = uow.session.execute(_ROUND, {"id": uow.tenant, "code": told["round"]}).one_or_none()
    if row is None or row.state != "open":
        return []
    letters = []
    for to in addressees(uow.session, uow.tenant, [told["member"]]):
        subject, body = _OPENED[to.language]
        letters.append(
            Letter(
                to.email,
                subject,
                body.format(
                    name=to.first_name,
                    day=long_date(row.closes_on, to.language),
                    round=row.name,
                    grantor=row.grantor,
                    address=f"{address}/c/{to.cooperative_code}/grants/{row.code}/apply",
                    cooperative=to.cooperative,
                ),
            )
        )
    return letters


def _paid(uow: UnitOfWork, told: Mapping[str, Any], address: str) -> Sequence[Letter]:
    """Nothing when who applied has been erased; what the bank was asked is not said to be paid."""
    values = {"id": uow.tenant, "application": told["application"]}
    row = uow.session.execute(_GRANTED, values).one_or_none()
    if row is None:
        return []
    letters = []
    for to in addressees(uow.session, uow.tenant, [row.member_id]):
        subject, body = _PAID[to.language]
        way = row.payout
        if way == GrantPayout.BANK and told.get("ordered"):
            subject, way = _COMING[to.language], "ordered"
        letters.append(
            Letter(
                to.email,
                subject,
                body.format(
                    name=to.first_name,
                    amount=format_amount(row.granted_cents, to.language),
                    round=row.name,
                    grantor=row.grantor,
                    way=_WAYS[to.language][way],
                    address=f"{address}/c/{to.cooperative_code}/grants",
                    cooperative=to.cooperative,
                ),
            )
        )
    return letters
