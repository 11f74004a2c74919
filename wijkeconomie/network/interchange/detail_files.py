"""The files of a city folder that tell more of rounds than the plain ones can.

They lie in a folder of their own below the city's, where an importer that does not know them does
not look. Each is written only where there is something to tell, so that a folder of plain rounds
stays what it was.
"""

from __future__ import annotations

from wijkeconomie.network.interchange import cells
from wijkeconomie.network.interchange.cells import one_of, translated
from wijkeconomie.network.interchange.files import SHORTAGE_RULES
from wijkeconomie.network.interchange.layout import Layout, Reference, optional, required
from wijkeconomie.network.interchange.row_checks import (
    check_moments,
    check_product_terms,
    check_round_pledge,
    check_round_product,
    check_uncharged,
)

DETAIL_FOLDER = "more"

_OF_ROUND = Reference("round_id", "rounds.csv")
_OF_PRODUCT = Reference("sku", "products.csv")

SUPPLIER_TERMS = Layout(
    file=f"{DETAIL_FOLDER}/suppliers.csv",
    columns=(
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.GIVEN_CODE, "supplier_id"),
        *optional(cells.TEXT, "email"),
        *optional(cells.POSITIVE_COUNT, "minimum_net_cents"),
    ),
    key=("coop_id", "supplier_id"),
    references=(Reference("supplier_id", "suppliers.csv"),),
)
PRODUCT_TERMS = Layout(
    file=f"{DETAIL_FOLDER}/products.csv",
    columns=(
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.GIVEN_CODE, "sku"),
        *required(cells.CENTS, "price_excl_cents"),
        *required(cells.POSITIVE_COUNT, "price_units"),
        *optional(cells.TEXT, "supplier_unit"),
        *required(cells.CENTS, "deposit_cents"),
        *optional(cells.MARK, "only_packs"),
        *optional(cells.POSITIVE_COUNT, "minimum_quantity"),
        *optional(cells.NUMBERS, "ladder_quantities", "ladder_prices_cents"),
        *optional(cells.POSITIVE_COUNT, "grams_per_unit"),
        *optional(cells.MARK, "not_offered"),
    ),
    key=("coop_id", "sku"),
    references=(_OF_PRODUCT,),
    check=check_product_terms,
    later=(
        *("only_packs", "minimum_quantity", "ladder_quantities", "ladder_prices_cents"),
        *("grams_per_unit", "not_offered"),
    ),
)
ROUND_TERMS = Layout(
    file=f"{DETAIL_FOLDER}/rounds.csv",
    columns=(
        *required(cells.CODE, "round_id"),
        *required(one_of("stock", "ask"), "surplus_rule"),
        *optional(cells.TEXT, "uncharged_reason"),
        *optional(cells.REFERENCE, "uncharged_asked_by", "uncharged_approved_by"),
    ),
    key=("round_id",),
    references=(_OF_ROUND,),
    group="round_id",
    check=check_uncharged,
)
# A step that the round did not take has no moment; each takes those before it.
ROUND_MOMENTS = Layout(
    file=f"{DETAIL_FOLDER}/round_moments.csv",
    columns=(
        *required(cells.CODE, "round_id"),
        *optional(
            cells.MOMENT,
            *("opened_at", "closed_at", "ordered_at", "received_at", "allocated_at"),
            *("settled_at", "cancelled_at"),
        ),
        *optional(cells.TEXT, "cancel_reason"),
        *optional(cells.DATE, "accounting_date"),
    ),
    key=("round_id",),
    references=(_OF_ROUND,),
    group="round_id",
    check=check_moments,
)
ROUND_PRODUCTS = Layout(
    file=f"{DETAIL_FOLDER}/round_products.csv",
    columns=(
        *required(cells.CODE, "round_id"),
        *required(cells.GIVEN_CODE, "sku"),
        *required(cells.TEXT, "name", "unit"),
        *required(cells.CENTS, "price_excl_cents", "list_price_excl_cents"),
        *optional(cells.NUMBERS, "ladder_quantities", "ladder_prices_cents", "closing"),
        *required(cells.POSITIVE_COUNT, "price_units"),
        *optional(cells.BASIS_POINTS, "vat_basis_points"),
        *required(cells.POSITIVE_COUNT, "pack_size"),
        *optional(cells.MARK, "only_packs"),
        *optional(cells.TEXT, "supplier_unit"),
        *optional(cells.POSITIVE_COUNT, "minimum_quantity", "max_per_member", "grams_per_unit"),
        *optional(translated(SHORTAGE_RULES), "shortage_rule"),
        *optional(cells.GIVEN_CODE, "replaces"),
    ),
    key=("round_id", "sku"),
    references=(_OF_ROUND, _OF_PRODUCT, Reference("replaces", "products.csv")),
    group="round_id",
    check=check_round_product,
)
ROUND_PLEDGES = Layout(
    file=f"{DETAIL_FOLDER}/round_pledges.csv",
    columns=(
        *required(cells.GIVEN_CODE, "pledge_id"),
        *required(cells.CODE, "round_id"),
        *required(one_of("pledged", "replacement", "extra"), "origin"),
        *optional(cells.GIVEN_CODE, "instead_of"),
        *required(cells.COUNT, "tolerance"),
        *optional(cells.CENTS, "max_price_excl_cents"),
        *optional(cells.MOMENTS, "later_at"),
        *optional(cells.NUMBERS, "later_quantities"),
        *optional(cells.POSITIVE_COUNT, "allotted_quantity"),
        *optional(one_of("price", "minimum", "packs", "credit"), "dropout"),
        *optional(cells.MOMENT, "withdrawn_at"),
        *optional(cells.POSITIVE_COUNT, "grams"),
    ),
    key=("pledge_id",),
    references=(_OF_ROUND, Reference("pledge_id", "pledges.csv")),
    group="round_id",
    check=check_round_pledge,
)
ROUND_DEPOSITS = Layout(
    file=f"{DETAIL_FOLDER}/round_deposits.csv",
    columns=(
        *required(cells.CODE, "round_id"),
        *required(cells.GIVEN_CODE, "sku"),
        *required(cells.CENTS, "deposit_cents"),
    ),
    key=("round_id", "sku"),
    references=(_OF_ROUND, _OF_PRODUCT),
    group="round_id",
)
DECISIONS = Layout(
    file=f"{DETAIL_FOLDER}/decisions.csv",
    columns=(
        *required(cells.GIVEN_CODE, "pledge_id"),
        *required(cells.CODE, "round_id"),
        *required(cells.COUNT, "quantity"),
        *required(cells.TEXT, "reason"),
    ),
    key=("pledge_id",),
    references=(_OF_ROUND, Reference("pledge_id", "pledges.csv")),
    group="round_id",
)
DELIVERY_DECISIONS = Layout(
    file=f"{DETAIL_FOLDER}/deliveries.csv",
    columns=(
        *required(cells.CODE, "round_id"),
        *required(cells.GIVEN_CODE, "sku"),
        *required(cells.COUNT, "uncredited_quantity"),
        *optional(cells.COUNT, "stock_quantity"),
        *optional(cells.POSITIVE_COUNT, "grams"),
    ),
    key=("round_id", "sku"),
    references=(_OF_ROUND, _OF_PRODUCT),
    group="round_id",
    later=("grams",),
)
INVOICE_TERMS = Layout(
    file=f"{DETAIL_FOLDER}/supplier_invoices.csv",
    columns=(
        *required(cells.GIVEN_CODE, "invoice_id"),
        *required(cells.CODE, "round_id"),
        *optional(cells.CENTS, "deposit_cents"),
        *optional(cells.SIGNED_CENTS, "net_difference_cents", "vat_difference_cents"),
    ),
    key=("round_id", "invoice_id"),
    references=(_OF_ROUND,),
    group="round_id",
    later=("net_difference_cents", "vat_difference_cents"),
)
ROUND_DETAILS = (
    *(ROUND_TERMS, ROUND_MOMENTS, ROUND_PRODUCTS, ROUND_DEPOSITS, ROUND_PLEDGES),
    *(DECISIONS, DELIVERY_DECISIONS, INVOICE_TERMS),
)
"""The files that tell more of one round."""
