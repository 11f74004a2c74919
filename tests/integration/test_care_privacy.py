"""Who sees care data: the database shows it to holder, carer and named administrator only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.factories.care import CareHome, a_care_home
from tests.factories.people import sign_up
from wijkeconomie.budgets.access import open_care_records, open_record, trail_of
from wijkeconomie.budgets.declaring import Declare, approve, declare, reject, withdraw
from wijkeconomie.cooperatives.roles import revoke_role
from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import NotFoundError, PermissionDeniedError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork

TABLES = ("care_budget", "care_agreement", "care_declaration")


@dataclass(frozen=True)
class Village:
    """A care home with people who can sign in: two holders, a carer, and who has no business."""

    home: CareHome
    people: dict[str, Identity]
    budgets: tuple[int, int]
    agreements: tuple[int, int]
    declarations: tuple[int, int]

    @contextmanager
    def enter(self, name: str) -> Iterator[UnitOfWork]:
        with self.home.books.units_of_work.begin(
            identity=self.people[name], cooperative_id=self.home.books.cooperative_id
        ) as uow:
            yield uow

    def counts(self, uow: UnitOfWork) -> tuple[int, ...]:
        return tuple(
            uow.session.scalar(text(f"select count(*) from {table}")) or 0 for table in TABLES
        )


ROLES = {
    "holder": ({Role.MEMBER}, "L001"),
    "other": ({Role.MEMBER}, "L002"),
    "carer": ({Role.MEMBER}, "L003"),
    "stranger": ({Role.MEMBER, Role.COORDINATOR}, "L004"),
    "named": ({Role.CARE}, None),
    "board": ({Role.BOARD}, None),
    "treasurer": ({Role.TREASURER}, None),
    "accountant": ({Role.ACCOUNTANT}, None),
}


@pytest.fixture
def village(runtime: Runtime, clock: Clock) -> Village:
    clock.set(datetime(2026, 6, 30, 12, 0, tzinfo=UTC))
    home = a_care_home(runtime.units_of_work, members=4)
    people = {}
    for name, (roles, member) in ROLES.items():
        person = sign_up(runtime, home.books.code, name, *roles, member=member)
        people[name] = Identity(
            actor=f"login:{person.login_id}",
            login_id=person.login_id,
            member_id=home.members[member] if member else None,
            roles=frozenset(roles),
        )
    people["operator"] = Identity(
        actor="login:0",
        login_id=people["board"].login_id,
        roles=frozenset({Role.PLATFORM}),
    )
    first, second = home.budget(holder="L001"), home.budget(holder="L002")
    inside, outside = home.carer(None, member_id=home.members["L003"]), home.carer("Buiten")
    agreements = home.agreement(first, inside), home.agreement(second, outside)
    declarations = tuple(home.declare(agreement, 60).id for agreement in agreements)
    return Village(home, people, (first, second), agreements, (declarations[0], declarations[1]))


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("holder", (1, 1, 1)),
        ("other", (1, 1, 1)),
        ("carer", (0, 1, 1)),
        ("stranger", (0, 0, 0)),
        ("named", (0, 0, 0)),
        ("board", (0, 0, 0)),
        ("treasurer", (0, 0, 0)),
        ("accountant", (0, 0, 0)),
        ("operator", (0, 0, 0)),
    ],
)
def test_the_database_shows_no_more_than_ones_own(
    village: Village, name: str, seen: tuple[int, ...]
) -> None:
    with village.enter(name) as uow:
        assert village.counts(uow) == seen


def test_a_named_administrator_sees_what_he_wrote_down_to_look_at(village: Village) -> None:
    with village.enter("named") as uow:
        open_record(uow, "budget-read", "budget", village.budgets[0])
        assert village.counts(uow) == (1, 1, 1)
    with village.enter("named") as uow:
        assert village.counts(uow) == (0, 0, 0)
        open_care_records(uow, "list-read")
        assert village.counts(uow) == (2, 2, 2)
    with village.enter("holder") as uow:
        lines = trail_of(uow.session, uow.tenant, village.home.members["L001"])
    named = village.people["named"].actor
    assert [line.action for line in lines if line.actor == named] == ["list-read", "budget-read"]
    with village.enter("other") as uow:
        lines = trail_of(uow.session, uow.tenant, village.home.members["L002"])
    assert [line.action for line in lines if line.actor == named] == ["list-read"]


@pytest.mark.parametrize("name", ["board", "treasurer", "holder", "stranger", "operator"])
def test_nobody_else_opens_the_records(village: Village, name: str) -> None:
    with pytest.raises(PermissionDeniedError), village.enter(name) as uow:
        open_care_records(uow, "curious")


@pytest.mark.parametrize("name", ["board", "stranger", "operator"])
def test_a_line_in_the_trail_opens_nothing_for_who_is_not_named(
    village: Village, name: str
) -> None:
    """Even where the program forgot to ask for the role."""
    people = village.people | {name: replace(village.people[name], roles=frozenset(Role))}
    with replace(village, people=people).enter(name) as uow:
        open_care_records(uow, "forged")
        assert village.counts(uow) == (0, 0, 0)


def test_who_is_no_longer_named_sees_nothing_though_his_session_says_so(village: Village) -> None:
    login_id = village.people["named"].login_id
    assert login_id is not None
    with village.home.open() as uow:
        revoke_role(uow, login_id, Role.CARE)

    with village.enter("named") as uow:
        open_care_records(uow, "late")
        assert village.counts(uow) == (0, 0, 0)


@pytest.mark.parametrize("column", ["login_id", "transaction_id"])
def test_the_trail_cannot_be_written_in_anothers_name(village: Village, column: str) -> None:
    with village.enter("named") as uow, pytest.raises(DBAPIError):
        uow.session.execute(
            text(
                f"insert into care_trail (cooperative_id, recorded_at, actor, action, subject,"
                f" {column}) values (:id, now(), 'x', 'x', 'x', 1)"
            ),
            {"id": uow.tenant},
        )


def test_the_trail_about_others_is_not_shown(village: Village) -> None:
    with village.enter("other") as uow:
        assert not trail_of_holder(uow, village.home.members["L001"])
    with village.enter("holder") as uow:
        assert trail_of_holder(uow, village.home.members["L001"])


def trail_of_holder(uow: UnitOfWork, holder_id: int) -> int:
    return (
        uow.session.scalar(
            text("select count(*) from care_trail where holder_id = :id"), {"id": holder_id}
        )
        or 0
    )


def test_a_carer_declares_for_his_holder_only_and_learns_nothing_of_the_budget(
    village: Village, clock: Clock
) -> None:
    own, other = village.agreements
    month = clock.now.date().replace(day=1)
    with village.enter("carer") as uow:
        made = declare(uow, Declare(agreement_id=own, month=month, minutes=45))
    with pytest.raises(NotFoundError), village.enter("carer") as uow:
        declare(uow, Declare(agreement_id=other, month=month, minutes=45))
    with pytest.raises(NotFoundError), village.enter("carer") as uow:
        approve(uow, made.id)
    with village.enter("carer") as uow:
        withdraw(uow, made.id)


def test_a_holder_decides_on_his_own_and_on_nobody_elses(village: Village) -> None:
    own, other = village.declarations
    acts: list[Callable[[UnitOfWork], None]] = [
        lambda uow: approve(uow, other),
        lambda uow: reject(uow, other, reason="x"),
        lambda uow: withdraw(uow, own),
    ]
    for act in acts:
        with pytest.raises(NotFoundError), village.enter("holder") as uow:
            act(uow)
    with village.enter("holder") as uow:
        approve(uow, own)
    with village.home.open() as uow:
        posted = uow.session.execute(
            text("select posted_by, source from journal_entry where cooperative_id = :id"),
            {"id": uow.tenant},
        ).one()
    assert posted.posted_by == "care"
    assert "L001" not in posted.source


def test_another_cooperative_is_as_far_away_as_ever(village: Village, runtime: Runtime) -> None:
    elsewhere = a_care_home(runtime.units_of_work)
    with elsewhere.open() as uow:
        open_care_records(uow, "list-read")
        assert village.counts(uow) == (0, 0, 0)
        with pytest.raises(NotFoundError):
            open_record(uow, "budget-read", "budget", village.budgets[0])
