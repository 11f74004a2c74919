"""Bills of a small group by REST: kept, looked at, booked once, and by whom."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.contract.test_api_contract import ROOT, ApiClient, a_token, problem
from tests.factories.people import sign_up
from tests.integration.test_split_import import IHATEMONEY, SPLITWISE, balances, changes
from wijkeconomie.core.identity import Role
from wijkeconomie.core.runtime import Runtime

WHO = {"members": {"Annelies": "M101", "Bram": "M102"}}


class Sender(ApiClient):
    """A client that can send a file too."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        super().__init__(client, token)
        self._files, self._token = client, token

    def keep(self, name: str, content: str, key: str) -> Any:
        return self._files.post(
            f"{ROOT}/small-group-files",
            data={"file": (io.BytesIO(content.encode()), name)},
            headers={"Authorization": f"Bearer {self._token}", "Idempotency-Key": key},
        )


@pytest.fixture
def treasurer(service: Flask, city: Runtime) -> Sender:
    person = sign_up(city, "MRS", "Gerda", Role.TREASURER)
    return Sender(service.test_client(), a_token(city, person))


def test_a_file_is_kept_looked_at_and_booked_once(treasurer: Sender, city: Runtime) -> None:
    kept = treasurer.keep("bonnen.csv", SPLITWISE, "bewaar-1").get_json()
    assert treasurer.keep("bonnen.csv", SPLITWISE, "bewaar-1").get_json() == kept
    assert kept["source"] == "splitwise"
    assert [(each["name"], each["member_code"]) for each in kept["people"]][:2] == [
        ("Annelies", "M101"),
        ("Bram", "M102"),
    ]
    path = f"/small-group-files/{kept['id']}"
    before = balances(city)

    seen = treasurer.send("POST", f"{path}/preview", WHO, key="bekijk-1").get_json()

    # The bill with Zus, who is no member, and that in dollars are left out.
    assert (seen["bills"], seen["repayments"], seen["total_cents"]) == (1, 1, 2400)
    assert {each["code"]: each["owes_cents"] for each in seen["members"]} == {
        "M101": 1200 - 500,
        "M102": -1200 + 500,
    }
    assert changes(city, before) == {}
    stale = treasurer.send("POST", f"{path}/book", WHO | {"expected": 3}, key="boek-te-veel")
    assert problem(stale, 412) == "stale-version"
    for _twice in range(2):
        done = treasurer.send("POST", f"{path}/book", WHO | {"expected": 2}, key="boek-nu-1")
        assert done.get_json() == {"bills": 1, "repayments": 1}
    assert changes(city, before) == {"M101": 700, "M102": -700}
    again = treasurer.send("POST", f"{path}/book", WHO | {"expected": 2}, key="boek-nu-2")
    assert again.status_code == 409


def test_weights_are_others_than_in_the_file(treasurer: Sender) -> None:
    kept = treasurer.keep("ihatemoney.json", IHATEMONEY, "bewaar-2").get_json()
    assert {each["name"]: each["weight"] for each in kept["people"]}["Annelies"] == "2"
    body = {"members": {"Annelies": "M101", "Bram": "M102", "Carlijn": "M104"}}
    path = f"/small-group-files/{kept['id']}/preview"

    told = treasurer.send("POST", path, body, key="bekijk-2").get_json()
    wrong = treasurer.send("POST", path, body | {"weights": {"Bram": "x"}}, key="bekijk-3")

    # Of 100 euros Annelies has two parts of four.
    assert told["members"][0]["share_cents"] == 5000
    assert problem(wrong, 422) == "invalid-input"


def test_only_who_settles_may(service: Flask, city: Runtime) -> None:
    person = sign_up(city, "MRS", "Annelies", Role.MEMBER, member="M101")
    member = Sender(service.test_client(), a_token(city, person))

    assert problem(member.keep("bonnen.csv", SPLITWISE, "bewaar-3"), 403) == "permission-denied"
    assert problem(member.keep("x.csv", "geen bonnen", "bewaar-4"), 403)
    for step in ("preview", "book"):
        body = WHO | ({"expected": 1} if step == "book" else {})
        answer = member.send("POST", f"/small-group-files/1/{step}", body, key="mag-niet-1")
        assert problem(answer, 403) == "permission-denied"
