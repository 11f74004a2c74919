"""Rows that repeat an attempt to redeem: answered again, and written out again in their place.

A retry books nothing, so nothing of it is in the books. It is kept with the attempt that came
before it in its file, so that an export gives the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from wijkeconomie.network.interchange.files import VOUCHER_REDEMPTIONS
from wijkeconomie.network.interchange.stored import Cells, kept_rows, stored_rows

AFTER = "after"
"""Under this name a kept retry tells which attempt came before it."""


def kept_retries(session: Session, cooperative_id: int) -> dict[str, Cells]:
    """The retries by their keys, as in ``V00001-1#2``, in order of arrival."""
    file = VOUCHER_REDEMPTIONS.file
    return {key: cells for key, cells in kept_rows(session, cooperative_id, file) if "#" in key}


def rows_with_retries(session: Session, cooperative_id: int) -> Iterator[Cells]:
    """The attempts with their retries, in the order in which they arrived."""
    following: dict[str, list[Cells]] = {}
    key_column = VOUCHER_REDEMPTIONS.key[0]
    for cells in kept_retries(session, cooperative_id).values():
        row = {name: cells.get(name, "") for name in VOUCHER_REDEMPTIONS.names}
        following.setdefault(cells.get(AFTER, row[key_column]), []).append(row)
    for row in stored_rows(session, cooperative_id, VOUCHER_REDEMPTIONS):
        yield row
        yield from following.get(row[key_column], [])
