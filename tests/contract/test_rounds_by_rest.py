"""The document on rounds by REST: every page stands in it, and its walk runs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from tests.contract.test_api_contract import ROOT, ApiClient, coordinator, member, treasurer
from tests.contract.test_round_refusals import operations

__all__ = ["coordinator", "member", "treasurer"]

TEXT = (Path(__file__).parents[2] / "docs" / "rounds-by-rest.md").read_text(encoding="utf-8")
PAGES, _heading, BESIDE = TEXT.partition("## Operations beside those")
WITHOUT_REST = {
    "GET /calendar/<token>.ics",
    "GET /look/<token>",
    "GET /look/<token>/calendar.ics",
}
"""Pages that nobody signs in for."""


def rows(text: str) -> Iterator[tuple[str, list[str]]]:
    """The first cell of each row, and what stands as code in the second."""
    for first, second in re.findall(r"^\| `([A-Z]+ [^`]+)` \| (.+) \|$", text, re.MULTILINE):
        yield first, re.findall(r"`([A-Z]+ [^`]+)`", second)


def test_every_page_of_rounds_stands_in_the_document_with_its_operations(service: Flask) -> None:
    pages = set()
    for rule in service.url_map.iter_rules():
        if rule.endpoint.startswith("purchasing."):
            path = re.sub(r"<[^<>]+:", "<", str(rule).removeprefix("/c/<cooperative_code>"))
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            pages |= {f"{method} {path}" for method in methods}

    table = dict(rows(PAGES))

    assert set(table) == pages
    assert {page for page, told in table.items() if not told} == WITHOUT_REST


def test_every_operation_that_the_document_names_exists_and_none_is_left_out(
    service: Flask,
) -> None:
    named = {each for _page, told in rows(PAGES) for each in told}
    named |= {first for first, _told in rows(BESIDE)}
    found = {endpoint for each in named for endpoint in [operation(service, each)]}

    assert found == {(method, re.sub(r"<\w+>", "<>", path)) for method, path in operations(service)}


def operation(service: Flask, named: str) -> tuple[str, str]:
    """Method and path of the rule that answers an operation of the document."""
    method, path = named.split()
    filled = re.sub(r"<extension>", "csv", path)
    filled = re.sub(r"<\w+>", "1", filled)
    try:
        rule, _values = service.url_map.bind("localhost").match(
            ROOT + filled, method=method, return_rule=True
        )
    except HTTPException as wrong:
        raise AssertionError(f"the document names {named}") from wrong
    start = "/api/v1/cooperatives/<cooperative_code>"
    assert str(rule).startswith(start), f"{named} is no operation"
    return method, re.sub(r"<[^<>]+>", "<>", str(rule).removeprefix(start))


def commands() -> Iterator[str]:
    """The commands of the walk, each on one line; those that only define are left out."""
    for block in re.findall(r"```sh\n(.+?)```", TEXT, re.DOTALL)[1:]:
        # A command goes on as long as a quotation is open.
        whole = ""
        for line in block.splitlines():
            whole += line + "\n"
            if whole.count("'") % 2 == 0:
                yield whole.strip()
                whole = ""
        assert not whole


def test_the_walk_of_the_document_runs(
    coordinator: ApiClient, member: ApiClient, treasurer: ApiClient
) -> None:
    people = {"coordinator": coordinator, "member": member, "treasurer": treasurer}
    known = {"API": ""}
    answers = []
    for command in commands():
        kept = re.fullmatch(r"(\w+)=\$\((.+) \| jq -r (\S+)\)", command, re.DOTALL)
        line = kept[2] if kept else command
        line = re.sub(r"\$(\w+)", lambda name: known[name[1]], line)
        answer = curl(people, shlex.split(line))
        assert answer.status_code in {200, 201}, (command, answer.get_data(as_text=True))
        answers.append(answer)
        if kept:
            known[kept[1]] = str(picked(answer.get_json(), kept[3]))

    [share] = answers[-1].get_json()["items"]
    # 5 of the 8 kg at 1.19, as much of the freight of 12.50, and 9 % VAT of both.
    assert (share["delivered"], share["net_cents"], share["freight_cents"]) == (5, 595, 781)
    assert answers[-2].get_json()["state"] == "settled"
    assert len(answers) >= 20


def curl(people: dict[str, ApiClient], words: list[str]) -> Any:
    """Send what curl would send."""
    who, rest = words[0], iter(words[1:])
    method, path, key, body = None, "", None, None
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            key = next(rest).removeprefix("Idempotency-Key: ")
        elif word == "--json":
            body = json.loads(next(rest))
        else:
            path = word
    method = method or ("GET" if body is None else "POST")
    return people[who].send(method, path, body, key=key)


def picked(answer: Any, path: str) -> Any:
    """What jq picks by a path of names and numbers."""
    for name, number in re.findall(r"\.?(\w+)|\[(\d+)\]", path):
        answer = answer[int(number)] if number else answer[name]
    return answer
