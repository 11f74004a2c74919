"""Reads of carers' grants: rounds, applications, and the report, in which nobody is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.ledger.queries import account_lines, party_codes
from wijkeconomie.vouchers.grant_models import GrantPayout, GrantRefusal

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class RoundView:
    """A round as it stands."""

    id: int
    code: str
    name: str
    grantor: str
    budget_cents: int
    person_cap_cents: int
    carer_cap_cents: int | None
    carer_limit: int | None
    is_one_per_carer: bool
    budget_rule: str
    opens_on: date
    closes_on: date
    pays_to_account: bool
    pays_to_bank: bool
    pays_by_voucher: bool
    keep_days: int
    state: str
    reserved_cents: int
    granted_cents: int | None
    granted_carers: int | None
    accounted_on: date | None
    erased_at: datetime | None
    applications: int

    def takes_on(self, day: date) -> bool:
        """Whether one can apply on a day."""
        return self.state in {"planned", "open"} and self.opens_on <= day <= self.closes_on

    @property
    def erased_from(self) -> date | None:
        """The first day on which applicants are erased, once it is known."""
        if self.accounted_on is None:
            return None
        return self.accounted_on + timedelta(days=self.keep_days)

    @property
    def payouts(self) -> tuple[GrantPayout, ...]:
        """The ways to be paid that it offers."""
        offered = {
            GrantPayout.VOUCHER: self.pays_by_voucher,
            GrantPayout.ACCOUNT: self.pays_to_account,
            GrantPayout.BANK: self.pays_to_bank,
        }
        return tuple(way for way, is_offered in offered.items() if is_offered)


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application; of the person cared for nothing is known but a number in the round."""

    id: int
    round_code: str
    round_name: str
    round_state: str
    person: int
    member_id: int | None
    member_code: str | None
    member_name: str
    iban: str | None
    payout: str
    is_typed_in: bool
    applied_on: date
    state: str
    refusal: str | None
    granted_cents: int | None
    voucher_code: str | None


@dataclass(frozen=True, slots=True)
class GrantReport:
    """What the municipality is told: money in full, people as counts."""

    round: RoundView
    received_cents: int
    spent_cents: int
    lapsed_cents: int
    repaid_cents: int
    left_cents: int
    persons: int
    carers: int
    by_outcome: Mapping[str, int]
    """How many applications were granted, wait, or were refused for which reason."""
    by_payout: Mapping[str, int]
    cents_by_payout: Mapping[str, int]

    @property
    def to_receive_cents(self) -> int:
        """What the municipality owes still."""
        return self.round.budget_cents - self.received_cents - self.lapsed_cents


_ROUNDS = """
select r.id, r.code, r.name, r.grantor, r.budget_cents, r.person_cap_cents, r.carer_cap_cents,
  r.carer_limit, r.is_one_per_carer, r.budget_rule, r.opens_on, r.closes_on, r.pays_to_account,
  r.pays_to_bank, r.scheme_id is not null, r.keep_days, r.state, r.reserved_cents,
  r.granted_cents, r.granted_carers, r.accounted_on, r.erased_at,
  (select count(*) from grant_application a
   where a.cooperative_id = r.cooperative_id and a.round_id = r.id)
from grant_round r where r.cooperative_id = :id and {chosen} order by r.opens_on desc, r.id desc
"""
_ALL = text(_ROUNDS.format(chosen="true"))
_BY_CODE = text(_ROUNDS.format(chosen="r.code = :code"))


def grant_rounds(session: Session, cooperative_id: int) -> list[RoundView]:
    """The rounds, the newest first."""
    return [RoundView(*row) for row in session.execute(_ALL, {"id": cooperative_id})]


def grant_round(session: Session, cooperative_id: int, code: str) -> RoundView:
    """One round.

    Raises:
        NotFoundError: there is none with this code.
    """
    row = session.execute(_BY_CODE, {"id": cooperative_id, "code": code}).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no round {code}", code=code)
    return RoundView(*row)


_APPLICATIONS = """
select a.id, r.code, r.name, r.state, p.number, a.member_id, m.code,
  concat_ws(' ', m.first_name, m.infix, m.last_name), m.iban, a.payout, a.is_typed_in,
  a.applied_on, a.state, a.refusal, a.granted_cents, a.voucher_code
from grant_application a
join grant_round r on r.cooperative_id = a.cooperative_id and r.id = a.round_id
join grant_receiver p on p.cooperative_id = a.cooperative_id and p.id = a.receiver_id
left join member m on m.cooperative_id = a.cooperative_id and m.id = a.member_id
where a.cooperative_id = :id and {chosen} order by {order}
"""
_OF_ROUND = text(_APPLICATIONS.format(chosen="r.code = :whose", order="p.number, a.id"))
_OF_MEMBER = text(_APPLICATIONS.format(chosen="a.member_id = :whose", order="a.id desc"))
_ONE = text(_APPLICATIONS.format(chosen="a.id = :whose", order="a.id"))


def applications_of_round(
    session: Session, cooperative_id: int, code: str
) -> list[ApplicationView]:
    """The applications of a round, by person, who applied first first."""
    rows = session.execute(_OF_ROUND, {"id": cooperative_id, "whose": code})
    return [ApplicationView(*row) for row in rows]


def applications_of_member(
    session: Session, cooperative_id: int, member_id: int
) -> list[ApplicationView]:
    """A member's own applications, the newest first."""
    rows = session.execute(_OF_MEMBER, {"id": cooperative_id, "whose": member_id})
    return [ApplicationView(*row) for row in rows]


def grant_application(session: Session, cooperative_id: int, number: int) -> ApplicationView:
    """One application; there must be one."""
    return ApplicationView(*session.execute(_ONE, {"id": cooperative_id, "whose": number}).one())


_OUTCOMES = text(
    """
select coalesce(refusal, state), payout, count(*), coalesce(sum(granted_cents), 0)
from grant_application where cooperative_id = :id and round_id = :round group by 1, 2
"""
)
_PERSONS = text(
    """
select count(distinct receiver_id) from grant_application
where cooperative_id = :id and round_id = :round and state = 'granted'
"""
)


def grant_report(session: Session, cooperative_id: int, code: str) -> GrantReport:
    """The accounting for a round. It stays the same when applicants are erased.

    Raises:
        NotFoundError: there is none with this code.
    """
    round_ = grant_round(session, cooperative_id, code)
    values = {"id": cooperative_id, "round": round_.id}
    outcomes = dict.fromkeys(["granted", "applied", *GrantRefusal], 0)
    counts, cents = dict.fromkeys(map(str, GrantPayout), 0), dict.fromkeys(map(str, GrantPayout), 0)
    for outcome, payout, count, granted in session.execute(_OUTCOMES, values):
        outcomes[outcome] += count
        if outcome == "granted":
            counts[payout] += count
            cents[payout] += int(granted)
    left = _by_kind(session, cooperative_id, "subsidies", code)
    receivable = _by_kind(session, cooperative_id, "subsidy_receivable", code)
    apart = {"grant.awarded", "grant.lapsed", "grant.repaid"}
    return GrantReport(
        round=round_,
        received_cents=-receivable.get("grant.received", 0),
        spent_cents=sum(amount for kind, amount in left.items() if kind not in apart),
        lapsed_cents=left.get("grant.lapsed", 0),
        repaid_cents=left.get("grant.repaid", 0),
        left_cents=-sum(left.values()),
        persons=session.scalar(_PERSONS, values) or 0,
        carers=round_.granted_carers or 0,
        by_outcome={str(outcome): count for outcome, count in outcomes.items()},
        by_payout=counts,
        cents_by_payout=cents,
    )


def _by_kind(session: Session, cooperative_id: int, key: str, code: str) -> dict[str, int]:
    codes = party_codes(session, cooperative_id, key, [code])
    sums: dict[str, int] = {}
    for line in account_lines(
        session, cooperative_id, list(codes.values()), from_=FIRST_DAY, until=LAST_DAY
    ):
        sums[line.kind] = sums.get(line.kind, 0) + line.amount
    return sums
