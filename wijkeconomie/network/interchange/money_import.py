"""Importing bank lines: the year's contributions are charged, and each line booked on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice

from wijkeconomie.cooperatives.contributions import charge_contributions
from wijkeconomie.network.interchange.checks import fault
from wijkeconomie.network.interchange.comparing import differences
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.files import BANK_ENTRIES, COOPERATIVES
from wijkeconomie.network.interchange.outcome import RowOutcome
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.round_rows import Surroundings
from wijkeconomie.network.interchange.stored import stored_rows
from wijkeconomie.network.interchange.work import CooperativeWork, on_day, refusals_at
from wijkeconomie.payments.queries import BankLineView, unbooked_lines
from wijkeconomie.payments.rules import Mismatch, read_contribution_reference
from wijkeconomie.payments.service import (
    BankLineOutcome,
    RecordBankLine,
    book_bank_line,
    record_bank_lines,
)

BATCH = 500

_WORDS = {
    Mismatch.REFERENCE_UNKNOWN: "this is not the reference of a contribution or a participation",
    Mismatch.MEMBER_UNKNOWN: "no member has this number",
    Mismatch.NOT_CHARGED: "the member owed no contribution that year",
    Mismatch.AMOUNT_DIFFERS: "the amount is not that of the contribution",
    Mismatch.COLLECTED_ALREADY: "this contribution was collected before",
    Mismatch.NO_PARTICIPATION_WAITS: "this participation was paid or given up before",
    Mismatch.NO_ORDER_WAITS: "these vouchers were paid or given up before",
    Mismatch.NO_PAYMENT_WAITS: "no payment with this reference waits for the bank",
    Mismatch.NO_PAYMENT_TO_RETURN: "the bank made no payment with this reference, or it came back",
    Mismatch.NOTHING_TO_RETURN: "there is no collection that this could return",
}


def bank_faults(work: CooperativeWork, around: Surroundings) -> Iterator[RowError]:
    """What is wrong with bank lines beside the rest: an unknown member, a changed line."""
    for row in work.spool.rows(BANK_ENTRIES, work.code):
        reference = read_contribution_reference(row["end_to_end_id"])
        if reference is not None and reference.member_code not in around.members:
            reason = f"{work.code} has no member {reference.member_code}"
            yield fault(row, "end_to_end_id", reason)
    if work.tenant is None:
        return
    with work.begin() as uow:
        stored = {
            cells["entry_id"]: cells for cells in stored_rows(uow.session, uow.tenant, BANK_ENTRIES)
        }
    for row in work.spool.rows(BANK_ENTRIES, work.code):
        if row["entry_id"] in stored:
            yield from differences(BANK_ENTRIES, row, stored[row["entry_id"]])


def import_bank_lines(work: CooperativeWork) -> None:
    """Record the lines in order of the file, charge the contributions, book by date."""
    years: set[int] = set()
    rows = (row for row in work.spool.rows(BANK_ENTRIES, work.code) if work.is_right(row))
    while batch := list(islice(rows, BATCH)):
        with refusals_at(batch[0]), work.begin() as uow:
            new = record_bank_lines(uow, [_command(row) for row in batch])
            work.tell(BANK_ENTRIES.file, len(batch))
        work.done(BANK_ENTRIES.file, RowOutcome.IMPORTED, new)
        work.done(BANK_ENTRIES.file, RowOutcome.UNCHANGED, len(batch) - new)
        references = (read_contribution_reference(row["end_to_end_id"]) for row in batch)
        years |= {reference.year for reference in references if reference is not None}
    if not years:
        return
    [cooperative] = work.spool.rows(COOPERATIVES, work.code)
    for year in sorted(years):
        with refusals_at(cooperative), work.begin() as uow:
            charge_contributions(on_day(uow, date(year, 1, 1)), year)
    _book_lines(work)


def _book_lines(work: CooperativeWork) -> None:
    with work.begin() as uow:
        waiting = iter(unbooked_lines(uow.session, uow.tenant))
    while batch := list(islice(waiting, BATCH)):
        with work.begin() as uow:
            outcomes = [book_bank_line(on_day(uow, line.booked_on), line) for line in batch]
            work.tell(BANK_ENTRIES.file, 0)
        for line, outcome in zip(batch, outcomes, strict=True):
            _remark(work, line, outcome)


def _remark(work: CooperativeWork, line: BankLineView, outcome: BankLineOutcome) -> None:
    key = work.spool.find_key(BANK_ENTRIES.file, line.code)
    if outcome.mismatch is None or key is None:
        return
    work.outcome.remarks.append(
        RowError(
            BANK_ENTRIES.file,
            key.line,
            "end_to_end_id",
            line.end_to_end_id or "",
            f"recorded, not booked: {_WORDS[outcome.mismatch]}",
            work.code,
        )
    )


def _command(row: Row) -> RecordBankLine:
    return RecordBankLine(
        code=row["entry_id"],
        account_iban=row["account"],
        booked_on=row["booking_date"],
        amount_cents=row["cents"],
        kind=row["kind"],
        counter_iban=row["counter_iban"],
        end_to_end_id=row["end_to_end_id"],
        return_reason=row["return_reason"],
    )
