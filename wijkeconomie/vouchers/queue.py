"""Requests to redeem that come at the same moment share a transaction, and one wait for the disk.

A request is answered when its transaction has been committed, never before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.vouchers.answers import Answer, Asked
from wijkeconomie.vouchers.redeeming import redeem_together

MOST_AT_ONCE = 100
QUEUE = system_identity("till")


@dataclass(slots=True, eq=False)
class _Ticket:
    """A request that waits, and then what became of it."""

    asked: Asked
    outcome: Answer | Exception | None = None


@dataclass(slots=True)
class RedemptionQueue:
    """The tills of one process. Each cooperative has one transaction under way at a time.

    While it waits for the disk the next requests gather, and whoever comes first takes them all
    along. Other processes are kept in order by the books themselves.
    """

    units_of_work: UnitOfWorkFactory
    _waiting: dict[int, list[_Ticket]] = field(default_factory=lambda: defaultdict(list))
    _turns: dict[int, Lock] = field(default_factory=lambda: defaultdict(Lock))
    _guard: Lock = field(default_factory=Lock)

    def redeem(self, cooperative_id: int, asked: Asked) -> Answer:
        """Answer a request, whether or not the merchant is paid; see ``redeeming.redeem``.

        Raises:
            DomainError: nothing was recorded.
        """
        ticket = _Ticket(asked)
        with self._guard:
            self._waiting[cooperative_id].append(ticket)
            turn = self._turns[cooperative_id]
        while ticket.outcome is None:
            with turn:
                if ticket.outcome is None:
                    self._serve(cooperative_id)
        if isinstance(ticket.outcome, Exception):
            raise ticket.outcome
        return ticket.outcome

    def _serve(self, cooperative_id: int) -> None:
        with self._guard:
            waiting = self._waiting[cooperative_id]
            batch = waiting[:MOST_AT_ONCE]
            del waiting[:MOST_AT_ONCE]
        try:
            self._answer(cooperative_id, batch)
        except Exception as error:  # noqa: BLE001 it belongs to one of them: each goes alone
            if len(batch) == 1:
                batch[0].outcome = error
            else:
                self._one_by_one(cooperative_id, batch)

    def _one_by_one(self, cooperative_id: int, batch: Sequence[_Ticket]) -> None:
        for ticket in batch:
            try:
                self._answer(cooperative_id, [ticket])
            except Exception as error:  # noqa: BLE001 handed to the thread that asked
                ticket.outcome = error

    def _answer(self, cooperative_id: int, batch: Sequence[_Ticket]) -> None:
        outcomes: list[Answer | DomainError]
        with self.units_of_work.begin(identity=QUEUE, cooperative_id=cooperative_id) as uow:
            outcomes = redeem_together(uow, [ticket.asked for ticket in batch])
        for ticket, outcome in zip(batch, outcomes, strict=True):
            ticket.outcome = outcome
