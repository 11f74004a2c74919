"""Tables of cooperatives, members and logins."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wijkeconomie.core.models import Base, SurrogateKey, TenantTable


class Federation(Base):
    """The city cooperative of which the cooperatives are members; one row."""

    __tablename__ = "federation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default="1")
    name: Mapped[str]
    city: Mapped[str]
    currency: Mapped[str]
    year: Mapped[int]


class Cooperative(Base):
    """A cooperative: the tenant, and a line of the federation's public overview."""

    __tablename__ = "cooperative"
    __table_args__ = (
        CheckConstraint("liability in ('WA', 'BA', 'UA')", name="liability_known"),
        CheckConstraint("vat_regime in ('regulier', 'kor')", name="vat_regime_known"),
        CheckConstraint("code ~ '^[A-Za-z0-9-]{1,20}$'", name="code_plain"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    neighbourhood: Mapped[str]
    liability: Mapped[str]
    liability_cap_cents: Mapped[int | None]
    vat_regime: Mapped[str]
    kvk: Mapped[str]
    iban: Mapped[str]
    creditor_id: Mapped[str]
    founded_on: Mapped[date]
    contribution_year_cents: Mapped[int]
    share_price_cents: Mapped[int]
    vote_rule: Mapped[str]
    default_credit_limit_cents: Mapped[int] = mapped_column(server_default="0", default=0)
    """How far below zero a member's account may go before pledges are refused; see settings."""
    enforces_credit_limit: Mapped[bool] = mapped_column(server_default=text("false"), default=False)


class Login(Base):
    """Someone who can sign in; one login may serve several cooperatives."""

    __tablename__ = "login"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower_case"),)

    id: Mapped[SurrogateKey]
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    display_name: Mapped[str]
    language: Mapped[str] = mapped_column(server_default="nl", default="nl")
    is_platform: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    session_version: Mapped[int] = mapped_column(server_default="1", default=1)
    created_at: Mapped[datetime]


class Member(TenantTable, Base):
    """A member of a cooperative; ``code`` is the member number, which is all the ledger knows."""

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "code"),
        UniqueConstraint("cooperative_id", "login_id"),
        CheckConstraint("left_on is null or left_on >= joined_on", name="left_after_joining"),
        CheckConstraint("share_units >= 0", name="share_units_not_negative"),
        CheckConstraint("credit_limit_cents >= 0", name="credit_limit_not_negative"),
    )

    id: Mapped[SurrogateKey]
    code: Mapped[str]
    login_id: Mapped[int | None] = mapped_column(ForeignKey("login.id"))
    initials: Mapped[str]
    first_name: Mapped[str]
    infix: Mapped[str | None]
    last_name: Mapped[str]
    street: Mapped[str]
    house_number: Mapped[str]
    house_addition: Mapped[str | None]
    postcode: Mapped[str]
    city: Mapped[str]
    country: Mapped[str] = mapped_column(server_default="NL", default="NL")
    email: Mapped[str | None]
    iban: Mapped[str | None]
    mandate_id: Mapped[str | None]
    mandate_signed_on: Mapped[date | None]
    joined_on: Mapped[date]
    left_on: Mapped[date | None]
    share_units: Mapped[int]
    household_size: Mapped[int | None]
    dwelling_m2: Mapped[int | None]
    income_band: Mapped[str | None]
    is_caregiver: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    language: Mapped[str] = mapped_column(server_default="nl", default="nl")
    credit_limit_cents: Mapped[int | None]
    """His own limit; ``None`` is that of the cooperative."""


class RoleGrant(TenantTable, Base):
    """A role that a login has in a cooperative, beside being a member (or not)."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint(
            "role in ('member', 'coordinator', 'treasurer', 'accountant', 'board', 'care',"
            " 'merchant')",
            name="role_known",
        ),
        Index("ix_role_grant_login_id", "login_id"),
    )

    login_id: Mapped[int] = mapped_column(ForeignKey("login.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    granted_at: Mapped[datetime]
    granted_by: Mapped[str]


class Invitation(TenantTable, Base):
    """A link by which someone gets a login with roles; only a hash of its token is kept."""

    __tablename__ = "invitation"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cooperative_id", "member_id"], ["member.cooperative_id", "member.id"]
        ),
        UniqueConstraint("cooperative_id", "token_hash"),
    )

    id: Mapped[SurrogateKey]
    token_hash: Mapped[str]
    email: Mapped[str]
    display_name: Mapped[str]
    roles: Mapped[str]
    member_id: Mapped[int | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class ApiToken(Base):
    """A bearer token of a login; only a hash of it is kept."""

    __tablename__ = "api_token"
    __table_args__ = (
        CheckConstraint("scope in ('read', 'write')", name="scope_known"),
        Index("ix_api_token_login_id", "login_id"),
    )

    id: Mapped[SurrogateKey]
    login_id: Mapped[int] = mapped_column(ForeignKey("login.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    scope: Mapped[str]
    created_at: Mapped[datetime]
    last_used_on: Mapped[date | None]
    revoked_at: Mapped[datetime | None]
