"""Decisions by hand on a form: who gets how much of a product, weights, and what is kept."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.purchasing.deciding import Decision, KeepAsStock, SetShare, WeighPledge
from wijkeconomie.purchasing.handing_queries import SharedLine
from wijkeconomie.purchasing.sharing_queries import SharedProduct


def read_decisions(
    reader: FormReader, round_id: int, product: SharedProduct, *, reason: str = ""
) -> list[Decision]:
    """What a form with ``share-<pledge>``, ``grams-of-<pledge>`` and ``stock-<product>`` decides.

    An empty field leaves it to the rule again; one that is not on the form changes nothing.

    Args:
        reason: counts where ``why-<product>`` is empty.
    """
    key = product.delivery.round_product_id
    why = reader.text(f"why-{key}", is_required=False) or reason
    found: list[Decision] = []
    for line in product.lines:
        share = _share(reader, round_id, line, why)
        if share is not None:
            found.append(share)
            if share.quantity is not None and not why:
                reader.errors.append((f"why-{key}", _("Say why, so that members understand.")))
        weight = f"grams-of-{line.pledge_id}"
        if product.is_settled_by_weight and weight in request.form:
            grams = reader.count(weight, if_empty=None)
            found.append(WeighPledge(round_id=round_id, pledge_id=line.pledge_id, grams=grams))
    if f"stock-{key}" in request.form:
        stock = reader.count(f"stock-{key}", if_empty=None)
        found.append(KeepAsStock(round_id=round_id, round_product_id=key, quantity=stock))
    return found


def _share(reader: FormReader, round_id: int, line: SharedLine, why: str) -> SetShare | None:
    name = f"share-{line.pledge_id}"
    if name not in request.form:
        return None
    quantity = reader.count(name, if_empty=None)
    if quantity == (line.quantity if line.is_by_hand else None):
        return None
    return SetShare(round_id=round_id, pledge_id=line.pledge_id, quantity=quantity, reason=why)
