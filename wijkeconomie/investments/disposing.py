"""The use case of taking an asset out of use: it is sold or scrapped, before its end or after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.accounts import (
    DEPRECIATED,
    DISPOSAL_RESULT,
    debit_account,
    installations_account,
)
from wijkeconomie.investments.building import asset_by_code, asset_in_use, limit_depreciation
from wijkeconomie.investments.campaigns import hold_project
from wijkeconomie.investments.depreciating import depreciate
from wijkeconomie.investments.models import (
    AssetDepreciation,
    AssetDisposal,
    DisposalKind,
    InvestmentProject,
    ProjectAsset,
)
from wijkeconomie.investments.queries import project_of_asset
from wijkeconomie.investments.refusals import AssetDepreciatedError
from wijkeconomie.investments.rules import DisposalFigures, depreciation_plan, months_later
from wijkeconomie.investments.sharing import CostSharing
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import post_entry
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.money.vat import contained_vat, rate_on

DEBTORS = "trade_debtors"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposeAsset:
    """An asset that leaves, and what it brings; ``proceeds_cents`` holds the VAT.

    ``is_taxed``: whether VAT at the standard rate is in it. A cooperative under the KOR owes
    none, whatever it says. ``buyer``: who owes it; the bank has it when left out.
    """

    asset_code: str
    kind: DisposalKind
    disposed_on: date
    reason: str
    proceeds_cents: int = 0
    is_taxed: bool = True
    buyer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposalPreview:
    """What taking an asset out of use comes to."""

    months: tuple[tuple[date, int], ...]
    """Months before it that are written off first, with the cents of each."""
    figures: DisposalFigures
    payers: int
    """How many members paid for it last, and do so no more."""


def preview_disposal(
    uow: UnitOfWork, command: DisposeAsset, sharing: CostSharing
) -> DisposalPreview:
    """Tell what ``dispose_asset`` would do, and do nothing.

    Raises:
        As ``dispose_asset``, but ClosedPeriodError.
    """
    require_permission(uow.identity, "investment.change")
    _check(uow, command)
    return _preview(uow, asset_in_use(uow, command.asset_code), command, sharing)


def dispose_asset(uow: UnitOfWork, command: DisposeAsset, sharing: CostSharing) -> DisposalPreview:
    """Take an asset out of use, once; its months before that are written off first.

    The month in which it leaves is not written off, and no cost of it is shared any more. What
    it brings more or less than it stands for in the books is a result of the cooperative. It is
    shared over units only if the meeting shares the result of the year.

    Raises:
        NotFoundError: no such asset.
        InvalidInputError: a day before it was in use or to come, an amount or reason that is none.
        AssetDisposedError: it is out of use. ClosedPeriodError: the month of the day was closed.
        AssetDepreciatedError: that month was written off; the context tells the first day.
    """
    require_permission(uow.identity, "investment.change")
    _check(uow, command)
    project = hold_project(uow, project_of_asset(uow.session, uow.tenant, command.asset_code))
    asset = asset_in_use(uow, command.asset_code)
    found = _preview(uow, asset, command, sharing)
    for month, _cents in found.months:
        depreciate(uow, asset.code, month, sharing)
    figures = found.figures
    disposal = AssetDisposal(
        cooperative_id=uow.tenant,
        asset_id=asset.id,
        kind=command.kind.value,
        disposed_on=command.disposed_on,
        cost_cents=figures.cost_cents,
        depreciated_cents=figures.depreciated_cents,
        book_value_cents=figures.book_value_cents,
        proceeds_cents=figures.proceeds_cents,
        vat_cents=figures.vat_cents,
        result_cents=figures.result_cents,
        buyer=command.buyer and command.buyer.strip(),
        reason=command.reason.strip(),
        entry_number=_post(uow, project, asset, command, figures),
        recorded_at=uow.now,
        recorded_by=uow.actor,
    )
    uow.session.add(disposal)
    uow.session.flush()
    limit_depreciation(uow, project)
    record_change(
        uow,
        subject=f"project_asset/{asset.id}",
        action=command.kind.value,
        after={"proceeds_cents": figures.proceeds_cents, "result_cents": figures.result_cents},
        reason=command.reason.strip(),
    )
    return found


def _check(uow: UnitOfWork, command: DisposeAsset) -> None:
    if not command.reason.strip():
        raise InvalidInputError("say why", field="reason")
    if command.disposed_on > local_date(uow.now, LOCAL_TIME):
        raise InvalidInputError("this day has yet to come", field="disposed_on")
    if (command.kind is DisposalKind.SOLD) != (command.proceeds_cents > 0):
        raise InvalidInputError("what is sold brings something", field="proceeds_cents")
    if command.buyer is not None and (
        command.kind is not DisposalKind.SOLD or not 0 < len(command.buyer.strip()) <= 40
    ):
        raise InvalidInputError("a buyer of what is sold has a short code", field="buyer")


def _preview(
    uow: UnitOfWork, asset: ProjectAsset, command: DisposeAsset, sharing: CostSharing
) -> DisposalPreview:
    month = command.disposed_on.replace(day=1)
    if month < asset.in_use_from:
        raise InvalidInputError("it was not in use yet", field="disposed_on")
    done = dict(
        uow.session.execute(
            select(AssetDepreciation.month, AssetDepreciation.shared_cost_code).where(
                AssetDepreciation.cooperative_id == uow.tenant,
                AssetDepreciation.asset_id == asset.id,
            )
        ).all()
    )
    last = max(done, default=None)
    if last is not None and last >= month:
        first = months_later(last, 1)
        raise AssetDepreciatedError(
            f"{asset.code} was written off up to {last:%Y-%m}",
            asset=asset.code,
            date=first.isoformat(),
        )
    plan = depreciation_plan(
        asset.cost_cents, asset.residual_cents, asset.life_months, asset.in_use_from
    )
    missing = tuple((each, cents) for each, cents in plan if each < month and each not in done)
    shared = done[last] if last is not None and asset.key_code is not None else None
    return DisposalPreview(
        months=missing,
        figures=DisposalFigures(
            cost_cents=asset.cost_cents,
            depreciated_cents=asset.depreciated_cents + sum(cents for _, cents in missing),
            proceeds_cents=command.proceeds_cents,
            vat_cents=_vat(uow, command),
        ),
        payers=sharing.payers(uow, shared) if shared is not None else 0,
    )


def _vat(uow: UnitOfWork, command: DisposeAsset) -> int:
    is_owed = (
        command.is_taxed and uow.session.get_one(Cooperative, uow.tenant).vat_regime == "regulier"
    )
    if not is_owed:
        return 0
    return contained_vat(command.proceeds_cents, rate_on("high", command.disposed_on))


def _post(
    uow: UnitOfWork,
    project: InvestmentProject,
    asset: ProjectAsset,
    command: DisposeAsset,
    figures: DisposalFigures,
) -> int:
    received = (
        debit_account(uow, DEBTORS, command.buyer.strip())
        if command.buyer is not None
        else debit_account(uow, "bank")
    )
    return post_entry(
        uow,
        EntryDraft(
            accounting_date=command.disposed_on,
            kind="asset.disposed",
            source=f"asset/{asset.code}/{command.kind}",
            description=f"Asset {asset.code}, {command.kind}",
            idempotency_key=f"asset/{asset.id}/disposed",
            postings=(
                debit(debit_account(uow, DEPRECIATED, project.code), figures.depreciated_cents),
                debit(received, figures.proceeds_cents),
                debit(debit_account(uow, DISPOSAL_RESULT), -figures.result_cents),
                credit(installations_account(uow, project.code), figures.cost_cents),
                credit(debit_account(uow, "vat_due_high"), figures.vat_cents),
            ),
        ),
    ).number


def receive_sale(uow: UnitOfWork, asset_code: str, paid_on: date) -> None:
    """Book that the buyer of an asset paid all that he owed; a second time books nothing.

    Raises:
        NotFoundError: no such asset, or nobody owes anything for it.
        InvalidInputError: a day before it was sold, or to come. ClosedPeriodError.
    """
    require_permission(uow.identity, "investment.change")
    asset = asset_by_code(uow, asset_code)
    disposal = uow.session.get(AssetDisposal, (uow.tenant, asset.id))
    if disposal is None or disposal.buyer is None:
        raise NotFoundError(f"nobody owes anything for {asset_code}", asset=asset_code)
    if not disposal.disposed_on <= paid_on <= local_date(uow.now, LOCAL_TIME):
        raise InvalidInputError("choose a day since it was sold, up to today", field="paid_on")
    post_entry(
        uow,
        EntryDraft(
            accounting_date=paid_on,
            kind="asset.paid",
            source=f"asset/{asset.code}/paid",
            description=f"Asset {asset.code}, paid by its buyer",
            idempotency_key=f"asset/{asset.id}/paid",
            postings=(
                debit(debit_account(uow, "bank"), disposal.proceeds_cents),
                credit(debit_account(uow, DEBTORS, disposal.buyer), disposal.proceeds_cents),
            ),
        ),
    )
