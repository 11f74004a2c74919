"""The accounts of deposits, with their limits: nobody gets back more than he paid."""

from __future__ import annotations

from collections.abc import Mapping

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.drafts import PostingDraft
from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.ledger.party_limits import limit_parties
from wijkeconomie.ledger.queries import control_codes
from wijkeconomie.ledger.service import open_books
from wijkeconomie.purchasing.accounts import account_codes


def deposit_postings(uow: UnitOfWork, lines: tuple[EntryLine, ...]) -> tuple[PostingDraft, ...]:
    """The postings of an entry of deposits; accounts are opened and limited where they are new."""
    if "packaging" not in control_codes(uow.session, uow.tenant):
        open_books(uow, load_chart())  # books of an earlier time lack the accounts
    codes: Mapping[tuple[str, str | None], str] = account_codes(uow, lines)
    limit_parties(uow, "member_deposits", maximum=0)
    limit_parties(uow, "packaging", minimum=0)
    return tuple(
        PostingDraft(codes[line.account_key, line.party], line.amount_cents) for line in lines
    )
