"""Laws of cells: what is read can be written back, and nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wijkeconomie.network.interchange import cells
from wijkeconomie.network.interchange.cells import CellError, Kind, write_cell


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (cells.CENTS, "0"),
        (cells.CENTS, "1250"),
        (cells.SIGNED_CENTS, "-3357"),
        (cells.BASIS_POINTS, "900"),
        (cells.DECIMAL, "386.6"),
        (cells.DATE, "2026-02-28"),
        (cells.MONTH, "2026-12"),
        (cells.MOMENT, "2026-01-03T01:27:00"),
        (cells.MOMENT, "2026-07-03T00:00:00"),
        (cells.DAY_OR_MOMENT, "2026-01-02"),
        (cells.DAY_OR_MOMENT, "2026-07-02T18:30:00"),
        (cells.FLAG, "1"),
        (cells.IBAN, "NL55RABO0607442650"),
        (cells.CREDITOR_ID, "NL32ZZZ996218900000"),
        (cells.CODE, "C01-R01-GR-AARD"),
        (cells.TEXT, "Öztürk, 'de Zwaan'"),
    ],
)
def test_a_cell_that_is_read_is_written_back_the_same(kind: Kind, cell: str) -> None:
    assert write_cell(kind, kind.read(cell)) == cell


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (cells.CENTS, "1e5"),
        (cells.CENTS, "-1"),
        (cells.CENTS, "12,50"),
        (cells.CENTS, "12.50"),
        (cells.CENTS, "+5"),
        (cells.CENTS, "007"),
        (cells.CENTS, "\u0663"),  # a digit, but not one of ours
        (cells.CENTS, "1" * 40),
        (cells.CENTS, " 5"),
        (cells.CENTS, "-0"),
        (cells.POSITIVE_COUNT, "0"),
        (cells.BASIS_POINTS, "10001"),
        (cells.DECIMAL, "-1.5"),
        (cells.DECIMAL, "NaN"),
        (cells.DATE, "2026-02-30"),
        (cells.DATE, "20260228"),
        (cells.DATE, "28-02-2026"),
        (cells.DATE, "0026-02-28"),
        (cells.MONTH, "2026-13"),
        (cells.MOMENT, "2026-01-03"),
        (cells.MOMENT, "2026-01-03T25:00:00"),
        (cells.MOMENT, "2026-01-03T10:00:00+99:00"),
        (cells.FLAG, "ja"),
        (cells.IBAN, "NL55RABO0607442651"),
        (cells.IBAN, "NL55 RABO 0607 4426 50"),
        (cells.CREDITOR_ID, "NL33ZZZ996218900000"),
        (cells.KVK_NUMBER, "123"),
        (cells.CODE, "C01/R01"),
        (cells.CODE, "13830:L1"),
        (cells.TEXT, "x" * 1001),
        (cells.TEXT, "line\nbreak"),
        (cells.TEXT, " space"),
        (cells.EMAIL, "nobody"),
    ],
)
def test_a_cell_that_is_not_of_its_kind_is_refused_with_a_reason(kind: Kind, cell: str) -> None:
    with pytest.raises(CellError, match=r"\w+"):
        kind.read(cell)


def test_a_date_in_a_column_of_moments_is_midnight_in_the_netherlands() -> None:
    assert cells.DAY_OR_MOMENT.read("2026-07-02") == datetime(2026, 7, 1, 22, 0, tzinfo=UTC)


def test_the_hour_that_the_clock_shows_twice_is_written_with_its_offset_the_second_time() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    written = write_cell(cells.MOMENT, second)

    assert written == "2026-10-25T02:30:00+01:00"
    assert cells.MOMENT.read(written) == second


MOMENTS = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(MOMENTS)
def test_every_moment_is_written_so_that_the_same_moment_is_read(moment: datetime) -> None:
    assert cells.MOMENT.read(write_cell(cells.MOMENT, moment)) == moment
    assert cells.DAY_OR_MOMENT.read(write_cell(cells.DAY_OR_MOMENT, moment)) == moment


@given(st.text())
def test_no_text_makes_a_reader_do_anything_but_read_or_refuse(text: str) -> None:
    for kind in (cells.CENTS, cells.DATE, cells.MOMENT, cells.IBAN, cells.CODE, cells.EMAIL):
        try:
            value = kind.read(text)
        except CellError:
            continue
        assert kind.read(write_cell(kind, value)) == value
