"""The file of a payout run: a customer credit transfer, pain.001.001.09 of ISO 20022.

The same run gives the same bytes, whenever it is asked for: a bank refuses a file that it has had.
"""

from __future__ import annotations

from datetime import UTC
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from wijkeconomie.money.amounts import format_plain
from wijkeconomie.payments.order_queries import OrderView, RunView
from wijkeconomie.payments.sepa_text import sepa_text

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
NAME_LENGTH = 70
PURPOSE_LENGTH = 140


def payment_file(run: RunView, orders: list[OrderView], *, payer: str) -> bytes:
    """All payments of a run, booked by the bank as one sum with the code of the run.

    Args:
        payer: the full name of the cooperative.

    Raises:
        ValueError: a name or an account was erased, so the bank has paid.
    """
    document = Element("Document", {"xmlns": NAMESPACE})
    root = SubElement(document, "CstmrCdtTrfInitn")
    header = SubElement(root, "GrpHdr")
    total = sum(order.cents for order in orders)
    _put(header, "MsgId", run.code)
    _put(header, "CreDtTm", f"{run.made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z")
    _put(header, "NbOfTxs", str(len(orders)))
    _put(header, "CtrlSum", format_plain(total))
    _put(header, "InitgPty/Nm", sepa_text(payer, NAME_LENGTH))
    batch = SubElement(root, "PmtInf")
    _put(batch, "PmtInfId", run.code)
    _put(batch, "PmtMtd", "TRF")
    _put(batch, "BtchBookg", "true")
    _put(batch, "NbOfTxs", str(len(orders)))
    _put(batch, "CtrlSum", format_plain(total))
    _put(batch, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _put(batch, "ReqdExctnDt/Dt", run.execute_on.isoformat())
    _put(batch, "Dbtr/Nm", sepa_text(payer, NAME_LENGTH))
    _put(batch, "DbtrAcct/Id/IBAN", run.debtor_iban)
    # Within the SEPA the bank is known by the account.
    _put(batch, "DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
    _put(batch, "ChrgBr", "SLEV")
    for order in orders:
        _transfer(batch, order)
    indent(document)
    content: bytes = tostring(document, encoding="UTF-8", xml_declaration=True)
    return content + b"\n"


def _transfer(batch: Element, order: OrderView) -> None:
    if order.name is None or order.iban is None:
        raise ValueError(f"payment {order.end_to_end_id} was erased")
    transfer = SubElement(batch, "CdtTrfTxInf")
    _put(transfer, "PmtId/EndToEndId", order.end_to_end_id)
    _put(transfer, "Amt/InstdAmt", format_plain(order.cents)).set("Ccy", "EUR")
    _put(transfer, "Cdtr/Nm", sepa_text(order.name, NAME_LENGTH))
    _put(transfer, "CdtrAcct/Id/IBAN", order.iban)
    _put(transfer, "RmtInf/Ustrd", sepa_text(order.purpose, PURPOSE_LENGTH))


def _put(parent: Element, path: str, value: str) -> Element:
    """Write a value below a parent, with the elements that lead to it."""
    for name in path.split("/"):
        parent = SubElement(parent, name)
    parent.text = value
    return parent
