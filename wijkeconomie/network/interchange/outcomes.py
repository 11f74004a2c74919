"""Exporting what came of every round: what each pledge received and cost, and totals."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import TextClause, text

from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.core.identity import Identity
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.network.interchange.exporting import Owner, cooperatives_to_export
from wijkeconomie.network.interchange.investments_import import RESULT_YEAR
from wijkeconomie.network.interchange.stored import PAGE
from wijkeconomie.network.interchange.writing import folder_in_place, write_rows

DELIVERED_FILE = "delivered_per_pledge.csv"
TOTALS_FILE = "round_totals.csv"
COST_SHARES_FILE = "cost_shares.csv"
COST_SHARES_COLUMNS = ("cost_id", "member_id", "cents")
SUBSIDY_USE_FILE = "subsidy_use.csv"
SUBSIDY_USE_COLUMNS = ("subsidy_id", "cost_id", "member_id", "cents")
CARE_OUTCOMES_FILE = "care_outcomes.csv"
CARE_OUTCOMES_COLUMNS = ("declaration_id", "accepted", "reason", "cents", "balance_after")
INVESTMENT_SHARES_FILE = "investment_shares.csv"
INVESTMENT_SHARES_COLUMNS = ("project_id", "member_id", "cents")
VOUCHER_OUTCOMES_FILE = "voucher_outcomes.csv"
VOUCHER_OUTCOMES_COLUMNS = ("redemption_id", "accepted", "reason", "balance_after")
DELIVERED_COLUMNS = (
    "pledge_id",
    "round_id",
    "sku",
    "pledged",
    "delivered",
    "net_cents",
    "vat_cents",
    "freight_cents",
    "gross_cents",
)
TOTALS_COLUMNS = (
    "round_id",
    "coop_id",
    "supplier_gross_cents",
    "members_gross_cents",
    "difference_cents",
)

# Only the valid version counts: a correction leaves the earlier ones standing beside it.
_DELIVERED = text(
    """
select x.code, r.code, product.code, x.quantity, share.delivered_quantity, share.net_cents,
  share.vat_cents, share.freight_cents, share.gross_cents
from purchase_round r
join pledge_share share on share.cooperative_id = r.cooperative_id and share.round_id = r.id
  and share.version = r.settlement_version
join pledge x on x.cooperative_id = share.cooperative_id and x.id = share.pledge_id
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = x.cooperative_id and product.id = o.product_id
where r.cooperative_id = :cooperative_id and r.state = 'settled' and x.withdrawn_at is null
"""
)
_COST_SHARES = text(
    """
select c.code, m.code, x.cents
from shared_cost c
join cost_settlement s on s.cooperative_id = c.cooperative_id and s.cost_id = c.id
  and s.version = c.settled_version
join cost_share_block b on b.cooperative_id = s.cooperative_id and b.settlement_id = s.id
cross join unnest(b.member_ids, b.cents) as x (member_id, cents)
join member m on m.cooperative_id = c.cooperative_id and m.id = x.member_id
where c.cooperative_id = :cooperative_id order by c.id, m.code
"""
)
_SUBSIDY_USE = text(
    """
select subsidy.code, c.code, m.code, x.cents
from shared_cost c
join cost_settlement s on s.cooperative_id = c.cooperative_id and s.cost_id = c.id
  and s.version = c.settled_version
join cost_subsidy_block u on u.cooperative_id = s.cooperative_id and u.settlement_id = s.id
join subsidy on subsidy.cooperative_id = u.cooperative_id and subsidy.id = u.subsidy_id
join cost_share_block b on b.cooperative_id = u.cooperative_id
  and b.settlement_id = u.settlement_id and b.position = u.position
cross join unnest(b.member_ids, u.cents) as x (member_id, cents)
join member m on m.cooperative_id = c.cooperative_id and m.id = x.member_id
where c.cooperative_id = :cooperative_id and x.cents <> 0
order by subsidy.id, c.id, m.code
"""
)
_CARE = text(
    """
select coalesce(first_code, code), case state when 'refused' then 0 else 1 end,
  coalesce(refusal, ''), cents, left_after_cents
from care_declaration where cooperative_id = :cooperative_id
  and state in ('submitted', 'approved', 'refused')
  and (corrects_id is null or state = 'approved') order by id
"""
)
_INVESTMENT_SHARES = text(
    """
select p.code, m.code, s.cents
from project_result r
join investment_project p on p.cooperative_id = r.cooperative_id and p.id = r.project_id
join result_share s on s.cooperative_id = r.cooperative_id and s.result_id = r.id
join member m on m.cooperative_id = s.cooperative_id and m.id = s.member_id
where r.cooperative_id = :cooperative_id and r.year = :year and r.reversed_on is null
order by p.id, m.code
"""
).bindparams(year=RESULT_YEAR)
_VOUCHER_OUTCOMES = text(
    """
select code, case when refusal is null then 1 else 0 end, coalesce(refusal, ''),
  balance_after_minor
from voucher_redemption where cooperative_id = :cooperative_id order by id
"""
)
_TOTALS = text(
    """
select r.code, cooperative.code, s.supplier_gross_cents, s.members_gross_cents,
  s.supplier_gross_cents - s.members_gross_cents
from purchase_round r
join cooperative on cooperative.id = r.cooperative_id
join round_settlement s on s.cooperative_id = r.cooperative_id and s.round_id = r.id
  and s.version = r.settlement_version
where r.cooperative_id = :cooperative_id and r.state = 'settled' order by r.id
"""
)


def export_outcomes(
    units_of_work: UnitOfWorkFactory,
    identity: Identity,
    folder: Path,
    *,
    cooperative: str | None = None,
) -> dict[str, int]:
    """Write what every settled round and cost came to, and the answers to redemptions.

    ``delivered_per_pledge.csv``: a row a pledge that was not withdrawn, in order of its id.
    ``round_totals.csv``: a row a round; the difference is what the cooperative bears itself.
    ``cost_shares.csv``: a row a member of the cost's month, before subsidies.
    ``subsidy_use.csv``: what a subsidy took off whose share; a row a subsidy, where several did.
    ``care_outcomes.csv``: a row a declaration of care; what the budget bears and has left then.
    ``investment_shares.csv``: a row a member with units of a project, of the result that the
    folder tells; negative for a loss.
    ``voucher_outcomes.csv``: a row a distinct attempt to redeem, in order, with its answer.
    Files of an earlier time are replaced. Returns the rows per file.

    Raises:
        PermissionDeniedError, NotFoundError; FolderInUseError when the folder is a file.
    """
    owners = cooperatives_to_export(units_of_work, identity, cooperative)
    with folder_in_place(folder, overwrite=True) as draft:
        delivered = _sorted_by_id(_rows(units_of_work, identity, owners, _DELIVERED))
        totals = _rows(units_of_work, identity, owners, _TOTALS)
        shares = _rows(units_of_work, identity, owners, _COST_SHARES)
        used = _rows(units_of_work, identity, owners, _SUBSIDY_USE)
        care = _rows(units_of_work, identity, owners, _CARE, opens_care=True)
        earned = _rows(units_of_work, identity, owners, _INVESTMENT_SHARES)
        redeemed = _rows(units_of_work, identity, owners, _VOUCHER_OUTCOMES)
        return {
            CARE_OUTCOMES_FILE: write_rows(draft / CARE_OUTCOMES_FILE, CARE_OUTCOMES_COLUMNS, care),
            INVESTMENT_SHARES_FILE: write_rows(
                draft / INVESTMENT_SHARES_FILE, INVESTMENT_SHARES_COLUMNS, earned
            ),
            VOUCHER_OUTCOMES_FILE: write_rows(
                draft / VOUCHER_OUTCOMES_FILE, VOUCHER_OUTCOMES_COLUMNS, redeemed
            ),
            COST_SHARES_FILE: write_rows(draft / COST_SHARES_FILE, COST_SHARES_COLUMNS, shares),
            SUBSIDY_USE_FILE: write_rows(draft / SUBSIDY_USE_FILE, SUBSIDY_USE_COLUMNS, used),
            DELIVERED_FILE: write_rows(draft / DELIVERED_FILE, DELIVERED_COLUMNS, delivered),
            TOTALS_FILE: write_rows(draft / TOTALS_FILE, TOTALS_COLUMNS, totals),
        }


def _rows(
    units_of_work: UnitOfWorkFactory,
    identity: Identity,
    owners: Sequence[Owner],
    statement: TextClause,
    *,
    opens_care: bool = False,
) -> Iterator[list[str]]:
    paged = {"yield_per": PAGE}
    for owner in owners:
        key = {"cooperative_id": owner.id}
        with units_of_work.begin(identity=identity, cooperative_id=owner.id) as uow:
            if opens_care:
                open_care_records(uow, "outcomes-exported")
            with uow.session.execute(statement, key, execution_options=paged) as found:
                for row in found:
                    yield [str(value) for value in row]


def _sorted_by_id(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows in order of their first cell, sorted on disk: there may be very many."""
    marks = ", ".join("?" * len(DELIVERED_COLUMNS))
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.executescript("pragma journal_mode = off; pragma synchronous = off")
        database.execute(f"create table outcome ({', '.join(DELIVERED_COLUMNS)})")
        database.executemany(f"insert into outcome values ({marks})", rows)
        for row in database.execute("select * from outcome order by pledge_id"):
            yield list(row)
