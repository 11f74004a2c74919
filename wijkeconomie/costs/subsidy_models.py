"""The table of what each subsidy pays of settlements of costs."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, TenantTable, own_key


class CostSubsidyBlock(TenantTable, Base):
    """What one subsidy pays of the shares of a block, in the order of its members.

    Over all subsidies of a settlement it comes to the block's own ``subsidy_cents``.
    """

    __tablename__ = "cost_subsidy_block"
    __table_args__ = (
        own_key("settlement_id", of="cost_settlement"),
        own_key("subsidy_id", of="subsidy"),
    )

    settlement_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subsidy_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cents: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
