"""Sharing as JSON Lines: one question a line in, one answer a line out.

A question is ``{"id": ..., "op": "allocate", "input": {...}}``; exactly these three keys, and
in ``input`` exactly the keys of the operation. The answer is ``{"id": ..., "shares": [...]}``
with what else the operation returns, or ``{"id": ..., "error": "no_weight"}`` when the
question is readable but has no answer.

A line that cannot be read gives ``{"error": "malformed", "line": 3}`` and the next line goes
on. That is: not UTF-8 or not JSON; a number with a point or an exponent anywhere (write
``"0.35"``), ``NaN`` or ``Infinity``; a key twice, missing or unknown; an unknown operation; a
value of the wrong type, ``true`` for a number included; a weight that is no int, plain
decimal text or ratio text, or divides by zero; ``fixed_pct`` that is no text; an eligible
position that does not exist or appears twice; a line of ``lines`` without any weights; more
parties in ``equal`` than ``MAXIMUM_PARTIES``; a number of more than 4300 digits.
All else that is wrong has a code: a percentage above 100 or below 0 leaves a part with
``negative_weight``. Blank lines count as lines and give no answer. Ids may repeat.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, NoReturn

from wijkeconomie.money import compositions
from wijkeconomie.money.allocation import AllocationError, allocate
from wijkeconomie.money.weights import Weight, parse_weight


class MalformedLineError(ValueError):
    """A line is not a question; the message says why."""


def run_lines(lines: Iterable[str | bytes]) -> Iterator[tuple[str, bool]]:
    """Answer each line as it comes.

    Args:
        lines: text, or bytes in UTF-8, one question each.

    Yields:
        The answer as one line of JSON (ASCII, without a newline), and whether the question
        was readable. An answer with an error code counts as readable.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield json.dumps(_answer(line)), True
        except (ValueError, RecursionError):  # also too many digits, too deeply nested
            yield json.dumps({"error": "malformed", "line": number}), False


def _answer(line: str | bytes) -> dict[str, Any]:
    text = line.decode("utf-8") if isinstance(line, bytes) else line
    question = _Fields(
        json.loads(
            text,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            object_pairs_hook=_object_without_doubles,
        )
    )
    question.only("id", "op", "input")
    identifier = question.value("id")
    operation = _OPERATIONS.get(question.text("op"))
    if operation is None:
        raise MalformedLineError("unknown operation")
    try:
        return {"id": identifier, **operation(_Fields(question.value("input")))}
    except AllocationError as error:
        return {"id": identifier, "error": error.code}


class _Fields:
    """The keys of one JSON object, read strictly by type."""

    def __init__(self, values: object) -> None:
        if not isinstance(values, dict):
            raise MalformedLineError("an object is expected")
        self._values: dict[str, Any] = values

    def only(self, *keys: str) -> None:
        """Refuse keys that have no meaning here: probably a misspelt one."""
        if unknown := self._values.keys() - set(keys):
            raise MalformedLineError(f"unknown keys: {sorted(unknown)}")

    def has(self, key: str) -> bool:
        return self._values.get(key) is not None

    def value(self, key: str) -> Any:
        if key not in self._values:
            raise MalformedLineError(f"{key} is missing")
        return self._values[key]

    def text(self, key: str) -> str:
        value = self.value(key)
        if not isinstance(value, str):
            raise MalformedLineError(f"{key} is text")
        return value

    def integer(self, key: str) -> int:
        return _integer(self.value(key))

    def items(self, key: str) -> list[Any]:
        value = self.value(key)
        if not isinstance(value, list):
            raise MalformedLineError(f"{key} is a list")
        return value

    def integers(self, key: str) -> list[int]:
        return [_integer(item) for item in self.items(key)]

    def bounds(self, key: str) -> list[int | None] | None:
        if not self.has(key):
            return None
        return [None if item is None else _integer(item) for item in self.items(key)]

    def weights(self, key: str) -> list[Weight]:
        return [_weight(item) for item in self.items(key)]


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedLineError("a whole number is expected")
    return value


def _weight(value: object) -> Weight:
    return parse_weight(value) if isinstance(value, str) else _integer(value)


def _refuse_number(text: str) -> NoReturn:
    raise MalformedLineError(f"{text} is not exact; write it as text")


def _object_without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise MalformedLineError("a key appears twice")
    return values


def _allocate(fields: _Fields) -> dict[str, Any]:
    fields.only("total", "weights", "caps", "mins")
    shares = allocate(
        fields.integer("total"),
        fields.weights("weights"),
        caps=fields.bounds("caps"),
        mins=fields.bounds("mins"),
    )
    return {"shares": shares}


def _equal(fields: _Fields) -> dict[str, Any]:
    fields.only("total", "n")
    return {"shares": compositions.equal(fields.integer("total"), fields.integer("n"))}


def _breukdelen(fields: _Fields) -> dict[str, Any]:
    fields.only("total", "parts", "denominator")
    shares = compositions.breukdelen(
        fields.integer("total"),
        fields.weights("parts"),
        _weight(fields.value("denominator")),
    )
    return {"shares": shares}


def _fixed_variable(fields: _Fields) -> dict[str, Any]:
    fields.only("total", "fixed_pct", "fixed_key", "variable_key")
    return asdict(
        compositions.fixed_variable(
            fields.integer("total"),
            parse_weight(fields.text("fixed_pct")),
            fields.weights("fixed_key"),
            fields.weights("variable_key"),
        )
    )


def _lines(fields: _Fields) -> dict[str, Any]:
    fields.only("lines", "weights")
    cost_lines = []
    for item in fields.items("lines"):
        line = _Fields(item)
        line.only("total", "weights")
        own_weights = line.weights("weights") if line.has("weights") else None
        cost_lines.append(compositions.CostLine(line.integer("total"), own_weights))
    common_weights = fields.weights("weights") if fields.has("weights") else None
    return asdict(compositions.lines(cost_lines, common_weights))


def _pool_subsidy(fields: _Fields) -> dict[str, Any]:
    fields.only("total", "subsidy", "weights", "caps")
    return asdict(
        compositions.pool_subsidy(
            fields.integer("total"),
            fields.integer("subsidy"),
            fields.weights("weights"),
            fields.bounds("caps"),
        )
    )


def _earmarked(fields: _Fields) -> dict[str, Any]:
    fields.only("total", "weights", "subsidy")
    return asdict(
        compositions.earmarked(
            fields.integer("total"), fields.weights("weights"), fields.integers("subsidy")
        )
    )


def _targeted_pool(fields: _Fields) -> dict[str, Any]:
    fields.only("total", "weights", "subsidy", "eligible")
    return asdict(
        compositions.targeted_pool(
            fields.integer("total"),
            fields.weights("weights"),
            fields.integer("subsidy"),
            fields.integers("eligible"),
        )
    )


def _rotate(fields: _Fields) -> dict[str, Any]:
    fields.only("total", "weights", "start")
    shares = compositions.rotate(
        fields.integer("total"), fields.weights("weights"), fields.integer("start")
    )
    return {"shares": shares}


def _carry_series(fields: _Fields) -> dict[str, Any]:
    fields.only("totals", "weights")
    series = compositions.carry_series(fields.integers("totals"), fields.weights("weights"))
    return {
        "shares": series.shares,
        "per_period": series.per_period,
        "carry": [str(fraction) for fraction in series.carry],
    }


_OPERATIONS: Mapping[str, Callable[[_Fields], dict[str, Any]]] = {
    "allocate": _allocate,
    "equal": _equal,
    "breukdelen": _breukdelen,
    "fixed_variable": _fixed_variable,
    "lines": _lines,
    "pool_subsidy": _pool_subsidy,
    "earmarked": _earmarked,
    "targeted_pool": _targeted_pool,
    "rotate": _rotate,
    "carry_series": _carry_series,
}
