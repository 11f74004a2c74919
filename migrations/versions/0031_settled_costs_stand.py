"""Several subsidies help one cost; what was settled stands, whoever is connected.

Revision ID: 0031_settled_costs_stand
Revises: 0030_keys_and_meters
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0031_settled_costs_stand"
down_revision = "0030_keys_and_meters"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was settled stands in the books: a stop that came at the same moment was too late.
    op.execute("update shared_cost set stopped_at = null where settled_version > 0")
    op.create_check_constraint(
        op.f("ck_shared_cost_stopped_or_settled"),
        "shared_cost",
        "stopped_at is null or settled_version = 0",
    )
    _create_subsidy_blocks()
    _create_recurring_terms()
    for guard in (_SHARES, _ARRIVAL, _COSTS, _RUNS, _SUBSIDIES):
        op.execute(sa.text(guard.replace(":", r"\:")))
    for table, columns in _CHANGEABLE.items():
        op.execute(f"revoke update on {table} from wijkeconomie_app")
        op.execute(f"grant update ({columns}) on {table} to wijkeconomie_app")
    op.execute("revoke update, delete on subsidy_earmark from wijkeconomie_app")


def downgrade() -> None:
    """Of several subsidies of one settlement the first one is kept, with what all of them pay."""
    op.execute("grant update, delete on subsidy_earmark to wijkeconomie_app")
    for table, columns in _CHANGEABLE.items():
        op.execute(f"revoke update ({columns}) on {table} from wijkeconomie_app")
        op.execute(f"grant update on {table} to wijkeconomie_app")
    op.execute("revoke update on settlement_run from wijkeconomie_app")
    op.execute(f"grant update ({_RUN_COLUMNS_BEFORE}) on settlement_run to wijkeconomie_app")
    for trigger, table in _TRIGGERS:
        op.execute(f"drop trigger {trigger} on {table}")
    for function in _FUNCTIONS:
        op.execute(f"drop function {function}()")
    op.execute(sa.text(_SHARES_BEFORE.replace(":", r"\:")))
    op.drop_table("recurring_cost_terms")
    op.add_column("cost_settlement", sa.Column("subsidy_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_cost_settlement_cooperative_id_subsidy_id_subsidy"),
        "cost_settlement",
        "subsidy",
        ["cooperative_id", "subsidy_id"],
        ["cooperative_id", "id"],
    )
    op.execute(
        "update cost_settlement s set subsidy_id = u.subsidy_id"
        " from (select cooperative_id, settlement_id, min(subsidy_id) as subsidy_id"
        " from cost_subsidy_block group by cooperative_id, settlement_id) u"
        " where u.cooperative_id = s.cooperative_id and u.settlement_id = s.id"
    )
    op.drop_table("cost_subsidy_block")
    op.drop_constraint(op.f("ck_shared_cost_stopped_or_settled"), "shared_cost", type_="check")


_RUN_COLUMNS_BEFORE = (
    "state, drafted_at, drafted_by, fingerprint, posted_at, posted_by, published_at"
)
_CHANGEABLE = {
    "shared_cost": "net_cents, vat_cents, gross_cents, stopped_at, settled_version",
    "settlement_run": f"number, {_RUN_COLUMNS_BEFORE}",
    "recurring_cost": "ends_on, stopped_at",
    "subsidy": "used_cents, accounted_on",
}

# SQLSTATEs: WE008 shares do not fit their settlement, WE040 a settled cost, WE041 a run,
# WE043 a subsidy that was accounted for.

_SHARES_BODY = """
create or replace function cost_shares_sum_up() returns trigger
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
{subsidies}  return null;
end $$;
"""
_SHARES_BEFORE = _SHARES_BODY.format(subsidies="")

# What a settlement's subsidies pay comes, share by share, to what its shares tell.
_SHARES = _SHARES_BODY.format(
    subsidies="""
  if new.subsidy_cents <> 0 and exists (
    select from cost_share_block b
    where b.cooperative_id = new.cooperative_id and b.settlement_id = new.id
      and b.subsidy_cents is distinct from (
        select array_agg(paid.cents order by paid.place) from (
          select t.place, sum(t.cents)::bigint as cents
          from cost_subsidy_block u
          cross join unnest(u.cents) with ordinality as t (cents, place)
          where u.cooperative_id = b.cooperative_id and u.settlement_id = b.settlement_id
            and u.position = b.position
          group by t.place) paid)
  ) then
    raise exception 'the subsidies of settlement % are not what its shares tell', new.id
      using errcode = 'WE008';
  end if;
"""
)

# Shares arrive in the transaction of their settlement, or never: rows that one (sub)transaction
# wrote carry its number. What arrived is neither changed nor taken away.
_ARRIVAL = """
create function cost_shares_arrive_together() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  late bigint;
begin
  select i.settlement_id into late
  from (select cooperative_id, settlement_id, min(position) as position from arrived
    group by cooperative_id, settlement_id) i
  join cost_share_block b on b.cooperative_id = i.cooperative_id
    and b.settlement_id = i.settlement_id and b.position = i.position
  join cost_settlement s on s.cooperative_id = i.cooperative_id and s.id = i.settlement_id
  where s.xmin <> b.xmin
  limit 1;
  if found then
    raise exception 'settlement % has its shares', late using errcode = 'WE008';
  end if;
  return null;
end $$;

create trigger arrive_together after insert on cost_share_block
referencing new table as arrived
for each statement execute function cost_shares_arrive_together();

create function cost_subsidies_arrive_together() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  late bigint;
begin
  select u.settlement_id into late
  from arrived i
  join cost_subsidy_block u on u.cooperative_id = i.cooperative_id
    and u.settlement_id = i.settlement_id and u.subsidy_id = i.subsidy_id
    and u.position = i.position
  join cost_settlement s on s.cooperative_id = i.cooperative_id and s.id = i.settlement_id
  where s.xmin <> u.xmin
  limit 1;
  if found then
    raise exception 'settlement % has its subsidies', late using errcode = 'WE008';
  end if;
  return null;
end $$;

create trigger arrive_together after insert on cost_subsidy_block
referencing new table as arrived
for each statement execute function cost_subsidies_arrive_together();

create function cost_shares_stand() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'rows of % stand', tg_table_name using errcode = 'WE008';
end $$;

create trigger stand before update or delete on cost_share_block
for each statement execute function cost_shares_stand();

create trigger stand before update or delete on cost_subsidy_block
for each statement execute function cost_shares_stand();

create trigger stands before update on cost_settlement for each row
when (row(new.cost_id, new.version, new.run_id, new.key_version_id, new.accounting_date,
    new.total_cents, new.subsidy_cents, new.part_totals, new.weight_sums, new.weight_scales,
    new.start, new.member_count, new.held_cents, new.free_weight, new.carry_mean,
    new.entry_number, new.proof, new.secret)
  is distinct from row(old.cost_id, old.version, old.run_id, old.key_version_id,
    old.accounting_date, old.total_cents, old.subsidy_cents, old.part_totals, old.weight_sums,
    old.weight_scales, old.start, old.member_count, old.held_cents, old.free_weight,
    old.carry_mean, old.entry_number, old.proof, old.secret)
  or old.reversal_number is not null
    and new.reversal_number is distinct from old.reversal_number)
execute function cost_shares_stand();
"""

# A version follows the one before it; a settled cost is what its standing settlement shared.
_COSTS = """
create function shared_cost_settled_in_turn() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'cost %: version % does not follow version %', new.code, new.settled_version,
    old.settled_version using errcode = 'WE040';
end $$;

create trigger settled_in_turn before update on shared_cost for each row
when (new.settled_version not in (old.settled_version, old.settled_version + 1))
execute function shared_cost_settled_in_turn();

create function shared_cost_is_what_was_settled() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
declare
  cost public.shared_cost;
  total bigint;
begin
  select * into cost from shared_cost
  where cooperative_id = new.cooperative_id and id = new.id;
  select s.total_cents into total from cost_settlement s
  where s.cooperative_id = cost.cooperative_id and s.cost_id = cost.id
    and s.version = cost.settled_version;
  if total is distinct from cost.gross_cents
     or cost.settled_version = old.settled_version
       and row(new.net_cents, new.vat_cents) is distinct from row(old.net_cents, old.vat_cents)
  then
    raise exception 'cost % is not what was settled', cost.code using errcode = 'WE040';
  end if;
  return null;
end $$;

create constraint trigger is_what_was_settled
after update of settled_version, net_cents, vat_cents, gross_cents on shared_cost
deferrable initially deferred
for each row when (new.settled_version > 0)
execute function shared_cost_is_what_was_settled();
"""

# A run moves one way, and what was posted of it stands.
_RUNS = """
create function settlement_run_moves_one_way() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'run % of % stands', old.number, to_char(old.month, 'YYYY-MM')
    using errcode = 'WE041';
end $$;

create trigger moves_one_way before update on settlement_run for each row
when (new.month <> old.month or old.state <> 'draft' and (
  row(new.number, new.drafted_at, new.drafted_by, new.fingerprint, new.posted_at, new.posted_by,
    new.reason)
  is distinct from row(old.number, old.drafted_at, old.drafted_by, old.fingerprint,
    old.posted_at, old.posted_by, old.reason)
  or new.state = 'draft'
  or old.state = 'published'
    and (new.state <> 'published' or new.published_at is distinct from old.published_at)))
execute function settlement_run_moves_one_way();
"""

# The funder was told what was used of it.
_SUBSIDIES = """
create function subsidy_accounted_stands() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'subsidy % was accounted for', old.code using errcode = 'WE043';
end $$;

create trigger accounted_stands before update on subsidy for each row
when (old.accounted_on is not null and row(new.accounted_on, new.used_cents, new.awarded_cents)
  is distinct from row(old.accounted_on, old.used_cents, old.awarded_cents))
execute function subsidy_accounted_stands();
"""

_TRIGGERS = (
    ("arrive_together", "cost_share_block"),
    ("arrive_together", "cost_subsidy_block"),
    ("stand", "cost_share_block"),
    ("stand", "cost_subsidy_block"),
    ("stands", "cost_settlement"),
    ("settled_in_turn", "shared_cost"),
    ("is_what_was_settled", "shared_cost"),
    ("moves_one_way", "settlement_run"),
    ("accounted_stands", "subsidy"),
)
_FUNCTIONS = (
    "cost_shares_arrive_together",
    "cost_subsidies_arrive_together",
    "cost_shares_stand",
    "shared_cost_settled_in_turn",
    "shared_cost_is_what_was_settled",
    "settlement_run_moves_one_way",
    "subsidy_accounted_stands",
)


def _create_subsidy_blocks() -> None:
    op.create_table(
        "cost_subsidy_block",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subsidy_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cents", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "settlement_id"],
            ["cost_settlement.cooperative_id", "cost_settlement.id"],
            name=op.f("fk_cost_subsidy_block_cooperative_id_settlement_id_cost_settlement"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "subsidy_id"],
            ["subsidy.cooperative_id", "subsidy.id"],
            name=op.f("fk_cost_subsidy_block_cooperative_id_subsidy_id_subsidy"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_cost_subsidy_block_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id",
            "settlement_id",
            "subsidy_id",
            "position",
            name=op.f("pk_cost_subsidy_block"),
        ),
    )
    for statement in protect_tenant_table("cost_subsidy_block", rights="select, insert"):
        op.execute(statement)
    op.execute(
        "insert into cost_subsidy_block (cooperative_id, settlement_id, subsidy_id, position, cents)"
        " select b.cooperative_id, b.settlement_id, s.subsidy_id, b.position, b.subsidy_cents"
        " from cost_settlement s join cost_share_block b"
        " on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id"
        " where s.subsidy_id is not null and b.subsidy_cents is not null"
    )
    op.drop_column("cost_settlement", "subsidy_id")


def _create_recurring_terms() -> None:
    op.create_table(
        "recurring_cost_terms",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("recurring_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_month", sa.Date(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_basis_points", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "gross_cents = net_cents + vat_cents", name=op.f("ck_recurring_cost_terms_gross_is_sum")
        ),
        sa.CheckConstraint(
            "extract(day from from_month) = 1",
            name=op.f("ck_recurring_cost_terms_from_first_day"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "recurring_id"],
            ["recurring_cost.cooperative_id", "recurring_cost.id"],
            name=op.f("fk_recurring_cost_terms_cooperative_id_recurring_id_recurring_cost"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "key_id"],
            ["allocation_key.cooperative_id", "allocation_key.id"],
            name=op.f("fk_recurring_cost_terms_cooperative_id_key_id_allocation_key"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_recurring_cost_terms_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "recurring_id", "from_month", name=op.f("pk_recurring_cost_terms")
        ),
    )
    rights = "select, insert, update (key_id, net_cents, vat_cents, gross_cents, vat_basis_points)"
    for statement in protect_tenant_table("recurring_cost_terms", rights=rights):
        op.execute(statement)
