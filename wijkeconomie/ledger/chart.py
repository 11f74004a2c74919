"""The chart of accounts that a cooperative's books are opened with, read from ``config/``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wijkeconomie.core.settings import CONFIG_FOLDER
from wijkeconomie.ledger.models import AccountKind

CHART_FILE = CONFIG_FOLDER / "chart_of_accounts.toml"
RGS_VERSION = "3.7"


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One control account: our key, the number and RGS code of the accountant, its names."""

    key: str
    number: str
    rgs_code: str
    kind: AccountKind
    name_nl: str
    name_en: str
    has_parties: bool


@cache
def load_chart(path: Path = CHART_FILE) -> tuple[ChartLine, ...]:
    """Read and check the chart, in order of its numbers.

    Raises:
        ValueError: a key or number stands twice, or a field is missing or unknown.
    """
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    lines = tuple(
        sorted(
            (_line(key, fields) for key, fields in document["account"].items()),
            key=lambda line: line.number,
        )
    )
    numbers = [line.number for line in lines]
    if doubled := {number for number in numbers if numbers.count(number) > 1}:
        raise ValueError(f"{path.name}: numbers stand twice: {', '.join(sorted(doubled))}")
    return lines


def _line(key: str, fields: dict[str, str | bool]) -> ChartLine:
    try:
        return ChartLine(
            key=key,
            number=str(fields["number"]),
            rgs_code=str(fields["rgs"]),
            kind=AccountKind(str(fields["kind"])),
            name_nl=str(fields["nl"]),
            name_en=str(fields["en"]),
            has_parties=bool(fields.get("parties", False)),
        )
    except KeyError as error:
        raise ValueError(f"account {key} lacks {error.args[0]!r}") from error
