"""Assets that leave, what one may have of a project, who pays a care budget, hours of one's own.

Revision ID: 0036_projects_and_care
Revises: 0035_voucher_funds
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0036_projects_and_care"
down_revision = "0035_voucher_funds"
branch_labels = None
depends_on = None

# SQLSTATE WE070: a member would have more units of a project than one may. What he keeps when he
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
      using errcode = 'WE070';
  end if;
  return null;
end $$;

create constraint trigger within_maximum after insert on participation
deferrable initially deferred
for each row execute function participation_within_maximum();
"""

# SQLSTATE WE071: care that one body pays would be on the list of another, who would read of the
# care of people whom it does not know; or who pays would change after it had read.
_PAYERS = """
create function care_line_is_of_its_payer() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if not exists (
    select from care_list l
    join care_budget b on b.cooperative_id = l.cooperative_id and b.id = new.budget_id
    where l.cooperative_id = new.cooperative_id and l.id = new.list_id
      and l.payer_name = b.payer_name
      and l.payer = case when b.law = 'Zvw' and not b.is_drawing_right then 'insurer' else 'svb' end
  ) then
    raise exception 'list % goes to another than who pays this care', new.list_id
      using errcode = 'WE071';
  end if;
  return null;
end $$;

create trigger listed_for_its_payer after insert on care_declaration
for each row when (new.list_id is not null) execute function care_line_is_of_its_payer();
create trigger relisted_for_its_payer after update of list_id on care_declaration
for each row when (new.list_id is not null and new.list_id is distinct from old.list_id)
execute function care_line_is_of_its_payer();

create function care_payer_stays() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from care_declaration d
    where d.cooperative_id = new.cooperative_id and d.budget_id = new.id
      and d.list_id is not null
  ) then
    raise exception 'hours of budget % went to %', new.alias, old.payer_name
      using errcode = 'WE071';
  end if;
  return new;
end $$;

create trigger payer_stays before update of payer_name on care_budget
for each row when (old.payer_name is not null and old.payer_name is distinct from new.payer_name)
execute function care_payer_stays();
"""

# SQLSTATE WE072: someone approves hours that he worked himself. WE073: a holder would be paid
# from his own budget. What a folder brings in is approved by nobody's login.
_OWN_HOURS = """
create function care_hours_are_not_own() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from carer c
    join member m on m.cooperative_id = c.cooperative_id and m.id = c.member_id
    where c.cooperative_id = new.cooperative_id and c.id = new.carer_id
      and m.login_id = nullif(current_setting('app.login_id', true), '')::bigint
  ) then
    raise exception 'nobody approves hours of his own' using errcode = 'WE072';
  end if;
  return new;
end $$;

create trigger not_own_hours before update of state on care_declaration
for each row when (old.state = 'submitted' and new.state = 'approved')
execute function care_hours_are_not_own();

create function care_holder_is_no_own_carer() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from carer c
    where c.cooperative_id = new.cooperative_id and c.id = new.carer_id
      and c.member_id = new.holder_id
  ) then
    raise exception 'a holder is not his own carer' using errcode = 'WE073';
  end if;
  return null;
end $$;

create trigger no_own_carer after insert on care_agreement
for each row execute function care_holder_is_no_own_carer();

create function care_carer_is_no_holder_of_his() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    select from care_agreement a
    where a.cooperative_id = new.cooperative_id and a.carer_id = new.id
      and a.holder_id = new.member_id
  ) then
    raise exception 'a holder is not his own carer' using errcode = 'WE073';
  end if;
  return null;
end $$;

create trigger no_own_carer after update of member_id on carer
for each row when (new.member_id is distinct from old.member_id)
execute function care_carer_is_no_holder_of_his();
"""

# SQLSTATE WE074: an asset leaves with other figures than it has, or with months that were not
# written off, or it loses value after it left. The row of the asset is held, so that who writes
# a month off at the same moment waits, and then finds that it has left.
_DISPOSAL = """
create function asset_leaves_as_it_stands() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  asset public.project_asset;
  leaves date := date_trunc('month', new.disposed_on)::date;
  before bigint;
begin
  select * into asset from project_asset
  where cooperative_id = new.cooperative_id and id = new.asset_id for no key update;
  before := least(asset.life_months, (extract(year from leaves) - extract(year from
    asset.in_use_from)) * 12 + extract(month from leaves) - extract(month from asset.in_use_from));
  if new.cost_cents <> asset.cost_cents or new.depreciated_cents <> asset.depreciated_cents
     or before < 0 or before <> (
       select count(*) from asset_depreciation d
       where d.cooperative_id = new.cooperative_id and d.asset_id = new.asset_id
     ) or exists (
       select from asset_depreciation d
       where d.cooperative_id = new.cooperative_id and d.asset_id = new.asset_id
         and d.month >= leaves
     ) then
    raise exception 'asset % does not leave as it stands', asset.code using errcode = 'WE074';
  end if;
  return null;
end $$;

create constraint trigger leaves_as_it_stands after insert on asset_disposal
deferrable initially deferred
for each row execute function asset_leaves_as_it_stands();
"""
_AFTER_DISPOSAL = """
  if exists (
    select from asset_disposal d
    where d.cooperative_id = new.cooperative_id and d.asset_id = new.asset_id
      and date_trunc('month', d.disposed_on)::date <= new.month
  ) then
    raise exception 'asset % is out of use in %', asset.code, new.month using errcode = 'WE074';
  end if;"""


def _depreciation_counts(more: str) -> str:
    return f"""
create or replace function depreciation_counts() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  asset public.project_asset;
  months bigint;
begin
  update project_asset set depreciated_cents = depreciated_cents + new.cents
  where cooperative_id = new.cooperative_id and id = new.asset_id
  returning * into asset;{more}
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
end $$
"""


# SQLSTATE WE075: a payment is turned back that something followed, or a result twice. WE014 as
# before: a state that does not follow from another.
_PUT_RIGHT = """
create function result_is_turned_back_once() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if old.reversed_on is not null then
    raise exception 'result % was turned back', old.id using errcode = 'WE075';
  end if;
  return new;
end $$;

create trigger turned_back_once before update on project_result
for each row execute function result_is_turned_back_once();

create function payment_is_turned_back() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  paid text := 'participation/' || new.id || '/paid';
begin
  if old.payments_reversed > 0 then
    paid := paid || '/' || old.payments_reversed + 1;
  end if;
  if new.payments_reversed <> old.payments_reversed + 1 or exists (
    select from journal_entry e
    join bank_line l on l.cooperative_id = e.cooperative_id and l.entry_number = e.number
    where e.cooperative_id = new.cooperative_id and e.idempotency_key = paid
  ) or not exists (
    select from journal_entry e
    join journal_entry r on r.cooperative_id = e.cooperative_id and r.reverses_number = e.number
    where e.cooperative_id = new.cooperative_id and e.idempotency_key = paid
  ) or exists (
    select from project_result r
    where r.cooperative_id = new.cooperative_id and r.project_id = new.project_id
      and r.reversed_on is null and r.accounting_date >= old.issued_on
  ) or exists (
    select from investment_project p
    where p.cooperative_id = new.cooperative_id and p.id = new.project_id
      and p.state = 'granted' and p.raised_units < p.stage_units
  ) then
    raise exception 'the payment of participation % stays', new.code using errcode = 'WE075';
  end if;
  return null;
end $$;

-- At the end, when the units have been counted anew.
create constraint trigger turned_back after update of state on participation
deferrable initially deferred
for each row when (new.state = 'subscribed' and old.state <> 'subscribed')
execute function payment_is_turned_back();
"""


def _moving(back: str) -> str:
    return f"""
create or replace function participations_moved() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  wrong record;
begin
  select o.code, o.state as was, n.state as becomes into wrong
  from was o join becomes n on n.cooperative_id = o.cooperative_id and n.id = o.id
  where n.state <> o.state and (o.state, n.state) not in (
    ('subscribed', 'paid'), ('subscribed', 'issued'), ('subscribed', 'withdrawn'),
    ('paid', 'issued'), ('paid', 'refunded'), ('issued', 'released'),
    ('issued', 'transferred'){back})
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
        case when state in ('issued', 'released', 'transferred') then units else 0 end as raised
      from becomes where origin_id is null
      union all
      select cooperative_id, project_id,
        case when state in ('withdrawn', 'refunded') then 0 else -units end,
        case when state in ('issued', 'released', 'transferred') then -units else 0 end
      from was where origin_id is null
    ) change
    group by cooperative_id, project_id
    having sum(taken) <> 0 or sum(raised) <> 0
  ) m
  where p.cooperative_id = m.cooperative_id and p.id = m.project_id;
  return null;
end $$
"""


_BACK = ", ('paid', 'subscribed'), ('issued', 'subscribed')"
_YEAR = "uq_project_result_cooperative_id_project_id_year"
_PAID_BY_SVB = "not (law = 'Zvw' and not is_drawing_right)"
_LISTS = "uq_care_list_cooperative_id_month_payer"


def upgrade() -> None:
    op.execute(_MAXIMUM)
    _create_disposals()
    op.execute(sa.text((_depreciation_counts(_AFTER_DISPOSAL)).replace(":", r"\:")))
    op.execute(sa.text(_DISPOSAL.replace(":", r"\:")))
    _let_put_right()
    _name_payers()
    op.execute(sa.text((_PAYERS + _OWN_HOURS).replace(":", r"\:")))


def downgrade() -> None:
    op.execute("drop trigger within_maximum on participation")
    op.execute("drop function participation_within_maximum()")
    _let_stand()
    op.execute(sa.text(_depreciation_counts("").replace(":", r"\:")))
    op.drop_table("asset_disposal")
    op.execute("drop function asset_leaves_as_it_stands()")
    _forget_payers()


def _let_put_right() -> None:
    op.add_column("project_result", sa.Column("reversed_on", sa.Date(), nullable=True))
    op.add_column("project_result", sa.Column("reversal_number", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_project_result_reversed_in_the_books"),
        "project_result",
        "(reversal_number is not null) = (reversed_on is not null and cents <> 0)",
    )
    op.drop_constraint(op.f(_YEAR), "project_result", type_="unique")
    op.create_index(
        "uq_project_result_year",
        "project_result",
        ["cooperative_id", "project_id", "year"],
        unique=True,
        postgresql_where=sa.text("reversed_on is null"),
    )
    op.execute("grant update (reversed_on, reversal_number) on project_result to wijkeconomie_app")
    op.add_column(
        "participation",
        sa.Column("payments_reversed", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_participation_payments_reversed_counted"),
        "participation",
        "payments_reversed >= 0",
    )
    op.execute("grant update (payments_reversed) on participation to wijkeconomie_app")
    op.execute(sa.text(_moving(_BACK).replace(":", r"\:")))
    op.execute(sa.text(_PUT_RIGHT.replace(":", r"\:")))


def _let_stand() -> None:
    op.execute("drop trigger turned_back on participation")
    op.execute("drop function payment_is_turned_back()")
    op.execute(sa.text(_moving("").replace(":", r"\:")))
    op.drop_constraint(
        op.f("ck_participation_payments_reversed_counted"), "participation", type_="check"
    )
    op.drop_column("participation", "payments_reversed")
    op.execute("drop trigger turned_back_once on project_result")
    op.execute("drop function result_is_turned_back_once()")
    # The books keep both entries; of results only those that stand are known then.
    op.execute(
        "delete from result_share s using project_result r where r.cooperative_id ="
        " s.cooperative_id and r.id = s.result_id and r.reversed_on is not null"
    )
    op.execute("delete from project_result where reversed_on is not null")
    op.drop_index(
        "uq_project_result_year",
        table_name="project_result",
        postgresql_where=sa.text("reversed_on is null"),
    )
    op.create_unique_constraint(
        op.f(_YEAR), "project_result", ["cooperative_id", "project_id", "year"]
    )
    op.drop_constraint(
        op.f("ck_project_result_reversed_in_the_books"), "project_result", type_="check"
    )
    op.drop_column("project_result", "reversal_number")
    op.drop_column("project_result", "reversed_on")


def _create_disposals() -> None:
    op.create_table(
        "asset_disposal",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("disposed_on", sa.Date(), nullable=False),
        sa.Column("cost_cents", sa.BigInteger(), nullable=False),
        sa.Column("depreciated_cents", sa.BigInteger(), nullable=False),
        sa.Column("book_value_cents", sa.BigInteger(), nullable=False),
        sa.Column("proceeds_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("result_cents", sa.BigInteger(), nullable=False),
        sa.Column("buyer", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        *(
            sa.CheckConstraint(holds, name=op.f(f"ck_asset_disposal_{name}"))
            for name, holds in _DISPOSAL_CHECKS.items()
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_asset_disposal_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "asset_id"],
            ["project_asset.cooperative_id", "project_asset.id"],
            name=op.f("fk_asset_disposal_cooperative_id_asset_id_project_asset"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "asset_id", name=op.f("pk_asset_disposal")),
    )
    for statement in protect_tenant_table("asset_disposal", rights="select, insert"):
        op.execute(statement)


_DISPOSAL_CHECKS = {
    "kind_known": "kind in ('sold', 'scrapped')",
    "vat_within_proceeds": "vat_cents between 0 and proceeds_cents",
    "scrapped_for_nothing": "(kind = 'scrapped') = (proceeds_cents = 0)",
    "buyer_of_what_is_sold": "buyer is null or kind = 'sold'",
    "depreciated_within": "depreciated_cents between 0 and cost_cents",
    "book_value_is_what_is_left": "book_value_cents = cost_cents - depreciated_cents",
    "result_adds_up": "result_cents = proceeds_cents - vat_cents - book_value_cents",
    "reason_said": "btrim(reason) <> ''",
}


def _name_payers() -> None:
    op.add_column("care_budget", sa.Column("payer_name", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_care_budget_payer_said"), "care_budget", "btrim(payer_name) <> ''"
    )
    op.execute("grant insert (payer_name), update (payer_name) on care_budget to wijkeconomie_app")
    op.execute(f"update care_budget set payer_name = 'SVB' where {_PAID_BY_SVB}")
    # Lists that were made keep what stood on them.
    op.add_column("care_list", sa.Column("payer_name", sa.Text(), nullable=True))
    op.execute(
        "update care_list set payer_name ="
        " case payer when 'svb' then 'SVB' else 'Zorgverzekeraars' end"
    )
    op.alter_column("care_list", "payer_name", nullable=False)
    op.create_check_constraint(
        op.f("ck_care_list_payer_said"), "care_list", "btrim(payer_name) <> ''"
    )
    op.drop_constraint(op.f(f"{_LISTS}_number"), "care_list", type_="unique")
    op.create_unique_constraint(
        op.f(f"{_LISTS}_payer_name_number"),
        "care_list",
        ["cooperative_id", "month", "payer", "payer_name", "number"],
    )


def _forget_payers() -> None:
    for table, triggers in _CARE_TRIGGERS.items():
        for trigger in triggers:
            op.execute(f"drop trigger {trigger} on {table}")
    for function in _CARE_FUNCTIONS:
        op.execute(f"drop function {function}()")
    op.drop_constraint(op.f(f"{_LISTS}_payer_name_number"), "care_list", type_="unique")
    # Lists of one month for several insurers are numbered through again.
    op.execute(
        """
        update care_list l set number = n.number
        from (select cooperative_id, id, row_number() over (
                partition by cooperative_id, month, payer order by id) as number
              from care_list) n
        where l.cooperative_id = n.cooperative_id and l.id = n.id
        """
    )
    op.create_unique_constraint(
        op.f(f"{_LISTS}_number"), "care_list", ["cooperative_id", "month", "payer", "number"]
    )
    for table in ("care_list", "care_budget"):
        op.drop_constraint(op.f(f"ck_{table}_payer_said"), table, type_="check")
        op.drop_column(table, "payer_name")


_CARE_TRIGGERS = {
    "care_declaration": ("listed_for_its_payer", "relisted_for_its_payer", "not_own_hours"),
    "care_budget": ("payer_stays",),
    "care_agreement": ("no_own_carer",),
    "carer": ("no_own_carer",),
}
_CARE_FUNCTIONS = (
    "care_line_is_of_its_payer",
    "care_payer_stays",
    "care_hours_are_not_own",
    "care_holder_is_no_own_carer",
    "care_carer_is_no_holder_of_his",
)
