"""Funds that the database counts and guards, vouchers taken back, and codes by which was paid.

Revision ID: 0035_voucher_funds
Revises: 0034_changing_rounds
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0035_voucher_funds"
down_revision = "0034_changing_rounds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_columns()
    _know_codes()
    _know_years()
    op.execute(sa.text(_issued(_COUNT_ISSUED).replace(":", r"\:")))
    op.execute(sa.text(_GUARDS.replace(":", r"\:")))
    op.execute("revoke insert, update on voucher_fund from wijkeconomie_app")
    op.execute(
        "grant insert (cooperative_id, code, name, grantor, unit, granted_minor, returns_unspent),"
        " update (name, grantor, granted_minor, returns_unspent) on voucher_fund"
        " to wijkeconomie_app"
    )
    _create_orders()
    op.execute("grant update (returned_minor, withdrawn_on) on voucher to wijkeconomie_app")


def downgrade() -> None:
    op.drop_table("voucher_order")
    op.execute("drop function voucher_order_stands()")
    op.drop_constraint(op.f("ck_voucher_scheme_sold_in_euro"), "voucher_scheme", type_="check")
    op.drop_column("voucher_scheme", "is_for_sale")
    op.execute("grant insert, update on voucher_fund to wijkeconomie_app")
    for table, trigger in _TRIGGERS:
        op.execute(f"drop trigger {trigger} on {table}")
    for function in _FUNCTIONS:
        op.execute(f"drop function {function}()")
    op.execute(sa.text(_issued("").replace(":", r"\:")))
    op.drop_index("uq_grant_application_once_a_year", table_name="grant_application")
    op.drop_column("grant_application", "year")
    op.drop_column("voucher_redemption", "payment_code_id")
    op.drop_constraint(op.f("ck_voucher_came_back_was_held"), "voucher", type_="check")
    op.drop_column("voucher", "withdrawn_on")
    op.drop_column("voucher", "returned_minor")


def _add_columns() -> None:
    op.add_column(
        "voucher",
        sa.Column("returned_minor", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column("voucher", sa.Column("withdrawn_on", sa.Date(), nullable=True))
    op.create_check_constraint(
        op.f("ck_voucher_came_back_was_held"),
        "voucher",
        "returned_minor between 0"
        " and expired_minor + case when withdrawn_on is null then 0 else face_minor end",
    )
    # Of single-purpose vouchers the tax did not come back, which this cannot know any more.
    op.execute(
        "update voucher v set returned_minor = v.expired_minor from voucher_fund f"
        " where f.cooperative_id = v.cooperative_id and f.id = v.fund_id"
        " and f.returns_unspent and v.expired_minor > 0"
    )


def _know_codes() -> None:
    op.add_column("voucher_redemption", sa.Column("payment_code_id", sa.BigInteger()))
    op.execute("alter table voucher_redemption disable trigger check_changed")
    op.execute(
        "update voucher_redemption r set payment_code_id = p.id from payment_code p"
        " where p.cooperative_id = r.cooperative_id and p.redemption_id = r.id"
    )
    op.execute("alter table voucher_redemption enable trigger check_changed")


def _know_years() -> None:
    """Once a year for each carer; of those who applied more often before, the first counts."""
    op.add_column("grant_application", sa.Column("year", sa.BigInteger()))
    op.execute(
        "update grant_application a set year = first.year from ("
        " select distinct on (b.cooperative_id, r.year, b.member_id, b.carer_slot)"
        "  b.cooperative_id, b.id, r.year from grant_application b join grant_round r"
        "  on r.cooperative_id = b.cooperative_id and r.id = b.round_id"
        "  where b.state <> 'refused'"
        "  order by b.cooperative_id, r.year, b.member_id, b.carer_slot, b.id"
        " ) first where a.cooperative_id = first.cooperative_id and a.id = first.id"
    )
    op.create_index(
        "uq_grant_application_once_a_year",
        "grant_application",
        ["cooperative_id", "year", "member_id", "carer_slot"],
        unique=True,
        postgresql_where=sa.text("state <> 'refused'"),
    )


# SQLSTATE WE063: an order that was paid or given up is changed.
_ORDER_GUARD = """
create function voucher_order_stands() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'order % stands', old.code using errcode = 'WE063';
end $$;

create trigger stands before update on voucher_order
for each row when (old.state <> 'open') execute function voucher_order_stands();
"""


def _create_orders() -> None:
    op.add_column(
        "voucher_scheme",
        sa.Column("is_for_sale", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_voucher_scheme_sold_in_euro"),
        "voucher_scheme",
        "unit = 'EUR' or not is_for_sale",
    )
    op.execute("grant update (is_for_sale) on voucher_scheme to wijkeconomie_app")
    op.create_table(
        "voucher_order",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("voucher_code", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'paid', 'given_up')", name=op.f("ck_voucher_order_state_known")
        ),
        sa.CheckConstraint(
            "cents between 1 and 100000", name=op.f("ck_voucher_order_cents_of_an_order")
        ),
        sa.CheckConstraint(
            "(state = 'paid') = (paid_on is not null and entry_number is not null"
            " and voucher_code is not null)",
            name=op.f("ck_voucher_order_paid_with_a_voucher"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_voucher_order_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_voucher_order_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "scheme_id"],
            ["voucher_scheme.cooperative_id", "voucher_scheme.id"],
            name=op.f("fk_voucher_order_cooperative_id_scheme_id_voucher_scheme"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_voucher_order")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_voucher_order_cooperative_id_code")
        ),
    )
    op.create_index(
        "ix_voucher_order_cooperative_id_member_id",
        "voucher_order",
        ["cooperative_id", "member_id"],
    )
    op.execute(_ORDER_GUARD)
    rights = "select, insert, update (state, paid_on, entry_number, voucher_code)"
    for statement in protect_tenant_table("voucher_order", rights=rights):
        op.execute(statement)


# What a fund gave is counted where vouchers are written, by kind of event and not by voucher.
_COUNT_ISSUED = """
  update voucher_fund f set issued_minor = f.issued_minor + x.face
  from (
    select cooperative_id, fund_id, sum(face_minor) as face from added
    where paid_by = 'fund' group by cooperative_id, fund_id
  ) x
  where f.cooperative_id = x.cooperative_id and f.id = x.fund_id;
"""


def _issued(count: str) -> str:
    return f"""
create or replace function voucher_check_issued() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off set enable_sort = off as $$
begin
  if exists (
    select from (select distinct cooperative_id, scheme_id, fund_id from added) x
    where not exists (select from voucher_scheme s
        where s.cooperative_id = x.cooperative_id and s.id = x.scheme_id)
      or (x.fund_id is not null and not exists (select from voucher_fund f
        where f.cooperative_id = x.cooperative_id and f.id = x.fund_id))
  ) or exists (
    select from (select distinct cooperative_id, holder_id from added) x
    where x.holder_id is distinct from (select m.id from member m
      where m.cooperative_id = x.cooperative_id and m.id >= x.holder_id order by m.id limit 1)
  ) then
    raise exception 'a voucher names what does not exist' using errcode = 'foreign_key_violation';
  end if;
{count}
  return null;
end $$;
"""


# SQLSTATE WE060: the fund of a round of carers' grants gives what its round decided, and what is
# left goes back. WE061: a subsidy and a round share a code. WE062: a payment code pays twice.
_GUARDS = """
create function voucher_count_returned() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off set enable_sort = off as $$
begin
  update voucher_fund f set returned_minor = f.returned_minor + x.back
  from (
    select cooperative_id, fund_id, sum(back) as back from (
      select cooperative_id, fund_id, returned_minor as back from became
      where fund_id is not null
      union all
      select cooperative_id, fund_id, -returned_minor from was where fund_id is not null
    ) both_sides
    group by cooperative_id, fund_id having sum(back) <> 0
  ) x
  where f.cooperative_id = x.cooperative_id and f.id = x.fund_id;
  return null;
end $$;

create trigger count_returned after update on voucher
referencing old table as was new table as became
for each statement execute function voucher_count_returned();

create function fund_of_grants_stands() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  decided bigint;
begin
  select coalesce(sum(a.granted_cents), 0) into decided
  from grant_round r
  left join grant_application a on a.cooperative_id = r.cooperative_id and a.round_id = r.id
    and a.state = 'granted' and a.payout = 'voucher'
  where r.cooperative_id = new.cooperative_id and r.fund_id = new.id
  group by r.cooperative_id, r.id;
  if found and (
    not new.returns_unspent
    or new.granted_minor > greatest(decided, old.granted_minor)
    -- What expires goes back to the municipality, and is not given a second time.
    or new.issued_minor > new.granted_minor and new.issued_minor > old.issued_minor
  ) then
    raise exception 'fund % gives what its round decided', new.code using errcode = 'WE060';
  end if;
  return new;
end $$;

create trigger gives_what_was_decided before update on voucher_fund
for each row when (
  not new.returns_unspent or new.granted_minor > old.granted_minor
  or new.issued_minor > old.issued_minor
) execute function fund_of_grants_stands();

create function subsidy_code_is_its_own() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if tg_table_name = 'subsidy' and exists (
    select from grant_round r where r.cooperative_id = new.cooperative_id and r.code = new.code
  ) or tg_table_name = 'grant_round' and exists (
    select from subsidy s where s.cooperative_id = new.cooperative_id and s.code = new.code
  ) then
    raise exception 'code % is of other money', new.code using errcode = 'WE061';
  end if;
  return new;
end $$;

create trigger code_is_its_own before insert on subsidy
for each row execute function subsidy_code_is_its_own();
create trigger code_is_its_own before insert on grant_round
for each row execute function subsidy_code_is_its_own();

create function payment_code_paid_once() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'payment code % has paid', old.id using errcode = 'WE062';
end $$;

create trigger paid_once before update on payment_code
for each row when (
  old.redemption_id is not null and new.redemption_id is distinct from old.redemption_id
) execute function payment_code_paid_once();
"""

_TRIGGERS = (
    ("voucher", "count_returned"),
    ("voucher_fund", "gives_what_was_decided"),
    ("grant_round", "code_is_its_own"),
    ("subsidy", "code_is_its_own"),
    ("payment_code", "paid_once"),
)
_FUNCTIONS = (
    "voucher_count_returned",
    "fund_of_grants_stands",
    "subsidy_code_is_its_own",
    "payment_code_paid_once",
)
