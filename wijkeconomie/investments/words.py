"""Instruments and states in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

from wijkeconomie.investments.models import Instrument, ParticipationState

_INSTRUMENTS: dict[Instrument, Any] = {
    Instrument.EQUITY: lazy_gettext("own capital: you share in surplus and loss"),
    Instrument.SUBORDINATED: lazy_gettext("a loan that is paid back after other debts"),
    Instrument.LOAN: lazy_gettext("a loan"),
}
_STATES: dict[ParticipationState, tuple[str, Any]] = {
    ParticipationState.SUBSCRIBED: ("attention", lazy_gettext("to be paid")),
    ParticipationState.PAID: ("busy", lazy_gettext("paid, waits for the others")),
    ParticipationState.ISSUED: ("good", lazy_gettext("counts")),
    ParticipationState.RELEASED: ("neutral", lazy_gettext("released")),
    ParticipationState.WITHDRAWN: ("neutral", lazy_gettext("given up")),
    ParticipationState.REFUNDED: ("neutral", lazy_gettext("paid back")),
}


def instrument_words(instrument: str) -> str:
    """What a participation is."""
    return str(_INSTRUMENTS[Instrument(instrument)])


def instrument_choices() -> list[tuple[str, str]]:
    """What a campaign can offer."""
    return [(instrument.value, str(words)) for instrument, words in _INSTRUMENTS.items()]


def state_words(state: str) -> str:
    """Where a participation stands."""
    return str(_STATES[ParticipationState(state)][1])


def state_kind(state: str) -> str:
    """The kind of badge of a state."""
    return _STATES[ParticipationState(state)][0]
