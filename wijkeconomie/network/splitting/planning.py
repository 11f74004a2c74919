"""From lines of a file and who is who to what is to be booked. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from wijkeconomie.costs.small_groups import GroupBill, GroupRepayment
from wijkeconomie.money.allocation import allocate
from wijkeconomie.money.weights import parse_weight, weight_text
from wijkeconomie.network.splitting.lines import SplitFile, SplitLine, SplitSource

LeftOut = Literal["person-unknown", "nothing-moves"]
_PREFIX = {SplitSource.IHATEMONEY: "IHM", SplitSource.SPLITWISE: "SPW"}


@dataclass(frozen=True, slots=True)
class Who:
    """Who the people of a file are: member numbers by name, and their weights.

    A name without a number is of someone who is no member: lines with him are left out.
    """

    members: Mapping[str, str]
    weights: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LineLeftOut:
    """A line that is right and yet is not booked."""

    line: SplitLine
    reason: LeftOut


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """What is to be booked of a file."""

    bills: tuple[GroupBill, ...]
    repayments: tuple[GroupRepayment, ...]
    left_out: tuple[LineLeftOut, ...]


def plan_split(file: SplitFile, who: Who) -> SplitPlan:
    """Make bills and repayments between members of a file's lines.

    Their codes come from what the lines say, so the same file gives the same codes again. Two
    people may be one member, as in a household: then they share and pay as one.
    """
    bills: list[GroupBill] = []
    repayments: list[GroupRepayment] = []
    left_out: list[LineLeftOut] = []
    seen: Counter[str] = Counter()
    for line in file.lines:
        told = _told(line)
        seen[told] += 1
        code = _code(file.source, told, seen[told])
        concerned = [name for name, _cents in line.paid]
        concerned += [name for name, weight in line.shared if _own(weight, name, who)]
        if not all(who.members.get(name) for name in concerned):
            left_out.append(LineLeftOut(line, "person-unknown"))
            continue
        made = _repayments(line, code, who) if line.is_repayment else _bills(line, code, who)
        if not made:
            left_out.append(LineLeftOut(line, "nothing-moves"))
        for each in made:
            if isinstance(each, GroupBill):
                bills.append(each)
            else:
                repayments.append(each)
    return SplitPlan(tuple(bills), tuple(repayments), tuple(left_out))


def _told(line: SplitLine) -> str:
    return repr((line.on, line.what, line.is_repayment, line.paid, line.shared))


def _code(source: SplitSource, told: str, occurrence: int) -> str:
    digest = hashlib.sha256(f"{occurrence}\n{told}".encode()).hexdigest()
    return f"{_PREFIX[source]}-{digest[:12]}"


def _own(weight: str | None, name: str, who: Who) -> Fraction:
    return parse_weight(who.weights.get(name, "1") if weight is None else weight)


def _weights(line: SplitLine, who: Who) -> dict[str, Fraction]:
    """Weights by member number, without those that are 0."""
    found: dict[str, Fraction] = {}
    for name, weight in line.shared:
        own = _own(weight, name, who)
        if own:
            member = who.members[name]
            found[member] = found.get(member, Fraction(0)) + own
    return dict(sorted(found.items()))


def _paid(line: SplitLine, who: Who) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, cents in line.paid:
        found[who.members[name]] += cents
    return dict(found)


def _bills(line: SplitLine, code: str, who: Who) -> list[GroupBill]:
    paid, weights = _paid(line, who), _weights(line, who)
    if len(line.paid) == 1:
        [(payer, cents)] = paid.items()
        return [_bill(line, code, payer, cents, weights)] if weights.keys() - {payer} else []
    # Several paid: their weights are cents, and only what each still has to get counts.
    effects = {
        member: paid.get(member, 0) - int(weights.get(member, 0))
        for member in sorted({*paid, *weights})
    }
    return [
        _bill(
            line,
            f"{code}-{number}",
            payer,
            sum(shares.values()),
            {member: Fraction(cents) for member, cents in shares.items()},
        )
        for number, (payer, shares) in enumerate(_matched(effects), start=1)
    ]


def _matched(effects: Mapping[str, int]) -> Iterator[tuple[str, dict[str, int]]]:
    """For each who gets money back, from whom how much: in order, so that it comes out even."""
    owing = {member: -cents for member, cents in effects.items() if cents < 0}
    for payer, cents in effects.items():
        rest, shares = cents, dict[str, int]()
        for member, owed in owing.items():
            part = min(rest, owed)
            if part > 0:
                shares[member] = part
                rest -= part
        owing = {member: owed - shares.get(member, 0) for member, owed in owing.items()}
        if shares:
            yield payer, shares


def _bill(
    line: SplitLine, code: str, payer: str, cents: int, weights: Mapping[str, Fraction]
) -> GroupBill:
    return GroupBill(
        code=code,
        description=line.what,
        paid_on=line.on,
        paid_by=payer,
        cents=cents,
        weights=tuple((member, weight_text(weight)) for member, weight in _smallest(weights)),
    )


def _smallest(weights: Mapping[str, Fraction]) -> Sequence[tuple[str, Fraction]]:
    """The same proportions in the smallest whole numbers: equal shares are one key, not many."""
    total = sum(weights.values(), Fraction(0))
    if not total:
        return list(weights.items())
    unit = Fraction(0)
    for weight in weights.values():
        unit = _common(unit, weight)
    return [(member, weight / unit) for member, weight in weights.items()]


def _common(first: Fraction, second: Fraction) -> Fraction:
    """The largest number of which both are whole multiples."""
    while second:
        first, second = second, first % second
    return first


def _repayments(line: SplitLine, code: str, who: Who) -> list[GroupRepayment]:
    paid, weights = _paid(line, who), _weights(line, who)
    if len(paid) > 1 or not weights:
        return []
    [(payer, cents)] = paid.items()
    parts = zip(weights, allocate(cents, list(weights.values())), strict=True)
    moved = [(member, part) for member, part in parts if member != payer and part]
    return [
        GroupRepayment(
            code=code if len(moved) == 1 else f"{code}-{number}",
            description=line.what,
            paid_on=line.on,
            paid_by=payer if part > 0 else member,
            paid_to=member if part > 0 else payer,
            cents=abs(part),
        )
        for number, (member, part) in enumerate(moved, start=1)
    ]
