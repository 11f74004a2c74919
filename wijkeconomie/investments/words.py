"""Instruments and states in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

from wijkeconomie.investments.models import (
    Instrument,
    ParticipationState,
    TransferRule,
    TransferState,
)

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
    ParticipationState.TRANSFERRED: ("neutral", lazy_gettext("passed on")),
}
_RULES: dict[TransferRule, Any] = {
    TransferRule.APPROVAL: lazy_gettext("to another member, when the board approves"),
    TransferRule.FREE: lazy_gettext("to another member, without approval"),
    TransferRule.NONE: lazy_gettext("not to anyone"),
}
_TRANSFERS: dict[TransferState, tuple[str, Any]] = {
    TransferState.OFFERED: ("attention", lazy_gettext("waits for who gets them")),
    TransferState.ACCEPTED: ("busy", lazy_gettext("waits for the board")),
    TransferState.MOVED: ("good", lazy_gettext("passed on")),
    TransferState.REFUSED: ("wrong", lazy_gettext("refused by the board")),
    TransferState.WITHDRAWN: ("neutral", lazy_gettext("does not go on")),
}


def rule_words(rule: str) -> str:
    """To whom units can be passed on."""
    return str(_RULES[TransferRule(rule)])


def rule_choices() -> list[tuple[str, str]]:
    """To whom a campaign can let units be passed on."""
    return [(rule.value, str(words)) for rule, words in _RULES.items()]


def transfer_badge(state: str) -> tuple[str, str]:
    """The kind and the words of the badge of units that are passed on."""
    kind, words = _TRANSFERS[TransferState(state)]
    return kind, str(words)


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
