"""The files of a city folder: their columns, keys and references, declared once as data."""

from __future__ import annotations

from wijkeconomie.network.interchange import cells
from wijkeconomie.network.interchange.cells import one_of, translated
from wijkeconomie.network.interchange.layout import Layout, Reference, optional, required
from wijkeconomie.network.interchange.row_checks import (
    check_bank_line,
    check_delivery,
    check_gross,
    check_liability,
    check_round,
    check_voucher,
    in_order,
)

COOPERATIVES = Layout(
    file="cooperatives.csv",
    columns=(
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.TEXT, "name", "neighbourhood"),
        *required(one_of("WA", "BA", "UA"), "liability"),
        *optional(cells.CENTS, "liability_cap_cents"),
        *required(one_of("regulier", "kor"), "vat_regime"),
        *required(cells.KVK_NUMBER, "kvk"),
        *required(cells.IBAN, "iban"),
        *required(cells.CREDITOR_ID, "creditor_id"),
        *required(cells.DATE, "founded"),
        *required(cells.CENTS, "contribution_year_cents", "share_price_cents"),
        *required(cells.COUNT, "member_count"),
        *required(one_of("een_lid_een_stem", "max_drie_stemmen_naar_aandelen"), "vote_rule"),
    ),
    key=("coop_id",),
    other_key="iban",
    check=check_liability,
)
MEMBERS = Layout(
    file="members.csv",
    columns=(
        *required(cells.CODE, "member_id"),
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.TEXT, "initials", "first_name"),
        *optional(cells.TEXT, "infix"),
        *required(cells.TEXT, "last_name", "street", "house_number"),
        *optional(cells.TEXT, "house_addition"),
        *required(cells.TEXT, "postcode", "city"),
        *required(one_of("NL", "BE", "DE", "FR", "LU"), "country"),
        *optional(cells.EMAIL, "email"),
        *optional(cells.IBAN, "iban"),
        *optional(cells.REFERENCE, "mandate_id"),
        *optional(cells.DATE, "mandate_signed"),
        *required(cells.DATE, "joined"),
        *optional(cells.DATE, "left"),
        *required(cells.COUNT, "share_units"),
        *optional(cells.COUNT, "household_size", "dwelling_m2"),
        *optional(one_of("laag", "regulier"), "income_band"),
        *required(cells.FLAG, "caregiver"),
        *required(one_of("nl", "en", "pl", "tr", "ar"), "language"),
    ),
    key=("member_id",),
    check=in_order("joined", "left", "someone leaves after joining"),
)
PARTICIPATION_KEYS = Layout(
    file="participation_keys.csv",
    columns=(
        *required(cells.CODE, "member_id"),
        *required(cells.DECIMAL, "kwh"),
        *required(cells.COUNT, "usage"),
    ),
    key=("member_id",),
    references=(Reference("member_id", "members.csv"),),
)
SUPPLIERS = Layout(
    file="suppliers.csv",
    columns=(
        *required(cells.CODE, "supplier_id"),
        *required(cells.TEXT, "name"),
        *optional(cells.TEXT, "category"),
        *optional(cells.KVK_NUMBER, "kvk"),
        *optional(cells.IBAN, "iban"),
        *required(cells.DAYS, "payment_days"),
    ),
    key=("supplier_id",),
)
PRODUCTS = Layout(
    file="products.csv",
    columns=(
        *required(cells.GIVEN_CODE, "sku"),
        *required(cells.TEXT, "name"),
        *optional(cells.TEXT, "category"),
        *required(cells.TEXT, "unit"),
        *required(cells.CENTS, "price_excl_cents"),
        *optional(cells.BASIS_POINTS, "vat_basis_points"),
        *required(cells.POSITIVE_COUNT, "pack_size"),
        *optional(cells.POSITIVE_COUNT, "max_per_member"),
        *required(cells.GIVEN_CODE, "supplier_id"),
    ),
    key=("sku",),
    references=(Reference("supplier_id", "suppliers.csv"),),
)
SHORTAGE_RULES = {
    "naar_rato_grootste_rest": "pro_rata",
    "eerst_toegezegd": "first_pledged",
    "met_de_hand": "manual",
}
ROUNDS = Layout(
    file="rounds.csv",
    columns=(
        *required(cells.CODE, "round_id"),
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.TEXT, "theme"),
        *required(cells.GIVEN_CODE, "supplier_id"),
        *required(cells.DAY_OR_MOMENT, "opens", "closes"),
        *required(cells.DATE, "delivery_date"),
        *required(cells.CENTS, "shipping_excl_cents"),
        *required(one_of("value", "quantity", "equal"), "shipping_key"),
        *required(translated(SHORTAGE_RULES), "shortage_rule"),
        *required(one_of("delivered", "cancelled"), "status"),
    ),
    key=("round_id",),
    references=(Reference("supplier_id", "suppliers.csv"),),
    check=check_round,
)
_OF_ROUND = Reference("round_id", "rounds.csv")
PLEDGES = Layout(
    file="pledges.csv",
    columns=(
        *required(cells.GIVEN_CODE, "pledge_id"),
        *required(cells.CODE, "round_id", "member_id"),
        *required(cells.GIVEN_CODE, "sku"),
        *required(cells.POSITIVE_COUNT, "quantity"),
        *required(cells.MOMENT, "pledged_at"),
        *required(cells.FLAG, "withdrawn"),
    ),
    key=("pledge_id",),
    references=(
        _OF_ROUND,
        Reference("member_id", "members.csv"),
        Reference("sku", "products.csv"),
    ),
    group="round_id",
)
DELIVERIES = Layout(
    file="deliveries.csv",
    columns=(
        *required(cells.GIVEN_CODE, "delivery_id"),
        *required(cells.CODE, "round_id"),
        *required(cells.GIVEN_CODE, "sku"),
        *required(cells.COUNT, "ordered_quantity", "delivered_quantity", "damaged_quantity"),
        *required(cells.DATE, "delivered_on"),
        *optional(cells.TEXT, "reason"),
    ),
    key=("delivery_id",),
    references=(_OF_ROUND, Reference("sku", "products.csv")),
    group="round_id",
    check=check_delivery,
)
SUPPLIER_INVOICES = Layout(
    file="supplier_invoices.csv",
    columns=(
        *required(cells.GIVEN_CODE, "invoice_id"),
        *required(cells.CODE, "round_id"),
        *required(cells.GIVEN_CODE, "supplier_id"),
        *required(cells.DATE, "invoice_date"),
        *required(cells.CENTS, "net_cents", "vat_cents", "gross_cents"),
        *optional(cells.TEXT, "note"),
    ),
    # Suppliers number their invoices each for himself.
    key=("invoice_id", "supplier_id"),
    references=(_OF_ROUND, Reference("supplier_id", "suppliers.csv")),
    group="round_id",
    check=check_gross,
)
SHARED_COSTS = Layout(
    file="shared_costs.csv",
    columns=(
        *required(cells.CODE, "cost_id"),
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.MONTH, "month"),
        *required(cells.TEXT, "description"),
        *required(one_of("equal", "household", "m2", "kwh", "usage"), "key"),
        *required(cells.SIGNED_CENTS, "net_cents", "vat_cents", "gross_cents"),
    ),
    key=("cost_id",),
    check=check_gross,
)
SUBSIDIES = Layout(
    file="subsidies.csv",
    columns=(
        *required(cells.CODE, "subsidy_id"),
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.TEXT, "grantor", "purpose"),
        *required(one_of("targeted_pool", "earmarked"), "mode"),
        *required(cells.CENTS, "cents"),
        *required(cells.DATE, "valid_from", "valid_to"),
        *optional(cells.DATE, "accountable_by"),
    ),
    key=("subsidy_id",),
    check=in_order("valid_from", "valid_to", "it ends before it begins"),
)
VOUCHERS = Layout(
    file="vouchers.csv",
    columns=(
        *required(cells.CODE, "voucher_id"),
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.CODE, "member_id"),
        *required(one_of("SPV", "MPV"), "kind"),
        *optional(cells.BASIS_POINTS, "vat_basis_points"),
        *required(one_of("gekocht", "mantelzorgwaardering"), "source"),
        *required(cells.CENTS, "face_cents"),
        *required(cells.DATE, "issued_on", "expires_on"),
    ),
    key=("voucher_id",),
    references=(Reference("member_id", "members.csv"),),
    check=check_voucher,
)
MERCHANTS = Layout(
    file="merchants.csv",
    columns=(
        *required(cells.CODE, "merchant_id"),
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.TEXT, "name"),
        *required(cells.IBAN, "iban"),
        *required(one_of("9", "21", "9+21", "vrijgesteld"), "vat_mix"),
        *required(cells.BASIS_POINTS, "fee_basis_points"),
    ),
    key=("merchant_id",),
)
VOUCHER_REDEMPTIONS = Layout(
    file="voucher_redemptions.csv",
    columns=(
        *required(cells.CODE, "redemption_id", "idempotency_key", "voucher_id", "merchant_id"),
        *required(cells.CENTS, "cents"),
        *required(cells.DATE, "redeemed_on"),
    ),
    key=("redemption_id",),
    has_unique_key=False,
    references=(
        Reference("voucher_id", "vouchers.csv"),
        Reference("merchant_id", "merchants.csv"),
    ),
)
AGREEMENT_STATUSES = {
    "goedgekeurd": "approved",
    "in_behandeling": "pending",
    "afgewezen": "refused",
}
CARE_BUDGETS = Layout(
    file="care_budgets.csv",
    columns=(
        *required(cells.CODE, "budget_id", "member_id"),
        *required(one_of("Wlz", "Wmo", "Jeugdwet", "Zvw"), "law"),
        *required(cells.FLAG, "drawing_right"),
        *required(cells.DATE, "period_start", "period_end"),
        *required(cells.CENTS, "budget_cents", "hourly_rate_cents"),
        *required(translated(AGREEMENT_STATUSES), "agreement_status"),
    ),
    key=("budget_id",),
    references=(Reference("member_id", "members.csv"),),
    check=in_order("period_start", "period_end", "it ends before it begins"),
)
CARE_DECLARATIONS = Layout(
    file="care_declarations.csv",
    columns=(
        *required(cells.CODE, "declaration_id", "budget_id"),
        *required(cells.MONTH, "month"),
        *required(cells.COUNT, "minutes"),
        *required(cells.CENTS, "cents"),
    ),
    key=("declaration_id",),
    references=(Reference("budget_id", "care_budgets.csv"),),
)
CARE_LAYOUTS = (CARE_BUDGETS, CARE_DECLARATIONS)
PROJECTS = Layout(
    file="projects.csv",
    columns=(
        *required(cells.CODE, "project_id"),
        *required(cells.COOPERATIVE_CODE, "coop_id"),
        *required(cells.TEXT, "name"),
        *required(cells.CENTS, "unit_price_cents"),
        *required(cells.POSITIVE_COUNT, "target_units"),
        *optional(cells.SIGNED_CENTS, "result_2026_cents"),
    ),
    key=("project_id",),
)
INVESTMENTS = Layout(
    file="investments.csv",
    columns=(
        *required(cells.CODE, "project_id", "member_id"),
        *required(cells.POSITIVE_COUNT, "units"),
        *required(cells.DATE, "bought_on"),
    ),
    key=("project_id", "member_id"),
    has_unique_key=False,
    references=(Reference("project_id", "projects.csv"), Reference("member_id", "members.csv")),
)
BANK_ENTRIES = Layout(
    file="bank_entries.csv",
    columns=(
        *required(cells.CODE, "entry_id"),
        *required(cells.IBAN, "account"),
        *required(cells.DATE, "booking_date"),
        *required(cells.SIGNED_CENTS, "cents"),
        *optional(cells.IBAN, "counter_iban"),
        *optional(cells.REFERENCE, "end_to_end_id"),
        *required(one_of("incasso", "storno"), "kind"),
        *optional(cells.REFERENCE, "return_reason"),
    ),
    key=("entry_id",),
    references=(Reference("account", "cooperatives.csv", by="iban"),),
    check=check_bank_line,
)

FEDERATION_FILE = "federation.json"
LAYOUTS: tuple[Layout, ...] = (
    COOPERATIVES,
    MEMBERS,
    PARTICIPATION_KEYS,
    SUPPLIERS,
    PRODUCTS,
    ROUNDS,
    PLEDGES,
    DELIVERIES,
    SUPPLIER_INVOICES,
    SHARED_COSTS,
    SUBSIDIES,
    MERCHANTS,
    VOUCHERS,
    VOUCHER_REDEMPTIONS,
    CARE_BUDGETS,
    CARE_DECLARATIONS,
    PROJECTS,
    INVESTMENTS,
    BANK_ENTRIES,
)
"""Every file, each after those that it refers to."""

LAYOUT_OF = {layout.file: layout for layout in LAYOUTS}
