"""Importing the cooperative itself, its members, its suppliers and their products.

These may have changed in the meantime: a row that differs from what is stored is carried
through by the use case that changes it, with its line in the audit trail. The cooperative's
own row is statutes, and is only compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import select

from wijkeconomie.cooperatives.models import Member
from wijkeconomie.cooperatives.service import (
    AdmitMember,
    ChangeMember,
    CreateCooperative,
    admit_member,
    change_member,
    create_cooperative,
    open_cooperative_books,
)
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.network.interchange.comparing import differing_columns
from wijkeconomie.network.interchange.detail_files import PRODUCT_TERMS, SUPPLIER_TERMS
from wijkeconomie.network.interchange.files import COOPERATIVES, MEMBERS, PRODUCTS, SUPPLIERS
from wijkeconomie.network.interchange.layout import Layout
from wijkeconomie.network.interchange.outcome import RowOutcome
from wijkeconomie.network.interchange.reading import Row
from wijkeconomie.network.interchange.stored import Cells, stored_rows
from wijkeconomie.network.interchange.work import CooperativeWork, on_day, refusals_at
from wijkeconomie.purchasing.models import Product, Supplier
from wijkeconomie.purchasing.suppliers import (
    SaleTerms,
    SaveProduct,
    SaveSupplier,
    save_product,
    save_supplier,
)

BATCH = 250


def open_cooperative(work: CooperativeWork) -> None:
    """Create the cooperative where it is new, and open its books where that was not reached."""
    [row] = work.spool.rows(COOPERATIVES, work.code)
    result = RowOutcome.UNCHANGED
    if work.tenant is None:
        with refusals_at(row), work.units_of_work.begin(identity=work.identity) as uow:
            work.tenant = create_cooperative(on_day(uow, row["founded"]), _cooperative(row))
            work.tell(COOPERATIVES.file, 1)
        result = RowOutcome.IMPORTED
    with refusals_at(row), work.begin() as uow:
        if not ledger.control_codes(uow.session, uow.tenant):
            open_cooperative_books(uow)
    if work.is_right(row):
        work.done(COOPERATIVES.file, result)


def _cooperative(row: Row) -> CreateCooperative:
    return CreateCooperative(
        code=row["coop_id"],
        name=row["name"],
        neighbourhood=row["neighbourhood"],
        liability=row["liability"],
        liability_cap_cents=row["liability_cap_cents"],
        vat_regime=row["vat_regime"],
        kvk=row["kvk"],
        iban=row["iban"],
        creditor_id=row["creditor_id"],
        founded_on=row["founded"],
        contribution_year_cents=row["contribution_year_cents"],
        share_price_cents=row["share_price_cents"],
        vote_rule=row["vote_rule"],
    )


def import_suppliers(work: CooperativeWork) -> None:
    """Give the cooperative its copy of every supplier."""
    with work.begin() as uow:
        stored = _stored(uow, SUPPLIERS)
        suppliers = select(Supplier).where(Supplier.cooperative_id == uow.tenant)
        known = {each.code: each for each in uow.session.scalars(suppliers)}
        terms = _terms(work, uow, SUPPLIER_TERMS, "supplier_id")
        for row, result in _compared(SUPPLIERS, work.spool.rows(SUPPLIERS, ""), stored):
            own, is_new = terms.get(row["supplier_id"], (None, RowOutcome.UNCHANGED))
            if {result, is_new} != {RowOutcome.UNCHANGED}:
                with refusals_at(row):
                    save_supplier(uow, _supplier(row, own, known.get(row["supplier_id"])))
            work.outcome.add_shared(SUPPLIERS.file, row.line, result)
        for _own, result in terms.values():
            work.done(SUPPLIER_TERMS.file, result)
        work.tell(SUPPLIERS.file, len(stored))


def import_products(work: CooperativeWork) -> None:
    """Give the cooperative its copy of every product; rounds keep the terms they began with."""
    with work.begin() as uow:
        stored = _stored(uow, PRODUCTS)
        offered = {
            row[0]: row[1]
            for row in uow.session.execute(
                select(Product.code, Product.is_offered).where(Product.cooperative_id == uow.tenant)
            )
        }
        terms = _terms(work, uow, PRODUCT_TERMS, "sku")
        for row, result in _compared(PRODUCTS, work.spool.rows(PRODUCTS, ""), stored):
            own, is_new = terms.get(row["sku"], (None, RowOutcome.UNCHANGED))
            if {result, is_new} != {RowOutcome.UNCHANGED}:
                is_offered = offered.get(row["sku"], True)
                with refusals_at(row):
                    save_product(uow, _product(row, own, is_offered=is_offered))
            work.outcome.add_shared(PRODUCTS.file, row.line, result)
        for _own, result in terms.values():
            work.done(PRODUCT_TERMS.file, result)
        work.tell(PRODUCTS.file, len(stored))


def _terms(
    work: CooperativeWork, uow: UnitOfWork, layout: Layout, key: str
) -> dict[str, tuple[Row, RowOutcome]]:
    """What the folder tells more of suppliers or products, and whether that is new here."""
    rows = work.spool.rows(layout, work.code)
    return {
        row[key]: (row, result) for row, result in _compared(layout, rows, _stored(uow, layout))
    }


def import_members(work: CooperativeWork) -> None:
    """Admit the members that are new, and change those that differ."""
    with work.begin() as uow:
        stored = _stored(uow, MEMBERS)
    compared = _compared(MEMBERS, work.spool.rows(MEMBERS, work.code), stored)
    while batch := list(islice(compared, BATCH)):
        with work.begin() as uow:
            known = _member_ids(uow, batch)
            for row, result in batch:
                with refusals_at(row):
                    _save_member(uow, row, result, known)
            work.tell(MEMBERS.file, len(batch))
        for _, result in batch:
            work.done(MEMBERS.file, result)


def _member_ids(uow: UnitOfWork, batch: list[tuple[Row, RowOutcome]]) -> dict[str, int]:
    codes = [row["member_id"] for row, result in batch if result is RowOutcome.UPDATED]
    if not codes:
        return {}
    found = uow.session.execute(
        select(Member.code, Member.id).where(
            Member.cooperative_id == uow.tenant, Member.code.in_(codes)
        )
    )
    return {row[0]: row[1] for row in found}


def _stored(uow: UnitOfWork, layout: Layout) -> dict[str, Cells]:
    return {layout.key_of(cells): cells for cells in stored_rows(uow.session, uow.tenant, layout)}


def _compared(
    layout: Layout, rows: Iterator[Row], stored: dict[str, Cells]
) -> Iterator[tuple[Row, RowOutcome]]:
    """Each row, with whether it is new, says something else than what is stored, or the same."""
    for row in rows:
        known = stored.get(layout.key_of(row.cells))
        if known is None:
            yield row, RowOutcome.IMPORTED
        elif differing_columns(layout, row, known):
            yield row, RowOutcome.UPDATED
        else:
            yield row, RowOutcome.UNCHANGED


def _save_member(uow: UnitOfWork, row: Row, result: RowOutcome, known: dict[str, int]) -> None:
    if result is RowOutcome.IMPORTED:
        admit_member(on_day(uow, row["joined"]), AdmitMember(code=row["member_id"], **_person(row)))
    elif result is RowOutcome.UPDATED:
        change_member(uow, ChangeMember(member_id=known[row["member_id"]], **_person(row)))


def _person(row: Row) -> dict[str, Any]:
    """The columns of a member beside its number, under the names of the use cases."""
    same = (
        *("initials", "first_name", "infix", "last_name", "street", "house_number"),
        *("house_addition", "postcode", "city", "country", "email", "iban", "mandate_id"),
        *("share_units", "household_size", "dwelling_m2", "income_band", "language"),
    )
    return {name: row[name] for name in same} | {
        "mandate_signed_on": row["mandate_signed"],
        "joined_on": row["joined"],
        "left_on": row["left"],
        "is_caregiver": row["caregiver"],
    }


def _supplier(row: Row, told: Row | None, known: Supplier | None) -> SaveSupplier:
    """A supplier by its rows; what the folder does not tell stays as it is here."""
    own = SaveSupplier(
        code=row["supplier_id"],
        name=row["name"],
        category=row["category"],
        kvk=row["kvk"],
        iban=row["iban"],
        payment_days=row["payment_days"],
    )
    if told is not None:
        return replace(own, email=told["email"], minimum_net_cents=told["minimum_net_cents"])
    if known is not None:
        return replace(own, email=known.email, minimum_net_cents=known.minimum_net_cents)
    return own


def _product(row: Row, told: Row | None, *, is_offered: bool) -> SaveProduct:
    """A product by its rows; what the folder does not tell stays as it is here."""
    own = SaveProduct(
        supplier_code=row["supplier_id"],
        code=row["sku"],
        name=row["name"],
        category=row["category"],
        unit=row["unit"],
        price_excl_cents=row["price_excl_cents"],
        vat_basis_points=row["vat_basis_points"],
        pack_size=row["pack_size"],
        max_per_member=row["max_per_member"],
        is_offered=is_offered,
    )
    if told is None:
        return own
    quantities, prices = told["ladder_quantities"] or (), told["ladder_prices_cents"] or ()
    terms = SaleTerms(
        sells_loose=not told["only_packs"],
        minimum_quantity=told["minimum_quantity"],
        ladder=tuple(zip(quantities, prices, strict=True)),
    )
    return replace(
        own,
        price_excl_cents=told["price_excl_cents"],
        price_units=told["price_units"],
        supplier_unit=told["supplier_unit"] or "",
        deposit_cents=told["deposit_cents"],
        # A folder of an earlier version does not tell these.
        terms=None if terms == SaleTerms() else terms,
        grams_per_unit=told["grams_per_unit"],
        is_offered=is_offered and not told["not_offered"],
    )
