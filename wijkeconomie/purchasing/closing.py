"""Closing a round: the price each ladder comes to, whole packs, and who falls out.

The choice is ``money.ladders``; here it is read from the pledges and written to them, set by
set, in the transaction that closes the round and under its lock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.money.ladders import RungOutcome
from wijkeconomie.money.ordering import share_extra, share_order
from wijkeconomie.money.quantities import ShortageRule
from wijkeconomie.purchasing.covering import uncovered_pledges
from wijkeconomie.purchasing.ladder_queries import ProductLadder, closing_record, round_ladders
from wijkeconomie.purchasing.models import Dropout, PurchaseRound
from wijkeconomie.purchasing.turn_rules import deliver_in_turn, parts_of

_PRICES = text(
    """
update round_product o set price_excl_cents = chosen.price, closing = chosen.closing
from jsonb_to_recordset(cast(:chosen as jsonb)) as chosen (id bigint, price bigint, closing jsonb)
where o.cooperative_id = :cooperative_id and o.id = chosen.id
"""
)
_DROP = """
with gone as (
  update pledge x
  set withdrawn_at = :at, changed_at = :at, version = version + 1, dropout = :dropout
  {which}
  returning x.id, x.member_id, x.quantity
), told as (
  insert into audit_record
    (cooperative_id, recorded_at, actor, subject, action, before, after, reason)
  select :cooperative_id, :now, :actor, 'pledge/' || id, 'dropped',
    jsonb_build_object('quantity', quantity), jsonb_build_object('quantity', 0), :dropout
  from gone
)
select distinct member_id from gone
"""
# The prices go along: by a count of products from before a round was planned, the database
# would look through all pledges once for each product.
_DROP_BY_PRICE = text(
    _DROP.format(
        which="from unnest(cast(:ids as bigint[]), cast(:prices as bigint[])) as o (id, price)"
        " where x.cooperative_id = :cooperative_id and x.round_id = :round_id"
        " and x.withdrawn_at is null and o.id = x.round_product_id"
        " and x.max_price_excl_cents is not null and x.max_price_excl_cents < o.price"
    )
)
_DROP_PRODUCTS = text(
    _DROP.format(
        which="where x.cooperative_id = :cooperative_id and x.round_id = :round_id"
        " and x.withdrawn_at is null and x.round_product_id = any(cast(:ids as bigint[]))"
    )
)
_DROP_PLEDGES = text(
    _DROP.format(
        which="where x.cooperative_id = :cooperative_id and x.id = any(cast(:ids as bigint[]))"
        " and x.round_id = :round_id and x.withdrawn_at is null"
    )
)
# Codes are compared byte by byte, so that every installation breaks ties alike.
_PLEDGES = {
    "pro_rata": 'code collate "C"',
    "first_pledged": 'pledged_at, code collate "C"',
}
_TURNS = {"pro_rata": "", "first_pledged": ", pledged_at, later_at, later_quantities"}
# Sharing by hand is for what came: what is ordered has to be shared by a rule.
_RULES: dict[str, ShortageRule] = {"first_pledged": "first_pledged"}
_ALLOTTED = text(
    """
update pledge x set allotted_quantity = allotted.quantity
from unnest(cast(:ids as bigint[]), cast(:quantities as bigint[])) as allotted (id, quantity)
where x.cooperative_id = :cooperative_id and x.id = allotted.id
returning x.member_id
"""
)


def fix_outcome(
    uow: UnitOfWork, found: PurchaseRound, at: datetime, *, checks_credit: bool
) -> list[int]:
    """Fix the prices and quantities of a round that the caller holds and is closing.

    Every product gets the lowest price of its ladder that is earned by those who accept it;
    who does not accept it falls out. Where the supplier sells whole packs or a minimum, the
    pledges are made to fit: tolerance is used evenly, a rest that fills no pack is shared by
    the round's shortage rule. The same pledges always come to the same outcome.

    Where the cooperative limits credit, pledges that an account does not cover any more fall
    out too, a member's newest first. That may cost a rung, and a higher price may cost others
    theirs: it goes on until nobody else falls out. Prices only rise on the way, so nobody falls
    out for a price that is not reached.

    Args:
        checks_credit: not for the past, which has happened.

    Returns:
        The members of whom a pledge fell out or became another quantity, in order of their ids.
    """
    uow.session.flush()
    closing = _Closing(uow, found, at)
    touched: set[int] = set()
    while True:
        ladders = round_ladders(uow.session, uow.tenant, found.id, is_open=True)
        chosen = [each for each in ladders if each.has_choice]
        if chosen:
            closing.write_prices(chosen)
        uncovered = uncovered_pledges(uow, found) if checks_credit else []
        if not uncovered:
            break
        touched |= closing.drop(_DROP_PLEDGES, Dropout.CREDIT, uncovered)
    if chosen:
        touched |= closing.drop_by_price(ladders)
        touched |= closing.fill_packs(chosen)
    # What was read before the pledges were changed set by set is read again.
    uow.session.expire_all()
    return sorted(touched)


class _Closing:
    """The writes of one closing: each a statement over many pledges."""

    def __init__(self, uow: UnitOfWork, found: PurchaseRound, at: datetime) -> None:
        self._session = uow.session
        self._rule: ShortageRule = _RULES.get(found.shortage_rule, "pro_rata")
        self._key = {"cooperative_id": uow.tenant, "round_id": found.id}
        self._audit = {"at": at, "now": uow.now, "actor": uow.actor}

    def write_prices(self, chosen: Sequence[ProductLadder]) -> None:
        """Write the price that was reached and how, product by product."""
        rows = [
            {
                "id": each.round_product_id,
                "price": each.outcome.reached.rung.price_cents,
                "closing": closing_record(each.outcome),
            }
            for each in chosen
        ]
        self._session.execute(_PRICES, self._key | {"chosen": json.dumps(rows)})

    def drop(self, statement: object, reason: Dropout, ids: Sequence[int] = ()) -> set[int]:
        """Let pledges fall out, with a line in the audit trail for each; their members."""
        values = self._key | self._audit | {"dropout": reason.value, "ids": list(ids)}
        return set(self._session.scalars(statement, values))  # type: ignore[call-overload]

    def drop_by_price(self, ladders: Sequence[ProductLadder]) -> set[int]:
        """Let fall out who named a lower price than the one that was reached."""
        values = self._key | self._audit | {"dropout": Dropout.PRICE.value}
        values["ids"] = array_text(each.round_product_id for each in ladders)
        values["prices"] = array_text(each.outcome.reached.rung.price_cents for each in ladders)
        return set(self._session.scalars(_DROP_BY_PRICE, values))

    def fill_packs(self, chosen: Sequence[ProductLadder]) -> set[int]:
        """Make the pledges of each product sum to what can be ordered of it; whose are touched."""
        nothing: dict[Dropout, list[int]] = {Dropout.MINIMUM: [], Dropout.PACKS: []}
        uneven: dict[int, RungOutcome] = {}
        for each in chosen:
            reached = each.outcome.reached
            if not reached.ordered and reached.wanted:
                is_little = reached.wanted + reached.tolerance < each.terms.minimum
                reason = Dropout.MINIMUM if is_little else Dropout.PACKS
                nothing[reason].append(each.round_product_id)
            elif reached.ordered != reached.wanted:
                uneven[each.round_product_id] = reached
        dropped: set[int] = set()
        for reason, products in nothing.items():
            if products:
                dropped |= self.drop(_DROP_PRODUCTS, reason, products)
        return dropped | self._allot(uneven) if uneven else dropped

    def _allot(self, uneven: dict[int, RungOutcome]) -> set[int]:
        # What is ordered beyond the wanted goes to who tolerates it; others are not read.
        short = [key for key, each in uneven.items() if each.ordered < each.wanted]
        rows = self._session.execute(
            text(
                f"select round_product_id, id, quantity, tolerance{_TURNS[self._rule]} from pledge"
                " where cooperative_id = :cooperative_id and round_id = :round_id"
                " and withdrawn_at is null and round_product_id = any(cast(:ids as bigint[]))"
                " and (tolerance > 0 or round_product_id = any(cast(:short as bigint[])))"
                f" order by round_product_id, {_PLEDGES[self._rule]}"
            ),
            self._key | {"ids": list(uneven), "short": short},
        )
        pledges: dict[int, list[tuple[Any, ...]]] = {}
        for product, *pledge in rows:
            pledges.setdefault(product, []).append(tuple(pledge))
        changed: list[tuple[int, int]] = []
        empty: list[int] = []
        for product, lines in pledges.items():
            ids, wanted, tolerances, *turns = zip(*lines, strict=True)
            reached = uneven[product]
            if reached.ordered > reached.wanted:
                more = share_extra(reached.ordered - reached.wanted, tolerances)
                shared = [want + add for want, add in zip(wanted, more, strict=True)]
            elif turns:
                shared = deliver_in_turn(reached.ordered, _parts(wanted, *turns))
            else:
                shared = share_order(reached.ordered, wanted, tolerances, "pro_rata")
            for pledge_id, quantity, units in zip(ids, wanted, shared, strict=True):
                if not units:
                    empty.append(pledge_id)
                elif units != quantity:
                    changed.append((pledge_id, units))
        touched = self._session.scalars(
            _ALLOTTED,
            self._key
            | {
                "ids": array_text(row[0] for row in changed),
                "quantities": array_text(row[1] for row in changed),
            },
        ).all()
        return {*touched, *(self.drop(_DROP_PLEDGES, Dropout.PACKS, empty) if empty else ())}


def _parts(
    wanted: Sequence[int],
    first: Sequence[datetime],
    later_at: Sequence[Sequence[datetime]],
    later_units: Sequence[Sequence[int]],
) -> list[list[tuple[datetime, int]]]:
    return [
        parts_of(quantity, moment, list(zip(moments, units, strict=True)))
        for quantity, moment, moments, units in zip(
            wanted, first, later_at, later_units, strict=True
        )
    ]
