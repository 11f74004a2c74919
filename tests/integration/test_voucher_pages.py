"""The pages of vouchers: a wallet, a till, and the treasurer's work."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.payments.service import RecordBankLine, record_bank_line
from wijkeconomie.vouchers.jobs import VOUCHER_JOBS
from wijkeconomie.vouchers.keeping import set_contacts
from wijkeconomie.vouchers.mails import voucher_mails

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def summer(clock: Clock) -> None:
    clock.set(NOW)


@pytest.fixture
def treasurer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, member="M107"))


@pytest.fixture
def member(site: Flask, city: Runtime) -> FlaskClient:
    # W003: a gift of 150.00 of which 130.50 is left.
    return signed_in(site, sign_up(city, "MRS", "Carlijn", Role.MEMBER, member="M103"))


def a_merchant(city: Runtime, site: Flask, shop: str = "MRS-W1") -> FlaskClient:
    person = sign_up(city, "MRS", f"Baas {shop}", Role.MERCHANT)
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        set_contacts(uow, shop, (person.email,))
    return signed_in(site, person)


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(f"/c/MRS/{path}")
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True).replace("\xa0", " ")


def key_on(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found is not None
    return found[1]


def shown_code(member: FlaskClient, amount: str) -> tuple[str, str]:
    """Where the member sees his code, and the code as it is written."""
    answer = post_for_location(member, "/c/MRS/wallet/codes", "/c/MRS/wallet", amount=amount)
    page = member.get(answer).get_data(as_text=True)
    found = re.search(r"MRS\.[2-9A-Z]{4}-[2-9A-Z]{4}", page)
    assert found is not None
    return answer, found[0]


def post_for_location(client: FlaskClient, path: str, page: str, **form: str) -> str:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))
    assert token is not None
    answer = client.post(path, data=form | {"csrf_token": token[1]})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.location)


def test_a_member_pays_by_a_code_that_the_merchant_types(
    member: FlaskClient, site: Flask, city: Runtime
) -> None:
    assert "€ 130,50" in text_of(member, "wallet")
    mine, written = shown_code(member, "7,50")
    merchant = a_merchant(city, site)
    take = f"/c/MRS/till/pay?code={written}"
    assert "Carlijn betaalt" in merchant.get(take).get_data(as_text=True)

    status, page = post(
        merchant, take, take, code=written, amount="8,00", key="key-0001", merchant="MRS-W1"
    )
    assert status == 422
    assert "hoogstens €" in page
    form = {"code": written, "amount": "7,50", "key": "key-0002", "merchant": "MRS-W1"}
    first = post_for_location(merchant, take, take, **form)
    receipt = merchant.get(first).get_data(as_text=True).replace("\xa0", " ")
    assert "€ 7,50 is betaald door Carlijn" in receipt
    # The same form again is answered, not booked.
    token = re.search(r'name="csrf_token" value="([^"]+)"', receipt)
    assert token is not None
    again = merchant.post(take, data=form | {"csrf_token": token[1]})
    assert again.location == first
    assert "Je betaalde € 7,50" in text_of(member, mine.removeprefix("/c/MRS/"))
    assert "€ 123,00" in text_of(member, "wallet")

    status, page = post(
        merchant, f"{first}/refund", first, amount="2,50", reason="kapot", key="key-0003"
    )
    assert status == 303
    assert "€ 125,50" in text_of(member, "wallet")
    assert "€ 2,50 teruggegeven" in text_of(merchant, "till")


def test_what_is_wrong_with_a_code_is_said_at_the_till(
    member: FlaskClient, site: Flask, city: Runtime, clock: Clock
) -> None:
    merchant = a_merchant(city, site)
    _, written = shown_code(member, "5,00")

    for code, words in (
        ("MRS.2222-2222", "kennen we niet"),
        ("NWG.2222-2222", "van coöperatie NWG"),
        ("", "Typ de code"),
    ):
        answer = merchant.get(f"/c/MRS/till/pay?code={code}")
        assert answer.status_code == 422
        assert words in answer.get_data(as_text=True)
    clock.advance(timedelta(minutes=11))
    status, page = post(
        merchant,
        f"/c/MRS/till/pay?code={written}",
        f"/c/MRS/till/pay?code={written}",
        code=written,
        amount="5,00",
        key="key-0001",
    )
    assert (status, "te oud" in page) == (422, True)
    assert "werkt niet meer" in member.get("/c/MRS/wallet/codes/1").get_data(as_text=True)


def test_a_qr_code_of_another_cooperative_is_told(site: Flask, city: Runtime) -> None:
    merchant = a_merchant(city, site)

    assert merchant.get("/pay/MRS/2222-2222").location == "/c/MRS/till/pay?code=MRS.2222-2222"
    answer = merchant.get("/pay/NWG/2222-2222")
    assert answer.status_code == 409
    assert "van coöperatie NWG" in answer.get_data(as_text=True)
    assert "/login" in site.test_client().get("/pay/MRS/2222-2222").location


def test_no_code_is_shown_for_more_than_there_is(member: FlaskClient) -> None:
    for amount, words in (
        ("130,51", "te weinig"),
        ("0", "Schrijf een bedrag"),
        ("veel", "Schrijf een bedrag"),
    ):
        status, page = post(member, "/c/MRS/wallet/codes", "/c/MRS/wallet", amount=amount)
        assert status == 422
        assert words in page


def test_a_member_gives_to_a_neighbour_and_pays_at_a_poster(
    member: FlaskClient, site: Flask, city: Runtime
) -> None:
    neighbour = signed_in(site, sign_up(city, "MRS", "Els", Role.MEMBER, member="M105"))
    assert "M105" in text_of(neighbour, "wallet/receive")
    send = "/c/MRS/wallet/send?to=M105"
    for form, words in (
        ({"to": "M103", "amount": "1,00"}, "eigen nummer"),
        ({"to": "M999", "amount": "1,00"}, "geen lid"),
        ({"to": "M105", "amount": "900,00"}, "te weinig"),
        ({"to": "M105", "amount": "0"}, "Schrijf een bedrag"),
    ):
        status, page = post(member, send, send, key="key-0001", **form)
        assert (status, words in page) == (422, True), form
    assert post(member, send, send, key="key-0002", to="M105", amount="30,00")[0] == 303
    assert "€ 30,00" in text_of(neighbour, "wallet")

    shop = "/c/MRS/wallet/shops/MRS-W2"
    status, page = post(neighbour, shop, shop, amount="30,01", key="key-0003")
    assert (status, "te weinig" in page) == (422, True)
    paid = post_for_location(neighbour, shop, shop, amount="12,00", key=key_on(neighbour, shop))
    assert "€ 12,00 aan Fietsenmaker" in text_of(neighbour, paid.removeprefix("/c/MRS/"))
    assert member.get(paid).status_code == 404


def test_the_treasurer_sees_cover_and_volume_and_pays_a_shop(
    treasurer: FlaskClient, site: Flask
) -> None:
    page = text_of(treasurer, "vouchers")
    # Bought 95.00 is on the account; the gift of 150.00 is not.
    assert "Zet € 150,00 op de wijkmuntrekening" in page
    assert "Zet geld apart voor de wijkmunt" in text_of(treasurer, "")
    overview = "/c/MRS/vouchers"
    status, _ = post(treasurer, f"{overview}/cover", overview, amount="150,00", key="key-0001")
    assert status == 303
    assert "staat op de wijkmuntrekening" in text_of(treasurer, "vouchers")
    status, _ = post(treasurer, f"{overview}/merchants/MRS-W1/pay-out", overview, key="key-0002")
    assert status == 303
    # 15.50 less 1 % and 21 % over that.
    page = text_of(treasurer, "vouchers")
    assert "€ 15,31" in page
    status, page = post(treasurer, f"{overview}/merchants/MRS-W1/pay-out", overview, key="key-0003")
    assert (status, "niets te goed" in page) == (409, True)


def test_the_treasurer_makes_kinds_shops_and_funds_and_issues(
    treasurer: FlaskClient, site: Flask, city: Runtime
) -> None:
    root = "/c/MRS/vouchers"
    kind = {"name": "Buurtbon", "code": "buurtbon", "unit": "EUR", "rate": "", "days": "90"}
    shop = {
        "name": "Buurtsuper",
        "code": "W9",
        "iban": "NL02 ABNA 0123 4567 89",
        "vat_mix": "9+21",
        "fee": "1,50",
        "signed": "2026-06-01",
        "contacts": "kassa@example.org",
    }
    fund = {"name": "Zorg", "code": "Z1", "grantor": "Gemeente", "granted": "100,00"}
    gift = {"members": "M101, M102", "amount": "50,00", "kind": "buurtbon", "paid_by": "fund"}
    assert post(treasurer, f"{root}/merchants/new", **shop)[0] == 303
    assert post(treasurer, f"{root}/kinds/new", merchants="W9", **kind)[0] == 303
    assert post(treasurer, f"{root}/funds/new", **fund)[0] == 303
    issue = f"{root}/issue"
    assert post(treasurer, issue, issue, key="key-0001", fund="Z1", **gift)[0] == 303
    assert post(treasurer, issue, issue, key="key-0001", fund="Z1", **gift)[0] == 303
    page = text_of(treasurer, "vouchers")
    assert "nog € 0,00 van € 100,00" in page
    assert "Alleen bij Buurtsuper" in page
    for path, form, words in (
        (issue, gift | {"key": "key-0002", "fund": "Z1"}, "Er is niets uitgegeven"),
        (issue, gift | {"key": "key-0003", "fund": ""}, "field-fund"),
        (issue, gift | {"key": "key-0004", "fund": "Z1", "members": "M999"}, "geen lid"),
        (issue, gift | {"key": "key-0005", "fund": "Z1", "amount": "0"}, "Schrijf een bedrag"),
        (f"{root}/merchants/new", shop, "al in gebruik"),
        (f"{root}/merchants/new", shop | {"code": "W8", "iban": "NL00"}, "geen rekeningnummer"),
        (f"{root}/merchants/new", shop | {"code": "W8", "fee": "101"}, "0 tot 100"),
        (f"{root}/merchants/new", shop | {"code": "W8", "contacts": "x"}, "geen e-mailadres"),
        (f"{root}/kinds/new", kind, "al in gebruik"),
        (f"{root}/kinds/new", kind | {"code": "k", "days": "0"}, "minstens één dag"),
        (f"{root}/kinds/new", kind | {"code": "k", "unit": "UUR", "rate": "900"}, "Btw is er"),
        (f"{root}/funds/new", fund | {"granted": "99,99"}, "al meer dan dit"),
        (f"{root}/funds/new", fund | {"unit": "UUR"}, "houdt zijn eenheid"),
    ):
        status, page = post(treasurer, path, path, **form)
        assert (status, words in page) == (422, True), (path, form)


def test_a_sheet_is_printed_for_who_has_no_phone(
    treasurer: FlaskClient, site: Flask, city: Runtime
) -> None:
    path = "/c/MRS/vouchers/print"
    status, page = post(treasurer, path, path, count="0", maximum="0", voucher="W003")
    assert status == 422
    status, page = post(treasurer, path, path, count="3", maximum="20,00", voucher="W003")
    codes = re.findall(r"MRS\.[2-9A-Z]{4}-[2-9A-Z]{4}", page)
    assert (status, len(codes), page.count('class="qr-code"')) == (200, 3, 3)
    merchant = a_merchant(city, site)
    take = f"/c/MRS/till/pay?code={codes[0]}"
    assert "hoogstens" in merchant.get(take).get_data(as_text=True)
    post_for_location(merchant, take, take, code=codes[0], amount="20,00", key="key-0001")
    assert "W003" in text_of(treasurer, "vouchers/print?search=M103")
    assert "niemand met wijkmunt" in text_of(treasurer, "vouchers/print?search=niemand")


def test_a_poster_leads_to_the_shop(treasurer: FlaskClient, site: Flask, city: Runtime) -> None:
    merchant = a_merchant(city, site)

    assert "/wallet/shops/MRS-W1" in text_of(merchant, "till/poster/MRS-W1")
    assert "/wallet/shops/MRS-W2" in text_of(treasurer, "till/poster/MRS-W2")
    assert merchant.get("/c/MRS/till/poster/MRS-W2").status_code == 404
    other = a_merchant(city, site, "MRS-W2")
    assert other.get("/c/MRS/till/poster/MRS-W2").status_code == 200


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.MEMBER, "vouchers", 403),
        (Role.MEMBER, "vouchers/issue", 403),
        (Role.MEMBER, "vouchers/print", 403),
        (Role.MEMBER, "till", 403),
        (Role.MEMBER, "wallet/shops/NONE", 404),
        (Role.MERCHANT, "till", 404),
        (Role.MERCHANT, "wallet", 404),
        (Role.MERCHANT, "vouchers", 403),
        (Role.MERCHANT, "members", 403),
        (Role.COORDINATOR, "vouchers/print", 200),
        (Role.COORDINATOR, "vouchers/issue", 403),
        (Role.ACCOUNTANT, "vouchers", 200),
        (Role.ACCOUNTANT, "vouchers/funds/new", 403),
        (Role.ACCOUNTANT, "vouchers/kinds/new", 403),
        (Role.ACCOUNTANT, "vouchers/merchants/new", 403),
    ],
)
def test_roles_open_the_pages_of_the_table(
    site: Flask, city: Runtime, role: Role, path: str, status: int
) -> None:
    number = "M106" if role is Role.MEMBER else None
    client = signed_in(site, sign_up(city, "MRS", "Iemand", role, member=number))

    assert client.get(f"/c/MRS/{path}").status_code == status


def test_a_kind_is_changed_on_its_page(treasurer: FlaskClient) -> None:
    root = "/c/MRS/vouchers"
    kind = {"name": "Buurtbon", "code": "buurtbon", "unit": "EUR", "rate": "", "days": "90"}
    assert post(treasurer, f"{root}/kinds/new", merchants="MRS-W1", **kind)[0] == 303
    path = f"{root}/kinds/buurtbon"
    assert path in text_of(treasurer, "vouchers")
    change = {"name": "Buurtbon 2", "days": "60", "reminder": "14", "hold": "56"}
    assert post(treasurer, path, path, merchants="MRS-W1", **change)[0] == 303
    page = text_of(treasurer, "vouchers/kinds/buurtbon")
    for words in ('value="Buurtbon 2"', 'value="60"', 'value="14"', 'value="MRS-W1" checked'):
        assert words in page
    issue = f"{root}/issue"
    bought = {"members": "M101", "amount": "5,00", "kind": "buurtbon", "paid_by": "bank"}
    assert post(treasurer, issue, issue, key="key-0001", **bought)[0] == 303
    status, page = post(treasurer, path, path, merchants="MRS-W2", **change)
    assert (status, "Maak voor minder winkels een nieuwe soort" in page) == (422, True)
    status, page = post(treasurer, path, path, merchants="MRS-W1", **(change | {"days": "0"}))
    assert (status, "minstens één dag" in page) == (422, True)
    assert treasurer.get(f"{root}/kinds/nee").status_code == 404


def test_a_member_buys_vouchers_and_pays_by_bank(
    treasurer: FlaskClient, member: FlaskClient, city: Runtime
) -> None:
    kind, buy = "/c/MRS/vouchers/kinds/wijkmunt", "/c/MRS/wallet/buy"
    assert "wallet/buy" not in text_of(member, "wallet")
    assert "Vraag het de penningmeester" in text_of(member, "wallet/buy")
    change = {"name": "Wijkmunt", "days": "365", "reminder": "30", "hold": "56", "sale": "yes"}
    assert post(treasurer, kind, kind, **change)[0] == 303
    assert "wallet/buy" in text_of(member, "wallet")
    order = {"kind": "wijkmunt", "amount": "25,00"}
    status, page = post(member, buy, buy, key="key-0001", **(order | {"amount": "1000,01"}))
    assert (status, "tot en met" in page) == (422, True)
    for key in ("key-0002", "key-0003"):
        assert post(member, buy, buy, key=key, **order)[0] == 303
    page = text_of(member, "wallet/buy")
    first, second = re.findall(r"orders/(WM-[^/]+)/give-up", page)
    assert f"met {first} in de omschrijving" in page
    assert post(member, f"/c/MRS/wallet/orders/{second}/give-up", buy)[0] == 303
    waiting = text_of(treasurer, "vouchers")
    assert (first in waiting, second in waiting) == (True, False)
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        own = cooperative_by_code(uow.session, "MRS")
    with city.units_of_work.begin(identity=test, cooperative_id=own.id) as uow:
        line = RecordBankLine(
            code="BL-1",
            account_iban=str(own.iban),
            booked_on=NOW.date(),
            amount_cents=2_500,
            kind="incasso",
            end_to_end_id=first,
        )
        assert record_bank_line(uow, line).entry_number
    assert "€ 25,00" in text_of(member, "wallet")
    assert first not in text_of(member, "wallet/buy")


def test_a_voucher_is_withdrawn_on_its_page(treasurer: FlaskClient) -> None:
    root = "/c/MRS/vouchers"
    issue = f"{root}/issue"
    bought = {"members": "M101", "amount": "6,66", "kind": "wijkmunt", "paid_by": "cash"}
    assert post(treasurer, issue, issue, key="key-0001", **bought)[0] == 303
    page = text_of(treasurer, "vouchers/withdraw?search=M101")
    found = re.search(r'/withdraw/([^"]+)">Intrekken', page[page.index("€ 6,66") :])
    assert found is not None
    path = f"{root}/withdraw/{found[1]}"
    assert "dat boeken we nu" in text_of(treasurer, f"vouchers/withdraw/{found[1]}")
    status, _page = post(treasurer, path, path, key="key-0002", reason="")
    assert status == 422
    assert post(treasurer, path, path, key="key-0003", reason="verkeerd lid")[0] == 303
    assert treasurer.get(path).status_code == 409
    status, page = post(treasurer, path, root, key="key-0004", reason="nog eens")
    assert (status, "alleen hele wijkmunt" in page) == (409, True)


def test_only_funds_of_our_own_can_be_changed(treasurer: FlaskClient) -> None:
    root = "/c/MRS/vouchers"
    fund = {"name": "Zorg", "code": "Z1", "grantor": "Bestuur", "granted": "100,00"}
    assert post(treasurer, f"{root}/funds/new", **fund)[0] == 303
    page = text_of(treasurer, "vouchers")
    assert re.findall(r"/funds/new\?code=([^&]+)&amp;", page) == ["Z1"]
    assert "returns=no" in page
    # The carers' vouchers of the demo are from a subsidy; its code is not for a fund.
    status, page = post(treasurer, f"{root}/funds/new", **(fund | {"code": "MRS-G2"}))
    assert status == 422


def test_who_has_no_address_stands_on_a_list(
    site: Flask, city: Runtime, treasurer: FlaskClient, clock: Clock
) -> None:
    clock.set(datetime(2027, 2, 9, 3, tzinfo=UTC))
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        uow.session.execute(text("update member set email = null where code = 'M103'"))

    run_due(city.units_of_work, VOUCHER_JOBS)

    coordinator = signed_in(site, sign_up(city, "MRS", "Coor", Role.COORDINATOR))
    for client in (coordinator, treasurer):
        page = text_of(client, "vouchers/print")
        assert "Vertel hun dat hun wijkmunt verloopt" in page
        assert "M103" in page[page.index("Vertel hun") :]
    assert "Vertel leden dat hun wijkmunt verloopt" in text_of(coordinator, "")
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        marked = uow.session.scalars(
            text(
                "select count(*) from voucher v join member m on m.id = v.holder_id"
                " and m.cooperative_id = v.cooperative_id"
                " where m.code = 'M103' and v.reminded_at is not null"
            )
        ).one()
    assert marked == 0


def test_a_member_pays_a_shop_in_hours(treasurer: FlaskClient, member: FlaskClient) -> None:
    root = "/c/MRS/vouchers"
    kind = {"name": "Uren", "code": "uren", "unit": "UUR", "rate": "", "days": "90"}
    fund = {"name": "Uren", "code": "U1", "grantor": "Buurt", "granted": "100", "unit": "UUR"}
    gift = {"members": "M103", "amount": "3,00", "kind": "uren", "paid_by": "fund", "fund": "U1"}
    assert post(treasurer, f"{root}/kinds/new", **kind)[0] == 303
    assert post(treasurer, f"{root}/funds/new", **fund)[0] == 303
    assert post(treasurer, f"{root}/issue", f"{root}/issue", key="key-0001", **gift)[0] == 303
    shop = "/c/MRS/wallet/shops/MRS-W1"
    assert '<option value="UUR"' in text_of(member, "wallet/shops/MRS-W1")

    status, _page = post(member, shop, shop, key="key-0002", amount="1,00", unit="UUR")

    assert status == 303
    assert "in omloop aan het eind van elke maand, in UUR" in text_of(treasurer, "vouchers")


def test_holders_are_reminded_once_and_then_it_expires(city: Runtime, clock: Clock) -> None:
    letters: list[Letter] = []

    def work() -> None:
        run_due(city.units_of_work, VOUCHER_JOBS)
        renderers = voucher_mails("https://example.org")
        send_due(city.units_of_work, renderers, lambda letter, _event: letters.append(letter))

    clock.set(datetime(2027, 2, 8, 3, tzinfo=UTC))  # W003 and its like end on 10 March
    work()
    clock.set(datetime(2027, 2, 9, 3, tzinfo=UTC))
    work()
    # Bram's ends on 10 February; Carlijn's gift comes within thirty days on the second day.
    reminded = {letter.to: letter.body for letter in letters if "/c/MRS/" in letter.body}
    assert [letter.to for letter in letters if "/c/MRS/" in letter.body] == list(reminded)
    assert "10 februari 2027" in reminded["bram@example.org"]
    assert "10 maart 2027" in reminded["carlijn@example.org"]
    assert "https://example.org/c/MRS/wallet" in reminded["carlijn@example.org"]

    clock.set(datetime(2027, 3, 10, 22, tzinfo=UTC))
    assert run_due(city.units_of_work, VOUCHER_JOBS).failed == 0
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id

    def returned() -> int:
        with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
            found = uow.session.scalar(text("select sum(returned_minor) from voucher_fund"))
            return int(found or 0)

    # Bought vouchers expired before; what was given expires after its last day, to the fund.
    assert returned() == 0
    clock.set(datetime(2027, 3, 11, 3, tzinfo=UTC))
    run_due(city.units_of_work, VOUCHER_JOBS)
    assert returned() == 13050
    run_due(city.units_of_work, VOUCHER_JOBS)
    assert returned() == 13050
