"""Where requests to redeem are decided: what they meet, and what each changes for the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from wijkeconomie.core.identity import Identity
from wijkeconomie.core.permissions import may, require_permission
from wijkeconomie.core.refusals import (
    IdempotencyKeyReusedError,
    InvalidInputError,
    PermissionDeniedError,
)
from wijkeconomie.core.round_trips import read_together
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.ledger.batches import hold_books
from wijkeconomie.money.periods import LOCAL_TIME, local_date
from wijkeconomie.vouchers.answers import Answer, Asked, Redeem, code_hash
from wijkeconomie.vouchers.codes import require_own_cooperative
from wijkeconomie.vouchers.issuing import new_code
from wijkeconomie.vouchers.purses import (
    Answered,
    Holding,
    KnownCode,
    Till,
    holdings_by_id,
    known_codes,
    merchants_of_login,
    read_answers,
    read_holdings,
    read_tills,
    wallets,
)
from wijkeconomie.vouchers.refusals import (
    MerchantNotAcceptedError,
    PaymentCodeExpiredError,
    PaymentCodeLimitError,
    PaymentCodeUsedError,
    UnknownVoucherError,
    VoucherNotUsableYetError,
)
from wijkeconomie.vouchers.rules import Decision, Purse, Refusal, decide


@dataclass(frozen=True, slots=True)
class Part:
    """What one voucher pays, and what it held before."""

    voucher: Holding
    amount: int

    @property
    def before(self) -> int:
        return self.voucher.balance


@dataclass(frozen=True, slots=True)
class Taken:
    """A new answer with what it takes to write it down."""

    answer: Answer
    asked: Asked
    merchant: Till
    voucher_id: int | None
    payment_code_id: int | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What may pay: one voucher that was named, or a member's wallet; and by which code."""

    holdings: Sequence[Holding]
    holder_id: int
    unit: str
    named: Holding | None = None
    code: KnownCode | None = None


@dataclass(slots=True)
class Desk:
    """The requests of one transaction. It holds the books and reads for all of them at once."""

    uow: UnitOfWork
    asked: Sequence[Asked]
    taken: dict[tuple[str, str], Taken] = field(init=False, default_factory=dict)
    _earlier: dict[tuple[str, str], Answered] = field(init=False)
    _merchants: dict[str, Till] = field(init=False)
    _codes: dict[str, KnownCode] = field(init=False)
    _vouchers: dict[int, Holding] = field(init=False)
    _by_code: dict[str, int] = field(init=False)
    _by_holder: dict[int, list[int]] = field(init=False)
    _used_codes: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        session, tenant = self.uow.session, self.uow.tenant
        commands = [each.command for each in self.asked]
        _, self._earlier, self._merchants, named = read_together(
            session,
            [
                hold_books(tenant),
                read_answers(tenant, [each.key for each in self.asked]),
                read_tills(tenant, [each.merchant_code for each in commands]),
                read_holdings(tenant, [c.voucher_code for c in commands if c.voucher_code]),
            ],
        )
        self._by_code = {code: holding.id for code, holding in named.items()}
        self._vouchers = {holding.id: holding for holding in named.values()}
        hashes = [code_hash(tenant, c.payment_code) for c in commands if c.payment_code]
        self._codes = known_codes(session, tenant, hashes) if hashes else {}
        self._read_wallets(commands)

    def _read_wallets(self, commands: Sequence[Redeem]) -> None:
        session, tenant = self.uow.session, self.uow.tenant
        if single := {code.voucher_id for code in self._codes.values() if code.voucher_id}:
            self._vouchers |= holdings_by_id(session, tenant, single)
        holders = {c.holder_id for c in commands if c.holder_id is not None}
        holders |= {code.holder_id for code in self._codes.values() if code.voucher_id is None}
        self._by_holder = {}
        if holders:
            for holder_id, holdings in wallets(session, tenant, holders).items():
                self._by_holder[holder_id] = [holding.id for holding in holdings]
                self._vouchers |= {holding.id: holding for holding in holdings}

    def answer(self, asked: Asked) -> Answer:
        """The answer to one request; what it changes the next one meets.

        Raises:
            DomainError: see ``redeeming.redeem``; nothing was changed.
        """
        command = asked.command
        if (taken := self.taken.get(asked.key)) is not None:
            return _again(taken.answer, is_same=taken.asked.command == command, command=command)
        if (earlier := self._earlier.get(asked.key)) is not None:
            is_same = self._is_same(earlier, command)
            return _again(_as_answer(earlier), is_same=is_same, command=command)
        if command.amount_minor <= 0:
            raise InvalidInputError("pay something", field="amount")
        on = command.on or local_date(self.uow.now, LOCAL_TIME)
        chosen = self._chosen(asked)
        merchant = self._merchant(command.merchant_code, on)
        purses = [
            Purse(h.id, h.balance, h.usable_from, h.expires_on, _accepts(h, merchant))
            for h in chosen.holdings
        ]
        decision = decide(purses, command.amount_minor, on)
        _require_recordable(decision, chosen, merchant)
        return self._take(asked, chosen, merchant, decision, on)

    def _take(
        self, asked: Asked, chosen: _Chosen, merchant: Till, decision: Decision, on: date
    ) -> Answer:
        command, refusal = asked.command, decision.refusal
        held = chosen.named.balance if chosen.named else decision.available
        answer = Answer(
            code=command.code or f"R{new_code()}",
            merchant_code=merchant.code,
            merchant_name=merchant.name,
            voucher_code=chosen.named.code if chosen.named else None,
            holder_id=chosen.holder_id,
            unit=chosen.unit,
            amount_minor=command.amount_minor,
            redeemed_on=on,
            refusal=refusal.value if refusal else None,
            balance_after_minor=held if refusal else held - command.amount_minor,
        )
        parts = tuple(Part(self._vouchers[draw.number], draw.amount) for draw in decision.draws)
        for part in parts:
            left = replace(part.voucher, balance=part.before - part.amount)
            self._vouchers[left.id] = left
        shown = chosen.code.id if chosen.code else None
        if shown is not None and answer.is_accepted:
            self._used_codes.add(shown)
        self.taken[asked.key] = Taken(
            answer, asked, merchant, chosen.named.id if chosen.named else None, shown, parts
        )
        return answer

    def _is_same(self, earlier: Answered, command: Redeem) -> bool:
        """Whether a request says what the earlier one with its key said."""
        shown = None
        if command.payment_code:
            shown = self._codes.get(code_hash(self.uow.tenant, command.payment_code))
            if shown is None:
                return False
        is_wallet = shown is None and command.voucher_code is None
        return (
            (earlier.merchant_code, earlier.amount_minor)
            == (command.merchant_code, command.amount_minor)
            and earlier.payment_code_id == (shown.id if shown else None)
            and earlier.voucher_code == command.voucher_code
            # A code and a voucher have a unit; of a wallet it is said.
            and (earlier.unit == command.unit or not is_wallet)
            and (command.on or earlier.redeemed_on) == earlier.redeemed_on
            and (command.holder_id or earlier.holder_id) == earlier.holder_id
        )

    def _chosen(self, asked: Asked) -> _Chosen:
        command, identity = asked.command, asked.identity
        if command.payment_code:
            self._require_till(identity, command.merchant_code)
            code = self._payment_code(command)
            held = (
                self._wallet(code.holder_id, code.unit)
                if code.voucher_id is None
                else [self._vouchers[code.voucher_id]]
            )
            return _Chosen(held, code.holder_id, code.unit, code=code)
        if command.voucher_code:
            if command.voucher_code not in self._by_code:
                voucher = command.voucher_code
                require_own_cooperative(self.uow, voucher)
                raise UnknownVoucherError(f"there is no voucher {voucher}", voucher=voucher)
            holding = self._vouchers[self._by_code[command.voucher_code]]
            _require_own(identity, holding.holder_id)
            return _Chosen([holding], holding.holder_id, holding.unit, named=holding)
        if command.holder_id is None:
            raise InvalidInputError("say what pays", field="payment_code")
        _require_own(identity, command.holder_id)
        held = self._wallet(command.holder_id, command.unit)
        return _Chosen(held, command.holder_id, command.unit)

    def _wallet(self, holder_id: int, unit: str) -> list[Holding]:
        held = [self._vouchers[id_] for id_ in self._by_holder.get(holder_id, [])]
        return [holding for holding in held if holding.unit == unit and holding.balance]

    def _payment_code(self, command: Redeem) -> KnownCode:
        given = command.payment_code or ""
        require_own_cooperative(self.uow, given)
        code = self._codes.get(code_hash(self.uow.tenant, given))
        if code is None:
            raise UnknownVoucherError("there is no such payment code")
        is_used = code.redemption_id is not None or code.id in self._used_codes
        if code.is_withdrawn or is_used:
            raise PaymentCodeUsedError("this code was used or withdrawn")
        if code.valid_until < self.uow.now:
            raise PaymentCodeExpiredError("this code is too old")
        if command.amount_minor > code.maximum_minor:
            raise PaymentCodeLimitError(
                f"the code is for {code.maximum_minor} at most", maximum_cents=code.maximum_minor
            )
        return code

    def _require_till(self, identity: Identity, merchant_code: str) -> None:
        require_permission(identity, "voucher.redeem")
        if identity.login_id is None or identity.is_platform:
            return
        own = merchants_of_login(self.uow.session, self.uow.tenant, identity.login_id)
        if merchant_code not in {till.code for till in own}:
            raise PermissionDeniedError(
                "only who works at the till of this merchant",
                permission="voucher.redeem",
                roles="merchant",
            )

    def _merchant(self, code: str, on: date) -> Till:
        merchant = self._merchants.get(code)
        if merchant is None or (merchant.stopped_on is not None and merchant.stopped_on <= on):
            raise MerchantNotAcceptedError(
                f"merchant {code} accepts no vouchers here", merchant=code
            )
        return merchant


def _accepts(holding: Holding, merchant: Till) -> bool:
    return not holding.only_at or merchant.id in holding.only_at


def _require_own(identity: Identity, holder_id: int) -> None:
    """Without a payment code only the member himself pays, or who keeps the books for him."""
    if may(identity, "voucher.change"):
        return
    require_permission(identity, "voucher.use")
    if identity.member_id != holder_id:
        raise PermissionDeniedError(
            "pay with your own vouchers, or by a payment code",
            permission="voucher.change",
            roles="treasurer",
        )


def _require_recordable(decision: Decision, chosen: _Chosen, merchant: Till) -> None:
    if decision.refusal is Refusal.MERCHANT_NOT_ACCEPTED:
        raise MerchantNotAcceptedError(
            f"these vouchers are not for merchant {merchant.code}", merchant=merchant.code
        )
    if decision.refusal is Refusal.NOT_USABLE_YET:
        first = min(holding.usable_from for holding in chosen.holdings)
        raise VoucherNotUsableYetError(f"usable from {first.isoformat()}", date=first.isoformat())


def _as_answer(earlier: Answered) -> Answer:
    return Answer(
        code=earlier.code,
        merchant_code=earlier.merchant_code,
        merchant_name=earlier.merchant_name,
        voucher_code=earlier.voucher_code,
        holder_id=earlier.holder_id,
        unit=earlier.unit,
        amount_minor=earlier.amount_minor,
        redeemed_on=earlier.redeemed_on,
        refusal=earlier.refusal,
        balance_after_minor=earlier.balance_after_minor,
    )


def _again(earlier: Answer, *, is_same: bool, command: Redeem) -> Answer:
    if not is_same:
        raise IdempotencyKeyReusedError(
            "send a new key with a changed request", key=command.idempotency_key
        )
    return replace(earlier, is_replay=True)
