"""Laws of vouchers: what pays, what the parts of tax add up to, what a payout comes to."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from wijkeconomie.money.vat import contained_vat
from wijkeconomie.vouchers.entry_rules import (
    Tax,
    expired_lines,
    paid_lines,
    payout_lines,
    taken_lines,
)
from wijkeconomie.vouchers.rules import (
    Purse,
    Refusal,
    decide,
    moved_vat,
    payout,
    volume_level,
    year_before,
)

DAY = date(2026, 6, 1)
days = st.integers(-3, 3).map(lambda offset: DAY + timedelta(days=offset))
purses = st.lists(st.tuples(st.integers(0, 5000), days, days, st.booleans()), max_size=6).map(
    lambda rows: [
        Purse(number, balance, usable, expires, accepted)
        for number, (balance, usable, expires, accepted) in enumerate(rows)
    ]
)
rates = st.sampled_from([None, 0, 900, 2100])
regimes = st.sampled_from(["regulier", "kor"])


@given(purses=purses, amount=st.integers(1, 20_000))
def test_what_pays_is_exactly_the_amount_and_never_more_than_it_holds(
    purses: list[Purse], amount: int
) -> None:
    decision = decide(purses, amount, DAY)

    by_number = {purse.number: purse for purse in purses}
    if decision.refusal is None:
        assert sum(draw.amount for draw in decision.draws) == amount
    else:
        assert decision.draws == ()
    for draw in decision.draws:
        purse = by_number[draw.number]
        assert 0 < draw.amount <= purse.balance == draw.before
        assert purse.is_accepted
        assert purse.usable_from <= DAY <= purse.expires_on


@given(purses=purses, amount=st.integers(1, 20_000))
def test_what_expires_first_is_spent_first(purses: list[Purse], amount: int) -> None:
    draws = decide(purses, amount, DAY).draws

    by_number = {purse.number: purse for purse in purses}
    ends = [by_number[draw.number].expires_on for draw in draws]
    assert ends == sorted(ends)
    # All but the last one are spent whole.
    assert all(draw.amount == draw.before for draw in draws[:-1])


@given(purses=purses, amount=st.integers(1, 20_000))
def test_a_refusal_is_a_refusal_for_every_larger_amount(purses: list[Purse], amount: int) -> None:
    if decide(purses, amount, DAY).refusal is not None:
        assert decide(purses, amount + 1, DAY).refusal is not None


def test_the_first_thing_in_the_way_is_told() -> None:
    late = Purse(1, 100, DAY, DAY - timedelta(days=1), is_accepted=True)
    early = Purse(2, 100, DAY + timedelta(days=1), DAY + timedelta(days=9), is_accepted=True)
    elsewhere = Purse(3, 100, DAY, DAY, is_accepted=False)
    good = Purse(4, 100, DAY, DAY, is_accepted=True)

    assert decide([late], 500, DAY).refusal is Refusal.EXPIRED
    assert decide([early], 500, DAY).refusal is Refusal.NOT_USABLE_YET
    assert decide([elsewhere], 1, DAY).refusal is Refusal.MERCHANT_NOT_ACCEPTED
    assert decide([good], 101, DAY).refusal is Refusal.INSUFFICIENT_BALANCE
    assert decide([], 1, DAY).refusal is Refusal.INSUFFICIENT_BALANCE
    assert decide([late, good], 100, DAY).refusal is None


@given(
    face=st.integers(1, 1_000_000),
    cuts=st.lists(st.integers(1, 1_000_000), max_size=8),
    rate=st.integers(0, 3000),
)
@example(face=1090, cuts=[500], rate=900)
def test_the_tax_of_all_parts_is_the_tax_at_issue(face: int, cuts: list[int], rate: int) -> None:
    balance, moved = face, 0
    for cut in cuts:
        after = max(balance - cut, 0)
        moved += moved_vat(balance, after, rate)
        balance = after

    assert moved + moved_vat(balance, 0, rate) == contained_vat(face, rate)


@given(
    amount=st.integers(1, 10**9),
    vat=st.integers(0, 10**6),
    rate=rates,
    regime=regimes,
    unit=st.sampled_from(["EUR", "UUR"]),
)
def test_every_entry_of_a_voucher_balances(
    amount: int, vat: int, rate: int | None, regime: str, unit: str
) -> None:
    points = rate if unit == "EUR" else None
    tax = Tax(unit, points, regime, {"high": 2100, "low": 900, "zero": 0})  # type: ignore[arg-type]

    assert sum(line.amount for line in paid_lines("voucher_bank", None, amount, tax)) == amount
    for lines in (
        taken_lines("W1", amount, vat, tax),
        expired_lines(None, amount, tax),
        expired_lines("G1", amount, tax),
    ):
        assert sum(line.amount for line in lines) == -amount


@given(
    gross=st.integers(1, 10**9),
    fee=st.integers(0, 10_000),
    vat=st.sampled_from([None, 2100]),
)
def test_a_payout_and_its_fee_are_what_is_owed(gross: int, fee: int, vat: int | None) -> None:
    paid = payout(gross, fee, vat)

    assert paid.gross_cents == paid.paid_cents + paid.fee_cents + paid.fee_vat_cents
    assert min(paid.paid_cents, paid.fee_cents, paid.fee_vat_cents) >= 0
    lines = payout_lines("W1", paid, regime="regulier" if vat else "kor")
    assert sum(line.amount for line in lines) == 0


def test_the_worked_example_of_a_fee() -> None:
    paid = payout(2000, 150, 2100)

    assert (paid.fee_cents, paid.fee_vat_cents, paid.paid_cents) == (30, 6, 1964)


def test_the_volume_warns_at_eighty_percent() -> None:
    levels = [volume_level(cents) for cents in (79_999_999, 80_000_000, 100_000_000, 100_000_001)]

    assert levels == ["good", "warning", "warning", "passed"]
    assert year_before(date(2026, 11, 25)) == date(2025, 11, 26)
    assert year_before(date(2028, 2, 29)) == date(2027, 3, 1)
