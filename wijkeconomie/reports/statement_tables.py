"""The tables of a statement: what stands in their rows and columns, ready to read.

A block is a mapping with ``type``: ``heading``, ``paragraphs`` or ``table``; a table's rows
have a ``style``. How they look is the template's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.typesetting import Language
from wijkeconomie.money.amounts import NO_BREAK_SPACE, format_amount
from wijkeconomie.purchasing.unit_words import billed_unit
from wijkeconomie.reports.statement import (
    AccountTotals,
    ProductTotal,
    RoundBlock,
    SettledRound,
    Statement,
)
from wijkeconomie.reports.statement_texts import (
    account_name,
    rate_name,
    rate_text,
    short_date,
)
from wijkeconomie.reports.statement_words import WORDS

Block = dict[str, Any]


def heading(text: str) -> Block:
    """The title of what follows."""
    return {"type": "heading", "text": text}


def paragraphs(*items: str) -> Block:
    """Sentences."""
    return {"type": "paragraphs", "items": list(items)}


def table(
    columns: Sequence[tuple[str, str]], rows: Sequence[Block], *, stacks_first: bool = False
) -> Block:
    """A table; ``columns`` are labels with ``left``, ``wide`` (the rest of the room) or ``right``.

    ``stacks_first`` lets large print set the first column above the second.
    """
    return {
        "type": "table",
        "columns": [{"label": label, "align": align} for label, align in columns],
        "rows": list(rows),
        "stacks_first": stacks_first,
    }


def row(*cells: str, style: str = "line") -> Block:
    """One row of a table; ``style`` is ``line``, ``subtotal``, ``total`` or ``aside``."""
    return {"style": style, "title": "", "cells": list(cells)}


def vat_blocks(statement: Statement, language: Language) -> list[Block]:
    """Base, VAT and sum per rate, with a total; nothing where there was no VAT."""
    if not statement.vat_totals:
        return []
    words = WORDS[language]
    amount = amounts(language)
    rows = [
        row(
            rate_name(total.vat_basis_points, language),
            amount(total.base_cents),
            amount(total.vat_cents),
            amount(total.base_cents + total.vat_cents),
        )
        for total in statement.vat_totals
    ]
    base = sum(total.base_cents for total in statement.vat_totals)
    vat = sum(total.vat_cents for total in statement.vat_totals)
    rows.append(row(words["total"], amount(base), amount(vat), amount(base + vat), style="total"))
    columns = (
        (words["vat_rate"], "wide"),
        (words["vat_base"], "right"),
        (words["vat_amount"], "right"),
        (words["vat_gross"], "right"),
    )
    blocks = [heading(words["vat"]), table(columns, rows)]
    if statement.cooperative.vat_regime == "kor":
        blocks.append(paragraphs(words["kor"].format(name=statement.cooperative.name)))
    return blocks


def invoice_blocks(block: RoundBlock, language: Language) -> list[Block]:
    """The supplier's invoice with its deposits, split over who pays it; the difference is 0."""
    words = WORDS[language]
    amount = amounts(language)
    rows = []
    label = words["no_invoice"]
    if (invoice := block.invoice) is not None:
        day = long_date(invoice.invoiced_on, language)
        label = words["invoice"].format(code=invoice.code, day=day)
        rows.append(row(words["invoice_net"], amount(invoice.net_cents)))
        rows.append(row(words["freight_excl"], amount(block.freight_excl_cents), style="aside"))
        rows.append(row(words["invoice_vat"], amount(invoice.vat_cents)))
    rows.append(row(label, amount(block.supplier_gross_cents), style="total"))
    if block.deposit_due_cents or block.deposit_members_cents:
        rows.append(row(words["deposits"], amount(block.deposit_due_cents)))
        together = amount(block.supplier_payable_cents)
        rows.append(row(words["with_deposits"], together, style="total"))
    rows.append(row(words["members_bear"], amount(-block.members_payable_cents)))
    rows.append(row(words["cooperative_bears"], amount(-block.cooperative_payable_cents)))
    difference = (
        block.supplier_payable_cents - block.members_payable_cents - block.cooperative_payable_cents
    )
    rows.append(row(words["difference"], amount(difference), style="total"))
    columns = ((words["description"], "wide"), (words["vat_gross"], "right"))
    return [heading(words["invoice_check"]), table(columns, rows)]


def member_share_blocks(block: RoundBlock, language: Language) -> list[Block]:
    """What each member pays of a round."""
    words = WORDS[language]
    amount = amounts(language)
    parts = ["net_cents", "freight_cents", "vat_cents", "deposit_cents", "payable_cents"]
    labels = ["goods", "freight", "vat_short", "deposit", "gross"]
    if not block.deposit_members_cents:
        parts.remove("deposit_cents")
        labels.remove("deposit")
    rows = [
        row(member.code, member.name, *(amount(getattr(member, part)) for part in parts))
        for member in block.members
    ]
    sums = [sum(getattr(member, part) for member in block.members) for part in parts]
    rows.append(row("", words["total"], *(amount(cents) for cents in sums), style="total"))
    columns = ((words["member"], "left"), (words["name"], "wide"))
    figures = tuple((words[label], "right") for label in labels)
    return [heading(words["members"]), table((*columns, *figures), rows)]


def _price(product: ProductTotal, language: Language) -> str:
    price = format_amount(product.price_excl_cents, language)
    if product.price_units == 1:
        return price
    return f"{price} per {billed_unit(product.unit, product.price_units)}"


def product_blocks(block: RoundBlock, language: Language) -> list[Block]:
    """What was ordered, what came and what the members got, by product."""
    words = WORDS[language]
    amount = amounts(language)
    rows = [
        row(
            f"{product.name} ({product.code})",
            _price(product, language),
            words["exempt"]
            if product.vat_basis_points is None
            else rate_text(product.vat_basis_points, language),
            f"{product.pledged}{NO_BREAK_SPACE}{product.unit}",
            str(product.arrived),
            str(product.damaged),
            str(product.shared),
            amount(product.net_cents),
        )
        for product in block.products
    ]
    total = amount(sum(product.net_cents for product in block.products))
    rows.append(row(words["total"], *("" for _ in range(6)), total, style="total"))
    columns = (
        (words["product"], "wide"),
        (words["price"], "right"),
        (words["vat_short"], "right"),
        (words["pledged"], "right"),
        (words["arrived"], "right"),
        (words["damaged"], "right"),
        (words["shared"], "right"),
        (words["goods"], "right"),
    )
    return [heading(words["products"]), table(columns, rows)]


def version_table(rounds: Sequence[SettledRound], language: Language) -> Block:
    """The settlements of one round, corrections included."""
    words = WORDS[language]
    rows = []
    for settled in rounds:
        key = "version_reversed" if settled.is_reversal else "version_row"
        name = words[key].format(version=settled.version)
        if settled.reason and not settled.is_reversal:
            name = f"{name}: {settled.reason}"
        rows.append(row(name, *_settled_cells(settled, language)))
    return table(((words["version"], "wide"), *_settled_columns(language)), rows)


def _settled_columns(language: Language) -> tuple[tuple[str, str], ...]:
    words = WORDS[language]
    return (
        (words["date"], "left"),
        (words["entry"], "right"),
        (words["supplier_gross"], "right"),
        (words["members_gross"], "right"),
        (words["cooperative_gross"], "right"),
    )


def _settled_cells(settled: SettledRound, language: Language) -> tuple[str, ...]:
    amount = amounts(language)
    return (
        short_date(settled.accounting_date, language),
        "" if settled.entry_number is None else str(settled.entry_number),
        amount(settled.supplier_gross_cents),
        amount(settled.members_gross_cents),
        amount(settled.cooperative_gross_cents),
    )


def round_table(rounds: Sequence[SettledRound], language: Language) -> Block:
    """The rounds that were settled or turned back in a period."""
    words = WORDS[language]
    amount = amounts(language)
    rows = []
    for settled in rounds:
        name = f"{settled.code}, {settled.theme}"
        if settled.is_reversal or settled.version > 1:
            key = "version_reversed" if settled.is_reversal else "version_row"
            name = f"{name} ({words[key].format(version=settled.version).lower()})"
        rows.append(row(name, *_settled_cells(settled, language)))
    sums = (
        sum(settled.supplier_gross_cents for settled in rounds),
        sum(settled.members_gross_cents for settled in rounds),
        sum(settled.cooperative_gross_cents for settled in rounds),
    )
    rows.append(row(words["total"], "", "", *(amount(cents) for cents in sums), style="total"))
    return table(((words["round"], "wide"), *_settled_columns(language)), rows)


def account_table(accounts: Sequence[AccountTotals], language: Language) -> Block:
    """Every control account as in the trial balance; parts of one are taken together."""
    words = WORDS[language]
    amount = amounts(language)
    groups: dict[str, list[AccountTotals]] = {}
    for account in accounts:
        groups.setdefault(account.code.partition(":")[0], []).append(account)
    rows = []
    for number, own in groups.items():
        name = account_name(own[0], language)
        if len(own) > 1:
            name = words["parties"].format(name=name, count=len(own))
        sums = _account_sums(own)
        rows.append(row(number, name, own[0].rgs_code, *(amount(cents) for cents in sums)))
    totals = (amount(cents) for cents in _account_sums(accounts))
    rows.append(row("", words["total"], "", *totals, style="total"))
    columns = (
        (words["account"], "left"),
        (words["account_name"], "wide"),
        (words["rgs"], "left"),
        (words["opening"], "right"),
        (words["debit_total"], "right"),
        (words["credit_total"], "right"),
        (words["closing"], "right"),
    )
    return table(columns, rows)


def _account_sums(accounts: Sequence[AccountTotals]) -> tuple[int, int, int, int]:
    return (
        sum(account.opening_cents for account in accounts),
        sum(account.debit_cents for account in accounts),
        sum(account.credit_cents for account in accounts),
        sum(account.closing_cents for account in accounts),
    )


def amounts(language: Language) -> Callable[[int], str]:
    """How an amount reads in a language, as a function."""
    return lambda cents: format_amount(cents, language)
