"""The files of a city folder that tell of rounds that are still going on.

They lie in a folder below ``more`` that is itself like a city folder: the same files about
rounds, with the same columns, and some of what counts only until a round is finished.
"""

from __future__ import annotations

from dataclasses import replace

from wijkeconomie.network.interchange import cells
from wijkeconomie.network.interchange.cells import one_of
from wijkeconomie.network.interchange.detail_files import (
    DETAIL_FOLDER,
    PRODUCT_TERMS,
    ROUND_DETAILS,
    SUPPLIER_TERMS,
)
from wijkeconomie.network.interchange.files import (
    DELIVERIES,
    LAYOUTS,
    PLEDGES,
    ROUNDS,
    SUPPLIER_INVOICES,
)
from wijkeconomie.network.interchange.layout import Column, Layout, Reference, optional, required
from wijkeconomie.network.interchange.row_checks import check_deadline

UNFINISHED_FOLDER = f"{DETAIL_FOLDER}/unfinished"

_OWN_FILES = {ROUNDS.file, PLEDGES.file}
_STATES = one_of("draft", "open", "closed", "ordered", "received", "allocated")


def _still_going_on(layout: Layout) -> Layout:
    """The file of the same name about rounds that are not finished."""
    return replace(
        layout,
        file=f"{UNFINISHED_FOLDER}/{layout.file}",
        columns=tuple(
            Column(column.name, _STATES) if (layout, column.name) == (ROUNDS, "status") else column
            for column in layout.columns
        ),
        references=tuple(
            replace(each, file=f"{UNFINISHED_FOLDER}/{each.file}")
            if each.file in _OWN_FILES
            else each
            for each in layout.references
        ),
    )


UNFINISHED_OF = {
    layout: _still_going_on(layout)
    for layout in (ROUNDS, PLEDGES, DELIVERIES, SUPPLIER_INVOICES, *ROUND_DETAILS)
}
"""By the file about finished rounds, the one about those that are not."""
FINISHED_OF = {unfinished.file: layout for layout, unfinished in UNFINISHED_OF.items()}

_OF_ROUND = Reference("round_id", UNFINISHED_OF[ROUNDS].file)

RESUMED_TERMS = Layout(
    file=f"{UNFINISHED_FOLDER}/{DETAIL_FOLDER}/deadlines.csv",
    columns=(
        *required(cells.CODE, "round_id"),
        *optional(cells.POSITIVE_COUNT, "minimum_net_cents"),
        *optional(cells.MOMENT, "topup_since", "planned_closes_at"),
        *optional(one_of("cancel", "prolong", "ask"), "on_miss"),
        *optional(cells.COUNT, "prolong_days", "most_prolongations", "prolonged"),
        *optional(one_of("cancel", "ask"), "when_spent"),
        *optional(cells.POSITIVE_COUNT, "target_net_cents"),
        *optional(cells.MARK, "heeds_product_minimum"),
        *optional(cells.POSITIVE_COUNT, "topup_hours", "reminder_hours"),
        *optional(cells.MOMENT, "asked_at"),
        *optional(cells.JSON_OBJECT, "missed"),
        *optional(cells.MOMENT, "reminded_at"),
    ),
    key=("round_id",),
    references=(_OF_ROUND,),
    group="round_id",
    check=check_deadline,
)
PICKUP_SLOTS = Layout(
    file=f"{UNFINISHED_FOLDER}/{DETAIL_FOLDER}/pickup_slots.csv",
    columns=(
        *required(cells.CODE, "round_id"),
        *required(cells.POSITIVE_COUNT, "number"),
        *required(cells.MOMENT, "starts_at", "ends_at"),
        *required(cells.TEXT, "place"),
        *optional(cells.POSITIVE_COUNT, "capacity"),
    ),
    key=("round_id", "number"),
    references=(_OF_ROUND,),
    group="round_id",
)
PICKUP_CHOICES = Layout(
    file=f"{UNFINISHED_FOLDER}/{DETAIL_FOLDER}/pickup_choices.csv",
    columns=(
        *required(cells.CODE, "round_id", "member_id"),
        *required(cells.POSITIVE_COUNT, "number"),
        *required(cells.MOMENT, "chosen_at"),
    ),
    key=("round_id", "member_id"),
    references=(_OF_ROUND, Reference("member_id", "members.csv")),
    group="round_id",
)
RESUMED = (RESUMED_TERMS, PICKUP_SLOTS, PICKUP_CHOICES)
"""What counts only until a round is finished."""

DETAILS = (
    *(SUPPLIER_TERMS, PRODUCT_TERMS, *ROUND_DETAILS),
    *(*UNFINISHED_OF.values(), *RESUMED),
)
"""The files below the plain ones."""
ALL_LAYOUTS = (*LAYOUTS, *DETAILS)
"""Every file, each after those that it refers to."""
LAYOUT_OF = {layout.file: layout for layout in ALL_LAYOUTS}
