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
    "cooperative-exists": lazy_gettext(
        "There is a cooperative with this code already. Choose another one."
    ),
    "member-exists": lazy_gettext("There is a member with this number already."),
    "last-board-member": lazy_gettext(
        "A cooperative keeps at least one board member. Name another one first."
    ),
    "invitation-not-valid": lazy_gettext(
        "This link does not work any more. Ask for a new invitation."
    ),
    "wrong-credentials": lazy_gettext("The e-mail address and the password do not go together."),
    "unauthenticated": lazy_gettext("Sign in first."),
    "weak-password": lazy_gettext("Choose a longer password that nobody guesses."),
    "round-state": lazy_gettext(
        "The round is not that far yet, or it is further already. Look how it stands."
    ),
    "round-not-open": lazy_gettext(
        "This round is not open. Wait until it opens, or for the next one."
    ),
    "deadline-passed": lazy_gettext("The closing time has passed."),
    "product-not-in-round": lazy_gettext("This round does not offer that product."),
    "pledge-too-large": lazy_gettext("A member may order %(maximum)s of this at most."),
    "tolerance-too-large": lazy_gettext("%(maximum)s more is all that can help. Enter less."),
    "price-out-of-reach": lazy_gettext(
        "The lowest price of this is %(lowest_cents)s without VAT. Choose a price of the list."
    ),
    "below-supplier-minimum": lazy_gettext(
        "The order is %(short_cents)s too small for this supplier. Say why it takes it all the "
        "same, or cancel the round."
    ),
    "price-list-unreadable": lazy_gettext(
        "This file cannot be read as a price list. Save it as CSV or XLSX and try again."
    ),
    "price-list-taken-over": lazy_gettext("This price list was taken over already."),
    "pledge-exists": lazy_gettext("There is an order for this product already. Change that one."),
    "not-an-active-member": lazy_gettext(
        "Only members order, from the day they join to the day they leave."
    ),
    "credit-limit": lazy_gettext(
        "You have %(short_cents)s too little. You can pay in, or order less."
    ),
    "nothing-pledged": lazy_gettext("Nobody ordered anything, so there is nothing to order."),
    "over-order": lazy_gettext("More came than was ordered. Say why, or correct the number."),
    "lines-not-received": lazy_gettext("Not every product has been counted: %(products)s."),
    "invoice-missing": lazy_gettext(
        "Enter the supplier's invoice first: it should be %(expected_cents)s."
    ),
    "invoice-difference": lazy_gettext(
        "The invoice is %(invoiced_cents)s and should be %(expected_cents)s. "
        "The difference is %(difference_cents)s."
    ),
    "invoice-known": lazy_gettext("This invoice was entered for another round."),
    "statement-does-not-tie": lazy_gettext(
        "The statement differs from the books at %(sum)s. It is not handed out."
    ),
    "nothing-settled": lazy_gettext("Round %(round)s was not settled in or before this period."),
    "wrong-bank-account": lazy_gettext("This bank line is of another account."),
    "bank-line-differs": lazy_gettext("This bank line was recorded before with other content."),
    "not-a-city-folder": lazy_gettext("This is not a folder of a city."),
    "export-conflict": lazy_gettext(
        "Two things have the same code, so the export would mix them up."
    ),
    "folder-in-use": lazy_gettext("The folder holds files already. Choose an empty one."),
    "key-not-valid": lazy_gettext(
        "The key %(key)s cannot be used for this month. Add a version, or the decision it "
        "waits for."
    ),
    "weight-missing": lazy_gettext(
        "Member %(member)s has no weight for the key %(key)s. Fill it in and try again."
    ),
    "cannot-allocate": lazy_gettext(
        "These costs cannot be shared with the key %(key)s. Look at its weights and limits."
    ),
    "cost-settled": lazy_gettext("This cost was settled already. Correct it instead."),
    "cost-not-settled": lazy_gettext("This cost was not settled yet."),
    "code-taken": lazy_gettext("This code is in use. Choose another one."),
    "not-a-member-then": lazy_gettext(
        "Member %(member)s was no member in %(month)s. Book it in another month, or leave him out."
    ),
    "split-file-unreadable": lazy_gettext(
        "This is no export of IHateMoney or Splitwise. Export the bills again."
    ),
    "split-import-done": lazy_gettext("These bills were booked already, or the file is gone."),
    "split-people-unknown": lazy_gettext("Say who these people are: %(people)s."),
    "implausible-reading": lazy_gettext(
        "This reading can hardly be right. Look at the meter again."
    ),
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
