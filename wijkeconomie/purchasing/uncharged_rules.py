"""What a round becomes when its members are not charged: shares of nothing, and one cost.

Pure. The goods were bought to be given away, so the VAT on them is not reclaimed: article 15,
paragraph 1 of the Wet op de omzetbelasting 1968 lets VAT be deducted as far as goods are used for
taxed supplies.
"""

from __future__ import annotations

from dataclasses import replace

from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.purchasing.settlement_results import CooperativeShare, SettlementResult, Share


def uncharged_result(charged: SettlementResult) -> SettlementResult:
    """The same deliveries with every share at nothing; the cooperative bears all of it.

    No goods become stock: what was handed out is given, and what is left goes with it.
    """
    rates = tuple(replace(rate, members_net_cents=0, members_vat_cents=0) for rate in charged.rates)
    freight = sum(rate.freight_cents for rate in charged.rates)
    cooperative = CooperativeShare(
        surplus={},
        net_cents=charged.net_cents - freight,
        freight_cents=freight,
        vat_cents=charged.vat_cents,
    )
    shares = tuple(_nothing(share) for share in charged.shares)
    return replace(charged, shares=shares, cooperative=cooperative, rates=rates)


def _nothing(share: Share) -> Share:
    explained = {
        "q": share.explanation["q"],
        "p": 0,
        "v": {"b": share.explanation["v"]["b"]},
    }
    return replace(share, net_cents=0, freight_cents=0, vat_cents=0, explanation=explained)


def uncharged_lines(supplier_gross_cents: int, supplier: str | None) -> tuple[EntryLine, ...]:
    """The entry: the whole invoice, VAT and all, is cost of goods; none where nothing is owed."""
    if not supplier_gross_cents or supplier is None:
        return ()
    return (
        EntryLine("cost_of_goods", None, supplier_gross_cents),
        EntryLine("suppliers", supplier, -supplier_gross_cents),
    )
