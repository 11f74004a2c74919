"""Tables of orders: vouchers that members buy and pay by bank."""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable, one_of, own_key


class OrderState(enum.StrEnum):
    """How an order stands: it waits for its payment, was paid, or was given up."""

    OPEN = "open"
    PAID = "paid"
    GIVEN_UP = "given_up"


class VoucherOrder(TenantTable, Base):
    """An order of a member; ``code`` is the reference by which he pays it."""

    __tablename__ = "voucher_order"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        own_key("member_id", of="member"),
        own_key("scheme_id", of="voucher_scheme"),
        CheckConstraint(one_of("state", OrderState), name="state_known"),
        CheckConstraint("cents between 1 and 100000", name="cents_of_an_order"),
        CheckConstraint(
            "(state = 'paid') = (paid_on is not null and entry_number is not null"
            " and voucher_code is not null)",
            name="paid_with_a_voucher",
        ),
        Index("ix_voucher_order_cooperative_id_member_id", "cooperative_id", "member_id"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    member_id: Mapped[int]
    scheme_id: Mapped[int]
    cents: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="open", default="open")
    ordered_on: Mapped[date]
    ordered_at: Mapped[datetime]
    paid_on: Mapped[date | None]
    entry_number: Mapped[int | None]
    voucher_code: Mapped[str | None]
