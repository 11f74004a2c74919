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
    """A request that waits, and then what became of it.

    ``woken`` is let go when there is an outcome, or when it is this request's turn to serve.
    """

    asked: Asked
    outcome: Answer | Exception | None = None
    has_turn: bool = False
    woken: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.woken.acquire()


@dataclass(slots=True, eq=False)
class _Line:
    """Who waits at one cooperative, whether one of them is serving, and whom it looks out for."""

    waiting: list[_Ticket] = field(default_factory=list)
    is_served: bool = False
    expected: int = 0
    """So many will be back at once: those who were answered last or waited meanwhile."""
    lock: Lock = field(default_factory=Lock)
    complete: Condition = field(init=False)

    def __post_init__(self) -> None:
        self.complete = Condition(self.lock)

    def join(self, ticket: _Ticket) -> bool:
        """Wait in line; true when nobody serves, so that it is this request's turn."""
        with self.lock:
            self.waiting.append(ticket)
            if self.is_served:
                if len(self.waiting) == self.expected:
                    self.complete.notify()
                return False
            self.is_served = ticket.has_turn = True
            return True

    def batch(self) -> list[_Ticket]:
        """Who is served now; at a busy market after a look out for those who come back."""
        with self.lock:
            if self.expected > 1:
                self.complete.wait_for(lambda: len(self.waiting) >= self.expected, GATHER_S)
            batch = self.waiting[:MOST_AT_ONCE]
            del self.waiting[:MOST_AT_ONCE]
            return batch

    def pass_on(self, served: Sequence[_Ticket]) -> None:
        """Let those who were served go, and have the next one in line serve the rest."""
        with self.lock:
            self.expected = min(len(served) + len(self.waiting), MOST_AT_ONCE)
            self._call_next()
        for ticket in served:
            ticket.woken.release()

    def leave(self, ticket: _Ticket) -> None:
        """Stop waiting unserved, as when the process is told to end; a turn goes to the next."""
        with self.lock:
            if ticket not in self.waiting:
                return
            self.waiting.remove(ticket)
            if ticket.has_turn:
                self._call_next()

    def _call_next(self) -> None:
        self.is_served = bool(self.waiting)
        if self.waiting:
            self.waiting[0].has_turn = True
            self.waiting[0].woken.release()


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
        try:
            if not line.join(ticket):
                ticket.woken.acquire()
            batch = line.batch() if ticket.has_turn else []
        except BaseException:
            line.leave(ticket)
            raise
        if batch:
            try:
                self._serve(cooperative_id, batch)
            finally:
                _give_up(batch)
                line.pass_on(batch)
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


def _give_up(batch: Sequence[_Ticket]) -> None:
    """Let nobody wait for ever whose request was cut off, as when the process is told to end."""
    for ticket in batch:
        if ticket.outcome is None:
            ticket.outcome = RuntimeError("the request was cut off")
