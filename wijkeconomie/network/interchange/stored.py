"""What the database holds, as rows of an interchange folder: for exports and for comparing.

Rows are grouped by cooperative and come in the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from wijkeconomie.network.interchange.cells import CellError, write_cell
from wijkeconomie.network.interchange.detail_files import INVOICE_TERMS, ROUND_PRODUCTS
from wijkeconomie.network.interchange.files import (
    AGREEMENT_STATUSES,
    BANK_ENTRIES,
    CARE_BUDGETS,
    CARE_DECLARATIONS,
    COOPERATIVES,
    DELIVERIES,
    INVESTMENTS,
    MEMBERS,
    MERCHANTS,
    PARTICIPATION_KEYS,
    PLEDGES,
    PRODUCTS,
    PROJECTS,
    ROUNDS,
    SHARED_COSTS,
    SHORTAGE_RULES,
    SUBSIDIES,
    SUPPLIER_INVOICES,
    SUPPLIERS,
    VOUCHER_REDEMPTIONS,
    VOUCHERS,
)
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.stored_details import DETAIL_SELECTS, OF_KIND
from wijkeconomie.network.interchange.stored_invoices import invoice_terms
from wijkeconomie.network.interchange.stored_unfinished import RESUMED_SELECTS
from wijkeconomie.network.interchange.unfinished_files import FINISHED_OF

PAGE = 2000
_WRITTEN_WORDS = {
    (ROUNDS.file, "shortage_rule"): {value: word for word, value in SHORTAGE_RULES.items()},
    (ROUND_PRODUCTS.file, "shortage_rule"): {
        "": "",
        **{value: word for word, value in SHORTAGE_RULES.items()},
    },
    (CARE_BUDGETS.file, "agreement_status"): {
        value: word for word, value in AGREEMENT_STATUSES.items()
    },
}

_OF_ROUND = "(cast(:code as text) is null or r.code = :code)"
_LAST_VERSION = """(
    select v.id from allocation_key_version v
    where v.cooperative_id = x.cooperative_id and v.key_id = {key}.id
    order by v.valid_from desc, v.number desc limit 1)"""
_OF_KEY = "(cast(:code as text) is null or x.code = :code)"

_SELECT: Mapping[str, TextClause] = {
    **DETAIL_SELECTS,
    **RESUMED_SELECTS,
    COOPERATIVES.file: text(
        """
select x.code as coop_id, x.name, x.neighbourhood, x.liability, x.liability_cap_cents,
  x.vat_regime, x.kvk, x.iban, x.creditor_id, x.founded_on as founded,
  x.contribution_year_cents, x.share_price_cents, x.vote_rule,
  (select count(*) from member where member.cooperative_id = x.id) as member_count
from cooperative x where x.id = :cooperative_id
"""
    ),
    MEMBERS.file: text(
        f"""
select x.code as member_id, cooperative.code as coop_id, x.initials, x.first_name, x.infix,
  x.last_name, x.street, x.house_number, x.house_addition, x.postcode, x.city, x.country,
  x.email, x.iban, x.mandate_id, x.mandate_signed_on as mandate_signed,
  x.joined_on as joined, x.left_on as left, x.share_units, x.household_size, x.dwelling_m2,
  x.income_band, x.is_caregiver as caregiver, x.language
from member x join cooperative on cooperative.id = x.cooperative_id
where x.cooperative_id = :cooperative_id and {_OF_KEY} order by x.id
"""
    ),
    SUPPLIERS.file: text(
        f"""
select x.code as supplier_id, x.name, x.category, x.kvk, x.iban, x.payment_days
from supplier x where x.cooperative_id = :cooperative_id and {_OF_KEY} order by x.id
"""
    ),
    PRODUCTS.file: text(
        f"""
select x.code as sku, x.name, x.category, x.unit,
  (2 * x.price_excl_cents + x.price_units) / (2 * x.price_units) as price_excl_cents,
  x.vat_basis_points, x.pack_size, x.max_per_member, supplier.code as supplier_id
from product x join supplier on supplier.cooperative_id = x.cooperative_id
  and supplier.id = x.supplier_id
where x.cooperative_id = :cooperative_id and {_OF_KEY} order by x.id
"""
    ),
    ROUNDS.file: text(
        f"""
select r.code as round_id, cooperative.code as coop_id, r.theme,
  supplier.code as supplier_id, r.opens_at as opens, r.closes_at as closes,
  r.delivery_on as delivery_date, r.freight_excl_cents as shipping_excl_cents,
  r.freight_key as shipping_key, r.shortage_rule,
  case r.state when 'settled' then 'delivered' else r.state end as status
from purchase_round r join cooperative on cooperative.id = r.cooperative_id
join supplier on supplier.cooperative_id = r.cooperative_id and supplier.id = r.supplier_id
where r.cooperative_id = :cooperative_id and {_OF_ROUND} and {OF_KIND} order by r.id
"""
    ),
    PLEDGES.file: text(
        f"""
select x.code as pledge_id, r.code as round_id, member.code as member_id,
  product.code as sku, x.quantity, x.pledged_at, x.withdrawn_at is not null as withdrawn
from pledge x
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = x.cooperative_id and product.id = o.product_id
join member on member.cooperative_id = x.cooperative_id and member.id = x.member_id
where x.cooperative_id = :cooperative_id and {_OF_ROUND} and {OF_KIND}
order by r.id, x.origin <> 'pledged', x.id
"""
    ),
    DELIVERIES.file: text(
        f"""
select x.code as delivery_id, r.code as round_id, product.code as sku, x.ordered_quantity,
  x.delivered_quantity, x.damaged_quantity, x.delivered_on, x.reason
from delivery x
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
join round_product o on o.cooperative_id = x.cooperative_id and o.id = x.round_product_id
join product on product.cooperative_id = x.cooperative_id and product.id = o.product_id
where x.cooperative_id = :cooperative_id and {_OF_ROUND} and {OF_KIND}
  and r.state <> 'cancelled' and x.delivered_quantity is not null
order by r.id, o.position, x.id
"""
    ),
    SUPPLIER_INVOICES.file: text(
        f"""
select x.code as invoice_id, r.code as round_id, supplier.code as supplier_id,
  x.invoiced_on as invoice_date, x.net_cents, x.vat_cents, x.gross_cents, x.note
from supplier_invoice x
join purchase_round r on r.cooperative_id = x.cooperative_id and r.id = x.round_id
join supplier on supplier.cooperative_id = r.cooperative_id and supplier.id = r.supplier_id
where x.cooperative_id = :cooperative_id and x.withdrawn_at is null and {_OF_ROUND}
  and {OF_KIND} and r.state <> 'cancelled' order by r.id, x.id
"""
    ),
    PARTICIPATION_KEYS.file: text(
        f"""
select x.code as member_id, kwh.weight as kwh, usage.weight as usage
from member x
join allocation_key kwh_key on kwh_key.cooperative_id = x.cooperative_id
  and kwh_key.code = 'kwh'
join allocation_key usage_key on usage_key.cooperative_id = x.cooperative_id
  and usage_key.code = 'usage'
join allocation_weight kwh on kwh.cooperative_id = x.cooperative_id and kwh.member_id = x.id
  and kwh.version_id = {_LAST_VERSION.format(key="kwh_key")}
join allocation_weight usage on usage.cooperative_id = x.cooperative_id
  and usage.member_id = x.id and usage.version_id = {_LAST_VERSION.format(key="usage_key")}
where x.cooperative_id = :cooperative_id and {_OF_KEY} order by x.id
"""
    ),
    SHARED_COSTS.file: text(
        f"""
select x.code as cost_id, cooperative.code as coop_id, to_char(x.month, 'YYYY-MM') as month,
  x.description, key.code as key, x.net_cents, x.vat_cents, x.gross_cents
from shared_cost x
join cooperative on cooperative.id = x.cooperative_id
join allocation_key key on key.cooperative_id = x.cooperative_id and key.id = x.key_id
where x.cooperative_id = :cooperative_id and {_OF_KEY} and x.settled_version > 0
  and key.code in ('equal', 'household', 'm2', 'kwh', 'usage') order by x.id
"""
    ),
    SUBSIDIES.file: text(
        f"""
select x.code as subsidy_id, cooperative.code as coop_id, x.grantor, x.purpose, x.mode,
  x.awarded_cents as cents, x.valid_from, x.valid_until as valid_to, x.accountable_by
from subsidy x join cooperative on cooperative.id = x.cooperative_id
where x.cooperative_id = :cooperative_id and {_OF_KEY} and x.mode <> 'pool' order by x.id
"""
    ),
    # The first agreement stands for the budget: a folder knows one. Care data shows only in a
    # transaction that opened it.
    CARE_BUDGETS.file: text(
        f"""
select x.code as budget_id, member.code as member_id, x.law, x.is_drawing_right as drawing_right,
  x.starts_on as period_start, x.ends_on as period_end, x.budget_cents, first.hourly_rate_cents,
  first.status as agreement_status
from care_budget x
join member on member.cooperative_id = x.cooperative_id and member.id = x.holder_id
cross join lateral (
  select a.hourly_rate_cents, a.status from care_agreement a
  where a.cooperative_id = x.cooperative_id and a.budget_id = x.id order by a.id limit 1
) as first
where x.cooperative_id = :cooperative_id and {_OF_KEY} order by x.id
"""
    ),
    CARE_DECLARATIONS.file: text(
        f"""
select coalesce(x.first_code, x.code) as declaration_id, care_budget.code as budget_id,
  to_char(x.month, 'YYYY-MM') as month, x.minutes, x.claimed_cents as cents
from care_declaration x
join care_budget on care_budget.cooperative_id = x.cooperative_id
  and care_budget.id = x.budget_id
where x.cooperative_id = :cooperative_id and {_OF_KEY}
  and x.state in ('submitted', 'approved', 'refused')
  and (x.corrects_id is null or x.state = 'approved') order by x.id
"""
    ),
    PROJECTS.file: text(
        f"""
select x.code as project_id, cooperative.code as coop_id, x.name, x.unit_price_cents,
  x.target_units, r.cents as result_2026_cents
from investment_project x join cooperative on cooperative.id = x.cooperative_id
left join project_result r on r.cooperative_id = x.cooperative_id and r.project_id = x.id
  and r.year = 2026 and r.reversed_on is null
where x.cooperative_id = :cooperative_id and {_OF_KEY} order by x.id
"""
    ),
    # What counts: units that were only taken, or whose money went back, are not of the folder.
    INVESTMENTS.file: text(
        f"""
select p.code as project_id, member.code as member_id, x.units, x.bought_on
from participation x
join investment_project p on p.cooperative_id = x.cooperative_id and p.id = x.project_id
join member on member.cooperative_id = x.cooperative_id and member.id = x.member_id
where x.cooperative_id = :cooperative_id and {_OF_KEY.replace("x.code", "p.code")}
  and x.state in ('issued', 'released') order by x.id
"""
    ),
    MERCHANTS.file: text(
        f"""
select x.code as merchant_id, cooperative.code as coop_id, x.name, x.iban, x.vat_mix,
  coalesce((select f.fee_basis_points from merchant_fee f
    where f.cooperative_id = x.cooperative_id and f.merchant_id = x.id
    order by f.valid_from desc limit 1), x.fee_basis_points) as fee_basis_points
from merchant x join cooperative on cooperative.id = x.cooperative_id
where x.cooperative_id = :cooperative_id and {_OF_KEY} order by x.id
"""
    ),
    # What a member passed on counts as issued to who has it now, and no more to himself.
    VOUCHERS.file: text(
        f"""
select * from (
  select x.code as voucher_id, cooperative.code as coop_id, member.code as member_id,
    scheme.vat_kind as kind, scheme.vat_basis_points,
    case when x.fund_id is null then 'gekocht' else 'mantelzorgwaardering' end as source,
    x.face_minor - coalesce((select sum(part.face_minor) from voucher part
      where part.cooperative_id = x.cooperative_id and part.origin_id = x.id), 0)::bigint
      as face_cents, x.issued_on, x.expires_on
  from voucher x
  join cooperative on cooperative.id = x.cooperative_id
  join member on member.cooperative_id = x.cooperative_id and member.id = x.holder_id
  join voucher_scheme scheme on scheme.cooperative_id = x.cooperative_id
    and scheme.id = x.scheme_id
  where x.cooperative_id = :cooperative_id and {_OF_KEY} and scheme.unit = 'EUR'
    and x.withdrawn_on is null order by x.id
) kept where face_cents > 0
"""
    ),
    # A payment by several vouchers is an attempt of each; what was refunded counts no more.
    VOUCHER_REDEMPTIONS.file: text(
        f"""
select case when attempt.position > 1 then x.code || '.' || attempt.position else x.code end
    as redemption_id,
  case when attempt.position > 1 then x.idempotency_key || '.' || attempt.position
    else x.idempotency_key end as idempotency_key,
  voucher.code as voucher_id, merchant.code as merchant_id, attempt.cents,
  x.redeemed_on
from voucher_redemption x
cross join lateral (
  select l.voucher_id, l.amount_minor - l.refunded_minor as cents,
    row_number() over (order by l.voucher_id) as position
  from voucher_redemption_line l
  where l.cooperative_id = x.cooperative_id and l.redemption_id = x.id
  union all
  select x.voucher_id, x.amount_minor, 1 where x.refusal is not null
) attempt
join voucher on voucher.cooperative_id = x.cooperative_id and voucher.id = attempt.voucher_id
  and voucher.withdrawn_on is null
join merchant on merchant.cooperative_id = x.cooperative_id and merchant.id = x.merchant_id
where x.cooperative_id = :cooperative_id and {_OF_KEY} and attempt.cents > 0 and x.unit = 'EUR'
order by x.id, attempt.position
"""
    ),
    BANK_ENTRIES.file: text(
        f"""
select x.code as entry_id, x.account_iban as account, x.booked_on as booking_date,
  x.amount_cents as cents, x.counter_iban, x.end_to_end_id, x.kind, x.return_reason
from bank_line x where x.cooperative_id = :cooperative_id and {_OF_KEY} order by x.id
"""
    ),
}
_KEPT = text(
    """
select row_key, cells from kept_row
where cooperative_id = :cooperative_id and file = :file
  and (cast(:keys as text[]) is null or row_key = any(cast(:keys as text[])))
order by id
"""
)

Cells = dict[str, str]


def stored_rows(
    session: Session, cooperative_id: int, layout: Layout, code: str | None = None
) -> Iterator[Cells]:
    """The stored rows of one file, streamed; of one round or one thing when ``code`` is given.

    Cells are written as they were read where that says the same in other words.
    """
    if layout.is_kept:
        yield from (
            {name: cells.get(name, "") for name in layout.names}
            for _, cells in kept_rows(session, cooperative_id, layout.file)
        )
        return
    finished = FINISHED_OF.get(layout.file, layout)
    key = {"cooperative_id": cooperative_id, "code": code, "is_finished": finished is layout}
    if finished is INVOICE_TERMS:
        yield from (_cells(layout, finished, values) for values in invoice_terms(session, key))
        return
    written = dict(kept_rows(session, cooperative_id, layout.file))
    with session.execute(
        _SELECT[finished.file], key, execution_options={"yield_per": PAGE}
    ) as found:
        for values in found.mappings():
            yield _as_written(layout, _cells(layout, finished, values), values, written)


def kept_rows(
    session: Session, cooperative_id: int, file: str, keys: list[str] | None = None
) -> Iterator[tuple[str, Cells]]:
    """The kept rows of one file with their keys, all or the named ones, in order of arrival."""
    with session.execute(
        _KEPT,
        {"cooperative_id": cooperative_id, "file": file, "keys": keys},
        execution_options={"yield_per": PAGE},
    ) as found:
        for row in found:
            yield row.row_key, dict(row.cells)


def _cells(layout: Layout, finished: Layout, values: Mapping[Any, Any]) -> Cells:
    cells = {column.name: write_cell(column.kind, values[column.name]) for column in layout.columns}
    for (file, name), words in _WRITTEN_WORDS.items():
        if file == finished.file:
            cells[name] = words[cells[name]]
    return cells


def _as_written(
    layout: Layout, cells: Cells, values: Mapping[Any, Any], written: Mapping[str, Cells]
) -> Cells:
    """Put back the words in which a cell was read, as long as they still say what is stored."""
    remembered = written.get(layout.key_of(cells)) if written else None
    if remembered:
        for column in layout.columns:
            words = remembered.get(column.name)
            if words is None:
                continue
            # The program numbers deliveries itself; a folder's own number is only remembered.
            if column.name in layout.key or _says(column.kind.read, words, values[column.name]):
                cells[column.name] = words
    return cells


def _says(read: Any, words: str, value: Any) -> bool:
    try:
        return bool(read(words) == value)
    except CellError:
        return False
