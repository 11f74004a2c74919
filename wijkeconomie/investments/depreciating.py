"""The use case of writing a month of an asset off."""

from __future__ import annotations

from datetime import date

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.accounts import DEPRECIATED, DEPRECIATION, debit_account
from wijkeconomie.investments.building import asset_by_code, asset_in_use
from wijkeconomie.investments.models import AssetDepreciation, InvestmentProject, ProjectAsset
from wijkeconomie.investments.rules import depreciation_plan, first_open_day, last_day
from wijkeconomie.investments.sharing import CostSharing, CostToShare
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft, credit, debit
from wijkeconomie.ledger.queries import closed_periods
from wijkeconomie.ledger.service import post_entry


def depreciate(uow: UnitOfWork, code: str, month: date, sharing: CostSharing) -> int:
    """Write one month of an asset off, once; returns the cents.

    What a closed month lost counts in the first month after it that is open: what was closed
    stays as the accountant left it. The entry and its cost still tell of which month they are.

    Where members share it by a key, a cost is written down as well. The entry then
    also stands in for the supplier's invoice that such a cost waits for, so that the loss of
    value counts once.

    Raises:
        NotFoundError: no such asset, or its key is gone.
        InvalidInputError: the month is outside its life.
        AssetDisposedError: it was out of use by then.
    """
    require_permission(uow.identity, "investment.change")
    asset = asset_by_code(uow, code)
    month = month.replace(day=1)
    done = uow.session.get(AssetDepreciation, (uow.tenant, asset.id, month))
    if done is not None:
        return done.cents
    asset = asset_in_use(uow, code)
    cents = _part_of(asset, month)
    on = first_open_day(last_day(month), closed_periods(uow.session, uow.tenant))
    is_shared = asset.key_code is not None and cents > 0
    shared_code = f"{asset.code}-{month:%Y-%m}" if is_shared else None
    uow.session.add(
        AssetDepreciation(
            cooperative_id=uow.tenant,
            asset_id=asset.id,
            month=month,
            cents=cents,
            entry_number=_post(
                uow, asset, month, on=on, cents=cents, sharing=sharing if is_shared else None
            ),
            shared_cost_code=shared_code,
        )
    )
    uow.session.flush()
    uow.session.refresh(asset)
    if shared_code is not None and asset.key_code is not None:
        sharing.record(
            uow,
            CostToShare(
                code=shared_code,
                month=on.replace(day=1),
                description=asset.name if on == last_day(month) else f"{asset.name}, {month:%Y-%m}",
                key_code=asset.key_code,
                cents=cents,
            ),
        )
    return cents


def _part_of(asset: ProjectAsset, month: date) -> int:
    plan = dict(
        depreciation_plan(
            asset.cost_cents, asset.residual_cents, asset.life_months, asset.in_use_from
        )
    )
    if month not in plan:
        raise InvalidInputError(f"{month:%Y-%m} is outside the life of {asset.code}", field="month")
    return plan[month]


def _post(
    uow: UnitOfWork,
    asset: ProjectAsset,
    month: date,
    *,
    on: date,
    cents: int,
    sharing: CostSharing | None,
) -> int | None:
    if not cents:
        return None
    project = uow.session.get_one(InvestmentProject, (uow.tenant, asset.project_id))
    lines: list[PostingDraft] = [
        debit(debit_account(uow, DEPRECIATION), cents),
        credit(debit_account(uow, DEPRECIATED, project.code), cents),
    ]
    if sharing is not None:
        lines += [
            debit(debit_account(uow, sharing.passing_account), cents),
            credit(debit_account(uow, sharing.expense_account), cents),
        ]
    return post_entry(
        uow,
        EntryDraft(
            accounting_date=on,
            kind="asset.depreciated",
            source=f"asset/{asset.code}/{month:%Y-%m}",
            description=f"Asset {asset.code}, {month:%Y-%m}",
            idempotency_key=f"asset/{asset.id}/depreciated/{month:%Y-%m}",
            postings=tuple(lines),
        ),
    ).number
