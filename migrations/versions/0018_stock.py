"""Stock: what lies there, its movements and sales to members; deposits on packaging.

Revision ID: 0018_stock
Revises: 0017_units
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0018_stock"
down_revision = "0017_units"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_stock()
    _create_deposits()
    op.execute(_ALREADY_THERE)
    op.execute(sa.text(_GUARDS.replace(":", r"\:")))
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)


def downgrade() -> None:
    for table in ("product", "round_product", "supplier_invoice"):
        op.drop_column(table, "deposit_cents")
    op.drop_table("deposit_charge")
    op.drop_table("deposit_settlement")
    op.drop_table("empties_return")
    op.drop_table("stock_sale")
    op.drop_table("stock_movement")
    op.drop_table("stock_item")
    op.execute("drop function stock_adds_up()")
    op.execute("drop function stock_movement_is_booked()")


_RIGHTS = {
    "stock_item": "select, insert, update (units, value_cents, movements)",
    "stock_movement": "select, insert",
    "stock_sale": "select, insert, update (back_number)",
    "deposit_settlement": "select, insert",
    "deposit_charge": "select, insert",
    "empties_return": "select, insert, update (reversal_number)",
}

# The list is the sum of what moved, without gaps, and what moved is what was booked.
_GUARDS = """
create function stock_adds_up() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  item record;
  moved record;
begin
  select units, value_cents, movements into item from stock_item
  where cooperative_id = new.cooperative_id and product_id = new.product_id;
  select coalesce(sum(units), 0) as units, coalesce(sum(value_cents), 0) as value_cents,
    coalesce(max(number), 0) as last, count(*) as count into moved
  from stock_movement
  where cooperative_id = new.cooperative_id and product_id = new.product_id;
  if (item.units, item.value_cents, item.movements, item.movements)
    is distinct from (moved.units, moved.value_cents, moved.last, moved.count) then
    raise exception 'stock of product % is not the sum of its movements', new.product_id
      using errcode = 'WE025';
  end if;
  return null;
end $$;

create constraint trigger adds_up after insert or update on stock_item
deferrable initially deferred for each row execute function stock_adds_up();

create constraint trigger adds_up after insert on stock_movement
deferrable initially deferred for each row execute function stock_adds_up();

create function stock_movement_is_booked() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  moved bigint;
  booked bigint;
begin
  select coalesce(sum(value_cents), 0) into moved from stock_movement
  where cooperative_id = new.cooperative_id and entry_number = new.entry_number;
  select coalesce(sum(p.amount), 0) into booked from posting p
  join account a on a.cooperative_id = p.cooperative_id and a.id = p.account_id
  where p.cooperative_id = new.cooperative_id and p.entry_number = new.entry_number
    and a.key = 'stock';
  if moved <> booked then
    raise exception 'entry % books % cents of stock, and % moved', new.entry_number, booked, moved
      using errcode = 'WE026';
  end if;
  return null;
end $$;

create constraint trigger is_booked after insert on stock_movement
deferrable initially deferred
for each row when (new.value_cents <> 0) execute function stock_movement_is_booked();
"""

# Surplus of rounds that were settled before there was a list. What it cost together is in the
# books; a product's part is by its price, cut off at each cent so that the parts add up.
_ALREADY_THERE = """
create temporary table kept on commit drop as
select here.*, row_number() over (
    partition by cooperative_id, product_id order by accounting_date, round_id) as number,
  (floor(total * upto / whole) - floor(total * (upto - weight) / whole))::bigint as value_cents
from (
  select line.*, sum(weight) over (partition by cooperative_id, round_id) as whole,
    sum(weight) over (partition by cooperative_id, round_id order by position) as upto
  from (
    select s.cooperative_id, s.round_id, o.product_id, o.position, s.entry_number,
      s.accounting_date, s.settled_at, s.settled_by, usable.units - coalesce(given.units, 0) as units,
      (usable.units - coalesce(given.units, 0)) * greatest(o.price_excl_cents, 1) as weight,
      booked.cents as total
    from round_settlement s
    join purchase_round r on r.cooperative_id = s.cooperative_id and r.id = s.round_id
      and r.settlement_version = s.version
    join round_product o on o.cooperative_id = s.cooperative_id and o.round_id = s.round_id
    join delivery d on d.cooperative_id = o.cooperative_id and d.round_product_id = o.id
    cross join lateral (
      select coalesce(d.delivered_quantity - d.damaged_quantity, 0) as units
    ) usable
    cross join lateral (
      select coalesce(sum(p.amount), 0)::bigint as cents from posting p
      join account a on a.cooperative_id = p.cooperative_id and a.id = p.account_id
      where p.cooperative_id = s.cooperative_id and p.entry_number = s.entry_number
        and a.key = 'stock'
    ) booked
    cross join lateral (
      select sum(share.delivered_quantity) as units from pledge_share share
      join pledge x on x.cooperative_id = share.cooperative_id and x.id = share.pledge_id
      where share.cooperative_id = s.cooperative_id and share.round_id = s.round_id
        and share.version = s.version and x.round_product_id = o.id
    ) given
    where s.uncharged_request_id is null
  ) line
  where units > 0
) here;

insert into stock_item (cooperative_id, product_id, units, value_cents, movements)
select cooperative_id, product_id, sum(units), sum(value_cents), count(*) from kept
group by cooperative_id, product_id;

insert into stock_movement (cooperative_id, product_id, number, kind, units, value_cents,
  happened_on, entry_number, round_id, moved_at, moved_by)
select cooperative_id, product_id, number, 'round', units, value_cents, accounting_date,
  case when value_cents > 0 then entry_number end, round_id, settled_at, settled_by
from kept;

drop table kept;
"""


def _create_stock() -> None:
    op.create_table(
        "stock_item",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("value_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("movements", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "units > 0 or value_cents = 0", name=op.f("ck_stock_item_nothing_is_worth_nothing")
        ),
        sa.CheckConstraint("units >= 0", name=op.f("ck_stock_item_units_not_negative")),
        sa.CheckConstraint("value_cents >= 0", name=op.f("ck_stock_item_value_not_negative")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "product_id"],
            ["product.cooperative_id", "product.id"],
            name=op.f("fk_stock_item_cooperative_id_product_id_product"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_stock_item_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "product_id", name=op.f("pk_stock_item")),
    )
    op.create_table(
        "stock_movement",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("value_cents", sa.BigInteger(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("round_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'round') <= (round_id is not null)",
            name=op.f("ck_stock_movement_round_is_told"),
        ),
        sa.CheckConstraint(
            "kind in ('round', 'sale', 'sale_back', 'lost', 'count', 'revalued')",
            name=op.f("ck_stock_movement_kind_known"),
        ),
        sa.CheckConstraint(
            "kind not in ('lost', 'count', 'sale_back') or coalesce(btrim(reason), '') <> ''",
            name=op.f("ck_stock_movement_reason_given"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_stock_movement_number_positive")),
        sa.CheckConstraint(
            "units <> 0 or value_cents <> 0", name=op.f("ck_stock_movement_moves_something")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name=op.f("fk_stock_movement_cooperative_id_entry_number_journal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "product_id"],
            ["stock_item.cooperative_id", "stock_item.product_id"],
            name=op.f("fk_stock_movement_cooperative_id_product_id_stock_item"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_stock_movement_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_stock_movement_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "product_id", "number", name=op.f("pk_stock_movement")
        ),
    )
    op.create_index(
        "ix_stock_movement_cooperative_id_round_id",
        "stock_movement",
        ["cooperative_id", "round_id"],
        unique=False,
    )
    op.create_table(
        "stock_sale",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.BigInteger(), nullable=True),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=False),
        sa.Column("back_number", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "gross_cents = net_cents + vat_cents", name=op.f("ck_stock_sale_gross_is_the_sum")
        ),
        sa.CheckConstraint("gross_cents > 0", name=op.f("ck_stock_sale_costs_something")),
        sa.CheckConstraint("units >= 1", name=op.f("ck_stock_sale_units_positive")),
        sa.CheckConstraint(
            "vat_basis_points between 0 and 10000", name=op.f("ck_stock_sale_vat_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name=op.f("fk_stock_sale_cooperative_id_entry_number_journal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_stock_sale_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "product_id", "back_number"],
            ["stock_movement.cooperative_id", "stock_movement.product_id", "stock_movement.number"],
            name="fk_stock_sale_back",
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "product_id", "number"],
            ["stock_movement.cooperative_id", "stock_movement.product_id", "stock_movement.number"],
            name=op.f("fk_stock_sale_cooperative_id_product_id_number_stock_movement"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_stock_sale_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "product_id", "number", name=op.f("pk_stock_sale")
        ),
        sa.UniqueConstraint(
            "cooperative_id", "entry_number", name=op.f("uq_stock_sale_cooperative_id_entry_number")
        ),
    )
    op.create_index(
        "ix_stock_sale_cooperative_id_member_id",
        "stock_sale",
        ["cooperative_id", "member_id"],
        unique=False,
    )


def _create_deposits() -> None:
    op.create_table(
        "empties_return",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), autoincrement=True, nullable=False
        ),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=True),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=False),
        sa.Column("reversal_number", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(member_id is null) <> (supplier_id is null)",
            name=op.f("ck_empties_return_of_one_party"),
        ),
        sa.CheckConstraint(
            "(product_id is null) = (units is null)",
            name=op.f("ck_empties_return_units_of_a_product"),
        ),
        sa.CheckConstraint("cents >= 1", name=op.f("ck_empties_return_amount_positive")),
        sa.CheckConstraint("units >= 1", name=op.f("ck_empties_return_units_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name=op.f("fk_empties_return_cooperative_id_entry_number_journal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_empties_return_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "product_id"],
            ["product.cooperative_id", "product.id"],
            name=op.f("fk_empties_return_cooperative_id_product_id_product"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "reversal_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name="fk_empties_return_reversal",
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"],
            ["supplier.cooperative_id", "supplier.id"],
            name=op.f("fk_empties_return_cooperative_id_supplier_id_supplier"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_empties_return_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_empties_return")),
    )
    op.create_index(
        "ix_empties_return_cooperative_id_member_id",
        "empties_return",
        ["cooperative_id", "member_id"],
        unique=False,
    )
    op.create_table(
        "deposit_settlement",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("supplier_cents", sa.BigInteger(), nullable=False),
        sa.Column("due_cents", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "supplier_cents >= 0 and due_cents >= 0",
            name=op.f("ck_deposit_settlement_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "entry_number"],
            ["journal_entry.cooperative_id", "journal_entry.number"],
            name=op.f("fk_deposit_settlement_cooperative_id_entry_number_journal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id", "version"],
            [
                "round_settlement.cooperative_id",
                "round_settlement.round_id",
                "round_settlement.version",
            ],
            name=op.f("fk_deposit_settlement_cooperative_id_round_id_version_round_settlement"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_deposit_settlement_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "round_id", "version", name=op.f("pk_deposit_settlement")
        ),
    )
    op.create_table(
        "deposit_charge",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pledge_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("each_cents", sa.BigInteger(), nullable=False),
        sa.Column(
            "cents",
            sa.BigInteger(),
            sa.Computed("units * each_cents", persisted=True),
            nullable=False,
        ),
        sa.CheckConstraint("each_cents >= 1", name=op.f("ck_deposit_charge_deposit_positive")),
        sa.CheckConstraint("units >= 1", name=op.f("ck_deposit_charge_units_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"],
            ["pledge.cooperative_id", "pledge.id"],
            name=op.f("fk_deposit_charge_cooperative_id_pledge_id_pledge"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id", "version"],
            [
                "deposit_settlement.cooperative_id",
                "deposit_settlement.round_id",
                "deposit_settlement.version",
            ],
            name=op.f("fk_deposit_charge_cooperative_id_round_id_version_deposit_settlement"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_deposit_charge_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "round_id", "version", "pledge_id", name=op.f("pk_deposit_charge")
        ),
    )
    op.create_index(
        "ix_deposit_charge_cooperative_id_pledge_id",
        "deposit_charge",
        ["cooperative_id", "pledge_id"],
        unique=False,
    )
    op.add_column(
        "product", sa.Column("deposit_cents", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "round_product",
        sa.Column("deposit_cents", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column("supplier_invoice", sa.Column("deposit_cents", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_product_deposit_not_negative"), "product", "deposit_cents >= 0"
    )
    op.create_check_constraint(
        op.f("ck_round_product_deposit_not_negative"), "round_product", "deposit_cents >= 0"
    )
    op.create_check_constraint(
        op.f("ck_supplier_invoice_deposit_not_negative"), "supplier_invoice", "deposit_cents >= 0"
    )
