"""Importing merchants, vouchers and attempts to redeem, each on its own day."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.funding import subsidy_accounts
from wijkeconomie.costs.models import Subsidy
from wijkeconomie.network.interchange.files import MERCHANTS, VOUCHER_REDEMPTIONS, VOUCHERS
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.outcome import RowOutcome
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.retries import AFTER, kept_retries
from wijkeconomie.network.interchange.rows_kept import keep_rows, remember_spelling, row_key
from wijkeconomie.network.interchange.stored import stored_rows
from wijkeconomie.network.interchange.work import CooperativeWork, refusals_at
from wijkeconomie.vouchers.answers import Asked, Redeem
from wijkeconomie.vouchers.funds import SaveFund, hold_funds, save_fund
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers, issue_vouchers
from wijkeconomie.vouchers.keeping import SaveMerchant, save_merchant
from wijkeconomie.vouchers.kinds import SaveScheme, save_scheme
from wijkeconomie.vouchers.models import PaidBy, VatKind, VatMix, VoucherFund, VoucherScheme
from wijkeconomie.vouchers.redeeming import redeem_together
from wijkeconomie.vouchers.subsidising import TakenSubsidy, endow_fund

BATCH = 500
GIVEN = "mantelzorgwaardering"
"""The source of a voucher that a municipality gives to carers, and the word in its subsidy."""

UNNAMED_FUND = "MANTELZORG"
"""The fund of carers' vouchers in a folder that tells of no subsidy for them, or of too little."""


def import_vouchers(work: CooperativeWork) -> None:
    """Bring in merchants and vouchers, then answer every attempt to redeem in its order.

    Raises:
        RowRefusedError: a use case refused a row.
    """
    for batch in _batches(work, MERCHANTS):
        with work.begin() as uow:
            for row in batch:
                with refusals_at(row):
                    _save_merchant(uow, row)
            _finish(work, uow, MERCHANTS, batch)
    for batch in _batches(work, VOUCHERS):
        with work.begin() as uow:
            _issue(uow, batch)
            _finish(work, uow, VOUCHERS, batch)
    _redeem_all(work)


def _batches(work: CooperativeWork, layout: Layout) -> Iterator[list[Row]]:
    """The right rows that are not stored yet; the others are counted as unchanged."""
    if next(iter(work.spool.rows(layout, work.code)), None) is None:
        return
    with work.begin() as uow:
        known = {layout.key_of(cells) for cells in stored_rows(uow.session, uow.tenant, layout)}
    rows = (row for row in work.spool.rows(layout, work.code) if work.is_right(row))
    while batch := list(islice(rows, BATCH)):
        new = [row for row in batch if layout.key_of(row.cells) not in known]
        work.done(layout.file, RowOutcome.UNCHANGED, len(batch) - len(new))
        if new:
            yield new
            work.done(layout.file, RowOutcome.IMPORTED, len(new))


def _finish(work: CooperativeWork, uow: UnitOfWork, layout: Layout, batch: list[Row]) -> None:
    remember_spelling(uow, layout, batch)
    work.tell(layout.file, len(batch))


def _save_merchant(uow: UnitOfWork, row: Row) -> None:
    save_merchant(
        uow,
        SaveMerchant(
            code=row["merchant_id"],
            name=row["name"],
            iban=row["iban"],
            vat_mix=VatMix(row["vat_mix"]),
            fee_basis_points=row["fee_basis_points"],
        ),
    )


def _issue(uow: UnitOfWork, batch: list[Row]) -> None:
    """Issue what follows upon each other of one kind and day as one entry."""
    members = _member_ids(uow, batch)
    hold_funds(uow)
    fund = _fund_for(uow, batch)
    for (kind, rate, source, day), group in groupby(batch, key=_alike):
        rows = list(group)
        with refusals_at(rows[0]):
            issue_vouchers(
                uow,
                IssueVouchers(
                    idempotency_key=f"import/{rows[0]['voucher_id']}",
                    scheme_code=_scheme(uow, VatKind(kind), rate),
                    paid_by=PaidBy.FUND if source == GIVEN else PaidBy.BANK,
                    fund_code=fund if source == GIVEN else None,
                    issued_on=day,
                    grants=tuple(
                        Grant(
                            member_id=members[row["member_id"]],
                            face_minor=row["face_cents"],
                            code=row["voucher_id"],
                            expires_on=row["expires_on"],
                        )
                        for row in rows
                    ),
                ),
            )


def _alike(row: Row) -> tuple[Any, ...]:
    return row["kind"], row["vat_basis_points"], row["source"], row["issued_on"]


def _member_ids(uow: UnitOfWork, batch: list[Row]) -> dict[str, int]:
    return dict(
        uow.session.execute(
            select(Member.code, Member.id).where(
                Member.cooperative_id == uow.tenant,
                Member.code.in_({row["member_id"] for row in batch}),
            )
        ).all()
    )


def _scheme(uow: UnitOfWork, kind: VatKind, rate: int | None) -> str:
    """The code of the kind of voucher that a folder means, made where it is new."""
    code = "wijkmunt" if rate is None else f"wijkmunt-{rate}"
    known = uow.session.scalar(
        select(VoucherScheme.id).where(
            VoucherScheme.cooperative_id == uow.tenant, VoucherScheme.code == code
        )
    )
    if known is None:
        percent = "" if rate is None else f" {rate // 100} %"
        name = f"Wijkmunt{percent}"
        save_scheme(uow, SaveScheme(code=code, name=name, vat_kind=kind, vat_basis_points=rate))
    return code


def _fund_for(uow: UnitOfWork, batch: list[Row]) -> str | None:
    """The fund that gives the carers' vouchers of a batch: the municipality's subsidy for them.

    Where the subsidy has less left than was given, or there is none, it was our own money.
    """
    rows = [row for row in batch if row["source"] == GIVEN]
    given = sum(row["face_cents"] for row in rows)
    if not given:
        return None
    subsidy = uow.session.scalar(
        select(Subsidy)
        .where(Subsidy.cooperative_id == uow.tenant, Subsidy.purpose.contains(GIVEN))
        .order_by(Subsidy.id)
        .limit(1)
    )
    if subsidy is not None and subsidy_accounts(uow, subsidy.code).to_spend_cents >= given:
        taken = TakenSubsidy(
            grantor=subsidy.grantor, purpose=subsidy.purpose, awarded_cents=subsidy.awarded_cents
        )
        endow_fund(uow, subsidy.code, taken)
        return subsidy.code
    known = uow.session.scalar(
        select(VoucherFund).where(
            VoucherFund.cooperative_id == uow.tenant, VoucherFund.code == UNNAMED_FUND
        )
    )
    left = known.granted_minor - known.issued_minor + known.returned_minor if known else 0
    if left < given:
        save_fund(
            uow,
            SaveFund(
                code=UNNAMED_FUND,
                name=GIVEN,
                grantor="Gemeente",
                granted_minor=(known.granted_minor if known else 0) + given - left,
                on=min(row["issued_on"] for row in rows),
            ),
        )
    return UNNAMED_FUND


def _redeem_all(work: CooperativeWork) -> None:
    layout = VOUCHER_REDEMPTIONS
    if next(iter(work.spool.rows(layout, work.code)), None) is None:
        return
    with work.begin() as uow:
        known = {layout.key_of(cells) for cells in stored_rows(uow.session, uow.tenant, layout)}
        known |= set(kept_retries(uow.session, uow.tenant))
    last = ""
    rows = (
        (row_key(layout, row, times), row)
        for row, times in work.spool.numbered_rows(layout, work.code)
        if work.is_right(row)
    )
    while batch := list(islice(rows, BATCH)):
        new = [(key, row) for key, row in batch if key not in known]
        with work.begin() as uow:
            _redeem(uow, [row for _, row in new])
            retries = []
            for key, row in batch:
                if key == layout.key_of(row.cells):
                    last = key
                elif key not in known:
                    retries.append((key, row.cells | {AFTER: last}))
            keep_rows(uow, layout, retries)
            remember_spelling(uow, layout, [row for key, row in new if "#" not in key])
            work.tell(layout.file, len(batch))
        work.done(layout.file, RowOutcome.IMPORTED, len(new))
        work.done(layout.file, RowOutcome.UNCHANGED, len(batch) - len(new))


def _redeem(uow: UnitOfWork, rows: list[Row]) -> None:
    """Answer attempts; a repeated one hears what the first one heard."""
    if not rows:
        return
    with refusals_at(rows[0]):
        outcomes = redeem_together(uow, [Asked(uow.identity, _command(row)) for row in rows])
    for row, outcome in zip(rows, outcomes, strict=True):
        with refusals_at(row):
            if isinstance(outcome, DomainError):
                raise outcome


def _command(row: Row) -> Redeem:
    return Redeem(
        idempotency_key=row["idempotency_key"],
        merchant_code=row["merchant_id"],
        amount_minor=row["cents"],
        voucher_code=row["voucher_id"],
        on=row["redeemed_on"],
        code=row["redemption_id"],
    )
