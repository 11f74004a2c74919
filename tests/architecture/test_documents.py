"""What the documents tell is what the program does."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click

import wijkeconomie
from wijkeconomie.api.problems import STATUS_BY_CODE
from wijkeconomie.app import command_line
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.purchasing.models import RoundState

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def refusals() -> dict[str, type[DomainError]]:
    for module in pkgutil.walk_packages(wijkeconomie.__path__, "wijkeconomie."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting, found = [DomainError], {}
    while waiting:
        for kind in waiting.pop().__subclasses__():
            found[kind.code] = kind
            waiting.append(kind)
    return found


def test_every_setting_is_explained() -> None:
    defaults = tomllib.loads((ROOT / "config" / "default.toml").read_text(encoding="utf-8"))
    names = {f"{section}.{name}" for section, table in defaults.items() for name in table}

    assert set(re.findall(r"^\| `([a-z_.]+)` \|", page("settings.md"), re.MULTILINE)) == names


def test_every_refusal_is_explained_with_its_status() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", page("problems.md"), re.MULTILINE))

    assert rows == {code: str(int(STATUS_BY_CODE.get(code, 409))) for code in refusals()}


def test_every_state_of_a_round_is_explained() -> None:
    states = re.findall(r"^\| ([a-z]+) \|", page("rounds.md"), re.MULTILINE)

    assert states == [state.value for state in RoundState]


def commands(group: click.Group, prefix: str = "wijkeconomie") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def test_commands_that_the_documents_show_exist() -> None:
    known = set(commands(command_line))
    pages = (ROOT / "README.md", *DOCS.glob("*.md"))
    texts = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    # The forms that the ledger hashes begin with our name too, and end in a version.
    shown = re.findall(r"(?:`|\n)(wijkeconomie [a-z-]+(?: [a-z-]+)?)\b(?! \d| entry)", texts)

    wrong = [
        words
        for words in shown
        if words not in known
        and " ".join(words.split()[:2]) not in known
        and words != "wijkeconomie journal"
    ]
    assert wrong == []
    assert shown


def test_links_between_documents_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_files_that_the_code_names_exist() -> None:
    for folder in ("wijkeconomie", "migrations", "config"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".sql", ".toml", ".html"}:
                text = path.read_text(encoding="utf-8")
                for name in re.findall(r"docs/[a-z0-9/-]+\.md", text):
                    assert (ROOT / name).exists(), f"{path} names {name}"


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") < 150


def test_tests_that_prove_the_rules_of_rounds_exist() -> None:
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", page("round-rules.md")))
    written: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        written |= set(re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")))

    assert named - written == set()
    assert named


GLOSSARY_ROW = re.compile(r"^\| ([a-z][^|(]+?)(?: \([^|]+\))? \| [^|]+ \| ", re.MULTILINE)


def test_words_of_the_glossary_are_used_in_the_code() -> None:
    modules = (ROOT / "wijkeconomie").rglob("*.py")
    source = "\n".join(path.read_text(encoding="utf-8").lower() for path in modules)

    unused = [
        word
        for word in GLOSSARY_ROW.findall(page("glossary.md"))
        if word not in source and word.replace(" ", "_") not in source
    ]
    assert unused == []
