"""Deadlines with what happens on a miss, top-up phases, repeating rounds, settling uncharged.

Revision ID: 0013_deadlines
Revises: 0012_vouchers
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0013_deadlines"
down_revision = "0012_vouchers"
branch_labels = None
depends_on = None

# Whoever settles: a round is settled by a settlement, and one that charges nobody for goods
# that somebody else paid for carries the approval of a second person.
_GUARD = """
create function round_settled_by_settlement() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public as $$
begin
  if not exists (
    select from round_settlement s
    left join uncharged_request u on u.cooperative_id = s.cooperative_id
      and u.id = s.uncharged_request_id
    where s.cooperative_id = new.cooperative_id and s.round_id = new.id
      and s.version = new.settlement_version
      and (s.uncharged_request_id is null or (u.is_approved and u.round_id = new.id))
  ) then
    raise exception 'round % is settled by nothing', new.id using errcode = 'WE017';
  end if;
  return null;
end $$
"""
_RIGHTS = {
    "round_deadline": "select, insert, update",
    "round_policy": "select, insert, update",
    "repeating_round": "select, insert, update",
    "repeated_delivery": "select, insert",
    "delivery_break": "select, insert, update (withdrawn_at)",
    "uncharged_request": "select, insert, update (decided_by, decided_at, is_approved)",
}


def upgrade() -> None:
    op.add_column(
        "purchase_round", sa.Column("topup_since", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_check_constraint(
        op.f("ck_purchase_round_topup_before_closing"), "purchase_round", "topup_since < closes_at"
    )
    _create_deadlines()
    _create_repeating_rounds()
    _create_deliveries()
    _create_uncharged()
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)
    op.execute(sa.text(_GUARD.replace(":", r"\:")))
    op.execute(
        "create constraint trigger settled_by_settlement after update of state on purchase_round"
        " deferrable initially deferred for each row"
        " when (old.state <> 'settled' and new.state = 'settled')"
        " execute function round_settled_by_settlement()"
    )


def downgrade() -> None:
    op.execute("drop trigger settled_by_settlement on purchase_round")
    op.execute("drop function round_settled_by_settlement()")
    op.drop_constraint(
        op.f("ck_round_settlement_uncharged_is_free"), "round_settlement", type_="check"
    )
    op.drop_column("round_settlement", "uncharged_request_id")
    for table in reversed(_RIGHTS):
        op.drop_table(table)
    op.drop_constraint(
        op.f("ck_purchase_round_topup_before_closing"), "purchase_round", type_="check"
    )
    op.drop_column("purchase_round", "topup_since")


def _miss_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("on_miss", sa.Text(), server_default="ask", nullable=False),
        sa.Column("prolong_days", sa.BigInteger(), server_default="2", nullable=False),
        sa.Column("most_prolongations", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("when_spent", sa.Text(), server_default="ask", nullable=False),
        sa.Column("target_net_cents", sa.BigInteger(), nullable=True),
        sa.Column(
            "heeds_product_minimum", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("topup_hours", sa.BigInteger(), nullable=True),
    ]


def _miss_checks(table: str) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "on_miss in ('cancel', 'prolong', 'ask')", name=op.f(f"ck_{table}_on_miss_known")
        ),
        sa.CheckConstraint(
            "when_spent in ('cancel', 'ask')", name=op.f(f"ck_{table}_when_spent_known")
        ),
        sa.CheckConstraint(
            "most_prolongations between 0 and 12",
            name=op.f(f"ck_{table}_most_prolongations_in_range"),
        ),
        sa.CheckConstraint(
            "prolong_days between 1 and 28", name=op.f(f"ck_{table}_prolong_days_in_range")
        ),
        sa.CheckConstraint("target_net_cents > 0", name=op.f(f"ck_{table}_target_positive")),
        sa.CheckConstraint(
            "topup_hours between 1 and 96", name=op.f(f"ck_{table}_topup_hours_in_range")
        ),
    ]


def _create_deadlines() -> None:
    op.create_table(
        "round_deadline",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("planned_closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prolonged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missed", postgresql.JSONB(), nullable=True),
        *_miss_columns(),
        *_miss_checks("round_deadline"),
        sa.CheckConstraint(
            "(asked_at is null) = (missed is null)",
            name=op.f("ck_round_deadline_asked_about_a_miss"),
        ),
        sa.CheckConstraint(
            "prolonged between 0 and most_prolongations",
            name=op.f("ck_round_deadline_prolonged_as_allowed"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_round_deadline_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_round_deadline_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "round_id", name=op.f("pk_round_deadline")),
    )
    op.create_table(
        "round_policy",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("nag_after_days", sa.BigInteger(), server_default="7", nullable=False),
        sa.Column("settle_after_days", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "nag_after_days between 1 and 60", name=op.f("ck_round_policy_nag_in_range")
        ),
        sa.CheckConstraint(
            "settle_after_days between 1 and 90", name=op.f("ck_round_policy_settle_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_round_policy_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", name=op.f("pk_round_policy")),
    )


def _create_repeating_rounds() -> None:
    op.create_table(
        "repeating_round",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("every_weeks", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("first_delivery_on", sa.Date(), nullable=False),
        sa.Column("last_delivery_on", sa.Date(), nullable=True),
        sa.Column("opens_days_before", sa.BigInteger(), nullable=False),
        sa.Column("opens_time", sa.Time(), nullable=False),
        sa.Column("closes_days_before", sa.BigInteger(), nullable=False),
        sa.Column("closes_time", sa.Time(), nullable=False),
        sa.Column("ahead_days", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("on_holiday", sa.Text(), server_default="skip", nullable=False),
        sa.Column("freight_excl_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("freight_key", sa.Text(), server_default="value", nullable=False),
        sa.Column("shortage_rule", sa.Text(), server_default="pro_rata", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        *_miss_columns(),
        sa.CheckConstraint(
            "freight_key in ('value', 'quantity', 'equal')",
            name=op.f("ck_repeating_round_freight_key_known"),
        ),
        sa.CheckConstraint(
            "on_holiday in ('skip', 'before', 'after', 'as_usual')",
            name=op.f("ck_repeating_round_on_holiday_known"),
        ),
        *_miss_checks("repeating_round"),
        sa.CheckConstraint(
            "shortage_rule in ('pro_rata', 'first_pledged')",
            name=op.f("ck_repeating_round_shortage_known"),
        ),
        sa.CheckConstraint(
            "(opens_days_before, closes_time) > (closes_days_before, opens_time)",
            name=op.f("ck_repeating_round_closes_after_opening"),
        ),
        sa.CheckConstraint(
            "ahead_days between 0 and 14", name=op.f("ck_repeating_round_ahead_in_range")
        ),
        sa.CheckConstraint(
            "closes_days_before between 0 and 60 and opens_days_before between 0 and 60",
            name=op.f("ck_repeating_round_days_before_in_range"),
        ),
        sa.CheckConstraint(
            "every_weeks between 1 and 13", name=op.f("ck_repeating_round_every_weeks_in_range")
        ),
        sa.CheckConstraint(
            "freight_excl_cents >= 0", name=op.f("ck_repeating_round_freight_not_negative")
        ),
        sa.CheckConstraint(
            "last_delivery_on >= first_delivery_on",
            name=op.f("ck_repeating_round_last_after_first"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"],
            ["supplier.cooperative_id", "supplier.id"],
            name=op.f("fk_repeating_round_cooperative_id_supplier_id_supplier"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_repeating_round_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_repeating_round")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_repeating_round_cooperative_id_code")
        ),
    )


def _create_deliveries() -> None:
    op.create_table(
        "repeated_delivery",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("repeating_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("nominal_on", sa.Date(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=True),
        sa.Column("skipped", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "skipped in ('break', 'holiday', 'late')",
            name=op.f("ck_repeated_delivery_skipped_known"),
        ),
        sa.CheckConstraint(
            "(round_id is null) = (skipped is not null)",
            name=op.f("ck_repeated_delivery_round_or_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "repeating_id"],
            ["repeating_round.cooperative_id", "repeating_round.id"],
            name=op.f("fk_repeated_delivery_cooperative_id_repeating_id_repeating_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_repeated_delivery_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_repeated_delivery_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "repeating_id", "nominal_on", name=op.f("pk_repeated_delivery")
        ),
    )
    op.create_index(
        "ix_repeated_delivery_cooperative_id_round_id",
        "repeated_delivery",
        ["cooperative_id", "round_id"],
        unique=False,
    )
    op.create_table(
        "delivery_break",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "last_day >= first_day", name=op.f("ck_delivery_break_ends_after_start")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"],
            ["supplier.cooperative_id", "supplier.id"],
            name=op.f("fk_delivery_break_cooperative_id_supplier_id_supplier"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_delivery_break_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_delivery_break")),
    )
    op.create_index(
        "ix_delivery_break_standing",
        "delivery_break",
        ["cooperative_id", "last_day"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at is null"),
    )


def _create_uncharged() -> None:
    op.create_table(
        "uncharged_request",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_approved", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "(decided_by is null) = (decided_at is null) and (decided_by is null) = (is_approved is null)",
            name=op.f("ck_uncharged_request_decided_whole"),
        ),
        sa.CheckConstraint(
            "amount_cents >= 0", name=op.f("ck_uncharged_request_amount_not_negative")
        ),
        sa.CheckConstraint(
            "is_approved is not true or decided_by <> asked_by",
            name=op.f("ck_uncharged_request_second_person_approves"),
        ),
        sa.CheckConstraint(
            "length(btrim(reason)) > 0", name=op.f("ck_uncharged_request_reason_given")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_uncharged_request_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_uncharged_request_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_uncharged_request")),
    )
    op.create_index(
        "ix_uncharged_request_one_open",
        "uncharged_request",
        ["cooperative_id", "round_id"],
        unique=True,
        postgresql_where=sa.text("is_approved is distinct from false"),
    )
    op.add_column(
        "round_settlement", sa.Column("uncharged_request_id", sa.BigInteger(), nullable=True)
    )
    op.create_foreign_key(
        "fk_round_settlement_uncharged_request",
        "round_settlement",
        "uncharged_request",
        ["cooperative_id", "uncharged_request_id"],
        ["cooperative_id", "id"],
    )
    op.create_check_constraint(
        op.f("ck_round_settlement_uncharged_is_free"),
        "round_settlement",
        "uncharged_request_id is null or members_gross_cents = 0",
    )
