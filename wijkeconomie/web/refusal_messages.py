"""A refusal in the visitor's words: one table from its code to a sentence with its values.

A placeholder is a value of the refusal's context; one that ends in ``_cents`` is written as an
amount, in euros or in the context's ``unit``. A test holds the table to the refusals that exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

from wijkeconomie.core.jobs import JobRun
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.web.formatting import language

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
    "topup-only-fills": lazy_gettext(
        "Packs are only filled now: %(room)s more fit. You cannot order less any more."
    ),
    "goods-came": lazy_gettext("Goods came in this round, so somebody has to pay. Settle it."),
    "second-person-needed": lazy_gettext("Somebody else than who asked for it has to decide."),
    "uncharged-asked": lazy_gettext("This was asked already. A second person decides."),
    "confirmation-needed": lazy_gettext("Type the code of the round. Nothing was done."),
    "figures-changed": lazy_gettext(
        "The amounts have changed since you saw them. Look at them again."
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
    "units-undecided": lazy_gettext(
        "Decide first who gets %(product)s: it does not come out yet (%(units)s)."
    ),
    "goods-not-weighed": lazy_gettext("Weigh %(product)s first: it is paid by weight."),
    "slot-full": lazy_gettext("This time is full. Choose another one."),
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
    "reading-missing": lazy_gettext(
        "Key %(key)s waits for readings of %(day)s or later: %(meters)s. Write them down, or an "
        "estimate."
    ),
    "cannot-allocate": lazy_gettext(
        "These costs cannot be shared with the key %(key)s. Look at its weights and limits."
    ),
    "cost-settled": lazy_gettext("This cost was settled already. Correct it instead."),
    "cost-accounted": lazy_gettext(
        "Subsidy %(subsidy)s helped to pay this, and its funder was told how it was spent. Write "
        "the difference down as a new cost, with a minus for money that comes back."
    ),
    "cost-not-settled": lazy_gettext("This cost was not settled yet."),
    "draft-outdated": lazy_gettext(
        "The costs changed since you looked at them. Look again, then settle."
    ),
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
    "care-code-taken": lazy_gettext("This number is in use. Choose another one."),
    "agreement-not-approved": lazy_gettext(
        "The care agreement is not approved. Hours can be declared as soon as it is."
    ),
    "outside-care-period": lazy_gettext(
        "The agreement goes from %(from_month)s until %(until_month)s. Choose a month within it."
    ),
    "care-amount-differs": lazy_gettext(
        "The hours and the rate come to another amount. Look at the hours again."
    ),
    "units-not-transferred": lazy_gettext("Units of this project are not passed on."),
    "transfer-state": lazy_gettext("This was done before. Look how these units stand."),
    "loss-before-transfer": lazy_gettext(
        "Units were passed on or released after that day."
        " Choose %(date)s or a later day for this loss."
    ),
    "nothing-to-order": lazy_gettext(
        "Nobody can be paid: nothing is owed, or no account is known."
    ),
    "order-called-off": lazy_gettext("A payment of %(code)s was called off or came back."),
    "order-settled": lazy_gettext("The bank has paid %(code)s. Its file is not given again."),
    "over-care-fence": lazy_gettext(
        "Too little is left for this agreement. Nothing was declared. Talk to the holder of the "
        "budget."
    ),
    "over-care-budget": lazy_gettext(
        "Too little is left of the budget. Nothing was declared. Talk to the holder of the budget."
    ),
    "declaration-state": lazy_gettext(
        "Someone decided on this declaration already. Look how it stands."
    ),
    "nothing-to-list": lazy_gettext(
        "There is nothing to put on a list: no approved hours of this month are waiting."
    ),
    "result-followed": lazy_gettext(
        "Someone was paid of this result, or capital moved on since. It stays as it is."
    ),
    "payment-followed": lazy_gettext(
        "Something followed on this payment, or the bank told of it. It stays as it is."
    ),
    "asset-disposed": lazy_gettext("This is out of use since %(date)s."),
    "asset-depreciated": lazy_gettext(
        "That month was booked already. Choose %(date)s or a later day."
    ),
    "payer-unknown": lazy_gettext("Write down first which insurer pays these budgets."),
    "payer-fixed": lazy_gettext(
        "Hours of this budget went to who pays it. Another insurer takes a new budget."
    ),
    "own-hours": lazy_gettext(
        "You worked these hours yourself. The holder or another administrator decides on them."
    ),
    "own-carer": lazy_gettext("The holder cannot be his own carer. Choose someone else."),
    "not-our-money": lazy_gettext("The books hold no money of %(alias)s."),
    "subsidy-limit": lazy_gettext("Of this subsidy %(left_cents)s is left."),
    "subsidy-period": lazy_gettext(
        "This subsidy is for %(first_day)s up to %(last_day)s. Choose a day in between."
    ),
    "subsidy-for-others": lazy_gettext(
        "This subsidy gives member %(member)s no more than %(left_cents)s now."
    ),
    "subsidy-accounted": lazy_gettext("This subsidy was accounted for. Nothing changes any more."),
    "project-code-taken": lazy_gettext(
        "This code or invoice number is in use. Choose another one."
    ),
    "prospectus-needed": lazy_gettext(
        "Together with your other campaigns you ask for more than 5 million euros in a year. "
        "For that the law wants an approved prospectus. Fill in which one, or ask for less."
    ),
    "campaign-not-open": lazy_gettext("You cannot take part in this project now."),
    "campaign-full": lazy_gettext("You can take %(left)s more units at most."),
    "members-only": lazy_gettext(
        "Only members take part, from the day they join to the day they leave."
    ),
    "participation-state": lazy_gettext(
        "This participation was paid, given up or paid back already. Look how it stands."
    ),
    "drawing-above-raised": lazy_gettext(
        "Of this project you can spend %(left_cents)s now. Wait until more has come in."
    ),
    "drawing-used": lazy_gettext(
        "This invoice is part of something in use, or was turned back already."
    ),
    "nothing-drawn": lazy_gettext(
        "There is no invoice yet. Enter the invoices of the project first."
    ),
    "no-units": lazy_gettext("Nobody holds units of this project on that day."),
    "result-shared": lazy_gettext("The result of %(year)s was shared already."),
    "loss-not-borne": lazy_gettext("Members lent this money. They do not pay for a loss."),
    "loss-above-capital": lazy_gettext(
        "The loss is more than what is left of the units: %(left_cents)s."
    ),
    "nothing-owed": lazy_gettext(
        "We owe member %(member)s %(owed_cents)s. You cannot pay more than that."
    ),
    "fund-exhausted": lazy_gettext(
        "The fund has %(left_cents)s left, and this comes to %(total_cents)s. Nothing was issued."
    ),
    "grant-amount": lazy_gettext("At most %(left_cents)s is left. Write down less."),
    "grant-applied": lazy_gettext("This carer applied before in this round. Once is enough."),
    "grant-budget-full": lazy_gettext(
        "All the money of this round is spoken for. You cannot apply any more."
    ),
    "grant-carers-full": lazy_gettext(
        "%(maximum)s carers applied for this person already. More is not possible in this round."
    ),
    "grant-other-round": lazy_gettext(
        "For this person was applied in another round of this year. It can be done once a year."
    ),
    "grant-state": lazy_gettext("This round is not at this step. Look again how it stands."),
    "grant-window": lazy_gettext("You can apply from %(opens_on)s to %(closes_on)s."),
    "earmark-narrowed": lazy_gettext(
        "Members hold vouchers of this kind that they got for these shops too. You can add a shop."
        " For fewer shops make a new kind."
    ),
    "merchant-not-accepted": lazy_gettext(
        "This voucher cannot be used at this shop. Look on the list which shops take part."
    ),
    "not-transferable": lazy_gettext(
        "This voucher is for yourself, or the other one is no member. You cannot pass it on."
    ),
    "nothing-to-pay-out": lazy_gettext("Nothing is owed to this shop now."),
    "payment-code-expired": lazy_gettext("This code is too old. Ask the customer for a new one."),
    "payment-code-limit": lazy_gettext(
        "The customer agreed to %(maximum_cents)s at most. Ask for a new code for more."
    ),
    "payment-code-used": lazy_gettext(
        "This code was used before. Ask the customer for a new code, or take the next one on"
        " the sheet."
    ),
    "refund-too-large": lazy_gettext("Of this payment %(left_cents)s is left to give back."),
    "unknown-voucher": lazy_gettext("We do not know this code. Look whether it was typed right."),
    "voucher-balance": lazy_gettext(
        "There is %(short_cents)s too little: the balance is %(balance_cents)s. Pay less, or the"
        " rest in another way."
    ),
    "voucher-code-taken": lazy_gettext("This code is in use. Choose another one."),
    "voucher-expired": lazy_gettext("This voucher has expired. It cannot be used any more."),
    "voucher-not-usable-yet": lazy_gettext("This voucher can be used from %(date)s on."),
    "stock-gone": lazy_gettext(
        "Of %(product)s there are %(left)s in stock. That is not enough for %(units)s."
    ),
    "deposit-too-much": lazy_gettext("Only %(left_cents)s was paid in deposits."),
    "return-undone": lazy_gettext("This was turned back already."),
    "sale-taken-back": lazy_gettext("This sale was turned back already."),
    "voucher-order-state": lazy_gettext("This order was paid or given up already."),
    "voucher-used": lazy_gettext(
        "Something of this voucher was used, passed on or has expired. Only a whole one can be"
        " withdrawn."
    ),
    "wrong-cooperative": lazy_gettext(
        "This voucher is of cooperative %(cooperative)s. It can be used at the shops of that one."
    ),
}


def sentence(refusal: DomainError) -> str:
    """What a page says about ``refusal``; its own detail where the table has no sentence."""
    return _in_words(refusal.code, refusal.context) or refusal.detail


def failure_sentence(run: JobRun) -> str:
    """Why scheduled work failed, in the words of who reads it; never a programmer's."""
    values = run.context or {}
    if said := _in_words(str(run.error), values):
        return said
    if reference := values.get("reference"):
        message = lazy_gettext(
            "Something went wrong on our side. If it lasts, tell us this reference: %(reference)s."
        )
        return str(message) % {"reference": reference}
    return str(lazy_gettext("Something went wrong on our side. If it lasts, let us know."))


def _in_words(code: str, context: Mapping[str, Any]) -> str | None:
    """The sentence of a code with its values; ``None`` where there is none, or a value lacks."""
    message = MESSAGES.get(code)
    if message is None:
        return None
    unit = str(context.get("unit") or "EUR")
    values = {
        name: format_amount(value, language(), unit)
        if name.endswith("_cents") and isinstance(value, int)
        else value
        for name, value in context.items()
    }
    try:
        return str(message) % values
    except KeyError:  # a refusal raised without one of the values its sentence names
        return None
