"""From a version of a key and the members of a month to the terms of sharing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.metering import MeteredUsage, metered_usage, weights_of
from wijkeconomie.costs.models import AllocationKey, AllocationKeyVersion, Basis, TiePolicy
from wijkeconomie.costs.participant_queries import (
    Participants,
    carried_cents,
    participants,
)
from wijkeconomie.costs.refusals import CannotAllocateError, KeyNotValidError, WeightMissingError
from wijkeconomie.costs.rules import ScaledWeights, Terms, prorated, scaled
from wijkeconomie.money.periods import Period
from wijkeconomie.money.weights import parse_weight


@dataclass(frozen=True, slots=True)
class SharedBy:
    """A version of a key applied to a month: who shares, by what, and what meters told."""

    key: AllocationKey
    version: AllocationKeyVersion
    members: Participants
    terms: Terms
    metered: Sequence[MeteredUsage]

    @property
    def is_estimated(self) -> list[bool] | None:
        """Of each member whether usage was estimated; ``None`` where nobody's was."""
        guessed = {each.member_id for each in self.metered if each.usage.is_estimate}
        return [member_id in guessed for member_id in self.members.ids] if guessed else None

    @property
    def estimated(self) -> frozenset[str]:
        """The numbers of members whose usage was estimated."""
        marks = self.is_estimated or ()
        return frozenset(
            code for code, mark in zip(self.members.codes, marks, strict=False) if mark
        )


def shared_by(
    uow: UnitOfWork, key: AllocationKey, version: AllocationKeyVersion, month: Period, *, turn: int
) -> SharedBy:
    """The terms by which costs of a month are shared.

    Args:
        turn: how many settlements of this key came before; ``rotate`` begins one member
            further each time.

    Raises:
        KeyNotValidError: the version waits for a decision.
        WeightMissingError: a member lacks the weight that the key needs.
        CannotAllocateError: nobody was a member, or the parts of a deed do not add up.
        ReadingMissingError: a meter is still to be read.
    """
    if version.requires_decision and not version.decision:
        raise KeyNotValidError(
            f"version {version.number} of key {key.code} waits for a decision", key=key.code
        )
    found = participants(uow.session, uow.tenant, version.id, month, only_named=key.is_small_group)
    if not len(found):
        raise CannotAllocateError(
            f"nobody was a member in {month.start:%Y-%m}", reason="no_parties", key=key.code
        )
    metered: list[MeteredUsage] = []
    if Basis.METER in {version.basis, version.fixed_basis}:
        metered = metered_usage(uow, key, version, month, found.ids)
    bases = [version.fixed_basis, version.basis] if version.fixed_basis else [version.basis]
    parts = [_weights(Basis(basis), key, version, found, metered) for basis in bases]
    if version.is_prorated:
        parts = [prorated(part, found.days, len(month)) for part in parts]
    terms = Terms(
        parts=tuple(parts),
        fixed_percent=Fraction(version.fixed_percent) if version.fixed_percent else None,
        policy=TiePolicy(version.tie_policy).value,
        start=turn % len(found) if version.tie_policy == TiePolicy.ROTATE else 0,
        minimums=_given(found.minimums),
        caps=_given(found.caps),
        carried=carried_cents(uow.session, uow.tenant, key.id, found.ids)
        if version.tie_policy == TiePolicy.CARRY
        else None,
    )
    return SharedBy(key, version, found, terms, metered)


def _given(bounds: Sequence[int | None]) -> Sequence[int | None] | None:
    return bounds if any(bound is not None for bound in bounds) else None


def _weights(
    basis: Basis,
    key: AllocationKey,
    version: AllocationKeyVersion,
    members: Participants,
    metered: Sequence[MeteredUsage],
) -> ScaledWeights:
    match basis:
        case Basis.EQUAL:
            return ScaledWeights(np.ones(len(members), np.int64))
        case Basis.HOUSEHOLD:
            return _whole(key, members, members.households)
        case Basis.FLOOR_AREA:
            return _whole(key, members, members.floor_areas)
        case Basis.WEIGHTS:
            # Who has no weight of his own takes no part: 0 is a weight like any other.
            return scaled([weight or "0" for weight in members.weights])
        case Basis.PARTS:
            return _parts(key, version, members)
        case Basis.METER:
            return scaled(weights_of(members.ids, metered))


def _whole(
    key: AllocationKey, members: Participants, column: Sequence[int | None]
) -> ScaledWeights:
    if None in column:
        member = members.codes[column.index(None)]
        raise WeightMissingError(
            f"member {member} has no weight for key {key.code}", key=key.code, member=member
        )
    return ScaledWeights(np.array(column, np.int64))


def _parts(
    key: AllocationKey, version: AllocationKeyVersion, members: Participants
) -> ScaledWeights:
    """The parts of a deed; all of them must be there, for a part that nobody pays is a loss."""
    weights = [weight or "0" for weight in members.weights]
    told = parse_weight(version.parts_total or "0")
    if (found := sum(map(parse_weight, weights), Fraction(0))) != told:
        raise CannotAllocateError(
            f"the parts of key {key.code} add up to {found}, the deed tells {told}",
            reason="breukdelen_sum",
            key=key.code,
        )
    return scaled(weights)
