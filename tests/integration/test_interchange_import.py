"""Laws of importing: importing is running, twice is once, and a crash is only a pause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.unit.network.city_folders import (
    DEMO_CITY,
    Rows,
    a_demo_city,
    change_rows,
    line_of,
    read_rows,
    set_cell,
)
from wijkeconomie.core.identity import Identity, Role, system_identity
from wijkeconomie.core.refusals import PermissionDeniedError
from wijkeconomie.core.runtime import Runtime
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.verification import verify_books
from wijkeconomie.network.interchange.faults import RowError
from wijkeconomie.network.interchange.importing import import_city
from wijkeconomie.network.interchange.outcome import ImportOutcome, RowOutcome
from wijkeconomie.network.interchange.outcomes import export_outcomes

CODES = ("MRS", "NWG", "ZST")
TABLES_THAT_ONLY_COUNT = frozenset({"alembic_version"})


@pytest.fixture
def behind(fresh_runtime: Runtime) -> Iterator[Engine]:
    """The database as its owner, who sees every cooperative."""
    engine = create_engine(fresh_runtime.addresses.owner)
    yield engine
    engine.dispose()


def run(
    runtime: Runtime, folder: Path = DEMO_CITY, *, is_strict: bool = True
) -> tuple[ImportOutcome, list[RowError]]:
    faults: list[RowError] = []
    outcome = import_city(
        runtime.units_of_work, folder, is_strict=is_strict, on_fault=faults.append
    )
    return outcome, faults


def digests(behind: Engine) -> dict[str, str]:
    """A digest of every row of every table."""
    with behind.connect() as connection:
        tables = connection.scalars(
            text("select tablename from pg_tables where schemaname = 'public' order by 1")
        ).all()
        return {
            table: connection.scalar(
                text(
                    f"select coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '')"
                    f" from {table} t"
                )
            )
            or ""
            for table in tables
            if table not in TABLES_THAT_ONLY_COUNT
        }


def count(behind: Engine, table: str, where: str = "true") -> int:
    with behind.connect() as connection:
        return connection.scalar(text(f"select count(*) from {table} where {where}")) or 0


def cooperative_ids(runtime: Runtime) -> dict[str, int]:
    with runtime.units_of_work.begin(identity=system_identity("test")) as uow:
        rows = uow.session.execute(text("select code, id from cooperative"))
        return {row.code: row.id for row in rows}


def require_sound_books(runtime: Runtime) -> None:
    for code, cooperative_id in cooperative_ids(runtime).items():
        with runtime.units_of_work.begin(
            identity=system_identity("test"), cooperative_id=cooperative_id
        ) as uow:
            assert verify_books(uow.session, cooperative_id, code).fault is None


def balance(runtime: Runtime, code: str, account: str) -> int:
    cooperative_id = cooperative_ids(runtime)[code]
    with runtime.units_of_work.begin(
        identity=system_identity("test"), cooperative_id=cooperative_id
    ) as uow:
        return ledger.account_balance(uow.session, cooperative_id, account)


def test_the_demo_city_is_imported_whole(fresh_runtime: Runtime, behind: Engine) -> None:
    outcome, faults = run(fresh_runtime)

    assert faults == []
    assert outcome.remarks == []
    assert outcome.cooperatives == list(CODES)
    for file, rows in outcome.rows.items():
        brought_in = outcome.counts[file, RowOutcome.IMPORTED]
        assert brought_in + outcome.counts[file, RowOutcome.KEPT] == rows
    states = {row["round_id"]: row["status"] for row in read_rows(DEMO_CITY, "rounds.csv")}
    delivered = sum(status == "delivered" for status in states.values())
    assert count(behind, "purchase_round", "state = 'settled'") == delivered
    assert count(behind, "purchase_round", "state = 'cancelled'") == len(states) - delivered
    assert count(behind, "bank_line", "entry_number is null") == 0
    require_sound_books(fresh_runtime)


def test_members_and_cooperative_together_pay_the_invoice_to_the_cent(
    fresh_runtime: Runtime, behind: Engine
) -> None:
    run(fresh_runtime)

    invoices = {
        row["round_id"]: int(row["gross_cents"])
        for row in read_rows(DEMO_CITY, "supplier_invoices.csv")
    }
    with behind.connect() as connection:
        settled = connection.execute(
            text(
                "select r.code, s.supplier_gross_cents,"
                " s.members_gross_cents + s.cooperative_gross_cents,"
                " coalesce((select sum(gross_cents) from pledge_share p where p.cooperative_id ="
                " s.cooperative_id and p.round_id = s.round_id and p.version = s.version), 0),"
                " s.members_gross_cents from round_settlement s join purchase_round r"
                " on r.cooperative_id = s.cooperative_id and r.id = s.round_id"
            )
        ).all()
    assert len(settled) > len(invoices)  # one round in which nothing arrived
    for code, supplier, together, shares, members in settled:
        assert supplier == together == invoices.get(code, 0)
        assert shares == members


def test_importing_again_changes_not_one_row(fresh_runtime: Runtime, behind: Engine) -> None:
    run(fresh_runtime)
    before = digests(behind)

    outcome, faults = run(fresh_runtime)

    assert faults == []
    assert digests(behind) == before
    for file, rows in outcome.rows.items():
        assert outcome.counts[file, RowOutcome.UNCHANGED] == rows


class PowerCut(Exception):  # noqa: N818
    """What ends a process that does nothing wrong."""


class CutAfter:
    """Progress that fails inside the transaction of the batch it is told of."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def row_read(self, file: str) -> None:
        """Do nothing."""

    def rows_done(self, cooperative: str, file: str, rows: int) -> None:
        """Fail at the batch after the last one that may pass."""
        if self.left == 0:
            raise PowerCut
        self.left -= 1


@pytest.mark.parametrize("batches", [0, 1, 3, 5, 7, 9, 12, 20, 31, 40])
def test_a_crash_leaves_nothing_half_done_and_the_same_command_completes_it(
    fresh_runtime: Runtime, behind: Engine, batches: int
) -> None:
    with pytest.raises(PowerCut):
        import_city(fresh_runtime.units_of_work, DEMO_CITY, progress=CutAfter(batches))
    assert count(behind, "purchase_round", "state not in ('settled', 'cancelled')") == 0
    require_sound_books(fresh_runtime)

    outcome, faults = run(fresh_runtime)

    assert faults == []
    assert outcome.cooperatives == list(CODES)
    after = digests(behind)
    run(fresh_runtime)
    assert digests(behind) == after
    rounds = len(read_rows(DEMO_CITY, "rounds.csv"))
    assert count(behind, "purchase_round") == rounds
    assert count(behind, "bank_line", "entry_number is null") == 0
    require_sound_books(fresh_runtime)


def test_strict_imports_nothing_of_a_cooperative_with_a_wrong_row_and_all_of_the_others(
    fresh_runtime: Runtime, behind: Engine, tmp_path: Path
) -> None:
    folder = a_demo_city(tmp_path)
    line = line_of(folder, "pledges.csv", "round_id", "NWG-R02")
    set_cell(folder, "pledges.csv", line, "quantity", "1e5")

    outcome, faults = run(fresh_runtime, folder)

    [fault] = faults
    assert str(fault).startswith(f"pledges.csv:{line}:quantity [1e5]: ")
    assert outcome.cooperatives == ["MRS", "ZST"]
    assert outcome.left_out == ["NWG"]
    assert sorted(cooperative_ids(fresh_runtime)) == ["MRS", "ZST"]
    assert outcome.counts["pledges.csv", RowOutcome.REFUSED] == 1
    assert outcome.counts["members.csv", RowOutcome.LEFT_OUT] == 8


def test_without_strict_a_wrong_row_takes_along_only_what_depends_on_it(
    fresh_runtime: Runtime, behind: Engine, tmp_path: Path
) -> None:
    folder = a_demo_city(tmp_path)
    line = line_of(folder, "pledges.csv", "round_id", "NWG-R02")
    set_cell(folder, "pledges.csv", line, "quantity", "1e5")

    outcome, faults = run(fresh_runtime, folder, is_strict=False)

    assert [fault.line for fault in faults] == [line]
    assert outcome.cooperatives == list(CODES)
    assert count(behind, "purchase_round", "code = 'NWG-R02'") == 0
    assert count(behind, "purchase_round", "code = 'NWG-R01' and state = 'settled'") == 1
    for file, rows in outcome.rows.items():
        assert sum(outcome.counts[file, which] for which in RowOutcome) == rows


def test_a_corrected_folder_is_completed_by_the_same_command(
    fresh_runtime: Runtime, tmp_path: Path
) -> None:
    folder = a_demo_city(tmp_path)
    line = line_of(folder, "pledges.csv", "round_id", "NWG-R02")
    right = read_rows(folder, "pledges.csv")[line - 2]["quantity"]
    set_cell(folder, "pledges.csv", line, "quantity", "-1")
    run(fresh_runtime, folder, is_strict=False)
    set_cell(folder, "pledges.csv", line, "quantity", right)

    outcome, faults = run(fresh_runtime, folder)

    assert faults == []
    assert outcome.counts["rounds.csv", RowOutcome.IMPORTED] == 1
    require_sound_books(fresh_runtime)


@pytest.mark.parametrize(
    ("file", "line", "column", "value"),
    [
        ("cooperatives.csv", 2, "contribution_year_cents", "1600"),
        ("rounds.csv", 2, "theme", "fruit"),
        ("pledges.csv", 2, "pledged_at", "2026-01-09T09:09:09"),
        ("deliveries.csv", 2, "reason", "anders"),
        ("supplier_invoices.csv", 2, "note", "anders"),
        ("bank_entries.csv", 2, "booking_date", "2026-02-03"),
        ("shared_costs.csv", 2, "description", "anders"),
        ("investments.csv", 2, "units", "99"),
    ],
)
def test_a_fact_that_differs_from_what_is_stored_is_refused_and_changes_nothing(
    fresh_runtime: Runtime,
    behind: Engine,
    tmp_path: Path,
    file: str,
    line: int,
    column: str,
    value: str,
) -> None:
    run(fresh_runtime)
    before = digests(behind)
    folder = a_demo_city(tmp_path)
    set_cell(folder, file, line, column, value)

    _, faults = run(fresh_runtime, folder)

    assert [(fault.file, fault.line, fault.column) for fault in faults] == [(file, line, column)]
    assert "differs" in faults[0].reason
    assert digests(behind) == before


def test_a_pledge_that_a_settled_round_never_had_is_refused(
    fresh_runtime: Runtime, behind: Engine, tmp_path: Path
) -> None:
    run(fresh_runtime)
    before = digests(behind)
    folder = a_demo_city(tmp_path)
    change_rows(folder, "pledges.csv", lambda rows: rows[1:] if rows[0]["withdrawn"] else rows)
    _, faults = run(fresh_runtime, folder)

    assert {fault.cooperative for fault in faults} == {"MRS"}
    assert digests(behind) == before


def test_a_changed_address_is_carried_through_with_a_line_in_the_audit_trail(
    fresh_runtime: Runtime, behind: Engine, tmp_path: Path
) -> None:
    run(fresh_runtime)
    audited = count(behind, "audit_record")
    folder = a_demo_city(tmp_path)
    set_cell(folder, "members.csv", 2, "street", "Nieuwe Vecht")

    outcome, faults = run(fresh_runtime, folder)

    assert faults == []
    assert outcome.counts["members.csv", RowOutcome.UPDATED] == 1
    assert count(behind, "member", "street = 'Nieuwe Vecht'") == 1
    assert count(behind, "audit_record") == audited + 1


def test_a_changed_price_leaves_settled_rounds_as_they_were(
    fresh_runtime: Runtime, behind: Engine, tmp_path: Path
) -> None:
    """The rounds of the folder no longer tie to the price of today, so they are refused."""
    run(fresh_runtime)
    settled = digests(behind)["pledge_share"]
    folder = a_demo_city(tmp_path)
    set_cell(folder, "suppliers.csv", 2, "payment_days", "21")

    outcome, faults = run(fresh_runtime, folder)

    assert faults == []
    assert outcome.counts["suppliers.csv", RowOutcome.UPDATED] == 1
    assert digests(behind)["pledge_share"] == settled


def test_an_unknown_column_stops_everything_before_a_row_is_written(
    fresh_runtime: Runtime, behind: Engine, tmp_path: Path
) -> None:
    before = digests(behind)
    folder = a_demo_city(tmp_path)
    path = folder / "members.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("infix", "tussenvoegsel", 1))

    _, faults = run(fresh_runtime, folder)

    assert [(fault.file, fault.line, fault.column) for fault in faults[:2]] == [
        ("members.csv", 1, "tussenvoegsel"),
        ("members.csv", 1, "infix"),
    ]
    assert digests(behind) == before


def test_a_bank_line_that_matches_nothing_is_recorded_and_pointed_out(
    fresh_runtime: Runtime, behind: Engine, tmp_path: Path
) -> None:
    folder = a_demo_city(tmp_path)
    set_cell(folder, "bank_entries.csv", 2, "cents", "1499")

    outcome, faults = run(fresh_runtime, folder)

    assert faults == []
    assert [(it.file, it.line) for it in outcome.remarks] == [("bank_entries.csv", 2)]
    assert count(behind, "bank_line", "entry_number is null") == 1


def test_returned_contributions_are_owed_again(fresh_runtime: Runtime) -> None:
    run(fresh_runtime)

    returned = [row for row in read_rows(DEMO_CITY, "bank_entries.csv") if row["kind"] == "storno"]
    assert returned
    for row in returned:
        member = row["end_to_end_id"].removeprefix("CONTR26-")
        [owner] = [
            it["coop_id"] for it in read_rows(DEMO_CITY, "members.csv") if it["member_id"] == member
        ]
        assert balance(fresh_runtime, owner, f"13701:{member}") == -int(row["cents"])


def test_entries_carry_the_dates_of_the_folder(fresh_runtime: Runtime, behind: Engine) -> None:
    run(fresh_runtime)

    with behind.connect() as connection:
        dates: dict[str, date] = dict(
            connection.execute(
                text(
                    "select r.code, e.accounting_date from round_settlement s"
                    " join purchase_round r on r.cooperative_id = s.cooperative_id"
                    " and r.id = s.round_id join journal_entry e on e.cooperative_id ="
                    " s.cooperative_id and e.number = s.entry_number"
                )
            ).all()
        )
    assert {code: on.isoformat() for code, on in dates.items()} == {
        row["round_id"]: row["invoice_date"]
        for row in read_rows(DEMO_CITY, "supplier_invoices.csv")
    }


def test_importing_the_past_mails_nobody(fresh_runtime: Runtime, behind: Engine) -> None:
    run(fresh_runtime)

    assert count(behind, "outbox_message") == 0


def test_only_the_operator_imports_a_city(fresh_runtime: Runtime) -> None:
    board = Identity(actor="login:1", roles=frozenset({Role.BOARD, Role.TREASURER}))

    with pytest.raises(PermissionDeniedError):
        import_city(fresh_runtime.units_of_work, DEMO_CITY, identity=board)


def test_a_folder_in_any_order_gives_the_same_outcomes(
    fresh_runtime: Runtime, tmp_path: Path
) -> None:
    folder = a_demo_city(tmp_path)

    def backwards(rows: Rows) -> Rows:
        return list(reversed(rows))

    for file in ("cooperatives.csv", "members.csv", "pledges.csv", "rounds.csv", "deliveries.csv"):
        change_rows(folder, file, backwards)

    _, faults = run(fresh_runtime, folder)
    export_outcomes(fresh_runtime.units_of_work, system_identity("test"), tmp_path / "out")

    assert faults == []
    rows = read_rows(tmp_path / "out", "delivered_per_pledge.csv")
    assert [row["pledge_id"] for row in rows] == sorted(row["pledge_id"] for row in rows)
