"""A statement as the letter shows it: words and figures ready to read, block after block."""

from __future__ import annotations

from typing import Any

from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.typesetting import Language
from wijkeconomie.money.amounts import NO_BREAK_SPACE, format_amount
from wijkeconomie.purchasing.explanations import explain_share
from wijkeconomie.reports.statement import (
    ShareDetail,
    Statement,
    StatementKind,
    StatementLine,
    StatementSection,
)
from wijkeconomie.reports.statement_tables import (
    Block,
    account_table,
    amounts,
    heading,
    invoice_blocks,
    member_share_blocks,
    paragraphs,
    product_blocks,
    round_table,
    row,
    table,
    vat_blocks,
    version_table,
)
from wijkeconomie.reports.statement_texts import (
    closing_sentence,
    detail_sum,
    last_day,
    line_text,
    payment_sentences,
    period_text,
    section_title,
    short_date,
    spaced_iban,
    title_of,
)
from wijkeconomie.reports.statement_words import TITLED_TEXTS, WORDS

HASH_GROUP = 16


def letter(statement: Statement, language: Language, *, large_print: bool) -> dict[str, Any]:
    """Everything the template shows, in the order in which it is read aloud."""
    words = WORDS[language]
    cooperative = statement.cooperative
    return {
        "words": {"page": words["page"], "of": words["of"]},
        "large": large_print,
        "wide": large_print and statement.kind is not StatementKind.MEMBER,
        "heading": title_of(statement, language),
        "cooperative": {"name": cooperative.name},
        "details": [
            f"{words['kvk']}{NO_BREAK_SPACE}{cooperative.kvk}",
            f"IBAN{NO_BREAK_SPACE}{spaced_iban(cooperative.iban)}",
        ],
        "address": list(statement.address),
        "facts": _facts(statement, language),
        "summary": _summary(statement, language),
        "payment": [words["pay"], payment_sentences(statement, language)]
        if statement.payment
        else None,
        "blocks": _BLOCKS[statement.kind](statement, language),
        "ledger": _ledger(statement, language),
        "foot": _foot(statement, language),
    }


def _foot(statement: Statement, language: Language) -> str:
    parts = [statement.cooperative.name, period_text(statement.period, language)]
    if statement.kind is not StatementKind.COOPERATIVE:
        parts.insert(1, statement.subject_code)
    return " · ".join(parts)


def _facts(statement: Statement, language: Language) -> list[list[str]]:
    words = WORDS[language]
    facts = [[words["period"], period_text(statement.period, language)]]
    if statement.kind is StatementKind.MEMBER:
        facts.append([words["member_number"], statement.subject_code])
        facts.append([words["member"], statement.subject_name])
    if (block := statement.round) is not None:
        facts.append([words["theme"], f"{block.code}, {block.theme}"])
        facts.append([words["supplier"], block.supplier_name])
        facts.append([words["delivered_on"], long_date(block.delivery_on, language)])
        facts.append([words["freight_key"], words[f"freight.{block.freight_key}"]])
        facts.append([words["version"], str(block.version)])
    return facts


def _summary(statement: Statement, language: Language) -> dict[str, Any]:
    words = WORDS[language]
    kind = statement.kind
    opening_day = long_date(statement.period.start, language)
    closing = statement.closing_cents
    if kind is StatementKind.MEMBER:
        closing = abs(closing)
    return {
        "rows": [
            [
                words[f"opening.{kind}"].format(day=opening_day),
                format_amount(statement.opening_cents, language),
            ],
            [words[f"debit.{kind}"], format_amount(statement.debit_cents, language)],
            [words[f"credit.{kind}"], format_amount(-statement.credit_cents, language)],
        ],
        "closing": [closing_sentence(statement, language), format_amount(closing, language)],
    }


def _ledger(statement: Statement, language: Language) -> list[str]:
    first, last = statement.first_entry, statement.last_entry
    if first is None or last is None:
        return []
    words = WORDS[language]
    lines = [
        words["ledger"].format(
            first=first.number, last=last.number, name=statement.cooperative.name
        )
    ]
    hash_ = words["ledger.hash"]
    return [
        *lines,
        *(
            hash_.format(number=mark.number, hash=_grouped(mark.hash))
            for mark in dict.fromkeys((first, last))
        ),
    ]


def _grouped(hash_: str) -> str:
    """A hash in groups, so that it may break over lines and an eye can follow it."""
    groups = (hash_[start : start + HASH_GROUP] for start in range(0, len(hash_), HASH_GROUP))
    return " ".join(groups)


def _member_blocks(statement: Statement, language: Language) -> list[Block]:
    words = WORDS[language]
    blocks = [heading(words["lines.member"]), *_line_table(statement, language)]
    if any(line.balance_cents < 0 for line in statement.lines):
        blocks.append(paragraphs(words["balance_note"]))
    blocks += vat_blocks(statement, language)
    blocks.append(paragraphs(words["question"]))
    return blocks


def _line_table(statement: Statement, language: Language) -> list[Block]:
    words = WORDS[language]
    if not statement.sections:
        return [paragraphs(words["no_lines"])]
    is_bank = statement.kind is StatementKind.COOPERATIVE
    amount = amounts(language)
    start = short_date(statement.period.start, language)
    end = short_date(last_day(statement.period), language)
    rows = [row(start, words["opening_row"], "", "", amount(statement.opening_cents))]
    for section in statement.sections:
        rows += _section_rows(section, statement.kind, language)
    rows.append(
        row(
            end,
            words["closing_row"],
            amount(statement.debit_cents),
            amount(statement.credit_cents),
            amount(statement.closing_cents),
            style="total",
        )
    )
    columns = (
        (words["date"], "left"),
        (words["description"], "wide"),
        (words["bank_debit" if is_bank else "debit"], "right"),
        (words["bank_credit" if is_bank else "credit"], "right"),
        (words["balance"], "right"),
    )
    return [table(columns, rows, stacks_first=True)]


def _section_rows(
    section: StatementSection, kind: StatementKind, language: Language
) -> list[Block]:
    rows: list[Block] = []
    title = section_title(section, language) if kind is StatementKind.MEMBER else ""
    for position, line in enumerate(section.lines):
        above = title if position == 0 else ""
        text = TITLED_TEXTS[language].get(line.text_key) if title else None
        rows.append(_line_row(line, kind, language, text=text) | {"title": above})
        # What is turned back was shown with its shares when it was charged.
        if line.debit_cents or not line.credit_cents:
            rows += [_share_row(detail, language) for detail in line.details]
    if title and len(section.lines) > 1:
        amount = amounts(language)
        subtotal = WORDS[language]["subtotal"]
        debit, credit = amount(section.debit_cents), amount(section.credit_cents)
        rows.append(row("", subtotal, debit, credit, "", style="subtotal"))
    return rows


def _line_row(
    line: StatementLine, kind: StatementKind, language: Language, *, text: str | None = None
) -> Block:
    amount = amounts(language)
    text = text or line_text(line, language, kind)
    if kind is not StatementKind.MEMBER:
        text = WORDS[language]["entry_of"].format(
            text=text, number=line.entry_number, source=line.source
        )
    return row(
        short_date(line.accounting_date, language),
        text,
        amount(line.debit_cents) if line.debit_cents else "",
        amount(line.credit_cents) if line.credit_cents else "",
        amount(line.balance_cents),
    )


def _share_row(detail: ShareDetail, language: Language) -> Block:
    why = explain_share(detail.explanation, language, unit=detail.unit)[0].text
    return {
        "style": "share",
        "name": detail.product_name,
        "amount": format_amount(detail.gross_cents, language),
        "sum": detail_sum(detail, language) if detail.gross_cents else "",
        "why": why,
    }


def _round_blocks(statement: Statement, language: Language) -> list[Block]:
    words = WORDS[language]
    blocks: list[Block] = []
    if (block := statement.round) is not None:
        blocks += invoice_blocks(block, language)
        blocks += member_share_blocks(block, language)
        blocks += product_blocks(block, language)
    blocks += vat_blocks(statement, language)
    blocks += [heading(words["versions"]), version_table(statement.rounds, language)]
    if block is not None and block.deposit_due_cents:
        blocks.append(paragraphs(words["versions_note"]))
    blocks += [heading(words["lines.round"]), *_line_table(statement, language)]
    return blocks


def _cooperative_blocks(statement: Statement, language: Language) -> list[Block]:
    words = WORDS[language]
    blocks = [heading(words["rounds"])]
    if statement.rounds:
        blocks.append(round_table(statement.rounds, language))
    else:
        blocks.append(paragraphs(words["no_rounds"]))
    blocks += vat_blocks(statement, language)
    blocks += [heading(words["accounts"]), account_table(statement.accounts, language)]
    blocks.append(paragraphs(words["accounts_note"]))
    blocks += [heading(words["lines.cooperative"]), *_line_table(statement, language)]
    return blocks


_BLOCKS = {
    StatementKind.MEMBER: _member_blocks,
    StatementKind.ROUND: _round_blocks,
    StatementKind.COOPERATIVE: _cooperative_blocks,
}
