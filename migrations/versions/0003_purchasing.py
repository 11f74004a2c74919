"""Suppliers, products, rounds, pledges, deliveries, settlements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0003_purchasing"
down_revision = "0002_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tables()
    _protect()


def downgrade() -> None:
    op.drop_index("ix_pledge_share_cooperative_id_pledge_id", table_name="pledge_share")
    op.drop_table("pledge_share")
    op.drop_index("ix_pledge_cooperative_id_member_id", table_name="pledge")
    op.drop_table("pledge")
    op.drop_table("delivery")
    op.drop_index(
        "ix_supplier_invoice_settled_once",
        table_name="supplier_invoice",
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.drop_index(
        "ix_supplier_invoice_one_valid",
        table_name="supplier_invoice",
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.drop_table("supplier_invoice")
    op.drop_table("round_settlement")
    op.drop_table("round_product")
    op.drop_index("ix_purchase_round_cooperative_id_state", table_name="purchase_round")
    op.drop_table("purchase_round")
    op.drop_table("product")
    op.drop_table("supplier")


def _create_tables() -> None:
    op.create_table(
        "supplier",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("kvk", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("payment_days", sa.BigInteger(), server_default="14", nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_supplier_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_supplier")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_supplier_cooperative_id_code")),
    )
    op.create_table(
        "product",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("price_excl_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.BigInteger(), nullable=True),
        sa.Column("pack_size", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("max_per_member", sa.BigInteger(), nullable=True),
        sa.Column("is_offered", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("max_per_member >= 1", name=op.f("ck_product_max_per_member_positive")),
        sa.CheckConstraint("pack_size >= 1", name=op.f("ck_product_pack_size_positive")),
        sa.CheckConstraint("price_excl_cents >= 0", name=op.f("ck_product_price_not_negative")),
        sa.CheckConstraint(
            "vat_basis_points between 0 and 10000", name=op.f("ck_product_vat_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"],
            ["supplier.cooperative_id", "supplier.id"],
            name=op.f("fk_product_cooperative_id_supplier_id_supplier"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_product_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_product")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_product_cooperative_id_code")),
    )
    op.create_table(
        "purchase_round",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_on", sa.Date(), nullable=False),
        sa.Column("freight_excl_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("freight_key", sa.Text(), server_default="value", nullable=False),
        sa.Column("shortage_rule", sa.Text(), server_default="pro_rata", nullable=False),
        sa.Column("settlement_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "freight_key in ('value', 'quantity', 'equal')",
            name=op.f("ck_purchase_round_freight_key_known"),
        ),
        sa.CheckConstraint(
            "shortage_rule in ('pro_rata', 'first_pledged')",
            name=op.f("ck_purchase_round_shortage_known"),
        ),
        sa.CheckConstraint(
            "state in ('draft', 'open', 'closed', 'ordered', 'received', 'allocated', 'settled', 'cancelled')",
            name=op.f("ck_purchase_round_state_known"),
        ),
        sa.CheckConstraint(
            "closes_at > opens_at", name=op.f("ck_purchase_round_closes_after_opening")
        ),
        sa.CheckConstraint(
            "freight_excl_cents >= 0", name=op.f("ck_purchase_round_freight_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"],
            ["supplier.cooperative_id", "supplier.id"],
            name=op.f("fk_purchase_round_cooperative_id_supplier_id_supplier"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_purchase_round_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_purchase_round")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_purchase_round_cooperative_id_code")
        ),
    )
    op.create_index(
        "ix_purchase_round_cooperative_id_state",
        "purchase_round",
        ["cooperative_id", "state", "closes_at"],
        unique=False,
    )
    op.create_table(
        "round_product",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("price_excl_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.BigInteger(), nullable=True),
        sa.Column("pack_size", sa.BigInteger(), nullable=False),
        sa.Column("max_per_member", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "price_excl_cents >= 0", name=op.f("ck_round_product_price_not_negative")
        ),
        sa.CheckConstraint(
            "vat_basis_points between 0 and 10000", name=op.f("ck_round_product_vat_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "product_id"],
            ["product.cooperative_id", "product.id"],
            name=op.f("fk_round_product_cooperative_id_product_id_product"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_round_product_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_round_product_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_round_product")),
        sa.UniqueConstraint(
            "cooperative_id",
            "round_id",
            "product_id",
            name=op.f("uq_round_product_cooperative_id_round_id_product_id"),
        ),
    )
    op.create_table(
        "round_settlement",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("reversal_number", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=False),
        sa.Column("accounting_date", sa.Date(), nullable=False),
        sa.Column("supplier_gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("members_gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("cooperative_gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "supplier_gross_cents = members_gross_cents + cooperative_gross_cents",
            name=op.f("ck_round_settlement_shares_equal_the_invoice"),
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_round_settlement_version_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name=op.f("fk_round_settlement_cooperative_id_entry_number_journal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "reversal_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name=op.f("fk_round_settlement_cooperative_id_reversal_number_journal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_round_settlement_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_round_settlement_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "round_id", "version", name=op.f("pk_round_settlement")
        ),
    )
    op.create_table(
        "supplier_invoice",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("invoiced_on", sa.Date(), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "gross_cents = net_cents + vat_cents",
            name=op.f("ck_supplier_invoice_gross_is_net_plus_vat"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_supplier_invoice_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"],
            ["supplier.cooperative_id", "supplier.id"],
            name=op.f("fk_supplier_invoice_cooperative_id_supplier_id_supplier"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_supplier_invoice_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_supplier_invoice")),
    )
    op.create_index(
        "ix_supplier_invoice_one_valid",
        "supplier_invoice",
        ["cooperative_id", "round_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_index(
        "ix_supplier_invoice_settled_once",
        "supplier_invoice",
        ["cooperative_id", "supplier_id", "code"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_table(
        "delivery",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("round_product_id", sa.BigInteger(), nullable=False),
        sa.Column("ordered_quantity", sa.BigInteger(), nullable=False),
        sa.Column("delivered_quantity", sa.BigInteger(), nullable=True),
        sa.Column("damaged_quantity", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "damaged_quantity between 0 and delivered_quantity",
            name=op.f("ck_delivery_damaged_within_delivered"),
        ),
        sa.CheckConstraint(
            "delivered_quantity >= 0", name=op.f("ck_delivery_delivered_not_negative")
        ),
        sa.CheckConstraint("ordered_quantity >= 0", name=op.f("ck_delivery_ordered_not_negative")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_delivery_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_product_id"],
            ["round_product.cooperative_id", "round_product.id"],
            name=op.f("fk_delivery_cooperative_id_round_product_id_round_product"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_delivery_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_delivery_cooperative_id_code")),
        sa.UniqueConstraint(
            "cooperative_id",
            "round_product_id",
            name=op.f("uq_delivery_cooperative_id_round_product_id"),
        ),
    )
    op.create_table(
        "pledge",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("round_product_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("pledged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_pledge_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_pledge_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_pledge_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_product_id"],
            ["round_product.cooperative_id", "round_product.id"],
            name=op.f("fk_pledge_cooperative_id_round_product_id_round_product"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_pledge_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_pledge")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_pledge_cooperative_id_code")),
        sa.UniqueConstraint(
            "cooperative_id",
            "round_id",
            "member_id",
            "round_product_id",
            name=op.f("uq_pledge_cooperative_id_round_id_member_id_round_product_id"),
        ),
    )
    op.create_index(
        "ix_pledge_cooperative_id_member_id",
        "pledge",
        ["cooperative_id", "member_id"],
        unique=False,
    )
    op.create_table(
        "pledge_share",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pledge_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivered_quantity", sa.BigInteger(), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("freight_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "delivered_quantity >= 0", name=op.f("ck_pledge_share_delivered_not_negative")
        ),
        sa.CheckConstraint(
            "gross_cents = net_cents + freight_cents + vat_cents",
            name=op.f("ck_pledge_share_gross_is_the_sum"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"],
            ["pledge.cooperative_id", "pledge.id"],
            name=op.f("fk_pledge_share_cooperative_id_pledge_id_pledge"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id", "version"],
            [
                "round_settlement.cooperative_id",
                "round_settlement.round_id",
                "round_settlement.version",
            ],
            name=op.f("fk_pledge_share_cooperative_id_round_id_version_round_settlement"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_pledge_share_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "round_id", "version", "pledge_id", name=op.f("pk_pledge_share")
        ),
    )
    op.create_index(
        "ix_pledge_share_cooperative_id_pledge_id",
        "pledge_share",
        ["cooperative_id", "pledge_id"],
        unique=False,
    )


_RIGHTS = {
    "supplier": "select, insert, update",
    "product": "select, insert, update",
    "purchase_round": "select, insert, update",
    "round_product": "select, insert, update, delete",
    "pledge": "select, insert, update",
    "delivery": "select, insert, update",
    "supplier_invoice": "select, insert, update",
    "round_settlement": "select, insert, update (reversal_number, reason)",
    "pledge_share": "select, insert",
}


def _protect() -> None:
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)
