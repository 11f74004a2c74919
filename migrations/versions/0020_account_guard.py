"""Accounts: one check of their cooperative for all that are opened together.

Revision ID: 0020_account_guard
Revises: 0019_subsidised_vouchers
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_account_guard"
down_revision = "0019_subsidised_vouchers"
branch_labels = None
depends_on = None

# Ten thousand vouchers open ten thousand accounts: a foreign key would look up their one
# cooperative ten thousand times (decision 0003). Locked as a foreign key would lock it, it
# cannot be deleted before the accounts are there; afterwards their books hold it.
_CHECK = """
  if exists (
    select from (select distinct cooperative_id from opened) as o
    where not exists (select from cooperative c where c.id = o.cooperative_id)
  ) then
    raise exception 'an account of a cooperative that does not exist'
      using errcode = 'foreign_key_violation';
  end if;
  perform from cooperative where id in (select cooperative_id from opened) for key share;
"""


def upgrade() -> None:
    op.drop_constraint("fk_account_cooperative_id_cooperative", "account", type_="foreignkey")
    _open_balances(_CHECK)


def downgrade() -> None:
    _open_balances("")
    op.create_foreign_key(
        op.f("fk_account_cooperative_id_cooperative"),
        "account",
        "cooperative",
        ["cooperative_id"],
        ["id"],
    )


def _open_balances(check: str) -> None:
    statement = f"""
create or replace function ledger_open_balances() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
{check}
  insert into account_balance (cooperative_id, account_id, balance, maximum_balance)
  select cooperative_id, id, 0,
    case when key = 'vouchers_outstanding' and party is not null then 0 end
  from opened;
  return null;
end $$;
"""
    op.execute(sa.text(statement))
