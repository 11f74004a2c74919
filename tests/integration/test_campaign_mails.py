"""Letters about campaigns, and to holders for whom hours wait: true when sent, and once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.books import Books
from tests.factories.care import CareHome, a_care_home
from tests.factories.investments import Roof, a_roof
from wijkeconomie.budgets.declaring import approve
from wijkeconomie.budgets.jobs import CARE_JOBS
from wijkeconomie.budgets.mails import care_mails
from wijkeconomie.core.jobs import run_due
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.jobs import COST_JOBS
from wijkeconomie.investments.campaigns import call_off_campaign
from wijkeconomie.investments.jobs import investment_jobs
from wijkeconomie.investments.mails import campaign_mails
from wijkeconomie.investments.participating import RecordParticipation, record_participation
from wijkeconomie.investments.refusals import CampaignNotOpenError
from wijkeconomie.investments.sharing import CostSharing

ADDRESS = "https://wijk.example"
JOBS = (
    *investment_jobs(CostSharing(keys=lambda _uow: [], record=lambda _uow, _cost: None)),
    *CARE_JOBS,
    *COST_JOBS,
)


def letters(units_of_work: UnitOfWorkFactory, books: Books) -> dict[str, list[Letter]]:
    """What goes out to these members when the clock has done what is due, by number."""
    run_due(units_of_work, JOBS)
    out: dict[str, list[Letter]] = {}
    renderers = {**campaign_mails(ADDRESS), **care_mails(ADDRESS)}
    place = f"@{books.code.lower()}.example"

    def deliver(letter: Letter, _key: str) -> None:
        if letter.to.endswith(place):
            out.setdefault(letter.to.removesuffix(place).upper(), []).append(letter)

    send_due(units_of_work, renderers, deliver)
    return out


def give_addresses(books: Books) -> None:
    with books.open() as uow:
        uow.session.execute(
            text(
                "update member set email = lower(code) || :place, language = 'nl'"
                " where cooperative_id = :id"
            ),
            {"id": uow.tenant, "place": f"@{books.code.lower()}.example"},
        )


@pytest.fixture
def roof(units_of_work: UnitOfWorkFactory, clock: Clock) -> Roof:
    clock.set(datetime(2026, 1, 1, 9, tzinfo=UTC))
    roof = a_roof(units_of_work)
    give_addresses(roof.books)
    clock.set(datetime(2026, 1, 5, 12, tzinfo=UTC))
    return roof


def test_members_hear_once_that_a_campaign_opened(
    units_of_work: UnitOfWorkFactory, roof: Roof
) -> None:
    out = letters(units_of_work, roof.books)

    assert set(out) == {"L001", "L002", "L003"}
    [letter] = out["L001"]
    assert letter.subject.startswith("Doe mee: ")
    assert "31 januari 2026" in letter.body
    assert letter.body.count("/projects/ZON") == 1
    assert letters(units_of_work, roof.books) == {}


def test_who_did_not_pay_is_reminded_before_the_last_day(
    units_of_work: UnitOfWorkFactory, roof: Roof, clock: Clock
) -> None:
    letters(units_of_work, roof.books)
    roof.buy(L001=1)
    roof.take("L002", 2)
    clock.set(datetime(2026, 1, 28, 12, tzinfo=UTC))

    out = letters(units_of_work, roof.books)
    assert set(out) == {"L002"}
    assert "500,00" in out["L002"][0].body
    assert letters(units_of_work, roof.books) == {}


def test_a_reminder_is_not_sent_to_who_paid_meanwhile(
    units_of_work: UnitOfWorkFactory, roof: Roof, clock: Clock
) -> None:
    letters(units_of_work, roof.books)
    taken = roof.take("L002", 2)
    clock.set(datetime(2026, 1, 28, 12, tzinfo=UTC))
    run_due(units_of_work, JOBS)
    roof.pay(taken, date(2026, 1, 28))

    assert letters(units_of_work, roof.books) == {}


def test_participants_hear_what_is_decided(
    units_of_work: UnitOfWorkFactory, roof: Roof, clock: Clock
) -> None:
    letters(units_of_work, roof.books)
    roof.buy(L001=1)
    roof.take("L002", 1)
    clock.set(datetime(2026, 2, 4, 12, tzinfo=UTC))

    out = letters(units_of_work, roof.books)
    assert set(out) == {"L001"}
    [letter] = out["L001"]
    assert "gaat niet door" in letter.subject
    assert "250,00" in letter.body


def test_a_stage_that_fills_is_told_to_who_takes_part(
    units_of_work: UnitOfWorkFactory, roof: Roof
) -> None:
    letters(units_of_work, roof.books)
    with roof.books.open() as uow:
        stage = int(
            uow.session.scalar(
                text("select stage_units from investment_project where cooperative_id = :id"),
                {"id": uow.tenant},
            )
            or 0
        )
    roof.buy(L001=stage)

    out = letters(units_of_work, roof.books)
    assert set(out) == {"L001"}
    assert "gaat door" in out["L001"][0].subject


def test_a_campaign_that_is_called_off_pays_back_and_tells_why(
    units_of_work: UnitOfWorkFactory, roof: Roof
) -> None:
    letters(units_of_work, roof.books)
    roof.buy(L001=2)
    with roof.books.open() as uow, pytest.raises(InvalidInputError):
        call_off_campaign(uow, "ZON", reason=" ")
    with roof.books.open() as uow:
        call_off_campaign(uow, "ZON", reason="Het dak is te zwak.")
    with roof.books.open() as uow, pytest.raises(CampaignNotOpenError):
        call_off_campaign(uow, "ZON", reason="nog eens")

    assert roof.balances("owed_to_members") == {"L001": -50_000}
    [letter] = letters(units_of_work, roof.books)["L001"]
    assert "De reden: Het dak is te zwak." in letter.body
    assert roof.books.verify().fault is None


def test_an_old_register_tells_nobody(units_of_work: UnitOfWorkFactory, clock: Clock) -> None:
    clock.set(datetime(2026, 6, 1, 9, tzinfo=UTC))
    roof = a_roof(units_of_work, closes_on=None, stage_units=1)
    give_addresses(roof.books)
    with roof.books.open() as uow:
        record_participation(
            uow,
            RecordParticipation(
                project_code="ZON", member_code="L001", units=1, bought_on=date(2026, 2, 1)
            ),
        )

    assert letters(units_of_work, roof.books) == {}


@pytest.fixture
def home(units_of_work: UnitOfWorkFactory, clock: Clock) -> CareHome:
    clock.set(datetime(2026, 2, 2, 12, tzinfo=UTC))
    home = a_care_home(units_of_work)
    give_addresses(home.books)
    return home


def test_a_holder_hears_once_a_day_that_hours_wait(
    units_of_work: UnitOfWorkFactory, home: CareHome, clock: Clock
) -> None:
    agreement = home.agreement(home.budget(holder="L001"), home.carer())
    for minutes in (60, 90):
        home.declare(agreement, minutes)

    clock.set(datetime(2026, 2, 3, 6, tzinfo=UTC))
    assert letters(units_of_work, home.books) == {}  # before eight in the morning
    clock.advance(timedelta(hours=3))
    out = letters(units_of_work, home.books)
    assert set(out) == {"L001"}
    [letter] = out["L001"]
    assert "wachten uren" in letter.body
    assert "60" not in letter.body
    assert letters(units_of_work, home.books) == {}
    clock.advance(timedelta(days=1))
    assert letters(units_of_work, home.books) == {}  # nothing new
    clock.advance(timedelta(days=6))
    assert set(letters(units_of_work, home.books)) == {"L001"}  # a week later still
    with home.open() as uow:
        named = uow.session.scalar(
            text(
                "select count(*) from outbox_message where cooperative_id = :id"
                " and (payload ? 'member' or event_key like '%member%')"
            ),
            {"id": uow.tenant},
        )
    assert named == 0


def test_a_holder_who_decided_hears_nothing(
    units_of_work: UnitOfWorkFactory, home: CareHome, clock: Clock
) -> None:
    agreement = home.agreement(home.budget(holder="L001"), home.carer())
    declared = home.declare(agreement, 60)
    clock.set(datetime(2026, 2, 3, 9, tzinfo=UTC))
    run_due(units_of_work, JOBS)
    with home.open() as uow:
        approve(uow, declared.id, note="map 3")

    assert letters(units_of_work, home.books) == {}
