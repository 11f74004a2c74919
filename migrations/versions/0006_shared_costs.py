"""Allocation keys, meters, shared costs, subsidies and their settlements.

Revision ID: 0006_shared_costs
Revises: 0005_api_tokens
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0006_shared_costs"
down_revision = "0005_api_tokens"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tables()
    op.execute(sa.text(_GUARD.replace(":", r"\:")))
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger shares_sum_up on cost_settlement")
    op.execute("drop function cost_shares_sum_up()")
    op.drop_table("cost_share_block")
    op.drop_index("ix_cost_settlement_cooperative_id_entry_number", table_name="cost_settlement")
    op.drop_table("cost_settlement")
    op.drop_table("subsidy_earmark")
    op.drop_index("ix_shared_cost_cooperative_id_month", table_name="shared_cost")
    op.drop_table("shared_cost")
    op.drop_table("meter_reading")
    op.drop_table("allocation_weight")
    op.drop_table("subsidy")
    op.drop_table("recurring_cost")
    op.drop_table("meter")
    op.drop_table("allocation_key_version")
    op.drop_table("allocation_carry")
    op.drop_table("settlement_run")
    op.drop_table("allocation_key")


# The shares of a settlement are its total, whoever wrote them.
_GUARD = """
create function cost_shares_sum_up() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
declare
  shared numeric;
  subsidised numeric;
  members bigint;
begin
  select sum((select sum(c) from unnest(b.cents) c)),
         coalesce(sum((select sum(c) from unnest(b.subsidy_cents) c)), 0),
         sum(cardinality(b.cents))
  into shared, subsidised, members
  from cost_share_block b
  where b.cooperative_id = new.cooperative_id and b.settlement_id = new.id;
  if shared is distinct from new.total_cents or subsidised <> new.subsidy_cents
     or members is distinct from new.member_count then
    raise exception 'the shares of settlement % come to % of %', new.id, shared, new.total_cents
      using errcode = 'WE008';
  end if;
  return null;
end $$;

create constraint trigger shares_sum_up after insert on cost_settlement
deferrable initially deferred
for each row execute function cost_shares_sum_up();
"""

_RIGHTS = {
    "allocation_key": "select, insert, update (name)",
    "allocation_key_version": "select, insert, update",
    "allocation_weight": "select, insert, update, delete",
    "meter": "select, insert",
    "meter_reading": "select, insert, update",
    "recurring_cost": "select, insert, update",
    "shared_cost": "select, insert, update",
    "subsidy": "select, insert, update",
    "subsidy_earmark": "select, insert, update, delete",
    "settlement_run": "select, insert, update (state, published_at)",
    "cost_settlement": "select, insert, update (reversal_number)",
    "cost_share_block": "select, insert",
    "allocation_carry": "select, insert, update",
}


def _create_tables() -> None:
    op.create_table(
        "allocation_key",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_allocation_key_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_allocation_key")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_allocation_key_cooperative_id_code")
        ),
    )
    op.create_table(
        "settlement_run",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('posted', 'published')", name=op.f("ck_settlement_run_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_settlement_run_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_settlement_run")),
        sa.UniqueConstraint(
            "cooperative_id",
            "month",
            "number",
            name=op.f("uq_settlement_run_cooperative_id_month_number"),
        ),
    )
    op.create_table(
        "allocation_carry",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cents", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "key_id"],
            ["allocation_key.cooperative_id", "allocation_key.id"],
            name=op.f("fk_allocation_carry_cooperative_id_key_id_allocation_key"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_allocation_carry_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_allocation_carry_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "key_id", "member_id", name=op.f("pk_allocation_carry")
        ),
    )
    op.create_table(
        "allocation_key_version",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("fixed_percent", sa.Text(), nullable=True),
        sa.Column("fixed_basis", sa.Text(), nullable=True),
        sa.Column("parts_total", sa.Text(), nullable=True),
        sa.Column("tie_policy", sa.Text(), server_default="order", nullable=False),
        sa.Column("is_prorated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("requires_decision", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(basis = 'parts') = (parts_total is not null)",
            name=op.f("ck_allocation_key_version_parts_have_total"),
        ),
        sa.CheckConstraint(
            "basis in ('equal', 'household', 'm2', 'weights', 'parts', 'meter')",
            name=op.f("ck_allocation_key_version_basis_known"),
        ),
        sa.CheckConstraint(
            "fixed_basis in ('equal', 'household', 'm2', 'weights', 'parts', 'meter')",
            name=op.f("ck_allocation_key_version_fixed_basis_known"),
        ),
        sa.CheckConstraint(
            "tie_policy in ('order', 'rotate', 'carry')",
            name=op.f("ck_allocation_key_version_tie_policy_known"),
        ),
        sa.CheckConstraint(
            "(fixed_percent is null) = (fixed_basis is null)",
            name=op.f("ck_allocation_key_version_fixed_part_is_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "key_id"],
            ["allocation_key.cooperative_id", "allocation_key.id"],
            name=op.f("fk_allocation_key_version_cooperative_id_key_id_allocation_key"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_allocation_key_version_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_allocation_key_version")),
        sa.UniqueConstraint(
            "cooperative_id",
            "key_id",
            "number",
            name=op.f("uq_allocation_key_version_cooperative_id_key_id_number"),
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "key_id",
            "valid_from",
            name=op.f("uq_allocation_key_version_cooperative_id_key_id_valid_from"),
        ),
    )
    op.create_table(
        "meter",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "key_id"],
            ["allocation_key.cooperative_id", "allocation_key.id"],
            name=op.f("fk_meter_cooperative_id_key_id_allocation_key"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_meter_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["cooperative.id"], name=op.f("fk_meter_cooperative_id_cooperative")
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_meter")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_meter_cooperative_id_code")),
    )
    op.create_table(
        "recurring_cost",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_code", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.BigInteger(), nullable=True),
        sa.Column("day_of_month", sa.BigInteger(), nullable=False),
        sa.Column("every_months", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "day_of_month between 1 and 31", name=op.f("ck_recurring_cost_day_in_month")
        ),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_recurring_cost_ends_after_start")),
        sa.CheckConstraint(
            "every_months between 1 and 120", name=op.f("ck_recurring_cost_comes_back")
        ),
        sa.CheckConstraint(
            "gross_cents = net_cents + vat_cents", name=op.f("ck_recurring_cost_gross_is_sum")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "key_id"],
            ["allocation_key.cooperative_id", "allocation_key.id"],
            name=op.f("fk_recurring_cost_cooperative_id_key_id_allocation_key"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_recurring_cost_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_recurring_cost")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_recurring_cost_cooperative_id_code")
        ),
    )
    op.create_table(
        "subsidy",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("grantor", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("awarded_cents", sa.BigInteger(), nullable=False),
        sa.Column("used_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("accountable_by", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "mode in ('pool', 'earmarked', 'targeted_pool')", name=op.f("ck_subsidy_mode_known")
        ),
        sa.CheckConstraint("awarded_cents >= 0", name=op.f("ck_subsidy_awarded_not_negative")),
        sa.CheckConstraint(
            "used_cents between 0 and awarded_cents", name=op.f("ck_subsidy_used_within_awarded")
        ),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_subsidy_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "key_id"],
            ["allocation_key.cooperative_id", "allocation_key.id"],
            name=op.f("fk_subsidy_cooperative_id_key_id_allocation_key"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_subsidy_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_subsidy")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_subsidy_cooperative_id_code")),
    )
    op.create_table(
        "allocation_weight",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("weight", sa.Text(), nullable=True),
        sa.Column("is_excluded", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("minimum_cents", sa.BigInteger(), nullable=True),
        sa.Column("cap_cents", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "cap_cents >= minimum_cents", name=op.f("ck_allocation_weight_cap_not_below_minimum")
        ),
        sa.CheckConstraint(
            "minimum_cents >= 0", name=op.f("ck_allocation_weight_minimum_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_allocation_weight_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "version_id"],
            ["allocation_key_version.cooperative_id", "allocation_key_version.id"],
            name=op.f("fk_allocation_weight_cooperative_id_version_id_allocation_key_version"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_allocation_weight_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "version_id", "member_id", name=op.f("pk_allocation_weight")
        ),
    )
    op.create_table(
        "meter_reading",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("meter_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("is_estimate", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "meter_id"],
            ["meter.cooperative_id", "meter.id"],
            name=op.f("fk_meter_reading_cooperative_id_meter_id_meter"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_meter_reading_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "meter_id", "read_on", name=op.f("pk_meter_reading")
        ),
    )
    op.create_table(
        "shared_cost",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("incurred_on", sa.Date(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_code", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.BigInteger(), nullable=True),
        sa.Column("recurring_id", sa.BigInteger(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "extract(day from month) = 1", name=op.f("ck_shared_cost_month_is_first_day")
        ),
        sa.CheckConstraint(
            "gross_cents = net_cents + vat_cents", name=op.f("ck_shared_cost_gross_is_sum")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "key_id"],
            ["allocation_key.cooperative_id", "allocation_key.id"],
            name=op.f("fk_shared_cost_cooperative_id_key_id_allocation_key"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "recurring_id"],
            ["recurring_cost.cooperative_id", "recurring_cost.id"],
            name=op.f("fk_shared_cost_cooperative_id_recurring_id_recurring_cost"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_shared_cost_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_shared_cost")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_shared_cost_cooperative_id_code")
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "recurring_id",
            "incurred_on",
            name=op.f("uq_shared_cost_cooperative_id_recurring_id_incurred_on"),
        ),
    )
    op.create_index(
        "ix_shared_cost_cooperative_id_month",
        "shared_cost",
        ["cooperative_id", "month"],
        unique=False,
    )
    op.create_table(
        "subsidy_earmark",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cents > 0", name=op.f("ck_subsidy_earmark_cents_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_subsidy_earmark_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "subsidy_id"],
            ["subsidy.cooperative_id", "subsidy.id"],
            name=op.f("fk_subsidy_earmark_cooperative_id_subsidy_id_subsidy"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_subsidy_earmark_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "subsidy_id", "member_id", name=op.f("pk_subsidy_earmark")
        ),
    )
    op.create_table(
        "cost_settlement",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cost_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("key_version_id", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_id", sa.BigInteger(), nullable=True),
        sa.Column("accounting_date", sa.Date(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_cents", sa.BigInteger(), nullable=False),
        sa.Column("part_totals", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("weight_sums", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("weight_scales", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("member_count", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("reversal_number", sa.BigInteger(), nullable=True),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "cost_id"],
            ["shared_cost.cooperative_id", "shared_cost.id"],
            name=op.f("fk_cost_settlement_cooperative_id_cost_id_shared_cost"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "key_version_id"],
            ["allocation_key_version.cooperative_id", "allocation_key_version.id"],
            name=op.f("fk_cost_settlement_cooperative_id_key_version_id_allocation_key_version"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "run_id"],
            ["settlement_run.cooperative_id", "settlement_run.id"],
            name=op.f("fk_cost_settlement_cooperative_id_run_id_settlement_run"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "subsidy_id"],
            ["subsidy.cooperative_id", "subsidy.id"],
            name=op.f("fk_cost_settlement_cooperative_id_subsidy_id_subsidy"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_cost_settlement_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_cost_settlement")),
        sa.UniqueConstraint(
            "cooperative_id",
            "cost_id",
            "version",
            name=op.f("uq_cost_settlement_cooperative_id_cost_id_version"),
        ),
    )
    op.create_index(
        "ix_cost_settlement_cooperative_id_entry_number",
        "cost_settlement",
        ["cooperative_id", "entry_number"],
        unique=False,
    )
    op.create_table(
        "cost_share_block",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("weights", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("variable_weights", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("minimum_cents", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("cap_cents", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("carried", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("cents", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("subsidy_cents", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "settlement_id"],
            ["cost_settlement.cooperative_id", "cost_settlement.id"],
            name=op.f("fk_cost_share_block_cooperative_id_settlement_id_cost_settlement"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_cost_share_block_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "settlement_id", "position", name=op.f("pk_cost_share_block")
        ),
    )
