"""Reads of payout runs: who can be paid, what was ordered, and what the bank has paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wijkeconomie.budgets.holding import owed_carers
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.investments.queries import owed_to_members
from wijkeconomie.payments.models import PayeeKind
from wijkeconomie.vouchers import grant_queries
from wijkeconomie.vouchers import queries as voucher_queries


@dataclass(frozen=True, slots=True)
class Payee:
    """Someone who is owed money, and where to pay it if that is known.

    ``party`` is the number of a merchant or member, the alias of a carer, or an application.
    ``came_back`` is the payment that did not arrive and is ordered anew.
    """

    party: str
    name: str
    iban: str | None
    cents: int
    came_back: CameBack | None = None

    @property
    def choice(self) -> str:
        """By what he is chosen: his number, or the reference of what came back."""
        return self.party if self.came_back is None else self.came_back.reference


@dataclass(frozen=True, slots=True)
class CameBack:
    """A payment that was called off or sent back, and was not ordered anew."""

    run_id: int
    position: int
    run_code: str
    reference: str
    purpose: str


def payees(
    session: Session, cooperative_id: int, kind: PayeeKind, round_code: str | None = None
) -> list[Payee]:
    """Who can be paid now, with what came back of earlier payments of this kind.

    Of grants, who chose the bank in a round that was decided; without a round, what came back.
    """
    if round_code is not None:
        return _owed(session, cooperative_id, kind, round_code)
    owed = [] if kind is PayeeKind.GRANT else _owed(session, cooperative_id, kind, None)
    return [*owed, *came_back(session, cooperative_id, kind)]


# A person as he is known now: another bank account may be why the payment came back.
_CAME_BACK = text(
    """
select o.party, coalesce(shop.name, carer.name, nullif(concat_ws(' ', member.first_name,
    member.infix, member.last_name), ''), o.name, o.party) as name,
  case r.kind when 'merchant' then shop.iban when 'carer' then coalesce(carer.iban, member.iban)
    else member.iban end as iban,
  o.cents, b.run_id, b.position, r.code, o.end_to_end_id, o.purpose
from payout_return b
join payout_order o on o.cooperative_id = b.cooperative_id and o.run_id = b.run_id
  and o.position = b.position
join payout_run r on r.cooperative_id = b.cooperative_id and r.id = b.run_id
left join merchant shop on r.kind = 'merchant' and shop.cooperative_id = b.cooperative_id
  and shop.code = o.party
left join carer on r.kind = 'carer' and carer.cooperative_id = b.cooperative_id
  and carer.alias = o.party
left join grant_application g on r.kind = 'grant' and g.cooperative_id = b.cooperative_id
  and cast(g.id as text) = o.party
left join member on member.cooperative_id = b.cooperative_id and (
  r.kind = 'member' and member.code = o.party
  or r.kind = 'carer' and member.id = carer.member_id
  or r.kind = 'grant' and member.id = g.member_id)
where b.cooperative_id = :id and r.kind = :kind and not exists (
  select from payout_order again where again.cooperative_id = b.cooperative_id
    and again.replaces_run_id = b.run_id and again.replaces_position = b.position)
order by b.run_id, b.position
"""
)


def came_back(session: Session, cooperative_id: int, kind: PayeeKind) -> list[Payee]:
    """Whose payment did not arrive and waits to be ordered anew, the oldest run first."""
    rows = session.execute(_CAME_BACK, {"id": cooperative_id, "kind": kind.value})
    return [Payee(row.party, row.name, row.iban, row.cents, CameBack(*row[4:])) for row in rows]


def _owed(
    session: Session, cooperative_id: int, kind: PayeeKind, round_code: str | None
) -> list[Payee]:
    if kind is PayeeKind.MERCHANT:
        shops = voucher_queries.merchants(session, cooperative_id)
        return [
            Payee(shop.code, shop.name, shop.iban, shop.owed_cents)
            for shop in shops
            if shop.owed_cents > 0
        ]
    if kind is PayeeKind.MEMBER:
        return [
            Payee(each.code, each.name, each.iban, each.cents)
            for each in owed_to_members(session, cooperative_id)
        ]
    if kind is PayeeKind.CARER:
        return [
            Payee(each.alias, each.name, each.iban, each.owed_cents)
            for each in owed_carers(session, cooperative_id)
            if each.owed_cents > 0
        ]
    if round_code is None:
        return []
    return [
        Payee(str(each.id), each.member_name, each.iban, each.granted_cents or 0)
        for each in grant_queries.applications_of_round(session, cooperative_id, round_code)
        if each.state == "granted" and each.payout == "bank" and each.granted_cents
    ]


def rounds_to_pay(session: Session, cooperative_id: int) -> list[tuple[str, str]]:
    """Rounds of carers' grants that were decided and not paid, by bank among others."""
    return [
        (each.code, each.name)
        for each in grant_queries.grant_rounds(session, cooperative_id)
        if each.state == "decided" and each.pays_to_bank
    ]


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with what it comes to, and what of it the bank has paid."""

    id: int
    code: str
    kind: str
    debtor_iban: str
    execute_on: date
    made_at: datetime
    payments: int
    total_cents: int
    settled_cents: int
    called_off_cents: int
    """What was called off before the bank paid it."""
    returned_cents: int
    """What the bank paid and sent back."""

    @property
    def is_settled(self) -> bool:
        """Whether the bank has paid all of it."""
        return self.settled_cents == self.total_cents

    @property
    def open_cents(self) -> int:
        """What waits for the bank."""
        return self.total_cents - self.settled_cents - self.called_off_cents


_RUNS = """
select r.id, r.code, r.kind, r.debtor_iban, r.execute_on, r.made_at, count(*),
  sum(o.cents)::bigint,
  coalesce(sum(o.cents) filter (where o.settled_on is not null), 0)::bigint,
  coalesce(sum(o.cents) filter (where o.settled_on is null and b.run_id is not null), 0)::bigint,
  coalesce(sum(o.cents) filter (where o.settled_on is not null and b.run_id is not null), 0)::bigint
from payout_run r
join payout_order o on o.cooperative_id = r.cooperative_id and o.run_id = r.id
left join payout_return b on b.cooperative_id = o.cooperative_id and b.run_id = o.run_id
  and b.position = o.position
where r.cooperative_id = :id and {chosen}
group by r.cooperative_id, r.id order by r.number desc limit :limit
""".replace("::", r"\:\:")


def payout_runs(session: Session, cooperative_id: int, *, limit: int = 30) -> list[RunView]:
    """The last runs, the newest first."""
    values = {"id": cooperative_id, "limit": limit}
    return [RunView(*row) for row in session.execute(text(_RUNS.format(chosen="true")), values)]


def payout_run(session: Session, cooperative_id: int, code: str) -> RunView:
    """One run.

    Raises:
        NotFoundError: there is none with this code.
    """
    statement = text(_RUNS.format(chosen="r.code = :code"))
    values = {"id": cooperative_id, "code": code, "limit": 1}
    row = session.execute(statement, values).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no payout run {code}", code=code)
    return RunView(*row)


@dataclass(frozen=True, slots=True)
class OrderView:
    """One payment of a run; name and account of a carer's grant are erased once it was paid."""

    position: int
    end_to_end_id: str
    party: str | None
    name: str | None
    iban: str | None
    cents: int
    purpose: str
    settled_on: date | None
    entry_number: int | None
    returned_on: date | None
    """The day on which it was called off or came back."""
    return_reason: str | None
    ordered_anew: str | None
    """The run that orders it anew."""

    @property
    def is_open(self) -> bool:
        """Whether it waits for the bank."""
        return self.settled_on is None and self.returned_on is None


_ORDERS = text(
    """
select o.position, o.end_to_end_id, o.party, o.name, o.iban, o.cents, o.purpose, o.settled_on,
  o.entry_number, b.returned_on, b.reason, r.code
from payout_order o
left join payout_return b on b.cooperative_id = o.cooperative_id and b.run_id = o.run_id
  and b.position = o.position
left join payout_order again on again.cooperative_id = o.cooperative_id
  and again.replaces_run_id = o.run_id and again.replaces_position = o.position
left join payout_run r on r.cooperative_id = again.cooperative_id and r.id = again.run_id
where o.cooperative_id = :id and o.run_id = :run order by o.position
"""
)


def orders_of_run(session: Session, cooperative_id: int, run_id: int) -> list[OrderView]:
    """The payments of a run in their order."""
    rows = session.execute(_ORDERS, {"id": cooperative_id, "run": run_id})
    return [OrderView(*row) for row in rows]


def last_account(session: Session, cooperative_id: int, account_key: str) -> str | None:
    """The bank account from which payees of this account of the books were paid last."""
    kinds = [kind.value for kind in PayeeKind if kind.account_key == account_key]
    found: str | None = session.scalar(
        text(
            "select debtor_iban from payout_run where cooperative_id = :id"
            " and kind = any(cast(:kinds as text[])) order by number desc limit 1"
        ),
        {"id": cooperative_id, "kinds": kinds},
    )
    return found


def run_of_reference(session: Session, cooperative_id: int, reference: str) -> str | None:
    """The code of the run that a bank line is about: of the run, or of one of its payments."""
    found: str | None = session.scalar(
        text(
            "select r.code from payout_run r where r.cooperative_id = :id and (r.code = :reference"
            " or exists (select from payout_order o where o.cooperative_id = r.cooperative_id"
            " and o.run_id = r.id and o.end_to_end_id = :reference))"
        ),
        {"id": cooperative_id, "reference": reference},
    )
    return found
