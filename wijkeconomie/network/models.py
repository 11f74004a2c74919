"""Tables of the interchange folder: rows that are kept until their capability asks for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable


class KeptRow(TenantTable, Base):
    """A checked row of an interchange file that no capability has taken over yet.

    Kept as it was read, so that an export gives the same rows again.
    """

    __tablename__ = "kept_row"
    __table_args__ = (UniqueConstraint("cooperative_id", "file", "row_key"),)

    id: Mapped[SurrogateKey]
    file: Mapped[str]
    row_key: Mapped[str]
    cells: Mapped[dict[str, str]] = mapped_column(JSONB)


class SplitImport(TenantTable, Base):
    """An export of a small group's bills, kept from upload until it is booked or given up.

    It holds names of people as they stood in the file. They are taken out as soon as the
    bills are in the books, and after a month where they never got there.
    """

    __tablename__ = "split_import"
    __table_args__ = (
        CheckConstraint("booked_at is null or lines is null", name="names_taken_out"),
    )

    id: Mapped[SurrogateKey]
    file_name: Mapped[str]
    source: Mapped[str]
    lines: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[str]
    booked_at: Mapped[datetime | None]
