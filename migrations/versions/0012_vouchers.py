"""Vouchers: schemes, funds, merchants, redemptions, payment codes and payouts.

Revision ID: 0012_vouchers
Revises: 0011_products
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0012_vouchers"
down_revision = "0011_products"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    _create_tables()
    _set_roles("'member', 'coordinator', 'treasurer', 'accountant', 'board', 'care', 'merchant'")
    op.execute(sa.text(_open_balances(_LIMIT_OF_VOUCHERS).replace(":", r"\:")))
    op.execute(sa.text(_GUARD.replace(":", r"\:")))
    _replace_guard((SQL / "check_postings.sql").read_text(encoding="utf-8"))
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)


def downgrade() -> None:
    guards = (SQL / "ledger_guards.sql").read_text(encoding="utf-8")
    began = guards.index("create function ledger_check_postings()")
    ended = guards.index("end $$;", began) + len("end $$;")
    _replace_guard(guards[began:ended].replace("create function", "create or replace function"))
    for table, trigger, function in _TRIGGERS:
        op.execute(f"drop trigger {trigger} on {table}")
        op.execute(f"drop function {function}()")
    op.execute("drop function voucher_lines_add_up(bigint, bigint[])")
    op.execute(sa.text(_open_balances("null").replace(":", r"\:")))
    op.execute("delete from role_grant where role = 'merchant'")
    _set_roles("'member', 'coordinator', 'treasurer', 'accountant', 'board', 'care'")
    op.drop_table("voucher_redemption_line")
    op.drop_table("payment_code")
    op.drop_index(
        "ix_voucher_redemption_cooperative_id_merchant_id", table_name="voucher_redemption"
    )
    op.drop_index("ix_voucher_redemption_cooperative_id_holder_id", table_name="voucher_redemption")
    op.drop_table("voucher_redemption")
    op.drop_index("ix_voucher_cooperative_id_holder_id", table_name="voucher")
    op.drop_index("ix_voucher_cooperative_id_expires_on", table_name="voucher")
    op.drop_table("voucher")
    op.drop_table("scheme_merchant")
    op.drop_table("merchant_payout")
    op.drop_table("merchant_contact")
    op.drop_table("voucher_scheme")
    op.drop_table("voucher_fund")
    op.drop_table("merchant")


def _replace_guard(statement: str) -> None:
    op.execute(sa.text(statement.replace(":", r"\:")))


def _set_roles(roles: str) -> None:
    op.drop_constraint(op.f("ck_role_grant_role_known"), "role_grant", type_="check")
    op.create_check_constraint(op.f("ck_role_grant_role_known"), "role_grant", f"role in ({roles})")


# A voucher never holds less than nothing, whoever opens its account and however.
_LIMIT_OF_VOUCHERS = "case when key = 'vouchers_outstanding' and party is not null then 0 end"


def _open_balances(maximum: str) -> str:
    return f"""
create or replace function ledger_open_balances() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into account_balance (cooperative_id, account_id, balance, maximum_balance)
  select cooperative_id, id, 0, {maximum} from opened;
  return null;
end $$;
"""


# What vouchers paid is what was redeemed, whoever wrote it. Redemptions and their lines are
# written by one statement and checked together when it ends; a change is checked at the end of
# its transaction. Vouchers are written by the thousand, and checked by kind, fund and holder.
_GUARD = """
create function voucher_lines_add_up(cooperative bigint, ids bigint[]) returns void
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
declare
  told record;
begin
  select r.code, coalesce(sum(l.amount_minor), 0) as paid,
    coalesce(sum(l.refunded_minor), 0) as refunded, r.refunded_minor as to_refund,
    (case when r.refusal is null then r.amount_minor else 0 end) as to_pay
  into told
  from voucher_redemption r
  left join voucher_redemption_line l
    on l.cooperative_id = r.cooperative_id and l.redemption_id = r.id
  where r.cooperative_id = cooperative and r.id = any(ids)
  group by r.cooperative_id, r.id
  having coalesce(sum(l.amount_minor), 0)
      <> (case when r.refusal is null then r.amount_minor else 0 end)
    or coalesce(sum(l.refunded_minor), 0) <> r.refunded_minor
  limit 1;
  if found then
    raise exception 'the vouchers of redemption % paid % and got back %, not % and %',
      told.code, told.paid, told.refunded, told.to_pay, told.to_refund using errcode = 'WE009';
  end if;
end $$;

create function voucher_check_added() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
declare
  given record;
begin
  if exists (
    select from (select distinct cooperative_id, merchant_id, holder_id, voucher_id from added) x
    where not exists (select from merchant m
        where m.cooperative_id = x.cooperative_id and m.id = x.merchant_id)
      or not exists (select from member m
        where m.cooperative_id = x.cooperative_id and m.id = x.holder_id)
      or (x.voucher_id is not null and not exists (select from voucher v
        where v.cooperative_id = x.cooperative_id and v.id = x.voucher_id))
  ) then
    raise exception 'a redemption names what does not exist'
      using errcode = 'foreign_key_violation';
  end if;
  for given in select cooperative_id, array_agg(id) as ids from added group by cooperative_id loop
    perform voucher_lines_add_up(given.cooperative_id, given.ids);
  end loop;
  return null;
end $$;

create trigger check_added after insert on voucher_redemption
referencing new table as added
for each statement execute function voucher_check_added();

create function voucher_check_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform voucher_lines_add_up(new.cooperative_id, array[new.id]);
  return null;
end $$;

create constraint trigger check_changed after update on voucher_redemption
deferrable initially deferred
for each row execute function voucher_check_changed();

create function voucher_line_check_added() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
begin
  if exists (
    select from added x
    where not exists (select from voucher v
        where v.cooperative_id = x.cooperative_id and v.id = x.voucher_id)
      or not exists (select from voucher_redemption r
        where r.cooperative_id = x.cooperative_id and r.id = x.redemption_id)
  ) then
    raise exception 'a line names what does not exist' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;

create trigger check_added after insert on voucher_redemption_line
referencing new table as added
for each statement execute function voucher_line_check_added();

create function voucher_check_issued() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
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
  return null;
end $$;

create trigger check_issued after insert on voucher
referencing new table as added
for each statement execute function voucher_check_issued();
"""

_TRIGGERS = (
    ("voucher_redemption", "check_added", "voucher_check_added"),
    ("voucher_redemption", "check_changed", "voucher_check_changed"),
    ("voucher_redemption_line", "check_added", "voucher_line_check_added"),
    ("voucher", "check_issued", "voucher_check_issued"),
)

_RIGHTS = {
    "voucher_scheme": "select, insert, update (name, valid_days, reminder_days, hold_days)",
    "voucher_fund": "select, insert, update",
    "merchant": "select, insert, update",
    "merchant_contact": "select, insert, delete",
    "scheme_merchant": "select, insert, delete",
    "voucher": "select, insert, update (expires_on, expired_minor, reminded_at)",
    "voucher_redemption": "select, insert, update (refunded_minor)",
    "voucher_redemption_line": "select, insert, update (refunded_minor)",
    "payment_code": "select, insert, update (withdrawn_at, redemption_id)",
    "merchant_payout": "select, insert",
}


def _create_tables() -> None:
    op.create_table(
        "merchant",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("vat_mix", sa.Text(), nullable=False),
        sa.Column("fee_basis_points", sa.BigInteger(), nullable=False),
        sa.Column("contract_signed_on", sa.Date(), nullable=True),
        sa.Column("stopped_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "vat_mix in ('9', '21', '9+21', 'vrijgesteld')", name=op.f("ck_merchant_vat_mix_known")
        ),
        sa.CheckConstraint(
            "fee_basis_points between 0 and 10000", name=op.f("ck_merchant_fee_is_a_part")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_merchant_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_merchant")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_merchant_cooperative_id_code")),
    )
    op.create_table(
        "voucher_fund",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("grantor", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), server_default="EUR", nullable=False),
        sa.Column("granted_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returns_unspent", sa.Boolean(), server_default="true", nullable=False),
        sa.CheckConstraint("unit ~ '^[A-Z0-9]{2,12}$'", name=op.f("ck_voucher_fund_unit_plain")),
        sa.CheckConstraint("granted_minor >= 0", name=op.f("ck_voucher_fund_granted_not_negative")),
        sa.CheckConstraint(
            "issued_minor - returned_minor <= granted_minor",
            name=op.f("ck_voucher_fund_within_grant"),
        ),
        sa.CheckConstraint(
            "issued_minor >= returned_minor and returned_minor >= 0",
            name=op.f("ck_voucher_fund_returned_was_issued"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_voucher_fund_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_voucher_fund")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_voucher_fund_cooperative_id_code")
        ),
    )
    op.create_table(
        "voucher_scheme",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), server_default="EUR", nullable=False),
        sa.Column("vat_kind", sa.Text(), nullable=False),
        sa.Column("vat_basis_points", sa.BigInteger(), nullable=True),
        sa.Column("valid_days", sa.BigInteger(), nullable=False),
        sa.Column("reminder_days", sa.BigInteger(), nullable=False),
        sa.Column("hold_days", sa.BigInteger(), nullable=False),
        sa.Column("is_transferable", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(vat_kind = 'SPV') = (vat_basis_points is not null)",
            name=op.f("ck_voucher_scheme_one_rate_if_single_purpose"),
        ),
        sa.CheckConstraint(
            "unit = 'EUR' or vat_kind = 'MPV'", name=op.f("ck_voucher_scheme_tax_is_in_euro")
        ),
        sa.CheckConstraint("unit ~ '^[A-Z0-9]{2,12}$'", name=op.f("ck_voucher_scheme_unit_plain")),
        sa.CheckConstraint(
            "vat_kind in ('SPV', 'MPV')", name=op.f("ck_voucher_scheme_vat_kind_known")
        ),
        sa.CheckConstraint(
            "valid_days > 0 and reminder_days >= 0 and hold_days >= 0",
            name=op.f("ck_voucher_scheme_days"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_voucher_scheme_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_voucher_scheme")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_voucher_scheme_cooperative_id_code")
        ),
    )
    op.create_table(
        "merchant_contact",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "email = lower(email)", name=op.f("ck_merchant_contact_email_lower_case")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "merchant_id"],
            ["merchant.cooperative_id", "merchant.id"],
            name=op.f("fk_merchant_contact_cooperative_id_merchant_id_merchant"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_merchant_contact_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "merchant_id", "email", name=op.f("pk_merchant_contact")
        ),
    )
    op.create_table(
        "merchant_payout",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("fee_cents", sa.BigInteger(), nullable=False),
        sa.Column("fee_vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("fee_basis_points", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "gross_cents = fee_cents + fee_vat_cents + paid_cents",
            name=op.f("ck_merchant_payout_parts_are_the_whole"),
        ),
        sa.CheckConstraint(
            "gross_cents > 0 and fee_cents >= 0 and fee_vat_cents >= 0 and paid_cents >= 0",
            name=op.f("ck_merchant_payout_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "merchant_id"],
            ["merchant.cooperative_id", "merchant.id"],
            name=op.f("fk_merchant_payout_cooperative_id_merchant_id_merchant"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_merchant_payout_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_merchant_payout")),
        sa.UniqueConstraint(
            "cooperative_id", "number", name=op.f("uq_merchant_payout_cooperative_id_number")
        ),
    )
    op.create_table(
        "scheme_merchant",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "merchant_id"],
            ["merchant.cooperative_id", "merchant.id"],
            name=op.f("fk_scheme_merchant_cooperative_id_merchant_id_merchant"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "scheme_id"],
            ["voucher_scheme.cooperative_id", "voucher_scheme.id"],
            name=op.f("fk_scheme_merchant_cooperative_id_scheme_id_voucher_scheme"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_scheme_merchant_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "scheme_id", "merchant_id", name=op.f("pk_scheme_merchant")
        ),
    )
    op.create_table(
        "voucher",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("paid_by", sa.Text(), nullable=False),
        sa.Column("fund_id", sa.BigInteger(), nullable=True),
        sa.Column("origin_id", sa.BigInteger(), nullable=True),
        sa.Column("face_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("usable_from", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=False),
        sa.Column("expired_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(paid_by = 'transfer') = (origin_id is not null)",
            name=op.f("ck_voucher_origin_if_part"),
        ),
        sa.CheckConstraint(
            "paid_by <> 'fund' or fund_id is not null", name=op.f("ck_voucher_fund_if_given")
        ),
        sa.CheckConstraint(
            "paid_by in ('bank', 'cash', 'member_account', 'fund', 'transfer')",
            name=op.f("ck_voucher_paid_by_known"),
        ),
        sa.CheckConstraint("expired_minor >= 0", name=op.f("ck_voucher_expired_not_negative")),
        sa.CheckConstraint("expires_on >= issued_on", name=op.f("ck_voucher_expires_after_issue")),
        sa.CheckConstraint("face_minor > 0", name=op.f("ck_voucher_face_positive")),
        sa.CheckConstraint("usable_from >= issued_on", name=op.f("ck_voucher_usable_after_issue")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "origin_id"],
            ["voucher.cooperative_id", "voucher.id"],
            name="fk_voucher_origin",
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_voucher_cooperative_id_code")),
    )
    op.create_index(
        "ix_voucher_cooperative_id_expires_on",
        "voucher",
        ["cooperative_id", "expires_on"],
        unique=False,
    )
    op.create_index(
        "ix_voucher_cooperative_id_holder_id",
        "voucher",
        ["cooperative_id", "holder_id"],
        unique=False,
    )
    op.create_table(
        "voucher_redemption",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), nullable=True),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("redeemed_on", sa.Date(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("balance_after_minor", sa.BigInteger(), nullable=False),
        sa.Column("entry_number", sa.BigInteger(), nullable=True),
        sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "refusal in ('expired', 'insufficient_balance')",
            name=op.f("ck_voucher_redemption_refusal_known"),
        ),
        sa.CheckConstraint(
            "(refusal is null) = (entry_number is not null)",
            name=op.f("ck_voucher_redemption_booked_if_taken"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_voucher_redemption_amount_positive")),
        sa.CheckConstraint(
            "balance_after_minor >= 0", name=op.f("ck_voucher_redemption_balance_not_negative")
        ),
        sa.CheckConstraint(
            "refunded_minor between 0 and case when refusal is null then amount_minor else 0 end",
            name=op.f("ck_voucher_redemption_refunded_was_redeemed"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_voucher_redemption")),
        sa.UniqueConstraint(
            "cooperative_id",
            "asked_by",
            "idempotency_key",
            name=op.f("uq_voucher_redemption_cooperative_id_asked_by_idempotency_key"),
        ),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_voucher_redemption_cooperative_id_code")
        ),
    )
    op.create_index(
        "ix_voucher_redemption_cooperative_id_holder_id",
        "voucher_redemption",
        ["cooperative_id", "holder_id", "redeemed_on"],
        unique=False,
    )
    op.create_index(
        "ix_voucher_redemption_cooperative_id_merchant_id",
        "voucher_redemption",
        ["cooperative_id", "merchant_id", "redeemed_on"],
        unique=False,
    )
    op.create_table(
        "payment_code",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("maximum_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("redemption_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind in ('phone', 'paper')", name=op.f("ck_payment_code_kind_known")),
        sa.CheckConstraint("maximum_minor > 0", name=op.f("ck_payment_code_maximum_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "holder_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_payment_code_cooperative_id_holder_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "redemption_id"],
            ["voucher_redemption.cooperative_id", "voucher_redemption.id"],
            name=op.f("fk_payment_code_cooperative_id_redemption_id_voucher_redemption"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "voucher_id"],
            ["voucher.cooperative_id", "voucher.id"],
            name=op.f("fk_payment_code_cooperative_id_voucher_id_voucher"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_payment_code_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_payment_code")),
        sa.UniqueConstraint(
            "cooperative_id", "code_hash", name=op.f("uq_payment_code_cooperative_id_code_hash")
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "redemption_id",
            name=op.f("uq_payment_code_cooperative_id_redemption_id"),
        ),
    )
    op.create_table(
        "voucher_redemption_line",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("redemption_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "amount_minor > 0", name=op.f("ck_voucher_redemption_line_amount_positive")
        ),
        sa.CheckConstraint(
            "refunded_minor between 0 and amount_minor",
            name=op.f("ck_voucher_redemption_line_refunded_was_redeemed"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "redemption_id", "voucher_id", name=op.f("pk_voucher_redemption_line")
        ),
    )
