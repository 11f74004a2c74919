"""A line of an entry before its account is looked up: what the rules of a capability say. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An amount in cents on an account of the chart, or on one party's part of it.

    A debit is positive; a line is never 0.
    """

    account_key: str
    party: str | None
    amount_cents: int
