"""Cooperatives, logins, members; commands, audit and outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wijkeconomie.core.row_security import protect_tenant_table, show_own_rows

revision = "0001_foundation"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tables()
    _protect()


def downgrade() -> None:
    # The role stays: other databases of the same server may use it.
    op.drop_table("invitation")
    op.drop_index("ix_role_grant_login_id", table_name="role_grant")
    op.drop_table("role_grant")
    op.drop_table("outbox_message")
    op.drop_table("member")
    op.drop_table("command_record")
    op.drop_index("ix_audit_record_cooperative_id_subject", table_name="audit_record")
    op.drop_table("audit_record")
    op.drop_table("login")
    op.drop_table("federation")
    op.drop_table("cooperative")


def _create_tables() -> None:
    op.create_table(
        "cooperative",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("neighbourhood", sa.Text(), nullable=False),
        sa.Column("liability", sa.Text(), nullable=False),
        sa.Column("liability_cap_cents", sa.BigInteger(), nullable=True),
        sa.Column("vat_regime", sa.Text(), nullable=False),
        sa.Column("kvk", sa.Text(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("creditor_id", sa.Text(), nullable=False),
        sa.Column("founded_on", sa.Date(), nullable=False),
        sa.Column("contribution_year_cents", sa.BigInteger(), nullable=False),
        sa.Column("share_price_cents", sa.BigInteger(), nullable=False),
        sa.Column("vote_rule", sa.Text(), nullable=False),
        sa.Column(
            "default_credit_limit_cents", sa.BigInteger(), server_default="0", nullable=False
        ),
        sa.Column(
            "enforces_credit_limit",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.CheckConstraint("code ~ '^[A-Za-z0-9-]{1,20}$'", name=op.f("ck_cooperative_code_plain")),
        sa.CheckConstraint(
            "liability in ('WA', 'BA', 'UA')", name=op.f("ck_cooperative_liability_known")
        ),
        sa.CheckConstraint(
            "vat_regime in ('regulier', 'kor')", name=op.f("ck_cooperative_vat_regime_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cooperative")),
        sa.UniqueConstraint("code", name=op.f("uq_cooperative_code")),
    )
    op.create_table(
        "federation",
        sa.Column("id", sa.BigInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_federation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_federation")),
    )
    op.create_table(
        "login",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default="nl", nullable=False),
        sa.Column("is_platform", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("session_version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_login_email_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login")),
        sa.UniqueConstraint("email", name=op.f("uq_login_email")),
    )
    op.create_table(
        "audit_record",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_audit_record_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_audit_record")),
    )
    op.create_index(
        "ix_audit_record_cooperative_id_subject",
        "audit_record",
        ["cooperative_id", "subject"],
        unique=False,
    )
    op.create_table(
        "command_record",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_command_record_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint(
            "cooperative_id", "actor", "idempotency_key", name=op.f("pk_command_record")
        ),
    )
    op.create_table(
        "member",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("login_id", sa.BigInteger(), nullable=True),
        sa.Column("initials", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("infix", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("house_number", sa.Text(), nullable=False),
        sa.Column("house_addition", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), server_default="NL", nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("mandate_id", sa.Text(), nullable=True),
        sa.Column("mandate_signed_on", sa.Date(), nullable=True),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("share_units", sa.BigInteger(), nullable=False),
        sa.Column("household_size", sa.BigInteger(), nullable=True),
        sa.Column("dwelling_m2", sa.BigInteger(), nullable=True),
        sa.Column("income_band", sa.Text(), nullable=True),
        sa.Column("is_caregiver", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("language", sa.Text(), server_default="nl", nullable=False),
        sa.CheckConstraint(
            "left_on is null or left_on >= joined_on", name=op.f("ck_member_left_after_joining")
        ),
        sa.CheckConstraint("share_units >= 0", name=op.f("ck_member_share_units_not_negative")),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_member_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(["login_id"], ["login.id"], name=op.f("fk_member_login_id_login")),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_member")),
        sa.UniqueConstraint("cooperative_id", "code", name=op.f("uq_member_cooperative_id_code")),
        sa.UniqueConstraint(
            "cooperative_id", "login_id", name=op.f("uq_member_cooperative_id_login_id")
        ),
    )
    op.create_table(
        "outbox_message",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_outbox_message_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint(
            "cooperative_id",
            "event_key",
            name=op.f("uq_outbox_message_cooperative_id_event_key"),
        ),
    )
    op.create_table(
        "role_grant",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("login_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "role in ('member', 'coordinator', 'treasurer', 'accountant', 'board')",
            name=op.f("ck_role_grant_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_role_grant_cooperative_id_cooperative"),
        ),
        sa.ForeignKeyConstraint(
            ["login_id"], ["login.id"], name=op.f("fk_role_grant_login_id_login")
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "login_id", "role", name=op.f("pk_role_grant")),
    )
    op.create_index("ix_role_grant_login_id", "role_grant", ["login_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("cooperative_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["cooperative_id", "member_id"],
            ["member.cooperative_id", "member.id"],
            name=op.f("fk_invitation_cooperative_id_member_id_member"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"],
            ["cooperative.id"],
            name=op.f("fk_invitation_cooperative_id_cooperative"),
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "id", name=op.f("pk_invitation")),
        sa.UniqueConstraint(
            "cooperative_id", "token_hash", name=op.f("uq_invitation_cooperative_id_token_hash")
        ),
    )


_ROLE = """
do $$ begin
  if not exists (select from pg_roles where rolname = 'wijkeconomie_app') then
    create role wijkeconomie_app login nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
end $$
"""

_GLOBAL_RIGHTS = {
    "cooperative": "select, insert, update (name, neighbourhood, liability, "
    "liability_cap_cents, vat_regime, kvk, iban, creditor_id, contribution_year_cents, "
    "share_price_cents, vote_rule, default_credit_limit_cents, enforces_credit_limit)",
    "federation": "select, insert, update",
    "login": "select, insert, update",
}

_RIGHTS = {
    "member": "select, insert, update",
    "role_grant": "select, insert, delete",
    "invitation": "select, insert, update",
    "command_record": "select, insert",
    "audit_record": "select, insert",
    "outbox_message": "select, insert, update",
}


def _protect() -> None:
    op.execute(_ROLE)
    op.execute("revoke all on schema public from public")
    op.execute("grant usage on schema public to wijkeconomie_app")
    op.execute("grant select on alembic_version to wijkeconomie_app")
    for table, rights in _GLOBAL_RIGHTS.items():
        op.execute(f"grant {rights} on {table} to wijkeconomie_app")
    for table, rights in _RIGHTS.items():
        for statement in protect_tenant_table(table, rights=rights):
            op.execute(statement)
    op.execute(show_own_rows("member"))
    op.execute(show_own_rows("role_grant"))
