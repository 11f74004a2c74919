"""Sharing a carer's time over several holders: each bears his part from his own budget."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter

from sqlalchemy import select

from wijkeconomie.budgets.access import open_care_records
from wijkeconomie.budgets.declaring import Declare, Declared, SharedPart, declare
from wijkeconomie.budgets.models import CareAgreement
from wijkeconomie.budgets.rules import share_minutes
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.allocation import AllocationError
from wijkeconomie.money.weights import WeightFormatError


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareHours:
    """Time of one carer for several holders, as in a night watch for a house.

    ``parts`` are agreements of that carer with their weights, each a number or its text.
    """

    month: date
    minutes: int
    parts: Sequence[tuple[int, int | str]]


def share_hours(uow: UnitOfWork, command: ShareHours) -> list[Declared]:
    """Share minutes by weight, exactly, and declare each part on its own agreement.

    All or nothing: when one budget has too little left, nobody bears anything. A part of no
    minutes is not declared.

    Raises:
        NotFoundError: no such agreement.
        InvalidInputError: fewer than two, one twice, several carers, or weights that do not share.
        AgreementNotApprovedError, OutsideCarePeriodError, OverBudgetError, OverFenceError.
    """
    open_care_records(uow, "hours-shared", subject=f"{command.month:%Y-%m}")
    agreements = _agreements(uow, [agreement_id for agreement_id, _weight in command.parts])
    try:
        shared = share_minutes(command.minutes, [weight for _id, weight in command.parts])
    except (AllocationError, WeightFormatError) as error:
        raise InvalidInputError("these weights share nothing", field="weights") from error
    code = f"S-{secrets.token_hex(5)}"
    wanted = [
        (
            agreements[agreement_id].budget_id,
            Declare(
                agreement_id=agreement_id,
                month=command.month,
                minutes=minutes,
                shared=SharedPart(
                    code=code,
                    minutes=command.minutes,
                    weight=weight,
                    weight_sum=shared.weight_sum,
                ),
            ),
        )
        for (agreement_id, _weight), minutes, weight in zip(
            command.parts, shared.minutes, shared.weights, strict=True
        )
        if minutes
    ]
    # Budgets are locked in order of their ids, so that two who share never wait for each other.
    return [declare(uow, part) for _budget_id, part in sorted(wanted, key=itemgetter(0))]


def _agreements(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, CareAgreement]:
    if len(set(ids)) < 2 or len(set(ids)) != len(ids):
        raise InvalidInputError("choose two agreements or more, each once", field="parts")
    found = {
        row.id: row
        for row in uow.session.scalars(
            select(CareAgreement).where(
                CareAgreement.cooperative_id == uow.tenant, CareAgreement.id.in_(ids)
            )
        )
    }
    if missing := [each for each in ids if each not in found]:
        raise NotFoundError(f"there is no agreement {missing[0]}", agreement=missing[0])
    if len({row.carer_id for row in found.values()}) > 1:
        raise InvalidInputError("shared hours are those of one carer", field="parts")
    return found
