"""Laws of exporting: the same rows come out, and nothing is overwritten by accident."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.network.city_folders import DEMO_CITY, a_demo_city, read_rows, set_cell
from wijkeconomie.core.identity import ANONYMOUS, system_identity
from wijkeconomie.core.refusals import NotFoundError, PermissionDeniedError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.network.interchange.exporting import export_city
from wijkeconomie.network.interchange.faults import ExportConflictError, FolderInUseError
from wijkeconomie.network.interchange.files import LAYOUTS
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.outcomes import export_outcomes

OPERATOR = system_identity("test")


def imported(runtime: Runtime, folder: Path) -> None:
    outcome = import_city(runtime.units_of_work, folder)
    assert not outcome.has_refusals


def test_an_export_of_what_was_imported_has_the_same_rows_cell_by_cell(
    fresh_runtime: Runtime, tmp_path: Path
) -> None:
    imported(fresh_runtime, DEMO_CITY)

    outcome = export_city(fresh_runtime.units_of_work, OPERATOR, tmp_path / "out")

    for layout in LAYOUTS:
        written = (tmp_path / "out" / layout.file).read_bytes()
        assert written == (DEMO_CITY / layout.file).read_bytes(), layout.file
    assert json.loads((tmp_path / "out" / "federation.json").read_text()) == json.loads(
        (DEMO_CITY / "federation.json").read_text()
    )
    assert outcome.unfinished == []


@pytest.mark.parametrize(
    ("file", "line", "column", "value"),
    [
        ("rounds.csv", 2, "opens", "2026-01-08T00:00:00"),
        ("rounds.csv", 2, "opens", "2026-01-08T00:00"),
        ("pledges.csv", 2, "pledged_at", "2026-01-09T11:12"),
        ("pledges.csv", 2, "pledged_at", "2026-01-09T11:12:13+01:00"),
        ("deliveries.csv", 2, "delivery_id", "BON-77"),
    ],
)
def test_another_way_of_writing_the_same_comes_out_as_it_went_in(
    fresh_runtime: Runtime, tmp_path: Path, file: str, line: int, column: str, value: str
) -> None:
    folder = a_demo_city(tmp_path)
    set_cell(folder, file, line, column, value)
    imported(fresh_runtime, folder)

    export_city(fresh_runtime.units_of_work, OPERATOR, tmp_path / "out")

    assert (tmp_path / "out" / file).read_bytes() == (folder / file).read_bytes()
    imported(fresh_runtime, folder)


def test_an_export_can_be_imported_elsewhere(fresh_runtime: Runtime, tmp_path: Path) -> None:
    imported(fresh_runtime, DEMO_CITY)
    export_city(fresh_runtime.units_of_work, OPERATOR, tmp_path / "out", cooperative="NWG")

    members = read_rows(tmp_path / "out", "members.csv")
    assert {row["coop_id"] for row in members} == {"NWG"}
    assert json.loads((tmp_path / "out" / "federation.json").read_text())["cooperatives"] == ["NWG"]
    imported(fresh_runtime, tmp_path / "out")


def test_a_folder_with_files_is_not_written_to_unless_asked(
    fresh_runtime: Runtime, tmp_path: Path
) -> None:
    imported(fresh_runtime, DEMO_CITY)
    target = tmp_path / "out"
    target.mkdir()
    (target / "notes.txt").write_text("mine")

    with pytest.raises(FolderInUseError):
        export_city(fresh_runtime.units_of_work, OPERATOR, target)
    assert [path.name for path in target.iterdir()] == ["notes.txt"]

    export_city(fresh_runtime.units_of_work, OPERATOR, target, overwrite=True)
    assert (target / "notes.txt").read_text() == "mine"
    assert (target / "rounds.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_one_code_for_two_things_is_refused_and_leaves_no_folder(
    fresh_runtime: Runtime, tmp_path: Path
) -> None:
    imported(fresh_runtime, DEMO_CITY)
    other = a_demo_city(tmp_path)
    for layout in LAYOUTS:
        if layout.file not in {"cooperatives.csv", "suppliers.csv", "products.csv"}:
            (other / layout.file).unlink()
    (other / "federation.json").unlink()
    set_cell(other, "cooperatives.csv", 2, "coop_id", "NIEUW")
    lines = (other / "cooperatives.csv").read_text(encoding="utf-8").splitlines()
    (other / "cooperatives.csv").write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    set_cell(other, "suppliers.csv", 2, "name", "Een heel andere boer")
    imported(fresh_runtime, other)

    with pytest.raises(ExportConflictError, match="LEV1"):
        export_city(fresh_runtime.units_of_work, OPERATOR, tmp_path / "out")
    assert not (tmp_path / "out").exists()

    export_city(fresh_runtime.units_of_work, OPERATOR, tmp_path / "out", cooperative="NIEUW")
    assert read_rows(tmp_path / "out", "suppliers.csv")[0]["name"] == "Een heel andere boer"


def test_outcomes_tie_to_the_invoices(fresh_runtime: Runtime, tmp_path: Path) -> None:
    imported(fresh_runtime, DEMO_CITY)

    rows = export_outcomes(fresh_runtime.units_of_work, OPERATOR, tmp_path / "out")

    totals = {row["round_id"]: row for row in read_rows(tmp_path / "out", "round_totals.csv")}
    shares = read_rows(tmp_path / "out", "delivered_per_pledge.csv")
    rounds = read_rows(DEMO_CITY, "rounds.csv")
    delivered = {row["round_id"] for row in rounds if row["status"] == "delivered"}
    assert set(totals) == delivered
    assert rows["delivered_per_pledge.csv"] == len(shares)
    assert rows["round_totals.csv"] == len(totals)
    invoices = {
        row["round_id"]: row["gross_cents"] for row in read_rows(DEMO_CITY, "supplier_invoices.csv")
    }
    for code, total in totals.items():
        members = sum(int(row["gross_cents"]) for row in shares if row["round_id"] == code)
        assert total["supplier_gross_cents"] == invoices.get(code, "0")
        assert int(total["members_gross_cents"]) == members
        assert int(total["difference_cents"]) == int(total["supplier_gross_cents"]) - members
    kept = [
        row["pledge_id"]
        for row in read_rows(DEMO_CITY, "pledges.csv")
        if row["withdrawn"] == "0" and row["round_id"] in delivered
    ]
    assert [row["pledge_id"] for row in shares] == sorted(kept)
    for row in shares:
        parts = sum(int(row[name]) for name in ("net_cents", "vat_cents", "freight_cents"))
        assert int(row["gross_cents"]) == parts
        assert 0 <= int(row["delivered"]) <= int(row["pledged"])


def test_outcomes_written_again_are_the_same_bytes(fresh_runtime: Runtime, tmp_path: Path) -> None:
    imported(fresh_runtime, DEMO_CITY)
    out = tmp_path / "out"
    export_outcomes(fresh_runtime.units_of_work, OPERATOR, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    export_outcomes(fresh_runtime.units_of_work, OPERATOR, out)

    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_export_of_nothing_is_refused(fresh_runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        export_city(fresh_runtime.units_of_work, OPERATOR, tmp_path / "out")
    with pytest.raises(NotFoundError):
        export_city(fresh_runtime.units_of_work, OPERATOR, tmp_path / "out", cooperative="X")


def test_only_the_operator_exports_a_city(fresh_runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(PermissionDeniedError):
        export_city(fresh_runtime.units_of_work, ANONYMOUS, tmp_path / "out")
    with pytest.raises(PermissionDeniedError):
        export_outcomes(fresh_runtime.units_of_work, ANONYMOUS, tmp_path / "out")
