"""Use cases of spending a project's money: suppliers' invoices, and assets made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, func, select

from wijkeconomie.cooperatives.models import Cooperative
from wijkeconomie.core.audit import record_change
from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, NotFoundError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.investments.accounts import DEPRECIATED, debit_account, installations_account
from wijkeconomie.investments.campaigns import flush_or_refuse, hold_project, refresh_counts
from wijkeconomie.investments.models import (
    AssetDisposal,
    InvestmentProject,
    ProjectAsset,
    ProjectDrawing,
)
from wijkeconomie.investments.refusals import (
    AssetDisposedError,
    DrawingAboveRaisedError,
    DrawingUsedError,
    NothingDrawnError,
)
from wijkeconomie.investments.rules import CampaignFigures, drawable_cents
from wijkeconomie.investments.sharing import CostSharing
from wijkeconomie.ledger.drafts import EntryDraft, credit, debit
from wijkeconomie.ledger.service import post_entry, reverse_entry, set_balance_limit
from wijkeconomie.money.periods import LOCAL_TIME, local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawForInvoice:
    """A supplier's invoice for a project; ``document`` is the supplier's own number."""

    project_code: str
    supplier_code: str
    document: str
    description: str
    net_cents: int
    vat_cents: int
    drawn_on: date


def draw_for_invoice(uow: UnitOfWork, command: DrawForInvoice) -> int:
    """Owe a supplier what he built for a project; returns the id of the drawing.

    Never more than came in: whole stages while the campaign runs, all of it afterwards. What
    counts is what the project bears: without the VAT that a regular cooperative reclaims.

    Raises:
        NotFoundError: no such project.
        InvalidInputError: an amount that is none, an empty text.
        DrawingAboveRaisedError: the context tells what may be spent.
        ProjectExistsError: the invoice was entered before. ClosedPeriodError.
    """
    require_permission(uow.identity, "investment.change")
    _check_invoice(command)
    project = hold_project(uow, command.project_code)
    reclaims = _reclaims_vat(uow)
    cost = command.net_cents + (0 if reclaims else command.vat_cents)
    left = drawable_cents(figures(project))
    if cost > left:
        raise DrawingAboveRaisedError(
            f"project {project.code} may spend {left} cents",
            project=project.code,
            left_cents=max(left, 0),
        )
    drawing = ProjectDrawing(
        cooperative_id=uow.tenant,
        project_id=project.id,
        supplier_code=command.supplier_code,
        document=command.document,
        description=command.description,
        drawn_on=command.drawn_on,
        net_cents=command.net_cents,
        vat_cents=command.vat_cents,
        cost_cents=cost,
        entry_number=0,
    )
    drawing.entry_number = _post_drawing(uow, project, drawing)
    uow.session.add(drawing)
    flush_or_refuse(uow, f"invoice {command.document} was entered before")
    refresh_counts(uow, project)
    return drawing.id


def _check_invoice(command: DrawForInvoice) -> None:
    for field in ("supplier_code", "document", "description"):
        if not getattr(command, field).strip():
            raise InvalidInputError("this may not be empty", field=field)
    if command.net_cents <= 0:
        raise InvalidInputError("an invoice is of an amount", field="net_cents")
    if command.vat_cents < 0:
        raise InvalidInputError("VAT is not negative", field="vat_cents")


def _reclaims_vat(uow: UnitOfWork) -> bool:
    return uow.session.get_one(Cooperative, uow.tenant).vat_regime == "regulier"


def _post_drawing(uow: UnitOfWork, project: InvestmentProject, drawing: ProjectDrawing) -> int:
    gross = drawing.net_cents + drawing.vat_cents
    earlier = uow.session.scalar(
        select(func.count())
        .select_from(ProjectDrawing)
        .where(ProjectDrawing.cooperative_id == uow.tenant, ProjectDrawing.project_id == project.id)
    )
    number = (earlier or 0) + 1
    return post_entry(
        uow,
        EntryDraft(
            accounting_date=drawing.drawn_on,
            kind="project.drawn",
            source=f"project/{project.code}/{number}",
            description=f"Project {project.code}, invoice {drawing.document}",
            idempotency_key=f"project/{project.id}/drawn/{number}",
            postings=(
                debit(installations_account(uow, project.code), drawing.cost_cents),
                debit(debit_account(uow, "input_vat"), gross - drawing.cost_cents),
                credit(debit_account(uow, "suppliers", drawing.supplier_code), gross),
            ),
        ),
    ).number


def figures(project: InvestmentProject) -> CampaignFigures:
    """What the rules ask of a project."""
    return CampaignFigures(
        unit_price_cents=project.unit_price_cents,
        target_units=project.target_units,
        stage_units=project.stage_units,
        raised_units=project.raised_units,
        drawn_cents=project.drawn_cents,
        is_closed=project.closed_on is not None,
    )


def turn_back_drawing(uow: UnitOfWork, drawing_id: int, *, reason: str) -> None:
    """Take an invoice back that was entered wrongly; its money may be spent again.

    Raises:
        NotFoundError: no such drawing.
        DrawingUsedError: it is part of an asset, or was turned back before.
    """
    require_permission(uow.identity, "investment.change")
    drawing, code = _drawing(uow, drawing_id)
    project = hold_project(uow, code)
    uow.session.refresh(drawing)
    if drawing.asset_id is not None or drawing.reversed_on is not None:
        raise DrawingUsedError(f"invoice {drawing.document} stays", document=drawing.document)
    drawing.reversed_on = local_date(uow.now, LOCAL_TIME)
    reverse_entry(
        uow,
        drawing.entry_number,
        accounting_date=drawing.reversed_on,
        idempotency_key=f"drawing/{drawing.id}/reversed",
        description=f"Project {project.code}, invoice {drawing.document} turned back",
    )
    refresh_counts(uow, project)
    record_change(uow, subject=f"project_drawing/{drawing.id}", action="turned back", reason=reason)


def _drawing(uow: UnitOfWork, drawing_id: int) -> tuple[ProjectDrawing, str]:
    drawing = uow.session.get(ProjectDrawing, (uow.tenant, drawing_id))
    if drawing is None:
        raise NotFoundError(f"there is no drawing {drawing_id}", drawing=drawing_id)
    project = uow.session.get_one(InvestmentProject, (uow.tenant, drawing.project_id))
    return drawing, project.code


@dataclass(frozen=True, slots=True, kw_only=True)
class PutIntoUse:
    """The invoices of a project that wait, as one thing in use from a month on."""

    project_code: str
    code: str
    name: str
    in_use_from: date
    life_months: int
    residual_cents: int = 0


def put_into_use(uow: UnitOfWork, command: PutIntoUse) -> int:
    """Make an asset of the invoices that wait; the clock writes it off. Returns its id.

    The month in which it comes into use counts whole.

    Raises:
        NothingDrawnError: no invoice waits.
        InvalidInputError: a life or a residual that has no meaning.
        ProjectExistsError: another asset has the code.
    """
    require_permission(uow.identity, "investment.change")
    project = hold_project(uow, command.project_code)
    waiting = uow.session.scalars(
        select(ProjectDrawing).where(
            ProjectDrawing.cooperative_id == uow.tenant,
            ProjectDrawing.project_id == project.id,
            ProjectDrawing.asset_id.is_(None),
            ProjectDrawing.reversed_on.is_(None),
        )
    ).all()
    if not waiting:
        raise NothingDrawnError(f"project {project.code} has no invoices", project=project.code)
    cost = sum(drawing.cost_cents for drawing in waiting)
    _check_asset(command, cost)
    asset = ProjectAsset(
        cooperative_id=uow.tenant,
        code=command.code,
        project_id=project.id,
        name=command.name,
        in_use_from=command.in_use_from.replace(day=1),
        life_months=command.life_months,
        cost_cents=cost,
        residual_cents=command.residual_cents,
    )
    uow.session.add(asset)
    flush_or_refuse(uow, f"there is an asset {command.code}")
    for drawing in waiting:
        drawing.asset_id = asset.id
    uow.session.flush()
    limit_depreciation(uow, project)
    record_change(
        uow,
        subject=f"project_asset/{asset.id}",
        action="put into use",
        after={"cost_cents": cost, "life_months": command.life_months},
    )
    return asset.id


def _check_asset(command: PutIntoUse, cost: int) -> None:
    if not command.name.strip() or not 0 < len(command.code) <= 40:
        raise InvalidInputError("give a short code and a name", field="code")
    if not 1 <= command.life_months <= 1200:
        raise InvalidInputError("a life is 1 to 1200 months", field="life_months")
    if not 0 <= command.residual_cents <= cost:
        raise InvalidInputError("what is left is not more than the cost", field="residual_cents")


def limit_depreciation(uow: UnitOfWork, project: InvestmentProject) -> None:
    """Let the books write off no more than the assets of a project lose in their lives.

    What is out of use took its depreciation along, and counts no more.
    """
    most = uow.session.scalar(
        select(func.sum(ProjectAsset.cost_cents - ProjectAsset.residual_cents)).where(
            ProjectAsset.cooperative_id == uow.tenant,
            ProjectAsset.project_id == project.id,
            ~exists().where(
                AssetDisposal.cooperative_id == ProjectAsset.cooperative_id,
                AssetDisposal.asset_id == ProjectAsset.id,
            ),
        )
    )
    account = debit_account(uow, DEPRECIATED, project.code)
    set_balance_limit(uow, account, minimum=-int(most or 0), maximum=0)


def asset_by_code(uow: UnitOfWork, code: str) -> ProjectAsset:
    """An asset, held until the transaction ends.

    Raises:
        NotFoundError: there is none with this code.
    """
    found = uow.session.scalar(
        select(ProjectAsset)
        .where(ProjectAsset.cooperative_id == uow.tenant, ProjectAsset.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError(f"there is no asset {code}", asset=code)
    return found


def asset_in_use(uow: UnitOfWork, code: str) -> ProjectAsset:
    """The same, of which something can still change.

    Raises:
        NotFoundError, AssetDisposedError.
    """
    asset = asset_by_code(uow, code)
    disposal = uow.session.get(AssetDisposal, (uow.tenant, asset.id))
    if disposal is not None:
        raise AssetDisposedError(
            f"{code} is out of use since {disposal.disposed_on}",
            asset=code,
            date=disposal.disposed_on.isoformat(),
        )
    return asset


def share_cost_of_asset(
    uow: UnitOfWork, code: str, key_code: str | None, sharing: CostSharing
) -> None:
    """Let what an asset loses from now on be a cost that members share; ``None`` ends that.

    Raises:
        NotFoundError: no such asset or key.
        AssetDisposedError: it is out of use and loses nothing more.
    """
    require_permission(uow.identity, "investment.change")
    asset = asset_in_use(uow, code)
    if key_code is not None and key_code not in dict(sharing.keys(uow)):
        raise NotFoundError(f"there is no allocation key {key_code}", key=key_code)
    before, asset.key_code = asset.key_code, key_code
    record_change(
        uow,
        subject=f"project_asset/{asset.id}",
        action="shared by",
        before={"key": before},
        after={"key": key_code},
    )
