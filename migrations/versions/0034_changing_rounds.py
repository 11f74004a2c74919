"""What a round may change: surplus of what repeats, freight as it turned out, a round made again.

Revision ID: 0034_changing_rounds
Revises: 0032_rounds_stay
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034_changing_rounds"
down_revision = "0032_rounds_stay"
branch_labels = None
depends_on = None

# SQLSTATE WE064: freight is changed after it was settled, or once the round closed without
# keeping what was agreed and why it became another.
_GUARD = """
create function round_freight_stays() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'the freight of round % stays, or tells what was agreed', old.code
    using errcode = 'WE064';
end $$
"""


def upgrade() -> None:
    # Rounds that repeat kept their surplus as stock so far; whose template it is may change that.
    op.add_column(
        "repeating_round",
        sa.Column("surplus_rule", sa.Text(), server_default="stock", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_repeating_round_surplus_known"),
        "repeating_round",
        "surplus_rule in ('stock', 'ask')",
    )
    op.add_column(
        "purchase_round", sa.Column("agreed_freight_excl_cents", sa.BigInteger(), nullable=True)
    )
    op.add_column("purchase_round", sa.Column("freight_reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_purchase_round_freight_explained"),
        "purchase_round",
        "(agreed_freight_excl_cents is null) = (freight_reason is null)",
    )
    op.create_check_constraint(
        op.f("ck_purchase_round_agreed_freight_not_negative"),
        "purchase_round",
        "agreed_freight_excl_cents >= 0",
    )
    op.add_column("purchase_round", sa.Column("instead_of_id", sa.BigInteger(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_purchase_round_cooperative_id_instead_of_id"),
        "purchase_round",
        ["cooperative_id", "instead_of_id"],
    )
    op.create_foreign_key(
        op.f("fk_purchase_round_cooperative_id_instead_of_id_purchase_round"),
        "purchase_round",
        "purchase_round",
        ["cooperative_id", "instead_of_id"],
        ["cooperative_id", "id"],
    )
    op.execute(_GUARD)
    op.execute(
        "create trigger freight_stays before update on purchase_round for each row"
        " when (old.freight_excl_cents <> new.freight_excl_cents"
        " and (old.state in ('settled', 'cancelled')"
        " or (old.state not in ('draft', 'open') and new.agreed_freight_excl_cents is null"
        " and new.freight_excl_cents is distinct from old.agreed_freight_excl_cents)))"
        " execute function round_freight_stays()"
    )


def downgrade() -> None:
    op.execute("drop trigger freight_stays on purchase_round")
    op.execute("drop function round_freight_stays()")
    for name in ("freight_explained", "agreed_freight_not_negative"):
        op.drop_constraint(op.f(f"ck_purchase_round_{name}"), "purchase_round", type_="check")
    op.drop_constraint(
        op.f("fk_purchase_round_cooperative_id_instead_of_id_purchase_round"),
        "purchase_round",
        type_="foreignkey",
    )
    op.drop_constraint(
        op.f("uq_purchase_round_cooperative_id_instead_of_id"), "purchase_round", type_="unique"
    )
    op.drop_column("purchase_round", "instead_of_id")
    op.drop_column("purchase_round", "freight_reason")
    op.drop_column("purchase_round", "agreed_freight_excl_cents")
    op.drop_constraint(op.f("ck_repeating_round_surplus_known"), "repeating_round", type_="check")
    op.drop_column("repeating_round", "surplus_rule")
