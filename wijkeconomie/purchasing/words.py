"""States, steps, keys and rules of rounds in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from wijkeconomie.purchasing.handing_models import HandOutcome, SurplusRule
from wijkeconomie.purchasing.models import FreightKey, RoundState, ShortageRule

_STATES: dict[RoundState, tuple[str, Any]] = {
    RoundState.DRAFT: ("neutral", lazy_gettext("being prepared")),
    RoundState.OPEN: ("good", lazy_gettext("open: you can order")),
    RoundState.CLOSED: ("busy", lazy_gettext("closed")),
    RoundState.ORDERED: ("busy", lazy_gettext("ordered at the supplier")),
    RoundState.RECEIVED: ("busy", lazy_gettext("received")),
    RoundState.ALLOCATED: ("busy", lazy_gettext("shared out")),
    RoundState.SETTLED: ("good", lazy_gettext("settled")),
    RoundState.CANCELLED: ("wrong", lazy_gettext("cancelled")),
}


def state_badge(state: RoundState) -> tuple[str, str]:
    """The kind of badge and the words for a state."""
    kind, words = _STATES[state]
    return kind, str(words)


def road() -> list[tuple[RoundState, str]]:
    """The states of a round that goes well, in order, with their words."""
    gone_wrong = {RoundState.CANCELLED, RoundState.ALLOCATED}
    return [
        (state, str(words)) for state, (_kind, words) in _STATES.items() if state not in gone_wrong
    ]


def freight_words() -> list[tuple[str, str, str]]:
    """Each way to share freight: its value, its name, and what it means."""
    return [
        (FreightKey.VALUE.value, _("By value"), _("Who buys for more, pays more freight.")),
        (
            FreightKey.QUANTITY.value,
            _("By quantity"),
            _("Who buys more pieces, pays more freight."),
        ),
        (FreightKey.EQUAL.value, _("Equal"), _("Everyone who gets something pays the same.")),
    ]


def shortage_words() -> list[tuple[str, str, str]]:
    """Each rule for when too little comes: its value, its name, and what it means."""
    return [
        (
            ShortageRule.PRO_RATA.value,
            _("In proportion"),
            _("Everyone gets a part, by what each ordered."),
        ),
        (
            ShortageRule.FIRST_PLEDGED.value,
            _("First come, first served"),
            _("Who ordered first gets everything; the last one may get nothing."),
        ),
        (
            ShortageRule.MANUAL.value,
            _("By hand"),
            _("The coordinator says who gets what, and why."),
        ),
    ]


def surplus_words() -> list[tuple[str, str, str]]:
    """What becomes of units that nobody ordered: its value, its name, and what it means."""
    return [
        (
            SurplusRule.ASK.value,
            _("Decide then"),
            _("The coordinator gives it to someone, or keeps it, before settling."),
        ),
        (
            SurplusRule.STOCK.value,
            _("Keep as stock"),
            _("The cooperative pays for it and keeps it."),
        ),
    ]


def outcome_words() -> dict[str, tuple[str, str]]:
    """What can become of goods at the hand-out: its name and what it means, by value."""
    return {
        HandOutcome.COLLECTED.value: (_("collected"), ""),
        HandOutcome.KEPT.value: (_("kept apart"), _("it waits for the member.")),
        HandOutcome.SOLD_ON.value: (
            _("sold on"),
            _("someone else gets it; the member pays nothing."),
        ),
        HandOutcome.CHARGED.value: (
            _("not collected"),
            _("it is gone; the member pays all the same."),
        ),
    }


_CHANGES = {
    "planned": lazy_gettext("Prepared"),
    "draft-changed": lazy_gettext("Changed while it was being prepared"),
    "open": lazy_gettext("Opened"),
    "closed": lazy_gettext("Closed"),
    "ordered": lazy_gettext("Ordered"),
    "order-sent-again": lazy_gettext("Order mailed again"),
    "received": lazy_gettext("Received"),
    "allocated": lazy_gettext("Shared out"),
    "settled": lazy_gettext("Settled"),
    "cancelled": lazy_gettext("Cancelled"),
    "renewed": lazy_gettext("Made again as another round"),
    "corrected": lazy_gettext("Corrected"),
    "invoice-recorded": lazy_gettext("Invoice entered"),
    "freight-recorded": lazy_gettext("Freight entered as it turned out"),
    "invoice-withdrawn": lazy_gettext("Invoice taken back"),
    "rules-chosen": lazy_gettext("Rules of sharing chosen"),
    "replaced": lazy_gettext("Something else came instead"),
    "replacement-priced": lazy_gettext("Another price for what came instead"),
    "slot-added": lazy_gettext("Pick-up time added"),
    "slot-removed": lazy_gettext("Pick-up time taken back"),
    "prolonged": lazy_gettext("Kept open longer"),
    "topup-began": lazy_gettext("Members may fill packs"),
    "asked": lazy_gettext("Too little ordered: the coordinator was asked"),
    "deadline-set": lazy_gettext("Agreed what happens at the closing time"),
    "uncharged-asked": lazy_gettext("Asked to charge nobody"),
    "uncharged-refused": lazy_gettext("Charging nobody was turned down"),
    "settled-uncharged": lazy_gettext("Settled without charging anyone"),
    "pledges-recorded": lazy_gettext("Orders brought in from a file"),
}


def change_words(action: str) -> str:
    """What happened to a round, as its history tells."""
    return str(_CHANGES.get(action, action))
