"""Reads of allocation keys: their versions, and the form that adds one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.costs.models import AllocationKey, AllocationKeyVersion, AllocationWeight
from wijkeconomie.money.amounts import format_plain


@dataclass(frozen=True, slots=True)
class KeyVersionView:
    """A version of a key: whether another took its place, it waits, or was settled by."""

    number: int
    valid_from: date
    basis: str
    fixed_percent: str | None
    decision: str | None
    is_waiting: bool
    is_replaced: bool
    is_used: bool


@dataclass(frozen=True, slots=True)
class KeyWithVersions:
    """A key and its versions, the newest in front."""

    code: str
    name: str
    versions: tuple[KeyVersionView, ...]


_VERSIONS = text(
    """
select k.code, k.name, v.number, v.valid_from, v.basis, v.fixed_percent, v.decision,
  v.requires_decision and v.decision is null as is_waiting,
  exists (select from allocation_key_version later
    where later.cooperative_id = v.cooperative_id and later.key_id = v.key_id
      and later.valid_from = v.valid_from and later.number > v.number) as is_replaced,
  exists (select from cost_settlement s
    where s.cooperative_id = v.cooperative_id and s.key_version_id = v.id) as is_used
from allocation_key k
join allocation_key_version v on v.cooperative_id = k.cooperative_id and v.key_id = k.id
where k.cooperative_id = :id and k.code = :code
order by v.valid_from desc, v.number desc
"""
)


def key_with_versions(session: Session, cooperative_id: int, code: str) -> KeyWithVersions:
    """A key with all that it was.

    Raises:
        NotFoundError: there is none with this code.
    """
    rows = session.execute(_VERSIONS, {"id": cooperative_id, "code": code}).all()
    if not rows:
        raise NotFoundError(f"there is no allocation key {code}", key=code)
    return KeyWithVersions(
        rows[0].code, rows[0].name, tuple(KeyVersionView(*row[2:]) for row in rows)
    )


_FORM_MEMBERS = text(
    """
select m.code, coalesce(m.left_on < :today, false) from member m
where m.cooperative_id = :id and (
  (m.joined_on <= :today and (m.left_on is null or m.left_on >= :since))
  or m.id in (select w.member_id from allocation_weight w
    join allocation_key_version v on v.cooperative_id = w.cooperative_id and v.id = w.version_id
    join allocation_key k on k.cooperative_id = v.cooperative_id and k.id = v.key_id
    where w.cooperative_id = :id and k.code = :key))
order by m.code
"""
)


def members_of_form(
    session: Session, cooperative_id: int, code: str, *, since: date, today: date
) -> list[tuple[str, bool]]:
    """Whose terms a version from a day on can tell, by number, and whether he left.

    Also who left since that day, or has terms in a version of the key: months in which he was
    a member are still settled or corrected by it.
    """
    rows = session.execute(
        _FORM_MEMBERS, {"id": cooperative_id, "key": code, "since": since, "today": today}
    )
    return [(row[0], row[1]) for row in rows]


def latest_terms(session: Session, cooperative_id: int, code: str) -> dict[str, str]:
    """The latest version of a key as the fields of the form; empty without such a key."""
    found = session.execute(
        select(AllocationKey, AllocationKeyVersion)
        .join(
            AllocationKeyVersion,
            (AllocationKeyVersion.cooperative_id == AllocationKey.cooperative_id)
            & (AllocationKeyVersion.key_id == AllocationKey.id),
        )
        .where(AllocationKey.cooperative_id == cooperative_id, AllocationKey.code == code)
        .order_by(AllocationKeyVersion.valid_from.desc(), AllocationKeyVersion.number.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        return {}
    key, version = found
    fields = {
        "code": key.code,
        "name": key.name,
        "basis": version.basis,
        "fixed_basis": version.fixed_basis,
        "fixed_percent": version.fixed_percent,
        "parts_total": version.parts_total,
        "tie_policy": version.tie_policy,
        "is_prorated": "yes" if version.is_prorated else None,
        "requires_decision": "yes" if version.requires_decision else None,
        "decision": version.decision,
        "grace_days": str(version.grace_days),
    }
    fields |= _member_fields(session, cooperative_id, version.id)
    return {name: value for name, value in fields.items() if value is not None}


def _member_fields(session: Session, cooperative_id: int, version_id: int) -> dict[str, str | None]:
    rows = session.execute(
        select(AllocationWeight, Member.code)
        .join(
            Member,
            (Member.cooperative_id == AllocationWeight.cooperative_id)
            & (Member.id == AllocationWeight.member_id),
        )
        .where(
            AllocationWeight.cooperative_id == cooperative_id,
            AllocationWeight.version_id == version_id,
        )
    ).all()
    fields: dict[str, str | None] = {}
    for terms, code in rows:
        fields[f"weight-{code}"] = terms.weight
        fields[f"minimum-{code}"] = _amount(terms.minimum_cents)
        fields[f"cap-{code}"] = _amount(terms.cap_cents)
        fields[f"excluded-{code}"] = "yes" if terms.is_excluded else None
    return fields


def _amount(cents: int | None) -> str | None:
    return None if cents is None else format_plain(cents)
