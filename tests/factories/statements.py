"""Statements made up in memory: valid by default, of any length."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from wijkeconomie.money.periods import Period
from wijkeconomie.purchasing.rules import compute_settlement
from wijkeconomie.purchasing.settlement_inputs import PledgeInput, ProductInput, SettlementInput
from wijkeconomie.reports.shared_queries import build_sections, entry_words
from wijkeconomie.reports.statement import (
    AccountTotals,
    CooperativeBlock,
    InvoiceBlock,
    LedgerMark,
    MemberShare,
    PaymentNote,
    ProductTotal,
    RoundBlock,
    SettledRound,
    ShareDetail,
    Statement,
    StatementKind,
    StatementLine,
    vat_totals,
)

JANUARY = Period(date(2026, 1, 1), date(2026, 2, 1))
COOPERATIVE = CooperativeBlock(
    "C01", "Coöperatie Lombok U.A.", "99621890", "NL55RABO0607442650", "regulier"
)
THEMES = {"C01-R01": "groente", "C01-R02": "olijfolie", "C01-R03": "brood"}
Posted = tuple[date, str, str, int, tuple[ShareDetail, ...]]


def some_shares(pledged: int = 8, *, arrived: int = 175) -> tuple[ShareDetail, ...]:
    """Three shares of one member in a round of vegetables, soap and a book, with freight."""
    products = (
        ProductInput(1, 112, 900, arrived),
        ProductInput(2, 215, 2100, 40),
        ProductInput(3, 1500, None, 3),
    )
    pledges = (
        PledgeInput(1, 1, 1, pledged),
        PledgeInput(2, 1, 2, 2),
        PledgeInput(3, 1, 3, 1),
        PledgeInput(4, 2, 1, 223),
        PledgeInput(5, 2, 2, 38),
        PledgeInput(6, 2, 3, 2),
    )
    result = compute_settlement(
        SettlementInput(products=products, pledges=pledges, freight_excl_cents=1500)
    )
    names = {
        1: ("GR-AARD", "Aardappelen Bildtstar", "kg", 900),
        2: ("ZP-GROEN", "Groene zeep", "fles", 2100),
        3: ("BK-WIJK", "Boek van de wijk", "st", None),
    }
    return tuple(
        ShareDetail(
            *names[share.product][:3],
            pledges[number].quantity,
            share.delivered,
            names[share.product][3],
            share.net_cents,
            share.freight_cents,
            share.vat_cents,
            share.gross_cents,
            share.explanation,
        )
        for number, share in enumerate(result.shares)
        if share.member == 1
    )


def gross_of(shares: tuple[ShareDetail, ...]) -> int:
    return sum(share.gross_cents for share in shares)


def turned_back(shares: tuple[ShareDetail, ...]) -> tuple[ShareDetail, ...]:
    return tuple(
        replace(
            share,
            delivered=-share.delivered,
            net_cents=-share.net_cents,
            freight_cents=-share.freight_cents,
            vat_cents=-share.vat_cents,
            gross_cents=-share.gross_cents,
        )
        for share in shares
    )


def a_usual_month() -> list[Posted]:
    """Contribution, its collection and return, a round, its correction, and a payment."""
    first = some_shares()
    second = some_shares(arrived=240)
    return [
        (date(2026, 1, 2), "contribution.charged", "contribution/2026", 1250, ()),
        (date(2026, 1, 9), "bank.incasso", "bank/B001", -1250, ()),
        (date(2026, 1, 12), "bank.storno", "bank/B002", 1250, ()),
        (date(2026, 1, 16), "round.settled", "round/C01-R01/1", gross_of(first), first),
        (date(2026, 1, 17), "bank.transfer", "bank/B003", -gross_of(first), ()),
        (
            date(2026, 1, 20),
            "round.settled.reversed",
            "round/C01-R01/1",
            -gross_of(first),
            turned_back(first),
        ),
        (date(2026, 1, 20), "round.settled", "round/C01-R01/2", gross_of(second), second),
    ]


def a_member_statement(
    posted: list[Posted] | None = None,
    *,
    opening: int = 0,
    name: str = "Fatima van der Y\u0131lmaz",
    mandate_id: str | None = "C01-00002",
) -> Statement:
    """A statement of member L00002 over January, of the postings given."""
    posted = a_usual_month() if posted is None else posted
    balance = opening
    lines = []
    for number, (on, kind, source, amount, details) in enumerate(posted, start=14):
        words = entry_words(kind, source, "", is_debit=amount > 0, themes=THEMES)
        balance += amount
        account = "contribution_receivable" if "contribution" in kind else "member_account"
        line = StatementLine(
            on,
            number,
            kind,
            source,
            account,
            words.text_key,
            words.parameters,
            max(amount, 0),
            max(-amount, 0),
            balance,
            details,
        )
        lines.append((words.section_key, line))
    collect = max(min(1250, balance), 0) if mandate_id else 0
    return Statement(
        kind=StatementKind.MEMBER,
        cooperative=COOPERATIVE,
        subject_code="L00002",
        subject_name=name,
        address=(name, "Damstraat 107A", "3531NH Utrecht"),
        period=JANUARY,
        opening_cents=opening,
        debit_cents=sum(line.debit_cents for _, line in lines),
        credit_cents=sum(line.credit_cents for _, line in lines),
        closing_cents=balance,
        sections=build_sections(lines),
        vat_totals=vat_totals(detail for _, line in lines for detail in line.details),
        first_entry=LedgerMark(14, "0123456789abcdef" * 4) if lines else None,
        last_entry=LedgerMark(13 + len(lines), "fedcba9876543210" * 4) if lines else None,
        payment=PaymentNote(
            max(balance, 0) - collect, collect, max(-balance, 0), mandate_id, "L00002"
        ),
    )


def many_postings(count: int) -> list[Posted]:
    """Charges and payments that alternate over January."""
    return [
        (
            date(2026, 1, 1) + timedelta(days=number * 31 // count),
            "round.settled" if number % 2 else "bank.transfer",
            f"round/C01-R{number % 90:02d}/1" if number % 2 else f"bank/B{number}",
            (number * 37 % 9000 + 1) * (1 if number % 2 else -1),
            (),
        )
        for number in range(count)
    ]


def a_round_statement(members: int = 12) -> Statement:
    """A round of two products that was settled once, on 16 January."""
    shares = tuple(
        MemberShare(
            f"L{number:05d}", f"Lid {number} van Straten", 1000 + number, 50, 95, 1145 + number
        )
        for number in range(1, members + 1)
    )
    gross = sum(share.gross_cents for share in shares)
    detail = ShareDetail(
        "GR-AARD", "", "kg", 1, 1, 900, gross - members * 95, 0, members * 95, gross, {}
    )
    base = a_member_statement(
        [(date(2026, 1, 16), "round.settled", "round/C01-R01/1", gross, ())], mandate_id=None
    )
    block = RoundBlock(
        code="C01-R01",
        theme="groente",
        supplier_code="S01",
        supplier_name="Groothandel De Aardappel B.V.",
        delivery_on=date(2026, 1, 14),
        freight_excl_cents=1500,
        freight_key="value",
        version=1,
        supplier_gross_cents=gross + 109,
        members_gross_cents=gross,
        cooperative_gross_cents=109,
        invoice=InvoiceBlock("F-2026-118", date(2026, 1, 16), gross - 900, 1009, gross + 109, None),
        members=shares,
        products=(
            ProductTotal(
                "GR-AARD", "Aardappelen Bildtstar", "kg", 112, 900, 231, 180, 4, 175, 9000
            ),
            ProductTotal("GR-WORT", "Winterpeen", "kg", 98, 900, 44, 45, 0, 44, 4312),
        ),
    )
    return replace(
        base,
        kind=StatementKind.ROUND,
        subject_code="C01-R01",
        subject_name="groente",
        address=(),
        payment=None,
        vat_totals=vat_totals([detail]),
        rounds=(a_settled_round(gross),),
        round=block,
    )


def a_settled_round(gross: int, code: str = "C01-R01") -> SettledRound:
    return SettledRound(
        code=code,
        theme=THEMES.get(code, "groente"),
        supplier_name="Groothandel De Aardappel B.V.",
        version=1,
        is_reversal=False,
        accounting_date=date(2026, 1, 16),
        entry_number=14,
        supplier_gross_cents=gross + 109,
        members_gross_cents=gross,
        cooperative_gross_cents=109,
        reason=None,
    )


def a_cooperative_statement(bank_lines: int = 9) -> Statement:
    """Three settled rounds, collected contributions, and all accounts."""
    posted: list[Posted] = [
        (date(2026, 1, 3 + number % 27), "bank.incasso", f"bank/B{number:03d}", 1250, ())
        for number in range(bank_lines)
    ]
    posted.sort(key=lambda line: line[0])
    base = a_member_statement(posted, opening=250_000, mandate_id=None)
    moved = bank_lines * 1250
    gross = 48_213
    detail = ShareDetail("GR", "", "kg", 1, 1, 900, 3 * gross - 11_943, 0, 11_943, 3 * gross, {})
    accounts = [
        ("05253", "BEivOvrOrs", "Overige reserves", "equity", -250_000, 0, 0),
        ("10201", "BLimBanRba", "Bankrekening", "asset", 250_000, moved, 0),
        ("13701:L00001", "BVorVlcLi1", "Te ontvangen contributie van leden", "asset", 0, 0, moved),
        ("13830:L00001", "BVorOvrLek", "Ledenrekeningen", "asset", 0, 2 * gross, 0),
        ("13830:L00002", "BVorOvrLek", "Ledenrekeningen", "asset", 0, gross, 0),
        ("16203", "BSchBepBlv", "Te betalen btw, laag tarief", "liability", 0, 0, 11_943),
        ("80305", "WOmzNohOlv", "Omzet, laag btw-tarief", "income", 0, 0, 3 * gross - 11_943),
    ]
    return replace(
        base,
        kind=StatementKind.COOPERATIVE,
        subject_code="C01",
        subject_name=COOPERATIVE.name,
        address=(),
        payment=None,
        vat_totals=vat_totals([detail]),
        rounds=tuple(a_settled_round(gross, code) for code in THEMES),
        accounts=tuple(
            AccountTotals(
                code, rgs, name, name, kind, opening, debit, credit, opening + debit - credit
            )
            for code, rgs, name, kind, opening, debit, credit in accounts
        ),
    )
