"""The accounts of projects in the books: which they are, and that they never pass zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.models import Instrument
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.queries import control_codes, party_codes
from wijkeconomie.ledger.service import (
    ensure_account,
    ensure_accounts,
    open_books,
    set_balance_limit,
)

DEPOSITS = "participation_deposits"
OWED = "owed_to_members"
INSTALLATIONS = "installations"
DEPRECIATED = "depreciation_of_installations"
DEPRECIATION = "depreciation"
DISPOSAL_RESULT = "disposal_result"
RESULT_TO_MEMBERS = "payments_to_members"
RESULT_OF_YEAR = "result_of_year"

CAPITAL: Mapping[Instrument, str] = {
    Instrument.EQUITY: "members_capital",
    Instrument.SUBORDINATED: "subordinated_loans",
    Instrument.LOAN: "member_loans",
}


def units_party(project_code: str, member_code: str) -> str:
    """The part of an account that is one member's in one project: ``ZON-1/L0001``."""
    return f"{project_code}/{member_code}"


def credit_accounts(uow: UnitOfWork, key: str, parties: Sequence[str]) -> Mapping[str, str]:
    """Codes of accounts that are credited before they are debited, by party.

    The database refuses to carry one of them past zero: nobody is given back what he did not
    pay, whatever the program decides.
    """
    open_new_lines(uow, key)
    known = party_codes(uow.session, uow.tenant, key, list(parties))
    codes = ensure_accounts(uow, key, list(dict.fromkeys(parties)))
    for party in sorted(codes.keys() - known.keys()):
        set_balance_limit(uow, codes[party], maximum=0)
    return codes


def installations_account(uow: UnitOfWork, project_code: str) -> str:
    """The account of what a project's assets cost.

    The database refuses to carry it below zero: nothing leaves the books that was not in them.
    """
    code = debit_account(uow, INSTALLATIONS, project_code)
    set_balance_limit(uow, code, minimum=0)
    return code


def debit_account(uow: UnitOfWork, key: str, party: str | None = None) -> str:
    """The code of any other account, or of one party's part of it."""
    open_new_lines(uow, key)
    return ensure_account(uow, key, party)


def open_new_lines(uow: UnitOfWork, key: str) -> None:
    """Open what the chart has and books that were opened before it did not have."""
    if key not in control_codes(uow.session, uow.tenant):
        open_books(uow, load_chart())
