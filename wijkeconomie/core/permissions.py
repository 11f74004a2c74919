"""The table of permissions: what each role may do. One table, read by every use case."""

from __future__ import annotations

from collections.abc import Mapping

from wijkeconomie.core.identity import Identity, Role
from wijkeconomie.core.refusals import PermissionDeniedError

_MEMBER = frozenset({Role.MEMBER, Role.COORDINATOR, Role.TREASURER, Role.BOARD, Role.PLATFORM})
_COORDINATOR = frozenset({Role.COORDINATOR, Role.PLATFORM})
_MONEY = frozenset({Role.TREASURER, Role.PLATFORM})
_BOOKS = frozenset({Role.TREASURER, Role.ACCOUNTANT, Role.BOARD, Role.PLATFORM})
_BOARD = frozenset({Role.BOARD, Role.PLATFORM})
_PLATFORM = frozenset({Role.PLATFORM})
_CARE = frozenset({Role.CARE})  # not even the operator: care data is for who is named
_MERCHANT = frozenset({Role.MERCHANT, Role.PLATFORM})

PERMISSIONS: Mapping[str, frozenset[Role]] = {
    # cooperatives
    "cooperative.create": _PLATFORM,
    "cooperative.read": _MEMBER | _BOOKS | _MERCHANT,
    "cooperative.change": _BOARD,
    "member.admit": _BOARD | _COORDINATOR,
    "member.read": _COORDINATOR | _BOOKS,
    "member.change": _BOARD | _COORDINATOR,
    "member.invite": _BOARD | _COORDINATOR,
    "role.grant": _BOARD,
    "credit.read": _COORDINATOR | _BOOKS,
    "credit.change": _MONEY | _BOARD,
    "contribution.charge": _MONEY,
    # purchasing
    "supplier.read": _MEMBER | _BOOKS,
    "supplier.change": _COORDINATOR,
    "product.change": _COORDINATOR,
    "round.read": _MEMBER | _BOOKS,
    "round.read-all-pledges": _COORDINATOR | _BOOKS,
    "round.plan": _COORDINATOR,
    "round.open": _COORDINATOR,
    "round.close": _COORDINATOR,
    "round.order": _COORDINATOR,
    "round.receive": _COORDINATOR,
    "round.settle": _COORDINATOR | _MONEY,
    "round.cancel": _COORDINATOR,
    "round.correct": _COORDINATOR | _MONEY,
    "round.settle-uncharged": _COORDINATOR | _MONEY | _BOARD,
    "round.policy": _COORDINATOR | _MONEY | _BOARD,
    "round.hand-out": _COORDINATOR,
    "pledge.make": _MEMBER,
    "pledge.make-for-others": _COORDINATOR,
    "round.share": _COORDINATOR,
    "stock.read": _COORDINATOR | _BOOKS,
    "stock.change": _COORDINATOR | _MONEY,
    # money
    "ledger.read": _BOOKS,
    "ledger.post": _MONEY,
    "period.close": _MONEY,
    "bank.import": _MONEY,
    "payment.read": _BOOKS,
    "payment.order": _MONEY,
    "statement.read-own": _MEMBER,
    "statement.read-any": _BOOKS,
    # shared costs
    "cost.read": _BOOKS,
    "cost.change": _MONEY,
    "cost.settle": _MONEY,
    # care budgets
    "care.administer": _CARE,
    "care.own": _MEMBER | _CARE,
    "care.money": _MONEY,
    # investments
    "investment.read": _MEMBER | _BOOKS,
    "investment.subscribe": _MEMBER,
    "investment.read-register": _BOOKS,
    "investment.change": _MONEY | _BOARD,
    # vouchers
    "voucher.read": _BOOKS,
    "voucher.change": _MONEY,
    "voucher.issue": _MONEY,
    "voucher.expire": _MONEY,
    "voucher.pay-out": _MONEY,
    "voucher.print": _COORDINATOR | _MONEY,
    "voucher.use": _MEMBER,
    "voucher.redeem": _MERCHANT,
    "voucher.refund": _MERCHANT | _MONEY,
    # carers' grants
    "grant.apply": _MEMBER,
    "grant.apply-for-others": _COORDINATOR,
    "grant.review": _COORDINATOR | _MONEY,
    "grant.read": _COORDINATOR | _BOOKS,
    "grant.change": _MONEY,
    # operation
    "job.read": _COORDINATOR | _BOOKS,
    "city.import": _PLATFORM,
    "city.export": _PLATFORM,
}


def may(identity: Identity, permission: str) -> bool:
    """Whether one of the identity's roles carries ``permission``; an unknown name is a bug."""
    return not identity.roles.isdisjoint(PERMISSIONS[permission])


def require_permission(identity: Identity, permission: str) -> None:
    """Refuse unless one of the identity's roles carries ``permission``.

    Raises:
        PermissionDeniedError: names the permission and the roles that have it.
    """
    if not may(identity, permission):
        roles = ", ".join(sorted(PERMISSIONS[permission] - _PLATFORM)) or Role.PLATFORM
        raise PermissionDeniedError(
            f"{permission} takes one of these roles: {roles}",
            permission=permission,
            roles=roles,
        )
