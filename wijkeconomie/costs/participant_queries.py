"""Who shares a cost, and with what weight, as columns: one row of arrays, however many members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.round_trips import Read, read_together
from wijkeconomie.ledger.queries import read_party_account_ids
from wijkeconomie.money.periods import Period


@dataclass(frozen=True, slots=True)
class Participants:
    """The members of a month in order of their number, as columns.

    ``account_ids`` has ``None`` where a member has no account yet; ``days`` counts the days of
    membership in the month; the rest are a member's own terms in a version of a key.
    """

    ids: Sequence[int]
    codes: Sequence[str]
    account_ids: Sequence[int | None]
    days: Sequence[int]
    households: Sequence[int | None]
    floor_areas: Sequence[int | None]
    has_low_income: Sequence[bool]
    weights: Sequence[str | None]
    minimums: Sequence[int | None]
    caps: Sequence[int | None]

    def __len__(self) -> int:
        return len(self.ids)


_MEMBERS = text(
    """
select array_agg(id order by code) as ids, array_agg(code order by code) as codes,
  array_agg(least(coalesce(left_on, :last), :last) - greatest(joined_on, :first) + 1
    order by code) as days,
  array_agg(household_size order by code) as households,
  array_agg(dwelling_m2 order by code) as floor_areas,
  array_agg(coalesce(income_band = 'laag', false) order by code) as has_low_income
from member
where cooperative_id = :cooperative_id and joined_on <= :last
  and (left_on is null or left_on >= :first)
  and id <> all (array(select member_id from allocation_weight
    where cooperative_id = :cooperative_id and version_id = :version_id and is_excluded))
  and (not :only_named or id = any(array(select member_id from allocation_weight
    where cooperative_id = :cooperative_id and version_id = :version_id)))
"""
)
_TERMS = text(
    "select member_id, weight, minimum_cents, cap_cents from allocation_weight"
    " where cooperative_id = :cooperative_id and version_id = :version_id"
)


def participants(
    session: Session,
    cooperative_id: int,
    version_id: int,
    month: Period,
    *,
    only_named: bool = False,
) -> Participants:
    """Who was a member on at least one day of the month and is not left out by the key.

    ``only_named``: of them only those that the version has terms for, as in a small group.

    Members, terms and accounts are read apart, in one round trip, and joined here, which takes
    the same time a member whatever the statistics of a new cooperative say.
    """
    version = {"cooperative_id": cooperative_id, "version_id": version_id}
    days = {"first": month.start, "last": month.end - timedelta(days=1)}
    columns, own, accounts = read_together(
        session,
        [
            Read(_MEMBERS, version | days | {"only_named": only_named}, lambda rows: rows[0]),
            Read(_TERMS, version, lambda rows: {member_id: terms for member_id, *terms in rows}),
            read_party_account_ids(cooperative_id, "member_account"),
        ],
    )
    ids, codes, *rest = (column or [] for column in columns)
    nothing = (None, None, None)
    return Participants(
        ids,
        codes,
        [accounts.get(code) for code in codes],
        *rest,
        *(
            [own.get(member_id, nothing)[place] for member_id in ids] if own else [None] * len(ids)
            for place in range(len(nothing))
        ),
    )


def carried_cents(
    session: Session, cooperative_id: int, key_id: int, member_ids: Sequence[int]
) -> list[Fraction]:
    """What each member carries on from earlier settlements of a key; 0 without any."""
    known = {
        row.member_id: Fraction(row.cents)
        for row in session.execute(
            text(
                "select member_id, cents from allocation_carry"
                " where cooperative_id = :cooperative_id and key_id = :key_id"
            ),
            {"cooperative_id": cooperative_id, "key_id": key_id},
        )
    }
    return [known.get(member_id, Fraction(0)) for member_id in member_ids]


def earmarked_cents(
    session: Session, cooperative_id: int, subsidy_id: int, member_ids: Sequence[int]
) -> list[int]:
    """What a subsidy sets apart for each member."""
    known: dict[int, int] = dict(
        session.execute(
            text(
                "select member_id, cents from subsidy_earmark"
                " where cooperative_id = :cooperative_id and subsidy_id = :subsidy_id"
            ),
            {"cooperative_id": cooperative_id, "subsidy_id": subsidy_id},
        ).all()
    )
    return [known.get(member_id, 0) for member_id in member_ids]
