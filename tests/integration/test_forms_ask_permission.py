"""Every form asks who may send it before it answers with a page, whatever was typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, template_rendered, url_for
from werkzeug.routing import AnyConverter, IntegerConverter, Rule

from tests.factories.people import sign_up
from tests.integration.test_web_pages import signed_in
from wijkeconomie.core.identity import Role
from wijkeconomie.core.runtime import Runtime

OF_EVERYONE = {
    "cooperatives.change_language",
    "cooperatives.change_password",
    "cooperatives.end_token",
    "cooperatives.invitation",
    "cooperatives.make_token",
}
OF_MEMBERS = {
    "budgets.approve_mine",
    "budgets.correct",
    "budgets.declare_hours",
    "budgets.reject_mine",
    "budgets.take_back",
    "investments.decide_transfer",
    "investments.give_up",
    "investments.take",
    "investments.transfers",
    "purchasing.end_calendar",
    "purchasing.make_calendar",
    "purchasing.pickup",
    "purchasing.save_order",
    "vouchers.apply",
    "vouchers.make_code",
    "vouchers.pay_shop",
    "vouchers.send",
    "vouchers.withdraw",
}
OF_MERCHANTS = {"vouchers.give_back", "vouchers.show"}
# What things of the demo city are called, where an address names one.
NAMES = {
    "code": "MRS-K012",
    "member": "M101",
    "member_code": "M101",
    "month": "2026-01",
    "round_code": "MRS-R01",
}


def forms(site: Flask) -> list[Rule]:
    """Every form of a cooperative."""
    return [
        rule
        for rule in site.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.rule.startswith("/c/")
    ]


def address(site: Flask, rule: Rule) -> str:
    """Where a form is sent to."""
    values: dict[str, Any] = {"cooperative_code": "MRS"}
    for name in rule.arguments - {"cooperative_code"}:
        converter = rule._converters[name]
        if isinstance(converter, AnyConverter):
            values[name] = min(converter.items)
        else:
            values[name] = 1 if isinstance(converter, IntegerConverter) else NAMES.get(name, "1")
    with site.test_request_context():
        return url_for(rule.endpoint, **values)


@contextmanager
def pages_of(site: Flask) -> Iterator[list[str]]:
    """The templates that are shown in the block, but for those that say what went wrong."""
    shown: list[str] = []

    def note(_site: Flask, template: Any, **_: object) -> None:
        if not template.name.startswith("errors/"):
            shown.append(template.name)

    with template_rendered.connected_to(note, site):
        yield shown


@pytest.mark.parametrize(
    ("role", "own", "member"),
    [
        (Role.MEMBER, OF_EVERYONE | OF_MEMBERS, "M101"),
        (Role.MERCHANT, OF_EVERYONE | OF_MERCHANTS, None),
    ],
)
def test_an_empty_form_of_others_is_refused_and_shows_no_page(
    site: Flask, city: Runtime, role: Role, own: set[str], member: str | None
) -> None:
    client = signed_in(site, sign_up(city, "MRS", "Iemand", role, member=member))
    site.config["WTF_CSRF_ENABLED"] = False
    answers = {}
    with pages_of(site) as shown:
        for rule in forms(site):
            if rule.endpoint not in own:
                answers[rule.endpoint] = client.post(address(site, rule)).status_code

    # Who is no member has no order, wallet or application: there is nothing of his to find.
    refused = {name for name, status in answers.items() if status == 403}
    assert set(answers) - refused <= OF_MEMBERS - own
    assert min(answers.values()) >= 400
    assert shown == []


def test_who_may_send_a_form_is_shown_what_is_wrong_in_it(site: Flask, city: Runtime) -> None:
    treasurer = signed_in(site, sign_up(city, "MRS", "Gerda", Role.TREASURER))
    site.config["WTF_CSRF_ENABLED"] = False
    path = "/c/MRS/costs/MRS-K012/correct"
    with pages_of(site) as shown:
        answer = treasurer.post(path)

    assert (answer.status_code, shown) == (422, ["costs/cost.html"])
