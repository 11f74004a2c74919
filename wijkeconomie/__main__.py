"""Entry point of the console script ``wijkeconomie``."""

from __future__ import annotations

from wijkeconomie.app import command_line


def main() -> None:
    """Run the command line; the exit code says how it went."""
    command_line(prog_name="wijkeconomie")


if __name__ == "__main__":
    main()
