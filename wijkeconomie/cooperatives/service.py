"""Use cases of cooperatives and their members."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import func, select, text

from wijkeconomie.cooperatives.models import Cooperative, Member
from wijkeconomie.cooperatives.refusals import CooperativeExistsError, MemberExistsError
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.chart import load_chart
from wijkeconomie.ledger.service import open_books


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCooperative:
    """A cooperative with its statutes. ``code`` names it in addresses and never changes."""

    code: str
    name: str
    neighbourhood: str
    liability: str
    vat_regime: str
    kvk: str
    iban: str
    creditor_id: str
    founded_on: date
    contribution_year_cents: int
    share_price_cents: int
    vote_rule: str
    liability_cap_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a cooperative knows of a member beside the number."""

    initials: str
    first_name: str
    last_name: str
    street: str
    house_number: str
    postcode: str
    city: str
    joined_on: date
    infix: str | None = None
    house_addition: str | None = None
    country: str = "NL"
    email: str | None = None
    iban: str | None = None
    mandate_id: str | None = None
    mandate_signed_on: date | None = None
    left_on: date | None = None
    share_units: int = 0
    household_size: int | None = None
    dwelling_m2: int | None = None
    income_band: str | None = None
    is_caregiver: bool = False
    language: str = "nl"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitMember(Person):
    """A new member; without a ``code`` the next member number is given out."""

    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMember(Person):
    """A member as he should be from now on."""

    member_id: int


def create_cooperative(uow: UnitOfWork, command: CreateCooperative) -> int:
    """Create a cooperative; returns its id. Its books are opened within it, in a next step.

    Raises:
        CooperativeExistsError: the code is taken.
        InvalidInputError: an empty name or a negative amount.
    """
    require_permission(uow.identity, "cooperative.create")
    for field in ("code", "name", "neighbourhood"):
        _require_text(field, getattr(command, field))
    for field in ("contribution_year_cents", "share_price_cents"):
        if getattr(command, field) < 0:
            raise InvalidInputError("an amount is not negative", field=field)
    name = f"cooperative/{command.code}"
    uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    if uow.session.scalar(select(Cooperative.id).where(Cooperative.code == command.code)):
        raise CooperativeExistsError(
            f"there is a cooperative {command.code} already", code=command.code
        )
    cooperative = Cooperative(**asdict(command))
    uow.session.add(cooperative)
    uow.session.flush()
    return cooperative.id


def open_cooperative_books(uow: UnitOfWork) -> None:
    """Open the accounts of the chart that the cooperative does not have yet."""
    require_permission(uow.identity, "cooperative.create")
    open_books(uow, load_chart())
    record_change(uow, subject="books", action="opened")


def admit_member(uow: UnitOfWork, command: AdmitMember) -> int:
    """Admit a member; returns the id.

    Raises:
        MemberExistsError: the number is taken.
        InvalidInputError: an empty name, a negative number, leaving before joining.
    """
    require_permission(uow.identity, "member.admit")
    _check_person(command)
    # One at a time, so that two numbers given out at once differ.
    name = f"member-code/{uow.tenant}"
    uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    code = (command.code or "").strip() or _next_code(uow)
    if uow.session.scalar(
        select(Member.id).where(Member.cooperative_id == uow.tenant, Member.code == code)
    ):
        raise MemberExistsError(f"there is a member {code} already", member=code)
    values = _values(command)
    member = Member(cooperative_id=uow.tenant, code=code, **values)
    uow.session.add(member)
    uow.session.flush()
    # Names and addresses stay out of the trail: it is kept when a person is erased.
    record_change(
        uow,
        subject=f"member/{member.id}",
        action="admitted",
        after={"code": code, "joined_on": command.joined_on.isoformat()},
    )
    return member.id


def change_member(uow: UnitOfWork, command: ChangeMember) -> None:
    """Change what is known of a member; the audit trail tells which fields, not what they said.

    Raises:
        NotFoundError: no such member. InvalidInputError: as for admitting.
    """
    require_permission(uow.identity, "member.change")
    _check_person(command)
    member = uow.session.scalar(
        select(Member)
        .where(Member.cooperative_id == uow.tenant, Member.id == command.member_id)
        .with_for_update()
    )
    if member is None:
        raise NotFoundError(f"there is no member {command.member_id}", member=command.member_id)
    changed = [name for name, value in _values(command).items() if getattr(member, name) != value]
    if not changed:
        return
    for name in changed:
        setattr(member, name, getattr(command, name))
    uow.session.flush()
    record_change(
        uow,
        subject=f"member/{member.id}",
        action="changed",
        after={"fields": ", ".join(changed)} | _leaving(changed, command),
    )


def _leaving(changed: list[str], command: ChangeMember) -> dict[str, str]:
    if "left_on" not in changed or command.left_on is None:
        return {}
    return {"left_on": command.left_on.isoformat()}


def _values(person: Person) -> dict[str, Any]:
    return {field.name: getattr(person, field.name) for field in fields(Person)}


def _check_person(person: Person) -> None:
    for field in ("first_name", "last_name"):
        _require_text(field, getattr(person, field))
    if person.left_on is not None and person.left_on < person.joined_on:
        raise InvalidInputError("nobody leaves before he joins", field="left_on")
    if person.share_units < 0:
        raise InvalidInputError("a number of shares is not negative", field="share_units")


def _next_code(uow: UnitOfWork) -> str:
    """The cooperative's code and the next number, as in ``ZW-L0007``."""
    cooperative = uow.session.scalars(
        select(Cooperative.code).where(Cooperative.id == uow.tenant)
    ).one()
    highest = uow.session.scalar(
        text(
            "select max(cast(substring(code from 'L([0-9]{1,9})$') as bigint))"
            " from member where cooperative_id = :cooperative_id"
        ),
        {"cooperative_id": uow.tenant},
    )
    return f"{cooperative}-L{(highest or 0) + 1:04d}"


def _require_text(field: str, value: str) -> None:
    if not value.strip():
        raise InvalidInputError("this may not be empty", field=field)
