"""The members' side of rounds: links, posters, calendars, progress, last orders and credit."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from pypdf import PdfReader
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code, member_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.purchasing import queries
from wijkeconomie.purchasing.pickup import AddSlot, ChooseSlot, add_slot, choose_slot
from wijkeconomie.purchasing.pledges import PledgeLine, SavePledges, save_pledges
from wijkeconomie.purchasing.rounds import (
    CancelRound,
    CloseRound,
    PlanRound,
    cancel_round,
    close_round,
    open_round,
    plan_round,
)
from wijkeconomie.purchasing.suppliers import SaleTerms, SaveProduct, save_product

PEOPLE = ("M101", "M102", "M103", "M104")


@contextmanager
def within(city: Runtime) -> Iterator[UnitOfWork]:
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        yield uow


def a_round(city: Runtime, code: str = "MRS-X1", theme: str = "groente") -> int:
    with within(city) as uow:
        supplier = uow.session.scalars(text("select id from supplier where code = 'LEV1'")).one()
        round_id = plan_round(
            uow,
            PlanRound(
                code=code,
                theme=theme,
                supplier_id=supplier,
                opens_at=uow.now,
                closes_at=uow.now + timedelta(days=3),
                delivery_on=local_date(uow.now, LOCAL_TIME) + timedelta(days=7),
            ),
        )
        open_round(uow, round_id)
    return round_id


def product(city: Runtime, code: str = "OLIE", price: int = 910, **terms: int | None) -> None:
    ladder = ((24, price - 70), (48, price - 120))
    with within(city) as uow:
        save_product(
            uow,
            SaveProduct(
                supplier_code="LEV1",
                code=code,
                name="Olijfolie",
                unit="fles",
                price_excl_cents=price,
                vat_basis_points=900,
                category="olie",
                terms=SaleTerms(ladder=ladder),
                **terms,  # type: ignore[arg-type]
            ),
        )


def pledge(city: Runtime, round_id: int, member: str, **quantities: int) -> None:
    with within(city) as uow:
        products = queries.product_ids_by_code(uow.session, uow.tenant, round_id)
        lines = tuple(
            PledgeLine(products[code.replace("_", "-")], count)
            for code, count in quantities.items()
        )
        member_id = member_by_code(uow.session, uow.tenant, member).id
        save_pledges(uow, SavePledges(round_id=round_id, member_id=member_id, lines=lines))


@pytest.fixture
def member(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))


@pytest.fixture
def coordinator(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Bram", Role.MEMBER, Role.COORDINATOR))


def page_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True).replace("\xa0", " ")


def share(coordinator: FlaskClient, code: str = "MRS-X1") -> str:
    path = f"/c/MRS/rounds/{code}/share"
    assert post(coordinator, path)[0] == 303
    found = re.search(r"/c/MRS/look/[\w-]+", page_of(coordinator, path))
    assert found is not None
    return found[0]


def test_a_shared_round_is_seen_without_a_login_and_shows_no_person(
    site: Flask, city: Runtime, coordinator: FlaskClient
) -> None:
    product(city)
    round_id = a_round(city)
    link = share(coordinator)
    for code in PEOPLE[:2]:
        pledge(city, round_id, code, OLIE=7)
    stranger = site.test_client()
    # Two neighbours: what they want together tells each of them what the other wants.
    page = page_of(stranger, link)
    assert "Koop mee: groente" in page
    assert "Nog 10 fles" not in page
    assert "doen mee" not in page

    pledge(city, round_id, PEOPLE[2], OLIE=7)
    page = page_of(stranger, link)
    assert "Nog 3 fles tot € 9,16 per fles" in page
    assert "3 leden doen mee" in page
    with within(city) as uow:
        names = uow.session.scalars(text("select last_name from member")).all()
    assert not [name for name in names if name in page]
    assert not [code for code in PEOPLE if code in page]
    answer = stranger.get(link)
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"


def test_a_shared_round_tells_nothing_of_a_product_that_few_ordered(
    site: Flask, city: Runtime, coordinator: FlaskClient
) -> None:
    product(city)
    product(city, "AZIJN", 400)
    round_id = a_round(city)
    link = share(coordinator)
    # Four take part, but only one of them wants oil: the rest to the next price is his order.
    for code in PEOPLE:
        pledge(city, round_id, code, AZIJN=2)
    pledge(city, round_id, PEOPLE[0], OLIE=7)

    page = page_of(site.test_client(), link)

    assert "4 leden doen mee" in page
    assert "Nog 16 fles tot" in page
    assert "Nog 17 fles" not in page


def test_a_link_that_was_taken_back_leads_nowhere_and_stays_so(
    site: Flask, city: Runtime, coordinator: FlaskClient
) -> None:
    a_round(city)
    first = share(coordinator)
    assert share(coordinator) == first
    post(coordinator, "/c/MRS/rounds/MRS-X1/share/withdraw", "/c/MRS/rounds/MRS-X1/share")
    stranger = site.test_client()
    assert stranger.get(first).status_code == 404
    assert stranger.get(f"{first}/calendar.ics").status_code == 404
    second = share(coordinator)
    assert second != first
    assert stranger.get(first).status_code == 404
    assert stranger.get(second).status_code == 200
    assert stranger.get(second.replace("/MRS/", "/NWG/")).status_code == 404


def test_a_round_that_is_not_shared_has_no_poster(city: Runtime, coordinator: FlaskClient) -> None:
    a_round(city)

    assert coordinator.get("/c/MRS/rounds/MRS-X1/poster.pdf").status_code == 404


def test_only_a_coordinator_shares(city: Runtime, member: FlaskClient) -> None:
    a_round(city)

    assert member.get("/c/MRS/rounds/MRS-X1/share").status_code == 403


def test_the_poster_is_one_sheet_with_the_offer_and_the_link(
    city: Runtime, coordinator: FlaskClient
) -> None:
    product(city)
    a_round(city)
    link = share(coordinator)

    first = coordinator.get("/c/MRS/rounds/MRS-X1/poster.pdf")

    read = PdfReader(io.BytesIO(first.data))
    told = read.pages[0].extract_text().replace("\xa0", " ")
    assert len(read.pages) == 1
    assert link in told.replace("\n", "").replace("\u200b", "")
    assert "Olijfolie, vanaf € 8,61 per fles" in told
    assert "donderdag 8 januari, 13:00" in told
    assert first.data == coordinator.get("/c/MRS/rounds/MRS-X1/poster.pdf").data


def test_what_a_closed_or_cancelled_round_tells_a_stranger(
    site: Flask, city: Runtime, coordinator: FlaskClient
) -> None:
    product(city)
    round_id = a_round(city)
    link = share(coordinator)
    pledge(city, round_id, "M101", OLIE=2)
    with within(city) as uow:
        close_round(uow, CloseRound(round_id=round_id))
    assert "Deze ronde is gesloten" in page_of(site.test_client(), link)
    with within(city) as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="Jan is ziek"))
    page = page_of(site.test_client(), link)
    assert "Deze ronde gaat niet door" in page
    assert "Jan is ziek" not in page


def events(content: bytes) -> dict[str, tuple[object, object, str]]:
    calendar = Calendar.from_ical(content)
    return {
        str(event["uid"]): (event.decoded("dtstart"), event["summary"], str(event["status"]))
        for event in calendar.walk("VEVENT")
    }


def make_calendar(client: FlaskClient) -> str:
    status, page = post(client, "/c/MRS/calendar")
    assert status == 200
    found = re.search(r"/c/MRS/calendar/[\w-]+\.ics", page)
    assert found is not None
    return found[0]


def test_a_member_s_calendar_has_the_rounds_he_can_order_in_and_ordered_in(
    site: Flask, city: Runtime, member: FlaskClient, clock: Clock
) -> None:
    product(city)
    mine, other = a_round(city), a_round(city, "MRS-X2", "fruit")
    pledge(city, mine, "M101", OLIE=2)
    link = make_calendar(member)
    program = site.test_client()

    found = events(program.get(link).data)

    assert found["MRS-MRS-X1-closes@wijkeconomie"] == (
        datetime(2026, 1, 8, 11, 30, tzinfo=UTC),
        "Laatste kans om te bestellen: groente",
        "CONFIRMED",
    )
    assert found["MRS-MRS-X1-delivery@wijkeconomie"][0] == date(2026, 1, 12)
    assert "MRS-MRS-X2-closes@wijkeconomie" in found
    with within(city) as uow:
        close_round(uow, CloseRound(round_id=other))
        cancel_round(uow, CancelRound(round_id=mine, reason="ziek"))
    found = events(program.get(link).data)
    # A round without an order of his leaves it; one that was cancelled says so.
    assert {uid: each[2] for uid, each in found.items() if "X" in uid} == {
        "MRS-MRS-X1-closes@wijkeconomie": "CANCELLED",
        "MRS-MRS-X1-delivery@wijkeconomie": "CANCELLED",
    }
    clock.advance(timedelta(days=80))
    assert not [uid for uid in events(program.get(link).data) if "X1" in uid]


def test_the_time_that_a_member_chose_to_collect_is_in_his_calendar(
    site: Flask, city: Runtime, member: FlaskClient
) -> None:
    product(city)
    round_id = a_round(city)
    pledge(city, round_id, "M101", OLIE=2)
    link = make_calendar(member)
    uid = "MRS-MRS-X1-pickup@wijkeconomie"
    starts_at = datetime(2026, 1, 12, 16, tzinfo=UTC)
    with within(city) as uow:
        ends_at = starts_at + timedelta(hours=1)
        add = AddSlot(
            round_id=round_id, starts_at=starts_at, ends_at=ends_at, place="het buurthuis"
        )
        slot_id = add_slot(uow, add)
        member_id = member_by_code(uow.session, uow.tenant, "M101").id
        assert uid not in events(site.test_client().get(link).data)
        choose_slot(uow, ChooseSlot(round_id=round_id, member_id=member_id, slot_id=slot_id))

    content = site.test_client().get(link).data

    assert events(content)[uid] == (starts_at, "Ophalen: groente", "CONFIRMED")
    assert b"LOCATION:het buurthuis" in content
    assert uid in events(member.get("/c/MRS/rounds/MRS-X1/calendar.ics").data)
    neighbour = signed_in(site, sign_up(city, "MRS", "Carlijn", Role.MEMBER, member="M103"))
    assert uid not in events(neighbour.get("/c/MRS/rounds/MRS-X1/calendar.ics").data)


def test_a_calendar_tells_no_amount_and_no_person(
    site: Flask, city: Runtime, member: FlaskClient
) -> None:
    product(city)
    pledge(city, a_round(city), "M101", OLIE=2)

    content = site.test_client().get(make_calendar(member)).get_data(as_text=True)

    assert "M101" not in content
    assert "€" not in content
    assert "fles" not in content


def test_a_calendar_link_ends_when_a_new_one_is_made_or_its_member_leaves(
    site: Flask, city: Runtime, member: FlaskClient
) -> None:
    program = site.test_client()
    first = make_calendar(member)
    second = make_calendar(member)
    assert [program.get(link).status_code for link in (first, second)] == [404, 200]
    with within(city) as uow:
        uow.session.execute(text("update member set left_on = '2026-01-04' where code = 'M101'"))
    assert program.get(second).status_code == 404
    with within(city) as uow:
        uow.session.execute(text("update member set left_on = null where code = 'M101'"))
    assert program.get(second).status_code == 200
    post(member, "/c/MRS/calendar/end", "/c/MRS/calendar")
    assert program.get(second).status_code == 404
    assert second not in page_of(member, "/c/MRS/calendar")


def test_one_round_is_put_into_a_calendar(city: Runtime, member: FlaskClient) -> None:
    a_round(city)
    answer = member.get("/c/MRS/rounds/MRS-X1/calendar.ics")

    assert answer.mimetype == "text/calendar"
    assert len(events(answer.data)) == 2


def test_progress_tells_what_is_missing_in_words_and_figures(
    city: Runtime, member: FlaskClient
) -> None:
    product(city)
    with within(city) as uow:
        uow.session.execute(
            text("update supplier set minimum_net_cents = 20000 where code = 'LEV1'")
        )
    round_id = a_round(city)
    assert "Nog € 200,00, dan neemt de leverancier" in page_of(
        member, "/c/MRS/rounds/MRS-X1/progress"
    )
    pledge(city, round_id, "M101", OLIE=20)

    page = page_of(member, "/c/MRS/rounds/MRS-X1/progress")

    assert "Nog € 18,00, dan neemt de leverancier" in page
    assert "20 / 24 fles" in page
    assert "Nog 4 fles tot € 9,16 per fles" in page
    assert "1 lid doet mee" in page
    assert 'hx-trigger="every 20s"' in page


def last_time(city: Runtime, clock: Clock) -> None:
    """An order of M101 in a round that closed, at the prices of then."""
    product(city, max_per_member=30)
    product(city, "WEG", 500)
    round_id = a_round(city, "MRS-X0", "vorige keer")
    pledge(city, round_id, "M101", OLIE=20, WEG=3, AK_AARD=5)
    with within(city) as uow:
        close_round(uow, CloseRound(round_id=round_id))
    clock.advance(timedelta(days=2))
    product(city, price=990, max_per_member=12)
    with within(city) as uow:
        uow.session.execute(text("update product set is_offered = false where code = 'WEG'"))


def test_the_last_order_is_shown_at_the_prices_of_now_before_it_counts(
    city: Runtime, member: FlaskClient, clock: Clock
) -> None:
    last_time(city, clock)
    round_id = a_round(city)

    page = page_of(member, "/c/MRS/rounds/MRS-X1/repeat")

    assert "Dit was € 9,92: het is duurder geworden." in page
    assert "Je had 20 fles; nu mag je hooguit 12 fles bestellen." in page
    assert "De prijs is gelijk." in page
    assert "Nu niet te koop" in page
    # 12 x 9.90 is 118.80 and 5 x 1.19 is 5.95, both with 9 % VAT.
    assert "€ 135,98" in page
    with within(city) as uow:
        assert queries.pledges(uow.session, uow.tenant, round_id) == []

    fields = dict(re.findall(r'name="((?:quantity|version|tolerance)-\d+)" value="(\d+)"', page))
    assert len(fields) == 6
    status, _ = post(member, "/c/MRS/rounds/MRS-X1/order", "/c/MRS/rounds/MRS-X1/repeat", **fields)
    assert status == 303
    with within(city) as uow:
        found = queries.pledges(uow.session, uow.tenant, round_id)
    assert sorted((each.product_code, each.quantity) for each in found) == [
        ("AK-AARD", 5),
        ("OLIE", 12),
    ]


def test_what_was_ordered_in_this_round_already_is_not_ordered_again(
    city: Runtime, member: FlaskClient, clock: Clock
) -> None:
    last_time(city, clock)
    pledge(city, a_round(city), "M101", OLIE=3)

    page = page_of(member, "/c/MRS/rounds/MRS-X1/repeat")

    assert "Wat je in deze ronde al besteld hebt" in page
    assert len(re.findall(r'name="quantity-\d+"', page)) == 1


def test_who_never_ordered_is_led_to_the_products(city: Runtime, member: FlaskClient) -> None:
    a_round(city)

    assert "Je bestelde hier nog niet eerder" in page_of(member, "/c/MRS/rounds/MRS-X1/repeat")


def test_products_are_found_by_words_and_category_and_the_rest_stays_ordered(
    city: Runtime, member: FlaskClient
) -> None:
    product(city)
    for number in range(9):
        product(city, f"P{number}")
    with within(city) as uow:
        uow.session.execute(
            text("update product set name = 'Café crème ' || code where code like 'P_'")
        )
    round_id = a_round(city)
    pledge(city, round_id, "M101", AK_AARD=5)

    page = page_of(member, "/c/MRS/rounds/MRS-X1?find=CREME+p3")
    assert len(re.findall(r'name="quantity-\d+"', page)) == 1
    assert "1 product gevonden" in page
    [field] = re.findall(r'name="(quantity-\d+)"', page)
    status, where = post(
        member,
        "/c/MRS/rounds/MRS-X1/order",
        "/c/MRS/rounds/MRS-X1?find=creme+p3",
        **{field: "2", "find": "creme p3"},
    )
    assert (status, "find=creme" in where) == (303, True)
    with within(city) as uow:
        found = queries.pledges(uow.session, uow.tenant, round_id)
    assert sorted((each.product_code, each.quantity) for each in found) == [
        ("AK-AARD", 5),
        ("P3", 2),
    ]
    assert "0 producten gevonden" in page_of(member, "/c/MRS/rounds/MRS-X1?find=xyz")


@pytest.fixture
def treasurer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))


def order_oil(client: FlaskClient, city: Runtime, round_id: int, quantity: int) -> tuple[int, str]:
    with within(city) as uow:
        number = queries.product_ids_by_code(uow.session, uow.tenant, round_id)["OLIE"]
    return post(
        client,
        "/c/MRS/rounds/MRS-X1/order",
        "/c/MRS/rounds/MRS-X1",
        **{f"quantity-{number}": str(quantity)},
    )


def test_a_member_s_own_limit_goes_before_that_of_the_cooperative(
    city: Runtime, member: FlaskClient, treasurer: FlaskClient
) -> None:
    product(city)
    round_id = a_round(city)
    status, _ = post(treasurer, "/c/MRS/credit", is_enforced="yes", limit="0,00")
    assert status == 303
    with within(city) as uow:
        uow.session.execute(text("update member set credit_limit_cents = null"))
    status, page = order_oil(member, city, round_id, 30)
    assert (status, "te weinig" in page) == (422, True)

    path = "/c/MRS/members/M101/credit"
    status, page = post(treasurer, path, own="yes", limit="1000,00", reason="")
    assert (status, "Vul dit in" in page) == (422, True)
    status, _ = post(treasurer, path, own="yes", limit="1000,00", reason="betaalt elke maand")
    assert status == 303
    assert order_oil(member, city, round_id, 30)[0] == 303
    page = page_of(treasurer, path)
    assert "betaalt elke maand" in page
    assert "De rekening mag € 1.000,00 onder nul" in page
    assert "M101" in page_of(treasurer, "/c/MRS/credit")

    # Without it he is past the limit: less is possible, more is not, and closing looks again.
    post(treasurer, path, limit="0,00", reason="niet meer")
    assert order_oil(member, city, round_id, 29)[0] == 303
    assert order_oil(member, city, round_id, 31)[0] == 422
    post(treasurer, path, own="yes", limit="1000,00", reason="toch wel")
    with within(city) as uow:
        close_round(uow, CloseRound(round_id=round_id))
        [kept] = queries.pledges(uow.session, uow.tenant, round_id)
    assert kept.quantity == 29


def test_closing_lets_fall_out_what_an_own_limit_does_not_cover(city: Runtime) -> None:
    product(city)
    round_id = a_round(city)
    for code in PEOPLE[:2]:
        pledge(city, round_id, code, OLIE=30)
    with within(city) as uow:
        uow.session.execute(
            text(
                "update cooperative set enforces_credit_limit = true,"
                " default_credit_limit_cents = 10000000 where id = :id"
            ),
            {"id": uow.tenant},
        )
        uow.session.execute(text("update member set credit_limit_cents = 0 where code = 'M102'"))
    with within(city) as uow:
        close_round(uow, CloseRound(round_id=round_id))
        kept = queries.pledges(uow.session, uow.tenant, round_id)
    assert [each.member_code for each in kept] == ["M101"]


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.MEMBER, "credit", 403),
        (Role.MEMBER, "members/M101/credit", 403),
        (Role.COORDINATOR, "members/M101/credit", 200),
        (Role.ACCOUNTANT, "credit", 200),
        (Role.TREASURER, "members/M999/credit", 404),
    ],
)
def test_who_sees_credit(site: Flask, city: Runtime, role: Role, path: str, status: int) -> None:
    client = signed_in(site, sign_up(city, "MRS", "Iemand", role))

    assert client.get(f"/c/MRS/{path}").status_code == status


def test_a_coordinator_sees_credit_and_does_not_change_it(
    city: Runtime, coordinator: FlaskClient
) -> None:
    page = page_of(coordinator, "/c/MRS/members/M101/credit")

    assert 'name="limit"' not in page
