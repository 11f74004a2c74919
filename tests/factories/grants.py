"""A round of carers' grants in a neighbourhood, by the real use cases."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from tests.factories.vouchers import Neighbourhood
from wijkeconomie.vouchers.grant_applying import Apply, apply_for_grant, refuse_application
from wijkeconomie.vouchers.grant_models import GrantPayout, GrantRefusal
from wijkeconomie.vouchers.grant_money import (
    GrantMoney,
    MoveGrantMoney,
    PayGrants,
    account_for_round,
    pay_grants,
    receive_grant_money,
    repay_grant_money,
)
from wijkeconomie.vouchers.grant_rules import receiver_hash
from wijkeconomie.vouchers.granting import (
    SaveGrantRound,
    close_round,
    decide_round,
    open_round,
    save_grant_round,
)

OPENS = date(2026, 1, 5)
CLOSES = date(2026, 1, 31)


def a_hash(person: str) -> str:
    """The hash of a person cared for who is known by his initials alone."""
    return receiver_hash("test", 1, initials=person, born_on=date(1941, 3, 9), postcode="3531 CJ")


@dataclass(frozen=True)
class Carers:
    """The round ``M26`` of EUR 1000, EUR 150 a person, in a neighbourhood."""

    place: Neighbourhood
    code: str = "M26"

    def set_up(self, **terms: Any) -> int:
        """The round, with vouchers beside euros unless told otherwise."""
        asked: dict[str, Any] = {
            "code": self.code,
            "name": "Mantelzorgwaardering 2026",
            "grantor": "Gemeente Utrecht",
            "budget_cents": 100_000,
            "person_cap_cents": 15_000,
            "opens_on": OPENS,
            "closes_on": CLOSES,
            "pays_to_bank": True,
            "scheme_code": "wijkmunt",
        }
        with self.place.books.open() as uow:
            return save_grant_round(uow, SaveGrantRound(**(asked | terms)))

    def apply(
        self,
        member: str,
        person: str,
        payout: GrantPayout = GrantPayout.ACCOUNT,
        key: str | None = None,
    ) -> int:
        """An application, typed in by a coordinator."""
        with self.place.books.open() as uow:
            return apply_for_grant(
                uow,
                Apply(
                    idempotency_key=key or uuid.uuid4().hex,
                    round_code=self.code,
                    carer_id=self.place.members[member],
                    receiver_hash=a_hash(person),
                    payout=payout,
                ),
            )

    def refuse(self, application: int, reason: GrantRefusal = GrantRefusal.NO_CARER) -> None:
        """Turn an application down."""
        with self.place.books.open() as uow:
            refuse_application(uow, application, reason)

    def decide(self) -> int:
        """Open and close the window, and decide."""
        with self.place.books.open() as uow:
            open_round(uow, self.code)
            close_round(uow, self.code)
            return decide_round(uow, self.code)

    def receive(self, cents: int) -> GrantMoney:
        """Money from the municipality."""
        with self.place.books.open() as uow:
            return receive_grant_money(uow, self._move(cents))

    def repay(self, cents: int) -> GrantMoney:
        """Money back to it."""
        with self.place.books.open() as uow:
            return repay_grant_money(uow, self._move(cents))

    def _move(self, cents: int) -> MoveGrantMoney:
        key = uuid.uuid4().hex
        return MoveGrantMoney(idempotency_key=key, round_code=self.code, cents=cents, on=OPENS)

    def pay(self, key: str = "pay grants") -> int:
        """Pay what was decided."""
        with self.place.books.open() as uow:
            command = PayGrants(idempotency_key=key, round_code=self.code, on=OPENS)
            return pay_grants(uow, command)

    def account(self) -> GrantMoney:
        """Tell the municipality."""
        with self.place.books.open() as uow:
            return account_for_round(uow, self.code, on=OPENS)

    def granted(self) -> dict[str, int]:
        """What each carer was granted in all, by number."""
        with self.place.books.open() as uow:
            rows = uow.session.execute(
                text(
                    "select m.code, sum(a.granted_cents) from grant_application a join member m"
                    " on m.cooperative_id = a.cooperative_id and m.id = a.member_id"
                    " where a.cooperative_id = :id and a.state = 'granted' group by m.code"
                ),
                {"id": uow.tenant},
            )
            return {code: int(cents) for code, cents in rows}
