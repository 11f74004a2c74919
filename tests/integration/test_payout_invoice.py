"""A payout is an invoice on paper that adds up, and a shop sees only its own."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from pypdf import PdfReader

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.factories.vouchers import Neighbourhood, a_neighbourhood
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.cooperatives.queries import CooperativeView, cooperative_by_code
from wijkeconomie.core.identity import Role
from wijkeconomie.core.refusals import NotFoundError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.vouchers.merchants import change_fee
from wijkeconomie.vouchers.paying_out import PayOut, pay_out
from wijkeconomie.vouchers.payout_document import render_payout_pdf
from wijkeconomie.vouchers.payout_queries import FeePart, payout_invoice


@pytest.fixture
def place(units_of_work: UnitOfWorkFactory, clock: Clock) -> Neighbourhood:
    clock.set(datetime(2026, 1, 10, 12, tzinfo=UTC))
    place = a_neighbourhood(units_of_work)
    place.issue("V1", 90_000)
    return place


def words_of(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split()).replace("\xa0", " ")


def cooperative(place: Neighbourhood) -> CooperativeView:
    with place.books.open() as uow:
        return cooperative_by_code(uow.session, place.books.code)


def test_an_invoice_tells_each_fee_its_tax_and_what_was_paid(
    place: Neighbourhood, clock: Clock
) -> None:
    place.redeem("V1", 10_000, on=date(2026, 1, 10))
    with place.books.open() as uow:
        change_fee(uow, "W1", fee_basis_points=500, valid_from=date(2026, 1, 11))
    clock.set(datetime(2026, 1, 12, 12, tzinfo=UTC))
    place.redeem("V1", 2000, on=date(2026, 1, 12))
    with place.books.open() as uow:
        number = pay_out(uow, PayOut(idempotency_key="uit-1", merchant_code="W1"))
        payout = payout_invoice(uow.session, uow.tenant, number)
        with pytest.raises(NotFoundError):
            payout_invoice(uow.session, uow.tenant, number + 1)

    told = words_of(render_payout_pdf(payout, cooperative(place)))
    english = words_of(render_payout_pdf(payout, cooperative(place), language="en"))
    exempt = replace(payout, fee_vat_cents=0)
    kor = words_of(render_payout_pdf(exempt, replace(cooperative(place), vat_regime="kor")))

    assert payout.parts == (FeePart(150, 10_000), FeePart(500, 2000))
    # 1.5 % of 100.00 and 5 % of 20.00 is 2.50, with 21 % tax 3.03 (0.525 goes up).
    assert (payout.fee_cents, payout.fee_vat_cents, payout.paid_cents) == (250, 53, 11_697)
    for words in ("vergoeding 1,5%", "vergoeding 5%", "Btw 21%", "€ 116,97", "€ -3,03", "KvK"):
        assert words in told, told
    assert "€ 120,00" in told
    assert "VAT 21%" in english
    assert "kleineondernemersregeling" in kor
    assert "Btw 21%" not in kor


def test_a_shop_sees_its_own_invoice_only(site: Flask, city: Runtime, clock: Clock) -> None:
    clock.set(datetime(2026, 7, 1, 10, tzinfo=UTC))
    treasurer = signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    shop = "/c/MRS/vouchers/merchants/MRS-W1"
    assert post(treasurer, f"{shop}/pay-out", form=shop, idempotency_key="k1")[0] == 303
    assert "payouts/1.pdf" in treasurer.get(shop).get_data(as_text=True)

    answer = treasurer.get("/c/MRS/vouchers/payouts/1.pdf")

    assert answer.mimetype == "application/pdf"
    assert "Uitbetaling en factuur 1" in words_of(answer.data)
    assert treasurer.get("/c/MRS/vouchers/payouts/9.pdf").status_code == 404
    assert member.get("/c/MRS/vouchers/payouts/1.pdf").status_code == 403
