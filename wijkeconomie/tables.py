"""Every table of the service in one metadata: what migrations are compared with."""

from __future__ import annotations

from wijkeconomie.budgets import models as budgets
from wijkeconomie.cooperatives import models as cooperatives
from wijkeconomie.core import audit, commands, job_starts, jobs, outbox
from wijkeconomie.core.models import Base
from wijkeconomie.costs import meter_models as meters
from wijkeconomie.costs import models as costs
from wijkeconomie.costs import recurring_models as recurring_costs
from wijkeconomie.costs import subsidy_models as subsidy_uses
from wijkeconomie.investments import models as investments
from wijkeconomie.ledger import models as ledger
from wijkeconomie.network import models as network
from wijkeconomie.payments import models as payments
from wijkeconomie.purchasing import deadline_models as deadlines
from wijkeconomie.purchasing import delivery_models as deliveries
from wijkeconomie.purchasing import deposit_models as deposits
from wijkeconomie.purchasing import handing_models as handing
from wijkeconomie.purchasing import link_models as links
from wijkeconomie.purchasing import models as purchasing
from wijkeconomie.purchasing import price_models as prices
from wijkeconomie.purchasing import repeating_models as repeating
from wijkeconomie.purchasing import settlement_models as settlements
from wijkeconomie.purchasing import stock_models as stock
from wijkeconomie.vouchers import grant_models as grants
from wijkeconomie.vouchers import models as vouchers
from wijkeconomie.vouchers import order_models as orders

MODULES = (
    audit,
    commands,
    job_starts,
    jobs,
    outbox,
    cooperatives,
    ledger,
    purchasing,
    deliveries,
    prices,
    settlements,
    deadlines,
    repeating,
    handing,
    links,
    stock,
    deposits,
    costs,
    recurring_costs,
    subsidy_uses,
    meters,
    budgets,
    investments,
    vouchers,
    orders,
    grants,
    payments,
    network,
)
METADATA = Base.metadata
