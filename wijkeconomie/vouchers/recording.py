"""Writing down answers to requests to redeem: their entries, their rows, and codes used up."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from wijkeconomie.core.round_trips import Read, read_together
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.batches import posting
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft, debit
from wijkeconomie.ledger.refusals import as_refusal
from wijkeconomie.ledger.service import ensure_account
from wijkeconomie.vouchers.accounts import tax_of, vat_regime
from wijkeconomie.vouchers.desk import Part, Taken
from wijkeconomie.vouchers.entry_rules import EURO, Line, VatRegime, taken_lines
from wijkeconomie.vouchers.rules import moved_vat


def record_redemptions(uow: UnitOfWork, taken: Collection[Taken]) -> None:
    """Book what was accepted and write all answers, in order.

    Raises:
        ClosedPeriodError, BalanceLimitError: nothing was written.
    """
    if not taken:
        return
    accepted = [each for each in taken if each.answer.is_accepted]
    drafter = _Drafter(uow, accepted)
    drafts = {each.answer.code: drafter.draft(each) for each in accepted}
    posted = [(drafts[each.answer.code], each.asked.identity.actor) for each in accepted]
    try:
        read_together(
            uow.session,
            [*([posting(uow, posted)] if posted else []), _writing(uow, list(taken), drafts)],
        )
    except DBAPIError as error:
        refusal = as_refusal(error, date=min(each.answer.redeemed_on for each in taken).isoformat())
        if refusal is None:
            raise
        raise refusal from error


def single_purpose_vat(parts: Sequence[Part], regime: VatRegime) -> int:
    """The tax that merchants of single-purpose vouchers invoice for what these pay now."""
    if regime == "kor":
        return 0
    return sum(
        moved_vat(part.before, part.before - part.amount, part.voucher.vat_basis_points)
        for part in parts
        if part.voucher.vat_basis_points is not None
    )


class _Drafter:
    """Makes the entries of accepted redemptions; what they share is looked up once."""

    def __init__(self, uow: UnitOfWork, accepted: Sequence[Taken]) -> None:
        self._uow = uow
        parts = [part for each in accepted for part in each.parts]
        is_taxed = any(part.voucher.vat_basis_points is not None for part in parts)
        # Only single-purpose vouchers ask how the cooperative stands to tax.
        self._regime: VatRegime = vat_regime(uow) if is_taxed else "regulier"
        self._codes: dict[tuple[str, str | None, str], str] = {
            ("merchants", each.merchant.code, EURO): each.merchant.account_code
            for each in accepted
            if each.merchant.account_code is not None
        }

    def draft(self, taken: Taken) -> EntryDraft:
        """The entry of one redemption."""
        answer, unit = taken.answer, taken.answer.unit
        vat = single_purpose_vat(taken.parts, self._regime)
        tax = tax_of(unit, None, self._regime, answer.redeemed_on)
        across = taken_lines(answer.merchant_code, answer.amount_minor, vat, tax)
        return EntryDraft(
            accounting_date=answer.redeemed_on,
            kind="voucher.redeemed",
            source=f"redemption/{answer.code}",
            description=f"Redemption {answer.code}",
            idempotency_key=f"redemption/{answer.code}/redeemed",
            postings=(
                *(debit(part.voucher.account_code, part.amount, unit) for part in taken.parts),
                *(PostingDraft(self._code(line, unit), line.amount, unit) for line in across),
            ),
        )

    def _code(self, line: Line, unit: str) -> str:
        key = line.account_key, line.party, unit
        if key not in self._codes:
            self._codes[key] = ensure_account(self._uow, line.account_key, line.party, unit=unit)
        return self._codes[key]


_WRITE = text(
    """
with told as (
  select * from jsonb_to_recordset(cast(:answers as jsonb)) as t (position bigint, code text,
    asked_by text, key text, voucher_id bigint, holder_id bigint, merchant_id bigint, unit text,
    amount bigint, redeemed_on date, refusal text, balance_after bigint, entry_key text,
    payment_code_id bigint)
), answered as (
  insert into voucher_redemption (cooperative_id, code, asked_by, idempotency_key, voucher_id,
    holder_id, merchant_id, unit, amount_minor, redeemed_on, answered_at, refusal,
    balance_after_minor, entry_number)
  select :cooperative_id, t.code, t.asked_by, t.key, t.voucher_id, t.holder_id, t.merchant_id,
    t.unit, t.amount, t.redeemed_on, :now, t.refusal, t.balance_after, entry.number
  from told t
  left join lateral (
    -- "From this key on, the first" names the right index, whatever the statistics say.
    select e.number, e.idempotency_key from journal_entry e
    where e.cooperative_id = :cooperative_id and e.idempotency_key >= t.entry_key
    order by e.idempotency_key limit 1
  ) entry on entry.idempotency_key = t.entry_key
  order by t.position
  returning id, code
), parts as (
  insert into voucher_redemption_line (cooperative_id, redemption_id, voucher_id, amount_minor)
  select :cooperative_id, answered.id, part.voucher_id, part.amount
  from jsonb_to_recordset(cast(:parts as jsonb)) as part (code text, voucher_id bigint,
    amount bigint)
  join answered on answered.code = part.code
)
update payment_code p set redemption_id = answered.id
from told join answered on answered.code = told.code
where p.cooperative_id = :cooperative_id and p.id = told.payment_code_id
"""
)


def _writing(uow: UnitOfWork, taken: Sequence[Taken], drafts: Mapping[str, EntryDraft]) -> Read:
    """To write answers down, each with the entry that its draft became."""
    values = {
        "cooperative_id": uow.tenant,
        "now": uow.now,
        "answers": json.dumps(
            [_told(position, each, drafts) for position, each in enumerate(taken)]
        ),
        "parts": json.dumps(
            [
                {"code": each.answer.code, "voucher_id": part.voucher.id, "amount": part.amount}
                for each in taken
                for part in each.parts
            ]
        ),
    }
    return Read(_WRITE, values, lambda _rows: None)


def _told(position: int, each: Taken, drafts: Mapping[str, EntryDraft]) -> dict[str, object]:
    answer = each.answer
    draft = drafts.get(answer.code)
    return {
        "position": position,
        "code": answer.code,
        "asked_by": each.asked.identity.actor,
        "key": each.asked.command.idempotency_key,
        "voucher_id": each.voucher_id,
        "holder_id": answer.holder_id,
        "merchant_id": each.merchant.id,
        "unit": answer.unit,
        "amount": answer.amount_minor,
        "redeemed_on": answer.redeemed_on.isoformat(),
        "refusal": answer.refusal,
        "balance_after": answer.balance_after_minor,
        "entry_key": draft.idempotency_key if draft is not None else None,
        "payment_code_id": each.payment_code_id,
    }
