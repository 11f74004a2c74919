"""Price ladders, packs with tolerance, minimums and versions of prices.

Revision ID: 0011_products
Revises: 0010_investments
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0011_products"
down_revision = "0010_investments"
branch_labels = None
depends_on = None


# Quantities rise and prices fall; the first price holds below the first quantity.
_IS_LADDER = """
create function is_price_ladder(first_price bigint, quantities bigint[], prices bigint[])
returns boolean language sql immutable as $$
  select cardinality(quantities) = cardinality(prices)
    and array_position(quantities, null) is null and array_position(prices, null) is null
    and coalesce((
      select bool_and(quantity > quantity_before and price < price_before and price >= 0)
      from (
        select quantity, price,
          lag(quantity, 1, 1::bigint) over (order by number) as quantity_before,
          lag(price, 1, first_price) over (order by number) as price_before
        from unnest(quantities, prices) with ordinality as rung (quantity, price, number)
      ) as rungs
    ), true)
$$
"""
# Whoever closed the round: nobody pays more than his maximum, and the price was earned.
_GUARD = """
create function round_closing_holds() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public as $$
declare
  wrong text;
begin
  select o.name into wrong
  from round_product o
  join (
    select x.round_product_id, sum(coalesce(x.allotted_quantity, x.quantity)) as ordered,
      min(x.max_price_excl_cents) as lowest_maximum
    from pledge x
    where x.cooperative_id = new.cooperative_id and x.round_id = new.id
      and x.withdrawn_at is null
    group by x.round_product_id
  ) as taken on taken.round_product_id = o.id
  where o.cooperative_id = new.cooperative_id and o.round_id = new.id
    and (
      taken.lowest_maximum < o.price_excl_cents
      or (o.price_excl_cents < o.list_price_excl_cents
        and taken.ordered < o.ladder_quantities[
          array_position(o.ladder_prices_cents, o.price_excl_cents)])
    )
  order by o.position limit 1;
  if wrong is not null then
    raise exception 'the price of % does not hold in round %', wrong, new.id
      using errcode = 'WE015';
  end if;
  return null;
end $$
"""


def upgrade() -> None:
    op.execute(sa.text(_IS_LADDER.replace(":", r"\:")))
    _extend_tables()
    _create_tables()
    op.execute(sa.text(_GUARD.replace(":", r"\:")))
    op.execute(
        "create constraint trigger closing_holds after update of state on purchase_round"
        " deferrable initially deferred for each row"
        " when (old.state = 'open' and new.state = 'closed')"
        " execute function round_closing_holds()"
    )


def downgrade() -> None:
    op.execute("drop trigger closing_holds on purchase_round")
    op.execute("drop function round_closing_holds()")
    op.drop_table("price_list")
    op.drop_table("product_price")
    for table, columns in _ADDED.items():
        for name in _CHECKS.get(table, {}):
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        for column in columns:
            op.drop_column(table, column)
    op.execute("drop function is_price_ladder(bigint, bigint[], bigint[])")


_ADDED = {
    "supplier": ("minimum_net_cents",),
    "product": ("sells_loose", "minimum_quantity", "ladder_quantities", "ladder_prices_cents"),
    "purchase_round": ("minimum_net_cents",),
    "round_product": (
        "list_price_excl_cents",
        "sells_loose",
        "minimum_quantity",
        "ladder_quantities",
        "ladder_prices_cents",
        "closing",
    ),
    "pledge": ("tolerance", "max_price_excl_cents", "allotted_quantity", "dropout"),
}
_CHECKS = {
    "supplier": {"minimum_positive": "minimum_net_cents > 0"},
    "product": {
        "minimum_positive": "minimum_quantity >= 1",
        "ladder_falls": "is_price_ladder(price_excl_cents, ladder_quantities, ladder_prices_cents)",
    },
    "purchase_round": {"minimum_positive": "minimum_net_cents > 0"},
    "round_product": {
        "minimum_positive": "minimum_quantity >= 1",
        "ladder_falls": "is_price_ladder(list_price_excl_cents, ladder_quantities,"
        " ladder_prices_cents)",
        "price_is_on_the_ladder": "price_excl_cents = list_price_excl_cents"
        " or price_excl_cents = any (ladder_prices_cents)",
    },
    "pledge": {
        "tolerance_not_negative": "tolerance >= 0",
        "max_price_not_negative": "max_price_excl_cents >= 0",
        "allotted_as_said": "allotted_quantity between 1 and quantity + tolerance",
        "dropout_known": "dropout in ('price', 'minimum', 'packs', 'credit')",
        "dropout_is_withdrawn": "dropout is null or withdrawn_at is not null",
    },
}


def _numbers(name: str) -> sa.Column[list[int]]:
    return sa.Column(
        name, postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False
    )


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=True)


def _extend_tables() -> None:
    op.add_column("supplier", _number("minimum_net_cents"))
    op.add_column("purchase_round", _number("minimum_net_cents"))
    op.add_column("round_product", _number("list_price_excl_cents"))
    op.execute("update round_product set list_price_excl_cents = price_excl_cents")
    op.alter_column("round_product", "list_price_excl_cents", nullable=False)
    for table in ("product", "round_product"):
        op.add_column(
            table,
            sa.Column("sells_loose", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        )
        op.add_column(table, _number("minimum_quantity"))
        op.add_column(table, _numbers("ladder_quantities"))
        op.add_column(table, _numbers("ladder_prices_cents"))
    op.add_column("round_product", sa.Column("closing", postgresql.JSONB(), nullable=True))
    op.add_column(
        "pledge", sa.Column("tolerance", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("pledge", _number("max_price_excl_cents"))
    op.add_column("pledge", _number("allotted_quantity"))
    op.add_column("pledge", sa.Column("dropout", sa.Text(), nullable=True))
    for table, checks in _CHECKS.items():
        for name, condition in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _create_tables() -> None:
    op.create_table(
        "product_price",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("price_excl_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.BigInteger(), nullable=True),
        _numbers("ladder_quantities"),
        _numbers("ladder_prices_cents"),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.CheckConstraint("version >= 1", name=op.f("ck_product_price_version_positive")),
        sa.CheckConstraint(
            "price_excl_cents >= 0", name=op.f("ck_product_price_price_not_negative")
        ),
        sa.CheckConstraint(
            "is_price_ladder(price_excl_cents, ladder_quantities, ladder_prices_cents)",
            name=op.f("ck_product_price_ladder_falls"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_product_price_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "product_id"],
            ["product.cooperative_id", "product.id"],
            name=op.f("fk_product_price_cooperative_id_product_id_product"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "product_id", "version", name=op.f("pk_product_price")
        ),
    )
    # What a product cost before is written once, from what is known today.
    op.execute(
        "insert into product_price (cooperative_id, product_id, version, valid_from,"
        " price_excl_cents, vat_basis_points, recorded_by)"
        " select cooperative_id, id, 1, now(), price_excl_cents, vat_basis_points,"
        " 'system/migration' from product"
    )
    for statement in protect_tenant_table("product_price", rights="select, insert"):
        op.execute(statement)
    op.create_table(
        "price_list",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("rows", postgresql.JSONB(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("taken_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terms", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_price_list_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "supplier_id"],
            ["supplier.cooperative_id", "supplier.id"],
            name=op.f("fk_price_list_cooperative_id_supplier_id_supplier"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_price_list")),
    )
    rights = "select, insert, update (taken_over_at, terms)"
    for statement in protect_tenant_table("price_list", rights=rights):
        op.execute(statement)
