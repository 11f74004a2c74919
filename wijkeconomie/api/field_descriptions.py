"""What the OpenAPI document says of a field: told once, as a name means the same everywhere."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from marshmallow import Schema
from marshmallow.fields import Field

Described = Mapping[str, str | Mapping[str, str]]


@cache
def descriptions() -> Described:
    """Descriptions by the name of a field; those of one schema by its name, then the field's."""
    file = resources.files("wijkeconomie.api") / "fields.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def describe_field(_converter: object, field: Field[Any], **_: object) -> dict[str, str]:
    """The description of a field that has none of its own, for apispec to add."""
    if field.metadata.get("description") or not isinstance(field.parent, Schema):
        return {}
    name = str(field.data_key or field.name)
    known = descriptions()
    of_schema = known.get(schema_name(field.parent))
    if isinstance(of_schema, Mapping) and name in of_schema:
        return {"description": of_schema[name]}
    described = known.get(name)
    return {"description": described} if isinstance(described, str) else {}


def schema_name(schema: Schema) -> str:
    """The name of a schema in the document."""
    return type(schema).__name__.removesuffix("Schema")
