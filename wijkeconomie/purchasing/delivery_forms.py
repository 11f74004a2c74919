"""What came of a product on a form: at the van, and in a correction."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from wijkeconomie.cooperatives.forms import FormReader
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.purchasing import settlement_queries
from wijkeconomie.purchasing.queries import RoundView
from wijkeconomie.purchasing.receiving import ReceiveLine
from wijkeconomie.purchasing.refusals import OverOrderError
from wijkeconomie.purchasing.settlement_queries import DeliveryView


def read_lines(reader: FormReader, uow: UnitOfWork, found: RoundView) -> tuple[ReceiveLine, ...]:
    """The lines of a form with those of every product."""
    shown = settlement_queries.deliveries(uow.session, uow.tenant, found.id)
    lines = (read_line(reader, found.id, each) for each in shown)
    return tuple(line for line in lines if line is not None)


def read_line(reader: FormReader, round_id: int, shown: DeliveryView) -> ReceiveLine | None:
    """The line of ``delivered-<id>``, ``damaged-<id>``, ``reason-<id>`` …; ``None`` for none.

    ``version-<id>`` is that of the line that was shown, where the form tells it.
    """
    key = shown.round_product_id
    delivered = reader.count(f"delivered-{key}", if_empty=None)
    if delivered is None:
        return None
    damaged = reader.count(f"damaged-{key}", if_empty=0) or 0
    return ReceiveLine(
        round_id=round_id,
        round_product_id=key,
        delivered=delivered,
        damaged=damaged,
        uncredited=_charged(shown, delivered, damaged),
        grams=reader.count(f"grams-{key}", if_empty=None),
        reason=reader.text(f"reason-{key}", is_required=False) or None,
        version=reader.count(f"version-{key}", if_empty=None),
    )


def _charged(shown: DeliveryView, delivered: int, damaged: int) -> int:
    """What the supplier charges of what is lost: by one tick all of it, or nothing."""
    if request.form.get(f"charged-{shown.round_product_id}") != "yes":
        return 0
    return damaged + max(shown.ordered - delivered, 0)


def delivery_error(refusal: DomainError) -> tuple[str, str]:
    """The field and the words for what is not right about a line."""
    field = str(refusal.context["field"])
    if isinstance(refusal, OverOrderError):
        product = str(refusal.context["product"])
        words = _("More came of %(product)s than was ordered: say why.", product=product)
        return field, words
    words = {
        "damaged": _("Not more can be damaged than came."),
        "uncredited": _("Not more can be charged than is damaged or missing."),
        "grams": _("Type what it weighs together in grams, as in 2500."),
    }.get(field.rpartition("-")[0], _("Type a whole number, as in 3."))
    return field, words
