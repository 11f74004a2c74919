"""Row-level security: the statements by which a migration puts a table behind the border."""

from __future__ import annotations

TENANT_SETTING = "(select nullif(current_setting('app.cooperative_id', true), '')::bigint)"
LOGIN_SETTING = "(select nullif(current_setting('app.login_id', true), '')::bigint)"
# In a sub-select the setting is read once a statement, not once a row.


def protect_tenant_table(table: str, *, rights: str) -> list[str]:
    """Let the application's role see and write only the rows of the transaction's cooperative.

    Args:
        rights: what the role may do, as in ``select, insert``; nothing else is granted.
    """
    own = f"cooperative_id = {TENANT_SETTING}"
    return [
        f"alter table {table} enable row level security",
        f"create policy tenant on {table} using ({own}) with check ({own})",
        f"grant {rights} on {table} to wijkeconomie_app",
    ]


def show_own_rows(table: str) -> str:
    """Let someone who signed in find his own rows before a cooperative has been chosen."""
    return f"create policy own on {table} for select using (login_id = {LOGIN_SETTING})"
