"""The files of a city folder that tell more of rounds than the plain ones can.

They lie in a folder of their own below the city's, where an importer that does not know them does
not look. Each is written only where there is something to tell, so that a folder of plain rounds
stays what it was.
"""

from __future__ import annotations

from wijkeconomie.network.interchange import cells
from wijkeconomie.network.interchange.cells import one_of
from wijkeconomie.network.interchange.files import LAYOUTS
from wijkeconomie.network.interchange.layout import Layout, Reference, optional, required
from wijkeconomie.network.interchange.row_checks import check_uncharged

DETAIL_FOLDER = "more"

_OF_ROUND = Reference("round_id", "rounds.csv")
_OF_PRODUCT = Reference("sku", "products.csv")

PRODUCT_TERMS = Layout(
    file=f"{DETAIL_FOLDER}/products.csv",
    columns=(
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.CODE, "sku"),
        *required(cells.CENTS, "price_excl_cents"),
        *required(cells.POSITIVE_COUNT, "price_units"),
        *optional(cells.TEXT, "supplier_unit"),
        *required(cells.CENTS, "deposit_cents"),
    ),
    key=("coop_id", "sku"),
    references=(_OF_PRODUCT,),
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
ROUND_DEPOSITS = Layout(
    file=f"{DETAIL_FOLDER}/round_deposits.csv",
    columns=(
        *required(cells.CODE, "round_id", "sku"),
        *required(cells.CENTS, "deposit_cents"),
    ),
    key=("round_id", "sku"),
    references=(_OF_ROUND, _OF_PRODUCT),
    group="round_id",
)
DECISIONS = Layout(
    file=f"{DETAIL_FOLDER}/decisions.csv",
    columns=(
        *required(cells.CODE, "pledge_id", "round_id"),
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
        *required(cells.CODE, "round_id", "sku"),
        *required(cells.COUNT, "uncredited_quantity"),
        *optional(cells.COUNT, "stock_quantity"),
    ),
    key=("round_id", "sku"),
    references=(_OF_ROUND, _OF_PRODUCT),
    group="round_id",
)
INVOICE_DEPOSITS = Layout(
    file=f"{DETAIL_FOLDER}/supplier_invoices.csv",
    columns=(
        *required(cells.CODE, "invoice_id", "round_id"),
        *required(cells.CENTS, "deposit_cents"),
    ),
    key=("invoice_id",),
    references=(_OF_ROUND, Reference("invoice_id", "supplier_invoices.csv")),
    group="round_id",
)
ROUND_DETAILS = (ROUND_TERMS, ROUND_DEPOSITS, DECISIONS, DELIVERY_DECISIONS, INVOICE_DEPOSITS)
"""The files that tell more of one round."""
DETAILS = (PRODUCT_TERMS, *ROUND_DETAILS)

ALL_LAYOUTS = (*LAYOUTS, *DETAILS)
"""Every file, each after those that it refers to."""
LAYOUT_OF = {layout.file: layout for layout in ALL_LAYOUTS}
