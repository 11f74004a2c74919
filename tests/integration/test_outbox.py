"""Letters: true at the moment of sending, once for each event, and never within a transaction."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import event, select, text

from tests.conftest import Clock
from tests.factories.rounds import Market, a_market
from tests.factories.shared_costs import JANUARY, House, a_house
from wijkeconomie.core.jobs import due_work, latest_runs, run_due
from wijkeconomie.core.mail import Attachment, Letter, delivery
from wijkeconomie.core.outbox import OutboxMessage, enqueue, send_due
from wijkeconomie.core.pauses import pause_after
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.settings import Settings
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.correcting import CorrectCost, correct_cost
from wijkeconomie.costs.jobs import COST_JOBS
from wijkeconomie.costs.keeping import SaveRecurringCost, save_recurring_cost
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
    assert office.letters[2].subject == "Corrected: your part of the costs of January 2026"
    assert office.letters[2].body == (
        "Dear Fatima,\n\nIn the costs of January 2026 something was corrected: kosten A.\n"
        "The reason: typfout\n\n"
        "Before, you paid €3.33.\nNow you pay €3.34.\n€0.01 is taken off your account.\n\n"
        f"Here you see how your part was calculated: {ADDRESS}/c/{house.books.code}/my-costs\n\n"
        f"Regards,\n{name_of(house)}\n"
    )


def name_of(house: House) -> str:
    with house.books.open() as uow:
        name: str = uow.session.scalars(
            text("select name from cooperative where id = :id"), {"id": uow.tenant}
        ).one()
    return name


def test_each_correction_tells_its_own_difference_however_late_it_is_sent(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    clock.set(datetime(2026, 2, 1, 12, tzinfo=UTC))
    house = a_house(fresh_runtime.units_of_work)
    with_addresses(house)
    house.cost("A", 900)
    with house.books.open() as uow:
        assert settle_month(uow, JANUARY, Publication.SILENT) is not None
    for cents, reason in ((1500, "rekening was hoger"), (-900, "alles kwam terug")):
        with house.books.open() as uow:
            correct_cost(uow, CorrectCost(cost_code="A", reason=reason, net_cents=cents))
    send()

    mine = [letter.body.replace("\xa0", " ") for letter in office.letters if "l001" in letter.to]
    told = ["\n".join(body.splitlines()[3:8]) for body in mine]
    assert told[0] == (
        "De reden: rekening was hoger\n\n"
        "Eerst betaalde je € 3,00.\nNu betaal je € 5,00.\nEr gaat € 2,00 van je rekening af."
    )
    assert told[1] == (
        "De reden: alles kwam terug\n\n"
        "Eerst betaalde je € 5,00.\nNu krijg je € 3,00 terug.\n"
        "Er komt € 8,00 bij op je rekening."
    )


def test_who_gets_money_back_reads_so_without_a_minus_sign(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    clock.set(datetime(2026, 2, 1, 12, tzinfo=UTC))
    house = a_house(fresh_runtime.units_of_work)
    with_addresses(house)
    house.cost("A", -900)
    with house.books.open() as uow:
        settle_month(uow, JANUARY, Publication.WITH_LETTER)
    send()

    bodies = [letter.body.replace("\xa0", " ") for letter in office.letters]
    assert "zijn afgerekend. Je krijgt € 3,00 terug." in bodies[0]
    assert "were settled. You get €3.00 back." in bodies[1]


def test_a_letter_about_costs_reads_the_same_however_many_share_them(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice
) -> None:
    clock.set(datetime(2026, 2, 1, 12, tzinfo=UTC))
    asked: dict[int, int] = {}
    for members in (3, 4, 60):
        house = a_house(fresh_runtime.units_of_work, members=members)
        with_addresses(house)
        house.cost("A", 1000)
        with house.books.open() as uow:
            settle_month(uow, JANUARY, Publication.WITH_LETTER)
        made = count_statements(
            fresh_runtime, lambda: send_due(fresh_runtime.units_of_work, RENDERERS, office)
        )
        # Shares are read when the run is told, and by no letter.
        assert len([each for each in made if "cost_share_block" in each]) == 2
        # Each cooperative that was made before is asked once whether it has messages.
        asked[members] = len(made) - len(asked)

    one_letter = asked[4] - asked[3]
    assert asked[60] == asked[3] + 57 * one_letter
    assert len(office.letters) == 2 + 3 + 59


def count_statements(runtime: Runtime, act: Callable[[], object]) -> list[str]:
    """What the database was asked while something was done."""
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(runtime.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(runtime.engine, "before_cursor_execute", note)
    return asked


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


def test_a_statement_waits_until_the_costs_of_its_month_are_settled(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    clock.set(datetime(2026, 1, 31, 12, tzinfo=UTC))
    house = a_house(fresh_runtime.units_of_work)
    with_addresses(house)
    house.key("late", since=date(2030, 1, 1))
    house.cost("A", 1000)
    house.settle()
    house.cost("B", 300, key="late")
    jobs = (*COST_JOBS, *STATEMENT_JOBS)
    clock.set(datetime(2026, 2, 2, 12, tzinfo=UTC))
    refused = run_due(fresh_runtime.units_of_work, jobs)
    send()
    too_early = [letter.subject for letter in office.letters]
    house.key("late", since=date(2026, 1, 1))
    clock.set(datetime(2026, 2, 4, 12, tzinfo=UTC))
    put_right = run_due(fresh_runtime.units_of_work, jobs)
    send()

    assert (refused.done, refused.failed, too_early) == (0, 1, [])
    assert (put_right.done, put_right.failed) == (2, 0)
    [own] = [
        letter for letter in office.letters if letter.subject == "Jouw overzicht van januari 2026"
    ]
    assert "eind van de maand: € 4,34" in own.body.replace("\xa0", " ")


def test_a_statement_waits_for_a_recurring_cost_that_was_not_made(
    fresh_runtime: Runtime, clock: Clock
) -> None:
    clock.set(datetime(2026, 1, 31, 12, tzinfo=UTC))
    house = a_house(fresh_runtime.units_of_work)
    with house.books.open() as uow:
        save_recurring_cost(
            uow,
            SaveRecurringCost(
                code="HUUR",
                description="huur",
                key_code="equal",
                net_cents=900,
                vat_cents=0,
                starts_on=JANUARY,
                day_of_month=15,
            ),
        )
    clock.set(datetime(2026, 2, 2, 12, tzinfo=UTC))

    with house.books.open() as uow:
        assert due_work(uow, STATEMENT_JOBS) == []
    run_due(fresh_runtime.units_of_work, (*COST_JOBS, *STATEMENT_JOBS))
    with house.books.open() as uow:
        done = [run.job for run in latest_runs(uow.session, uow.tenant)]
    assert sorted(done) == ["costs.recur", "costs.settle", "statements.send"]


def test_statements_of_months_that_a_clock_missed_are_told_the_oldest_first(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice, send: Callable[[], int]
) -> None:
    clock.set(datetime(2026, 1, 2, 12, tzinfo=UTC))
    house = a_house(fresh_runtime.units_of_work)
    with_addresses(house)
    run_due(fresh_runtime.units_of_work, STATEMENT_JOBS)
    for month in (JANUARY, date(2026, 2, 1), date(2026, 3, 1)):
        house.cost(f"K{month:%m}", 900, month=month)
        house.settle(month)
    clock.set(datetime(2026, 4, 2, 12, tzinfo=UTC))
    done = run_due(fresh_runtime.units_of_work, STATEMENT_JOBS).done
    for _ in range(2):
        send()

    assert done == 3
    mine = [letter.subject for letter in office.letters if letter.to == "l001@example.org"]
    assert mine == [f"Jouw overzicht van {name} 2026" for name in ("januari", "februari", "maart")]


def test_a_letter_that_cannot_be_made_holds_up_nobody(
    fresh_runtime: Runtime, clock: Clock, office: PostOffice
) -> None:
    wrong, right = (a_house(fresh_runtime.units_of_work) for _ in range(2))
    for house in (wrong, right):
        with_addresses(house)
    for number in range(2):
        with wrong.books.open() as uow:
            enqueue(uow, kind="mail.test", event_key=f"test/{number}", payload={"by": number})
    with right.books.open() as uow:
        enqueue(uow, kind="mail.test", event_key="test", payload={"by": 1})

    def render(uow: UnitOfWork, told: Mapping[str, Any]) -> list[Letter]:
        enqueue(uow, kind="mail.other", event_key=f"half/{uow.tenant}/{told['by']}", payload={})
        words = uow.session.scalar(text("select 1 / cast(:by as int)"), {"by": told["by"]})
        return [Letter("a@example.org", str(uow.tenant), str(words))]

    sent = send_due(fresh_runtime.units_of_work, {"mail.test": render}, office)
    at_once = send_due(fresh_runtime.units_of_work, {"mail.test": render}, office)

    assert (sent, at_once) == (2, 0)
    assert [letter.subject for letter in office.letters] == [
        str(house.books.cooperative_id) for house in (wrong, right)
    ]
    with wrong.books.open() as uow:
        message = uow.session.scalars(
            select(OutboxMessage).where(
                OutboxMessage.cooperative_id == uow.tenant, OutboxMessage.event_key == "test/0"
            )
        ).one()
        assert (message.attempts, message.sent_at) == (1, None)
        assert message.next_attempt_at == clock.now + pause_after(1)
        assert "division by zero" in (message.last_error or "")
        # What a letter wrote before it failed is gone; what the other wrote stands.
        halves = uow.session.scalars(
            text("select event_key from outbox_message where kind = 'mail.other'")
        ).all()
        assert halves == [f"half/{uow.tenant}/1"]


def test_a_letter_that_no_sender_can_write_holds_up_nobody(
    fresh_runtime: Runtime, office: PostOffice
) -> None:
    house = a_house(fresh_runtime.units_of_work)
    for number in range(2):
        with house.books.open() as uow:
            enqueue(uow, kind="mail.test", event_key=f"test/{number}", payload={"by": number})

    def deliver(letter: Letter, event: str) -> None:
        if letter.subject == "0":
            raise ValueError("a header may not hold a line break")
        office(letter, event)

    sent = send_due(
        fresh_runtime.units_of_work,
        {"mail.test": lambda _uow, told: [Letter("a@example.org", str(told["by"]), "")]},
        deliver,
    )

    assert (sent, [letter.subject for letter in office.letters]) == (1, ["1"])


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
