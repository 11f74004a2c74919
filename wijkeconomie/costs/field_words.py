"""What is said beside the field of a form when a cost cannot be as somebody typed it."""

from __future__ import annotations

from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.money.amounts import format_amount

_FIELDS = {
    "net_cents": "net",
    "vat_cents": "vat",
    "supplier_code": "supplier",
    "day": "on",
    "accounting_date": "booked_on",
}


def said_at_field(refusal: InvalidInputError) -> tuple[str, str]:
    """The field of a form, and the sentence beside it.

    Raises:
        InvalidInputError: it is of no field that people type in.
    """
    field = str(refusal.context.get("field"))
    words = {
        "net_cents": lambda: _("This is more than a cost can be."),
        "vat_cents": lambda: _(
            "This VAT does not go with the amount: the rate gives %(amount)s.",
            amount=format_amount(int(refusal.context["most_cents"] or 0), page_language()),
        ),
        "supplier_code": lambda: _(
            "Nothing of this supplier stands in the books. Is the code right? Then tick that"
            " the supplier is new."
        ),
        "day": lambda: _(
            "Choose a day between %(first)s and %(last)s.",
            first=refusal.context["first_day"],
            last=refusal.context["last_day"],
        ),
        "code": lambda: _("Use letters, digits, dots and dashes, and begin and end with one."),
        "ends_on": lambda: _("This is before the first day."),
        "accounting_date": lambda: _("This is before the month itself."),
        "from_month": lambda: _(
            "%(cost)s was made already. Correct it, or choose a later month.",
            cost=refusal.context.get("cost"),
        ),
    }.get(field)
    if words is None:
        raise refusal
    return _FIELDS.get(field, field), words()
