"""The first form of the centenbewijs: of settlements that were made before the second one.

Parties stand in order of their member number, and what a subsidy pays stands at each. The digest
in the books is of this form, so such a settlement keeps it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from fractions import Fraction

from wijkeconomie.costs.proof import Cells, ProofColumns, ProofHead, proof_terms
from wijkeconomie.costs.rules import share_cost
from wijkeconomie.money.allocation import AllocationError, hand_out_rest

FIRST_FORMAT = "wijkeconomie centenbewijs 1"


def _lines(head: ProofHead) -> str:
    return (
        f"{FIRST_FORMAT}\ncooperative {head.cooperative}\ncost {head.cost}\n"
        f"version {head.version}\nmonth {head.month}\ntotal {head.total_cents}\n"
        f"key {head.key}\nkey version {head.key_version}\nbasis {head.basis}\n"
        f"fixed basis {head.fixed_basis or '-'}\n"
        f"fixed percent {head.fixed_percent or '-'}\n"
        f"policy {head.policy}\nstart {head.start}\n"
        f"scales {' '.join(map(str, head.scales))}\n"
    )


def _cells(columns: ProofColumns) -> Cells:
    cells: dict[str, Sequence[object] | None] = {
        "weight": columns.weights,
        "variable_weight": columns.variable_weights,
        "minimum_cents": columns.minimums,
        "cap_cents": columns.caps,
        "carried": columns.carried,
        "cents": columns.cents,
        "subsidy_cents": columns.subsidy_cents,
    }
    return {name: column for name, column in cells.items() if column is not None}


def first_digest(head: ProofHead, columns: ProofColumns) -> bytes:
    """The digest of the first form: of the parties in their order."""
    lines = [
        "\t".join(["-" if cell is None else str(cell) for cell in row])
        for row in zip(*_cells(columns).values(), strict=True)
    ]
    return hashlib.sha256((_lines(head) + "\n".join(lines) + "\n").encode()).digest()


def write_first_proof(
    head: ProofHead,
    columns: ProofColumns,
    pseudonyms: Iterable[str],
    *,
    entry_number: int | None,
    entry_hash: str | None,
) -> bytes:
    """The file to download, as it was for this settlement from the beginning."""
    cells = _cells(columns)
    document = {
        "format": FIRST_FORMAT,
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
        "digest": first_digest(head, columns).hex(),
        "ledger": {"entry": entry_number, "hash": entry_hash},
        "parties": [
            {"party": party} | dict(zip(cells, row, strict=True))
            for party, row in zip(pseudonyms, zip(*cells.values(), strict=True), strict=True)
        ],
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def first_shares(head: ProofHead, columns: ProofColumns) -> list[int]:
    """The shares that a proof of the first form comes to.

    Raises:
        AllocationError: the cost cannot be shared so.
    """
    terms = proof_terms(head, columns)
    if terms.carried is None or terms.policy != "carry":
        shares: list[int] = share_cost(head.total_cents, terms).cents.tolist()
        return shares
    return _carried(head.total_cents, columns.weights, terms.carried)


def _carried(total: int, weights: Sequence[int], carried: Sequence[Fraction]) -> list[int]:
    """As cents were carried then: what others took along was not spread, but rounded away."""
    present = [index for index, weight in enumerate(weights) if weight]
    if not present and total:
        raise AllocationError("no_weight", "every weight is 0")
    weight_sum = sum(weights)
    wanted = [Fraction(total * weights[index], weight_sum) + carried[index] for index in present]
    floors = [want.numerator // want.denominator for want in wanted]
    spread, missing = divmod(total - sum(floors), len(floors)) if floors else (0, 0)
    # Fractions order as whole numbers do; only their order counts.
    ranks = {part: rank for rank, part in enumerate(sorted({want % 1 for want in wanted}))}
    rounded = hand_out_rest(
        [floor + spread for floor in floors], [ranks[want % 1] for want in wanted], missing
    )
    shares = [0] * len(weights)
    for index, share in zip(present, rounded, strict=True):
        shares[index] = share
    return shares
