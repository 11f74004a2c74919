"""The screen, the PDF, the CSV and the books tell the same amounts of a settled round."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import text

from tests.conftest import Clock
from tests.factories.people import sign_up
from tests.integration.test_web_pages import signed_in
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.money.amounts import format_amount, parse_amount
from wijkeconomie.purchasing.settlement_preview import require_agreement
from wijkeconomie.purchasing.settling import preview_settlement


def plain(words: str) -> str:
    return re.sub(r"\s+", " ", words.replace("\xa0", " "))


@pytest.mark.parametrize("code", ["MRS-R01", "MRS-R02", "MRS-R03"])
def test_screen_pdf_csv_and_books_tell_each_member_the_same_amount(
    site: Flask, city: Runtime, clock: Clock, code: str
) -> None:
    clock.set(datetime(2026, 5, 2, tzinfo=UTC))
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        tenant = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=tenant) as uow:
        round_id = uow.session.scalars(
            text("select id from purchase_round where code = :code"), {"code": code}
        ).one()
        preview = preview_settlement(uow, round_id)
        require_agreement(preview)
        booked = {
            row[0]: row[1]
            for row in uow.session.execute(
                text(
                    "select split_part(a.code, ':', 2), p.amount from round_settlement s"
                    " join posting p on p.cooperative_id = s.cooperative_id"
                    " and p.entry_number = s.entry_number"
                    " join account a on a.cooperative_id = p.cooperative_id"
                    " and a.id = p.account_id and a.key = 'member_account'"
                    " where s.round_id = :id and s.reversal_number is null"
                    " and a.code like '%:%'"
                ),
                {"id": round_id},
            )
        }
    told = {each.code: each.gross_cents for each in preview.members if each.gross_cents}
    assert told == booked
    assert sum(booked.values()) == preview.result.members_gross_cents

    client = signed_in(site, sign_up(city, "MRS", "Bram", Role.COORDINATOR, Role.TREASURER))
    base = f"/c/MRS/books/rounds/{code}"
    page = plain(client.get(base).get_data(as_text=True))
    document = PdfReader(io.BytesIO(client.get(f"{base}.pdf").data))
    pdf = plain(" ".join(each.extract_text() for each in document.pages))
    rows = csv.DictReader(io.StringIO(client.get(f"{base}.csv").get_data(as_text=True)))
    listed = {
        row["code"]: parse_amount(row["gross"]) for row in rows if row["row_type"] == "member"
    }
    assert {member: cents for member, cents in listed.items() if cents} == booked
    for cents in (*booked.values(), sum(booked.values())):
        amount = plain(format_amount(cents, "nl"))
        assert amount in page
        assert amount.removeprefix("€ ") in pdf
