"""The worked entries of docs/chart-of-accounts.md, each posted by its use case."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.factories.shared_costs import House
from wijkeconomie.cooperatives.contributions import charge_contributions
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.correcting import CorrectCost, correct_cost
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy
from wijkeconomie.costs.models import SubsidyMode
from wijkeconomie.costs.settling import settle_month
from wijkeconomie.costs.small_groups import BookGroup, GroupBill, GroupRepayment, book_group
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.payments.service import RecordBankLine, match_bank_lines, record_bank_line
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round
from wijkeconomie.purchasing.receiving import ReceiveLine

PAGE = Path(__file__).parents[2] / "docs" / "chart-of-accounts.md"
EVENT = re.compile(
    r"### (?P<title>[^\n]+): `(?P<kind>[a-z.]+)`\n(?P<body>.*?)(?=\n##|\Z)", re.DOTALL
)
LINE = re.compile(
    r"\| (?P<code>\d{5}\S*) (?P<name>[^|]+) \| (?P<debit>[^|]*)\| (?P<credit>[^|]*)\|"
)

NAMES = {line.number: line.name_en for line in load_chart()}


def _cents(cell: str) -> int:
    return int(cell.strip().replace(".", "") or 0)


def documented() -> dict[str, tuple[str, list[tuple[str, int]]]]:
    """By title: the kind of the entry and its lines, a debit positive."""
    return {
        event["title"]: (
            event["kind"],
            [
                (line["code"], _cents(line["debit"]) - _cents(line["credit"]))
                for line in LINE.finditer(event["body"])
            ],
        )
        for event in EVENT.finditer(PAGE.read_text(encoding="utf-8"))
    }


@pytest.fixture
def market(units_of_work: UnitOfWorkFactory, clock: Clock) -> Market:
    return a_market(units_of_work, clock)


def _charge(market: Market) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            text("update member set left_on = :day where cooperative_id = :id and code = 'L003'"),
            {"id": uow.tenant, "day": date(2025, 12, 31)},
        )
        uow.session.execute(
            text("update cooperative set contribution_year_cents = 1250 where id = :id"),
            {"id": uow.tenant},
        )
        charge_contributions(uow, 2026)


def _bank_line(market: Market, kind: str, cents: int) -> None:
    with market.books.open() as uow:
        record_bank_line(
            uow,
            RecordBankLine(
                code=f"BE-{kind}",
                account_iban="NL91ABNA0417164300",
                booked_on=date(2026, 2, 2),
                amount_cents=cents,
                kind=kind,
                end_to_end_id="CONTR26-L001",
            ),
        )
        match_bank_lines(uow)


def _collected(market: Market) -> None:
    _charge(market)
    _bank_line(market, "incasso", 1250)


def _returned(market: Market) -> None:
    _collected(market)
    _bank_line(market, "storno", -1250)


def _settled(market: Market) -> None:
    market.settled_round()


def _small_businesses(market: Market) -> None:
    with market.books.open() as uow:
        uow.session.execute(
            text("update cooperative set vat_regime = 'kor' where id = :id"), {"id": uow.tenant}
        )
    market.settled_round()


def _surplus(market: Market) -> None:
    market.settled_round(AARD=14)


def _dearer(market: Market) -> None:
    round_id = market.open_round(freight=501)
    for member, count in (("L001", 3), ("L002", 5), ("L003", 4)):
        market.pledge(round_id, member, AARD=count, ZEEP=1)
    market.order(round_id)
    market.receive(round_id)
    market.invoice(round_id, more_net=100)
    market.settle(round_id, accepted=100)


def _corrected(market: Market) -> None:
    round_id = market.settled_round()
    with market.books.open() as uow:
        product = uow.session.scalars(
            text(
                "select rp.id from round_product rp join product p"
                " on p.cooperative_id = rp.cooperative_id and p.id = rp.product_id"
                " where rp.cooperative_id = :id and rp.round_id = :round and p.code = 'AARD'"
            ),
            {"id": uow.tenant, "round": round_id},
        ).one()
        correct_round(
            uow,
            CorrectRound(
                round_id=round_id,
                reason="een zak te weinig",
                lines=(
                    ReceiveLine(
                        round_id=round_id, round_product_id=product, delivered=11, reason="geteld"
                    ),
                ),
                accepted_difference_cents=129,
            ),
        )


def _cost(market: Market, net: int, vat: int) -> None:
    house = House(market.books, market.members)
    house.key()
    with market.books.open() as uow:
        uow.session.execute(
            text(
                "update member set income_band = case code when 'L003' then 'regulier'"
                " else 'laag' end where cooperative_id = :id"
            ),
            {"id": uow.tenant},
        )
    house.cost("K1", net, vat=vat)


def _cost_settled(market: Market) -> None:
    _cost(market, 1000, 210)
    with market.books.open() as uow:
        save_subsidy(
            uow,
            SaveSubsidy(
                code="G1",
                grantor="Gemeente",
                purpose="energie",
                mode=SubsidyMode.TARGETED_POOL,
                awarded_cents=400,
                valid_from=date(2026, 1, 1),
                valid_until=date(2026, 12, 31),
                key_code="equal",
            ),
        )
        settle_month(uow, date(2026, 1, 1))


def _cost_corrected(market: Market) -> None:
    _cost(market, 1000, 0)
    with market.books.open() as uow:
        settle_month(uow, date(2026, 1, 1))
    with market.books.open() as uow:
        correct_cost(uow, CorrectCost(cost_code="K1", reason="typfout", net_cents=1100))


def _group(market: Market, *, repaid: bool) -> None:
    bill = GroupBill(
        code="G-1",
        description="verf",
        paid_on=date(2026, 1, 3),
        paid_by="L001",
        cents=1000,
        weights=(("L001", "1"), ("L002", "2")),
    )
    repayment = GroupRepayment(
        code="G-R1",
        description="terug",
        paid_on=date(2026, 1, 4),
        paid_by="L002",
        paid_to="L001",
        cents=500,
    )
    with market.books.open() as uow:
        book_group(uow, BookGroup(bills=[bill], repayments=[repayment] if repaid else []))


EVENTS: dict[str, Callable[[Market], None]] = {
    "A contribution is charged": _charge,
    "The bank collects it": _collected,
    "The bank returns it": _returned,
    "A round is settled, everything came": _settled,
    "A round is settled under the small businesses scheme": _small_businesses,
    "A round is settled with a surplus for the stock": _surplus,
    "A round is settled at an invoice that is higher than agreed": _dearer,
    "A settled round is corrected": _corrected,
    "A shared cost is settled, with a subsidy": _cost_settled,
    "A settled cost is corrected": _cost_corrected,
    "A member paid a cost for a small group": lambda market: _group(market, repaid=False),
    "One member paid another back": lambda market: _group(market, repaid=True),
}


@pytest.mark.parametrize("title", EVENTS)
def test_the_books_hold_the_documented_entry(market: Market, title: str) -> None:
    kind, lines = documented()[title]

    EVENTS[title](market)

    with market.books.open() as uow:
        numbers = range(1, ledger.last_number(uow.session, uow.tenant) + 1)
        entries = [ledger.entry(uow.session, uow.tenant, number) for number in numbers]
    [posted] = [entry for entry in entries if entry.kind == kind][-1:]
    assert sorted((line.account_code, line.amount) for line in posted.postings) == sorted(lines)
    assert sum(amount for _, amount in lines) == 0


def test_every_documented_event_is_posted_and_every_kind_is_documented() -> None:
    package = PAGE.parents[1] / "wijkeconomie"
    kinds: set[str] = set()
    for module in package.rglob("*.py"):
        source = module.read_text(encoding="utf-8")
        for argument in re.findall(r"\bkind=(.+?),\n", source):
            kinds |= set(re.findall(r'"([a-z]+\.[a-z]+)"', argument))

    assert set(documented()) == set(EVENTS)
    assert kinds <= {kind for kind, _ in documented().values()}


def test_documented_accounts_are_those_of_the_chart() -> None:
    for line in LINE.finditer(PAGE.read_text(encoding="utf-8")):
        assert NAMES[line["code"].partition(":")[0]] == line["name"]
