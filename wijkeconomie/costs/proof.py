"""The centenbewijs: a settlement in a form that anyone can check with this file alone.

docs/centenbewijs.md defines the form for who writes a checker of his own. No name and no member
number stands in it: a party is known by a keyed hash, which only the member is told.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from wijkeconomie.costs.rules import ScaledWeights, Terms, TiePolicy, share_cost
from wijkeconomie.money.allocation import AllocationError

FORMAT = "wijkeconomie centenbewijs 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofHead:
    """What was shared, and how; ``fixed_percent`` is a decimal or ratio, or ``None``."""

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

    def lines(self) -> str:
        """The head in canonical form."""
        return (
            f"{FORMAT}\ncooperative {self.cooperative}\ncost {self.cost}\n"
            f"version {self.version}\nmonth {self.month}\ntotal {self.total_cents}\n"
            f"key {self.key}\nkey version {self.key_version}\nbasis {self.basis}\n"
            f"fixed basis {self.fixed_basis or '-'}\n"
            f"fixed percent {self.fixed_percent or '-'}\n"
            f"policy {self.policy}\nstart {self.start}\n"
            f"scales {' '.join(map(str, self.scales))}\n"
        )


@dataclass(frozen=True, slots=True)
class ProofColumns:
    """One value per party, in order of member number; absent columns are ``None``."""

    weights: Sequence[int]
    variable_weights: Sequence[int] | None
    minimums: Sequence[int | None] | None
    caps: Sequence[int | None] | None
    carried: Sequence[str] | None
    cents: Sequence[int]
    subsidy_cents: Sequence[int] | None


_COLUMNS = {
    "weight": "weights",
    "variable_weight": "variable_weights",
    "minimum_cents": "minimums",
    "cap_cents": "caps",
    "carried": "carried",
    "cents": "cents",
    "subsidy_cents": "subsidy_cents",
}
"""By the names that the file gives them, in the order in which they are hashed."""


def _present(columns: ProofColumns) -> dict[str, Sequence[object]]:
    """The columns that a key uses, by the name that the file gives them."""
    return {
        name: column
        for name, attribute in _COLUMNS.items()
        if (column := getattr(columns, attribute)) is not None
    }


def digest(head: ProofHead, columns: ProofColumns) -> bytes:
    """SHA-256 over the head and one line a party: what the entry in the books ends with."""
    lines = [
        "\t".join(["-" if cell is None else str(cell) for cell in row])
        if len(row) != 2
        else f"{row[0]}\t{row[1]}"
        for row in zip(*_present(columns).values(), strict=True)
    ]
    return hashlib.sha256((head.lines() + "\n".join(lines) + "\n").encode()).digest()


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
    present = _present(columns)
    parties = [
        {"party": party} | dict(zip(present, row, strict=True))
        for party, row in zip(pseudonyms, zip(*present.values(), strict=True), strict=True)
    ]
    document = {
        "format": FORMAT,
        "cooperative": head.cooperative,
        "cost": head.cost,
        "version": head.version,
        "month": head.month,
        "total_cents": head.total_cents,
        "key": {
            "code": head.key,
            "version": head.key_version,
            "basis": head.basis,
            "fixed_basis": head.fixed_basis,
            "fixed_percent": head.fixed_percent,
            "policy": head.policy,
            "start": head.start,
            "scales": list(head.scales),
        },
        "digest": digest(head, columns).hex(),
        "ledger": {"entry": entry_number, "hash": entry_hash},
        "parties": parties,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


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


def verify_proof(content: bytes) -> ProofOutcome:
    """Compute a settlement again from its proof alone.

    Raises:
        ProofError: it cannot be read, a share is not what the weights give, the shares do not
            sum to the total, a subsidy is more than its share, or the digest is another one.
    """
    document = _document(content)
    try:
        head = _head(document)
        columns = _columns(document["parties"])
        told = str(document["digest"])
        ledger = document["ledger"]
        entry_number, entry_hash = ledger["entry"], ledger["hash"]
    except (KeyError, TypeError, ValueError) as error:
        raise ProofError(f"this is not a centenbewijs: {error}") from error
    _check_shares(head, columns, [str(party["party"]) for party in document["parties"]])
    if (found := digest(head, columns).hex()) != told:
        raise ProofError(f"the digest is {found} and the proof tells {told}")
    used = sum(columns.subsidy_cents or ())
    return ProofOutcome(head, len(columns.cents), used, found, entry_number, entry_hash)


def _document(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise ProofError(f"the file is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ProofError(f"the file does not begin as {FORMAT!r}")
    return document


def _head(document: Mapping[str, Any]) -> ProofHead:
    key = document["key"]
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
        start=_integer(key["start"]),
        scales=tuple(_integer(scale) for scale in key["scales"]),
    )


def _columns(parties: Sequence[Mapping[str, Any]]) -> ProofColumns:
    present = set(parties[0]) if parties else set()
    found: dict[str, Any] = {}
    for name, attribute in _COLUMNS.items():
        if name not in present:
            found[attribute] = None
        elif name == "carried":
            found[attribute] = [str(Fraction(party[name])) for party in parties]
        elif name in {"minimum_cents", "cap_cents"}:
            found[attribute] = [
                None if party[name] is None else _integer(party[name]) for party in parties
            ]
        else:
            found[attribute] = [_integer(party[name]) for party in parties]
    return ProofColumns(**found)


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")  # noqa: TRY004 bad input, not a bug
    return value


def _check_shares(head: ProofHead, columns: ProofColumns, names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise ProofError("a party stands in it twice")
    try:
        shares = share_cost(head.total_cents, proof_terms(head, columns)).cents.tolist()
    except (AllocationError, ValueError) as error:
        raise ProofError(f"the cost cannot be shared so: {error}") from error
    if sum(columns.cents) != head.total_cents:
        raise ProofError(f"the shares come to {sum(columns.cents)} of {head.total_cents} cents")
    for name, told, found in zip(names, columns.cents, shares, strict=True):
        if told != found:
            raise ProofError(f"party {name}: the proof tells {told} cents, the key gives {found}")
    if head.total_cents > 0:
        for name, cents, used in zip(
            names, columns.cents, columns.subsidy_cents or (), strict=False
        ):
            if used > cents:
                raise ProofError(f"party {name}: a subsidy of {used} cents on a share of {cents}")


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
