"""A cooperative with keys, costs and members, settled by the real use cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from tests.factories.books import Books, open_books_of_a_new_cooperative
from tests.factories.settled_rounds import some_members
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.costs.keeping import RecordCost, record_cost
from wijkeconomie.costs.keys import MemberTerms, SaveKeyVersion, save_key_version
from wijkeconomie.costs.models import Basis
from wijkeconomie.costs.recording import Publication
from wijkeconomie.costs.settling import settle_month
from wijkeconomie.ledger import queries as ledger

JANUARY = date(2026, 1, 1)


@dataclass(frozen=True)
class House:
    """Members who share costs."""

    books: Books
    members: Mapping[str, int]

    def key(
        self,
        code: str = "equal",
        basis: Basis = Basis.EQUAL,
        *,
        weights: Sequence[str] = (),
        since: date = date(2020, 1, 1),
        **terms: Any,
    ) -> None:
        """A version of a key; ``weights`` are in order of the members."""
        own = [
            MemberTerms(member_id=member_id, weight=weight)
            for member_id, weight in zip(self.members.values(), weights, strict=False)
        ]
        with self.books.open() as uow:
            save_key_version(
                uow,
                SaveKeyVersion(
                    code=code, name=code, valid_from=since, basis=basis, members=own, **terms
                ),
            )

    def cost(
        self, code: str, cents: int, *, key: str = "equal", month: date = JANUARY, vat: int = 0
    ) -> int:
        """A cost that waits, ``cents`` without the VAT."""
        with self.books.open() as uow:
            return record_cost(
                uow,
                RecordCost(
                    code=code,
                    month=month,
                    description=f"kosten {code}",
                    key_code=key,
                    net_cents=cents,
                    vat_cents=vat,
                    vat_basis_points=2100 if vat else None,
                ),
            )

    def settle(self, month: date = JANUARY) -> tuple[str, ...]:
        """Settle a month; the codes of what was settled."""
        with self.books.open() as uow:
            settled = settle_month(uow, month, Publication.LATER)
            return settled.costs if settled is not None else ()

    def shares(self, code: str) -> list[int]:
        """What the standing settlement of a cost gives each member, in order."""
        with self.books.open() as uow:
            return list(
                uow.session.scalars(
                    text(
                        "select unnest(b.cents) from cost_share_block b"
                        " join cost_settlement s on s.cooperative_id = b.cooperative_id"
                        " and s.id = b.settlement_id"
                        " join shared_cost c on c.cooperative_id = s.cooperative_id"
                        " and c.id = s.cost_id and c.settled_version = s.version"
                        " where b.cooperative_id = :id and c.code = :code"
                    ),
                    {"id": uow.tenant, "code": code},
                )
            )

    def owed(self, member: str) -> int:
        """What a member owes."""
        with self.books.open() as uow:
            found = ledger.party_balances(uow.session, uow.tenant, "member_account")
            return found.get(member, 0)


def a_house(units_of_work: UnitOfWorkFactory, *, members: int = 3) -> House:
    """A new cooperative with an equal key."""
    books = open_books_of_a_new_cooperative(units_of_work)
    house = House(books, some_members(books, members))
    house.key()
    return house
