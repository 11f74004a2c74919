"""The centenbewijs: a settlement in a form that anyone can check with this file alone.

docs/centenbewijs.md defines the form for who writes a checker of his own. No name and no member
number stands in it: a party is known by a keyed hash, which only the member is told. Neither does
the order of parties tell anything, nor what a subsidy paid of whose share.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from wijkeconomie.costs.rules import ScaledWeights, Terms, TiePolicy
from wijkeconomie.costs.ties import Served, served_of_parts, shares_of_parts

FEW = 10
"""With fewer different weights than one to so many parties, equal lines are written together."""
FORMAT = "wijkeconomie centenbewijs 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofHead:
    """What was shared, and how; ``fixed_percent`` is a decimal or ratio, or ``None``.

    ``start`` is whose turn it was in order of member number. It stands in no proof of this form.
    """

    cooperative: str
    cost: str
    version: int
    month: str
    total_cents: int
    key: str
    key_version: int
    basis: str
    fixed_basis: str | None
    fixed_percent: str | None
    policy: TiePolicy
    start: int
    scales: tuple[int, ...]

    def lines(self, subsidy_cents: int) -> str:
        """The head in canonical form, with what subsidies pay in all."""
        return (
            f"{FORMAT}\ncooperative {self.cooperative}\ncost {self.cost}\n"
            f"version {self.version}\nmonth {self.month}\ntotal {self.total_cents}\n"
            f"subsidy {subsidy_cents}\n"
            f"key {self.key}\nkey version {self.key_version}\nbasis {self.basis}\n"
            f"fixed basis {self.fixed_basis or '-'}\n"
            f"fixed percent {self.fixed_percent or '-'}\n"
            f"policy {self.policy}\nscales {' '.join(map(str, self.scales))}\n"
        )


@dataclass(frozen=True, slots=True)
class ProofColumns:
    """One value per party; absent columns are ``None``."""

    weights: Sequence[int]
    variable_weights: Sequence[int] | None
    minimums: Sequence[int | None] | None
    caps: Sequence[int | None] | None
    carried: Sequence[str] | None
    cents: Sequence[int]
    subsidy_cents: Sequence[int] | None


Cells = dict[str, Sequence[object]]


def proof_cells(columns: ProofColumns, served: Sequence[Served | None]) -> Cells:
    """The columns that a key uses, by the names that the file gives them, as they are hashed."""
    cells: dict[str, Sequence[object] | None] = {
        "weight": columns.weights,
        "variable_weight": columns.variable_weights,
        "minimum_cents": columns.minimums,
        "cap_cents": columns.caps,
        "carried": columns.carried,
        "served": served[0],
        "variable_served": served[1] if len(served) > 1 else None,
        "cents": columns.cents,
    }
    return {name: column for name, column in cells.items() if column is not None}


def digest(head: ProofHead, columns: ProofColumns) -> bytes:
    """SHA-256 over the head and one line a party: what the entry in the books ends with."""
    return digest_of(
        head, sum(columns.subsidy_cents or ()), proof_cells(columns, _served(head, columns))
    )


def _served(head: ProofHead, columns: ProofColumns) -> list[Served | None]:
    """Who of equal fractions got the cent, from columns in order of member number."""
    terms = proof_terms(head, columns)
    shares = [list(columns.cents)]
    if len(terms.parts) > 1:
        shares = shares_of_parts(head.total_cents, terms)
    return served_of_parts(head.total_cents, terms, shares)


def digest_of(head: ProofHead, subsidy_cents: int, cells: Cells) -> bytes:
    """The digest of these cells; the lines are sorted, so the order of parties is none of it."""
    body = head.lines(subsidy_cents) + "".join(_sorted_lines(list(cells.values())))
    return hashlib.sha256(body.encode()).digest()


def _sorted_lines(columns: Sequence[Sequence[object]]) -> list[str]:
    """A line a party, sorted; where many are the same (areas, households) each is written once."""
    parties = len(columns[0])
    if len(set(columns[0])) * FEW > parties:
        texts = [
            ["-" if cell is None else str(cell) for cell in column]
            if None in column
            else list(map(str, column))
            for column in columns
        ]
        return [f"{line}\n" for line in sorted(map("\t".join, zip(*texts, strict=True)))]
    counted = Counter(zip(*columns, strict=True))
    written = (
        ("\t".join(["-" if cell is None else str(cell) for cell in line]) + "\n", count)
        for line, count in counted.items()
    )
    return [line * count for line, count in sorted(written)]


def pseudonym(secret: bytes, member_code: str) -> str:
    """The number by which a member stands in one proof and in no other."""
    return hmac.digest(secret, member_code.encode(), "sha256")[:6].hex()


def write_proof(
    head: ProofHead,
    columns: ProofColumns,
    pseudonyms: Iterable[str],
    *,
    entry_number: int | None,
    entry_hash: str | None,
) -> bytes:
    """The file to download; the same settlement gives the same bytes."""
    subsidy_cents = sum(columns.subsidy_cents or ())
    cells = proof_cells(columns, _served(head, columns))
    parties = [
        {"party": party} | dict(zip(cells, row, strict=True))
        for party, row in zip(pseudonyms, zip(*cells.values(), strict=True), strict=True)
    ]
    parties.sort(key=lambda party: (party["weight"], party.get("variable_weight"), party["party"]))
    document = {
        "format": FORMAT,
        "cooperative": head.cooperative,
        "cost": head.cost,
        "version": head.version,
        "month": head.month,
        "total_cents": head.total_cents,
        "subsidy_cents": subsidy_cents,
        "key": {
            "code": head.key,
            "version": head.key_version,
            "basis": head.basis,
            "fixed_basis": head.fixed_basis,
            "fixed_percent": head.fixed_percent,
            "policy": head.policy,
            "scales": list(head.scales),
        },
        "digest": digest_of(head, subsidy_cents, cells).hex(),
        "ledger": {"entry": entry_number, "hash": entry_hash},
        "parties": parties,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def proof_terms(head: ProofHead, columns: ProofColumns) -> Terms:
    """The terms that a head and its columns tell."""
    parts = [ScaledWeights(list(columns.weights), head.scales[0])]
    if columns.variable_weights is not None:
        parts.append(ScaledWeights(list(columns.variable_weights), head.scales[1]))
    return Terms(
        parts=tuple(parts),
        fixed_percent=None if head.fixed_percent is None else Fraction(head.fixed_percent),
        policy=head.policy,
        start=head.start,
        minimums=columns.minimums,
        caps=columns.caps,
        carried=None if columns.carried is None else [Fraction(text) for text in columns.carried],
    )
