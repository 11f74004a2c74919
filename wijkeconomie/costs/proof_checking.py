"""Checking a centenbewijs: every share is computed again from the file alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar, cast, get_args

from wijkeconomie.costs.proof import (
    FORMAT,
    ProofColumns,
    ProofHead,
    digest_of,
    proof_cells,
    proof_terms,
)
from wijkeconomie.costs.proof_first import FIRST_FORMAT, first_digest, first_shares
from wijkeconomie.costs.rules import ScaledWeights, Terms, TiePolicy, split_total
from wijkeconomie.costs.ties import Served, part_terms, served_of_parts, shares_of_parts
from wijkeconomie.money.allocation import AllocationError

_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
_UNSHARED = (AllocationError, ValueError, IndexError, ArithmeticError)


T = TypeVar("T")


class ProofError(Exception):
    """A proof that is not right; the message says what and where."""


@dataclass(frozen=True, slots=True)
class ProofOutcome:
    """What a right proof comes to."""

    head: ProofHead
    parties: int
    subsidy_cents: int
    digest: str
    entry_number: int | None
    entry_hash: str | None


@dataclass(frozen=True, slots=True)
class _Told:
    """What a file tells, before anything of it is believed."""

    head: ProofHead
    columns: ProofColumns
    served: list[Served | None]
    names: list[str]
    subsidy_cents: int | None


def verify_proof(content: bytes) -> ProofOutcome:
    """Compute a settlement again from its proof alone.

    Raises:
        ProofError: it cannot be read, a share is not what the weights give, the shares do not
            sum to the total, a subsidy is more than its share, or the digest is another one.
    """
    document = _document(content)
    is_first = document["format"] == FIRST_FORMAT
    try:
        told = _told(document, is_first=is_first)
        digest = str(document["digest"])
        ledger = document["ledger"]
        entry_number, entry_hash = ledger["entry"], ledger["hash"]
    except _UNREADABLE as error:
        raise ProofError(f"this is not a centenbewijs: {error}") from error
    found = _check_first(told) if is_first else _check(told)
    if found != digest:
        raise ProofError(f"the digest is {found} and the proof tells {digest}")
    return ProofOutcome(
        told.head, len(told.names), _subsidised(told), found, entry_number, entry_hash
    )


def _document(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProofError(f"the file is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") not in {FORMAT, FIRST_FORMAT}:
        raise ProofError(f"the file does not begin as {FORMAT!r}")
    return document


def _told(document: Mapping[str, Any], *, is_first: bool) -> _Told:
    parties = document["parties"]
    if not isinstance(parties, list) or not parties:
        raise ValueError("nobody stands in it")
    names = [str(party["party"]) for party in parties]
    present = set(parties[0])
    for name, party in zip(names, parties, strict=True):
        if set(party) != present:
            raise ValueError(f"party {name} has other columns than the first one")
    head = _head(document, is_first=is_first)
    return _Told(
        head,
        _columns(parties, present),
        [
            [_bit(party[name]) for party in parties] if name in present else None
            for name in ("served", "variable_served")[: len(head.scales)]
        ],
        names,
        None if is_first else _integer(document["subsidy_cents"]),
    )


def _head(document: Mapping[str, Any], *, is_first: bool) -> ProofHead:
    key = document["key"]
    if key["policy"] not in get_args(TiePolicy):
        raise ValueError(f"there is no policy {key['policy']!r}")
    return ProofHead(
        cooperative=str(document["cooperative"]),
        cost=str(document["cost"]),
        version=_integer(document["version"]),
        month=str(document["month"]),
        total_cents=_integer(document["total_cents"]),
        key=str(key["code"]),
        key_version=_integer(key["version"]),
        basis=str(key["basis"]),
        fixed_basis=key["fixed_basis"],
        fixed_percent=key["fixed_percent"],
        policy=key["policy"],
        start=_integer(key["start"]) if is_first else 0,
        scales=tuple(_integer(scale) for scale in key["scales"]),
    )


def _columns(parties: Sequence[Mapping[str, Any]], present: set[str]) -> ProofColumns:
    def whole(name: str) -> list[int] | None:
        return [_integer(party[name]) for party in parties] if name in present else None

    def bounds(name: str) -> list[int | None] | None:
        if name not in present:
            return None
        return [None if party[name] is None else _integer(party[name]) for party in parties]

    carried = (
        [str(Fraction(party["carried"])) for party in parties] if "carried" in present else None
    )
    return ProofColumns(
        weights=whole("weight") or [],
        variable_weights=whole("variable_weight"),
        minimums=bounds("minimum_cents"),
        caps=bounds("cap_cents"),
        carried=carried,
        cents=whole("cents") or [],
        subsidy_cents=whole("subsidy_cents"),
    )


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")  # noqa: TRY004 bad input, not a bug
    return value


def _bit(value: object) -> int | None:
    if value is None:
        return None
    if _integer(value) not in {0, 1}:
        raise ValueError(f"{value!r} is neither 0 nor 1")
    return cast("int", value)


def _subsidised(told: _Told) -> int:
    if told.subsidy_cents is not None:
        return told.subsidy_cents
    return sum(told.columns.subsidy_cents or ())


def _check(told: _Told) -> str:
    """Shares, ties and subsidy; the digest that they come to."""
    head, columns = told.head, told.columns
    try:
        terms = replace(proof_terms(head, columns), start=0)
        shares = _shares(head.total_cents, terms, told.served)
        served = served_of_parts(head.total_cents, terms, shares)
    except _UNSHARED as error:
        raise ProofError(f"the cost cannot be shared so: {error}") from error
    _compare(told, [sum(own) for own in zip(*shares, strict=True)])
    if served != told.served:
        raise ProofError("the proof tells of other equal fractions than there are")
    if not 0 <= _subsidised(told) <= max(head.total_cents, 0):
        raise ProofError(f"a subsidy of {_subsidised(told)} cents on {head.total_cents}")
    return digest_of(head, _subsidised(told), proof_cells(columns, served)).hex()


def _shares(total: int, terms: Terms, served: Sequence[Served | None]) -> list[list[int]]:
    """The shares of each part, where whoever was served of equal fractions goes in front."""
    found = []
    totals = split_total(total, terms.fixed_percent)
    for amount, part, marks in zip(totals, part_terms(terms), served, strict=True):
        places = range(len(part.parts[0].whole))
        first = [place for place in places if marks is not None and marks[place] == 1]
        order = [*first, *sorted(set(places) - set(first))]
        [own] = shares_of_parts(amount, _reordered(part, order))
        back = dict(zip(order, own, strict=True))
        found.append([back[place] for place in places])
    return found


def _reordered(terms: Terms, order: Sequence[int]) -> Terms:
    [part] = terms.parts
    return replace(
        terms,
        parts=(ScaledWeights([int(part.whole[place]) for place in order], part.scale),),
        minimums=_turned(terms.minimums, order),
        caps=_turned(terms.caps, order),
        carried=_turned(terms.carried, order),
    )


def _turned(column: Sequence[T] | None, order: Sequence[int]) -> list[T] | None:
    return None if column is None else [column[place] for place in order]


def _check_first(told: _Told) -> str:
    """As :func:`_check`, of the first form: with what a subsidy pays of each share."""
    head, columns = told.head, told.columns
    try:
        shares = first_shares(head, columns)
    except _UNSHARED as error:
        raise ProofError(f"the cost cannot be shared so: {error}") from error
    _compare(told, shares)
    for name, cents, used in zip(
        told.names, columns.cents, columns.subsidy_cents or (), strict=False
    ):
        if not 0 <= used <= max(cents, 0):
            raise ProofError(f"party {name}: a subsidy of {used} cents on a share of {cents}")
    return first_digest(head, columns).hex()


def _compare(told: _Told, shares: Sequence[int]) -> None:
    if len(set(told.names)) != len(told.names):
        raise ProofError("a party stands in it twice")
    if sum(told.columns.cents) != told.head.total_cents:
        raise ProofError(
            f"the shares come to {sum(told.columns.cents)} of {told.head.total_cents} cents"
        )
    for name, cents, found in zip(told.names, told.columns.cents, shares, strict=True):
        if cents != found:
            raise ProofError(f"party {name}: the proof tells {cents} cents, the key gives {found}")
