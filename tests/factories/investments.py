"""A cooperative with a campaign and members who take part, by the real use cases."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from tests.factories.books import Books, open_books_of_a_new_cooperative
from tests.factories.settled_rounds import some_members
from wijkeconomie.app import COST_SHARING
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.investments.building import (
    DrawForInvoice,
    PutIntoUse,
    draw_for_invoice,
    put_into_use,
)
from wijkeconomie.investments.campaigns import OpenCampaign, close_campaign, open_campaign
from wijkeconomie.investments.disposing import DisposalPreview, DisposeAsset, dispose_asset
from wijkeconomie.investments.models import DisposalKind, Instrument
from wijkeconomie.investments.participating import Subscribe, receive_payment, subscribe
from wijkeconomie.investments.results import ShareResult, share_project_result
from wijkeconomie.ledger import queries as ledger

OPENS = date(2026, 1, 1)
CLOSES = date(2026, 1, 31)
PAID = date(2026, 1, 5)
PRICE = 25000


@dataclass(frozen=True)
class Roof:
    """A campaign for solar panels, called ``ZON``."""

    books: Books
    members: Mapping[str, int]
    code: str = "ZON"

    def take(self, member: str, units: int) -> str:
        """Units for a member, not paid yet."""
        with self.books.open() as uow:
            command = Subscribe(
                idempotency_key=uuid.uuid4().hex,
                project_code=self.code,
                member_id=self.members[member],
                units=units,
            )
            return subscribe(uow, command)

    def pay(self, participation: str, on: date = PAID) -> bool:
        """Whether it counts from now on."""
        with self.books.open() as uow:
            return receive_payment(uow, participation, on)

    def buy(self, **units: int) -> list[str]:
        """Units that members took and paid, by member number."""
        codes = [self.take(member, count) for member, count in units.items()]
        for code in codes:
            self.pay(code)
        return codes

    def close(self) -> str:
        """Decide the campaign."""
        with self.books.open() as uow:
            return close_campaign(uow, self.code).value

    def draw(self, net: int, *, vat: int = 0, document: str = "F-1") -> int:
        """An invoice of the installer."""
        with self.books.open() as uow:
            return draw_for_invoice(
                uow,
                DrawForInvoice(
                    project_code=self.code,
                    supplier_code="S1",
                    document=document,
                    description="Zonnepanelen",
                    net_cents=net,
                    vat_cents=vat,
                    drawn_on=date(2026, 2, 10),
                ),
            )

    def put_into_use(self, *, life: int = 120, residual: int = 0, code: str = "DAK") -> int:
        """The invoices that wait, in use from March."""
        with self.books.open() as uow:
            return put_into_use(
                uow,
                PutIntoUse(
                    project_code=self.code,
                    code=code,
                    name="Zonnedak",
                    in_use_from=date(2026, 3, 1),
                    life_months=life,
                    residual_cents=residual,
                ),
            )

    def dispose(
        self, on: date, proceeds: int = 0, *, code: str = "DAK", **more: Any
    ) -> DisposalPreview:
        """It is sold for what it brings with VAT, or scrapped when that is nothing."""
        kind = DisposalKind.SOLD if proceeds else DisposalKind.SCRAPPED
        with self.books.open() as uow:
            return dispose_asset(
                uow,
                DisposeAsset(
                    asset_code=code,
                    kind=kind,
                    disposed_on=on,
                    proceeds_cents=proceeds,
                    reason="vervangen",
                    **more,
                ),
                COST_SHARING,
            )

    def share(self, cents: int, year: int = 2026) -> dict[str, int]:
        """A result shared over the units; what each member gets."""
        with self.books.open() as uow:
            result = share_project_result(
                uow,
                ShareResult(
                    project_code=self.code,
                    year=year,
                    cents=cents,
                    accounting_date=date(year, 12, 31),
                ),
            )
            rows = uow.session.execute(
                text(
                    "select m.code, s.cents from result_share s join member m"
                    " on m.cooperative_id = s.cooperative_id and m.id = s.member_id"
                    " where s.cooperative_id = :id and s.result_id = :result order by m.code"
                ),
                {"id": uow.tenant, "result": result},
            )
            return {row.code: row.cents for row in rows}

    def leave(self, member: str, on: date) -> None:
        """A member leaves the cooperative."""
        with self.books.open() as uow:
            uow.session.execute(
                text("update member set left_on = :on where cooperative_id = :id and code = :code"),
                {"id": uow.tenant, "on": on, "code": member},
            )

    def balances(self, key: str) -> dict[str, int]:
        """What stands on the parts of an account, a debit positive; nothing is left out."""
        with self.books.open() as uow:
            found = ledger.party_balances(uow.session, uow.tenant, key)
            return {party: cents for party, cents in found.items() if cents}

    def count(self, column: str) -> Any:
        """A column of the project."""
        with self.books.open() as uow:
            return uow.session.scalar(
                text(
                    f"select {column} from investment_project"
                    " where cooperative_id = :id and code = :code"
                ),
                {"id": uow.tenant, "code": self.code},
            )


def a_roof(units_of_work: UnitOfWorkFactory, *, members: int = 3, **terms: Any) -> Roof:
    """A campaign of 20 units of EUR 250, all or nothing, unless ``terms`` tell otherwise."""
    books = open_books_of_a_new_cooperative(units_of_work)
    roof = Roof(books, some_members(books, members))
    open_roof(books, **terms)
    return roof


def open_roof(books: Books, **terms: Any) -> None:
    """The campaign in books that are there."""
    values: dict[str, Any] = {
        "code": "ZON",
        "name": "Zonnedak op de gymzaal",
        "instrument": Instrument.EQUITY,
        "unit_price_cents": PRICE,
        "target_units": 20,
        "stage_units": 20,
        "opens_on": OPENS,
        "closes_on": CLOSES,
    }
    with books.open() as uow:
        open_campaign(uow, OpenCampaign(**(values | terms)))
