"""Pledges: the increments after the first claim, each with its moment.

Revision ID: 0021_turns
Revises: 0020_account_guard
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021_turns"
down_revision = "0020_account_guard"
branch_labels = None
depends_on = None

# The first claim is what is left of the quantity, and never nothing.
_FIT = """
create function later_claims_fit(quantity bigint, moments timestamptz[], quantities bigint[])
returns boolean language sql immutable as $$
  select cardinality(moments) = cardinality(quantities)
    and array_position(moments, null) is null and array_position(quantities, null) is null
    and coalesce((
      select sum(units) < quantity and bool_and(units > 0) from unnest(quantities) as units
    ), true)
$$
"""


def upgrade() -> None:
    op.execute(_FIT)
    empty = sa.text("'{}'")
    op.add_column(
        "pledge",
        sa.Column(
            "later_at",
            postgresql.ARRAY(sa.DateTime(timezone=True)),
            server_default=empty,
            nullable=False,
        ),
    )
    op.add_column(
        "pledge",
        sa.Column(
            "later_quantities",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=empty,
            nullable=False,
        ),
    )
    op.create_check_constraint(
        op.f("ck_pledge_later_claims_fit"),
        "pledge",
        "later_claims_fit(quantity, later_at, later_quantities)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_pledge_later_claims_fit"), "pledge", type_="check")
    op.drop_column("pledge", "later_quantities")
    op.drop_column("pledge", "later_at")
    op.execute("drop function later_claims_fit(bigint, timestamptz[], bigint[])")
