"""Tables of the interchange folder: rows that are kept until their capability asks for them."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint
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
