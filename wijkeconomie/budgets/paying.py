"""The use case of saying which body pays a budget."""

from __future__ import annotations

from sqlalchemy import select

from wijkeconomie.budgets.access import open_record, write_trail
from wijkeconomie.budgets.keeping import find_budget
from wijkeconomie.budgets.models import CareDeclaration
from wijkeconomie.budgets.refusals import PayerFixedError
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork


def name_payer(uow: UnitOfWork, budget_id: int, payer_name: str) -> None:
    """Write down which body pays a budget: for the Zvw the insurer, for other laws the SVB.

    Month lists are made for one body. So who pays stays as it is once hours of the budget stand
    on a list; only a budget of which nobody said it can still be told.

    Raises:
        NotFoundError: no such budget, or not one of the administrator's cooperative.
        InvalidInputError: no name.
        PayerFixedError: hours of it went to another body.
    """
    name = payer_name.strip()
    if not name:
        raise InvalidInputError("say who pays", field="payer_name")
    open_record(uow, "budget-opened", "budget", budget_id)
    budget = find_budget(uow, budget_id)
    if budget.payer_name == name:
        return
    if budget.payer_name is not None and _is_listed(uow, budget_id):
        raise PayerFixedError(f"hours of {budget.code} went to {budget.payer_name}")
    budget.payer_name = name
    uow.session.flush()
    write_trail(uow, "payer-named", holder_id=budget.holder_id, subject=budget.code, reason=name)


def _is_listed(uow: UnitOfWork, budget_id: int) -> bool:
    found = uow.session.scalar(
        select(CareDeclaration.id)
        .where(
            CareDeclaration.cooperative_id == uow.tenant,
            CareDeclaration.budget_id == budget_id,
            CareDeclaration.list_id.is_not(None),
        )
        .limit(1)
    )
    return found is not None
