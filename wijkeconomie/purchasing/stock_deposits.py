"""The deposit on what is sold from the stock: charged with the sale, and turned back with it.

The packaging was paid for when its round was settled, so the supplier is not in these entries: the
member takes over from the cooperative what the empties give back.
"""

from __future__ import annotations

from datetime import date

from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.ledger.drafts import EntryDraft
from wijkeconomie.ledger.service import post_entry, reverse_entry
from wijkeconomie.purchasing.deposit_accounts import deposit_postings
from wijkeconomie.purchasing.deposit_rules import sold_lines
from wijkeconomie.purchasing.models import Product
from wijkeconomie.purchasing.refusals import DepositTooMuchError
from wijkeconomie.purchasing.stock_models import StockSale


def charge_sale_deposit(
    uow: UnitOfWork, product: Product, member_code: str, sale: StockSale, on: date
) -> None:
    """Charge the deposit of a sale that is being written; nothing where it has none."""
    if not sale.deposit_cents:
        return
    draft = EntryDraft(
        accounting_date=on,
        kind="deposit.sold",
        source=f"stock-deposit/{product.code}/{sale.number}",
        description=f"Deposit on stock of {product.code}, movement {sale.number}",
        idempotency_key=f"stock/{product.id}/{sale.number}/deposit",
        postings=deposit_postings(uow, sold_lines(sale.deposit_cents, member_code)),
    )
    sale.deposit_entry_number = post_entry(uow, draft).number


def turn_back_sale_deposit(uow: UnitOfWork, sale: StockSale, member_code: str, on: date) -> None:
    """Reverse the deposit of a sale; the caller holds its member.

    Raises:
        DepositTooMuchError: the member brought back empties since, and has less left in deposits.
    """
    if sale.deposit_entry_number is None:
        return
    left = -ledger.party_balance(uow.session, uow.tenant, "member_deposits", member_code)
    if sale.deposit_cents > left:
        raise DepositTooMuchError(
            f"{sale.deposit_cents} cents of deposits are turned back, and {left} are left",
            cents=sale.deposit_cents,
            left_cents=left,
        )
    reverse_entry(
        uow,
        sale.deposit_entry_number,
        accounting_date=on,
        idempotency_key=f"stock/{sale.product_id}/{sale.number}/deposit-back",
        description=f"Deposit of movement {sale.number} reversed",
    )
