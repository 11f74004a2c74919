"""Statements out of the books: set-based queries, checked before they are handed out.

Members' statements are made in ``member_queries``; both are reached from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.ledger.queries import trial_balance
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.member_queries import member_statement, member_statements
from wijkeconomie.reports.refusals import NothingSettledError
from wijkeconomie.reports.round_queries import VersionDeposits, round_block, round_deposits
from wijkeconomie.reports.shared_queries import (
    SectionKey,
    build_sections,
    cooperative_block,
    entry_words,
    ledger_marks,
    period_parameters,
)
from wijkeconomie.reports.statement import (
    AccountTotals,
    SettledRound,
    Statement,
    StatementKind,
    StatementLine,
    VatTotal,
    check_statement,
)

__all__ = ["cooperative_statement", "member_statement", "member_statements", "round_statement"]

_BANK = "bank"

_BANK_LINES = text(
    """
select e.accounting_date, e.number, e.kind, e.source, e.description, a.code, p.amount
from account a
join posting p on p.cooperative_id = a.cooperative_id and p.account_id = a.id
join journal_entry e on e.cooperative_id = p.cooperative_id and e.number = p.entry_number
where a.cooperative_id = :cooperative_id and a.key = :key and a.unit = 'EUR'
  and e.accounting_date >= :from and e.accounting_date < :until
order by e.accounting_date, e.number, p.line
"""
)
_ENTRIES_OF_PERIOD = text(
    """
select min(number), max(number) from journal_entry
where cooperative_id = :cooperative_id
  and accounting_date >= :from and accounting_date < :until
"""
)
_SETTLED = text(
    """
with event as (
  select rs.*, 1 as sign, rs.entry_number as number, rs.accounting_date as happened_on
  from round_settlement rs
  where rs.cooperative_id = :cooperative_id
  union all
  select rs.*, -1, rs.reversal_number, e.accounting_date
  from round_settlement rs
  join journal_entry e on e.cooperative_id = rs.cooperative_id and e.number = rs.reversal_number
  where rs.cooperative_id = :cooperative_id
)
select r.code, r.theme, s.name as supplier_name, event.version, event.sign,
  event.happened_on, event.number, event.sign * event.supplier_gross_cents as supplier_gross,
  event.sign * event.members_gross_cents as members_gross,
  event.sign * event.cooperative_gross_cents as cooperative_gross, event.reason, r.id as round_id
from event
join purchase_round r on r.cooperative_id = event.cooperative_id and r.id = event.round_id
join supplier s on s.cooperative_id = r.cooperative_id and s.id = r.supplier_id
where event.happened_on < :until
  and (cast(:round_id as bigint) is null or r.id = :round_id)
order by event.happened_on, event.number nulls last, r.code, event.version
"""
)
_VAT = text(
    """
select rp.vat_basis_points, sum(wanted.sign * (ps.net_cents + ps.freight_cents))::bigint,
  sum(wanted.sign * ps.vat_cents)::bigint
from unnest(cast(:rounds as bigint[]), cast(:versions as bigint[]), cast(:signs as bigint[]))
  as wanted (round_id, version, sign)
join pledge_share ps on ps.cooperative_id = :cooperative_id
  and ps.round_id = wanted.round_id and ps.version = wanted.version
join pledge pl on pl.cooperative_id = ps.cooperative_id and pl.id = ps.pledge_id
join round_product rp on rp.cooperative_id = pl.cooperative_id and rp.id = pl.round_product_id
group by rp.vat_basis_points order by rp.vat_basis_points nulls last
"""
)


def cooperative_statement(session: Session, cooperative_id: int, period: Period) -> Statement:
    """The books of a cooperative over a period: bank, settled rounds, VAT, every account.

    The opening and closing balance are those of the bank account; the other accounts are
    under ``accounts``, whose sums are zero.

    Raises:
        NotFoundError: there is no such cooperative.
        StatementDoesNotTieError: see :func:`~wijkeconomie.reports.statement.check_statement`.
    """
    cooperative = cooperative_block(session, cooperative_id)
    accounts = tuple(
        AccountTotals(
            line.account_code,
            line.rgs_code,
            line.name_nl,
            line.name_en,
            line.kind,
            line.opening,
            line.debit,
            line.credit,
            line.closing,
        )
        for line in trial_balance(session, cooperative_id, from_=period.start, until=period.end)
        if line.unit == "EUR"
    )
    parameters = period_parameters(cooperative_id, period)
    rows = session.execute(_BANK_LINES, parameters | {"key": _BANK}).all()
    codes = _codes_of(session, cooperative_id, _BANK)
    bank = [account for account in accounts if account.code in codes]
    opening = sum(account.opening_cents for account in bank)
    lines = _bank_lines(rows, opening)
    events = _events(session, cooperative_id, period)
    happened = [event for event in events if event.happened_on >= period.start]
    first, last = session.execute(_ENTRIES_OF_PERIOD, parameters).one()
    marks = ledger_marks(session, cooperative_id, [first, last])
    return check_statement(
        Statement(
            kind=StatementKind.COOPERATIVE,
            cooperative=cooperative,
            subject_code=cooperative.code,
            subject_name=cooperative.name,
            address=(),
            period=period,
            opening_cents=opening,
            debit_cents=sum(account.debit_cents for account in bank),
            credit_cents=sum(account.credit_cents for account in bank),
            closing_cents=sum(account.closing_cents for account in bank),
            sections=build_sections(lines),
            vat_totals=_vat(session, cooperative_id, happened),
            first_entry=marks.get(first),
            last_entry=marks.get(last),
            accounts=accounts,
            rounds=tuple(_settled_round(event) for event in happened),
        )
    )


def _codes_of(session: Session, cooperative_id: int, key: str) -> set[str]:
    return set(
        session.scalars(
            text(
                "select code from account"
                " where cooperative_id = :cooperative_id and key = :key and unit = 'EUR'"
            ),
            {"cooperative_id": cooperative_id, "key": key},
        )
    )


def _bank_lines(rows: Sequence[Row[Any]], opening: int) -> list[tuple[SectionKey, StatementLine]]:
    lines: list[tuple[SectionKey, StatementLine]] = []
    balance = opening
    for row in rows:
        is_debit = row.amount > 0
        words = entry_words(row.kind, row.source, row.description, is_debit=is_debit, themes={})
        balance += row.amount
        line = StatementLine(
            row.accounting_date,
            row.number,
            row.kind,
            row.source,
            row.code,
            words.text_key,
            words.parameters,
            max(row.amount, 0),
            max(-row.amount, 0),
            balance,
        )
        lines.append((("payment", row.code, ""), line))
    return lines


def _events(
    session: Session, cooperative_id: int, period: Period, round_id: int | None = None
) -> list[Any]:
    """Settlements and their reversals before the end of the period, oldest first."""
    rows = session.execute(
        _SETTLED, {"cooperative_id": cooperative_id, "until": period.end, "round_id": round_id}
    )
    return list(rows)


def _settled_round(event: Any) -> SettledRound:
    return SettledRound(
        code=event.code,
        theme=event.theme,
        supplier_name=event.supplier_name,
        version=event.version,
        is_reversal=event.sign < 0,
        accounting_date=event.happened_on,
        entry_number=event.number,
        supplier_gross_cents=event.supplier_gross,
        members_gross_cents=event.members_gross,
        cooperative_gross_cents=event.cooperative_gross,
        reason=event.reason,
    )


def _vat(session: Session, cooperative_id: int, events: list[Any]) -> tuple[VatTotal, ...]:
    rows = session.execute(
        _VAT,
        {
            "cooperative_id": cooperative_id,
            "rounds": [event.round_id for event in events],
            "versions": [event.version for event in events],
            "signs": [event.sign for event in events],
        },
    )
    return tuple(VatTotal(*row) for row in rows)


_ROUND = text(
    """
select r.id, r.code, r.theme, s.code as supplier_code, s.name as supplier_name, r.delivery_on,
  r.freight_excl_cents, r.freight_key
from purchase_round r
join supplier s on s.cooperative_id = r.cooperative_id and s.id = r.supplier_id
where r.cooperative_id = :cooperative_id and r.code = :code
"""
)
_CHARGED = text(
    """
select e.accounting_date, e.number, e.kind, e.source, e.description, sum(p.amount)::bigint
from journal_entry e
join posting p on p.cooperative_id = e.cooperative_id and p.entry_number = e.number
join account a on a.cooperative_id = p.cooperative_id and a.id = p.account_id
where e.cooperative_id = :cooperative_id and e.number = any(cast(:numbers as bigint[]))
  and a.key = 'member_account'
group by e.cooperative_id, e.number
order by e.accounting_date, e.number
"""
)


def round_statement(
    session: Session, cooperative_id: int, round_code: str, period: Period
) -> Statement:
    """The settlement of a round as it stands at the end of the period.

    Lines are the entries of the period that charged its members, corrections and deposits
    included; the balance is what the members were charged together.

    Raises:
        NotFoundError: the cooperative has no such round.
        NothingSettledError: it was not settled before the end of the period.
        StatementDoesNotTieError: see :func:`~wijkeconomie.reports.statement.check_statement`.
    """
    cooperative = cooperative_block(session, cooperative_id)
    head = session.execute(
        _ROUND, {"cooperative_id": cooperative_id, "code": round_code}
    ).one_or_none()
    if head is None:
        raise NotFoundError(f"there is no round {round_code}", round=round_code)
    events = _events(session, cooperative_id, period, head.id)
    if not events:
        raise NothingSettledError(
            f"round {round_code} was not settled before {period.end}", round=round_code
        )
    turned_back = {event.version for event in events if event.sign < 0}
    standing = [event for event in events if event.version not in turned_back]
    deposits = round_deposits(
        session, cooperative_id, head.id, [event.version for event in events if event.sign > 0]
    )
    charged = _charged(session, cooperative_id, events, deposits)
    opening = sum(row[5] for row in charged if row[0] < period.start)
    lines = _charged_lines(
        [row for row in charged if row[0] >= period.start], opening, {head.code: head.theme}
    )
    own = [line.entry_number for _, line in lines]
    marks = ledger_marks(session, cooperative_id, own[:1] + own[-1:])
    block = round_block(session, cooperative_id, head, standing[-1], deposits) if standing else None
    return check_statement(
        Statement(
            kind=StatementKind.ROUND,
            cooperative=cooperative,
            subject_code=head.code,
            subject_name=head.theme,
            address=(),
            period=period,
            opening_cents=opening,
            debit_cents=sum(line.debit_cents for _, line in lines),
            credit_cents=sum(line.credit_cents for _, line in lines),
            closing_cents=sum(row[5] for row in charged),
            sections=build_sections(lines),
            vat_totals=_vat(session, cooperative_id, standing),
            first_entry=marks.get(own[0]) if own else None,
            last_entry=marks.get(own[-1]) if own else None,
            rounds=tuple(_settled_round(event) for event in events),
            round=block,
        )
    )


def _charged(
    session: Session,
    cooperative_id: int,
    events: list[Any],
    deposits: Mapping[int, VersionDeposits],
) -> list[Any]:
    """What each entry of a round charged its members together, the oldest first."""
    booked = [each.number for each in events] + [each.entry_number for each in deposits.values()]
    numbers = [number for number in booked if number is not None]
    return list(session.execute(_CHARGED, {"cooperative_id": cooperative_id, "numbers": numbers}))


def _charged_lines(
    rows: list[Any], opening: int, themes: dict[str, str]
) -> list[tuple[SectionKey, StatementLine]]:
    lines: list[tuple[SectionKey, StatementLine]] = []
    balance = opening
    for on, number, kind, source, description, amount in rows:
        words = entry_words(kind, source, description, is_debit=amount > 0, themes=themes)
        balance += amount
        line = StatementLine(
            on,
            number,
            kind,
            source,
            "member_account",
            words.text_key,
            words.parameters,
            max(amount, 0),
            max(-amount, 0),
            balance,
        )
        lines.append((words.section_key, line))
    return lines
