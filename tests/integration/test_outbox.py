"""Letters: true at the moment of sending, once for each event, and never within a transaction."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.factories.shared_costs import JANUARY, House, a_house
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.mail import Attachment, Letter, delivery
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.settings import Settings
from wijkeconomie.costs.correcting import CorrectCost, correct_cost
from wijkeconomie.costs.mails import cost_mails
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import publish_run, settle_month
from wijkeconomie.purchasing.jobs import ROUND_JOBS
from wijkeconomie.purchasing.mails import round_mails
from wijkeconomie.purchasing.rounds import CancelRound, cancel_round
from wijkeconomie.reports.jobs import STATEMENT_JOBS
from wijkeconomie.reports.mails import statement_mails

ADDRESS = "https://buurt.example"
RENDERERS = {**round_mails(ADDRESS), **cost_mails(ADDRESS), **statement_mails(ADDRESS)}


@dataclass
class PostOffice:
    """Takes letters, or refuses them while it is closed."""

    letters: list[Letter] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    is_closed: bool = False

    def __call__(self, letter: Letter, event: str) -> None:
        if self.is_closed:
            raise ConnectionRefusedError("closed")
        self.letters.append(letter)
        self.events.append(event)


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


@pytest.fixture
def send(fresh_runtime: Runtime, office: PostOffice) -> Callable[[], int]:
    return lambda: send_due(fresh_runtime.units_of_work, RENDERERS, office)


def with_addresses(home: Market | House) -> None:
    with home.books.open() as uow:
        uow.session.execute(
            text(
                "update member set email = lower(code) || '@example.org',"
                " language = case code when 'L002' then 'en' else 'nl' end"
                " where cooperative_id = :id and code <> 'L003'"
            ),
            {"id": uow.tenant},
        )


def test_a_settled_round_is_told_to_each_member_in_his_language_once(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    with_addresses(market)
    market.settled_round()

    send()
    again = send()

    told = {letter.to: letter for letter in office.letters}
    assert set(told) == {"l001@example.org", "l002@example.org"}
    assert "Jij betaalt €\xa08,01" in told["l001@example.org"].body
    assert f"{ADDRESS}/c/{market.books.code}/account" in told["l001@example.org"].body
    assert "You pay" in told["l002@example.org"].body
    assert again == 0


def test_the_supplier_gets_the_order_with_its_list(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    with market.books.open() as uow:
        uow.session.execute(
            text("update supplier set email = 'boer@example.org' where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    send()

    [letter] = office.letters
    assert letter.to == "boer@example.org"
    assert [attached.content_type for attached in letter.attachments] == [
        "application/pdf",
        "text/csv",
    ]


def test_an_order_that_was_cancelled_before_sending_is_not_sent(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    with_addresses(market)
    with market.books.open() as uow:
        uow.session.execute(
            text("update supplier set email = 'boer@example.org' where cooperative_id = :id"),
            {"id": uow.tenant},
        )
    round_id = market.open_round()
    market.pledge(round_id, "L001", AARD=3)
    market.order(round_id)
    with market.books.open() as uow:
        cancel_round(uow, CancelRound(round_id=round_id, reason="misoogst"))
    send()

    assert [letter.to for letter in office.letters] == ["l001@example.org"]
    assert "gaat niet door" in office.letters[0].subject


def test_costs_are_told_to_each_and_a_correction_to_whose_amount_changed(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    clock.set(datetime(2026, 2, 1, 12, tzinfo=UTC))
    house = a_house(fresh_runtime.units_of_work)
    with_addresses(house)
    house.cost("A", 1000)
    with house.books.open() as uow:
        settled = settle_month(uow, JANUARY, Publication.LATER)
        assert settled is not None
        publish_run(uow, settled.run_id)
    send()
    first = [(letter.to, letter.subject) for letter in office.letters]
    with house.books.open() as uow:
        correct_cost(uow, CorrectCost(cost_code="A", reason="typfout", net_cents=1001))
    send()

    assert first == [
        ("l001@example.org", "Jouw deel van de kosten van januari 2026"),
        ("l002@example.org", "Your part of the costs of January 2026"),
    ]
    assert [letter.to for letter in office.letters[2:]] == ["l002@example.org"]
    assert "€3.34" in office.letters[2].body.replace("\xa0", "").replace(" ", "")


def test_a_statement_is_told_when_its_month_has_ended_and_its_costs_are_in_it(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    clock.set(datetime(2026, 1, 31, 12, tzinfo=UTC))
    house = a_house(fresh_runtime.units_of_work)
    with_addresses(house)
    house.cost("OUD", 3000, month=date(2025, 12, 1))
    house.settle(date(2025, 12, 1))
    house.cost("A", 1000)
    house.settle()
    jobs = STATEMENT_JOBS
    clock.set(datetime(2026, 2, 1, 22, 59, tzinfo=UTC))
    run_due(fresh_runtime.units_of_work, jobs)
    send()
    assert [letter.subject for letter in office.letters] == [
        "Jouw overzicht van december 2025",
        "Your statement of December 2025",
    ]
    office.letters.clear()
    clock.set(datetime(2026, 2, 1, 23, 0, tzinfo=UTC))
    assert run_due(fresh_runtime.units_of_work, jobs).done == 1
    assert run_due(fresh_runtime.units_of_work, jobs).done == 0
    send()

    assert [(letter.to, letter.subject) for letter in office.letters] == [
        ("l001@example.org", "Jouw overzicht van januari 2026"),
        ("l002@example.org", "Your statement of January 2026"),
    ]
    plain = office.letters[0].body.replace("\xa0", " ")
    assert "begin van de maand: € 10,00" in plain
    assert "eind van de maand: € 13,34\nDit bedrag betaal je nog." in plain
    assert "/account?period=2026-01" in plain


def test_of_a_month_without_lines_nobody_is_told(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    clock.set(datetime(2026, 1, 31, 12, tzinfo=UTC))
    house = a_house(fresh_runtime.units_of_work)
    with_addresses(house)
    house.cost("OUD", 3000, month=date(2025, 12, 1))
    house.settle(date(2025, 12, 1))
    clock.set(datetime(2026, 3, 3, tzinfo=UTC))

    assert run_due(fresh_runtime.units_of_work, STATEMENT_JOBS).done == 1
    send()
    assert office.letters == []


def test_who_ordered_nothing_is_reminded_a_day_before_unless_he_ordered_since(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    with_addresses(market)
    round_id = market.open_round()
    clock.advance(timedelta(hours=25))
    for _ in range(2):
        run_due(fresh_runtime.units_of_work, ROUND_JOBS)
    market.pledge(round_id, "L001", AARD=3)
    send()

    assert [letter.to for letter in office.letters] == ["l002@example.org"]
    assert "You can still order" in office.letters[0].body
    assert "Wednesday 7 January, 13:00" in office.letters[0].body


def test_what_cannot_be_sent_is_tried_again_after_a_pause(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    with_addresses(market)
    market.settled_round()
    office.is_closed = True
    failed = send()
    office.is_closed = False
    too_early = send()
    clock.advance(timedelta(minutes=2))
    later = send()

    # A member without an address is no reason to try again.
    assert (failed, too_early, later) == (1, 0, 2)
    assert len(office.letters) == 2


def test_a_sender_that_died_is_followed_by_another_with_the_same_id(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice
) -> None:
    market = a_market(fresh_runtime.units_of_work, clock)
    with_addresses(market)
    market.settled_round()
    seen: list[str] = []

    def die(_letter: Letter, event: str) -> None:
        seen.append(event)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send_due(fresh_runtime.units_of_work, RENDERERS, die)
    clock.advance(timedelta(minutes=11))
    send_due(fresh_runtime.units_of_work, RENDERERS, office)

    assert seen[0] in office.events


def test_without_a_server_letters_are_kept_as_files(settings: Settings, tmp_path: Path) -> None:
    keep = delivery(replace(settings, service_home=tmp_path))
    file = Attachment("a.csv", b"x,y\n", "text/csv")
    keep(Letter("a@example.org", "Héé", "Beste lid", (file,)), "1/round/2/settled")

    [path] = (tmp_path / "mail").iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert (message["To"], message["Subject"]) == ("a@example.org", "Héé")
    assert message["Auto-Submitted"] == "auto-generated"


def test_with_a_server_letters_go_out_encrypted_and_signed_in(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    class Server:
        def __init__(self, host: str, port: int, timeout: int) -> None:
            calls.append(f"connect {host}:{port} {timeout}")

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            calls.append("quit")

        def starttls(self, context: Any) -> None:
            calls.append(f"starttls {context.check_hostname}")

        def login(self, username: str, password: str) -> None:
            calls.append(f"login {username} {password}")

        def send_message(self, message: Any) -> None:
            calls.append(f"send {message['Message-ID']}")

    monkeypatch.setattr("smtplib.SMTP", Server)
    told = replace(settings, mail_host="smtp.example", mail_username="u", mail_password="p")
    for _ in range(2):
        delivery(told)(Letter("a@example.org", "x", "y"), "1/e")

    assert calls[:3] == ["connect smtp.example:587 20", "starttls True", "login u p"]
    assert calls[3] == calls[8]
