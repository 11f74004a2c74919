"""``wijkeconomie allocate``: share amounts from the command line, without a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import click

from wijkeconomie.money.allocation_lines import run_lines

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@click.command("allocate")
@click.argument("file", type=click.File("rb"))
def allocate_command(file: BinaryIO) -> None:
    """Answer the questions in FILE, one JSON object a line ("-" reads standard input).

    Each answer is written as soon as its line is read. Exit status 0 when every line was
    readable, else 1.
    """
    is_all_readable = True
    for answer, is_readable in run_lines(_without_byte_order_mark(file)):
        click.echo(answer)
        is_all_readable = is_all_readable and is_readable
    if not is_all_readable:
        raise SystemExit(1)


def _without_byte_order_mark(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; some editors begin a UTF-8 file with a mark that JSON forbids."""
    for number, line in enumerate(file):
        yield line.removeprefix(_BYTE_ORDER_MARK) if number == 0 else line
