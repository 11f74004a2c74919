"""Carers' grants: rounds of a municipality, persons cared for, and applications.

Revision ID: 0016_grants
Revises: 0015_members_side
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from wijkeconomie.core.row_security import protect_tenant_table

revision = "0016_grants"
down_revision = "0015_members_side"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tables()
    op.execute(sa.text(_GUARDS.replace(":", r"\:")))
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("grant_application")
    op.drop_table("grant_receiver")
    op.drop_table("grant_round")
    op.execute("drop function grant_adds_up()")
    op.execute("drop function grant_stays_decided()")


# What is decided adds up: of each person over his carers, and over persons to the round's whole.
# And it stays: what was granted to an application does not change afterwards.
_GUARDS = """
create function grant_adds_up() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  told record;
begin
  select coalesce(sum(part.allotted), 0) as allotted,
    coalesce(bool_or(part.allotted <> part.granted), false) as is_wrong
  into told
  from (
    select coalesce(p.allotted_cents, 0) as allotted, coalesce(sum(a.granted_cents), 0) as granted
    from grant_receiver p
    left join grant_application a
      on a.cooperative_id = p.cooperative_id and a.receiver_id = p.id
    where p.cooperative_id = new.cooperative_id and p.round_id = new.id
    group by p.cooperative_id, p.id
  ) part;
  if told.is_wrong or told.allotted <> new.granted_cents then
    raise exception 'what is granted in round % does not add up to %', new.code, new.granted_cents
      using errcode = 'WE020';
  end if;
  return null;
end $$;

create constraint trigger adds_up after insert or update on grant_round
deferrable initially deferred
for each row when (new.granted_cents is not null) execute function grant_adds_up();

create function grant_stays_decided() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception 'what became of application % was decided before', old.id
    using errcode = 'WE021';
end $$;

create trigger stays_decided before update on grant_application
for each row when (old.state <> 'applied' and (old.state, old.granted_cents, old.refusal)
  is distinct from (new.state, new.granted_cents, new.refusal))
execute function grant_stays_decided();
"""

_RIGHTS = {
    "grant_round": "select, insert, update (state, reserved_cents, granted_cents, granted_carers,"
    " accounted_on, erased_at)",
    "grant_receiver": "select, insert, update (receiver_hash, carer_count, allotted_cents), delete",
    "grant_application": "select, insert, update (member_id, payout, state, refusal,"
    " granted_cents, voucher_code), delete",
}


def _create_tables() -> None:
    op.create_table(
        "grant_round",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), autoincrement=True, nullable=False
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("grantor", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("fund_id", sa.BigInteger(), nullable=False),
        sa.Column("budget_cents", sa.BigInteger(), nullable=False),
        sa.Column("person_cap_cents", sa.BigInteger(), nullable=False),
        sa.Column("carer_cap_cents", sa.BigInteger(), nullable=True),
        sa.Column("carer_limit", sa.BigInteger(), nullable=True),
        sa.Column("is_one_per_carer", sa.Boolean(), nullable=False),
        sa.Column("budget_rule", sa.Text(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("pays_to_account", sa.Boolean(), nullable=False),
        sa.Column("pays_to_bank", sa.Boolean(), nullable=False),
        sa.Column("scheme_id", sa.BigInteger(), nullable=True),
        sa.Column("keep_days", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reserved_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("granted_cents", sa.BigInteger(), nullable=True),
        sa.Column("granted_carers", sa.BigInteger(), nullable=True),
        sa.Column("accounted_on", sa.Date(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(state = 'accounted') = (accounted_on is not null)",
            name=op.f("ck_grant_round_day_if_accounted"),
        ),
        sa.CheckConstraint(
            "(state in ('decided', 'paid', 'accounted')) = (granted_cents is not null)",
            name=op.f("ck_grant_round_granted_if_decided"),
        ),
        sa.CheckConstraint(
            "budget_rule in ('pro_rata', 'first_come')",
            name=op.f("ck_grant_round_budget_rule_known"),
        ),
        sa.CheckConstraint(
            "erased_at is null or state = 'accounted'",
            name=op.f("ck_grant_round_erased_after_account"),
        ),
        sa.CheckConstraint(
            "state in ('planned', 'open', 'closed', 'decided', 'paid', 'accounted')",
            name=op.f("ck_grant_round_state_known"),
        ),
        sa.CheckConstraint(
            "budget_cents > 0 and person_cap_cents > 0",
            name=op.f("ck_grant_round_amounts_positive"),
        ),
        sa.CheckConstraint("carer_cap_cents > 0", name=op.f("ck_grant_round_carer_cap_positive")),
        sa.CheckConstraint("carer_limit > 0", name=op.f("ck_grant_round_carer_limit_positive")),
        sa.CheckConstraint(
            "closes_on >= opens_on", name=op.f("ck_grant_round_closes_after_opening")
        ),
        sa.CheckConstraint(
            "granted_cents between 0 and budget_cents", name=op.f("ck_grant_round_within_budget")
        ),
        sa.CheckConstraint(
            "keep_days >= 0 and reserved_cents >= 0", name=op.f("ck_grant_round_not_negative")
        ),
        sa.CheckConstraint(
            "pays_to_account or pays_to_bank or scheme_id is not null",
            name=op.f("ck_grant_round_pays_somehow"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "fund_id"],
            ["voucher_fund.cooperative_id", "voucher_fund.id"],
            name=op.f("fk_grant_round_cooperative_id_fund_id_voucher_fund"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "scheme_id"],
            ["voucher_scheme.cooperative_id", "voucher_scheme.id"],
            name=op.f("fk_grant_round_cooperative_id_scheme_id_voucher_scheme"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_grant_round_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_grant_round")),
        sa.UniqueConstraint(
            "cooperative_id", "code", name=op.f("uq_grant_round_cooperative_id_code")
        ),
    )
    op.create_table(
        "grant_receiver",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), autoincrement=True, nullable=False
        ),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("receiver_hash", sa.Text(), nullable=True),
        sa.Column("carer_count", sa.BigInteger(), nullable=False),
        sa.Column("carer_limit", sa.BigInteger(), nullable=True),
        sa.Column("cap_cents", sa.BigInteger(), nullable=False),
        sa.Column("allotted_cents", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "receiver_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_grant_receiver_hash_only")
        ),
        sa.CheckConstraint(
            "allotted_cents between 0 and cap_cents", name=op.f("ck_grant_receiver_within_cap")
        ),
        sa.CheckConstraint("carer_count >= 0", name=op.f("ck_grant_receiver_carers_not_negative")),
        sa.CheckConstraint(
            "carer_count between 0 and carer_limit",
            name=op.f("ck_grant_receiver_carers_within_limit"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["grant_round.cooperative_id", "grant_round.id"],
            name=op.f("fk_grant_receiver_cooperative_id_round_id_grant_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_grant_receiver_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_grant_receiver")),
        sa.UniqueConstraint(
            "cooperative_id",
            "round_id",
            "number",
            name=op.f("uq_grant_receiver_cooperative_id_round_id_number"),
        ),
        sa.UniqueConstraint(
            "cooperative_id",
            "year",
            "receiver_hash",
            name=op.f("uq_grant_receiver_cooperative_id_year_receiver_hash"),
        ),
    )
    op.create_table(
        "grant_application",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), autoincrement=True, nullable=False
        ),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("receiver_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("carer_slot", sa.BigInteger(), nullable=False),
        sa.Column("payout", sa.Text(), nullable=False),
        sa.Column("is_typed_in", sa.Boolean(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("granted_cents", sa.BigInteger(), nullable=True),
        sa.Column("voucher_code", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'granted') = (granted_cents is not null)",
            name=op.f("ck_grant_application_amount_if_granted"),
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (refusal is not null)",
            name=op.f("ck_grant_application_reason_if_refused"),
        ),
        sa.CheckConstraint(
            "payout in ('account', 'bank', 'voucher')",
            name=op.f("ck_grant_application_payout_known"),
        ),
        sa.CheckConstraint(
            "refusal in ('no_carer', 'lives_elsewhere', 'mistake', 'budget_spent')",
            name=op.f("ck_grant_application_refusal_known"),
        ),
        sa.CheckConstraint(
            "state in ('applied', 'granted', 'refused')",
            name=op.f("ck_grant_application_state_known"),
        ),
        sa.CheckConstraint(
            "carer_slot in (0, receiver_id)", name=op.f("ck_grant_application_slot_known")
        ),
        sa.CheckConstraint("granted_cents > 0", name=op.f("ck_grant_application_amount_positive")),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_grant_application_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "receiver_id"],
            ["grant_receiver.cooperative_id", "grant_receiver.id"],
            name=op.f("fk_grant_application_cooperative_id_receiver_id_grant_receiver"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "round_id"],
            ["grant_round.cooperative_id", "grant_round.id"],
            name=op.f("fk_grant_application_cooperative_id_round_id_grant_round"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_grant_application_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_grant_application")),
        sa.UniqueConstraint(
            "cooperative_id",
            "round_id",
            "member_id",
            "carer_slot",
            name=op.f("uq_grant_application_cooperative_id_round_id_member_id_carer_slot"),
        ),
    )
    op.create_index(
        "ix_grant_application_cooperative_id_member_id",
        "grant_application",
        ["cooperative_id", "member_id"],
        unique=False,
    )
    op.create_index(
        "ix_grant_application_cooperative_id_receiver_id",
        "grant_application",
        ["cooperative_id", "receiver_id"],
        unique=False,
    )
