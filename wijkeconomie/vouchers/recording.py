"""Writing down answers to requests to redeem: their entries, their rows, and codes used up."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import text

from wijkeconomie.core.arrays import array_text
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.batches import post_entries
from wijkeconomie.ledger.drafts import EntryDraft, PostingDraft, debit
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
    actors = [each.asked.identity.actor for each in accepted]
    numbers = post_entries(uow, list(drafts.values()), actors=actors)
    entries = {code: numbers[draft.idempotency_key] for code, draft in drafts.items()}
    _write(uow, list(taken), entries)


def single_purpose_vat(parts: Sequence[Part], regime: VatRegime) -> int:
    """The tax that merchants of single-purpose vouchers invoice for what these pay now."""
    if regime == "kor":
        return 0
    return sum(
        moved_vat(part.before, part.before - part.amount, part.voucher.vat_basis_points)
        for part in parts
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


# The arrays come through sub-selects, which hide their length: one plan serves all.
_WRITE = text(
    """
with answered as (
  insert into voucher_redemption (cooperative_id, code, asked_by, idempotency_key, voucher_id,
    holder_id, merchant_id, unit, amount_minor, redeemed_on, answered_at, refusal,
    balance_after_minor, entry_number)
  select :cooperative_id, code, asked_by, idempotency_key, voucher_id, holder_id, merchant_id,
    unit, amount_minor, redeemed_on, :now, refusal, balance_after_minor, entry_number
  from unnest((select cast(:codes as text[])), (select cast(:actors as text[])),
    (select cast(:keys as text[])), (select cast(:vouchers as bigint[])),
    (select cast(:holders as bigint[])), (select cast(:merchants as bigint[])),
    (select cast(:units as text[])), (select cast(:amounts as bigint[])),
    (select cast(:days as date[])), (select cast(:refusals as text[])),
    (select cast(:balances as bigint[])), (select cast(:entries as bigint[])))
    with ordinality as r (code, asked_by, idempotency_key, voucher_id, holder_id, merchant_id,
    unit, amount_minor, redeemed_on, refusal, balance_after_minor, entry_number, position)
  order by position
  returning id, code
), parts as (
  insert into voucher_redemption_line (cooperative_id, redemption_id, voucher_id, amount_minor)
  select :cooperative_id, answered.id, part.voucher_id, part.amount
  from unnest((select cast(:part_codes as text[])), (select cast(:part_vouchers as bigint[])),
    (select cast(:part_amounts as bigint[]))) as part (code, voucher_id, amount)
  join answered on answered.code = part.code
)
update payment_code p set redemption_id = answered.id
from unnest((select cast(:used_codes as text[])), (select cast(:used_ids as bigint[])))
  as used (code, id)
join answered on answered.code = used.code
where p.cooperative_id = :cooperative_id and p.id = used.id
"""
)


def _write(uow: UnitOfWork, taken: Sequence[Taken], entries: dict[str, int]) -> None:
    answers = [each.answer for each in taken]
    parts = [(each.answer.code, part) for each in taken for part in each.parts]
    used = [each for each in taken if each.payment_code_id is not None]
    uow.session.execute(
        _WRITE,
        {
            "cooperative_id": uow.tenant,
            "now": uow.now,
            "codes": [answer.code for answer in answers],
            "actors": [each.asked.identity.actor for each in taken],
            "keys": [each.asked.command.idempotency_key for each in taken],
            "vouchers": array_text(each.voucher_id for each in taken),
            "holders": array_text(answer.holder_id for answer in answers),
            "merchants": array_text(each.merchant.id for each in taken),
            "units": [answer.unit for answer in answers],
            "amounts": array_text(answer.amount_minor for answer in answers),
            "days": array_text(answer.redeemed_on for answer in answers),
            "refusals": [answer.refusal for answer in answers],
            "balances": array_text(answer.balance_after_minor for answer in answers),
            "entries": array_text(entries.get(answer.code) for answer in answers),
            "part_codes": [code for code, _ in parts],
            "part_vouchers": array_text(part.voucher.id for _, part in parts),
            "part_amounts": array_text(part.amount for _, part in parts),
            "used_codes": [each.answer.code for each in used],
            "used_ids": array_text(each.payment_code_id for each in used),
        },
    )
