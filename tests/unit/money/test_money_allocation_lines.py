"""``wijkeconomie allocate``: every operation, every kind of unreadable line, exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from wijkeconomie.cli.allocate import allocate_command
from wijkeconomie.money.allocation_lines import run_lines


def answer(operation: str, values: dict[str, Any]) -> dict[str, Any]:
    question = json.dumps({"id": "q", "op": operation, "input": values})
    ((text, is_readable),) = run_lines([question])
    assert is_readable
    result: dict[str, Any] = json.loads(text)
    assert result.pop("id") == "q"
    return result


@pytest.mark.parametrize(
    ("operation", "values", "expected"),
    [
        (
            "allocate",
            {"total": 10, "weights": [1, "0.5", "1/2"], "caps": [2, None, None], "mins": None},
            {"shares": [2, 4, 4]},
        ),
        ("equal", {"total": 10, "n": 4}, {"shares": [3, 3, 2, 2]}),
        (
            "breukdelen",
            {"total": 10, "parts": [1, 4], "denominator": 5},
            {"shares": [2, 8]},
        ),
        (
            "breukdelen",
            {"total": 1, "parts": [1], "denominator": 2},
            {"error": "breukdelen_sum"},
        ),
        (
            "fixed_variable",
            {"total": 10, "fixed_pct": "40", "fixed_key": [1, 1], "variable_key": [1, 2]},
            {
                "shares": [4, 6],
                "fixed_total": 4,
                "variable_total": 6,
                "fixed": [2, 2],
                "variable": [2, 4],
            },
        ),
        (
            "lines",
            {"lines": [{"total": 4}, {"total": 2, "weights": [0, 1]}], "weights": [1, 1]},
            {"shares": [2, 4], "per_line": [[2, 2], [0, 2]]},
        ),
        (
            "pool_subsidy",
            {"total": 10, "subsidy": 4, "weights": [1, 2]},
            {"shares": [2, 4], "unused_subsidy": 0},
        ),
        (
            "earmarked",
            {"total": 10, "weights": [1, 1], "subsidy": [9, 1]},
            {"shares": [0, 4], "gross": [5, 5], "used": [5, 1], "unused_subsidy": 4},
        ),
        (
            "targeted_pool",
            {"total": 10, "weights": [1, 1], "subsidy": 3, "eligible": [1]},
            {"shares": [5, 2], "gross": [5, 5], "used": [0, 3], "unused_subsidy": 0},
        ),
        ("rotate", {"total": 10, "weights": [1, 1, 1], "start": 2}, {"shares": [3, 3, 4]}),
        (
            "carry_series",
            {"totals": [1, 1], "weights": [1, 1, 1]},
            {
                "shares": [1, 1, 0],
                "per_period": [[1, 0, 0], [0, 1, 0]],
                "carry": ["-1/3", "-1/3", "2/3"],
            },
        ),
        ("allocate", {"total": 1, "weights": []}, {"error": "no_parties"}),
        ("allocate", {"total": 1, "weights": ["-0.5"]}, {"error": "negative_weight"}),
    ],
)
def test_every_operation_answers_with_its_keys(
    operation: str, values: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert answer(operation, values) == expected


def in_allocate(values: str) -> str:
    return f'{{"id": 1, "op": "allocate", "input": {{{values}}}}}'


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "7",
        "[" * 100_000,
        b"\xff\xfe",
        '{"id": 1, "op": "allocate"}',
        '{"op": "allocate", "input": {"total": 1, "weights": [1]}}',
        '{"id": 1, "op": "guess", "input": {}}',
        '{"id": 1, "op": ["allocate"], "input": {}}',
        '{"id": 1, "op": "allocate", "input": []}',
        '{"id": 1.5, "op": "equal", "input": {"total": 1, "n": 1}}',
        '{"id": 1, "id": 2, "op": "equal", "input": {"total": 1, "n": 1}}',
        '{"id": 1, "op": "equal", "input": {"total": 1, "n": 1}, "note": ""}',
        '{"id": 1, "op": "equal", "input": {"total": 1, "n": 1000000000000}}',
        '{"id": 1, "op": "lines", "input": {"lines": [{"total": 1}]}}',
        '{"id": 1, "op": "lines", "input": {"lines": [5], "weights": [1]}}',
        (
            '{"id": 1, "op": "fixed_variable", "input": '
            '{"total": 1, "fixed_pct": 40, "fixed_key": [1], "variable_key": [1]}}'
        ),
        (
            '{"id": 1, "op": "targeted_pool", "input": '
            '{"total": 1, "weights": [1], "subsidy": 1, "eligible": [1]}}'
        ),
        in_allocate('"weights": [1]'),
        in_allocate('"total": 1, "weights": [0.35]'),
        in_allocate('"total": 1e2, "weights": [1]'),
        in_allocate('"total": 1.0, "weights": [1]'),
        in_allocate('"total": "1", "weights": [1]'),
        in_allocate('"total": true, "weights": [1]'),
        in_allocate('"total": null, "weights": [1]'),
        in_allocate('"total": NaN, "weights": [1]'),
        in_allocate('"total": -Infinity, "weights": [1]'),
        in_allocate('"total": 1, "weights": {"a": 1}'),
        in_allocate('"total": 1, "weights": "11"'),
        in_allocate('"total": 1, "weights": [true]'),
        in_allocate('"total": 1, "weights": [null]'),
        in_allocate('"total": 1, "weights": ["1e999999999"]'),
        in_allocate('"total": 1, "weights": ["1/0"]'),
        in_allocate('"total": 1, "weights": [1], "cap": [1]'),
        in_allocate('"total": 1, "weights": [1], "caps": ["1"]'),
        in_allocate(f'"total": {"9" * 5000}, "weights": [1]'),
    ],
)
def test_an_unreadable_line_is_named_by_its_number(line: str | bytes) -> None:
    good = in_allocate('"total": 1, "weights": [1]')

    answers = list(run_lines([good, line, good]))

    assert [is_readable for _, is_readable in answers] == [True, False, True]
    assert json.loads(answers[1][0]) == {"error": "malformed", "line": 2}
    assert json.loads(answers[2][0]) == {"id": 1, "shares": [1]}


def test_blank_lines_are_counted_but_not_answered() -> None:
    answers = list(run_lines(["\n", "  \r\n", "x\n"]))

    assert answers == [('{"error": "malformed", "line": 3}', False)]


@pytest.mark.parametrize("identifier", ["Zoë", None, 12, ["a", {"b": True}], "\ud800"])
def test_any_exact_id_comes_back_as_it_was(identifier: Any) -> None:
    question = json.dumps({"id": identifier, "op": "equal", "input": {"total": 1, "n": 1}})

    ((text, _),) = run_lines([question])

    assert text.isascii()
    assert json.loads(text)["id"] == identifier


def test_the_command_reads_a_file_and_succeeds_when_all_was_readable(tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_bytes(
        b'\xef\xbb\xbf{"id": 1, "op": "equal", "input": {"total": 3, "n": 2}}\r\n'
        b'{"id": 2, "op": "equal", "input": {"total": 3, "n": 0}}'
    )

    result = CliRunner().invoke(allocate_command, [str(questions)])

    assert result.exit_code == 0
    assert result.stdout == '{"id": 1, "shares": [2, 1]}\n{"id": 2, "error": "no_parties"}\n'


def test_the_command_reads_standard_input_and_fails_after_an_unreadable_line() -> None:
    result = CliRunner().invoke(
        allocate_command,
        ["-"],
        input=b'\xff\n{"id": 1, "op": "equal", "input": {"total": 3, "n": 1}}\n',
    )

    assert result.exit_code == 1
    assert result.stdout == '{"error": "malformed", "line": 1}\n{"id": 1, "shares": [3]}\n'


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(allocate_command, [str(tmp_path / "nowhere.jsonl")])

    assert result.exit_code != 0
    assert "nowhere.jsonl" in result.stderr
    assert "Traceback" not in result.stderr
