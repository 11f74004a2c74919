"""Use cases of empties: a member brings packaging back, and it goes back to its supplier."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.drafts import EntryDraft
from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.ledger.service import post_entry, reverse_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing.deposit_accounts import deposit_postings
from wijkeconomie.purchasing.deposit_models import EmptiesReturn
from wijkeconomie.purchasing.deposit_rules import sent_back_lines, taken_back_lines
from wijkeconomie.purchasing.models import Product, Supplier
from wijkeconomie.purchasing.refusals import DepositTooMuchError, ReturnUndoneError


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeEmpties:
    """Packaging that a member brings back: units of a product, or an amount."""

    member_id: int
    product_id: int | None = None
    units: int | None = None
    cents: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendEmpties:
    """Packaging that goes back to a supplier: units of a product, or an amount."""

    supplier_id: int
    product_id: int | None = None
    units: int | None = None
    cents: int | None = None
    note: str = ""


def take_empties(uow: UnitOfWork, command: TakeEmpties) -> int:
    """Credit a member for packaging that he brings back; returns the number of the return.

    Raises:
        NotFoundError: no such member or product. InvalidInputError: nothing is brought back.
        DepositTooMuchError: the member paid less in deposits than that.
        ClosedPeriodError: this month is closed.
    """
    require_permission(uow.identity, "stock.change")
    member = uow.session.scalar(
        select(Member)
        .where(Member.cooperative_id == uow.tenant, Member.id == command.member_id)
        .with_for_update()
    )
    if member is None:
        raise NotFoundError(f"there is no member {command.member_id}", member_id=command.member_id)
    cents = _amount(uow, command)
    left = -ledger.party_balance(uow.session, uow.tenant, "member_deposits", member.code)
    _require_left(cents, left)
    row = EmptiesReturn(member_id=member.id)
    return _book(uow, row, command, cents, ("returned", taken_back_lines(cents, member.code)))


def send_empties(uow: UnitOfWork, command: SendEmpties) -> int:
    """Book packaging that goes back to its supplier: he is owed less; the number of the return.

    Raises:
        NotFoundError: no such supplier or product. InvalidInputError: nothing goes back.
        DepositTooMuchError: less was paid to him in deposits than that.
        ClosedPeriodError: this month is closed.
    """
    require_permission(uow.identity, "stock.change")
    supplier = uow.session.scalar(
        select(Supplier)
        .where(Supplier.cooperative_id == uow.tenant, Supplier.id == command.supplier_id)
        .with_for_update()
    )
    if supplier is None:
        raise NotFoundError(
            f"there is no supplier {command.supplier_id}", supplier_id=command.supplier_id
        )
    cents = _amount(uow, command)
    left = ledger.party_balance(uow.session, uow.tenant, "packaging", supplier.code)
    _require_left(cents, left)
    row = EmptiesReturn(supplier_id=supplier.id)
    return _book(uow, row, command, cents, ("credited", sent_back_lines(cents, supplier.code)))


def undo_return(uow: UnitOfWork, return_id: int, reason: str) -> None:
    """Turn back a return that was typed wrong; its entry stays, and the reversal names it.

    Raises:
        NotFoundError: no such return. ReturnUndoneError: it was turned back before.
        InvalidInputError: no reason. ClosedPeriodError: this month is closed.
    """
    require_permission(uow.identity, "stock.change")
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")
    row = uow.session.get(EmptiesReturn, (uow.tenant, return_id), with_for_update=True)
    if row is None:
        raise NotFoundError(f"there is no return {return_id}", return_id=return_id)
    if row.reversal_number is not None:
        raise ReturnUndoneError(f"return {return_id} was turned back", number=return_id)
    row.reversal_number = reverse_entry(
        uow,
        row.entry_number,
        accounting_date=local_date(uow.now, LOCAL_TIME),
        idempotency_key=f"empties/{return_id}/undone",
        description=f"Return of packaging {return_id} reversed",
    ).number
    uow.session.flush()
    record_change(
        uow, subject=f"empties/{return_id}", action="return-undone", reason=reason.strip()
    )


def _amount(uow: UnitOfWork, command: TakeEmpties | SendEmpties) -> int:
    """The amount that was said, or the deposit on the units of a product."""
    if (command.product_id is None) != (command.units is None):
        raise InvalidInputError("name the product and how many", field="units")
    if (command.cents is None) == (command.units is None):
        raise InvalidInputError("give units or an amount", field="amount")
    if command.product_id is None:
        cents = command.cents or 0
    else:
        product = uow.session.get(Product, (uow.tenant, command.product_id))
        if product is None:
            raise NotFoundError(
                f"there is no product {command.product_id}", product_id=command.product_id
            )
        cents = (command.units or 0) * product.deposit_cents
    if cents < 1:
        field = "amount" if command.product_id is None else "units"
        raise InvalidInputError("nothing comes back", field=field)
    return cents


def _require_left(cents: int, left: int) -> None:
    if cents > left:
        raise DepositTooMuchError(
            f"{cents} cents of deposits come back, and {left} were paid",
            cents=cents,
            left_cents=left,
        )


def _book(
    uow: UnitOfWork,
    row: EmptiesReturn,
    command: TakeEmpties | SendEmpties,
    cents: int,
    entry: tuple[str, tuple[EntryLine, ...]],
) -> int:
    kind, lines = entry
    on = local_date(uow.now, LOCAL_TIME)
    # Whoever holds the party's row is alone; the books number what two parties do at once.
    count = uow.session.scalar(
        select(func.count()).where(
            EmptiesReturn.cooperative_id == uow.tenant,
            EmptiesReturn.member_id == row.member_id
            if row.member_id is not None
            else EmptiesReturn.supplier_id == row.supplier_id,
        )
    )
    party = f"member/{row.member_id}" if row.member_id else f"supplier/{row.supplier_id}"
    draft = EntryDraft(
        accounting_date=on,
        kind=f"deposit.{kind}",
        source=f"empties/{party}/{(count or 0) + 1}",
        description=f"Packaging {kind}",
        idempotency_key=f"empties/{party}/{(count or 0) + 1}",
        postings=deposit_postings(uow, lines),
    )
    row.cooperative_id = uow.tenant
    row.product_id, row.units, row.cents = command.product_id, command.units, cents
    row.note = command.note.strip() or None
    row.returned_on, row.entry_number = on, post_entry(uow, draft).number
    row.recorded_at, row.recorded_by = uow.now, uow.actor
    uow.session.add(row)
    uow.session.flush()
    return row.id
