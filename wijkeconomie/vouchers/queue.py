"""Requests to redeem that come at the same moment share a transaction, and one wait for the disk.

A request is answered when its transaction has been committed, never before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Condition, Lock

from wijkeconomie.core.identity import system_identity
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWorkFactory
from wijkeconomie.vouchers.answers import Answer, Asked
from wijkeconomie.vouchers.redeeming import redeem_together

MOST_AT_ONCE = 100
GATHER_S = 0.005
"""How long to look out for more requests when there were several before."""
QUEUE = system_identity("till")


@dataclass(slots=True, eq=False)
class _Ticket:
    """A request that waits, and then what became of it."""

    asked: Asked
    outcome: Answer | Exception | None = None


@dataclass(slots=True, eq=False)
class _Line:
    """Who waits at one cooperative, and whether one of them is serving."""

    waiting: list[_Ticket] = field(default_factory=list)
    is_served: bool = False
    crowd: int = 0
    """How many were answered last, with those who waited meanwhile."""
    lock: Lock = field(default_factory=Lock)
    changed: Condition = field(init=False)
    arrived: Condition = field(init=False)

    def __post_init__(self) -> None:
        self.changed, self.arrived = Condition(self.lock), Condition(self.lock)


@dataclass(slots=True)
class RedemptionQueue:
    """The tills of one process. Each cooperative has one transaction under way at a time.

    While it waits for the disk the next requests gather, and whoever comes first takes them all
    along. Other processes are kept in order by the books themselves.
    """

    units_of_work: UnitOfWorkFactory
    _lines: dict[int, _Line] = field(default_factory=dict)
    _guard: Lock = field(default_factory=Lock)

    def redeem(self, cooperative_id: int, asked: Asked) -> Answer:
        """Answer a request, whether or not the merchant is paid; see ``redeeming.redeem``.

        Raises:
            DomainError: nothing was recorded.
        """
        ticket = _Ticket(asked)
        with self._guard:
            line = self._lines.setdefault(cooperative_id, _Line())
        with line.lock:
            line.waiting.append(ticket)
            line.arrived.notify()
        while (batch := _wait(line, ticket)) is not None:
            try:
                self._serve(cooperative_id, batch)
            finally:
                with line.lock:
                    _give_up(batch)
                    line.is_served, line.crowd = False, len(batch) + len(line.waiting)
                    line.changed.notify_all()
        if isinstance(ticket.outcome, Exception):
            raise ticket.outcome
        assert ticket.outcome is not None  # noqa: S101 whoever waited was answered
        return ticket.outcome

    def _serve(self, cooperative_id: int, batch: Sequence[_Ticket]) -> None:
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


def _wait(line: _Line, ticket: _Ticket) -> list[_Ticket] | None:
    """Wait until a request has been answered (``None``), or until it is its turn to serve all."""
    with line.lock:
        line.changed.wait_for(lambda: ticket.outcome is not None or not line.is_served)
        if ticket.outcome is not None:
            return None
        line.is_served = True
        if line.crowd > 1:
            # A busy market: who was just answered will be back at once, so look out for them.
            expected = min(line.crowd, MOST_AT_ONCE)
            line.arrived.wait_for(lambda: len(line.waiting) >= expected, GATHER_S)
        batch = line.waiting[:MOST_AT_ONCE]
        del line.waiting[:MOST_AT_ONCE]
        return batch


def _give_up(batch: Sequence[_Ticket]) -> None:
    """Let nobody wait for ever whose request was cut off, as when the process is told to end."""
    for ticket in batch:
        if ticket.outcome is None:
            ticket.outcome = RuntimeError("the request was cut off")
