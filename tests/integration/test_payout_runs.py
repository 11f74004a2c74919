"""What is owed is ordered at the bank once, in a file that the official schema takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import xmlschema
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.care import CareHome
from tests.factories.grants import Carers
from tests.factories.investments import Roof, open_roof
from tests.factories.people import sign_up
from tests.factories.vouchers import IBAN, Neighbourhood, a_neighbourhood
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.budgets.declaring import approve
from wijkeconomie.budgets.keeping import name_carer
from wijkeconomie.core.identity import Role
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.refusals import InvalidInputError, PermissionDeniedError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.investments.campaigns import call_off_campaign
from wijkeconomie.payments.models import PayeeKind
from wijkeconomie.payments.order_queries import OrderView, RunView, orders_of_run, payout_run
from wijkeconomie.payments.ordering import MakeRun, make_run, require_open, settle_run
from wijkeconomie.payments.pain import payment_file
from wijkeconomie.payments.refusals import NothingToOrderError, OrderSettledError
from wijkeconomie.payments.rules import Mismatch
from wijkeconomie.payments.service import (
    BankLineOutcome,
    RecordBankLine,
    record_bank_line,
)
from wijkeconomie.vouchers.grant_mails import grant_mails
from wijkeconomie.vouchers.grant_models import GrantPayout
from wijkeconomie.vouchers.meters import Cover, cover

OURS = "NL91ABNA0417164300"
JANUARY = date(2026, 1, 10)
SCHEMA = xmlschema.XMLSchema(
    (resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd").read_text(encoding="utf-8")
)


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory, clock: Clock) -> Neighbourhood:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    place = a_neighbourhood(units_of_work)
    place.issue("V1", 90_000)
    return place


def make(place: Neighbourhood, kind: PayeeKind = PayeeKind.MERCHANT, **more: Any) -> str:
    values: dict[str, Any] = {
        "idempotency_key": "ronde-1",
        "debtor_iban": OURS,
        "execute_on": JANUARY,
    }
    with place.books.open() as uow:
        return make_run(uow, MakeRun(kind=kind, **(values | more)))


def shown(place: Neighbourhood, code: str) -> tuple[RunView, list[OrderView]]:
    with place.books.open() as uow:
        run = payout_run(uow.session, uow.tenant, code)
        return run, orders_of_run(uow.session, uow.tenant, run.id)


def bank_line(place: Neighbourhood, reference: str, cents: int, **more: Any) -> BankLineOutcome:
    values: dict[str, Any] = {
        "code": f"BL-{reference}",
        "account_iban": OURS,
        "booked_on": JANUARY,
        "kind": "betaling",
    }
    with place.books.open() as uow:
        return record_bank_line(
            uow,
            RecordBankLine(amount_cents=cents, end_to_end_id=reference, **(values | more)),
        )


def give_iban(place: Neighbourhood, *members: str) -> None:
    with place.books.open() as uow:
        uow.session.execute(
            text(
                "update member set iban = :iban where cooperative_id = :id"
                " and code = any(cast(:codes as text[]))"
            ),
            {"iban": IBAN, "id": uow.tenant, "codes": list(members)},
        )


def covered(place: Neighbourhood) -> Cover:
    with place.books.open() as uow:
        return cover(uow.session, uow.tenant)


def two_shops(place: Neighbourhood) -> None:
    place.merchant("W9", fee=100)
    place.redeem("V1", 10_000)
    place.redeem("V1", 5000, merchant="W9")


def test_shops_are_ordered_once_and_the_bank_line_settles_the_run(place: Neighbourhood) -> None:
    two_shops(place)
    before = covered(place)

    code = make(place)

    assert make(place) == code == "W26-0001"
    run, orders = shown(place, code)
    # With 21 % VAT W1 pays 1.5 % (1.50 + 0.32) and W9 1 % (0.50 + 0.11).
    assert [(each.party, each.cents) for each in orders] == [("W1", 9818), ("W9", 4939)]
    assert (run.total_cents, run.settled_cents, run.is_settled) == (14_757, 0, False)
    assert place.books.balance(f"10510:{code}") == -14_757
    # What was ordered cannot be used to cover vouchers: only the fee has become ours.
    assert covered(place).bank_cents == before.bank_cents - 14_757
    assert covered(place).merchants_cents == 0
    with pytest.raises(NothingToOrderError):
        make(place, idempotency_key="ronde-2")
    bank = place.books.balance("10202")
    outcome = bank_line(place, code, -14_757)
    assert outcome.entry_number is not None
    assert bank_line(place, code, -14_757) == outcome
    assert place.books.balance("10202") == bank - 14_757
    assert place.books.balance(f"10510:{code}") == 0
    assert shown(place, code)[0].is_settled
    with place.books.open() as uow, pytest.raises(OrderSettledError):
        require_open(uow, code)
    assert place.books.verify().fault is None


def test_a_bank_that_books_each_payment_settles_them_one_by_one(place: Neighbourhood) -> None:
    two_shops(place)
    code = make(place)

    assert bank_line(place, f"{code}-002", -4939).entry_number
    assert bank_line(place, f"{code}-002", -4939, code="BL-2").mismatch is Mismatch.NO_PAYMENT_WAITS
    assert shown(place, code)[0].settled_cents == 4939
    assert bank_line(place, code, -14_757).mismatch is Mismatch.AMOUNT_DIFFERS
    with place.books.open() as uow:
        assert settle_run(uow, code, JANUARY)
    with place.books.open() as uow:
        assert settle_run(uow, code, JANUARY) is None
    assert place.books.balance(f"10510:{code}") == 0


@pytest.mark.parametrize(
    ("reference", "cents", "more", "mismatch"),
    [
        ("W26-0009", -14_757, {}, Mismatch.REFERENCE_UNKNOWN),
        ("W26-0001", -14_756, {}, Mismatch.AMOUNT_DIFFERS),
        ("W26-0001", -14_757, {"booked_on": date(2026, 1, 9)}, Mismatch.NO_PAYMENT_WAITS),
        ("W26-0001", -14_757, {"booked_on": date(2026, 1, 11)}, Mismatch.NO_PAYMENT_WAITS),
    ],
)
def test_a_line_that_does_not_match_waits_for_a_person(
    place: Neighbourhood, reference: str, cents: int, more: Any, mismatch: Mismatch
) -> None:
    two_shops(place)
    code = make(place)

    assert bank_line(place, reference, cents, **more).mismatch is mismatch
    assert shown(place, code)[0].settled_cents == 0


def test_some_are_chosen_and_the_others_stay_owed(place: Neighbourhood) -> None:
    two_shops(place)

    code = make(place, parties=("W9",))

    assert [each.party for each in shown(place, code)[1]] == ["W9"]
    assert place.books.balance("16012:W1") == -10_000
    assert make(place, idempotency_key="ronde-2") == "W26-0002"


@pytest.mark.parametrize(
    "wrong",
    [
        {"debtor_iban": "NL92ABNA0417164300"},
        {"execute_on": date(2026, 1, 9)},
        {"parties": ("W1", "W1")},
        {"parties": ("W1", "NIET")},
    ],
)
def test_what_is_wrong_orders_nothing(place: Neighbourhood, wrong: dict[str, Any]) -> None:
    two_shops(place)

    with pytest.raises(InvalidInputError):
        make(place, **wrong)

    assert place.books.balance("16012:W1") == -10_000


def test_members_are_paid_back_what_a_project_owes_them(place: Neighbourhood, clock: Clock) -> None:
    clock.set(datetime(2026, 1, 5, 12, tzinfo=UTC))
    day = date(2026, 1, 5)
    open_roof(place.books, stage_units=8)
    roof = Roof(place.books, place.members)
    roof.buy(L001=2, L002=1)
    with place.books.open() as uow:
        call_off_campaign(uow, "ZON", reason="geen dak")
    give_iban(place, "L001")

    code = make(place, PayeeKind.MEMBER, execute_on=day)

    run, [order] = shown(place, code)
    assert (code, order.party, order.cents) == ("U26-0001", "L001", 50_000)
    bank = place.books.balance("10201")
    assert bank_line(place, code, -run.total_cents, booked_on=day).entry_number
    assert place.books.balance("10201") == bank - 50_000
    assert place.books.balance("16801:L001") == 0
    assert place.books.balance("16801:L002") == -25_000
    with pytest.raises(InvalidInputError):
        make(
            place,
            PayeeKind.MEMBER,
            idempotency_key="ronde-2",
            execute_on=day,
            parties=("L002",),
        )


def test_carers_are_paid_by_their_alias(place: Neighbourhood) -> None:
    home = CareHome(place.books, place.members)
    agreement = home.agreement(home.budget(), home.carer("Zorg aan Huis"), rate=4000)
    with home.open() as uow:
        name_carer(uow, agreement, name="Zorg aan Huis", iban=IBAN)
    made = home.declare(agreement, 60)
    with home.open() as uow:
        approve(uow, made.id, note="map 1")

    code = make(place, PayeeKind.CARER)

    [order] = shown(place, code)[1]
    assert (order.name, order.cents, order.iban) == ("Zorg aan Huis", 4000, IBAN)
    assert (order.party or "").startswith("Z-")
    assert order.purpose == f"Uitbetaling {order.party}"


def test_grants_go_with_their_round_and_are_erased_when_the_bank_has_paid(
    place: Neighbourhood, clock: Clock
) -> None:
    give_iban(place, "L001", "L002")
    with place.books.open() as uow:
        uow.session.execute(
            text(
                "update member set email = lower(code) || '@example.org'"
                " where cooperative_id = :id and code in ('L001', 'L002')"
            ),
            {"id": uow.tenant},
        )
    carers = Carers(place)
    carers.set_up(scheme_code=None)
    carers.apply("L001", "A", GrantPayout.BANK)
    carers.apply("L002", "B", GrantPayout.ACCOUNT)
    clock.set(datetime(2026, 2, 2, 12, tzinfo=UTC))
    carers.decide()
    day = date(2026, 2, 2)

    code = make(place, PayeeKind.GRANT, round_code="M26", execute_on=day)

    run, [order] = shown(place, code)
    assert (order.cents, order.iban, order.settled_on) == (15_000, IBAN, None)
    assert place.books.balance(f"10510:{code}") == -15_000
    sent: list[Letter] = []
    mails = grant_mails("https://wijk.example")
    send_due(place.books.units_of_work, mails, lambda letter, _key: sent.append(letter))
    letters = {each.to: (each.subject, each.body) for each in sent}
    subject, body = letters["l001@example.org"]
    assert subject == "Je mantelzorgwaardering komt eraan"
    assert "We hebben de bank gevraagd het over te maken" in body
    assert letters["l002@example.org"][0] == "Je mantelzorgwaardering is betaald"
    assert bank_line(place, code, -run.total_cents, booked_on=day).entry_number
    _run, [order] = shown(place, code)
    assert (order.name, order.iban, order.settled_on) == (None, None, day)


def test_the_file_is_valid_the_same_each_time_and_comes_to_the_run(place: Neighbourhood) -> None:
    two_shops(place)
    with place.books.open() as uow:
        uow.session.execute(
            text("update merchant set name = :name where cooperative_id = :id and code = 'W1'"),
            {"id": uow.tenant, "name": "Café Ünal & Zn. <ħ> // “Łódź” " + "x" * 80},
        )
    run, orders = shown(place, make(place))

    content = payment_file(run, orders, payer="Buurtcoöperatie De Zwaan U.A.")

    assert content == payment_file(run, orders, payer="Buurtcoöperatie De Zwaan U.A.")
    SCHEMA.validate(content.decode())
    root = fromstring(content)  # noqa: S314 our own file
    space = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}

    def found(path: str) -> list[str]:
        return [each.text or "" for each in root.findall(f".//p:{path}", space)]

    assert found("GrpHdr/p:CtrlSum") == found("PmtInf/p:CtrlSum") == ["147.57"]
    assert found("EndToEndId") == [order.end_to_end_id for order in orders]
    assert found("InstdAmt") == ["98.18", "49.39"]
    assert found("GrpHdr/p:NbOfTxs") == found("PmtInf/p:NbOfTxs") == ["2"]
    assert found("Dbtr/p:Nm") == ["Buurtcooperatie De Zwaan U.A."]
    assert found("Cdtr/p:Nm")[0].startswith("Cafe Unal + Zn. / Lodz x")
    assert len(found("Cdtr/p:Nm")[0]) <= 70
    assert found("ReqdExctnDt/p:Dt") == ["2026-01-10"]


@pytest.mark.parametrize(
    "change",
    [
        "update payout_order set iban = 'NL02ABNA0123456789X'",
        "update payout_order set name = null",
        "update payout_order set settled_on = current_date",
        "update payout_order set cents = 1",
        "delete from payout_order",
        "update payout_run set debtor_iban = 'x'",
    ],
)
def test_the_database_lets_nobody_change_what_was_ordered(
    place: Neighbourhood, change: str
) -> None:
    two_shops(place)
    make(place)

    with place.books.open() as uow, pytest.raises(DBAPIError), uow.session.begin_nested():
        uow.session.execute(text(change))


def test_a_treasurer_orders_on_the_page_and_an_accountant_only_looks(
    site: Flask, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))
    treasurer = signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))
    accountant = signed_in(site, sign_up(city, "MRS", "Fenna", Role.ACCOUNTANT))
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    new = "/c/MRS/payouts/new/merchant"
    assert "Winkels, voor wijkmunt" in treasurer.get("/c/MRS/payouts").get_data(as_text=True)
    token = "/c/MRS/vouchers/merchants/MRS-W1"
    page = treasurer.get(new).get_data(as_text=True)
    assert 'value="MRS-W1" checked' in page
    status, told = post(treasurer, new, iban="NL00", on="2026-07-01", idempotency_key="k1")
    assert status == 422
    assert "Dit is geen" in told
    fields = {"iban": OURS, "on": "2026-07-01", "idempotency_key": "k1", "party": "MRS-W1"}
    place = "/c/MRS/payouts/W26-0001"
    for _twice in range(2):
        status, told = post(treasurer, new, form=token, **fields)
        assert (status, place in told) == (303, True)
    file = treasurer.get(f"{place}.xml")
    assert file.headers["Content-Type"].startswith("application/xml")
    SCHEMA.validate(file.get_data(as_text=True))
    assert accountant.get(place).status_code == 200
    assert accountant.get(f"{place}.xml").status_code == 403
    for path in ("/c/MRS/payouts", place, new, f"{place}.xml"):
        assert member.get(path).status_code == 403, path
    status, _ = post(treasurer, f"{place}/settle", form=place, on="2026-08-01")
    assert status == 422
    status, _ = post(treasurer, f"{place}/settle", form=place, on="2026-07-01")
    assert status == 303
    assert treasurer.get(f"{place}.xml").status_code == 409


def test_only_who_may_pay_orders(place: Neighbourhood) -> None:
    two_shops(place)
    with place.books.open() as uow:
        nobody = replace(uow, identity=replace(uow.identity, roles=frozenset({Role.MEMBER})))
        with pytest.raises(PermissionDeniedError):
            make_run(
                nobody,
                MakeRun(
                    idempotency_key="x",
                    kind=PayeeKind.MERCHANT,
                    debtor_iban=OURS,
                    execute_on=JANUARY,
                ),
            )
