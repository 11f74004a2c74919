"""The accounts that the lines of an entry mean, by their keys and parties."""

from __future__ import annotations

from collections.abc import Mapping

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.entry_lines import EntryLine
from wijkeconomie.ledger.queries import control_codes
from wijkeconomie.ledger.service import ensure_accounts


def account_codes(
    uow: UnitOfWork, lines: tuple[EntryLine, ...]
) -> Mapping[tuple[str, str | None], str]:
    """The accounts of an entry, those of parties opened where they are new."""
    found: dict[tuple[str, str | None], str] = {
        (key, None): code for key, code in control_codes(uow.session, uow.tenant).items()
    }
    parties: dict[str, list[str]] = {}
    for line in lines:
        if line.party is not None:
            parties.setdefault(line.account_key, []).append(line.party)
    for key, names in parties.items():
        opened = ensure_accounts(uow, key, names)
        found.update({(key, name): opened[name] for name in names})
    return found
