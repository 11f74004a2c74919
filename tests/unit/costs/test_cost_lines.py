"""Worked examples of the lines that a settled cost takes in the books."""

from __future__ import annotations

import pytest

from wijkeconomie.costs.entry_rules import CostAmounts, cost_lines
from wijkeconomie.money.vat import RateName, VatRegime

RATES: dict[RateName, int] = {"high": 2100, "low": 900, "zero": 0}


def lines_of(
    cost: CostAmounts, regime: VatRegime = "regulier"
) -> dict[tuple[str, str | None], int]:
    lines = cost_lines(cost, regime=regime, standard_rates=RATES)
    return {(line.account_key, line.party): line.amount_cents for line in lines}


@pytest.mark.parametrize(
    ("basis_points", "account"), [(None, "services_exempt"), (0, "services_zero")]
)
def test_exempt_and_the_zero_rate_are_two_things(basis_points: int | None, account: str) -> None:
    cost = CostAmounts(net_cents=1000, vat_cents=0, vat_basis_points=basis_points, supplier=None)

    assert lines_of(cost) == {
        ("shared_costs", None): 1000,
        ("invoices_to_come", None): -1000,
        (account, None): -1000,
    }


def test_under_the_small_businesses_scheme_there_are_no_rates() -> None:
    cost = CostAmounts(net_cents=1000, vat_cents=210, vat_basis_points=2100, supplier="S1")

    assert lines_of(cost, "kor") == {
        ("shared_costs", None): 1210,
        ("suppliers", "S1"): -1210,
        ("services_exempt", None): -1210,
    }


def test_each_subsidy_has_its_own_line() -> None:
    cost = CostAmounts(
        net_cents=1000,
        vat_cents=210,
        vat_basis_points=2100,
        supplier=None,
        subsidies=[("G1", 300), ("G2", 10)],
    )

    found = lines_of(cost)
    assert (found["subsidies", "G1"], found["subsidies", "G2"]) == (300, 10)
    assert sum(found.values()) == -900
