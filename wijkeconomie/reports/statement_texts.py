"""Sentences about a statement, for its letter, its CSV file and its page."""

from __future__ import annotations

from datetime import date, timedelta

from babel.dates import format_date

from wijkeconomie.core.long_dates import long_date
from wijkeconomie.core.typesetting import Language
from wijkeconomie.money.amounts import NO_BREAK_SPACE, format_amount
from wijkeconomie.money.periods import Period
from wijkeconomie.reports.statement import (
    AccountTotals,
    ShareDetail,
    Statement,
    StatementKind,
    StatementLine,
    StatementSection,
)
from wijkeconomie.reports.statement_words import LINE_TEXTS, MEMBER_TEXTS, WORDS


def title_of(statement: Statement, language: Language) -> str:
    """The title of a statement, as on its first page."""
    kind = "rehearsal" if statement.is_rehearsal else statement.kind
    return WORDS[language][f"title.{kind}"].format(code=statement.subject_code)


def line_text(line: StatementLine, language: Language, kind: StatementKind) -> str:
    """What a line is, in words."""
    own = MEMBER_TEXTS[language] if kind is StatementKind.MEMBER else {}
    template = own.get(line.text_key) or LINE_TEXTS[language][line.text_key]
    values = dict(line.parameters)
    # An explanation is a parameter in each language.
    return template.format(**values, why=values.get(f"why_{language}", ""))


def section_title(section: StatementSection, language: Language) -> str:
    """What a group of lines is called: ``Ronde C01-R01, groente``."""
    if section.kind != "round":
        return ""
    name = f"{WORDS[language]['round']} {section.subject}"
    return f"{name}, {section.title}" if section.title else name


def short_date(day: date, language: Language) -> str:
    """``9 jan 2026``, on one line."""
    return format_date(day, "d MMM y", locale=language).replace(" ", NO_BREAK_SPACE)


def last_day(period: Period) -> date:
    """The last day of a period; people count it in."""
    return period.end - timedelta(days=1)


def period_text(period: Period, language: Language) -> str:
    """``1 januari 2026 tot en met 31 januari 2026``."""
    return WORDS[language]["period_text"].format(
        first=long_date(period.start, language), last=long_date(last_day(period), language)
    )


def rate_text(basis_points: int, language: Language) -> str:
    """``9 %`` or ``9,5 %``."""
    whole, part = divmod(basis_points, 100)
    decimals = f"{part:02d}".rstrip("0")
    separator = "," if language == "nl" else "."
    return f"{whole}{separator + decimals if decimals else ''}{NO_BREAK_SPACE}%"


def rate_name(basis_points: int | None, language: Language) -> str:
    """``Btw 9 %``, or that no VAT is due by exemption."""
    words = WORDS[language]
    if basis_points is None:
        return words["exempt"]
    return words["rate"].format(rate=rate_text(basis_points, language))


def detail_sum(detail: ShareDetail, language: Language) -> str:
    """How a share adds up: ``€ 8,96 goederen + € 0,43 vracht + € 0,85 btw (9 %)``."""
    words = WORDS[language]
    parts = [words["detail.goods"].format(net=format_amount(detail.net_cents, language))]
    if detail.freight_cents:
        freight = format_amount(detail.freight_cents, language)
        parts.append(words["detail.freight"].format(freight=freight))
    if detail.vat_basis_points is None and not detail.vat_cents:
        return " + ".join(parts) + f", {words['detail.exempt']}"
    rate = rate_text(detail.vat_basis_points or 0, language)
    vat = format_amount(detail.vat_cents, language)
    return " + ".join([*parts, words["detail.vat"].format(vat=vat, rate=rate)])


def closing_sentence(statement: Statement, language: Language) -> str:
    """What the closing balance means, in words; the amount stands beside it."""
    words = WORDS[language]
    if statement.kind is not StatementKind.MEMBER:
        day = long_date(last_day(statement.period), language)
        return words[f"closing.{statement.kind}"].format(day=day)
    if statement.closing_cents > 0:
        return words["closing.owes"]
    return words["closing.credit" if statement.closing_cents < 0 else "closing.even"]


def payment_sentences(statement: Statement, language: Language) -> list[str]:
    """How to pay, what will be collected, or what is in hand; empty where nobody pays."""
    note = statement.payment
    if note is None:
        return []
    words = WORDS[language]
    found = []
    if note.collect_cents:
        amount = format_amount(note.collect_cents, language)
        found.append(words["pay.collect"].format(amount=amount, mandate=note.mandate_id))
    if note.pay_cents:
        found.append(
            words["pay.transfer"].format(
                amount=format_amount(note.pay_cents, language),
                iban=spaced_iban(statement.cooperative.iban),
                name=statement.cooperative.name,
                reference=note.reference,
            )
        )
    if note.credit_cents:
        amount = format_amount(note.credit_cents, language)
        found.append(words["pay.credit"].format(amount=amount))
    return found or [words["pay.even"]]


def account_name(account: AccountTotals, language: Language) -> str:
    """The name of an account in the chart."""
    return account.name_nl if language == "nl" else account.name_en


def spaced_iban(iban: str) -> str:
    """An IBAN in groups of four, as people read it out."""
    plain = iban.replace(" ", "")
    return NO_BREAK_SPACE.join(plain[start : start + 4] for start in range(0, len(plain), 4))
