"""Working out one cost: its shares, its subsidy and its proof. Nothing is written here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.funding_queries import left_of_subsidies
from wijkeconomie.costs.models import (
    AllocationKey,
    AllocationKeyVersion,
    CostSettlement,
    SharedCost,
    Subsidy,
    SubsidyMode,
    TiePolicy,
)
from wijkeconomie.costs.participant_queries import earmarked_cents
from wijkeconomie.costs.proof import ProofColumns, ProofHead, digest
from wijkeconomie.costs.refusals import CannotAllocateError, KeyNotValidError
from wijkeconomie.costs.rules import (
    Cents,
    CostShares,
    ScaledWeights,
    SubsidyTerms,
    next_terms,
    share_cost,
    use_subsidies,
)
from wijkeconomie.costs.terms import SharedBy, shared_by
from wijkeconomie.money.allocation import AllocationError
from wijkeconomie.money.periods import Period

SECRET_BYTES = 16


@dataclass(frozen=True, slots=True)
class SubsidyUse:
    """A subsidy, and what it pays of each share."""

    subsidy: Subsidy
    cents: Cents

    @property
    def total_cents(self) -> int:
        """What it pays in all."""
        return int(self.cents.sum())


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What a settlement gives back that is to be turned back, before another takes its place.

    ``subsidies`` is what each paid, by id; ``carried`` what each member carries once it is undone.
    """

    subsidies: Mapping[int, int]
    carried: Mapping[int, Fraction]


@dataclass(frozen=True, kw_only=True)
class DividedCost:
    """A cost with everything that settling it writes; columns are those of ``by.members``."""

    cost: SharedCost
    by: SharedBy
    shares: CostShares
    uses: Sequence[SubsidyUse]
    subsidy_cents: Cents
    """Of each share, by all subsidies together."""
    head: ProofHead
    columns: ProofColumns
    secret: bytes

    @property
    def payable_cents(self) -> Cents:
        """What each member pays or gets back."""
        return self.shares.cents - self.subsidy_cents

    @cached_property
    def proof(self) -> bytes:
        """The digest of the division."""
        return digest(self.head, self.columns)


class Divider:
    """Divides the costs of one month of a cooperative; what they share is read once.

    It keeps count of what one cost leaves to the next: the turn of a key that rotates, the
    fractions of one that carries, what is left of a subsidy. Who writes the costs down may do
    that afterwards, all at once.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        cooperative_code: str,
        month: Period,
        *,
        given_back: GivenBack | None = None,
    ) -> None:
        self._uow = uow
        self._given_back = given_back
        self._code = cooperative_code
        self._month = month
        self._known: dict[int, SharedBy] = {}
        self._left: dict[int, int] = {}

    def divide(self, cost: SharedCost, version: int) -> DividedCost:
        """Share a cost by the key as it is valid in the month.

        Raises:
            KeyNotValidError, WeightMissingError, CannotAllocateError.
        """
        by = self._by(cost)
        try:
            shares = share_cost(cost.gross_cents, by.terms)
            uses = self._uses(cost, shares, by)
        except AllocationError as error:
            raise CannotAllocateError(
                f"cost {cost.code} cannot be shared by key {by.key.code}: {error.detail}",
                reason=error.code,
                cost=cost.code,
                key=by.key.code,
            ) from error
        self._known[cost.key_id] = replace(by, terms=next_terms(by.terms, shares))
        for use in uses:
            self._left[use.subsidy.id] -= use.total_cents
        used = np.sum([use.cents for use in uses], axis=0) if uses else None
        return DividedCost(
            cost=cost,
            by=by,
            shares=shares,
            uses=uses,
            subsidy_cents=np.zeros(len(by.members), np.int64) if used is None else used,
            head=self._head(cost, version, by),
            columns=_proof_columns(by, shares, used),
            secret=secrets.token_bytes(SECRET_BYTES),
        )

    def _by(self, cost: SharedCost) -> SharedBy:
        if cost.key_id not in self._known:
            key, version = valid_version(self._uow.session, self._uow.tenant, cost, self._month)
            turn = self._turn(key, cost) if version.tie_policy == TiePolicy.ROTATE else 0
            by = shared_by(self._uow, key, version, self._month, turn=turn)
            self._known[cost.key_id] = self._undone(by)
        return self._known[cost.key_id]

    def _undone(self, by: SharedBy) -> SharedBy:
        """The terms as they are once what is given back was undone."""
        if self._given_back is None or by.terms.carried is None:
            return by
        undone = self._given_back.carried
        carried = [
            undone.get(member_id, known)
            for member_id, known in zip(by.members.ids, by.terms.carried, strict=True)
        ]
        return replace(by, terms=replace(by.terms, carried=carried))

    def _turn(self, key: AllocationKey, cost: SharedCost) -> int:
        """How many costs the key shared before; a cost that is settled anew keeps its turn."""
        of_cost = (
            select(CostSettlement.start)
            .where(
                CostSettlement.cooperative_id == self._uow.tenant,
                CostSettlement.cost_id == cost.id,
            )
            .order_by(CostSettlement.version.desc())
            .limit(1)
        )
        kept = self._uow.session.scalar(of_cost)
        if kept is not None:
            return kept
        settled = (
            select(func.count())
            .select_from(SharedCost)
            .where(
                SharedCost.cooperative_id == self._uow.tenant,
                SharedCost.key_id == key.id,
                SharedCost.settled_version > 0,
            )
        )
        return self._uow.session.scalar(settled) or 0

    def _uses(self, cost: SharedCost, shares: CostShares, by: SharedBy) -> list[SubsidyUse]:
        """What subsidies for this key with money left pay, the one that ends first in front."""
        if cost.gross_cents <= 0:
            return []
        helping = [
            subsidy
            for subsidy in self._subsidies
            if subsidy.key_id == cost.key_id and self._left[subsidy.id] > 0
        ]
        terms = [self._subsidy_terms(subsidy, by) for subsidy in helping]
        used = use_subsidies(shares, by.terms, terms)
        return [
            SubsidyUse(subsidy, cents)
            for subsidy, cents in zip(helping, used, strict=True)
            if cents.any()
        ]

    @cached_property
    def _subsidies(self) -> Sequence[Subsidy]:
        """What helps to pay costs of the month, the one that ends first in front."""
        self._left = dict(left_of_subsidies(self._uow.session, self._uow.tenant))
        if self._given_back is not None:
            for subsidy_id, cents in self._given_back.subsidies.items():
                self._left[subsidy_id] += cents
        if not any(left > 0 for left in self._left.values()):
            return []
        return self._uow.session.scalars(
            _SUBSIDIES, {"cooperative_id": self._uow.tenant, "first": self._month.start}
        ).all()

    def _subsidy_terms(self, subsidy: Subsidy, by: SharedBy) -> SubsidyTerms:
        earmarked: Sequence[int] | None = None
        if subsidy.mode == SubsidyMode.EARMARKED:
            earmarked = earmarked_cents(
                self._uow.session, self._uow.tenant, subsidy.id, by.members.ids
            )
        return SubsidyTerms(
            mode=SubsidyMode(subsidy.mode).value,
            left_cents=self._left[subsidy.id],
            eligible=by.members.has_low_income,
            earmarked=earmarked,
        )

    def _head(self, cost: SharedCost, version: int, by: SharedBy) -> ProofHead:
        return ProofHead(
            cooperative=self._code,
            cost=cost.code,
            version=version,
            month=f"{self._month.start:%Y-%m}",
            total_cents=cost.gross_cents,
            key=by.key.code,
            key_version=by.version.number,
            basis=by.version.basis,
            fixed_basis=by.version.fixed_basis,
            fixed_percent=by.version.fixed_percent,
            policy=by.terms.policy,
            start=by.terms.start,
            scales=tuple(part.scale for part in by.terms.parts),
        )


_SUBSIDIES = (
    select(Subsidy)
    .where(
        Subsidy.cooperative_id == bindparam("cooperative_id"),
        Subsidy.valid_from <= bindparam("first"),
        Subsidy.valid_until >= bindparam("first"),
        Subsidy.key_id.is_not(None),
        Subsidy.accounted_on.is_(None),
    )
    .order_by(Subsidy.valid_until, Subsidy.code)
    .execution_options(populate_existing=True)
)


_VALID_VERSION = (
    select(AllocationKey, AllocationKeyVersion)
    .outerjoin(
        AllocationKeyVersion,
        (AllocationKeyVersion.cooperative_id == AllocationKey.cooperative_id)
        & (AllocationKeyVersion.key_id == AllocationKey.id)
        & (AllocationKeyVersion.valid_from <= bindparam("first")),
    )
    .where(
        AllocationKey.cooperative_id == bindparam("cooperative_id"),
        AllocationKey.id == bindparam("key_id"),
    )
    .order_by(AllocationKeyVersion.valid_from.desc(), AllocationKeyVersion.number.desc())
    .limit(1)
)


def valid_version(
    session: Session, cooperative_id: int, cost: SharedCost, month: Period
) -> tuple[AllocationKey, AllocationKeyVersion]:
    """The key of a cost, and its version that is valid on the first day of the month.

    Raises:
        KeyNotValidError: it has no version for the month.
    """
    key, version = session.execute(
        _VALID_VERSION,
        {"cooperative_id": cooperative_id, "key_id": cost.key_id, "first": month.start},
    ).one()
    if version is None:
        raise KeyNotValidError(
            f"key {key.code} has no version for {month.start:%Y-%m}", key=key.code
        )
    return key, version


def _proof_columns(by: SharedBy, shares: CostShares, used: Cents | None) -> ProofColumns:
    first, *rest = [_list(part) for part in by.terms.parts]
    carried = by.terms.carried
    return ProofColumns(
        weights=first,
        variable_weights=rest[0] if rest else None,
        minimums=by.terms.minimums,
        caps=by.terms.caps,
        carried=None if carried is None else [str(cents) for cents in carried],
        cents=shares.cents.tolist(),
        subsidy_cents=None if used is None else used.tolist(),
    )


def _list(weights: ScaledWeights) -> list[int]:
    whole = weights.whole
    return whole.tolist() if isinstance(whole, np.ndarray) else list(whole)
