"""The pages of shared costs: the treasurer's month, a member's costs and the proof."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.app import command_line
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.job_starts import note_start
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import enqueue, send_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.jobs import COST_JOBS
from wijkeconomie.costs.proof_checking import verify_proof
from wijkeconomie.ledger.periods import close_period


@pytest.fixture
def treasurer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER, member="M107"))


def shown_fingerprint(page: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def write_down(client: FlaskClient, **changed: str) -> tuple[int, str]:
    form = {
        "description": "huur werkplaats",
        "code": "HUUR-1",
        "on": "2026-04-15",
        "net": "100,00",
        "rate": "2100",
        "key": "equal",
        "every": "0",
    }
    return post(client, "/c/MRS/new-cost", **(form | changed))


def test_the_treasurer_writes_down_previews_settles_and_corrects(
    treasurer: FlaskClient, clock: Clock
) -> None:
    clock.set(datetime(2026, 5, 2, tzinfo=UTC))
    status, _ = write_down(treasurer)
    assert status == 303
    assert "april 2026" in treasurer.get("/c/MRS/costs").get_data(as_text=True)
    month = "/c/MRS/costs/months/2026-04"
    assert "€ 121,00" in treasurer.get(month).get_data(as_text=True).replace("\xa0", " ")

    status, _ = post(treasurer, f"{month}/draft", month)
    assert status == 303
    seen = shown_fingerprint(treasurer.get(month).get_data(as_text=True))
    status, page = post(treasurer, month, seen="00" * 32)
    assert status == 409
    assert "De kosten zijn veranderd" in page
    status, _ = post(treasurer, month, seen=seen, later="yes")
    assert status == 303
    run = re.search(rf"{month}/publish/\d+", treasurer.get(month).get_data(as_text=True))
    assert run is not None
    status, _ = post(treasurer, run[0], month)
    assert status == 303
    assert "/publish/" not in treasurer.get(month).get_data(as_text=True)
    page = treasurer.get("/c/MRS/costs/HUUR-1").get_data(as_text=True).replace("\xa0", " ")
    assert "€ 121,00 × 1/8" in page
    typed = {"net": "200,00", "vat": "42,00", "reason": "typfout"}
    status, page = post(treasurer, "/c/MRS/costs/HUUR-1/correct", "/c/MRS/costs/HUUR-1", **typed)
    assert status == 200
    assert "€\xa030,25" in page
    typed |= {"seen": shown_fingerprint(page), "idempotency_key": "correct-1"}
    for _ in range(2):
        status, _page = post(
            treasurer, "/c/MRS/costs/HUUR-1/corrected", "/c/MRS/costs/HUUR-1", **typed
        )
        assert status == 303
    page = treasurer.get("/c/MRS/costs/HUUR-1").get_data(as_text=True).replace("\xa0", " ")
    assert "€ 242,00 × 1/8" in page
    proof = verify_proof(treasurer.get("/c/MRS/costs/HUUR-1/centenbewijs.json").data)
    assert (proof.head.version, proof.head.total_cents) == (2, 24200)
    assert "centenbewijs-1.json" in page
    earlier = verify_proof(treasurer.get("/c/MRS/costs/HUUR-1/centenbewijs-1.json").data)
    assert (earlier.head.version, earlier.head.total_cents) == (1, 12100)
    assert treasurer.get("/c/MRS/costs/HUUR-1/centenbewijs-3.json").status_code == 409


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("net", "12,345"),
        ("net", ""),
        ("net", "999999999999,00"),
        ("vat", "-21,00"),
        ("vat", "21,06"),
        ("on", "gisteren"),
        ("on", "0202-04-15"),
        ("description", ""),
        ("every", "7"),
        ("rate", "6"),
        ("code", "HUUR/1"),
        ("supplier", "TYPFOUT"),
    ],
)
def test_a_wrong_field_is_said_at_its_place(treasurer: FlaskClient, field: str, value: str) -> None:
    status, page = write_down(treasurer, **{field: value})

    assert status == 422
    assert f"field-{field}" in page


def test_a_start_in_another_century_makes_no_thousands_of_costs(treasurer: FlaskClient) -> None:
    status, page = write_down(treasurer, on="0202-04-15", every="1")

    assert (status, "field-on" in page) == (422, True)
    assert "Kies een dag van 2021-01-05 tot en met" in page


@pytest.mark.parametrize(
    ("changed", "field"), [({"net": ""}, "net"), ({"vat": ""}, "vat"), ({"vat": "43,00"}, "vat")]
)
def test_a_blank_amount_corrects_nothing(
    treasurer: FlaskClient, changed: dict[str, str], field: str
) -> None:
    page = "/c/MRS/costs/MRS-K011"
    form = {"net": "200,00", "vat": "42,00", "reason": "typfout"} | changed
    status, shown = post(treasurer, f"{page}/correct", page, **form)

    assert (status, f'href="#field-{field}"' in shown) == (422, True)


def closed_months(city: Runtime, *numbers: int) -> None:
    with books_of(city) as uow:
        for number in numbers:
            close_period(uow, date(2026, number, 1))


@contextmanager
def books_of(city: Runtime) -> Iterator[UnitOfWork]:
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        cooperative_id = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=cooperative_id) as uow:
        yield uow


def booked_on(city: Runtime, code: str) -> date | None:
    with books_of(city) as uow:
        found: date | None = uow.session.scalar(
            text(
                "select accounting_date from journal_entry where cooperative_id = :id"
                " and source = :source"
            ),
            {"id": uow.tenant, "source": f"cost/{code}/1"},
        )
    return found


def test_a_late_cost_of_a_closed_month_is_offered_on_the_first_open_day(
    treasurer: FlaskClient, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 6, 20, tzinfo=UTC))
    write_down(treasurer)
    closed_months(city, 4, 5)
    month = "/c/MRS/costs/months/2026-04"
    page = treasurer.get(month).get_data(as_text=True)
    assert "de boeken van deze maand zijn gesloten" in page.lower()
    assert 'name="booked_on" value="2026-06-01"' in page

    seen = shown_fingerprint(page)
    assert post(treasurer, month, booked_on="2026-03-31", seen=seen)[0] == 422
    assert post(treasurer, month, booked_on="2026-06-01", seen=seen)[0] == 303
    assert booked_on(city, "HUUR-1") == date(2026, 6, 1)


def test_the_command_line_books_a_late_cost_on_the_day_it_is_told(
    treasurer: FlaskClient, city: Runtime, runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down(treasurer)
    closed_months(city, 4)
    monkeypatch.setenv("DATABASE_URL", city.addresses.application)
    monkeypatch.setenv("DATABASE_OWNER_URL", city.addresses.owner)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    arguments = ["settle", "costs", "--cooperative", "MRS", "--period", "2026-04"]
    refused = runner.invoke(command_line, arguments)
    done = runner.invoke(command_line, [*arguments, "--accounting-date", "2026-05-01"])
    root.handlers[:] = handlers
    root.setLevel(level)

    assert (refused.exit_code, "closed-period" in refused.output) == (1, True)
    assert (done.exit_code, done.output) == (0, "Settled 1 costs of 2026-04: HUUR-1\n")
    assert booked_on(city, "HUUR-1") == date(2026, 5, 1)


def test_what_members_see_of_a_run_that_waits_to_be_shown_is_said(
    treasurer: FlaskClient, clock: Clock
) -> None:
    clock.set(datetime(2026, 5, 2, tzinfo=UTC))
    write_down(treasurer)
    month = "/c/MRS/costs/months/2026-04"
    seen = shown_fingerprint(treasurer.get(month).get_data(as_text=True))
    post(treasurer, month, seen=seen, later="yes")

    page = treasurer.get(month).get_data(as_text=True)
    assert "Het staat dus al op de rekening en het afschrift van de leden" in page


def test_the_treasurer_sees_what_is_left_of_each_subsidy(treasurer: FlaskClient) -> None:
    page = treasurer.get("/c/MRS/costs").get_data(as_text=True)

    assert "Verantwoorden vóór" in page
    assert "Naar kilowattuur" in page


def test_a_number_that_is_in_use_is_said(treasurer: FlaskClient) -> None:
    write_down(treasurer)

    status, page = write_down(treasurer)

    assert status == 422
    assert "Dit nummer is al gebruikt" in page


def test_a_key_gets_a_version_with_weights_and_another_in_its_place(
    treasurer: FlaskClient,
) -> None:
    form = {
        "name": "Naar gebruik",
        "code": "usage",
        "valid_from": "2026-04-01",
        "basis": "weights",
        "tie_policy": "carry",
        "weight-M101": "12,5",
    }
    assert post(treasurer, "/c/MRS/new-key", **form)[0] == 303
    assert post(treasurer, "/c/MRS/new-key", **(form | {"weight-M101": "13"}))[0] == 303
    page = treasurer.get("/c/MRS/costs/keys/usage").get_data(as_text=True)
    assert "vervangen door een latere" in page
    assert "nog niet gebruikt" in page
    assert 'value="13"' in treasurer.get("/c/MRS/new-key?code=usage").get_data(as_text=True)
    status, page = post(
        treasurer, "/c/MRS/new-key", **(form | {"valid_from": "2026-05-01", "weight-M101": "veel"})
    )
    assert status == 422
    assert "Een gewicht is een getal" in page


def test_a_cost_that_waits_is_stopped_with_a_reason(treasurer: FlaskClient) -> None:
    write_down(treasurer)
    page = "/c/MRS/costs/HUUR-1"

    assert post(treasurer, f"{page}/stop", page, reason="")[0] == 422
    assert post(treasurer, f"{page}/stop", page, reason="dubbel")[0] == 303
    assert "tegengehouden" in treasurer.get(page).get_data(as_text=True)


def test_a_member_finds_what_he_pays_and_his_line_in_the_proof(
    site: Flask, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 5, 2, tzinfo=UTC))
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))

    page = member.get("/c/MRS/my-costs").get_data(as_text=True)
    proof = json.loads(member.get("/c/MRS/costs/MRS-K012/centenbewijs.json").data)

    mine = [party for party in proof["parties"] if f"jij bent {party['party']}" in page]
    assert len(mine) == 1
    assert "€\xa079,62 × 1/8" in page


def test_what_is_still_to_do_stands_on_the_page_of_scheduled_work(
    treasurer: FlaskClient, clock: Clock
) -> None:
    clock.set(datetime(2026, 5, 2, tzinfo=UTC))
    write_down(treasurer)

    page = treasurer.get("/c/MRS/work").get_data(as_text=True)

    assert "Nog te doen" in page
    assert "2026-04/" in page


def test_the_next_run_is_told_with_its_day_amount_and_members(
    treasurer: FlaskClient, clock: Clock
) -> None:
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    write_down(treasurer)
    write_down(treasurer, code="HUUR", every="1", net="50,00", on="2026-04-30")

    [row] = rows_of(treasurer.get("/c/MRS/costs").get_data(as_text=True), "april 2026")

    assert row == ["april 2026", "1 mei 2026", "2 waarvan nog 1 verwacht", "8", "€ 181,50"]


def test_members_that_a_key_leaves_out_are_not_counted(
    treasurer: FlaskClient, clock: Clock
) -> None:
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    form = {
        "name": "Zonder M101",
        "code": "some",
        "valid_from": "2026-04-01",
        "basis": "equal",
        "tie_policy": "order",
        "excluded-M101": "yes",
    }
    assert post(treasurer, "/c/MRS/new-key", **form)[0] == 303
    write_down(treasurer, key="some")

    [row] = rows_of(treasurer.get("/c/MRS/costs").get_data(as_text=True), "april 2026")

    assert row[1:] == ["1 mei 2026", "1", "7", "€ 121,00"]


def rows_of(page: str, first: str) -> list[list[str]]:
    """The rows of tables that begin with a word, as texts of their cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", page.replace("\xa0", " "), re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    plain = [
        [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row if cell] for row in cells
    ]
    return [row for row in plain if row and row[0] == first]


def test_what_failed_is_said_in_words_until_it_is_put_right(
    treasurer: FlaskClient, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    with_a_failure(city, treasurer, clock)
    words = "De sleutel later kan voor deze maand niet gebruikt worden."

    for path in ("costs", "work", ""):
        page = treasurer.get(f"/c/MRS/{path}").get_data(as_text=True)
        assert words in page, path
        assert "has no version" not in page
    assert words in treasurer.get("/c/MRS/costs/months/2026-04").get_data(as_text=True)

    stop = "/c/MRS/costs/HUUR-1"
    assert post(treasurer, f"{stop}/stop", stop, reason="dubbel")[0] == 303
    for path in ("costs", ""):
        assert words not in treasurer.get(f"/c/MRS/{path}").get_data(as_text=True)
    page = treasurer.get("/c/MRS/work").get_data(as_text=True)
    assert "niet meer nodig" in page
    assert "opnieuw op" not in page


def test_what_is_our_fault_is_said_with_a_reference(
    treasurer: FlaskClient, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    with_a_failure(city, treasurer, clock)
    with within(city) as uow:
        uow.session.execute(
            text(
                "update job_run set error = 'internal-error', detail = 'ZeroDivisionError',"
                " context = '{\"reference\": \"ab12cd34\"}' where status = 'failed'"
            )
        )

    page = treasurer.get("/c/MRS/work").get_data(as_text=True)

    assert "bij ons. Blijft het zo? Geef dan dit kenmerk door: ab12cd34." in page
    assert "ZeroDivisionError" not in page


def test_a_letter_that_could_not_be_sent_stands_on_the_page_of_scheduled_work(
    treasurer: FlaskClient, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 4, 2, 8, tzinfo=UTC))
    assert "Brieven" not in treasurer.get("/c/MRS/work").get_data(as_text=True)
    with within(city) as uow:
        for name in ("a", "b"):
            enqueue(uow, kind=f"mail.{name}", event_key=name, payload={})

    def refuse(_letter: Letter, _event: str) -> None:
        raise ConnectionRefusedError

    letter = Letter("a@example.org", "x", "y")
    send_due(city.units_of_work, {"mail.a": lambda _uow, _told: [letter]}, refuse)

    page = treasurer.get("/c/MRS/work").get_data(as_text=True)
    assert "Brieven die nog worden verstuurd: 2." in page
    assert (
        "1 kon niet worden verstuurd. We proberen het opnieuw op donderdag 2 april, 10:01" in page
    )


def with_a_failure(city: Runtime, treasurer: FlaskClient, clock: Clock) -> None:
    """A cost of April whose key has no version yet, and the clock that tried to settle it."""
    form = {
        "name": "later",
        "code": "later",
        "valid_from": "2027-01-01",
        "basis": "equal",
        "tie_policy": "order",
    }
    assert post(treasurer, "/c/MRS/new-key", **form)[0] == 303
    write_down(treasurer, key="later")
    clock.set(datetime(2026, 5, 2, tzinfo=UTC))
    assert run_due(city.units_of_work, COST_JOBS).failed == 1


@contextmanager
def within(city: Runtime) -> Iterator[UnitOfWork]:
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        cooperative_id = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=cooperative_id) as uow:
        yield uow


def test_what_is_done_now_stands_on_the_page_of_scheduled_work(
    treasurer: FlaskClient, city: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 5, 2, 8, tzinfo=UTC))
    write_down(treasurer)
    with within(city) as uow:
        note_start(uow, "costs.settle", "2026-04/1", waiting=3)
    begun = treasurer.get("/c/MRS/work").get_data(as_text=True)
    clock.advance(timedelta(hours=1))
    left = treasurer.get("/c/MRS/work").get_data(as_text=True)

    assert "Nu bezig" in begun
    assert "(2026-04/1), sinds zaterdag 2 mei, 10:00. Hierna wachten er nog 3." in " ".join(
        begun.split()
    )
    assert "begonnen op zaterdag 2 mei, 10:00 en afgebroken" in left


def test_a_version_waits_until_its_decision_is_written_down(treasurer: FlaskClient) -> None:
    form = {
        "name": "Besloten",
        "code": "besloten",
        "valid_from": "2026-01-01",
        "basis": "equal",
        "tie_policy": "order",
        "requires_decision": "yes",
    }
    post(treasurer, "/c/MRS/new-key", **form)
    page = "/c/MRS/costs/keys/besloten"
    decide = f"{page}/versions/1/decision"
    assert "wacht op een besluit" in treasurer.get(page).get_data(as_text=True)

    assert post(treasurer, decide, page)[0] == 422
    assert post(treasurer, decide, page, **{"decision-1": "Voorstel 12"})[0] == 303
    assert "Voorstel 12" in treasurer.get(page).get_data(as_text=True)
    assert post(treasurer, decide, page, **{"decision-1": "Voorstel 13"})[0] == 422
    assert treasurer.get("/c/MRS/costs/keys/geen").status_code == 404


def test_who_left_since_then_stands_in_the_form_of_a_key(
    treasurer: FlaskClient, city: Runtime
) -> None:
    form = {
        "name": "Gewicht",
        "code": "gewicht",
        "valid_from": "2026-01-01",
        "basis": "weights",
        "tie_policy": "order",
        "weight-M101": "2",
        "weight-M102": "3",
    }
    post(treasurer, "/c/MRS/new-key", **form)
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        found = cooperative_by_code(uow.session, "MRS")
    with city.units_of_work.begin(identity=test, cooperative_id=found.id) as uow:
        uow.session.execute(
            text(
                "update member set left_on = '2020-12-31' where cooperative_id = :id"
                " and code = 'M102'"
            ),
            {"id": uow.tenant},
        )

    page = treasurer.get("/c/MRS/new-key?code=gewicht").get_data(as_text=True)

    assert "M102 (vertrokken)" in page
    assert 'id="field-weight-M102" name="weight-M102"' in page


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.MEMBER, "costs", 403),
        (Role.MEMBER, "costs/MRS-K011", 403),
        (Role.MEMBER, "costs/months/2026-01", 403),
        (Role.MEMBER, "new-cost", 403),
        (Role.MEMBER, "work", 403),
        (Role.ACCOUNTANT, "costs", 200),
        (Role.ACCOUNTANT, "new-cost", 403),
        (Role.TREASURER, "costs/months/2026-13", 422),
        (Role.TREASURER, "costs/NO-SUCH", 404),
        (Role.TREASURER, "work", 200),
        (Role.TREASURER, "new-key", 200),
    ],
)
def test_roles_open_the_pages_of_the_table(
    site: Flask, city: Runtime, role: Role, path: str, status: int
) -> None:
    client = signed_in(site, sign_up(city, "MRS", "Iemand", role))

    assert client.get(f"/c/MRS/{path}").status_code == status
