"""How many units of a project one member has, and may have beside them."""

from __future__ import annotations

from sqlalchemy import func, select

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.models import InvestmentProject, Participation, ParticipationState

COUNTED = (ParticipationState.SUBSCRIBED, ParticipationState.PAID, ParticipationState.ISSUED)
"""Units that count for the maximum of a member: what he took, and what he holds."""


def units_left_for(uow: UnitOfWork, project: InvestmentProject, member_id: int) -> int | None:
    """How many more units a member may take or accept; ``None`` where there is no maximum.

    What he took and has yet to pay counts, for it will be his. What he passed on, gave up or got
    back does not. The database holds the same (SQLSTATE WE070).
    """
    if project.maximum_units is None:
        return None
    has = uow.session.scalar(
        select(func.coalesce(func.sum(Participation.units), 0)).where(
            Participation.cooperative_id == uow.tenant,
            Participation.project_id == project.id,
            Participation.member_id == member_id,
            Participation.state.in_(COUNTED),
        )
    )
    return max(project.maximum_units - int(has or 0), 0)
