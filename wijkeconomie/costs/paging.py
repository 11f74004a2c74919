"""Long lists of members by the page, or only the one whose number is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Line = TypeVar("Line")

PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class AskedPage:
    """Which page of a list, counted from 1; with a member's number in ``search`` only his line.

    A number is searched in capitals, however it was typed.
    """

    number: int = 1
    search: str = ""


FIRST_PAGE = AskedPage()


@dataclass(frozen=True, slots=True)
class ShownPage(Generic[Line]):
    """The lines of one page, and how many lines there are in all."""

    lines: Sequence[Line]
    asked: AskedPage
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(-(-self.total // PER_PAGE), 1)


def page_of(
    lines: Sequence[Line], asked: AskedPage, code_of: Callable[[Line], str]
) -> ShownPage[Line]:
    """One page of lines, or the line of the member whose number is asked for."""
    if asked.search:
        return ShownPage(
            [line for line in lines if code_of(line).upper() == asked.search], asked, len(lines)
        )
    first = (asked.number - 1) * PER_PAGE
    return ShownPage(lines[first : first + PER_PAGE], asked, len(lines))
