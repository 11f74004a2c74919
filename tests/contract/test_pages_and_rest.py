"""What a page of costs, vouchers, care budgets, investments or payouts can do, REST can do."""

from __future__ import annotations

from flask import Flask

API = "/api/v1/cooperatives/<cooperative_code>"
PARTS = {"costs", "vouchers", "budgets", "investments", "payments"}
BY_REST = {
    "costs.new_cost": ("POST /costs", "POST /recurring-costs"),
    "costs.stop": ("POST /costs/<code>/stop",),
    "costs.correct": ("POST /costs/<code>/correction-preview",),
    "costs.book_correction": ("POST /costs/<code>/correct",),
    "costs.recurring": ("PUT /recurring-costs/<code>/terms",),
    "costs.stop_recurring": ("POST /recurring-costs/<code>/stop",),
    "costs.new_key": ("POST /allocation-keys",),
    "costs.decide": ("PUT /allocation-keys/<code>/versions/<int:number>/decision",),
    "costs.add_meter": ("POST /meters",),
    "costs.read_meters": ("POST /meters/<int:meter_id>/readings",),
    "costs.end": ("POST /meters/<int:meter_id>/end",),
    "costs.keep_draft": ("PUT /cost-months/<month>/draft",),
    "costs.throw_draft_away": ("DELETE /cost-months/<month>/draft",),
    "costs.settle": ("POST /cost-months/<month>/settle",),
    "costs.publish": ("PUT /settlement-runs/<int:run_id>/publish",),
    "costs.new_subsidy": ("POST /subsidies",),
    "costs.move_subsidy": ("POST /subsidies/<subsidy_code>/movements",),
    "costs.account_for": ("POST /subsidies/<subsidy_code>/accounting",),
    "vouchers.make_code": ("POST /payment-codes",),
    "vouchers.send": ("POST /voucher-transfers",),
    "vouchers.pay_shop": ("POST /redemptions",),
    "vouchers.show": ("POST /redemptions",),
    "vouchers.give_back": ("POST /redemptions/<payment_code>/refunds",),
    "vouchers.paper": ("POST /vouchers/<voucher_code>/paper-codes",),
    "vouchers.issue": ("POST /vouchers",),
    "vouchers.new_kind": ("POST /voucher-kinds",),
    "vouchers.buy": ("POST /voucher-orders",),
    "vouchers.give_up": ("DELETE /voucher-orders/<order_code>",),
    "vouchers.kind_page": ("PUT /voucher-kinds/<kind_code>",),
    "vouchers.withdraw_whole": ("POST /vouchers/<voucher_code>/withdrawal",),
    "vouchers.new_fund": ("PUT /voucher-funds/<fund_code>",),
    "vouchers.set_apart": ("POST /voucher-cover",),
    "vouchers.new_merchant": ("POST /merchants",),
    "vouchers.merchant_page": ("PUT /merchants/<merchant_code>",),
    "vouchers.merchant_fee": ("POST /merchants/<merchant_code>/fees",),
    "vouchers.merchant_stop": ("POST /merchants/<merchant_code>/stop",),
    "vouchers.merchant_accepts": ("POST /merchants/<merchant_code>/accept-again",),
    "vouchers.pay_merchant": ("POST /merchants/<merchant_code>/payouts",),
    "vouchers.apply": ("POST /grant-rounds/<round_code>/applications",),
    "vouchers.withdraw": ("DELETE /grant-applications/<int:application_id>",),
    "vouchers.new_grant_round": ("POST /grant-rounds",),
    "vouchers.refuse_grant": ("POST /grant-applications/<int:application_id>/refuse",),
    "vouchers.decide_grants": ("POST /grant-rounds/<round_code>/decide",),
    "vouchers.pay_grant_round": ("POST /grant-rounds/<round_code>/pay",),
    "vouchers.account_for_grants": ("POST /grant-rounds/<round_code>/account",),
    "vouchers.move_grant_money": (
        "POST /grant-rounds/<round_code>/received",
        "POST /grant-rounds/<round_code>/repaid",
    ),
    "budgets.new_budget": ("POST /care-budgets",),
    "budgets.revise": ("POST /care-budgets/<int:budget_id>/revise",),
    "budgets.payer": ("POST /care-budgets/<int:budget_id>/payer",),
    "budgets.new_agreement": ("POST /care-budgets/<int:budget_id>/agreements",),
    "budgets.change_agreement": tuple(
        f"POST /care-agreements/<int:agreement_id>/{step}"
        for step in ("decide", "end", "fence", "name-carer")
    ),
    "budgets.declare_for": ("POST /care-declarations",),
    "budgets.decide_declaration": tuple(
        f"POST /care-declarations/<int:declaration_id>/{step}"
        for step in ("approve", "reject", "turn_back")
    ),
    "budgets.declare_hours": ("POST /care-declarations",),
    "budgets.take_back": ("POST /care-declarations/<int:declaration_id>/withdraw",),
    "budgets.correct": ("POST /care-declarations/<int:declaration_id>/corrections",),
    "budgets.new_list": ("POST /care-lists",),
    "budgets.shared_hours": ("POST /care-shared-hours",),
    "budgets.money": ("POST /care-money",),
    "budgets.approve_mine": ("POST /care-declarations/<int:declaration_id>/approve",),
    "budgets.reject_mine": ("POST /care-declarations/<int:declaration_id>/reject",),
    "payments.new_run": ("POST /payout-runs",),
    "payments.settle": ("POST /payout-runs/<code>/settle",),
    "payments.call_off_run": ("POST /payout-runs/<code>/call-off",),
    "payments.returned": ("POST /payout-runs/<code>/returned",),
    "payments.voucher_account": ("PUT /voucher-bank-account",),
    "investments.new_project": ("POST /projects",),
    "investments.transfers": ("POST /projects/<code>/transfers",),
    "investments.decide_transfer": tuple(
        f"POST /unit-transfers/<int:transfer_id>/{step}"
        for step in ("accept", "withdraw", "approve", "refuse")
    ),
    "investments.take": ("POST /projects/<code>/participations",),
    "investments.give_up": ("DELETE /participations/<code>",),
    "investments.call_off": ("POST /projects/<code>/call-off",),
    "investments.payment": ("POST /participations/<code>/payment",),
    "investments.new_invoice": ("POST /projects/<code>/invoices",),
    "investments.turn_back": ("POST /projects/<code>/invoices/<int:drawing_id>/turn-back",),
    "investments.new_asset": ("POST /projects/<code>/assets",),
    "investments.share_asset": ("POST /assets/<code>/sharing",),
    "investments.turn_back_shared": ("POST /projects/<code>/results/<int:year>/turn-back",),
    "investments.turn_back_paid": ("POST /participations/<code>/turn-back-payment",),
    "investments.buyer_paid": ("POST /assets/<code>/disposal/payment",),
    "investments.dispose": ("POST /assets/<code>/disposal",),
    "investments.new_result": ("POST /projects/<code>/results",),
    "investments.pay_out": ("POST /members/<member_code>/payouts",),
    "investments.release": ("POST /projects/<code>/releases",),
}
"""By the name of each page that changes something: the requests that do the same."""


def test_every_page_that_changes_something_has_its_request(service: Flask) -> None:
    changing = {
        rule.endpoint
        for rule in service.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in PARTS and "POST" in (rule.methods or ())
    }

    assert changing == set(BY_REST)


def test_every_request_of_the_table_exists(service: Flask) -> None:
    offered = {
        f"{method} {str(rule).removeprefix(API)}"
        for rule in service.url_map.iter_rules()
        if str(rule).startswith(API)
        for method in rule.methods or ()
    }
    # A rule that names several steps offers each of them.
    for request in tuple(offered):
        head, _any, rest = request.partition("<any(")
        steps, _close, name = rest.partition("):")
        offered |= {f"{head}{step.strip()}" for step in steps.split(",") if name}

    assert {request for requests in BY_REST.values() for request in requests} <= offered
