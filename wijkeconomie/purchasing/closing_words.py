"""What closing made of a member's order, in the words of a letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wijkeconomie.purchasing.models import Dropout
from wijkeconomie.purchasing.queries import PledgeView

_DROPOUTS: Mapping[str, Mapping[Dropout, str]] = {
    "nl": {
        Dropout.PRICE: "de prijs werd hoger dan wat jij wilde betalen",
        Dropout.MINIMUM: "er was te weinig besteld voor de leverancier",
        Dropout.PACKS: "er kwam geen hele verpakking voor je vol",
        Dropout.CREDIT: "er stond te weinig op je rekening",
    },
    "en": {
        Dropout.PRICE: "the price became higher than what you wanted to pay",
        Dropout.MINIMUM: "too little was ordered for the supplier",
        Dropout.PACKS: "no full pack was filled for you",
        Dropout.CREDIT: "there was too little on your account",
    },
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "fell-out": "Een deel van je bestelling in {theme} gaat niet door",
        "all-fell-out": "Je bestelling in {theme} gaat niet door",
        "changed": "Je bestelling in {theme} is veranderd",
        "dropouts": "\nDit gaat voor jou niet door:\n{lines}\nDaar betaal je niets voor.",
        "changes": (
            "\nDit werd voor jou een ander aantal, omdat de leverancier alleen volle verpakkingen"
            " of een minimum verkoopt:\n{lines}"
        ),
        "became": "- {name}: {became} {unit} in plaats van {wanted}",
        "rest": "De rest van je bestelling blijft staan.",
        "nothing": "Er blijft niets van je bestelling over.",
    },
    "en": {
        "fell-out": "A part of your order in {theme} falls out",
        "all-fell-out": "Your order in {theme} falls out",
        "changed": "Your order in {theme} has changed",
        "dropouts": "\nThis falls out for you:\n{lines}\nYou pay nothing for it.",
        "changes": (
            "\nThis became another quantity for you, because the supplier sells full packs only,"
            " or from a minimum:\n{lines}"
        ),
        "became": "- {name}: {became} {unit} instead of {wanted}",
        "rest": "The rest of your order stands.",
        "nothing": "Nothing is left of your order.",
    },
}


def closing_told(own: Sequence[PledgeView], theme: str, language: str) -> dict[str, str]:
    """The subject and the outcome of a member's pledges, those that fell out among them.

    What is left is told only where it is so: a rest that stands, or that there is none.
    """
    words = _WORDS[language]
    dropped = [each for each in own if each.dropout]
    standing = [each for each in own if each.withdrawn_at is None]
    changed = [each for each in standing if each.allotted_quantity is not None]
    parts = []
    if dropped:
        why = _DROPOUTS[language]
        lines = (
            f"- {each.quantity} {each.unit} {each.product_name}: {why[each.dropout]}"
            for each in dropped
            if each.dropout
        )
        parts.append(words["dropouts"].format(lines="\n".join(lines)))
    if changed:
        became = (
            words["became"].format(
                name=each.product_name,
                became=each.allotted_quantity,
                unit=each.unit,
                wanted=each.quantity,
            )
            for each in changed
        )
        parts.append(words["changes"].format(lines="\n".join(became)))
    if len(standing) > len(changed):
        parts.append(words["rest"])
    elif not standing:
        parts.append(words["nothing"])
    kind = "changed" if not dropped else "fell-out" if standing else "all-fell-out"
    return {"subject": words[kind].format(theme=theme), "outcome": "\n".join(parts)}
