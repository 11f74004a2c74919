"""Laws of reading bills: what the file says is what is planned, and what is wrong is named."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.money.weights import parse_weight
from wijkeconomie.network.splitting.lines import SplitFile, SplitSource, as_json, from_json
from wijkeconomie.network.splitting.planning import SplitPlan, Who, plan_split
from wijkeconomie.network.splitting.reading import read_split_file
from wijkeconomie.network.splitting.refusals import SplitFileUnreadableError

WHO = {"Anna": "L001", "Bram": "L002", "Cor": "L003"}


def a_bill(**changed: Any) -> dict[str, Any]:
    bill = {
        "what": "verf",
        "bill_type": "Expense",
        "amount": 10.0,
        "currency": "XXX",
        "date": "2025-11-03",
        "payer_name": "Anna",
        "payer_weight": 1.0,
        "owers": ["Anna", "Bram"],
    }
    return bill | changed


def ihatemoney(*bills: dict[str, Any]) -> SplitFile:
    return read_split_file(json.dumps(bills).encode())


def splitwise(*rows: str, people: str = "Anna,Bram,Cor") -> SplitFile:
    heading = f"Date,Description,Category,Cost,Currency,{people}"
    return read_split_file("\n".join([heading, "", *rows, ""]).encode())


def plan(file: SplitFile, **weights: str) -> SplitPlan:
    return plan_split(file, Who(WHO, dict(file.weights) | weights))


def effects(made: SplitPlan) -> Counter[str]:
    """What members get back (+) or owe (-), exactly, by hand."""
    found: Counter[str] = Counter()
    for bill in made.bills:
        found[bill.paid_by] += Fraction(bill.cents)  # type: ignore[assignment]
        weights = {code: parse_weight(weight) for code, weight in bill.weights}
        for code, weight in weights.items():
            found[code] -= bill.cents * weight / sum(weights.values())  # type: ignore[assignment]
    for repayment in made.repayments:
        found[repayment.paid_by] += repayment.cents
        found[repayment.paid_to] -= repayment.cents
    return found


def test_both_forms_of_ihatemoney_say_the_same() -> None:
    table = (
        b"what,bill_type,amount,currency,date,payer_name,payer_weight,owers\n"
        b'verf,Expense,10.0,XXX,2025-11-03,Anna,1.0,"Anna, Bram"\n'
    )
    from_csv, from_list = read_split_file(table), ihatemoney(a_bill())

    assert plan(from_csv).bills[0].cents == 1000
    assert [b.weights for b in plan(from_csv).bills] == [b.weights for b in plan(from_list).bills]
    assert from_csv.source is SplitSource.IHATEMONEY


def test_a_person_weighs_what_his_own_bills_say_and_else_one() -> None:
    file = ihatemoney(a_bill(), a_bill(payer_name="Bram", payer_weight=2.5, what="kwast"))

    assert file.weights == {"Anna": "1", "Bram": "2.5"}
    assert [bill.weights for bill in plan(file).bills] == [(("L001", "2"), ("L002", "5"))] * 2
    # With 0 he shares nothing: Anna's bill is her own, and she alone owes him for his.
    assert [bill.weights for bill in plan(file, Bram="0").bills] == [(("L001", "1"),)]


def test_a_reimbursement_is_no_cost() -> None:
    made = plan(ihatemoney(a_bill(bill_type="Reimbursement", owers=["Bram"])))

    [repaid] = made.repayments
    assert (repaid.paid_by, repaid.paid_to, repaid.cents) == ("L001", "L002", 1000)
    assert made.bills == ()


def test_a_name_with_a_comma_in_it_is_one_person() -> None:
    table = (
        b"what,amount,date,payer_name,payer_weight,owers\n"
        b'verf,10,2025-11-03,"Bram, van",1,"Anna, Bram, van"\n'
    )

    assert read_split_file(table).people == ("Anna", "Bram, van")


def test_splitwise_shares_are_those_of_the_file_to_the_cent() -> None:
    file = splitwise(
        "2025-11-03,Verf,Household supplies,10.00,EUR,6.67,-3.33,-3.34",
        "2025-11-04,Terug,Payment,3.33,EUR,-3.33,3.33,0.00",
        "",
        "2025-11-05,Total balance, , ,EUR,3.34,0.00,-3.34",
    )
    made = plan(file)

    assert made.bills[0].weights == (("L001", "333"), ("L002", "333"), ("L003", "334"))
    assert effects(made) == {"L001": 334, "L002": 0, "L003": -334}
    assert file.balances == {"Anna": 334, "Bram": 0, "Cor": -334}


def test_equal_shares_are_one_key_however_large() -> None:
    file = splitwise(
        "2025-11-03,Verf,General,30.00,EUR,20.00,-10.00,-10.00",
        "2025-11-03,Hout,General,60.00,EUR,-20.00,40.00,-20.00",
    )

    assert {bill.weights for bill in plan(file).bills} == {
        (("L001", "1"), ("L002", "1"), ("L003", "1"))
    }


def test_where_several_paid_what_it_comes_to_is_taken_over() -> None:
    made = plan(splitwise("2025-11-03,Feest,General,90.00,EUR,20.00,10.00,-30.00"))

    assert [(bill.paid_by, bill.cents) for bill in made.bills] == [("L001", 2000), ("L002", 1000)]
    assert effects(made) == {"L001": 2000, "L002": 1000, "L003": -3000}
    assert len({bill.code for bill in made.bills}) == 2


def test_two_people_of_one_household_are_one_member() -> None:
    file = splitwise(
        "2025-11-03,Verf,General,30.00,EUR,20.00,-10.00,-10.00",
        "2025-11-03,Diner,General,30.00,EUR,15.00,-15.00,0.00",
    )
    made = plan_split(file, Who(WHO | {"Bram": "L001"}, {}))

    assert effects(made) == {"L001": 1000, "L003": -1000}
    assert [left.reason for left in made.left_out] == ["nothing-moves"]


def test_lines_with_someone_who_is_no_member_are_left_out_and_told() -> None:
    file = splitwise(
        "2025-11-03,Verf,General,30.00,EUR,20.00,-10.00,-10.00",
        "2025-11-03,Hout,General,20.00,EUR,10.00,-10.00,0.00",
    )
    made = plan_split(file, Who({"Anna": "L001", "Bram": "L002"}, {}))

    assert [bill.description for bill in made.bills] == ["Hout"]
    assert [(left.line.what, left.reason) for left in made.left_out] == [("Verf", "person-unknown")]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("gisteren,Verf,General,30.00,EUR,20.00,-10.00,-10.00", "date-wrong"),
        ("2025-11-03,Verf,General,veel,EUR,20.00,-10.00,-10.00", "amount-wrong"),
        ("2025-11-03,Verf,General,1e99,EUR,20.00,-10.00,-10.00", "amount-wrong"),
        ("2025-11-03,Verf,General,NaN,EUR,20.00,-10.00,-10.00", "amount-wrong"),
        ("2025-11-03,Verf,General,30.00,EUR,20.005,-10.00,-10.005", "amount-fraction"),
        ("2025-11-03,Verf,General,30.00,USD,20.00,-10.00,-10.00", "currency"),
        ("2025-11-03,Verf,General,30.00,EUR,20.00,-10.00,-9.00", "does-not-add-up"),
        ("2025-11-03,Verf,General,30.00,EUR,0.00,0.00,0.00", "nothing-owed"),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_read(row: str, fault: str) -> None:
    file = splitwise(row, "2025-11-03,Hout,General,20.00,EUR,10.00,-10.00,0.00")

    assert [(wrong.number, wrong.fault) for wrong in file.wrong] == [(3, fault)]
    assert [line.what for line in file.lines] == ["Hout"]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"owers": []}, "nobody-shares"),
        ({"payer_name": ""}, "payer-missing"),
        ({"payer_weight": "-1"}, "weight-wrong"),
        ({"amount": 13.337}, "amount-fraction"),
        ({"currency": "USD"}, "currency"),
        ({"amount": 0}, "nothing-owed"),
    ],
)
def test_a_wrong_bill_is_named(changed: dict[str, Any], fault: str) -> None:
    file = ihatemoney(a_bill(**changed), a_bill(what="hout"))

    assert [(wrong.number, wrong.fault) for wrong in file.wrong] == [(1, fault)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"[1]",
        b'[{"what": "x"}]',
        b"[" * 100_000,
        b"name;price\n1;2\n",
        b"\x00\x01\x02",
        b"x" * 2_000_001,
        b"Date,Description,Category,Cost,Currency,Anna,Anna\n2025-01-01,a,b,1,EUR,1,-1\n",
        b"Date,Description,Category,Cost,Currency,Anna,Bram\n",
    ],
)
def test_what_is_no_export_is_refused(content: bytes) -> None:
    with pytest.raises(SplitFileUnreadableError):
        read_split_file(content)


def test_equal_lines_are_two_bills_and_always_the_same_two() -> None:
    file = ihatemoney(a_bill(), a_bill())
    first, second = (bill.code for bill in plan(file).bills)

    assert first != second
    assert [bill.code for bill in plan(ihatemoney(a_bill(), a_bill())).bills] == [first, second]
    # Who someone is, or weighs, does not make it another bill.
    assert [bill.code for bill in plan(file, Bram="3").bills] == [first, second]


effect = st.integers(-50_000, 50_000)


@given(st.lists(st.tuples(effect, effect, st.integers(0, 99_999)), min_size=1, max_size=8))
def test_whatever_splitwise_tells_everyone_gets_back_that(rows: list[tuple[int, int, int]]) -> None:
    def euros(cents: int) -> str:
        return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"

    told = [(a, b, -a - b, cost) for a, b, cost in rows]
    file = splitwise(
        *(
            f"2025-11-03,Regel {number},General,{euros(cost)},EUR,"
            + ",".join(map(euros, (a, b, c)))
            for number, (a, b, c, cost) in enumerate(told)
        )
    )
    found = effects(plan(file))

    for position, code in enumerate(("L001", "L002", "L003")):
        assert found[code] == sum(row[position] for row in told)
    assert from_json(json.loads(json.dumps(as_json(file)))) == file
