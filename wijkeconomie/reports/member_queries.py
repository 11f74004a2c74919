"""Statements of members, many at once: the number of queries does not grow with members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.cost_queries import cost_reasons, cost_titles
from wijkeconomie.reports.sale_queries import sale_details
from wijkeconomie.reports.shared_queries import (
    CostTitle,
    EntryWords,
    SectionKey,
    build_sections,
    cooperative_block,
    entry_words,
    period_parameters,
)
from wijkeconomie.reports.statement import (
    CooperativeBlock,
    LedgerMark,
    Parameters,
    PaymentNote,
    ShareDetail,
    Statement,
    StatementKind,
    StatementLine,
    check_statement,
    vat_totals,
)

MEMBERS_AT_ONCE = 500
"""Bounds the memory that a city's statements take."""

_ACCOUNT_KEYS = "('member_account', 'contribution_receivable')"

_MEMBERS = text(
    """
select code, concat_ws(' ', first_name, infix, last_name) as name,
  concat_ws(' ', street, house_number || coalesce(house_addition, '')) as street,
  concat_ws(' ', postcode, city) as town, mandate_id
from member
where cooperative_id = :cooperative_id
  and (cast(:codes as text[]) is null or code = any(cast(:codes as text[])))
order by code
"""
)
# The closing balance comes from the kept balance and what was booked after the period, so that
# it owes nothing to the lines that are checked against it.
_BALANCES = text(
    f"""
with own as (
  select a.id, a.party, a.key from account a
  where a.cooperative_id = :cooperative_id and a.key in {_ACCOUNT_KEYS} and a.unit = 'EUR'
    and a.party = any(cast(:codes as text[]))
), outside as (
  select p.account_id,
    coalesce(sum(p.amount) filter (where e.accounting_date < :from), 0) as before,
    coalesce(sum(p.amount) filter (where e.accounting_date >= :until), 0) as after
  from journal_entry e
  join posting p on p.cooperative_id = e.cooperative_id and p.entry_number = e.number
  where e.cooperative_id = :cooperative_id
    and (e.accounting_date < :from or e.accounting_date >= :until)
    and p.account_id = any(array(select id from own))
  group by p.account_id
)
select own.party, own.key, coalesce(outside.before, 0)::bigint,
  (b.balance - coalesce(outside.after, 0))::bigint
from own
join account_balance b on b.cooperative_id = :cooperative_id and b.account_id = own.id
left join outside on outside.account_id = own.id
"""
)
# One row a member, with columns of numbers: many lines share an entry, so what an entry says
# is read once, and a hundred thousand lines cost no hundred thousand row objects.
_LINES = text(
    f"""
select a.party,
  array_agg(e.number order by e.accounting_date, e.number, p.line) as numbers,
  array_agg(a.key = 'member_account' order by e.accounting_date, e.number, p.line) as purchases,
  array_agg(p.amount order by e.accounting_date, e.number, p.line) as amounts
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = :cooperative_id and a.key in {_ACCOUNT_KEYS} and a.unit = 'EUR'
  and a.party = any(cast(:codes as text[]))
  and e.accounting_date >= :from and e.accounting_date < :until
group by a.party
"""
)
_HEADS = text(
    """
select number, accounting_date, kind, source, description, encode(hash, 'hex') as hash
from journal_entry
where cooperative_id = :cooperative_id and number = any(cast(:numbers as bigint[]))
"""
)
_SHARES = text(
    """
with event as (
  select rs.cooperative_id, rs.round_id, rs.version, 1 as sign, rs.entry_number as number,
    rs.accounting_date as happened_on
  from round_settlement rs where rs.cooperative_id = :cooperative_id
  union all
  select rs.cooperative_id, rs.round_id, rs.version, -1, rs.reversal_number, e.accounting_date
  from round_settlement rs
  join journal_entry e on e.cooperative_id = rs.cooperative_id and e.number = rs.reversal_number
  where rs.cooperative_id = :cooperative_id
)
select m.code as member, event.number, event.sign, event.happened_on, event.version,
  r.code as round_code, r.theme, p.code, rp.name, rp.unit, pl.quantity, ps.delivered_quantity,
  rp.vat_basis_points, ps.net_cents, ps.freight_cents, ps.vat_cents, ps.gross_cents,
  ps.explanation
from event
join pledge_share ps on ps.cooperative_id = event.cooperative_id
  and ps.round_id = event.round_id and ps.version = event.version
join pledge pl on pl.cooperative_id = ps.cooperative_id and pl.id = ps.pledge_id
join member m on m.cooperative_id = pl.cooperative_id and m.id = pl.member_id
join round_product rp on rp.cooperative_id = pl.cooperative_id and rp.id = pl.round_product_id
join product p on p.cooperative_id = rp.cooperative_id and p.id = rp.product_id
join purchase_round r on r.cooperative_id = event.cooperative_id and r.id = event.round_id
where event.happened_on >= :from and event.happened_on < :until
  and m.code = any(cast(:codes as text[]))
order by event.happened_on, event.number nulls last, r.code, rp.position, pl.code
"""
)


_NO_WHY: Parameters = ()


@dataclass(slots=True)
class _Settled:
    """A member's shares of one version of a round, or of its turning back."""

    number: int | None
    happened_on: date
    round_code: str
    version: int
    is_reversal: bool
    details: list[ShareDetail] = field(default_factory=list)


@dataclass(slots=True)
class _Columns:
    """A member's postings in order: entry, whether on the purchases' account, amount."""

    numbers: Sequence[int] = ()
    purchases: Sequence[bool] = ()
    amounts: Sequence[int] = ()


@dataclass(slots=True)
class _Head:
    """What an entry says to members: its words as a debit and as a credit."""

    accounting_date: date
    kind: str
    source: str
    mark: LedgerMark
    debit: EntryWords
    credit: EntryWords


@dataclass(slots=True)
class _Batch:
    """What the queries found, by member code."""

    cooperative: CooperativeBlock
    period: Period
    balances: Mapping[str, Mapping[str, tuple[int, int]]]
    lines: Mapping[str, _Columns]
    shares: Mapping[str, Mapping[tuple[str, int, bool], _Settled]]
    themes: dict[str, str]
    heads: Mapping[int, _Head]
    why: Mapping[tuple[str, int], Parameters]
    """Explanations of shares of costs, by member and entry."""
    sales: Mapping[int, tuple[ShareDetail, ...]]
    """What was bought from the stock, by entry."""


def member_statement(
    session: Session, cooperative_id: int, member_code: str, period: Period
) -> Statement:
    """The statement of one member.

    Raises:
        NotFoundError: the cooperative has no such member.
        StatementDoesNotTieError: see :func:`~wijkeconomie.reports.statement.check_statement`.
    """
    return next(member_statements(session, cooperative_id, [member_code], period))


def member_statements(
    session: Session, cooperative_id: int, member_codes: Sequence[str] | None, period: Period
) -> Iterator[Statement]:
    """Statements of these members, or of all, in order of their code.

    From the member's viewpoint: a debit is what the member owes, a credit what was paid or
    given back. Purchases and contributions run through one balance. Opening and closing come
    from the books by themselves, and the lines must lead from one to the other.

    Raises:
        NotFoundError: the cooperative lacks one of the members; before the first statement.
        StatementDoesNotTieError: see :func:`~wijkeconomie.reports.statement.check_statement`.
    """
    cooperative = cooperative_block(session, cooperative_id)
    codes = None if member_codes is None else list(member_codes)
    members = session.execute(_MEMBERS, {"cooperative_id": cooperative_id, "codes": codes}).all()
    if missing := sorted(set(codes or ()) - {member.code for member in members}):
        raise NotFoundError(f"there is no member {missing[0]}", member=missing[0])
    rest = iter(members)
    while group := list(islice(rest, MEMBERS_AT_ONCE)):
        batch = _read(session, cooperative_id, cooperative, period, [row.code for row in group])
        for member in group:
            yield check_statement(_statement(batch, member))


def _read(
    session: Session,
    cooperative_id: int,
    cooperative: CooperativeBlock,
    period: Period,
    codes: list[str],
) -> _Batch:
    parameters = period_parameters(cooperative_id, period) | {"codes": codes}
    balances: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for party, key, opening, closing in session.execute(_BALANCES, parameters).all():
        balances[party][key] = (opening, closing)
    lines: dict[str, _Columns] = {}
    for row in session.execute(_LINES, parameters):
        lines[row.party] = _Columns(row.numbers, row.purchases, row.amounts)
    shares: dict[str, dict[tuple[str, int, bool], _Settled]] = defaultdict(dict)
    themes: dict[str, str] = {}
    for row in session.execute(_SHARES, parameters).all():
        themes[row.round_code] = row.theme
        _add_share(shares[row.member], row)
    numbers = {number for own in lines.values() for number in own.numbers}
    costs = cost_titles(session, cooperative_id, sorted(numbers))
    why = cost_reasons(session, cooperative_id, codes, period) if costs else {}
    heads = {
        row.number: _head(row, themes, costs)
        for row in session.execute(
            _HEADS, {"cooperative_id": cooperative_id, "numbers": sorted(numbers)}
        )
    }
    sold = [number for number, head in heads.items() if head.source.startswith("stock/")]
    sales = sale_details(session, cooperative_id, sold)
    return _Batch(cooperative, period, balances, lines, shares, themes, heads, why, sales)


def _head(row: Any, themes: Mapping[str, str], costs: Mapping[str, CostTitle]) -> _Head:
    debit, credit = (
        entry_words(
            row.kind, row.source, row.description, is_debit=is_debit, themes=themes, costs=costs
        )
        for is_debit in (True, False)
    )
    mark = LedgerMark(row.number, row.hash)
    return _Head(row.accounting_date, row.kind, row.source, mark, debit, credit)


def _add_share(own: dict[tuple[str, int, bool], _Settled], row: Any) -> None:
    is_reversal = row.sign < 0
    key = (row.round_code, row.version, is_reversal)
    if key not in own:
        own[key] = _Settled(row.number, row.happened_on, row.round_code, row.version, is_reversal)
    sign = row.sign
    own[key].details.append(
        ShareDetail(
            row.code,
            row.name,
            row.unit,
            row.quantity,
            sign * row.delivered_quantity,
            row.vat_basis_points,
            sign * row.net_cents,
            sign * row.freight_cents,
            sign * row.vat_cents,
            sign * row.gross_cents,
            row.explanation,
        )
    )


def _statement(batch: _Batch, member: Any) -> Statement:
    balances = batch.balances.get(member.code, {})
    opening = sum(pair[0] for pair in balances.values())
    closing = sum(pair[1] for pair in balances.values())
    columns = batch.lines.get(member.code, _Columns())
    numbers = columns.numbers
    lines = _lines(batch, member.code, columns, opening)
    return Statement(
        kind=StatementKind.MEMBER,
        cooperative=batch.cooperative,
        subject_code=member.code,
        subject_name=member.name,
        address=(member.name, member.street, member.town),
        period=batch.period,
        opening_cents=opening,
        debit_cents=sum(amount for amount in columns.amounts if amount > 0),
        credit_cents=-sum(amount for amount in columns.amounts if amount < 0),
        closing_cents=closing,
        sections=build_sections(lines),
        vat_totals=vat_totals(detail for _, line in lines for detail in line.details),
        first_entry=batch.heads[numbers[0]].mark if numbers else None,
        last_entry=batch.heads[numbers[-1]].mark if numbers else None,
        payment=_payment(member, closing, balances.get("contribution_receivable", (0, 0))[1]),
    )


def _lines(
    batch: _Batch,
    member_code: str,
    columns: _Columns,
    opening: int,
) -> list[tuple[SectionKey, StatementLine]]:
    settled = batch.shares.get(member_code, {})
    details = {share.number: tuple(share.details) for share in settled.values()}
    if batch.sales:
        own = columns.numbers
        details |= {number: batch.sales[number] for number in own if number in batch.sales}
    pairs = zip(columns.numbers, columns.purchases, strict=True)
    free = _free_rounds(settled, {number for number, is_purchase in pairs if is_purchase})
    lines: list[tuple[SectionKey, StatementLine]] = []
    balance = opening
    heads = batch.heads
    for number, is_purchase, amount in zip(
        columns.numbers, columns.purchases, columns.amounts, strict=True
    ):
        head = heads[number]
        while free and free[0].happened_on < head.accounting_date:
            lines.append(_free_line(batch, free.pop(0), balance))
        is_debit = amount > 0
        words = head.debit if is_debit else head.credit
        balance += amount
        line = StatementLine(
            head.accounting_date,
            number,
            head.kind,
            head.source,
            "member_account" if is_purchase else "contribution_receivable",
            words.text_key,
            words.parameters + batch.why.get((member_code, number), _NO_WHY),
            amount if is_debit else 0,
            0 if is_debit else -amount,
            balance,
            details.get(number, ()) if is_purchase and details else (),
        )
        lines.append((words.section_key, line))
    lines.extend(_free_line(batch, share, balance) for share in free)
    return lines


def _free_rounds(
    settled: Mapping[tuple[str, int, bool], _Settled], posted: set[int]
) -> list[_Settled]:
    """Rounds in which the member pledged and pays nothing: the books have no line for them.

    Shares that do cost something and yet have no posting come along: the statement is then
    refused for not tying.
    """
    return [
        share
        for share in settled.values()
        if share.number not in posted
        and (not share.is_reversal or sum(detail.gross_cents for detail in share.details) != 0)
    ]


def _free_line(batch: _Batch, share: _Settled, balance: int) -> tuple[SectionKey, StatementLine]:
    source = f"round/{share.round_code}/{share.version}"
    settled = entry_words("round.settled", source, "", is_debit=True, themes=batch.themes)
    line = StatementLine(
        share.happened_on,
        None,
        "round.settled",
        source,
        "member_account",
        "round_nothing",
        settled.parameters,
        0,
        0,
        balance,
        tuple(share.details),
    )
    return settled.section_key, line


def _payment(member: Any, closing: int, contribution: int) -> PaymentNote:
    """Only contributions are collected; purchases are paid by transfer."""
    collect = max(min(contribution, closing), 0) if member.mandate_id else 0
    return PaymentNote(
        pay_cents=max(closing, 0) - collect,
        collect_cents=collect,
        credit_cents=max(-closing, 0),
        mandate_id=member.mandate_id,
        reference=member.code,
    )
