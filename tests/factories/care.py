"""A cooperative with care budgets, made by the real use cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.conftest import Clock
from tests.factories.books import Books, open_books_of_a_new_cooperative
from tests.factories.settled_rounds import some_members
from wijkeconomie.budgets.declaring import Declare, Declared, declare
from wijkeconomie.budgets.keeping import (
    DecideAgreement,
    SaveAgreement,
    SaveBudget,
    SaveCarer,
    decide_agreement,
    save_agreement,
    save_budget,
    save_carer,
)
from wijkeconomie.budgets.models import CareLaw
from wijkeconomie.core.unit_of_work import UnitOfWork, UnitOfWorkFactory

JANUARY = date(2026, 1, 1)
INSURER = "Zilveren Kruis"
"""Who pays budgets of the Zvw here, unless a test says otherwise."""


@dataclass(frozen=True)
class CareHome:
    """Members of whom some have a budget and one gives care."""

    books: Books
    members: Mapping[str, int]

    @contextmanager
    def open(self) -> Iterator[UnitOfWork]:
        with self.books.open() as uow:
            yield uow

    def budget(
        self, cents: int = 100_000, *, holder: str = "L001", law: CareLaw = CareLaw.ZVW, **more: Any
    ) -> int:
        with self.open() as uow:
            return save_budget(
                uow,
                SaveBudget(
                    code=more.pop("code", f"B-{holder}-{law.value}"),
                    holder_id=self.members[holder],
                    law=law,
                    starts_on=more.pop("starts_on", date(2026, 1, 1)),
                    ends_on=more.pop("ends_on", date(2026, 12, 31)),
                    budget_cents=cents,
                    payer_name=more.pop("payer_name", INSURER if law is CareLaw.ZVW else None),
                    **more,
                ),
            )

    def carer(self, name: str | None = "Zorg aan Huis", **more: Any) -> int:
        with self.open() as uow:
            return save_carer(uow, SaveCarer(name=name, **more))

    def agreement(
        self, budget: int, carer: int, *, rate: int = 4250, approved: bool = True, **more: Any
    ) -> int:
        with self.open() as uow:
            found = save_agreement(
                uow,
                SaveAgreement(budget_id=budget, carer_id=carer, hourly_rate_cents=rate, **more),
            )
            if approved:
                decide_agreement(
                    uow,
                    DecideAgreement(
                        agreement_id=found,
                        is_approved=True,
                        decided_on=date(2025, 12, 1),
                        decided_by="zorgverzekeraar",
                    ),
                )
        return found

    def declare(
        self, agreement: int, minutes: int, *, month: date = JANUARY, **more: Any
    ) -> Declared:
        with self.open() as uow:
            return declare(
                uow, Declare(agreement_id=agreement, month=month, minutes=minutes, **more)
            )


def a_care_home(
    units_of_work: UnitOfWorkFactory, clock: Clock | None = None, *, members: int = 3
) -> CareHome:
    """A new cooperative with members and no budget yet."""
    books = open_books_of_a_new_cooperative(units_of_work)
    return CareHome(books, some_members(books, members))
