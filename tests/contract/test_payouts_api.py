"""Payout runs by REST: called off, ordered anew, and who sees whom they pay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Clock
from tests.contract.test_api_contract import ApiClient, a_token, member, problem, treasurer
from tests.factories.people import sign_up
from wijkeconomie.cooperatives.queries import cooperative_by_code
from wijkeconomie.core.identity import Role, system_identity
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.payments.models import PayeeKind, PayoutOrder, PayoutRun

__all__ = ["member", "treasurer"]

TEST = system_identity("test")
IBAN = "NL02ABNA0123456789"
RUN = {"kind": "merchant", "debtor_iban": IBAN, "execute_on": "2026-07-01", "parties": ["MRS-W1"]}


@pytest.fixture(autouse=True)
def july(clock: Clock) -> None:
    clock.set(datetime(2026, 7, 1, 12, tzinfo=UTC))


@pytest.fixture
def accountant(service: Flask, city: Runtime) -> ApiClient:
    person = sign_up(city, "MRS", "Fenna", Role.ACCOUNTANT)
    return ApiClient(service.test_client(), a_token(city, person))


def send(client: ApiClient, path: str, key: str, **body: Any) -> Any:
    return client.send("POST", f"/payout-runs{path}", body, key=key)


def test_a_run_is_called_off_and_ordered_anew(treasurer: ApiClient, member: ApiClient) -> None:
    account = {"iban": "NL02 ABNA 0123 4567 89"}
    assert treasurer.send("PUT", "/voucher-bank-account", account).get_json() == {"iban": IBAN}
    made = send(treasurer, "", "maak-run-1", **RUN).get_json()
    code, reference = made["code"], made["orders"][0]["end_to_end_id"]
    off = f"/{code}/call-off"
    assert problem(send(treasurer, off, "roep-af-0", reason=""), 422)
    assert problem(send(member, off, "roep-af-1", reason="x"), 403)

    done = send(treasurer, off, "roep-af-2", reason="verkeerde dag")

    assert done.status_code == 200
    assert send(treasurer, off, "roep-af-2", reason="verkeerde dag").get_json() == done.get_json()
    shown = done.get_json()
    assert shown["called_off_cents"] == shown["total_cents"] > 0
    assert shown["orders"][0]["return_reason"] == "verkeerde dag"
    refused = problem(send(treasurer, f"/{code}/settle", "betaald-1", on="2026-07-01"), 409)
    assert refused == "order-called-off"
    again = send(treasurer, "", "maak-run-2", **(RUN | {"parties": [reference]})).get_json()
    assert again["total_cents"] == shown["total_cents"]
    assert treasurer.get(f"/payout-runs/{code}")["orders"][0]["ordered_anew"] == again["code"]
    second = again["code"]
    assert send(treasurer, f"/{second}/settle", "betaald-2", on="2026-07-01").status_code == 200
    back = {"end_to_end_id": f"{second}-001", "reason": "AC04", "on": "2026-07-01"}
    answer = send(treasurer, f"/{second}/returned", "kwam-terug-1", **back)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    returned = answer.get_json()
    assert returned["returned_cents"] == returned["total_cents"] == returned["settled_cents"]


@pytest.mark.parametrize("kind", [PayeeKind.CARER, PayeeKind.GRANT])
def test_who_gives_care_or_got_a_grant_is_hidden_from_who_only_reads(
    city: Runtime, treasurer: ApiClient, accountant: ApiClient, clock: Clock, kind: PayeeKind
) -> None:
    with city.units_of_work.begin(identity=TEST) as uow:
        cooperative = cooperative_by_code(uow.session, "MRS")
    with city.units_of_work.begin(identity=TEST, cooperative_id=cooperative.id) as uow:
        run = PayoutRun(
            cooperative_id=uow.tenant,
            number=1,
            code="U26-0001",
            kind=kind.value,
            debtor_iban=IBAN,
            execute_on=clock.now.date(),
            made_at=clock.now,
            made_by="test",
        )
        uow.session.add(run)
        uow.session.flush()
        uow.session.add(
            PayoutOrder(
                cooperative_id=uow.tenant,
                run_id=run.id,
                position=1,
                end_to_end_id="U26-0001-001",
                party="Z-1",
                name="Zorg aan Huis",
                iban=IBAN,
                cents=100,
                purpose="Uitbetaling",
            )
        )

    [seen] = treasurer.get("/payout-runs/U26-0001")["orders"]
    [hidden] = accountant.get("/payout-runs/U26-0001")["orders"]

    assert (seen["party"], seen["name"], seen["iban"]) == ("Z-1", "Zorg aan Huis", IBAN)
    assert (hidden["party"], hidden["name"], hidden["iban"]) == (None, None, None)
    assert hidden["cents"] == 100
