"""Projects, participations, drawings, assets and results; the accounting for subsidies.

Revision ID: 0010_investments
Revises: 0009_budgets
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0010_investments"
down_revision = "0009_budgets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subsidy", sa.Column("accounted_on", sa.Date(), nullable=True))
    _create_tables()
    for guard in (_PARTICIPATIONS, _SPENDING, _RESULTS):
        op.execute(sa.text(guard.replace(":", r"\:")))
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)


def downgrade() -> None:
    op.drop_column("subsidy", "accounted_on")
    op.drop_table("result_share")
    op.drop_index(
        "uq_project_drawing_invoice",
        table_name="project_drawing",
        postgresql_where="reversed_on is null",
    )
    op.drop_table("project_drawing")
    op.drop_table("asset_depreciation")
    op.drop_table("project_result")
    op.drop_table("project_asset")
    op.drop_index("ix_participation_cooperative_id_project_id", table_name="participation")
    op.drop_index("ix_participation_cooperative_id_member_id", table_name="participation")
    op.drop_table("participation")
    op.drop_table("investment_project")
    for function in _FUNCTIONS:
        op.execute(f"drop function {function}()")
    op.execute("drop function asset_costs_its_drawings(bigint, bigint)")


# Whoever writes: a state follows only the states that it may follow, and the counts of a project
# are those of its participations. The row of the project is locked by counting, so two who take
# the last unit at once go one after the other, and its check refuses the second.
_PARTICIPATIONS = """
create function participations_taken() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (select from added where state <> 'subscribed') then
    raise exception 'a participation begins as taken' using errcode = 'WE014';
  end if;
  update investment_project p set taken_units = p.taken_units + a.units
  from (select cooperative_id, project_id, sum(units)::bigint as units from added
        group by cooperative_id, project_id) a
  where p.cooperative_id = a.cooperative_id and p.id = a.project_id;
  return null;
end $$;

create trigger count_taken after insert on participation
referencing new table as added
for each statement execute function participations_taken();

create function participations_moved() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  wrong record;
begin
  select o.code, o.state as was, n.state as becomes into wrong
  from was o join becomes n on n.cooperative_id = o.cooperative_id and n.id = o.id
  where n.state <> o.state and (o.state, n.state) not in (
    ('subscribed', 'paid'), ('subscribed', 'issued'), ('subscribed', 'withdrawn'),
    ('paid', 'issued'), ('paid', 'refunded'), ('issued', 'released'))
  limit 1;
  if found then
    raise exception 'participation % does not go from % to %',
      wrong.code, wrong.was, wrong.becomes using errcode = 'WE014';
  end if;
  update investment_project p
  set taken_units = p.taken_units + m.taken, raised_units = p.raised_units + m.raised
  from (
    select cooperative_id, project_id, sum(taken)::bigint as taken, sum(raised)::bigint as raised
    from (
      select cooperative_id, project_id,
        case when state in ('withdrawn', 'refunded') then 0 else units end as taken,
        case when state in ('issued', 'released') then units else 0 end as raised
      from becomes
      union all
      select cooperative_id, project_id,
        case when state in ('withdrawn', 'refunded') then 0 else -units end,
        case when state in ('issued', 'released') then -units else 0 end
      from was
    ) change
    group by cooperative_id, project_id
    having sum(taken) <> 0 or sum(raised) <> 0
  ) m
  where p.cooperative_id = m.cooperative_id and p.id = m.project_id;
  return null;
end $$;

create trigger count_moved after update on participation
referencing old table as was new table as becomes
for each statement execute function participations_moved();

create function campaign_is_granted_by_its_stage() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from investment_project
    where cooperative_id = new.cooperative_id and id = new.id and state = 'granted'
      and raised_units < stage_units
  ) then
    raise exception 'project % counts before its first stage is paid', new.code
      using errcode = 'WE014';
  end if;
  if old.state <> 'gathering' and new.state <> old.state then
    raise exception 'project % was decided', new.code using errcode = 'WE014';
  end if;
  return null;
end $$;

create constraint trigger granted_by_stage after update of state on investment_project
deferrable initially deferred
for each row execute function campaign_is_granted_by_its_stage();
"""

# What is spent, what an asset cost and what it lost are the sums of their rows.
_SPENDING = """
create function drawing_counts() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  drawn bigint = 0;
begin
  if new.reversed_on is null then
    drawn = new.cost_cents;
  end if;
  if tg_op = 'UPDATE' then
    if old.reversed_on is not null or old.asset_id is not null then
      raise exception 'drawing % stays as it is', new.id using errcode = 'WE014';
    end if;
    drawn = drawn - old.cost_cents;
  end if;
  if drawn <> 0 then
    update investment_project set drawn_cents = drawn_cents + drawn
    where cooperative_id = new.cooperative_id and id = new.project_id;
  end if;
  return null;
end $$;

create trigger counts after insert or update on project_drawing
for each row execute function drawing_counts();

create function asset_costs_its_drawings(cooperative bigint, asset bigint) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from project_asset a
    where a.cooperative_id = cooperative and a.id = asset
      and a.cost_cents is distinct from (
        select sum(d.cost_cents) from project_drawing d
        where d.cooperative_id = cooperative and d.asset_id = asset
          and d.project_id = a.project_id)
  ) then
    raise exception 'asset % does not cost what its invoices come to', asset
      using errcode = 'WE014';
  end if;
end $$;

create function asset_is_its_drawings() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform asset_costs_its_drawings(new.cooperative_id, new.id);
  return null;
end $$;

create function drawing_is_of_its_asset() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform asset_costs_its_drawings(new.cooperative_id, new.asset_id);
  return null;
end $$;

create constraint trigger cost_of_drawings after insert on project_asset
deferrable initially deferred
for each row execute function asset_is_its_drawings();
create constraint trigger cost_of_drawings after update of asset_id on project_drawing
deferrable initially deferred
for each row execute function drawing_is_of_its_asset();

create function depreciation_counts() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  asset public.project_asset;
  months bigint;
begin
  update project_asset set depreciated_cents = depreciated_cents + new.cents
  where cooperative_id = new.cooperative_id and id = new.asset_id
  returning * into asset;
  if new.month < asset.in_use_from
     or new.month >= asset.in_use_from + make_interval(months => asset.life_months::integer) then
    raise exception '% is outside the life of asset %', new.month, asset.code
      using errcode = 'WE014';
  end if;
  select count(*) into months from asset_depreciation
  where cooperative_id = new.cooperative_id and asset_id = new.asset_id;
  if months = asset.life_months
     and asset.depreciated_cents <> asset.cost_cents - asset.residual_cents then
    raise exception 'the months of asset % do not add up to what it loses', asset.code
      using errcode = 'WE014';
  end if;
  return null;
end $$;

create trigger counts after insert on asset_depreciation
for each row execute function depreciation_counts();
"""

# The shares of a result are its total, over all units that it was shared over.
_RESULTS = """
create function result_shares_sum_up() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  shared numeric;
  counted numeric;
begin
  select sum(cents), sum(units) into shared, counted from result_share
  where cooperative_id = new.cooperative_id and result_id = new.id;
  if shared is distinct from new.cents or counted is distinct from new.units then
    raise exception 'the shares of result % come to % of %', new.id, shared, new.cents
      using errcode = 'WE014';
  end if;
  return null;
end $$;

create constraint trigger shares_sum_up after insert on project_result
deferrable initially deferred
for each row execute function result_shares_sum_up();

-- So no share is added to a result that is whole.
create function result_shares_within_units() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from project_result r
    where (r.cooperative_id, r.id) in (select cooperative_id, result_id from added)
      and r.units < (select sum(s.units) from result_share s
        where s.cooperative_id = r.cooperative_id and s.result_id = r.id)
  ) then
    raise exception 'the result was shared over all its units' using errcode = 'WE014';
  end if;
  return null;
end $$;

create trigger shares_within_units after insert on result_share
referencing new table as added
for each statement execute function result_shares_within_units();
"""

_FUNCTIONS = (
    "participations_taken",
    "participations_moved",
    "campaign_is_granted_by_its_stage",
    "drawing_counts",
    "asset_is_its_drawings",
    "drawing_is_of_its_asset",
    "depreciation_counts",
    "result_shares_sum_up",
    "result_shares_within_units",
)

# The counts are not for the program to write.
_RIGHTS = {
    "investment_project": "select, insert (cooperative_id, code, name, explanation, instrument,"
    " unit_price_cents, target_units, stage_units, maximum_units, opens_on, closes_on,"
    " repayment_months, repayment_cents_per_year, prospectus, state, granted_on, closed_on,"
    " created_at, created_by), update (state, granted_on, closed_on)",
    "participation": "select, insert, update (state, paid_on, issued_on, ended_on, released_cents)",
    "project_asset": "select, insert (cooperative_id, code, project_id, name, in_use_from,"
    " life_months, cost_cents, residual_cents, key_code), update (key_code)",
    "project_drawing": "select, insert, update (asset_id, reversed_on)",
    "asset_depreciation": "select, insert",
    "project_result": "select, insert",
    "result_share": "select, insert",
}


def _create_tables() -> None:
    op.create_table(
        "investment_project",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), server_default="", nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("unit_price_cents", sa.BigInteger(), nullable=False),
        sa.Column("target_units", sa.BigInteger(), nullable=False),
        sa.Column("stage_units", sa.BigInteger(), nullable=False),
        sa.Column("maximum_units", sa.BigInteger(), nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("repayment_months", sa.BigInteger(), nullable=False),
        sa.Column("repayment_cents_per_year", sa.BigInteger(), nullable=True),
        sa.Column("prospectus", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("taken_units", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("raised_units", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("drawn_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(state = 'granted') = (granted_on is not null)",
            name=op.f("ck_investment_project_granted_on_a_day"),
        ),
        sa.CheckConstraint(
            "instrument in ('equity', 'subordinated', 'loan')",
            name=op.f("ck_investment_project_instrument_known"),
        ),
        sa.CheckConstraint(
            "raised_units = 0 or state = 'granted'",
            name=op.f("ck_investment_project_raised_when_granted"),
        ),
        sa.CheckConstraint(
            "state in ('gathering', 'granted', 'failed')",
            name=op.f("ck_investment_project_state_known"),
        ),
        sa.CheckConstraint(
            "closes_on >= opens_on", name=op.f("ck_investment_project_closes_after_opening")
        ),
        sa.CheckConstraint(
            "drawn_cents between 0 and unit_price_cents * case when closed_on is null and raised_units < target_units then raised_units / stage_units * stage_units else raised_units end",
            name=op.f("ck_investment_project_drawn_within_raised"),
        ),
        sa.CheckConstraint(
            "maximum_units between 1 and target_units",
            name=op.f("ck_investment_project_maximum_within_target"),
        ),
        sa.CheckConstraint(
            "raised_units between 0 and taken_units",
            name=op.f("ck_investment_project_raised_within_taken"),
        ),
        sa.CheckConstraint(
            "repayment_cents_per_year > 0",
            name=op.f("ck_investment_project_repayment_per_year_positive"),
        ),
        sa.CheckConstraint(
            "repayment_months between 0 and 600",
            name=op.f("ck_investment_project_repayment_months_sane"),
        ),
        sa.CheckConstraint(
            "stage_units = 1 or closes_on is not null",
            name=op.f("ck_investment_project_condition_has_last_day"),
        ),
        sa.CheckConstraint(
            "stage_units between 1 and target_units",
            name=op.f("ck_investment_project_stage_within_target"),
        ),
        sa.CheckConstraint(
            "taken_units between 0 and target_units",
            name=op.f("ck_investment_project_taken_within_target"),
        ),
        sa.CheckConstraint(
            "unit_price_cents > 0", name=op.f("ck_investment_project_price_positive")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_investment_project_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_investment_project")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_investment_project_cooperative_id_code")
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "id",
            "unit_price_cents",
            name=op.f("uq_investment_project_cooperative_id_id_unit_price_cents"),
        ),
    )
    op.create_table(
        "participation",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_cents", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("released_cents", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(ended_on is not null) = (state in ('released', 'withdrawn', 'refunded'))",
            name=op.f("ck_participation_ended_on_a_day"),
        ),
        sa.CheckConstraint(
            "(issued_on is not null) = (state in ('issued', 'released'))",
            name=op.f("ck_participation_issued_on_a_day"),
        ),
        sa.CheckConstraint(
            "(paid_on is not null) = (state in ('paid', 'issued', 'released', 'refunded'))",
            name=op.f("ck_participation_paid_on_a_day"),
        ),
        sa.CheckConstraint(
            "(released_cents is not null) = (state = 'released')",
            name=op.f("ck_participation_released_for_an_amount"),
        ),
        sa.CheckConstraint(
            "state in ('subscribed', 'paid', 'issued', 'released', 'withdrawn', 'refunded')",
            name=op.f("ck_participation_state_known"),
        ),
        sa.CheckConstraint(
            "cents = units * unit_price_cents",
            name=op.f("ck_participation_cents_are_units_at_price"),
        ),
        sa.CheckConstraint(
            "released_cents between 0 and cents",
            name=op.f("ck_participation_released_within_cents"),
        ),
        sa.CheckConstraint("units > 0", name=op.f("ck_participation_units_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_participation_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "project_id", "unit_price_cents"],
            [
                "investment_project.cooperative_id",
                "investment_project.id",
                "investment_project.unit_price_cents",
            ],
            name=op.f(
                "fk_participation_cooperative_id_project_id_unit_price_cents_investment_project"
            ),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_participation_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_participation")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_participation_cooperative_id_code")
        ),
    )
    op.create_index(
        "ix_participation_cooperative_id_member_id",
        "participation",
        ["cooperative_id", "member_id"],
        unique=False,
    )
    op.create_index(
        "ix_participation_cooperative_id_project_id",
        "participation",
        ["cooperative_id", "project_id"],
        unique=False,
    )
    op.create_table(
        "project_asset",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("in_use_from", sa.Date(), nullable=False),
        sa.Column("life_months", sa.BigInteger(), nullable=False),
        sa.Column("cost_cents", sa.BigInteger(), nullable=False),
        sa.Column("residual_cents", sa.BigInteger(), nullable=False),
        sa.Column("depreciated_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("key_code", sa.Text(), nullable=True),
        sa.CheckConstraint("cost_cents > 0", name=op.f("ck_project_asset_cost_positive")),
        sa.CheckConstraint(
            "depreciated_cents between 0 and cost_cents - residual_cents",
            name=op.f("ck_project_asset_depreciated_within_cost"),
        ),
        sa.CheckConstraint(
            "extract(day from in_use_from) = 1", name=op.f("ck_project_asset_in_use_from_first_day")
        ),
        sa.CheckConstraint(
            "life_months between 1 and 1200", name=op.f("ck_project_asset_life_sane")
        ),
        sa.CheckConstraint(
            "residual_cents between 0 and cost_cents",
            name=op.f("ck_project_asset_residual_within_cost"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "project_id"],
            ["investment_project.cooperative_id", "investment_project.id"],
            name=op.f("fk_project_asset_cooperative_id_project_id_investment_project"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_project_asset_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_project_asset")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_project_asset_cooperative_id_code")
        ),
    )
    op.create_table(
        "project_result",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("accounting_date", sa.Date(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(cents = 0) = (entry_number is null)",
            name=op.f("ck_project_result_posted_when_something"),
        ),
        sa.CheckConstraint("units > 0", name=op.f("ck_project_result_units_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "project_id"],
            ["investment_project.cooperative_id", "investment_project.id"],
            name=op.f("fk_project_result_cooperative_id_project_id_investment_project"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_project_result_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_project_result")),
        sa.UniqueConstraint(
            "cooperative_id",
            "project_id",
            "year",
            name=op.f("uq_project_result_cooperative_id_project_id_year"),
        ),
    )
    op.create_table(
        "asset_depreciation",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("shared_cost_code", sa.Text(), nullable=True),
        sa.CheckConstraint("cents >= 0", name=op.f("ck_asset_depreciation_cents_not_negative")),
        sa.CheckConstraint(
            "extract(day from month) = 1", name=op.f("ck_asset_depreciation_month_is_first_day")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "asset_id"],
            ["project_asset.cooperative_id", "project_asset.id"],
            name=op.f("fk_asset_depreciation_cooperative_id_asset_id_project_asset"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_asset_depreciation_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "asset_id", "month", name=op.f("pk_asset_depreciation")
        ),
    )
    op.create_table(
        "project_drawing",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_code", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("drawn_on", sa.Date(), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("cost_cents", sa.BigInteger(), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=True),
        sa.Column("entry_number", sa.BigInteger(), nullable=False),
        sa.Column("reversed_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "cost_cents in (net_cents, net_cents + vat_cents)",
            name=op.f("ck_project_drawing_cost_is_borne"),
        ),
        sa.CheckConstraint(
            "net_cents > 0 and vat_cents >= 0", name=op.f("ck_project_drawing_amounts_not_negative")
        ),
        sa.CheckConstraint(
            "reversed_on is null or asset_id is null",
            name=op.f("ck_project_drawing_reversed_is_of_no_asset"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "asset_id"],
            ["project_asset.cooperative_id", "project_asset.id"],
            name=op.f("fk_project_drawing_cooperative_id_asset_id_project_asset"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "project_id"],
            ["investment_project.cooperative_id", "investment_project.id"],
            name=op.f("fk_project_drawing_cooperative_id_project_id_investment_project"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_project_drawing_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_project_drawing")),
    )
    op.create_index(
        "uq_project_drawing_invoice",
        "project_drawing",
        ["cooperative_id", "supplier_code", "document"],
        unique=True,
        postgresql_where="reversed_on is null",
    )
    op.create_table(
        "result_share",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("result_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("units > 0", name=op.f("ck_result_share_units_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_result_share_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "result_id"],
            ["project_result.cooperative_id", "project_result.id"],
            name=op.f("fk_result_share_cooperative_id_result_id_project_result"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_result_share_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "result_id", "member_id", name=op.f("pk_result_share")
        ),
    )
