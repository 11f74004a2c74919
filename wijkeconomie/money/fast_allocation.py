"""Sharing over very many parties with numpy: the same shares as ``allocation``, sooner."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from wijkeconomie.money.allocation import AllocationError, allocate

_INT64_LIMIT = 2**63


def allocate_array(total: int, weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share ``total`` over an array of whole weights; identical to ``allocate``.

    Args:
        total: whole units that fit in 64 bits; any sign.
        weights: one dimension, any integer dtype, each >= 0. Scale decimals beforehand.

    Returns:
        One int64 share per weight, in order, summing to ``total``. Where a product could
        leave 64 bits the Python integers of ``allocate`` do the work.

    Raises:
        AllocationError: ``no_parties``, ``negative_weight``, ``no_weight``.
        TypeError: a total or weights that are not integers.
        ValueError: weights of more than one dimension.
        OverflowError: a share does not fit in 64 bits.
    """
    if isinstance(total, bool) or not isinstance(total, int):
        raise TypeError(f"a total is a whole number, not {type(total).__name__}")
    if not np.issubdtype(weights.dtype, np.integer):
        raise TypeError(f"weights are whole numbers, not {weights.dtype}")
    if weights.ndim != 1:
        raise ValueError("weights have one dimension")
    if weights.size == 0:
        raise AllocationError("no_parties", "there is nobody to share with")
    amount, largest = abs(total), int(weights.max())
    if amount * largest >= _INT64_LIMIT or largest * weights.size >= _INT64_LIMIT:
        return np.array(allocate(total, weights.tolist()), dtype=np.int64)
    if int(weights.min()) < 0:
        position = int(np.argmax(weights < 0)) + 1
        raise AllocationError("negative_weight", f"the weight of party {position} is negative")
    if largest == 0:
        # An amount that meets no weight at all never overflows, so it is judged here.
        if amount:
            raise AllocationError("no_weight", "every weight is 0")
        return np.zeros(weights.size, dtype=np.int64)
    shares = _largest_remainder(amount, weights.astype(np.int64, copy=False))
    return -shares if total < 0 else shares


def _largest_remainder(amount: int, weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share ``amount`` (>= 0); the caller guarantees that no product leaves 64 bits."""
    if amount == 0:
        return np.zeros(weights.size, dtype=np.int64)
    shares, remainders = np.divmod(weights * amount, weights.sum())
    missing = amount - int(shares.sum())
    if missing:
        at = weights.size - missing
        threshold = np.partition(remainders, at)[at]
        above = remainders > threshold
        shares += above
        tied = np.flatnonzero(remainders == threshold)[: missing - int(above.sum())]
        shares[tied] += 1
    return cast("NDArray[np.int64]", shares)
