"""Every page and every REST resource of the parts, for the composition root to put together."""

from __future__ import annotations

from wijkeconomie.budgets import administrator_pages as care_administrator_pages
from wijkeconomie.budgets import api as budgets_api
from wijkeconomie.budgets import carer_pages, correcting_pages, list_pages, money_pages
from wijkeconomie.budgets import keeping_api as care_keeping_api
from wijkeconomie.budgets import pages as care_pages
from wijkeconomie.cooperatives import api as cooperatives_api
from wijkeconomie.cooperatives import member_pages, pages
from wijkeconomie.cooperatives.blueprints import pages as cooperative_pages
from wijkeconomie.cooperatives.blueprints import sign_in
from wijkeconomie.costs import correcting_pages as cost_correcting_pages
from wijkeconomie.costs import (
    cost_api,
    funding_api,
    keeping_pages,
    key_api,
    key_pages,
    meter_pages,
    month_api,
    month_pages,
    recurring_api,
    recurring_pages,
    subsidy_pages,
)
from wijkeconomie.costs import pages as cost_pages
from wijkeconomie.investments import api as investments_api
from wijkeconomie.investments import (
    building_pages,
    disposal_pages,
    result_pages,
    reversing_api,
    transfer_api,
    transfer_pages,
    treasurer_pages,
)
from wijkeconomie.investments import keeping_api as investment_keeping_api
from wijkeconomie.investments import pages as investment_pages
from wijkeconomie.network.splitting import api as split_api
from wijkeconomie.network.splitting import pages as split_pages
from wijkeconomie.payments import api as payments_api
from wijkeconomie.payments import order_pages, return_pages
from wijkeconomie.purchasing import api as purchasing_api
from wijkeconomie.purchasing import (
    credit_api,
    deadline_api,
    deposit_api,
    draft_api,
    freight_api,
    handing_api,
    link_api,
    order_letter_api,
    pickup_api,
    preview_api,
    price_list_api,
    receiving_api,
    repeating_api,
    replacing_api,
    round_api,
    round_history_api,
    sharing_api,
    stock_api,
    supplier_api,
    uncharged_api,
)
from wijkeconomie.purchasing import pages as purchasing_pages
from wijkeconomie.reports import api as reports_api
from wijkeconomie.reports import pages as reports_pages
from wijkeconomie.vouchers import api as vouchers_api
from wijkeconomie.vouchers import (
    buying_pages,
    grant_api,
    grant_keeping_api,
    grant_keeping_pages,
    grant_pages,
    history_pages,
    kind_pages,
    merchant_pages,
    payout_api,
    payout_pages,
    printing_pages,
    till_pages,
    withdrawing_pages,
)
from wijkeconomie.vouchers import keeping_api as voucher_keeping_api
from wijkeconomie.vouchers import keeping_pages as voucher_keeping_pages
from wijkeconomie.vouchers import pages as voucher_pages

VIEWS = (
    pages,
    member_pages,
    keeping_pages,
    key_pages,
    meter_pages,
    month_pages,
    cost_correcting_pages,
    recurring_pages,
    subsidy_pages,
    carer_pages,
    correcting_pages,
    care_administrator_pages,
    list_pages,
    money_pages,
    building_pages,
    disposal_pages,
    result_pages,
    reversing_api,
    treasurer_pages,
    transfer_pages,
    transfer_api,
    till_pages,
    history_pages,
    kind_pages,
    buying_pages,
    voucher_keeping_pages,
    withdrawing_pages,
    merchant_pages,
    printing_pages,
    grant_pages,
    grant_keeping_pages,
    grant_api,
    grant_keeping_api,
    voucher_keeping_api,
    care_keeping_api,
    investment_keeping_api,
    return_pages,
    payout_api,
    payout_pages,
    cost_api,
    key_api,
    recurring_api,
)
"""Modules that hang their views on the blueprints when they are imported."""
PAGES = (
    sign_in,
    cooperative_pages,
    purchasing_pages.blueprint,
    cost_pages.blueprint,
    care_pages.blueprint,
    investment_pages.blueprint,
    voucher_pages.blueprint,
    voucher_pages.scan,
    order_pages.blueprint,
    split_pages.pages,
    reports_pages.blueprint,
)
RESOURCES = (
    cooperatives_api.blueprint,
    purchasing_api.blueprint,
    budgets_api.blueprint,
    investments_api.blueprint,
    supplier_api.blueprint,
    vouchers_api.blueprint,
    funding_api.blueprint,
    month_api.blueprint,
    price_list_api.blueprint,
    round_api.blueprint,
    credit_api.blueprint,
    stock_api.blueprint,
    deposit_api.blueprint,
    draft_api.blueprint,
    freight_api.blueprint,
    deadline_api.blueprint,
    repeating_api.blueprint,
    sharing_api.blueprint,
    replacing_api.blueprint,
    handing_api.blueprint,
    pickup_api.blueprint,
    uncharged_api.blueprint,
    link_api.blueprint,
    order_letter_api.blueprint,
    preview_api.blueprint,
    receiving_api.blueprint,
    round_history_api.blueprint,
    payments_api.blueprint,
    split_api.blueprint,
    reports_api.blueprint,
)
