"""The OpenAPI document tells of every field what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from wijkeconomie.api.field_descriptions import descriptions


@pytest.fixture
def schemas(service: Flask) -> dict[str, Any]:
    document = service.test_client().get("/api/v1/openapi.json").get_json()
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def properties(schemas: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Schema, field and what is told of it."""
    for schema, body in schemas.items():
        for name, told in body.get("properties", {}).items():
            yield schema, name, told.get("description")


def test_every_field_is_described(schemas: dict[str, Any]) -> None:
    silent = [f"{schema}.{name}" for schema, name, told in properties(schemas) if not told]

    assert silent == []


def test_every_description_is_of_a_field(schemas: dict[str, Any]) -> None:
    told = set(properties(schemas))
    by_name = {(name, description) for _, name, description in told}

    unused = [
        name
        for name, described in descriptions().items()
        if isinstance(described, str) and (name, described) not in by_name
    ] + [
        f"{schema}.{name}"
        for schema, of_schema in descriptions().items()
        if not isinstance(of_schema, str)
        for name, described in of_schema.items()
        if (schema, name, described) not in told
    ]

    assert unused == []


def test_a_field_that_means_something_narrower_says_so(schemas: dict[str, Any]) -> None:
    assert "voucher" not in schemas["Posting"]["properties"]["amount"]["description"]
    assert (
        schemas["WalletVoucher"]["properties"]["balance"]["description"]
        == "what it still holds, in cents or whole units"
    )
    # A reference to another schema is described beside it, as OpenAPI 3.1 allows.
    cover = schemas["Circulation"]["properties"]["cover"]
    assert cover["$ref"] == "#/components/schemas/Cover"
    assert cover["description"]
