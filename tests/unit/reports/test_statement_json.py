"""The JSON document: versioned, whole, and the same bytes every time."""

from __future__ import annotations

import json

from tests.factories.statements import a_cooperative_statement, a_member_statement
from wijkeconomie.purchasing.explanations import recompute
from wijkeconomie.reports.statement_json import render_json


def test_the_same_statement_gives_the_same_bytes() -> None:
    assert render_json(a_member_statement()) == render_json(a_member_statement())


def test_it_names_its_format_and_version() -> None:
    document = json.loads(render_json(a_cooperative_statement()))

    assert (document["format"], document["version"]) == ("wijkeconomie-statement", 1)
    assert document["statement"]["period"] == {"from": "2026-01-01", "until": "2026-02-01"}


def test_every_share_can_be_computed_again_from_its_explanation() -> None:
    statement = json.loads(render_json(a_member_statement()))["statement"]

    shares = [
        share
        for section in statement["sections"]
        for line in section["lines"]
        for share in line["details"]
    ]
    assert len(shares) == 9
    for share in shares:
        assert recompute(share["explanation"]).gross_cents == abs(share["gross_cents"])


def test_a_line_carries_its_text_as_a_key_with_parameters() -> None:
    statement = json.loads(render_json(a_member_statement()))["statement"]

    line = statement["sections"][2]["lines"][0]
    assert line["text_key"] == "round_settled"
    assert line["parameters"] == {"round": "C01-R01", "version": "1"}
