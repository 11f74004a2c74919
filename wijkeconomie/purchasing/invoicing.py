"""Use cases of the supplier's invoice for a round: entering it, and withdrawing a wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.delivery_models import SupplierInvoice
from wijkeconomie.purchasing.locking import locked_round
from wijkeconomie.purchasing.models import PurchaseRound, RoundState
from wijkeconomie.purchasing.refusals import InvoiceKnownError, RoundStateError

_VALUES = ("code", "invoiced_on", "net_cents", "vat_cents", "gross_cents", "deposit_cents", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordInvoice:
    """The supplier's invoice for a round, as it is on paper; gross is net plus VAT."""

    round_id: int
    code: str
    invoiced_on: date
    net_cents: int
    vat_cents: int
    note: str | None = None
    deposit_cents: int | None = None
    """Deposits on packaging, beside the gross amount; ``None``: those of what came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawInvoice:
    """Take back the invoice of a round that is not settled, and why: it was of another round."""

    round_id: int
    reason: str


def record_invoice(uow: UnitOfWork, command: RecordInvoice) -> None:
    """Record the supplier's invoice; one that was entered before is withdrawn for it.

    Raises:
        RoundStateError: the round has not been ordered, or is settled (then correct it).
        InvalidInputError: no number, a negative amount, or a date that has not come.
        InvoiceKnownError: another round has an invoice with this number.
    """
    require_permission(uow.identity, "round.settle")
    write_invoice(uow, _round_with_invoice(uow, command.round_id), command)


def withdraw_invoice(uow: UnitOfWork, command: WithdrawInvoice) -> None:
    """Take back the invoice of a round, as if it had not come; the audit trail keeps it.

    Raises:
        RoundStateError: the round has not been ordered, or is settled (then correct it).
        NotFoundError: there is no invoice.
        InvalidInputError: no reason is given.
    """
    require_permission(uow.identity, "round.settle")
    reason = command.reason.strip()
    if not reason:
        raise InvalidInputError("say why the invoice is taken back", field="withdraw_reason")
    found = _round_with_invoice(uow, command.round_id)
    standing = _standing(uow, found)
    if standing is None:
        raise NotFoundError(f"round {found.code} has no invoice", round=found.code)
    standing.withdrawn_at = uow.now
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="invoice-withdrawn",
        before=_plain(standing),
        reason=reason,
    )


def _round_with_invoice(uow: UnitOfWork, round_id: int) -> PurchaseRound:
    """The round, held, while its invoice may be entered or taken back."""
    found = locked_round(uow, round_id)
    allowed = (RoundState.ORDERED, RoundState.RECEIVED, RoundState.ALLOCATED)
    if found.state not in {state.value for state in allowed}:
        raise RoundStateError(
            f"round {found.code} is {found.state}; an invoice is entered once it is ordered",
            round=found.code,
            state=found.state,
            step="invoice",
            needed="ordered",
        )
    return found


def _standing(uow: UnitOfWork, found: PurchaseRound) -> SupplierInvoice | None:
    return uow.session.scalar(
        select(SupplierInvoice).where(
            SupplierInvoice.cooperative_id == uow.tenant,
            SupplierInvoice.round_id == found.id,
            SupplierInvoice.withdrawn_at.is_(None),
        )
    )


def write_invoice(uow: UnitOfWork, found: PurchaseRound, command: RecordInvoice) -> None:
    """Write the invoice of a round that the caller holds; as :func:`record_invoice` besides."""
    _check_invoice(uow, command)
    code = command.code.strip()
    if uow.session.scalar(
        select(SupplierInvoice.id).where(
            SupplierInvoice.cooperative_id == uow.tenant,
            SupplierInvoice.supplier_id == found.supplier_id,
            SupplierInvoice.code == code,
            SupplierInvoice.round_id != found.id,
            SupplierInvoice.withdrawn_at.is_(None),
        )
    ):
        raise InvoiceKnownError(f"invoice {code} was entered for another round", invoice=code)
    invoice = SupplierInvoice(
        cooperative_id=uow.tenant,
        round_id=found.id,
        supplier_id=found.supplier_id,
        code=code,
        invoiced_on=command.invoiced_on,
        net_cents=command.net_cents,
        vat_cents=command.vat_cents,
        gross_cents=command.net_cents + command.vat_cents,
        deposit_cents=command.deposit_cents,
        note=command.note,
    )
    standing = _standing(uow, found)
    before = None if standing is None else _plain(standing)
    if before == _plain(invoice):
        return
    if standing is not None:
        standing.withdrawn_at = uow.now
        uow.session.flush()
    uow.session.add(invoice)
    uow.session.flush()
    record_change(
        uow,
        subject=f"round/{found.id}",
        action="invoice-recorded",
        before=before,
        after=_plain(invoice),
    )


def _plain(invoice: SupplierInvoice) -> dict[str, object]:
    """What is on paper, as the audit trail keeps it."""
    values = {name: getattr(invoice, name) for name in _VALUES}
    return values | {"invoiced_on": invoice.invoiced_on.isoformat()}


def _check_invoice(uow: UnitOfWork, command: RecordInvoice) -> None:
    if not command.code.strip():
        raise InvalidInputError("give the number of the invoice", field="code")
    for name in ("net_cents", "vat_cents", "deposit_cents"):
        if (getattr(command, name) or 0) < 0:
            raise InvalidInputError("an amount is not negative", field=name)
    if command.invoiced_on > local_date(uow.now, LOCAL_TIME):
        raise InvalidInputError("this day has not come yet", field="invoiced_on")
