"""What the statements of members, rounds and cooperatives have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.statement import (
    CooperativeBlock,
    LedgerMark,
    Parameters,
    SectionKind,
    StatementLine,
    StatementSection,
)

SectionKey = tuple[SectionKind, str, str]
"""Kind, subject and title of the section that a line belongs to."""


@dataclass(frozen=True, slots=True)
class EntryWords:
    """How an entry reads: the key of its text, the parameters, and where it belongs."""

    text_key: str
    parameters: Parameters
    section_key: SectionKey
    """What lines are grouped by."""


def cooperative_block(session: Session, cooperative_id: int) -> CooperativeBlock:
    """Who hands out the statement.

    Raises:
        NotFoundError: there is no such cooperative.
    """
    row = session.execute(
        text("select code, name, kvk, iban, vat_regime from cooperative where id = :id"),
        {"id": cooperative_id},
    ).one_or_none()
    if row is None:
        raise NotFoundError("there is no such cooperative")
    return CooperativeBlock(*row)


def period_parameters(cooperative_id: int, period: Period) -> dict[str, Any]:
    """The parameters that every query of a period takes."""
    return {"cooperative_id": cooperative_id, "from": period.start, "until": period.end}


def ledger_marks(
    session: Session, cooperative_id: int, numbers: Sequence[int | None]
) -> dict[int | None, LedgerMark]:
    """Entries with their hashes, by number."""
    rows = session.execute(
        text(
            "select number, encode(hash, 'hex') from journal_entry"
            " where cooperative_id = :cooperative_id and number = any(cast(:numbers as bigint[]))"
        ),
        {
            "cooperative_id": cooperative_id,
            "numbers": sorted({number for number in numbers if number is not None}),
        },
    )
    return {number: LedgerMark(number, hash_) for number, hash_ in rows}


@dataclass(frozen=True, slots=True)
class CostTitle:
    """What a shared cost was, and which of its lines is that of the member who paid it.

    ``advance_is_debit``: ``None`` where no member paid it; a debit where money came back.
    """

    description: str
    month: str
    advance_is_debit: bool | None = None


def entry_words(
    kind: str,
    source: str,
    description: str,
    *,
    is_debit: bool,
    themes: Mapping[str, str],
    costs: Mapping[str, CostTitle] | None = None,
) -> EntryWords:
    """How a posting reads, from the kind and the source of its entry.

    Sources look like ``round/C01-R01/1`` and ``contribution/2026``. What is not known here
    reads as its description, which holds codes and numbers only.

    Args:
        is_debit: whether the posting is a debit: a payment, or money that went back.
        themes: themes of the rounds, by code.
        costs: what shared costs were, by code.
    """
    head, _, rest = source.partition("/")
    reversed_ = kind.endswith(".reversed")
    if head in {"round", "deposit"}:
        code, _, version = rest.partition("/")
        key = "round_reversed" if reversed_ else "round_settled"
        if head == "deposit":
            key = "deposit_charged" if is_debit else "deposit_less"
        parameters: Parameters = (("round", code), ("version", version or "1"))
        return EntryWords(key, parameters, ("round", code, themes.get(code, "")))
    if head == "cost":
        code = rest.partition("/")[0]
        cost = (costs or {}).get(code, CostTitle(code, ""))
        key = "cost_settled" if is_debit is not cost.advance_is_debit else "cost_advanced"
        parameters = (("cost", code), ("description", cost.description), ("month", cost.month))
        return EntryWords(
            "cost_reversed" if reversed_ else key, parameters, ("cost", code, cost.description)
        )
    if head in {"repayment", "stock", "stock-deposit", "empties"}:
        return _unnamed(head, rest, is_debit=is_debit, is_reversal=reversed_)
    if head == "contribution":
        key = "contribution_reversed" if reversed_ else "contribution"
        return EntryWords(key, (("year", rest),), ("contribution", rest, ""))
    if head in {"bank", "bank_line", "payment"} or kind.startswith(("bank.", "payment.")):
        return EntryWords(
            _payment_key(kind, is_debit=is_debit), (("reference", rest),), ("payment", "", "")
        )
    return EntryWords("other", (("description", description),), ("other", kind, ""))


def _unnamed(head: str, rest: str, *, is_debit: bool, is_reversal: bool) -> EntryWords:
    """What needs no more than its kind: repayments, and sales from the stock."""
    if head == "stock":
        key = "stock_back" if is_reversal else "stock_sold"
        return EntryWords(key, (), ("other", "stock", ""))
    if head == "stock-deposit":
        key = "stock_deposit_back" if is_reversal else "stock_deposit"
        return EntryWords(key, (), ("other", "stock", ""))
    if head == "empties":
        key = "empties_undone" if is_reversal else "empties_returned"
        return EntryWords(key, (), ("other", "empties", ""))
    key = "repaid_to" if is_debit else "repaid_by"
    return EntryWords(key, (("reference", rest),), ("payment", "", ""))


def _payment_key(kind: str, *, is_debit: bool) -> str:
    if "storno" in kind or kind.endswith(".returned"):
        return "payment_returned"
    if "incasso" in kind or kind.endswith(".collected"):
        return "payment_collected"
    return "payment_out" if is_debit else "payment_in"


def build_sections(
    lines: Iterable[tuple[SectionKey, StatementLine]],
) -> tuple[StatementSection, ...]:
    """Group lines that follow each other and have the same key; the order stays."""
    sections: list[tuple[SectionKey, list[StatementLine]]] = []
    current: SectionKey | None = None
    for key, line in lines:
        if key != current:
            own: list[StatementLine] = []
            sections.append((key, own))
            current = key
        own.append(line)
    return tuple(
        StatementSection(kind, subject, title, tuple(own))
        for (kind, subject, title), own in sections
    )
