"""What a file of a bill splitting program tells, in one form, whichever program wrote it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, cast

SplitFault = Literal[
    "date-wrong",
    "amount-wrong",
    "amount-fraction",
    "currency",
    "payer-missing",
    "nobody-shares",
    "weight-wrong",
    "does-not-add-up",
    "nothing-owed",
]


class SplitSource(enum.StrEnum):
    """Which program wrote a file."""

    IHATEMONEY = "ihatemoney"
    SPLITWISE = "splitwise"


@dataclass(frozen=True, slots=True)
class SplitLine:
    """A bill or a repayment: who paid how many cents, and who shares it by what weight.

    A weight ``None`` is the person's own, the same in every line. ``number`` is where the line
    stands in the file.
    """

    number: int
    on: date
    what: str
    is_repayment: bool
    paid: tuple[tuple[str, int], ...]
    shared: tuple[tuple[str, str | None], ...]

    @property
    def cents(self) -> int:
        """What was paid together."""
        return sum(cents for _name, cents in self.paid)


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line that is left out, and why."""

    number: int
    what: str
    fault: SplitFault


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFile:
    """A whole file. Names are as the program's users wrote them.

    ``weights`` are people's own, of IHateMoney; ``balances`` what each is to get back by the
    file's own last line, of Splitwise.
    """

    source: SplitSource
    people: tuple[str, ...]
    lines: tuple[SplitLine, ...]
    wrong: tuple[WrongLine, ...]
    weights: Mapping[str, str]
    balances: Mapping[str, int] | None


def as_json(file: SplitFile) -> dict[str, Any]:
    """The file as it is kept between upload and booking."""
    return {
        "source": file.source.value,
        "people": list(file.people),
        "lines": [
            [
                line.number,
                line.on.isoformat(),
                line.what,
                line.is_repayment,
                [list(each) for each in line.paid],
                [list(each) for each in line.shared],
            ]
            for line in file.lines
        ],
        "wrong": [[each.number, each.what, each.fault] for each in file.wrong],
        "weights": dict(file.weights),
        "balances": None if file.balances is None else dict(file.balances),
    }


def from_json(kept: Mapping[str, Any]) -> SplitFile:
    """What :func:`as_json` wrote."""
    return SplitFile(
        source=SplitSource(kept["source"]),
        people=tuple(kept["people"]),
        lines=tuple(
            SplitLine(
                number,
                date.fromisoformat(on),
                what,
                is_repayment,
                tuple((name, cents) for name, cents in paid),
                tuple((name, weight) for name, weight in shared),
            )
            for number, on, what, is_repayment, paid, shared in kept["lines"]
        ),
        wrong=tuple(
            WrongLine(number, what, cast("SplitFault", fault))
            for number, what, fault in kept["wrong"]
        ),
        weights=kept["weights"],
        balances=kept["balances"],
    )
