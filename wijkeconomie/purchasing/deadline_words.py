"""What is agreed about closing times, in the words of a page."""

from __future__ import annotations

from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from wijkeconomie.cooperatives.languages import page_language
from wijkeconomie.money.amounts import format_amount
from wijkeconomie.purchasing.deadline_models import OnMiss
from wijkeconomie.purchasing.deadline_queries import DeadlineView
from wijkeconomie.purchasing.miss_rules import Miss
from wijkeconomie.purchasing.repeating_models import OnHoliday, RepeatingRound, Skipped
from wijkeconomie.purchasing.repeating_rules import Planned


def on_miss_words() -> list[tuple[str, str, str]]:
    """Each answer to a miss: its value, its name, and what it means."""
    return [
        (
            OnMiss.ASK.value,
            _("Ask the coordinator"),
            _("You get a task and a mail. Nobody can order while you decide."),
        ),
        (
            OnMiss.PROLONG.value,
            _("Keep it open longer"),
            _("The orders stand, and the delivery moves along. Who ordered is told."),
        ),
        (
            OnMiss.CANCEL.value,
            _("Cancel the round"),
            _("Nobody pays anything. Who ordered is told why."),
        ),
    ]


def when_spent_words() -> list[tuple[str, str]]:
    """What happens when it was kept open long enough: value and name."""
    return [("ask", _("Ask the coordinator")), ("cancel", _("Cancel the round"))]


def holiday_words() -> list[tuple[str, str]]:
    """What happens with a delivery on a public holiday: value and name."""
    return [
        (OnHoliday.SKIP.value, _("Skip that week")),
        (OnHoliday.BEFORE.value, _("Deliver on the last working day before")),
        (OnHoliday.AFTER.value, _("Deliver on the first working day after")),
        (OnHoliday.AS_USUAL.value, _("Deliver as usual")),
    ]


def miss_words(miss: Miss) -> str:
    """What was not reached."""
    if miss.kind == "nothing":
        return str(_("Nobody ordered anything."))
    if miss.kind == "product":
        return str(_("Of %(product)s the supplier's minimum is not reached.", product=miss.product))
    wanted = format_amount(miss.wanted_cents or 0, page_language())
    if miss.kind == "supplier":
        return str(_("The supplier takes orders from %(wanted)s.", wanted=wanted))
    return str(_("Your own target is %(wanted)s.", wanted=wanted))


def agreed_words(deadline: DeadlineView | None) -> list[str]:
    """What happens at the closing time, a sentence for each part."""
    if deadline is None:
        return [_("At the closing time the round closes, however much was ordered.")]
    told = []
    if deadline.topup_hours is not None:
        told.append(
            ngettext(
                "After the closing time members may fill packs for %(num)d hour.",
                "After the closing time members may fill packs for %(num)d hours.",
                deadline.topup_hours,
            )
        )
    if deadline.target_net_cents is not None:
        target = format_amount(deadline.target_net_cents, page_language())
        told.append(_("Together you want to order for %(target)s.", target=target))
    if deadline.heeds_product_minimum:
        told.append(_("A product that misses its minimum counts as a miss."))
    told.append(_on_a_miss(deadline))
    return told


def _on_a_miss(deadline: DeadlineView) -> str:
    if deadline.on_miss is OnMiss.CANCEL:
        return str(_("Too little ordered? Then the round is cancelled."))
    if deadline.on_miss is OnMiss.ASK:
        return str(_("Too little ordered? Then the coordinator decides."))
    days = ngettext("%(num)d day", "%(num)d days", deadline.prolong_days)
    left = deadline.most_prolongations - deadline.prolonged
    times = ngettext("%(num)d more time", "%(num)d more times", left)
    if deadline.when_spent == "cancel":
        return str(
            _(
                "Too little ordered? Then it stays open %(days)s longer, %(times)s. After that it "
                "is cancelled.",
                days=days,
                times=times,
            )
        )
    return str(
        _(
            "Too little ordered? Then it stays open %(days)s longer, %(times)s. After that the "
            "coordinator decides.",
            days=days,
            times=times,
        )
    )


def rhythm_words(row: RepeatingRound) -> str:
    """When a repeating round delivers."""
    day = format_date(row.first_delivery_on, "EEEE", rebase=False)
    if row.every_weeks == 1:
        return str(_("Every week, delivery on %(day)s", day=day))
    return str(_("Every %(weeks)s weeks, delivery on %(day)s", weeks=row.every_weeks, day=day))


def delivery_words(plan: Planned) -> str:
    """What becomes of a delivery to come, where that is not the usual."""
    day = format_date(plan.delivery_on, "EEEE d MMMM", rebase=False)
    if plan.skipped is not None:
        return str(_("no delivery: %(why)s", why=plan.note))
    if plan.delivery_on != plan.nominal_on:
        return str(_("moved to %(day)s: %(why)s", day=day, why=plan.note))
    return ""


def skipped_words(skipped: Skipped, note: str | None) -> str:
    """Why there was no round."""
    if skipped is Skipped.LATE:
        return str(_("no round: the closing time had passed before it could be made"))
    return str(_("no delivery: %(why)s", why=note or ""))
