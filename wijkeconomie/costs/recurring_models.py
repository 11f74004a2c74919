"""The table of what recurring costs are from a month on."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, TenantTable, own_key


class RecurringCostTerms(TenantTable, Base):
    """What a recurring cost is from a month on, where it is not what it was at first."""

    __tablename__ = "recurring_cost_terms"
    __table_args__ = (
        own_key("recurring_id", of="recurring_cost"),
        own_key("key_id", of="allocation_key"),
        CheckConstraint("gross_cents = net_cents + vat_cents", name="gross_is_sum"),
        CheckConstraint("extract(day from from_month) = 1", name="from_first_day"),
    )

    recurring_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_month: Mapped[date] = mapped_column(primary_key=True)
    key_id: Mapped[int]
    net_cents: Mapped[int]
    vat_cents: Mapped[int]
    gross_cents: Mapped[int]
    vat_basis_points: Mapped[int | None]
