"""Giving vouchers from a subsidy, as far as the subsidy is concerned: for whom, when, how much.

What is given is booked where vouchers are issued; both draw on the account of what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.funding import held_subsidy, subsidy_accounts
from wijkeconomie.costs.models import Subsidy, SubsidyEarmark, SubsidyMode
from wijkeconomie.costs.queries import SubsidyView, subsidies
from wijkeconomie.costs.refusals import (
    SubsidyAccountedError,
    SubsidyForOthersError,
    SubsidyLimitError,
    SubsidyPeriodError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """What a member is about to get, beside what he got from this subsidy before, in cents."""

    member_id: int
    cents: int
    before_cents: int = 0


def subsidies_to_give_from(uow: UnitOfWork, on: date) -> list[SubsidyView]:
    """The subsidies from which something can be given on a day."""
    return [
        each
        for each in subsidies(uow.session, uow.tenant)
        if each.accounted_on is None
        and each.left_cents > 0
        and each.valid_from <= on <= each.valid_until
    ]


def has_subsidy(uow: UnitOfWork, code: str) -> bool:
    """Whether there is a subsidy with this code."""
    found = uow.session.scalar(
        select(Subsidy.id).where(Subsidy.cooperative_id == uow.tenant, Subsidy.code == code)
    )
    return found is not None


def take_for_gifts(uow: UnitOfWork, code: str, gifts: Sequence[Gift], on: date) -> Subsidy:
    """Hold a subsidy so that these gifts can be booked on it in this transaction.

    Who gives or settles at the same moment waits. A pool helps everyone; a pool for low incomes
    only members with one; earmarks nobody but their members, in all no more than their amount.

    Raises:
        NotFoundError, InvalidInputError.
        SubsidyAccountedError, SubsidyPeriodError, SubsidyForOthersError.
        SubsidyLimitError: less is left.
    """
    require_permission(uow.identity, "cost.change")
    total = sum(gift.cents for gift in gifts)
    subsidy = held_subsidy(uow, code, total)
    if subsidy.accounted_on is not None:
        raise SubsidyAccountedError(f"subsidy {code} is closed", subsidy=code)
    if not subsidy.valid_from <= on <= subsidy.valid_until:
        raise SubsidyPeriodError(
            f"subsidy {code} is from {subsidy.valid_from} up to {subsidy.valid_until}",
            subsidy=code,
            first_day=subsidy.valid_from.isoformat(),
            last_day=subsidy.valid_until.isoformat(),
        )
    _require_for_whom(uow, subsidy, gifts)
    left = subsidy_accounts(uow, code).to_spend_cents
    if total > left:
        raise SubsidyLimitError(
            f"{left} cents are left of {code}", subsidy=code, left_cents=max(left, 0)
        )
    return subsidy


def _require_for_whom(uow: UnitOfWork, subsidy: Subsidy, gifts: Sequence[Gift]) -> None:
    allowed = _allowed(uow, subsidy, [gift.member_id for gift in gifts])
    if allowed is None:
        return
    for gift in gifts:
        most = allowed.get(gift.member_id, 0)
        left = gift.cents if most is None else max(most - gift.before_cents, 0)
        if gift.cents > left:
            member = uow.session.scalar(
                text("select code from member where cooperative_id = :tenant and id = :id"),
                {"tenant": uow.tenant, "id": gift.member_id},
            )
            raise SubsidyForOthersError(
                f"{left} cents of subsidy {subsidy.code} are left for member {member}",
                subsidy=subsidy.code,
                member=member,
                left_cents=left,
            )


def _allowed(
    uow: UnitOfWork, subsidy: Subsidy, member_ids: Sequence[int]
) -> Mapping[int, int | None] | None:
    """Whom it helps and the most for each in all; ``None`` where it helps everyone."""
    if subsidy.mode == SubsidyMode.TARGETED_POOL:
        poor = uow.session.scalars(
            text(
                "select id from member where cooperative_id = :tenant"
                " and id = any(cast(:ids as bigint[])) and income_band = 'laag'"
            ),
            {"tenant": uow.tenant, "ids": array_text(member_ids)},
        )
        return dict.fromkeys(poor)
    if subsidy.mode == SubsidyMode.EARMARKED:
        rows = uow.session.execute(
            select(SubsidyEarmark.member_id, SubsidyEarmark.cents).where(
                SubsidyEarmark.cooperative_id == uow.tenant,
                SubsidyEarmark.subsidy_id == subsidy.id,
            )
        )
        return dict(rows.all()) or None
    return None
