"""Tables of settled rounds: versions of the settlement, what pledges became, requests to give."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable


class RoundSettlement(TenantTable, Base):
    """One version of a round's settlement: its entry in the ledger and its totals."""

    __tablename__ = "round_settlement"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "reversal_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
        ),
        CheckConstraint(
            "supplier_gross_cents = members_gross_cents + cooperative_gross_cents",
            name="shares_equal_the_invoice",
        ),
        CheckConstraint("version >= 1", name="version_positive"),
        ForeignKeyConstraint(
            ["cooperative_id", "uncharged_request_id"],
            ["uncharged_request.cooperative_id", "uncharged_request.id"],
            name="fk_round_settlement_uncharged_request",
        ),
        CheckConstraint(
            "uncharged_request_id is null or members_gross_cents = 0", name="uncharged_is_free"
        ),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_number: Mapped[int | None]
    """``None`` when nothing was delivered and nothing was charged: an entry has no zero lines."""
    reversal_number: Mapped[int | None]
    settled_at: Mapped[datetime]
    settled_by: Mapped[str]
    accounting_date: Mapped[date]
    supplier_gross_cents: Mapped[int]
    members_gross_cents: Mapped[int]
    cooperative_gross_cents: Mapped[int]
    reason: Mapped[str | None]
    uncharged_request_id: Mapped[int | None]
    """The approved request, where the members were not charged."""


class PledgeShare(TenantTable, Base):
    """What one pledge became in one version of the settlement, with the sum that explains it."""

    __tablename__ = "pledge_share"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id", "version"],
            [
                "round_settlement.cooperative_id",
                "round_settlement.round_id",
                "round_settlement.version",
            ],
        ),
        ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"], ["pledge.cooperative_id", "pledge.id"]
        ),
        CheckConstraint(
            "gross_cents = net_cents + freight_cents + vat_cents", name="gross_is_the_sum"
        ),
        CheckConstraint("delivered_quantity >= 0", name="delivered_not_negative"),
        Index("ix_pledge_share_cooperative_id_pledge_id", "cooperative_id", "pledge_id"),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    pledge_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivered_quantity: Mapped[int]
    net_cents: Mapped[int]
    freight_cents: Mapped[int]
    vat_cents: Mapped[int]
    gross_cents: Mapped[int]
    explanation: Mapped[dict[str, Any]] = mapped_column(JSONB)


class UnchargedRequest(TenantTable, Base):
    """A request to settle a round without charging its members, and who decided on it."""

    __tablename__ = "uncharged_request"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
        ),
        CheckConstraint("amount_cents >= 0", name="amount_not_negative"),
        CheckConstraint("length(btrim(reason)) > 0", name="reason_given"),
        CheckConstraint(
            "(decided_by is null) = (decided_at is null)"
            " and (decided_by is null) = (is_approved is null)",
            name="decided_whole",
        ),
        CheckConstraint(
            "is_approved is not true or decided_by <> asked_by", name="second_person_approves"
        ),
        Index(
            "ix_uncharged_request_one_open",
            "cooperative_id",
            "round_id",
            unique=True,
            postgresql_where=text("is_approved is distinct from false"),
        ),
    )

    id: Mapped[SurrogateKey]
    round_id: Mapped[int]
    reason: Mapped[str]
    amount_cents: Mapped[int]
    """What the cooperative would pay, deposits included, as it was shown to who asked."""
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    is_approved: Mapped[bool | None]
