"""The words and figures behind a share, from the compact form that a settlement stores.

Short keys of ``pledge_share.explanation`` (numbers only, no names; nothing that a member
could be known by):

======  ==================================================================================
``q``   the goods: ``q`` pledged, ``t`` pledged by all, ``u`` usable units that arrived,
        ``d`` units for this pledge; in a shortage ``s``: ``p`` pro rata, ``f`` first
        pledged, and ``r`` = 1 when one of the units left over after rounding went here
        ``a``: units asked for, where closing made ``q`` of them to fill packs
        ``h``: units by the rule, where ``d`` was set by hand; ``o``: units that were set by
        hand for anyone, which ``u`` leaves out; ``m``: units of ``d`` beyond what was pledged,
        tolerated when more came; ``s`` = ``w``: too little came, and nothing is set yet
        ``k``: ``r`` it came in place of something else, ``q`` is what was missed of that;
        ``e`` it was not pledged for but given afterwards; ``s`` bought from the stock
``n``   the goods, where they are not units times price: ``t`` cents for all, ``w`` ``W``
        ``x`` ``r`` as for freight, ``k`` by ``u`` units or ``g`` grams; ``g`` grams together,
        or ``c`` units that nobody could use and that were charged all the same; ``s`` the
        price of a sale from the stock. Neither: a price for several units. ``b``: ``c`` or
        ``m`` where the exact share was kept within the cent of this many units
``p``   price of a unit in cents, without VAT; ``l``: the first price of the ladder, where
        the round reached a lower one; ``z``: both are for so many units together
``f``   freight, absent when there is none: ``k`` by ``v`` value or ``q`` quantity; ``t`` the
        cents that are shared, ``w`` the weight here, ``W`` all weights, ``x`` the exact
        share, ``r`` = 1 for a rounding cent. With the key "equal" ``m`` tells the first
        step: ``t`` shared equally over ``n`` members, ``x`` and ``r`` for this member
``v``   VAT: ``b`` basis points (``null``: exempt), ``t`` VAT of that rate on the whole
        invoice, then ``w`` ``W`` ``x`` ``r`` as for freight; without ``w`` nothing is due
======  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from wijkeconomie.money.amounts import format_amount
from wijkeconomie.money.explanations import share_from_dict
from wijkeconomie.purchasing.unit_prices import quoted_cents
from wijkeconomie.purchasing.unit_words import many

Locale = Literal["nl", "en"]


@dataclass(frozen=True, slots=True)
class ExplanationStep:
    """One line of the sum: a sentence, and the cents it adds to the share, where it does."""

    text: str
    amount_cents: int | None


@dataclass(frozen=True, slots=True)
class ExplainedShare:
    """The figures that an explanation comes to, computed from it alone."""

    delivered: int
    net_cents: int
    freight_cents: int
    vat_cents: int

    @property
    def gross_cents(self) -> int:
        """The whole share."""
        return self.net_cents + self.freight_cents + self.vat_cents


_WORDS: Mapping[Locale, Mapping[str, str]] = {
    "nl": {
        "all": "Je bestelde {q} {unit} en kreeg {d} {unit}.",
        "none": "Je bestelde {q} {unit}. Er was niets voor je.",
        "p": "Je bestelde {q} van de {t} {unit}. Er kwam {u} {unit} bruikbaar binnen. "
        "Naar verhouding is dat {exact}, dus {d} {unit}.",
        "f": "Je bestelde {q} {unit}. Er kwam {u} van de {t} {unit} bruikbaar binnen. "
        "Wie het eerst bestelde, ging voor: jij kreeg {d} {unit}.",
        "w": "Je bestelde {q} van de {t} {unit}. Er kwam {u} {unit} bruikbaar binnen. Wie wat "
        "krijgt, wordt nog met de hand bepaald.",
        "by_hand": "Je bestelde {q} {unit} en kreeg {d} {unit}. Dat is met de hand bepaald; naar "
        "de regel was het {h} {unit}.",
        "others": " Daarnaast is {o} {unit} met de hand toegewezen.",
        "tolerated": " Er kwam meer dan besteld, en jij vond meer goed: {m} {unit} extra.",
        "extra": "Je bestelde dit niet vooraf. Na afloop kreeg je {d} {unit}.",
        "from_stock": "Je kocht {d} {unit} uit de voorraad.",
        "n_s": "Samen {total}, zonder btw",
        "instead": "Dit kwam in plaats van iets anders, waarvan jij {q} {unit} miste. ",
        "n_u": "{c} {unit} was kapot of kwam niet, en de leverancier rekent dat toch. Samen kost "
        "het {total}: {w} van de {W} {unit} is {exact}",
        "n_g": "Alles samen weegt {g} gram en kost {total}: {w} van de {W} gram is {exact}",
        "n_gu": "Alles samen weegt {g} gram en kost {total}: {w} van de {W} {unit} is {exact}",
        "n_z": "De prijs is {price}. Samen kost {W} {unit} {total}: {w} daarvan is {exact}",
        "rounding": "Precies is {W} {unit} {whole}. De leverancier rekent hele centen",
        "for": "{price} per {z} {unit}",
        "odd_unit": " Eén {unit} meer, omdat jouw deel na de komma het grootst was.",
        "more": "Je vroeg {a} {unit} en vond iets meer goed: om een pak vol te maken werd "
        "dat {q} {unit}. ",
        "less": "Je vroeg {a} {unit}. Alleen volle pakken werden besteld: daarvan was {q} "
        "{unit} voor jou. ",
        "ladder": "Samen bestelden jullie genoeg voor een lagere prijs: {price} in plaats van "
        "{list} per {one}, zonder btw. Dat scheelt jou {gain}",
        "net": "{d} {unit} à {price}",
        "v": "Vracht {total} naar waarde: {w} van de {W} is {exact}",
        "q": "Vracht {total} naar aantal: {w} van de {W} is {exact}",
        "m": "Vracht: {total} gelijk verdeeld over {n} leden is {exact} per lid",
        "m_cent": "Vracht: {total} gelijk verdeeld over {n} leden is {exact} per lid. "
        "Er bleef een cent over voor jou",
        "vat": "Btw {rate}, samen {total}: {w} van de {W} is {exact}",
        "exempt": "Zonder btw: dit is vrijgesteld",
        "zero": "Btw {rate}",
        "cent": ", met een cent van de afronding",
        "cents": "{exact} cent",
        "unit": "stuks",
    },
    "en": {
        "all": "You ordered {q} {unit} and got {d} {unit}.",
        "none": "You ordered {q} {unit}. There was nothing for you.",
        "p": "You ordered {q} of the {t} {unit}. {u} {unit} arrived in good order. "
        "Your part of that is {exact}, so {d} {unit}.",
        "f": "You ordered {q} {unit}. {u} of the {t} {unit} arrived in good order. "
        "Who ordered first went first: you got {d} {unit}.",
        "w": "You ordered {q} of the {t} {unit}. {u} {unit} arrived in good order. Who gets what "
        "will be decided by hand.",
        "by_hand": "You ordered {q} {unit} and got {d} {unit}. That was set by hand; by the rule "
        "it was {h} {unit}.",
        "others": " Besides, {o} {unit} was given out by hand.",
        "tolerated": " More came than was ordered, and you were fine with more: {m} {unit} extra.",
        "extra": "You did not order this before. Afterwards you got {d} {unit}.",
        "from_stock": "You bought {d} {unit} from the stock.",
        "n_s": "Together {total}, without VAT",
        "instead": "This came in place of something else, of which you missed {q} {unit}. ",
        "n_u": "{c} {unit} was damaged or did not come, and the supplier charges it all the same. "
        "Together it costs {total}: {w} of the {W} {unit} is {exact}",
        "n_g": "All of it weighs {g} grams and costs {total}: {w} of the {W} grams is {exact}",
        "n_gu": "All of it weighs {g} grams and costs {total}: {w} of the {W} {unit} is {exact}",
        "n_z": "The price is {price}. Together {W} {unit} costs {total}: {w} of those is {exact}",
        "rounding": "Exactly {W} {unit} is {whole}. The supplier charges whole cents",
        "for": "{price} for {z} {unit}",
        "odd_unit": " One {unit} more, because your part after the point was the largest.",
        "more": "You asked for {a} {unit} and were fine with more: to fill a pack it became "
        "{q} {unit}. ",
        "less": "You asked for {a} {unit}. Only full packs were ordered: {q} {unit} of those "
        "were for you. ",
        "ladder": "Together you ordered enough for a lower price: {price} instead of {list} "
        "per {one}, without VAT. That saves you {gain}",
        "net": "{d} {unit} at {price}",
        "v": "Freight {total} by value: {w} of the {W} is {exact}",
        "q": "Freight {total} by quantity: {w} of the {W} is {exact}",
        "m": "Freight: {total} shared equally over {n} members is {exact} each",
        "m_cent": "Freight: {total} shared equally over {n} members is {exact} each. "
        "One cent was left over for you",
        "vat": "VAT {rate}, together {total}: {w} of the {W} is {exact}",
        "exempt": "Without VAT: this is exempt",
        "zero": "VAT {rate}",
        "cent": ", with a cent from the rounding",
        "cents": "{exact} cents",
        "unit": "units",
    },
}


def recompute(explanation: Mapping[str, Any]) -> ExplainedShare:
    """Work out a share from its explanation alone: what an auditor does with pencil.

    Raises:
        ValueError: the explanation was not written by a settlement.
    """
    try:
        goods = explanation["q"]
        delivered: int = goods["d"]
        net = delivered * int(explanation["p"])
        if "n" in explanation:
            net = _share_amount(explanation["n"])
        freight = _share_amount(explanation["f"]) if "f" in explanation else 0
        vat = _share_amount(explanation["v"]) if "w" in explanation["v"] else 0
    except (KeyError, TypeError) as error:
        raise ValueError("not an explanation of a share") from error
    return ExplainedShare(delivered, net, freight, vat)


def explain_share(
    explanation: Mapping[str, Any], locale: Locale, *, unit: str | None = None
) -> list[ExplanationStep]:
    """Tell in words why a share is what it is; the steps' amounts sum to its gross.

    Args:
        explanation: the compact form, as above.
        unit: what the product is counted in (``kg``), where the reader should see it.
    """
    words = _WORDS[locale]
    figures = recompute(explanation)
    unit = unit or words["unit"]
    steps = [ExplanationStep(_goods_sentence(explanation["q"], words, unit, locale), None)]
    if not figures.delivered and not figures.gross_cents:
        return steps
    steps += _price_steps(explanation, words, unit, locale, figures)
    if "f" in explanation:
        steps += _freight_steps(explanation["f"], words, locale, figures.freight_cents)
    steps.append(_vat_step(explanation["v"], words, locale, figures.vat_cents))
    return steps


def _price_steps(
    explanation: Mapping[str, Any],
    words: Mapping[str, str],
    unit: str,
    locale: Locale,
    figures: ExplainedShare,
) -> list[ExplanationStep]:
    """What the goods cost, the rounding of the supplier's total, and what a ladder saved."""
    units = explanation.get("z", 1)
    price = format_amount(explanation["p"], locale)
    shown = (
        price if units == 1 else words["for"].format(price=price, z=units, unit=many(unit, units))
    )
    goods = explanation.get("n")
    if goods is None:
        net = words["net"].format(d=figures.delivered, unit=unit, price=shown)
    else:
        net = _goods_step(goods, words, unit, locale, shown)
    steps = [ExplanationStep(net, figures.net_cents)]
    if goods is not None and units > 1 and "c" not in goods:
        whole = Fraction(explanation["p"] * int(goods["W"]), units)
        if whole.denominator > 1:
            rounding = words["rounding"].format(
                W=goods["W"], unit=unit, whole=_cents(str(whole), words, locale)
            )
            steps.append(ExplanationStep(rounding, None))
    if "l" in explanation and figures.delivered:
        gain = quoted_cents(explanation["l"] - explanation["p"], units, figures.delivered)
        ladder = words["ladder"].format(
            price=price,
            list=format_amount(explanation["l"], locale),
            one=unit if units == 1 else f"{units} {many(unit, units)}",
            gain=format_amount(gain, locale),
        )
        steps.append(ExplanationStep(ladder, None))
    return steps


def _share_amount(part: Mapping[str, Any]) -> int:
    return share_from_dict({key: part[key] for key in ("w", "x", "r") if key in part}).amount


def _goods_sentence(
    goods: Mapping[str, Any], words: Mapping[str, str], unit: str, locale: Locale
) -> str:
    if "a" in goods:
        became = "more" if goods["q"] > goods["a"] else "less"
        rest = {key: value for key, value in goods.items() if key != "a"}
        return words[became].format(a=goods["a"], q=goods["q"], unit=unit) + _goods_sentence(
            rest, words, unit, locale
        )
    if "k" in goods:
        if goods["k"] in {"e", "s"}:
            kind = "extra" if goods["k"] == "e" else "from_stock"
            return words[kind].format(d=goods["d"], unit=unit)
        rest = {key: value for key, value in goods.items() if key != "k"}
        instead = words["instead"].format(q=goods["q"], unit=unit)
        return instead + _goods_sentence(rest, words, unit, locale)
    if "h" in goods:
        return words["by_hand"].format(q=goods["q"], d=goods["d"], h=goods["h"], unit=unit)
    if "s" in goods:
        return _short_sentence(goods, words, unit, locale)
    sentence = words["all"].format(q=goods["q"], d=goods["d"], unit=unit)
    return sentence + (words["tolerated"].format(m=goods["m"], unit=unit) if "m" in goods else "")


def _short_sentence(
    goods: Mapping[str, Any], words: Mapping[str, str], unit: str, locale: Locale
) -> str:
    others = words["others"].format(o=goods["o"], unit=unit) if "o" in goods else ""
    if not goods["u"]:
        return words["none"].format(q=goods["q"], unit=unit) + others
    exact = Fraction(goods["u"] * goods["q"], goods["t"])
    sentence = words[goods["s"]].format(
        q=goods["q"],
        t=goods["t"],
        u=goods["u"],
        d=goods["d"],
        unit=unit,
        exact=_number(exact, locale),
    )
    return sentence + (words["odd_unit"].format(unit=unit) if goods.get("r") else "") + others


def _goods_step(
    goods: Mapping[str, Any], words: Mapping[str, str], unit: str, locale: Locale, price: str
) -> str:
    """What goods cost that are not units times price: by weight, with what was lost, together."""
    if "g" in goods:
        kind = "n_g" if goods["k"] == "g" else "n_gu"
    else:
        kind = "n_u" if "c" in goods else "n_z"
    text = words[kind].format(
        price=price,
        c=goods.get("c"),
        g=goods.get("g"),
        unit=unit,
        total=format_amount(goods["t"], locale),
        w=goods["w"],
        W=goods["W"],
        exact=_cents(goods["x"], words, locale),
    )
    return text + (words["cent"] if goods.get("r") else "")


def _freight_steps(
    freight: Mapping[str, Any], words: Mapping[str, str], locale: Locale, amount: int
) -> list[ExplanationStep]:
    steps = []
    if (member := freight.get("m")) is not None:
        sentence = words["m_cent" if member.get("r") else "m"].format(
            total=format_amount(member["t"], locale),
            n=member["n"],
            exact=_cents(member["x"], words, locale),
        )
        steps.append(ExplanationStep(sentence, None))
    steps.append(ExplanationStep(_shared(words[freight["k"]], freight, words, locale), amount))
    return steps


def _vat_step(
    vat: Mapping[str, Any], words: Mapping[str, str], locale: Locale, amount: int
) -> ExplanationStep:
    if vat["b"] is None:
        return ExplanationStep(words["exempt"], 0)
    rate = f"{_number(Fraction(vat['b'], 100), locale)} %"
    if "w" not in vat:
        return ExplanationStep(words["zero"].format(rate=rate), 0)
    return ExplanationStep(_shared(words["vat"], vat, words, locale, rate=rate), amount)


def _shared(
    sentence: str,
    part: Mapping[str, Any],
    words: Mapping[str, str],
    locale: Locale,
    **extra: str,
) -> str:
    """Fill in "w of the W is x cents", and the rounding cent where one was given."""
    # Weights by value are cents; by quantity they are units.
    is_quantity = part.get("k") == "q"
    weight, weights = (
        str(part[key]) if is_quantity else format_amount(int(part[key]), locale)
        for key in ("w", "W")
    )
    text = sentence.format(
        w=weight,
        W=weights,
        total=format_amount(part["t"], locale),
        exact=_cents(part["x"], words, locale),
        **extra,
    )
    return text + (words["cent"] if part.get("r") else "")


def exact_cents(value: Fraction, locale: Locale) -> str:
    """An amount with parts of a cent, as in ``4739,58… cent``."""
    return _cents(str(value), _WORDS[locale], locale)


def _cents(exact: str, words: Mapping[str, str], locale: Locale) -> str:
    return words["cents"].format(exact=_number(Fraction(exact), locale))


def _number(value: Fraction, locale: Locale) -> str:
    """Write a number with at most two decimals, cut off, and dots where it goes on."""
    hundredths, rest = divmod(value.numerator * 100, value.denominator)
    whole, decimals = divmod(hundredths, 100)
    text = str(whole)
    if decimals or rest:
        text += ("," if locale == "nl" else ".") + f"{decimals:02d}".rstrip("0" if not rest else "")
    return text + ("…" if rest else "")
