"""Mailing the order by REST, and on the page: once for each wish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask

from tests.conftest import Clock
from tests.contract.test_api_contract import (
    ApiClient,
    coordinator,
    member,
    problem,
    step,
    treasurer,
)
from tests.contract.test_round_api import conforms, document
from tests.contract.test_sharing_api import came, ordered
from tests.factories.people import sign_up
from tests.integration.test_web_pages import post, signed_in
from wijkeconomie.core.identity import Role
from wijkeconomie.core.mail import Letter
from wijkeconomie.core.outbox import send_due
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.purchasing.mails import round_mails

__all__ = ["coordinator", "document", "member", "treasurer"]

MAILS = "/rounds/{round_code}/order-mails"
SUPPLIER = {"name": "Boerderij De Kromme Akker", "email": "boer@example.org"}
RENDER = {"mail.supplier-order": round_mails("https://buurt.nl")["mail.supplier-order"]}


class Office:
    """A post office that may be closed."""

    def __init__(self) -> None:
        self.went_out: list[Letter] = []
        self.is_closed = False

    def __call__(self, letter: Letter, _message_id: str) -> None:
        if self.is_closed:
            raise OSError("no answer")
        self.went_out.append(letter)


def test_an_order_is_mailed_again_and_never_twice_for_one_wish(
    document: dict[str, Any], coordinator: ApiClient, member: ApiClient, city: Runtime, clock: Clock
) -> None:
    coordinator.send("PUT", "/suppliers/LEV1", SUPPLIER)
    code = ordered(coordinator, member)
    path = f"/rounds/{code}/order-mails"
    office = Office()
    office.is_closed = True
    send_due(city.units_of_work, RENDER, office)
    [letter] = conforms(document, "get", MAILS, coordinator.send("GET", path), 200)["items"]
    assert (letter["sent_at"], letter["attempts"], letter["has_failed"]) == (None, 1, True)

    # It waits for its next attempt: asking again does not make a second order.
    office.is_closed = False
    assert send_due(city.units_of_work, RENDER, office) == 0
    for _again in range(2):
        answer = coordinator.send("POST", path, key="again-001")
        assert len(conforms(document, "post", MAILS, answer, 201)["items"]) == 1
    assert send_due(city.units_of_work, RENDER, office) == 1
    [letter] = coordinator.get(path)["items"]
    assert datetime.fromisoformat(letter["sent_at"]) == clock.now

    clock.advance(timedelta(hours=1))
    answer = coordinator.send("POST", path, key="again-002")
    assert [each["sent_at"] is None for each in answer.get_json()["items"]] == [True, False]
    coordinator.send("POST", path, key="again-003")
    assert send_due(city.units_of_work, RENDER, office) == 1
    first, second = office.went_out
    assert (first.subject, "geen tweede" in first.body) == (f"Bestelling {code}", False)
    assert second.subject == f"Bestelling {code} (opnieuw gestuurd)"
    assert "geen tweede" in second.body
    changes = coordinator.get(f"/rounds/{code}/changes")["items"]
    assert [each["action"] for each in changes][-1] == "order-sent-again"

    for product, delivered in (("AK-AARD", 10), ("AK-PREI", 2)):
        came(coordinator, code, product, delivered)
    step(coordinator, code, "receive")
    late = coordinator.send("POST", path, key="again-004")
    assert problem(late, 409) == "round-state"
    assert problem(member.send("GET", path), 403) == "permission-denied"


def test_a_supplier_without_an_address_is_mailed_nothing(
    coordinator: ApiClient, member: ApiClient
) -> None:
    code = ordered(coordinator, member)
    path = f"/rounds/{code}/order-mails"
    assert coordinator.get(path)["items"] == []
    refused = coordinator.send("POST", path, key="again-001")
    assert problem(refused, 422) == "invalid-input"
    assert refused.get_json()["context"]["field"] == "email"


def test_a_coordinator_sees_whether_the_order_went_out_and_mails_it_again(
    coordinator: ApiClient, member: ApiClient, service: Flask, city: Runtime, clock: Clock
) -> None:
    code = ordered(coordinator, member)
    roles = (Role.MEMBER, Role.COORDINATOR)
    visitor = signed_in(service, sign_up(city, "MRS", "Fenna", *roles, member="M103"))
    place = f"/c/MRS/rounds/{code}/manage"
    assert "was hier geen e-mailadres bekend" in visitor.get(place).get_data(as_text=True)
    assert post(visitor, f"{place}/order/mail", place)[0] == 303
    assert "is hier geen e-mailadres bekend" in visitor.get(place).get_data(as_text=True)

    coordinator.send("PUT", "/suppliers/LEV1", SUPPLIER)
    assert post(visitor, f"{place}/order/mail", place)[0] == 303
    assert "is onderweg" in visitor.get(place).get_data(as_text=True)
    clock.set(datetime(2026, 1, 6, 9, 0, tzinfo=UTC))
    office = Office()
    office.is_closed = True
    send_due(city.units_of_work, RENDER, office)
    assert "kon niet worden verstuurd" in visitor.get(place).get_data(as_text=True)
    office.is_closed = False
    assert post(visitor, f"{place}/order/mail", place)[0] == 303
    assert send_due(city.units_of_work, RENDER, office) == 1
    page = visitor.get(place).get_data(as_text=True)
    assert "Naar de leverancier gemaild" in page
    assert "Mail de bestelling opnieuw" in page


def test_who_cancels_sees_beforehand_what_the_supplier_is_told(
    document: dict[str, Any],
    coordinator: ApiClient,
    member: ApiClient,
    service: Flask,
    city: Runtime,
) -> None:
    code = ordered(coordinator, member)
    path = f"/rounds/{code}/cancellation"
    told = "/rounds/{round_code}/cancellation"
    before = conforms(document, "get", told, coordinator.send("GET", path), 200)
    assert before == {"members": 2, "supplier_letter": None}
    roles = (Role.MEMBER, Role.COORDINATOR)
    visitor = signed_in(service, sign_up(city, "MRS", "Fenna", *roles, member="M103"))
    place = f"/c/MRS/rounds/{code}/manage/cancel"
    assert "Laat zelf weten" in visitor.get(place).get_data(as_text=True)

    coordinator.send("PUT", "/suppliers/LEV1", SUPPLIER)
    letter = coordinator.get(path)["supplier_letter"]
    assert (letter["to"], letter["subject"]) == (
        "boer@example.org",
        f"Bestelling {code} gaat niet door",
    )
    page = visitor.get(place).get_data(as_text=True)
    assert f"Onze bestelling {code} van 5 januari gaat niet door." in page
    assert problem(member.send("GET", path), 403) == "permission-denied"
