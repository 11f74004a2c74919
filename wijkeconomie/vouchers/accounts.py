"""The accounts of vouchers in a cooperative's books, and how it stands to tax."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import cast

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import PostingDraft
from wijkeconomie.ledger.queries import control_accounts
from wijkeconomie.ledger.service import ensure_account, open_books
from wijkeconomie.money.vat import standard_rates_on
from wijkeconomie.vouchers.entry_rules import EURO, Line, Tax, VatRegime

OUTSTANDING = "vouchers_outstanding"
COUNTERPART = "voucher_counterpart"


def open_voucher_accounts(uow: UnitOfWork, unit: str) -> dict[str, tuple[str, int]]:
    """The control accounts in a unit, code and id by key; opened where they are missing.

    Books that were opened before the chart had vouchers get its new lines; a local unit gets
    what vouchers take and nothing else.
    """
    found = control_accounts(uow.session, uow.tenant, unit=unit)
    if OUTSTANDING not in found:
        chart = load_chart()
        if unit != EURO:
            chart = tuple(line for line in chart if line.key in {OUTSTANDING, COUNTERPART})
        open_books(uow, chart, unit=unit)
        found = control_accounts(uow.session, uow.tenant, unit=unit)
    return found


def vat_regime(uow: UnitOfWork) -> VatRegime:
    """Whether the cooperative charges tax."""
    regime = uow.session.scalars(
        select(Cooperative.vat_regime).where(Cooperative.id == uow.tenant)
    ).one()
    return cast(VatRegime, regime)


def tax_of(unit: str, basis_points: int | None, regime: VatRegime, on: date) -> Tax:
    """How a scheme of this unit and rate stands to tax on a day."""
    return Tax(unit, basis_points, regime, standard_rates_on(on) if basis_points else {})


def postings(uow: UnitOfWork, lines: Iterable[Line], unit: str) -> list[PostingDraft]:
    """Lines with the codes of their accounts; a party's part is opened if new."""
    return [
        PostingDraft(
            ensure_account(uow, line.account_key, line.party, unit=unit), line.amount, unit
        )
        for line in lines
    ]
