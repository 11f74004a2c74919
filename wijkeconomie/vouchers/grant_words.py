"""Steps, ways of paying and reasons of carers' grants in the words of a page."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

from wijkeconomie.vouchers.grant_models import GrantPayout, GrantRefusal, GrantState
from wijkeconomie.vouchers.grant_rules import BudgetRule

_STATES: dict[str, Any] = {
    GrantState.PLANNED: lazy_gettext("planned"),
    GrantState.OPEN: lazy_gettext("open: carers can apply"),
    GrantState.CLOSED: lazy_gettext("closed: to be decided"),
    GrantState.DECIDED: lazy_gettext("decided: to be paid"),
    GrantState.PAID: lazy_gettext("paid: to be accounted for"),
    GrantState.ACCOUNTED: lazy_gettext("accounted for"),
}
_PAYOUTS: dict[str, Any] = {
    GrantPayout.VOUCHER: lazy_gettext("as a voucher in the wallet"),
    GrantPayout.ACCOUNT: lazy_gettext("on the account with the cooperative"),
    GrantPayout.BANK: lazy_gettext("on the bank account"),
}
_OUTCOMES: dict[str, Any] = {
    "granted": lazy_gettext("granted"),
    "applied": lazy_gettext("waits for a decision"),
    GrantRefusal.NO_CARER: lazy_gettext("refused: is no carer as the municipality means it"),
    GrantRefusal.LIVES_ELSEWHERE: lazy_gettext("refused: lives in another municipality"),
    GrantRefusal.MISTAKE: lazy_gettext("refused: applied by mistake"),
    GrantRefusal.BUDGET_SPENT: lazy_gettext("refused: the budget is spent"),
}
_RULES: dict[str, Any] = {
    BudgetRule.PRO_RATA: lazy_gettext("everyone gets less, in proportion"),
    BudgetRule.FIRST_COME: lazy_gettext("who applies first is served first"),
}


def grant_state_words(state: str) -> str:
    """How far a round is."""
    return str(_STATES[state])


def payout_words(payout: str) -> str:
    """How a carer is paid."""
    return str(_PAYOUTS[payout])


def outcome_words(outcome: str) -> str:
    """What became of an application."""
    return str(_OUTCOMES[outcome])


def budget_rule_words(rule: str) -> str:
    """What happens when the budget is short."""
    return str(_RULES[rule])


def rule_choices() -> list[tuple[str, str]]:
    """The rules that a form offers."""
    return [(rule, str(words)) for rule, words in _RULES.items()]


def reason_choices() -> list[tuple[str, str]]:
    """The reasons that who reviews can give."""
    return [
        (reason.value, outcome_words(reason))
        for reason in GrantRefusal
        if reason is not GrantRefusal.BUDGET_SPENT
    ]
