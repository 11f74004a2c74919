"""A neighbourhood with members, merchants and vouchers, by the real use cases."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.factories.books import Books, open_books_of_a_new_cooperative
from tests.factories.settled_rounds import some_members
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.vouchers.answers import Answer, Redeem
from wijkeconomie.vouchers.expiring import expire_vouchers
from wijkeconomie.vouchers.funds import SaveFund, save_fund
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers, issue_vouchers
from wijkeconomie.vouchers.keeping import SaveMerchant, save_merchant
from wijkeconomie.vouchers.kinds import SaveScheme, save_scheme
from wijkeconomie.vouchers.meters import Circulation, circulation
from wijkeconomie.vouchers.models import PaidBy, VatKind, VatMix
from wijkeconomie.vouchers.redeeming import redeem

IBAN = "NL02ABNA0123456789"
TODAY = date(2026, 1, 5)


@dataclass(frozen=True)
class Neighbourhood:
    """Members with vouchers of the kind ``wijkmunt``, and merchants who accept them."""

    books: Books
    members: Mapping[str, int]

    def scheme(self, code: str, **terms: Any) -> None:
        """A kind of voucher."""
        with self.books.open() as uow:
            save_scheme(uow, SaveScheme(code=code, name=code, **terms))

    def single_purpose(self, code: str = "groente", rate: int = 900) -> None:
        """A kind of one rate."""
        self.scheme(code, vat_kind=VatKind.SPV, vat_basis_points=rate)

    def merchant(self, code: str, *, fee: int = 0, contacts: tuple[str, ...] = ()) -> None:
        """A merchant of the list."""
        with self.books.open() as uow:
            save_merchant(
                uow,
                SaveMerchant(
                    code=code,
                    name=f"Winkel {code}",
                    iban=IBAN,
                    vat_mix=VatMix.BOTH,
                    fee_basis_points=fee,
                    contacts=contacts,
                ),
            )

    def fund(self, code: str = "G1", granted: int = 100_000, **terms: Any) -> None:
        """A fund of the municipality."""
        with self.books.open() as uow:
            save_fund(
                uow,
                SaveFund(
                    code=code, name="mantelzorg", grantor="Gemeente", granted_minor=granted, **terms
                ),
            )

    def issue(
        self,
        code: str,
        face: int,
        *,
        member: str = "L001",
        scheme: str = "wijkmunt",
        paid_by: PaidBy = PaidBy.BANK,
        fund: str | None = None,
        on: date = TODAY,
        until: date | None = None,
    ) -> int:
        """One voucher; the number of its entry."""
        with self.books.open() as uow:
            return issue_vouchers(
                uow,
                IssueVouchers(
                    idempotency_key=f"issue/{code}/{face}",
                    scheme_code=scheme,
                    paid_by=PaidBy.FUND if fund else paid_by,
                    fund_code=fund,
                    issued_on=on,
                    grants=(
                        Grant(
                            member_id=self.members[member],
                            face_minor=face,
                            code=code,
                            expires_on=until,
                        ),
                    ),
                ),
            )

    def redeem(
        self,
        voucher: str,
        amount: int,
        *,
        merchant: str = "W1",
        on: date = TODAY,
        key: str | None = None,
    ) -> Answer:
        """Pay with one voucher; the answer, whatever it is."""
        with self.books.open() as uow:
            return redeem(
                uow,
                Redeem(
                    idempotency_key=key or uuid.uuid4().hex,
                    merchant_code=merchant,
                    amount_minor=amount,
                    voucher_code=voucher,
                    on=on,
                ),
            )

    def expire(self, day: date) -> dict[str, int]:
        """Let expire what was valid until before a day."""
        with self.books.open() as uow:
            return expire_vouchers(uow, day)

    def held(self, voucher: str, unit: str = "EUR") -> int:
        """What a voucher holds, by the books."""
        with self.books.open() as uow:
            code = f"16535:{voucher}"
            return -ledger.account_balance(uow.session, uow.tenant, code, unit=unit)

    def balance(self, account: str) -> int:
        """An account's balance, a debit positive."""
        return self.books.balance(account)

    def circulation(self) -> dict[str, Circulation]:
        """Vouchers by unit."""
        with self.books.open() as uow:
            return {each.unit: each for each in circulation(uow.session, uow.tenant)}


def a_neighbourhood(units_of_work: UnitOfWorkFactory, *, members: int = 3) -> Neighbourhood:
    """Three members, two merchants and the plain kind of voucher, valid for a year."""
    books = open_books_of_a_new_cooperative(units_of_work)
    place = Neighbourhood(books, some_members(books, members))
    place.scheme("wijkmunt")
    place.merchant("W1", fee=150)
    place.merchant("W2")
    return place
