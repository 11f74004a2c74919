"""Reads of allocation keys for the form that changes one."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.costs.models import AllocationKey, AllocationKeyVersion, AllocationWeight
from wijkeconomie.money.amounts import format_plain


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
        .order_by(AllocationKeyVersion.valid_from.desc())
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
