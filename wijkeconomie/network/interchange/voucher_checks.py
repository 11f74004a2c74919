"""Checks of vouchers and redemptions that take more than one row, or what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.network.interchange.checks import fault
from wijkeconomie.network.interchange.comparing import differences
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.files import MERCHANTS, VOUCHER_REDEMPTIONS, VOUCHERS
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.stored import stored_rows
from wijkeconomie.network.interchange.work import CooperativeWork

VOUCHER_LAYOUTS = (MERCHANTS, VOUCHERS, VOUCHER_REDEMPTIONS)


def stored_voucher_faults(work: CooperativeWork, uow: UnitOfWork) -> Iterator[RowError]:
    """Where rows differ from what is stored under the same key."""
    for layout in VOUCHER_LAYOUTS:
        stored = {
            layout.key_of(cells): cells for cells in stored_rows(uow.session, uow.tenant, layout)
        }
        for row in work.spool.rows(layout, work.code):
            if (known := stored.get(layout.key_of(row.cells))) is not None:
                yield from differences(layout, row, known)


def voucher_faults(work: CooperativeWork) -> Iterator[RowError]:
    """Rows that contradict each other, or that no use case could take."""
    issued: dict[str, date] = {}
    for row in work.spool.rows(VOUCHERS, work.code):
        issued[row["voucher_id"]] = row["issued_on"]
        if not row["face_cents"]:
            yield fault(row, "face_cents", "a voucher has a value")
    attempts: dict[str, Row] = {}
    by_request: dict[str, Row] = {}
    for row in work.spool.rows(VOUCHER_REDEMPTIONS, work.code):
        if not row["cents"]:
            yield fault(row, "cents", "an attempt to redeem is for something")
        if row["redeemed_on"] < issued.get(row["voucher_id"], date.min):
            yield fault(row, "redeemed_on", "the voucher was not issued yet")
        first = attempts.setdefault(row["redemption_id"], row)
        if first.cells != row.cells:
            reason = f"line {first.line} tells something else of this redemption"
            yield fault(row, "redemption_id", reason)
        asked = by_request.setdefault(row["idempotency_key"], row)
        if asked.cells != row.cells and asked is not first:
            reason = f"line {asked.line} has this key for another request"
            yield fault(row, "idempotency_key", reason)
