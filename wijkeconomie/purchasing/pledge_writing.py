"""Writing the pledges of an order: the new ones together, and what became of each.

At the deadline everyone orders at once, and each statement is a round trip that somebody waits for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from wijkeconomie.core.audit import NewChange, record_changes
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing.models import Pledge

PledgeTerms = tuple[int, int, int | None]
"""Quantity, tolerance and maximum price of a pledge."""


@dataclass(frozen=True, slots=True)
class NewPledge:
    """A pledge for a product of which the member has none in this round."""

    code: str
    round_product_id: int
    terms: PledgeTerms


@dataclass(frozen=True, slots=True)
class ChangedPledge:
    """A pledge that was changed, withdrawn or made again, and is not written yet."""

    pledge: Pledge
    action: str
    before: PledgeTerms
    after: PledgeTerms


_MAKE = text(
    """
with made as (
  insert into pledge (cooperative_id, code, round_id, round_product_id, member_id, quantity,
    tolerance, max_price_excl_cents, pledged_at, changed_at)
  select :cooperative_id, told.code, :round_id, told.product, :member_id, told.quantity,
    told.tolerance, told.most, :now, :now
  from unnest(cast(:codes as text[]), cast(:products as bigint[]),
    cast(:quantities as bigint[]), cast(:tolerances as bigint[]), cast(:maxima as bigint[]))
    as told (code, product, quantity, tolerance, most)
  returning id, quantity, tolerance, max_price_excl_cents
), told as (
  insert into audit_record (cooperative_id, recorded_at, actor, subject, action, before, after)
  select :cooperative_id, :now, :actor, 'pledge/' || id, 'made',
    jsonb_build_object('quantity', 0),
    jsonb_strip_nulls(jsonb_build_object('quantity', quantity,
      'tolerance', nullif(tolerance, 0), 'max_price_excl_cents', max_price_excl_cents))
  from made
)
select id from made
"""
)


def write_pledges(
    uow: UnitOfWork,
    round_id: int,
    member_id: int,
    *,
    made: Sequence[NewPledge],
    changed: Sequence[ChangedPledge],
) -> list[int]:
    """Write the lines of one order, each with its line in the audit trail; their ids."""
    ids = [each.pledge.id for each in changed]
    if changed:
        uow.session.flush()
        record_changes(
            uow,
            [
                NewChange(
                    subject=f"pledge/{each.pledge.id}",
                    action=each.action,
                    before=_told(each.before),
                    after=_told(each.after),
                )
                for each in changed
            ],
        )
    if made:
        ids += _make(uow, round_id, member_id, made)
    return ids


def _make(
    uow: UnitOfWork, round_id: int, member_id: int, made: Sequence[NewPledge]
) -> Sequence[int]:
    return uow.session.scalars(
        _MAKE,
        {
            "cooperative_id": uow.tenant,
            "round_id": round_id,
            "member_id": member_id,
            "now": uow.now,
            "actor": uow.actor,
            "codes": [each.code for each in made],
            "products": [each.round_product_id for each in made],
            "quantities": [each.terms[0] for each in made],
            "tolerances": [each.terms[1] for each in made],
            "maxima": [each.terms[2] for each in made],
        },
    ).all()


_RECORD_PAST = text(
    """
insert into pledge (cooperative_id, code, round_id, round_product_id, member_id, quantity,
  pledged_at, changed_at, withdrawn_at, tolerance, max_price_excl_cents, allotted_quantity,
  dropout, origin, instead_of_id, later_at, later_quantities)
select :cooperative_id, told.code, :round_id, told.product, told.member, told.quantity,
  told.pledged_at, coalesce(told.withdrawn_at, told.pledged_at), told.withdrawn_at,
  told.tolerance, told.most, told.allotted, told.dropout, told.origin, told.instead_of,
  told.later_at, told.later_quantities
from jsonb_to_recordset(cast(:pledges as jsonb)) as told (code text, product bigint,
  member bigint, quantity bigint, pledged_at timestamptz, withdrawn_at timestamptz,
  tolerance bigint, most bigint, allotted bigint, dropout text, origin text,
  instead_of bigint, later_at timestamptz[], later_quantities bigint[])
"""
)


def write_past_pledges(
    uow: UnitOfWork, round_id: int, pledges: Sequence[Mapping[str, object]]
) -> None:
    """Write pledges of a round that is long over, in one statement; see ``record_past_pledges``."""
    key = {"cooperative_id": uow.tenant, "round_id": round_id}
    uow.session.execute(_RECORD_PAST, key | {"pledges": json.dumps(pledges)})


def _told(terms: PledgeTerms) -> dict[str, int]:
    """The quantity, and of the rest what is said."""
    quantity, tolerance, most = terms
    told = {"quantity": quantity}
    if tolerance:
        told["tolerance"] = tolerance
    if most is not None:
        told["max_price_excl_cents"] = most
    return told
