"""Bills of a small group from a file into the books: by the page and by the command."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.factories.people import sign_up
from tests.integration.test_web_pages import TOKEN, post, signed_in
from wijkeconomie.app import command_line
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.verification import verify_books

SPLITWISE = """Date,Description,Category,Cost,Currency,Annelies,Bram,Zus

2025-11-03,Verf,Household supplies,10.00,EUR,6.67,-3.33,-3.34
2025-11-04,Gereedschap,General,24.00,EUR,-12.00,12.00,0.00
2025-11-06,Terug,Payment,5.00,EUR,5.00,-5.00,0.00
2025-11-08,Dollars,General,5.00,USD,5.00,-5.00,0.00

2025-11-08,Total balance, , ,EUR,-0.33,3.67,-3.34
"""
IHATEMONEY = json.dumps(
    [
        {
            "what": "barbecue",
            "bill_type": "Expense",
            "amount": 100.0,
            "currency": "XXX",
            "date": "2025-08-30",
            "payer_name": "Annelies",
            "payer_weight": 2.0,
            "owers": ["Annelies", "Bram", "Carlijn"],
        }
    ]
)


@pytest.fixture
def treasurer(site: Flask, city: Runtime) -> FlaskClient:
    return signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))


@contextmanager
def tenant(city: Runtime) -> Iterator[UnitOfWork]:
    test = system_identity("test")
    with city.units_of_work.begin(identity=test) as uow:
        found = cooperative_by_code(uow.session, "MRS").id
    with city.units_of_work.begin(identity=test, cooperative_id=found) as uow:
        yield uow


def balances(city: Runtime) -> dict[str, int]:
    with tenant(city) as uow:
        assert verify_books(uow.session, uow.tenant, "MRS").fault is None
        return dict(ledger.party_balances(uow.session, uow.tenant, "member_account"))


def changes(city: Runtime, before: dict[str, int]) -> dict[str, int]:
    return {
        code: cents - before.get(code, 0)
        for code, cents in balances(city).items()
        if cents != before.get(code, 0)
    }


def upload(client: FlaskClient, content: str) -> str:
    page = client.get("/c/MRS/small-group").get_data(as_text=True)
    token = TOKEN.search(page)
    assert token is not None
    answer = client.post(
        "/c/MRS/small-group",
        data={"csrf_token": token[1], "file": (io.BytesIO(content.encode()), "bonnen.csv")},
    )
    return answer.headers.get("Location", "") or answer.get_data(as_text=True)


def test_the_treasurer_says_who_is_who_sees_what_it_does_and_books_it(
    treasurer: FlaskClient, city: Runtime
) -> None:
    before = balances(city)
    where = upload(treasurer, SPLITWISE)
    page = treasurer.get(where).get_data(as_text=True)
    # First names of members are found by themselves; Zus is none of them.
    assert re.search(r'value="M101" selected', page)
    assert "het bedrag is niet in euro" in page
    assert "iemand die meedoet is geen lid" in page

    chosen = f"{where}?person-0=M101&person-1=M102&person-2=M103&on=2026-01-05"
    page = treasurer.get(chosen).get_data(as_text=True).replace("\xa0", " ")
    assert "Boek 2 bonnen en 1 terugbetaling" in page
    assert changes(city, before) == {}

    status, _ = post(treasurer, chosen, expected="3")
    assert status == 303
    assert changes(city, before) == {"M101": 33, "M102": -367, "M103": 334}
    # The file holds no names any more, and is not booked again.
    assert treasurer.get(where).status_code == 303
    with tenant(city) as uow:
        kept = uow.session.execute(text("select lines, booked_at from split_import")).one()
    assert kept.lines is None
    assert kept.booked_at is not None


def test_the_totals_of_the_file_are_compared(treasurer: FlaskClient) -> None:
    euros = "\n".join(line for line in SPLITWISE.splitlines() if "USD" not in line)
    chosen = "?person-0=M101&person-1=M102&person-2=M103&on=2026-01-05"
    page = treasurer.get(upload(treasurer, euros) + chosen).get_data(as_text=True)
    assert "Dit klopt met de totalen in het bestand" in page

    wrong = euros.replace("EUR,-0.33,3.67,-3.34", "EUR,-0.33,3.66,-3.33")
    page = treasurer.get(upload(treasurer, wrong) + chosen).get_data(as_text=True)
    assert "In het bestand staan andere totalen" in page


def test_what_was_booked_since_the_preview_is_told(treasurer: FlaskClient, city: Runtime) -> None:
    chosen = "?person-0=M101&person-1=M102&person-2=M103&on=2026-01-05"
    first, second = upload(treasurer, SPLITWISE) + chosen, upload(treasurer, SPLITWISE) + chosen
    page = treasurer.get(second).get_data(as_text=True)
    assert 'name="expected" value="3"' in page
    post(treasurer, first, expected="3")
    before = balances(city)

    # The second form was on the screen already.
    token = TOKEN.search(page)
    assert token is not None
    answer = treasurer.post(second, data={"csrf_token": token[1], "expected": "3"})
    assert answer.status_code == 303
    page = treasurer.get(second).get_data(as_text=True)
    assert "Er is intussen iets geboekt" in page
    assert "Er is niets te boeken" in page
    assert changes(city, before) == {}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("person-0=M101&person-1=M102&person-2=M103&weight-1=veel&on=2026-01-05", "Een gewicht is"),
        ("person-0=M101&person-1=M102&person-2=M103&on=1999-01-05", "is geen lid in die maand"),
        ("person-0=&person-1=&person-2=&on=2026-01-05", "Bekijk wat het doet"),
    ],
)
def test_what_cannot_be_booked_is_said(treasurer: FlaskClient, query: str, words: str) -> None:
    page = treasurer.get(f"{upload(treasurer, IHATEMONEY)}?{query}").get_data(as_text=True)

    assert words in page
    assert 'name="expected"' not in page


def test_a_file_of_something_else_is_refused(treasurer: FlaskClient) -> None:
    assert "geen export van IHateMoney of Splitwise" in upload(treasurer, "naam;prijs\n1;2\n")


def test_only_the_treasurer_takes_bills_over(site: Flask, city: Runtime) -> None:
    member = signed_in(site, sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101"))
    assert member.get("/c/MRS/small-group").status_code == 403
    assert member.get("/c/MRS/small-group/1").status_code == 403


@pytest.fixture
def run(
    city: Runtime, runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Result]]:
    """Runs ``wijkeconomie import split`` on a file of the test's city."""
    monkeypatch.setenv("DATABASE_URL", city.addresses.application)
    monkeypatch.setenv("DATABASE_OWNER_URL", city.addresses.owner)
    monkeypatch.setenv("WIJKECONOMIE_HOME", str(tmp_path))
    file = tmp_path / "bills.json"
    file.write_text(IHATEMONEY, encoding="utf-8")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    arguments = ["import", "split", str(file), "--cooperative", "MRS", "--on", "2026-01-05"]
    yield lambda *more: runner.invoke(command_line, [*arguments, *more])
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_command_shows_and_books_and_does_nothing_twice(
    city: Runtime, run: Callable[..., Result]
) -> None:
    before = balances(city)

    missing = run("--member", "Nobody=M101")
    assert (missing.exit_code, "nobody in the file is called Nobody" in missing.stderr) == (1, True)
    shown = run("--preview")
    assert shown.exit_code == 0, shown.output + shown.stderr
    assert "Would book 1 bills" in shown.output
    assert changes(city, before) == {}

    # 100.00 by 2, 1 and 1; the payer weighs two.
    assert run().exit_code == 0
    assert changes(city, before) == {"M101": 5000 - 10000, "M102": 2500, "M103": 2500}
    again = run()
    assert "Booked 0 bills" in again.output
    assert "In the books already: 1." in again.output
    assert changes(city, before) == {"M101": 5000 - 10000, "M102": 2500, "M103": 2500}
