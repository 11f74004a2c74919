"""The worked entries of docs/chart-of-accounts.md, each posted by its use case."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.care import CareHome
from tests.factories.grants import Carers
from tests.factories.investments import Roof, open_roof
from tests.factories.rounds import Market, a_market
from tests.factories.shared_costs import House
from tests.factories.vouchers import IBAN, Neighbourhood
from wijkeconomie.app import COST_SHARING
from wijkeconomie.budgets.correcting import CorrectHours, correct_hours
from wijkeconomie.budgets.declaring import approve, turn_back
from wijkeconomie.budgets.holding import MoveCareMoney, pay_carer, receive_care_money
from wijkeconomie.budgets.lists import make_list
from wijkeconomie.budgets.models import Payer
from wijkeconomie.cooperatives.contributions import charge_contributions
from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.correcting import CorrectCost, correct_cost
from wijkeconomie.costs.funding import (
    MoveSubsidy,
    account_for_subsidy,
    receive_subsidy,
    repay_subsidy,
    spend_subsidy,
)
from wijkeconomie.costs.keeping import SaveSubsidy, save_subsidy
from wijkeconomie.costs.models import SubsidyMode
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import settle_month
from wijkeconomie.costs.small_groups import BookGroup, GroupBill, GroupRepayment, book_group
from wijkeconomie.investments.building import share_cost_of_asset
from wijkeconomie.investments.depreciating import depreciate
from wijkeconomie.investments.leaving import PayMember, pay_member, release_units
from wijkeconomie.investments.models import Instrument
from wijkeconomie.investments.transferring import (
    OfferUnits,
    accept_units,
    approve_units,
    offer_units,
)
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.payments.models import PayeeKind
from wijkeconomie.payments.ordering import MakeRun, make_run, settle_run
from wijkeconomie.payments.returning import take_back
from wijkeconomie.payments.service import RecordBankLine, match_bank_lines, record_bank_line
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.correcting import CorrectRound, correct_round, preview_correction
from wijkeconomie.purchasing.deposit_returning import (
    SendEmpties,
    TakeEmpties,
    send_empties,
    take_empties,
)
from wijkeconomie.purchasing.receiving import ReceiveLine
from wijkeconomie.purchasing.stock_counting import CountStock, count_stock
from wijkeconomie.purchasing.stock_queries import stock_of
from wijkeconomie.purchasing.stock_selling import (
    SellStock,
    TakeSaleBack,
    sell_stock,
    take_sale_back,
)
from wijkeconomie.purchasing.suppliers import SaveProduct, save_product
from wijkeconomie.purchasing.uncharged import (
    AskUncharged,
    DecideUncharged,
    ask_uncharged,
    decide_uncharged,
)
from wijkeconomie.vouchers import transferring
from wijkeconomie.vouchers.grant_models import GrantPayout
from wijkeconomie.vouchers.paying_out import MoveCover, PayOut, move_cover, pay_out
from wijkeconomie.vouchers.refunding import Refund, refund

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


def _potatoes(market: Market) -> int:
    with market.books.open() as uow:
        return stock_of(uow.session, uow.tenant, "AARD").product_id


def _stock_sold(market: Market, units: int, *, is_back: bool = False) -> int:
    round_id = market.settled_round(AARD=14)
    product_id = _potatoes(market)
    with market.books.open() as uow:
        sale = SellStock(product_id=product_id, member_id=market.members["L001"], units=units)
        number = sell_stock(uow, sale)
    if is_back:
        with market.books.open() as uow:
            back = TakeSaleBack(product_id=product_id, number=number, reason="verkeerd lid")
            take_sale_back(uow, back)
    return round_id


def _stock_counted(market: Market, counted: int) -> None:
    market.settled_round(AARD=14)
    product_id = _potatoes(market)
    with market.books.open() as uow:
        count_stock(uow, CountStock(product_id=product_id, counted=counted, reason="geteld"))


def _stock_revalued(market: Market) -> None:
    round_id = _stock_sold(market, 2)
    with market.books.open() as uow:
        soap = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["ZEEP"]
    line = ReceiveLine(round_id=round_id, round_product_id=soap, delivered=2, reason="geteld")
    seen = CorrectRound(round_id=round_id, reason="fles te weinig", lines=(line,))
    with market.books.open() as uow:
        accepted = preview_correction(uow, seen).difference_cents
    with market.books.open() as uow:
        correct_round(uow, replace(seen, accepted_difference_cents=accepted))


def _deposits(market: Market) -> None:
    with market.books.open() as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="S1",
                code="ZEEP",
                name="Zeep",
                unit="fles",
                price_excl_cents=211,
                vat_basis_points=2100,
                deposit_cents=15,
            ),
        )
    market.settled_round(ZEEP=5)


def _deposit_sold(market: Market) -> None:
    _deposits(market)
    with market.books.open() as uow:
        soap = stock_of(uow.session, uow.tenant, "ZEEP").product_id
        sell_stock(uow, SellStock(product_id=soap, member_id=market.members["L001"], units=1))


def _empties_taken(market: Market) -> None:
    _deposits(market)
    with market.books.open() as uow:
        take_empties(uow, TakeEmpties(member_id=market.members["L001"], cents=15))


def _empties_sent(market: Market) -> None:
    _deposits(market)
    with market.books.open() as uow:
        send_empties(uow, SendEmpties(supplier_id=market.supplier_id, cents=30))


def _uncharged(market: Market) -> None:
    round_id = market.open_round(freight=501)
    for member, count in (("L001", 3), ("L002", 5), ("L003", 4)):
        market.pledge(round_id, member, AARD=count, ZEEP=1)
    market.order(round_id)
    market.receive(round_id)
    market.invoice(round_id)
    first, second = (
        replace(system_identity(f"login:{number}"), login_id=number) for number in (1, 2)
    )
    begin = market.books.units_of_work.begin
    with begin(identity=first, cooperative_id=market.books.cooperative_id) as uow:
        code = queries.round_by_id(uow.session, uow.tenant, round_id).code
        request_id = ask_uncharged(
            uow, AskUncharged(round_id=round_id, reason="buurtfeest", typed_code=code)
        )
    with begin(identity=second, cooperative_id=market.books.cooperative_id) as uow:
        decide_uncharged(
            uow, DecideUncharged(request_id=request_id, is_approved=True, typed_code=code)
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
        settle_month(uow, date(2026, 1, 1), Publication.LATER)


def _cost_corrected(market: Market) -> None:
    _cost(market, 1000, 0)
    with market.books.open() as uow:
        settle_month(uow, date(2026, 1, 1), Publication.LATER)
    with market.books.open() as uow:
        correct_cost(uow, CorrectCost(cost_code="K1", reason="typfout", net_cents=1100))


def _care_declared(market: Market) -> tuple[CareHome, int]:
    home = CareHome(market.books, market.members)
    agreement = home.agreement(home.budget(alias="PGB-EXAMPLE"), home.carer(alias="Z-EXAMPLE"))
    declared = home.declare(agreement, 180)
    with home.open() as uow:
        approve(uow, declared.id, note="map 3")
    return home, declared.id


def _care_approved(market: Market) -> None:
    _care_declared(market)


def _care_turned_back(market: Market) -> None:
    home, declaration = _care_declared(market)
    with home.open() as uow:
        turn_back(uow, declaration, reason="dubbel")


def _care_corrected(market: Market) -> None:
    home, declaration = _care_declared(market)
    with home.open() as uow:
        make_list(uow, date(2026, 1, 1), Payer.INSURER)
    with home.open() as uow:
        correction = CorrectHours(declaration_id=declaration, minutes=120, reason="vergist")
        made = correct_hours(uow, correction)
    with home.open() as uow:
        approve(uow, made.id, note="map 3")


def _care_received(market: Market) -> None:
    home, _ = _care_declared(market)
    with home.open() as uow:
        receive_care_money(uow, _care_money("PGB-EXAMPLE", 20000))


def _care_paid(market: Market) -> None:
    home, _ = _care_declared(market)
    with home.open() as uow:
        pay_carer(uow, _care_money("Z-EXAMPLE", 12750))


def _care_money(alias: str, cents: int) -> MoveCareMoney:
    return MoveCareMoney(
        idempotency_key=f"key {alias}", alias=alias, cents=cents, on=date(2026, 2, 2)
    )


def _granted_subsidy(market: Market) -> None:
    with market.books.open() as uow:
        save_subsidy(
            uow,
            SaveSubsidy(
                code="G1",
                grantor="Gemeente",
                purpose="buurtfeest",
                mode=SubsidyMode.EARMARKED,
                awarded_cents=40000,
                valid_from=date(2026, 1, 1),
                valid_until=date(2026, 12, 31),
            ),
        )


def _move(cents: int, reference: str) -> MoveSubsidy:
    return MoveSubsidy(code="G1", cents=cents, on=date(2026, 3, 1), reference=reference)


def _subsidy_received(market: Market) -> None:
    _granted_subsidy(market)
    with market.books.open() as uow:
        receive_subsidy(uow, _move(30000, "termijn-1"))


def _subsidy_spent(market: Market) -> None:
    _subsidy_received(market)
    with market.books.open() as uow:
        spend_subsidy(uow, _move(25000, "feest"))


def _subsidy_accounted(market: Market) -> None:
    _subsidy_spent(market)
    with market.books.open() as uow:
        account_for_subsidy(uow, "G1", date(2026, 4, 1))


def _subsidy_repaid(market: Market) -> None:
    _subsidy_accounted(market)
    with market.books.open() as uow:
        repay_subsidy(uow, _move(5000, "terug"))


def _roof(market: Market, **terms: Any) -> Roof:
    open_roof(market.books, **terms)
    return Roof(market.books, market.members)


def _deposited(market: Market) -> None:
    _roof(market).buy(L001=2)


def _granted(market: Market) -> Roof:
    roof = _roof(market)
    roof.buy(L001=12, L002=8)
    return roof


def _failed(market: Market) -> None:
    roof = _roof(market)
    roof.buy(L001=2)
    roof.close()


def _lent(market: Market) -> None:
    roof = _roof(market, instrument=Instrument.LOAN, stage_units=1)
    roof.buy(L001=1)
    roof.buy(L002=1)


def _drawn(market: Market) -> None:
    _granted(market).draw(360000, vat=75600)


def _depreciated(market: Market, key: str | None = None) -> None:
    roof = _granted(market)
    roof.draw(360000)
    roof.put_into_use()
    with market.books.open() as uow:
        if key is not None:
            share_cost_of_asset(uow, "DAK", key, COST_SHARING)
        depreciate(uow, "DAK", date(2026, 3, 1), COST_SHARING)


def _shared_by_key(market: Market) -> None:
    House(market.books, market.members).key()
    _depreciated(market, "equal")


def _surplus_shared(market: Market) -> None:
    _granted(market).share(10000)


def _loss_shared(market: Market) -> Roof:
    roof = _granted(market)
    roof.share(-10000)
    return roof


def _units_passed_on(market: Market) -> None:
    _loss_shared(market)
    with market.books.open() as uow:
        seller, buyer = (
            replace(uow, identity=replace(uow.identity, member_id=market.members[code]))
            for code in ("L001", "L002")
        )
        transfer = offer_units(
            seller,
            OfferUnits(
                idempotency_key="aanbod-1",
                project_code="ZON",
                seller_id=market.members["L001"],
                buyer_code="L002",
                units=1,
            ),
        )
        accept_units(buyer, transfer)
        approve_units(uow, transfer)


def _released(market: Market) -> None:
    _loss_shared(market)
    with market.books.open() as uow:
        release_units(uow, "ZON", "L001")


def _paid_out(market: Market) -> None:
    _surplus_shared(market)
    with market.books.open() as uow:
        command = PayMember(
            idempotency_key="uitbetaling-1",
            member_code="L001",
            cents=6000,
            paid_on=date(2027, 1, 4),
        )
        pay_member(uow, command)


def _place(market: Market) -> Neighbourhood:
    place = Neighbourhood(market.books, market.members)
    place.scheme("wijkmunt")
    place.merchant("W1", fee=150)
    return place


def _sold(market: Market) -> Neighbourhood:
    place = _place(market)
    place.issue("V1", 5000)
    return place


def _given(market: Market) -> Neighbourhood:
    place = _place(market)
    place.fund()
    place.issue("V1", 5000, fund="G1")
    return place


def _single_purpose(market: Market) -> Neighbourhood:
    place = _place(market)
    place.single_purpose()
    place.issue("V1", 1090, scheme="groente")
    return place


def _hours(market: Market) -> None:
    place = _place(market)
    place.scheme("uren", unit="UUR")
    place.fund("U1", unit="UUR")
    place.issue("V1", 300, scheme="uren", fund="U1")


def _redeemed(market: Market) -> None:
    _sold(market).redeem("V1", 2000)


def _single_purpose_redeemed(market: Market) -> None:
    _single_purpose(market).redeem("V1", 500)


def _refunded(market: Market) -> None:
    paid = _sold(market).redeem("V1", 2000)
    with market.books.open() as uow:
        refund(uow, Refund(idempotency_key="r", redemption_code=paid.code, reason="ruil"))


def _passed_on(market: Market) -> None:
    _sold(market)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transferring, "new_code", lambda: "NEW")
        with market.books.open() as uow:
            transferring.pass_on(
                uow,
                transferring.PassOn(
                    idempotency_key="p",
                    holder_id=market.members["L001"],
                    to_member_code="L002",
                    amount_minor=1500,
                ),
            )


def _expired(place: Neighbourhood) -> None:
    place.redeem("V1", 2000)
    place.expire(date(2027, 1, 6))


def _voucher_paid_out(market: Market) -> None:
    _redeemed(market)
    with market.books.open() as uow:
        pay_out(uow, PayOut(idempotency_key="p", merchant_code="W1"))


def _run_made(market: Market) -> str:
    _redeemed(market)
    with market.books.open() as uow:
        return make_run(
            uow,
            MakeRun(
                idempotency_key="ronde-1",
                kind=PayeeKind.MERCHANT,
                debtor_iban=IBAN,
                execute_on=date(2027, 1, 4),
            ),
        )


def _run_settled(market: Market) -> None:
    code = _run_made(market)
    with market.books.open() as uow:
        settle_run(uow, code, local_date(uow.now, LOCAL_TIME))


def _payment_back(market: Market) -> str:
    code = _run_made(market)
    with market.books.open() as uow:
        today = local_date(uow.now, LOCAL_TIME)
        settle_run(uow, code, today)
        take_back(uow, code, f"{code}-001", today, reason="AC04")
    return code


def _payment_anew(market: Market) -> None:
    _payment_back(market)
    with market.books.open() as uow:
        make_run(
            uow,
            MakeRun(
                idempotency_key="ronde-2",
                kind=PayeeKind.MERCHANT,
                debtor_iban=IBAN,
                execute_on=date(2027, 1, 4),
            ),
        )


def _covered(market: Market) -> None:
    with market.books.open() as uow:
        move_cover(uow, MoveCover(idempotency_key="m", amount_cents=5000))


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


def _grants(market: Market) -> Carers:
    carers = Carers(_place(market))
    carers.set_up()
    return carers


def _grants_paid(market: Market) -> Carers:
    carers = _grants(market)
    with market.books.open() as uow:
        uow.session.execute(
            text("update member set iban = :iban where cooperative_id = :id"),
            {"id": uow.tenant, "iban": IBAN},
        )
    carers.apply("L001", "A")
    carers.apply("L002", "A")
    carers.apply("L003", "B", GrantPayout.BANK)
    carers.receive(60_000)
    carers.decide()
    carers.pay()
    return carers


def _grants_repaid(market: Market) -> None:
    carers = _grants_paid(market)
    carers.account()
    carers.repay(30_000)


EVENTS: dict[str, Callable[[Market], object]] = {
    "A contribution is charged": _charge,
    "The bank collects it": _collected,
    "The bank returns it": _returned,
    "A round is settled, everything came": _settled,
    "A round is settled under the small businesses scheme": _small_businesses,
    "A round is settled with a surplus for the stock": _surplus,
    "A round is settled at an invoice that is higher than agreed": _dearer,
    "A round is settled without charging its members": _uncharged,
    "A settled round is corrected": _corrected,
    "Goods from the stock are sold to a member": lambda market: _stock_sold(market, 2),
    "A sale from the stock is turned back": lambda market: _stock_sold(market, 2, is_back=True),
    "Stock is written off, or less is counted": lambda market: _stock_counted(market, 1),
    "More is counted than the list said": lambda market: _stock_counted(market, 3),
    "A correction changes what goods cost that have left the stock": _stock_revalued,
    "Deposits of a round are charged": _deposits,
    "Stock with a deposit is sold": _deposit_sold,
    "A member brings empties back": _empties_taken,
    "Empties go back to the supplier": _empties_sent,
    "A shared cost is settled, with a subsidy": _cost_settled,
    "A settled cost is corrected": _cost_corrected,
    "A member paid a cost for a small group": lambda market: _group(market, repaid=False),
    "One member paid another back": lambda market: _group(market, repaid=True),
    "A holder approves a declaration": _care_approved,
    "An approved declaration is turned back": _care_turned_back,
    "Hours on a list are corrected, the old version": _care_corrected,
    "Hours on a list are corrected, the new version": _care_corrected,
    "The insurer pays for a budget": _care_received,
    "A carer is paid": _care_paid,
    "A subsidy is awarded": _granted_subsidy,
    "The funder pays a part of a subsidy": _subsidy_received,
    "A cost that stands elsewhere is paid out of a subsidy": _subsidy_spent,
    "A subsidy is accounted for": _subsidy_accounted,
    "What was left of a subsidy is paid back": _subsidy_repaid,
    "A member pays while the campaign gathers": _deposited,
    "Enough was paid": _granted,
    "Not enough was paid in time": _failed,
    "A member pays a loan once the campaign is granted": _lent,
    "An invoice is drawn on a project": _drawn,
    "An asset loses the value of a month": _depreciated,
    "An asset that members share by a key loses the value of a month": _shared_by_key,
    "A surplus is shared over the units": _surplus_shared,
    "A loss is shared over the units": _loss_shared,
    "A member who left gets back what is left": _released,
    "A member passes units on to another": _units_passed_on,
    "The bank pays a member what he is owed": _paid_out,
    "A voucher is sold": _sold,
    "A voucher is given from a fund": _given,
    "A single-purpose voucher is sold": _single_purpose,
    "Hours are given": _hours,
    "A payout run orders what a shop is owed": _run_made,
    "The bank pays a payout run": _run_settled,
    "The bank sends a payment back": _payment_back,
    "What came back is ordered anew": _payment_anew,
    "A voucher is redeemed": _redeemed,
    "A single-purpose voucher is redeemed": _single_purpose_redeemed,
    "A redemption is refunded": _refunded,
    "A member passes on a part of his voucher": _passed_on,
    "What a sold voucher holds expires": lambda market: _expired(_sold(market)),
    "What a given voucher holds expires": lambda market: _expired(_given(market)),
    "A merchant is paid out": _voucher_paid_out,
    "Money is set apart for vouchers": _covered,
    "A round of carers' grants is set up": _grants,
    "The municipality pays for a round": lambda market: _grants(market).receive(60_000),
    "Carers get their grants": _grants_paid,
    "A round is accounted for": lambda market: _grants_paid(market).account(),
    "Unspent money goes back to the municipality": _grants_repaid,
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
            # Messages in the outbox have kinds too.
            kinds |= set(re.findall(r'"(?!mail\.)([a-z]+\.[a-z]+)"', argument))

    assert set(documented()) == set(EVENTS)
    assert kinds <= {kind for kind, _ in documented().values()}


def test_documented_accounts_are_those_of_the_chart() -> None:
    for line in LINE.finditer(PAGE.read_text(encoding="utf-8")):
        assert NAMES[line["code"].partition(":")[0]] == line["name"]
