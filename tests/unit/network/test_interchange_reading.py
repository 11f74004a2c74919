"""Laws of reading a folder: every wrong cell is named by file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.network.city_folders import (
    DEMO_CITY,
    Rows,
    a_demo_city,
    change_rows,
    faults_of,
    line_of,
    read_rows,
    set_cell,
)
from wijkeconomie.network.interchange.checks import check_round
from wijkeconomie.network.interchange.faults import NotACityFolderError, RowError
from wijkeconomie.network.interchange.files import LAYOUTS, MEMBERS
from wijkeconomie.network.interchange.reading import LINE_LIMIT, HeaderError, read_lines
from wijkeconomie.network.interchange.round_rows import (
    Membership,
    load_surroundings,
    rounds_of,
)
from wijkeconomie.network.interchange.spool import Spool
from wijkeconomie.network.interchange.staging import stage_folder

SUPPLIERS_HEADER = b"supplier_id,name,category,kvk,iban,payment_days\n"
GOOD_SUPPLIER = b"LEV1,Boerderij,groente,98411170,NL91ABNA0417164300,14\n"


def supplier_faults(folder: Path, content: bytes) -> list[RowError]:
    path = folder / "suppliers.csv"
    path.write_bytes(content)
    layout = next(layout for layout in LAYOUTS if layout.file == "suppliers.csv")
    return [fault for line in read_lines(path, layout) for fault in line.faults]


def round_faults(folder: Path, cooperative: str = "MRS") -> list[RowError]:
    with Spool() as spool:
        stage_folder(folder, spool, lambda _file: None)
        around = load_surroundings(spool, cooperative)
        return [
            *spool.faults(),
            *(
                fault
                for rows in rounds_of(spool, cooperative)
                for fault in check_round(rows, around)
            ),
        ]


def test_the_demo_city_is_right_to_the_last_cell() -> None:
    faults = [fault for code in ("MRS", "NWG", "ZST") for fault in round_faults(DEMO_CITY, code)]

    assert faults == []


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + SUPPLIERS_HEADER + GOOD_SUPPLIER
    faults = supplier_faults(tmp_path, content.replace(b"\n", b"\r\n"))

    assert faults == []


def test_columns_may_stand_in_another_order(tmp_path: Path) -> None:
    names = b"name,supplier_id,category,kvk,iban,payment_days\n"
    row = b"Boerderij,LEV1,groente,98411170,NL91ABNA0417164300,14\n"

    assert supplier_faults(tmp_path, names + row) == []


@pytest.mark.parametrize(
    ("header", "column", "reason"),
    [
        (b"supplier_id,name,category,kvk,iban,payment_days,colour\n", "colour", "no column"),
        (b"supplier_id,name,category,kvk,iban\n", "payment_days", "missing"),
        (b"supplier_id,name,name,category,kvk,iban,payment_days\n", "name", "twice"),
        (b"", "", "header is missing"),
    ],
)
def test_a_wrong_header_is_refused_by_its_column(
    tmp_path: Path, header: bytes, column: str, reason: str
) -> None:
    with pytest.raises(HeaderError) as refusal:
        supplier_faults(tmp_path, header)

    [fault] = refusal.value.faults
    assert (fault.line, fault.column) == (1, column)
    assert reason in fault.reason


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (b"LEV2,Zu\0ivel,zuivel,98411170,NL91ABNA0417164300,14\n", "name", "NUL"),
        (b"LEV2,Zu\xffivel,zuivel,98411170,NL91ABNA0417164300,14\n", "name", "UTF-8"),
        (b"LEV2,Zuivel,zuivel,98411170,NL91ABNA0417164300\n", "payment_days", "5 cells"),
        (b"LEV2,Zuivel,zuivel,98411170,NL91ABNA0417164300,14,x\n", "", "7 cells"),
        (b'LEV2,"Zuivel,zuivel,98411170,NL91ABNA0417164300,14\n', "name", "quoted"),
        (b"LEV2,Zuivel,zuivel,98411170,NL91ABNA0417164300,1e5\n", "payment_days", "whole number"),
        (b"LEV2,,zuivel,98411170,NL91ABNA0417164300,14\n", "name", "empty"),
        (b"LEV2,Zui\rvel,zuivel,98411170,NL91ABNA0417164300,14\n", "name", "carriage return"),
    ],
)
def test_a_broken_line_is_named_and_the_next_one_is_read(
    tmp_path: Path, line: bytes, column: str, reason: str
) -> None:
    content = SUPPLIERS_HEADER + line + GOOD_SUPPLIER + line

    faults = supplier_faults(tmp_path, content)

    assert [(fault.line, fault.column) for fault in faults] == [(2, column), (4, column)]
    assert reason in faults[0].reason


def test_a_cell_of_ten_megabytes_is_refused_in_its_place_without_being_kept(
    tmp_path: Path,
) -> None:
    monster = b"LEV2," + b"x" * 10_000_000 + b",zuivel,98411170,NL91ABNA0417164300,14\n"

    faults = supplier_faults(tmp_path, SUPPLIERS_HEADER + monster + GOOD_SUPPLIER)

    [fault] = faults
    assert (fault.line, fault.column) == (2, "name")
    assert len(fault.value) <= LINE_LIMIT
    assert len(str(fault)) < 300


@pytest.mark.parametrize(
    ("file", "line", "column", "value"),
    [
        ("cooperatives.csv", 2, "vat_regime", "hoog"),
        ("cooperatives.csv", 2, "creditor_id", "NL00ZZZ981204510000"),
        ("cooperatives.csv", 3, "liability_cap_cents", "100"),
        ("members.csv", 3, "iban", "NL00ABNA0417164300"),
        ("members.csv", 3, "joined", "2031-02-29"),
        ("members.csv", 9, "left", "1999-01-01"),
        ("members.csv", 3, "caregiver", "ja"),
        ("members.csv", 3, "coop_id", "XXX"),
        ("participation_keys.csv", 2, "member_id", "M999"),
        ("participation_keys.csv", 2, "kwh", "-3.5"),
        ("products.csv", 2, "supplier_id", "LEV9"),
        ("products.csv", 2, "price_excl_cents", "1,19"),
        ("rounds.csv", 2, "closes", "2026-01-07"),
        ("rounds.csv", 2, "shipping_key", "gewicht"),
        ("pledges.csv", 2, "quantity", "-1"),
        ("pledges.csv", 2, "round_id", "MRS-R99"),
        ("pledges.csv", 2, "member_id", "M118"),
        ("pledges.csv", 2, "sku", "AK-ANANAS"),
        ("deliveries.csv", 2, "damaged_quantity", "14"),
        ("supplier_invoices.csv", 2, "gross_cents", "1"),
        ("shared_costs.csv", 2, "month", "2026-1"),
        ("shared_costs.csv", 2, "gross_cents", "5"),
        ("subsidies.csv", 2, "valid_to", "2025-01-01"),
        ("vouchers.csv", 2, "expires_on", "2025-01-01"),
        ("vouchers.csv", 2, "vat_basis_points", "900"),
        ("merchants.csv", 2, "fee_basis_points", "20000"),
        ("voucher_redemptions.csv", 2, "voucher_id", "W999"),
        ("voucher_redemptions.csv", 2, "merchant_id", "ZST-W1"),
        ("care_budgets.csv", 2, "period_end", "2025-12-31"),
        ("care_declarations.csv", 2, "budget_id", "B-M999"),
        ("projects.csv", 2, "unit_price_cents", "-1"),
        ("investments.csv", 2, "member_id", "M101"),
        ("bank_entries.csv", 2, "cents", "-1500"),
        ("bank_entries.csv", 2, "account", "NL91ABNA0417164300"),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_and_column(
    tmp_path: Path, file: str, line: int, column: str, value: str
) -> None:
    folder = a_demo_city(tmp_path)
    set_cell(folder, file, line, column, value)

    faults = faults_of(folder)

    assert (file, line, column) in {(fault.file, fault.line, fault.column) for fault in faults}


@pytest.mark.parametrize(
    ("file", "line", "column", "value", "reason"),
    [
        ("pledges.csv", 2, "pledged_at", "2026-01-15T00:00:00", "not open"),
        ("pledges.csv", 2, "quantity", "21", "may order"),
        ("pledges.csv", 2, "sku", "ZU-KAAS", "of supplier"),
        ("deliveries.csv", 2, "ordered_quantity", "99", "pledges come to"),
        ("deliveries.csv", 2, "delivered_quantity", "14", "say why"),
        ("deliveries.csv", 2, "delivered_on", "2026-01-10", "still open"),
        ("deliveries.csv", 3, "sku", "AK-AARD", "already"),
        ("supplier_invoices.csv", 2, "supplier_id", "LEV2", "of supplier"),
        ("supplier_invoices.csv", 3, "round_id", "MRS-R01", "has an invoice"),
        ("rounds.csv", 2, "status", "cancelled", "cancelled"),
        ("rounds.csv", 2, "delivery_date", "2026-01-01", "after the closing"),
        ("supplier_invoices.csv", 2, "invoice_date", "2025-01-01", "had not opened"),
        ("rounds.csv", 2, "shipping_excl_cents", "1600", "come to"),
    ],
)
def test_a_round_that_does_not_hold_together_is_named_at_the_cell_that_tells(
    tmp_path: Path, file: str, line: int, column: str, value: str, reason: str
) -> None:
    folder = a_demo_city(tmp_path)
    set_cell(folder, file, line, column, value)

    faults = round_faults(folder)

    assert any(reason in fault.reason for fault in faults)
    if file != "rounds.csv":
        assert (file, line, column) in {(it.file, it.line, it.column) for it in faults}


def test_a_delivery_with_goods_and_no_invoice_is_refused_at_its_round(tmp_path: Path) -> None:
    folder = a_demo_city(tmp_path)
    change_rows(folder, "supplier_invoices.csv", lambda rows: rows[1:])

    [fault] = round_faults(folder)

    assert (fault.file, fault.line, fault.column) == ("rounds.csv", 2, "round_id")
    assert "13875" in fault.reason


def test_an_id_that_is_used_twice_names_the_first_line(tmp_path: Path) -> None:
    folder = a_demo_city(tmp_path)
    change_rows(folder, "pledges.csv", lambda rows: [*rows, rows[0]])
    last = len(read_rows(folder, "pledges.csv")) + 1

    [fault] = faults_of(folder)

    assert (fault.line, fault.column) == (last, "pledge_id")
    assert "line 2" in fault.reason


def test_a_refused_row_takes_along_the_rows_that_name_it(tmp_path: Path) -> None:
    folder = a_demo_city(tmp_path)
    set_cell(folder, "members.csv", 2, "joined", "gisteren")
    pledge = line_of(folder, "pledges.csv", "member_id", "M101")

    faults = faults_of(folder)

    assert {fault.cooperative for fault in faults} == {"MRS"}
    assert ("pledges.csv", pledge) in {(fault.file, fault.line) for fault in faults}


def test_a_repeated_redemption_is_a_retry_and_no_fault() -> None:
    rows = read_rows(DEMO_CITY, "voucher_redemptions.csv")
    assert len({row["redemption_id"] for row in rows}) < len(rows)

    assert faults_of(DEMO_CITY) == []


def test_files_may_be_absent_until_a_row_needs_them(tmp_path: Path) -> None:
    folder = a_demo_city(tmp_path)
    for layout in LAYOUTS:
        if layout.file not in {"cooperatives.csv", "members.csv"}:
            (folder / layout.file).unlink()
    (folder / "federation.json").unlink()

    assert faults_of(folder) == []
    (folder / "members.csv").unlink()
    (folder / "participation_keys.csv").write_text("member_id,kwh,usage\nM101,1.5,2\n")
    [fault] = faults_of(folder)
    assert fault.reason == "there is no members.csv"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"name": 1}', b"\xff", b"[" * 100_000])
def test_a_wrong_federation_is_named(tmp_path: Path, content: bytes) -> None:
    folder = a_demo_city(tmp_path)
    (folder / "federation.json").write_bytes(content)

    assert {fault.file for fault in faults_of(folder)} == {"federation.json"}


def test_a_folder_that_is_no_city_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotACityFolderError, match="no folder"):
        faults_of(tmp_path / "nowhere")
    with pytest.raises(NotACityFolderError, match=r"no cooperatives\.csv"):
        faults_of(tmp_path)


def test_a_misspelt_file_is_refused_so_that_it_is_not_passed_over(tmp_path: Path) -> None:
    folder = a_demo_city(tmp_path)
    (folder / "pledges.csv").rename(folder / "pledge.csv")

    with pytest.raises(NotACityFolderError, match=r"pledge\.csv"):
        faults_of(folder)


def test_rows_need_not_be_sorted(tmp_path: Path) -> None:
    folder = a_demo_city(tmp_path)

    def backwards(rows: Rows) -> Rows:
        return list(reversed(rows))

    for file in ("members.csv", "pledges.csv", "deliveries.csv", "rounds.csv"):
        change_rows(folder, file, backwards)

    assert faults_of(folder) == []
    assert round_faults(folder) == []


def test_every_column_of_the_demo_city_is_declared_in_its_order() -> None:
    for layout in LAYOUTS:
        header = (DEMO_CITY / layout.file).read_text(encoding="utf-8").splitlines()[0]
        assert header.split(",") == layout.names


def test_a_membership_is_loaded_with_its_dates() -> None:
    with Spool() as spool:
        stage_folder(DEMO_CITY, spool, lambda _file: None)
        members = load_surroundings(spool, "MRS").members

    assert members["M108"] == Membership(
        members["M108"].joined, MEMBERS.columns[17].kind.read("2025-06-30")
    )
