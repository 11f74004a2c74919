"""Vouchers from subsidies: nothing is given any more from one that was accounted for.

Revision ID: 0019_wijk
Revises: 0016_grants
"""

from __future__ import annotations

from alembic import op

revision = "0019_wijk"
down_revision = "0016_grants"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(_SUBSIDY_GUARD)


def downgrade() -> None:
    op.execute("drop trigger gives_while_open on voucher_fund")
    op.execute("drop function fund_of_open_subsidy()")


# A fund with the code of a subsidy gives that subsidy's money. How much is left the ledger
# guards; whether it may still be given stands with the subsidy.
_SUBSIDY_GUARD = """
create function fund_of_open_subsidy() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from subsidy s where s.cooperative_id = new.cooperative_id
      and s.code = new.code and s.accounted_on is not null
  ) then
    raise exception 'subsidy % was accounted for', new.code using errcode = 'WE030';
  end if;
  return new;
end $$;

create trigger gives_while_open before update on voucher_fund
for each row when (new.issued_minor > old.issued_minor)
execute function fund_of_open_subsidy();
"""
