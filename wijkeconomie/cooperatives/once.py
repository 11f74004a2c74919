"""Requests that a client may send again without harm: by the API, or by a form sent twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wijkeconomie.cooperatives.sessions import Visit
from wijkeconomie.core.commands import Command, find_earlier_result, remember
from wijkeconomie.core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Command):
    """A request that a client may send again: what it was about, and its body."""

    target: str
    body: str


def once(
    visit: Visit, key: str, target: str, body: Mapping[str, Any], act: Callable[[UnitOfWork], str]
) -> str:
    """Carry a request out, or answer its repetition with the code of the first time.

    Raises:
        IdempotencyKeyReusedError: the key came with another body before.
    """
    command = Request(idempotency_key=key, target=target, body=repr(sorted(body.items())))
    with visit.begin() as uow:
        earlier = find_earlier_result(uow, command)
        if earlier is not None:
            return earlier
        result = act(uow)
        remember(uow, command, result=result)
        return result
