"""Receiving and handing out: by hand beside the rule, weights, replacements, slots, check-off.

Revision ID: 0014_receiving
Revises: 0013_deadlines
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0014_receiving"
down_revision = "0013_deadlines"
branch_labels = None
depends_on = None

# Whoever books a round: no units beyond those that came, all of them where nothing becomes
# stock by itself, and nobody another quantity than the one set by hand.
_SHARES_GUARD = """
create function shares_are_what_came() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public as $$
declare
  wrong text;
begin
  select o.name into wrong
  from round_product o
  join purchase_round r on r.cooperative_id = o.cooperative_id and r.id = o.round_id
  left join delivery d on d.cooperative_id = o.cooperative_id and d.round_product_id = o.id
  left join (
    select x.round_product_id, sum(share.delivered_quantity) as units
    from pledge_share share
    join pledge x on x.cooperative_id = share.cooperative_id and x.id = share.pledge_id
    where share.cooperative_id = new.cooperative_id and share.round_id = new.round_id
      and share.version = new.version
    group by x.round_product_id
  ) as given on given.round_product_id = o.id
  cross join lateral (
    select coalesce(d.delivered_quantity - d.damaged_quantity, 0) as usable,
      coalesce(given.units, 0) as units, coalesce(d.stock_quantity, 0) as stock
  ) as here
  where o.cooperative_id = new.cooperative_id and o.round_id = new.round_id
    and (here.units > here.usable
      or (r.surplus_rule = 'ask' and here.units + here.stock <> here.usable))
  order by o.position limit 1;
  if wrong is not null then
    raise exception 'what members got of % is not what came in round %', wrong, new.round_id
      using errcode = 'WE018';
  end if;
  select hand.pledge_id::text into wrong
  from share_by_hand hand
  left join pledge_share share on share.cooperative_id = hand.cooperative_id
    and share.round_id = hand.round_id and share.version = new.version
    and share.pledge_id = hand.pledge_id
  where hand.cooperative_id = new.cooperative_id and hand.round_id = new.round_id
    and hand.released_at is null
    and share.delivered_quantity is distinct from hand.quantity
  limit 1;
  if wrong is not null then
    raise exception 'pledge % got another quantity than was set by hand', wrong
      using errcode = 'WE018';
  end if;
  return null;
end $$
"""
# The slot is locked, so that two who choose the last place at once wait for each other.
_SLOT_GUARD = """
create function pickup_slot_has_room() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public as $$
declare
  room bigint;
begin
  select capacity into room from pickup_slot
  where cooperative_id = new.cooperative_id and id = new.slot_id for update;
  if room is not null and room < (
    select count(*) from pickup_choice
    where cooperative_id = new.cooperative_id and round_id = new.round_id
      and slot_id = new.slot_id
  ) then
    raise exception 'slot % is full', new.slot_id using errcode = 'WE016';
  end if;
  return null;
end $$
"""
_RIGHTS = {
    "pickup_slot": "select, insert, update (place, capacity), delete",
    "pickup_choice": "select, insert, update (slot_id, chosen_at), delete",
    "hand_out": "select, insert, update (outcome, note, recorded_at, recorded_by), delete",
    "pledge_weight": "select, insert, update (grams, weighed_at, weighed_by), delete",
    "share_by_hand": "select, insert, update (released_at, released_by)",
}
_CHECKS = {
    "product": {"weight_positive": "grams_per_unit >= 1"},
    "purchase_round": {"surplus_known": "surplus_rule in ('stock', 'ask')"},
    "round_product": {
        "weight_positive": "grams_per_unit >= 1",
        "shortage_known": "shortage_rule in ('pro_rata', 'first_pledged', 'manual')",
    },
    "pledge": {
        "origin_known": "origin in ('pledged', 'replacement', 'extra')",
        "replaces_a_pledge": "(origin = 'replacement') = (instead_of_id is not null)",
    },
    "delivery": {
        "uncredited_is_lost": "uncredited_quantity between 0 and damaged_quantity"
        " + greatest(ordered_quantity - coalesce(delivered_quantity, 0), 0)",
        "grams_positive": "delivered_grams >= 1",
        "stock_not_negative": "stock_quantity >= 0",
    },
}
_ADDED = {
    "delivery": ("uncredited_quantity", "delivered_grams", "stock_quantity"),
    "pledge": ("origin", "instead_of_id"),
    "product": ("grams_per_unit",),
    "purchase_round": ("surplus_rule",),
    "round_product": ("shortage_rule", "grams_per_unit", "replaces_id"),
}


def upgrade() -> None:
    _extend_tables()
    _create_slots()
    _create_hand_outs()
    _create_decisions()
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)
    for guard in (_SHARES_GUARD, _SLOT_GUARD):
        op.execute(sa.text(guard.replace(":", r"\:")))
    op.execute(
        "create constraint trigger shares_are_what_came after insert on round_settlement"
        " deferrable initially deferred for each row execute function shares_are_what_came()"
    )
    op.execute(
        "create trigger slot_has_room after insert or update of slot_id on pickup_choice"
        " for each row execute function pickup_slot_has_room()"
    )


def downgrade() -> None:
    op.execute("drop trigger shares_are_what_came on round_settlement")
    op.execute("drop function shares_are_what_came()")
    for table in ("share_by_hand", "pledge_weight", "hand_out", "pickup_choice", "pickup_slot"):
        op.drop_table(table)
    op.execute("drop function pickup_slot_has_room()")
    # An older version knows no sharing by hand; what was settled keeps its shares.
    op.execute(
        "update purchase_round set shortage_rule = 'pro_rata' where shortage_rule = 'manual'"
    )
    _replace_round_rule("'pro_rata', 'first_pledged'")
    for table, columns in _ADDED.items():
        for name in _CHECKS[table]:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        for column in columns:
            op.drop_column(table, column)


def _replace_round_rule(known: str) -> None:
    op.drop_constraint(op.f("ck_purchase_round_shortage_known"), "purchase_round", type_="check")
    op.create_check_constraint(
        op.f("ck_purchase_round_shortage_known"), "purchase_round", f"shortage_rule in ({known})"
    )


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=True)


def _extend_tables() -> None:
    _replace_round_rule("'pro_rata', 'first_pledged', 'manual'")
    op.add_column(
        "delivery",
        sa.Column("uncredited_quantity", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column("delivery", _number("delivered_grams"))
    op.add_column("delivery", _number("stock_quantity"))
    op.add_column(
        "pledge", sa.Column("origin", sa.Text(), server_default="pledged", nullable=False)
    )
    op.add_column("pledge", _number("instead_of_id"))
    op.create_foreign_key(
        op.f("fk_pledge_cooperative_id_instead_of_id_pledge"),
        "pledge",
        "pledge",
        ["cooperative_id", "instead_of_id"],
        ["cooperative_id", "id"],
    )
    op.add_column("product", _number("grams_per_unit"))
    op.add_column(
        "purchase_round",
        sa.Column("surplus_rule", sa.Text(), server_default="stock", nullable=False),
    )
    op.add_column("round_product", sa.Column("shortage_rule", sa.Text(), nullable=True))
    op.add_column("round_product", _number("grams_per_unit"))
    op.add_column("round_product", _number("replaces_id"))
    op.create_foreign_key(
        op.f("fk_round_product_cooperative_id_replaces_id_round_product"),
        "round_product",
        "round_product",
        ["cooperative_id", "replaces_id"],
        ["cooperative_id", "id"],
    )
    for table, checks in _CHECKS.items():
        for name, condition in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _create_slots() -> None:
    op.create_table(
        "pickup_slot",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("capacity >= 1", name=op.f("ck_pickup_slot_capacity_positive")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_pickup_slot_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_pickup_slot_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_pickup_slot_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_pickup_slot")),
        sa.UniqueConstraint(
            "cooperative_id",
            "round_id",
            "id",
            name=op.f("uq_pickup_slot_cooperative_id_round_id_id"),
        ),
    )
    op.create_table(
        "pickup_choice",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot_id", sa.BigInteger(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_pickup_choice_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id", "slot_id"],
            ["pickup_slot.cooperative_id", "pickup_slot.round_id", "pickup_slot.id"],
            name=op.f("fk_pickup_choice_cooperative_id_round_id_slot_id_pickup_slot"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_pickup_choice_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "round_id", "member_id", name=op.f("pk_pickup_choice")
        ),
    )


def _create_hand_outs() -> None:
    op.create_table(
        "hand_out",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("pledge_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome = 'collected' or note <> ''", name=op.f("ck_hand_out_not_collected_is_noted")
        ),
        sa.CheckConstraint(
            "outcome in ('collected', 'kept', 'charged', 'sold_on')",
            name=op.f("ck_hand_out_outcome_known"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"],
            ["pledge.cooperative_id", "pledge.id"],
            name=op.f("fk_hand_out_cooperative_id_pledge_id_pledge"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_hand_out_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_hand_out_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "pledge_id", name=op.f("pk_hand_out")),
    )
    op.create_index(
        "ix_hand_out_cooperative_id_round_id",
        "hand_out",
        ["cooperative_id", "round_id"],
        unique=False,
    )


def _create_decisions() -> None:
    op.create_table(
        "pledge_weight",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("pledge_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("weighed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("weighed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("grams > 0", name=op.f("ck_pledge_weight_grams_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"],
            ["pledge.cooperative_id", "pledge.id"],
            name=op.f("fk_pledge_weight_cooperative_id_pledge_id_pledge"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_pledge_weight_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_pledge_weight_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "pledge_id", name=op.f("pk_pledge_weight")),
    )
    op.create_index(
        "ix_pledge_weight_cooperative_id_round_id",
        "pledge_weight",
        ["cooperative_id", "round_id"],
        unique=False,
    )
    op.create_table(
        "share_by_hand",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("pledge_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_share_by_hand_reason_given")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_share_by_hand_quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "pledge_id"],
            ["pledge.cooperative_id", "pledge.id"],
            name=op.f("fk_share_by_hand_cooperative_id_pledge_id_pledge"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["purchase_round.cooperative_id", "purchase_round.id"],
            name=op.f("fk_share_by_hand_cooperative_id_round_id_purchase_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_share_by_hand_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_share_by_hand")),
    )
    op.create_index(
        "ix_share_by_hand_cooperative_id_round_id",
        "share_by_hand",
        ["cooperative_id", "round_id"],
        unique=False,
    )
    op.create_index(
        "ix_share_by_hand_one_counts",
        "share_by_hand",
        ["cooperative_id", "pledge_id"],
        unique=True,
        postgresql_where=sa.text("released_at is null"),
    )
