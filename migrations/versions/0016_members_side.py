"""Shared links of rounds, calendars, a member's own credit limit, and costs that a member paid.

Revision ID: 0016_members_side
Revises: 0013_products
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0016_members_side"
down_revision = "0013_products"
branch_labels = None
depends_on = None

_ONE_CREDITOR = "paid_by_member_id is null or (supplier_code is null and recurring_id is null)"


def upgrade() -> None:
    op.add_column("member", sa.Column("credit_limit_cents", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_member_credit_limit_not_negative"), "member", "credit_limit_cents >= 0"
    )
    op.add_column(
        "allocation_key",
        sa.Column("is_small_group", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("shared_cost", sa.Column("paid_by_member_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_shared_cost_cooperative_id_paid_by_member_id_member"),
        "shared_cost",
        "member",
        ["cooperative_id", "paid_by_member_id"],
        ["cooperative_id", "id"],
    )
    op.create_check_constraint(op.f("ck_shared_cost_one_creditor"), "shared_cost", _ONE_CREDITOR)
    for create in (_cost_repayment, _round_link, _calendar_feed, _split_import):
        create()


def downgrade() -> None:
    for table in ("split_import", "calendar_feed", "round_link", "cost_repayment"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_shared_cost_one_creditor"), "shared_cost", type_="check")
    op.drop_constraint(
        op.f("fk_shared_cost_cooperative_id_paid_by_member_id_member"),
        "shared_cost",
        type_="foreignkey",
    )
    op.drop_column("shared_cost", "paid_by_member_id")
    op.drop_column("allocation_key", "is_small_group")
    op.drop_constraint(op.f("ck_member_credit_limit_not_negative"), "member", type_="check")
    op.drop_column("member", "credit_limit_cents")


def _tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["cooperative_id"],
        ["cooperative.id"],
        name=op.f(f"fk_{table}_cooperative_id_cooperative"),
    )


def _own(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["cooperative_id", column],
        [f"{referred}.cooperative_id", f"{referred}.id"],
        name=op.f(f"fk_{table}_cooperative_id_{column}_{referred}"),
    )


def _protect(table: str) -> None:
    for statement in protect_tenant_table(table, rights="select, insert, update"):
        op.execute(statement)


def _cost_repayment() -> None:
    table = "cost_repayment"
    op.create_table(
        table,
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("paid_by_member_id", sa.BigInteger(), nullable=False),
        sa.Column("paid_to_member_id", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cents > 0", name=op.f("ck_cost_repayment_cents_positive")),
        sa.CheckConstraint(
            "paid_by_member_id <> paid_to_member_id", name=op.f("ck_cost_repayment_between_two")
        ),
        _tenant(table),
        _own(table, "paid_by_member_id", "member"),
        _own(table, "paid_to_member_id", "member"),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_cost_repayment")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_cost_repayment_cooperative_id_code")
        ),
    )
    _protect(table)


def _round_link() -> None:
    table = "round_link"
    op.create_table(
        table,
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shared_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        _tenant(table),
        _own(table, "round_id", "purchase_round"),
        sa.PrimaryKeyConstraint("cooperative_id", "round_id", name=op.f("pk_round_link")),
        sa.UniqueConstraint(
            "cooperative_id", "token", name=op.f("uq_round_link_cooperative_id_token")
        ),
    )
    _protect(table)


def _calendar_feed() -> None:
    table = "calendar_feed"
    op.create_table(
        table,
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _tenant(table),
        _own(table, "member_id", "member"),
        sa.PrimaryKeyConstraint("cooperative_id", "member_id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint(
            "cooperative_id", "token_hash", name=op.f("uq_calendar_feed_cooperative_id_token_hash")
        ),
    )
    _protect(table)


def _split_import() -> None:
    table = "split_import"
    op.create_table(
        table,
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "booked_at is null or lines is null", name=op.f("ck_split_import_names_taken_out")
        ),
        _tenant(table),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_split_import")),
    )
    _protect(table)
