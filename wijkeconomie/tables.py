"""Every table of the service in one metadata: what migrations are compared with."""

from __future__ import annotations

from wijkeconomie.cooperatives import models as cooperatives
from wijkeconomie.core import audit, commands, jobs, outbox
from wijkeconomie.core.models import Base
from wijkeconomie.costs import models as costs
from wijkeconomie.ledger import models as ledger
from wijkeconomie.network import models as network
from wijkeconomie.payments import models as payments
from wijkeconomie.purchasing import link_models as links
from wijkeconomie.purchasing import models as purchasing
from wijkeconomie.purchasing import price_models as prices
from wijkeconomie.purchasing import settlement_models as settlements

MODULES = (
    audit,
    commands,
    jobs,
    outbox,
    cooperatives,
    ledger,
    purchasing,
    prices,
    settlements,
    links,
    costs,
    payments,
    network,
)
METADATA = Base.metadata
