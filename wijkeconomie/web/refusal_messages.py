"""A refusal in the visitor's words: one table from its code to a sentence with its values.

A placeholder is a value of the refusal's context; one that ends in ``_cents`` is written as an
amount. A test holds the table to the refusals that exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

from wijkeconomie.core.refusals import DomainError
from wijkeconomie.web.formatting import amount

MESSAGES: Mapping[str, Any] = {
    "permission-denied": lazy_gettext(
        "You may not do this. Someone with one of these roles can: %(roles)s."
    ),
    "not-found": lazy_gettext("We cannot find this. Perhaps it was moved, or it is not yours."),
    "invalid-input": lazy_gettext("Something in the form is not right. Look at the red field."),
    "stale-version": lazy_gettext(
        "Someone else changed this while you were looking. We show you how it is now: "
        "check it and try again."
    ),
    "idempotency-key-reused": lazy_gettext(
        "This form was sent before with other values. Open the page again and repeat the change."
    ),
    "unbalanced-entry": lazy_gettext("The booking does not add up, so nothing was booked."),
    "unknown-account": lazy_gettext("The books have no such account, so nothing was booked."),
    "closed-period": lazy_gettext(
        "The month of %(date)s is closed. Choose a later date, or ask the treasurer to open it."
    ),
    "balance-limit": lazy_gettext("The balance is too low for this. Nothing was booked."),
    "already-reversed": lazy_gettext("This booking was put right before. Look at the newest one."),
    "unknown-entry": lazy_gettext("The books have no entry with this number."),
}


def sentence(refusal: DomainError) -> str:
    """What a page says about ``refusal``; its own detail where the table has no sentence."""
    message = MESSAGES.get(refusal.code)
    if message is None:
        return refusal.detail
    values = {
        name: amount(value) if name.endswith("_cents") and isinstance(value, int) else value
        for name, value in refusal.context.items()
    }
    try:
        return str(message) % values
    except KeyError:  # a refusal raised without one of the values its sentence names
        return refusal.detail
