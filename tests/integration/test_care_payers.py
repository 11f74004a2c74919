"""Each body that pays reads of its own insured alone; nobody decides on hours of his own."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.care import CareHome, a_care_home
from tests.factories.people import sign_up
from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.budgets.declaring import approve, reject
from wijkeconomie.budgets.list_document import file_name, render_list_csv
from wijkeconomie.budgets.lists import MonthList, make_list, month_list, waiting_lists
from wijkeconomie.budgets.models import CareLaw, Payer
from wijkeconomie.budgets.paying import name_payer
from wijkeconomie.budgets.queries import budget_view
from wijkeconomie.budgets.refusals import (
    NothingToListError,
    OwnCarerError,
    OwnHoursError,
    PayerFixedError,
    PayerUnknownError,
)
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory

JANUARY = date(2026, 1, 1)


@pytest.fixture(autouse=True)
def march(clock: Clock) -> None:
    clock.set(datetime(2026, 3, 10, 12, tzinfo=UTC))


@pytest.fixture
def home(units_of_work: UnitOfWorkFactory) -> CareHome:
    return a_care_home(units_of_work)


def approved(home: CareHome, holder: str, payer: str | None, law: CareLaw = CareLaw.ZVW) -> int:
    """An hour of January for a holder, approved; the id of his budget."""
    budget = home.budget(holder=holder, law=law, payer_name=payer)
    made = home.declare(home.agreement(budget, home.carer()), 60)
    with home.open() as uow:
        approve(uow, made.id, note="map 1")
    return budget


def listed(home: CareHome, payer: Payer, name: str | None) -> MonthList:
    with home.open() as uow:
        made = make_list(uow, JANUARY, payer, name)
    with home.open() as uow:
        return month_list(uow, made)


def test_each_insurer_gets_a_list_with_its_own_insured_alone(home: CareHome) -> None:
    for holder, payer in (("L001", "VGZ"), ("L002", "Zilveren Kruis"), ("L003", "VGZ")):
        approved(home, holder, payer)

    with home.open() as uow:
        open_care_records(uow, "budgets-read")
        waiting = waiting_lists(uow.session, uow.tenant)
    assert [(each.payer_name, each.declarations) for each in waiting] == [
        ("VGZ", 2),
        ("Zilveren Kruis", 1),
    ]
    with pytest.raises(PayerUnknownError):
        listed(home, Payer.INSURER, None)
    kruis, vgz = (listed(home, Payer.INSURER, name) for name in ("Zilveren Kruis", "VGZ"))
    assert [line.budget for line in kruis.lines] == ["B-L002-Zvw"]
    assert [line.budget for line in vgz.lines] == ["B-L001-Zvw", "B-L003-Zvw"]
    assert (kruis.number, vgz.number) == (1, 1)
    assert file_name(kruis, "csv") == "zorg-zilveren-kruis-2026-01-1.csv"
    [row] = csv.DictReader(io.StringIO(render_list_csv(kruis).decode()))
    assert row["payer_name"] == "Zilveren Kruis"


def test_the_svb_pays_the_other_laws_unless_a_budget_says_otherwise(home: CareHome) -> None:
    approved(home, "L001", None, CareLaw.WLZ)
    approved(home, "L002", "Gemeente Utrecht", CareLaw.WMO)

    assert [line.law for line in listed(home, Payer.SVB, None).lines] == ["Wlz"]
    assert [line.law for line in listed(home, Payer.SVB, "Gemeente Utrecht").lines] == ["Wmo"]


def test_hours_of_which_the_insurer_is_unknown_wait_until_it_is_named(home: CareHome) -> None:
    budget = approved(home, "L001", None)
    with home.open() as uow:
        open_care_records(uow, "budgets-read")
        [waiting] = waiting_lists(uow.session, uow.tenant)
    assert waiting.payer_name is None
    with pytest.raises(NothingToListError):
        listed(home, Payer.INSURER, "VGZ")
    with home.open() as uow, pytest.raises(InvalidInputError):
        name_payer(uow, budget, " ")

    with home.open() as uow:
        name_payer(uow, budget, "CZ")
        name_payer(uow, budget, "VGZ")

    assert len(listed(home, Payer.INSURER, "VGZ").lines) == 1


def test_who_pays_stays_once_hours_stand_on_a_list(home: CareHome) -> None:
    budget = approved(home, "L001", "VGZ")
    listed(home, Payer.INSURER, "VGZ")

    with home.open() as uow, pytest.raises(PayerFixedError):
        name_payer(uow, budget, "CZ")
    with home.open() as uow:
        name_payer(uow, budget, "VGZ")
        assert budget_view(uow.session, uow.tenant, budget).payer_name == "VGZ"
    assert by_hand(home, "update care_budget set payer_name = 'CZ' where id = :id", budget) == (
        "WE071"
    )


def by_hand(home: CareHome, statement: str, row: int) -> str:
    """The SQLSTATE by which the database refuses a statement."""

    def act(uow: UnitOfWork) -> None:
        open_care_records(uow, "budgets-read")
        uow.session.execute(text(statement), {"id": row})

    with pytest.raises(DBAPIError) as refused, home.open() as uow:
        act(uow)
    return str(getattr(refused.value.orig, "sqlstate", ""))


def test_the_database_puts_nobody_on_the_list_of_another_insurer(home: CareHome) -> None:
    approved(home, "L001", "VGZ")
    listed(home, Payer.INSURER, "VGZ")
    budget = approved(home, "L002", "CZ")

    statement = (
        "update care_declaration set list_id = (select max(id) from care_list)"
        " where budget_id = :id"
    )
    assert by_hand(home, statement, budget) == "WE071"


# Hours of one's own


@pytest.fixture
def enter(runtime: Runtime, home: CareHome) -> Callable[..., Identity]:
    def identity(name: str, *roles: Role, member: str) -> Identity:
        person = sign_up(runtime, home.books.code, name, *roles, member=member)
        return Identity(
            actor=f"login:{person.login_id}",
            login_id=person.login_id,
            member_id=home.members[member],
            roles=frozenset(roles),
        )

    return identity


def test_an_administrator_decides_on_no_hours_of_his_own(
    home: CareHome, enter: Callable[..., Identity]
) -> None:
    both = enter("Carer", Role.MEMBER, Role.CARE, member="L003")
    other = enter("Other", Role.MEMBER, Role.CARE, member="L002")
    carer = home.carer(None, member_id=home.members["L003"])
    made = home.declare(home.agreement(home.budget(), carer), 60)
    begin = home.books.units_of_work.begin
    here = home.books.cooperative_id

    with begin(identity=both, cooperative_id=here) as uow, pytest.raises(OwnHoursError):
        approve(uow, made.id, note="map 1")
    with begin(identity=both, cooperative_id=here) as uow, pytest.raises(OwnHoursError):
        reject(uow, made.id, reason="nee")
    with pytest.raises(DBAPIError) as refused, begin(identity=both, cooperative_id=here) as uow:
        approve(replace(uow, identity=replace(both, member_id=None)), made.id, note="map 1")
    assert getattr(refused.value.orig, "sqlstate", None) == "WE072"
    with begin(identity=other, cooperative_id=here) as uow:
        approve(uow, made.id, note="map 1")


def test_a_holder_is_not_his_own_carer(home: CareHome) -> None:
    budget = home.budget(holder="L001")
    carer = home.carer(None, member_id=home.members["L001"])
    with pytest.raises(OwnCarerError):
        home.agreement(budget, carer)

    outside = home.agreement(budget, home.carer("Buiten"))
    insert = (
        "insert into care_agreement (cooperative_id, budget_id, holder_id, carer_id,"
        " hourly_rate_cents, starts_on, ends_on, status) select cooperative_id, budget_id,"
        " holder_id, (select max(c.id) from carer c where c.member_id = a.holder_id),"
        " 1, starts_on, ends_on, 'pending' from care_agreement a where id = :id"
    )
    become = (
        "update carer set member_id = (select holder_id from care_agreement where id = :id)"
        " where name = 'Buiten' and cooperative_id ="
        " (select cooperative_id from care_agreement where id = :id)"
    )
    assert by_hand(home, insert, outside) == "WE073"
    with home.open() as uow:
        uow.session.execute(text("update carer set member_id = null where id = :id"), {"id": carer})
    assert by_hand(home, become, outside) == "WE073"
