"""What one member may have of a project, whoever writes.

Revision ID: 0036_projects_and_care
Revises: 0028_guards_do_not_sort
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036_projects_and_care"
down_revision = "0028_guards_do_not_sort"
branch_labels = None
depends_on = None

# SQLSTATE WE037: a member would have more units of a project than one may. What he keeps when he
# passes a part on goes on as a participation of its own, and is not more than he had.
_MAXIMUM = """
create function participation_within_maximum() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  most bigint;
begin
  if exists (
    select from participation o
    where o.cooperative_id = new.cooperative_id and o.id = new.origin_id
      and o.member_id = new.member_id
  ) then
    return null;
  end if;
  -- Who comes at the same moment waits here, and then counts what the other took.
  select maximum_units into most from investment_project
  where cooperative_id = new.cooperative_id and id = new.project_id for no key update;
  if most < (
    select sum(p.units) from participation p
    where p.cooperative_id = new.cooperative_id and p.project_id = new.project_id
      and p.member_id = new.member_id and p.state in ('subscribed', 'paid', 'issued')
  ) then
    raise exception 'a member has more than % units of project %', most, new.project_id
      using errcode = 'WE037';
  end if;
  return null;
end $$;

create constraint trigger within_maximum after insert on participation
deferrable initially deferred
for each row execute function participation_within_maximum();
"""


def upgrade() -> None:
    op.execute(_MAXIMUM)


def downgrade() -> None:
    op.execute("drop trigger within_maximum on participation")
    op.execute("drop function participation_within_maximum()")
