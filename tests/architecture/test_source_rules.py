"""Rules of the source text that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "wijkeconomie"
MODULES = sorted(PACKAGE.rglob("*.py"))
MONEY_FOLDERS = {
    "money",
    "ledger",
    "cooperatives",
    "purchasing",
    "budgets",
    "costs",
    "investments",
    "vouchers",
    "payments",
    "reports",
    "network",
}
COMMITTING = {"core/unit_of_work.py", "core/database.py"}
LONGEST_MODULE = 420
LONGEST_FUNCTION = 60


def calls(module: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute):
                yield f".{node.func.attr}", node.lineno


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_money_is_never_a_float_nor_loosely_rounded(module: Path) -> None:
    if name_of(module).split("/")[0] not in MONEY_FOLDERS:
        return
    assert [call for call in calls(module) if call[0] in {"float", "round"}] == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_only_the_unit_of_work_commits(module: Path) -> None:
    if name_of(module) in COMMITTING:
        return
    assert [call for call in calls(module) if call[0] == ".commit"] == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_is_one_concept_and_a_function_one_thought(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_MODULE
    too_long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno > LONGEST_FUNCTION
    ]
    assert too_long == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_clock_is_read_in_one_place(module: Path) -> None:
    if name_of(module) == "core/unit_of_work.py":
        return
    assert [call for call in calls(module) if call[0] in {".utcnow", ".today"}] == []


def test_no_module_is_a_drawer_of_odds_and_ends() -> None:
    assert {"utils", "helpers", "misc", "common"}.isdisjoint(path.stem for path in MODULES)
