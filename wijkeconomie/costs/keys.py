"""Use cases of allocation keys: versions from a day on, and the terms of members in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.models import (
    AllocationKey,
    AllocationKeyVersion,
    AllocationWeight,
    Basis,
    TiePolicy,
)
from wijkeconomie.costs.refusals import CostExistsError
from wijkeconomie.money.weights import WeightFormatError, parse_weight

GRACE_DAYS = 14
LONGEST_GRACE_DAYS = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberTerms:
    """What a version of a key tells of one member; bounds are in cents per cost."""

    member_id: int
    weight: str | None = None
    is_excluded: bool = False
    minimum_cents: int | None = None
    cap_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveKeyVersion:
    """A key as it is from a day on. An unknown ``code`` makes a new key.

    ``is_small_group``, of a new key: only who is named here shares, and no form offers it.
    """

    code: str
    name: str
    valid_from: date
    basis: Basis
    fixed_percent: str | None = None
    fixed_basis: Basis | None = None
    parts_total: str | None = None
    tie_policy: TiePolicy = TiePolicy.ORDER
    is_prorated: bool = False
    requires_decision: bool = False
    decision: str | None = None
    grace_days: int = GRACE_DAYS
    members: Sequence[MemberTerms] = ()
    is_small_group: bool = False


def save_key_version(uow: UnitOfWork, command: SaveKeyVersion) -> int:
    """Add a version to a key; what was settled by earlier ones stays as it is.

    It takes the place of one from the same day, which was wrong: months that are settled, and
    those that are corrected, go by the new one.

    Raises:
        InvalidInputError: a weight, percentage or combination that has no meaning.
        CostExistsError: someone else wrote a version down at the same moment.
    """
    require_permission(uow.identity, "cost.change")
    _check_version(command)
    key = _key(uow, command.code) or _new_key(uow, command)
    last = uow.session.scalar(
        select(func.max(AllocationKeyVersion.number)).where(
            AllocationKeyVersion.cooperative_id == uow.tenant,
            AllocationKeyVersion.key_id == key.id,
        )
    )
    version = AllocationKeyVersion(
        cooperative_id=uow.tenant,
        key_id=key.id,
        number=(last or 0) + 1,
        valid_from=command.valid_from,
        basis=command.basis,
        fixed_percent=command.fixed_percent,
        fixed_basis=command.fixed_basis,
        parts_total=command.parts_total,
        tie_policy=command.tie_policy,
        is_prorated=command.is_prorated,
        requires_decision=command.requires_decision,
        decision=command.decision,
        grace_days=command.grace_days,
        created_at=uow.now,
        created_by=uow.actor,
    )
    uow.session.add(version)
    flush_or_refuse(uow, f"key {key.code} got a version at the same moment")
    save_member_terms(uow, version.id, command.members)
    record_change(
        uow,
        subject=f"allocation_key/{key.id}",
        action="version",
        after={"number": version.number, "valid_from": str(command.valid_from)},
    )
    return version.id


def record_decision(uow: UnitOfWork, key_code: str, number: int, decision: str) -> None:
    """Write down the decision that a version of a key waits for; from now on it is settled by.

    Args:
        decision: which proposal was adopted, in words or by its number.

    Raises:
        NotFoundError: no such key or version.
        InvalidInputError: it waits for none, or nothing was said.
    """
    require_permission(uow.identity, "cost.change")
    key = key_by_code(uow, key_code)
    version = uow.session.scalar(
        select(AllocationKeyVersion)
        .where(
            AllocationKeyVersion.cooperative_id == uow.tenant,
            AllocationKeyVersion.key_id == key.id,
            AllocationKeyVersion.number == number,
        )
        .with_for_update()
    )
    if version is None:
        raise NotFoundError(f"key {key_code} has no version {number}", key=key_code)
    if not decision.strip():
        raise InvalidInputError("say which decision it is", field="decision")
    if not version.requires_decision or version.decision:
        raise InvalidInputError(f"version {number} waits for no decision", field="decision")
    version.decision = decision.strip()
    record_change(
        uow,
        subject=f"allocation_key/{key.id}",
        action="decided",
        after={"number": number, "decision": version.decision},
    )
    uow.session.flush()


def _check_version(command: SaveKeyVersion) -> None:
    if (command.fixed_percent is None) != (command.fixed_basis is None):
        raise InvalidInputError("a fixed part takes a percentage and a basis", field="fixed")
    if command.fixed_percent is not None:
        percent = weight_of(command.fixed_percent, "fixed_percent")
        if percent > 100:
            raise InvalidInputError("a percentage is at most 100", field="fixed_percent")
    has_parts = Basis.PARTS in {command.basis, command.fixed_basis}
    if has_parts != (command.parts_total is not None):
        raise InvalidInputError(
            "parts of a deed take its total, and nothing else", field="parts_total"
        )
    own = (Basis.PARTS, Basis.WEIGHTS)
    if command.basis in own and command.fixed_basis in own:
        raise InvalidInputError("a member has one weight, for one part", field="fixed_basis")
    if not 0 <= command.grace_days <= LONGEST_GRACE_DAYS:
        raise InvalidInputError("a meter is waited for up to 92 days", field="grace_days")
    if command.parts_total is not None:
        weight_of(command.parts_total, "parts_total")
    if command.tie_policy is TiePolicy.CARRY and command.fixed_basis is not None:
        raise InvalidInputError("a key that carries is of one part", field="tie_policy")
    for terms in command.members:
        _check_terms(command, terms)


def _check_terms(command: SaveKeyVersion, terms: MemberTerms) -> None:
    if terms.weight is not None:
        weight_of(terms.weight, "weight")
    bounds = (terms.minimum_cents or 0, terms.cap_cents)
    if bounds[0] < 0 or (bounds[1] is not None and bounds[1] < bounds[0]):
        raise InvalidInputError("a cap is not below the minimum", field="cap_cents")
    if bounds != (0, None) and (command.fixed_basis or command.tie_policy == "carry"):
        raise InvalidInputError("such a key takes no minimum or cap", field="cap_cents")


def weight_of(text: str, field: str) -> Fraction:
    """A number of an input field, exact.

    Raises:
        InvalidInputError: names the field.
    """
    try:
        return parse_weight(text)
    except WeightFormatError as error:
        raise InvalidInputError(str(error), field=field) from error


def save_member_terms(uow: UnitOfWork, version_id: int, members: Sequence[MemberTerms]) -> None:
    """Write the terms of some members in a version of a key, anew where they have some."""
    if not members:
        return
    statement = insert(AllocationWeight)
    own = ("weight", "is_excluded", "minimum_cents", "cap_cents")
    uow.session.execute(
        statement.on_conflict_do_update(
            index_elements=["cooperative_id", "version_id", "member_id"],
            set_={name: getattr(statement.excluded, name) for name in own},
        ),
        [
            {
                "cooperative_id": uow.tenant,
                "version_id": version_id,
                "member_id": terms.member_id,
                **{name: getattr(terms, name) for name in own},
            }
            for terms in members
        ],
    )


def _key(uow: UnitOfWork, code: str) -> AllocationKey | None:
    return uow.session.scalar(
        select(AllocationKey).where(
            AllocationKey.cooperative_id == uow.tenant, AllocationKey.code == code
        )
    )


def _new_key(uow: UnitOfWork, command: SaveKeyVersion) -> AllocationKey:
    key = AllocationKey(
        cooperative_id=uow.tenant,
        code=command.code,
        name=command.name,
        is_small_group=command.is_small_group,
    )
    uow.session.add(key)
    flush_or_refuse(uow, f"there is a key {command.code}")
    return key


def key_by_code(uow: UnitOfWork, code: str) -> AllocationKey:
    """A key by its code.

    Raises:
        NotFoundError: there is none.
    """
    found = _key(uow, code)
    if found is None:
        raise NotFoundError(f"there is no allocation key {code}", key=code)
    return found


def flush_or_refuse(uow: UnitOfWork, taken: str) -> None:
    """Write what was added.

    Raises:
        CostExistsError: ``taken`` tells what was there already.
    """
    try:
        with uow.session.begin_nested():
            uow.session.flush()
    except IntegrityError as error:
        raise CostExistsError(taken) from error
