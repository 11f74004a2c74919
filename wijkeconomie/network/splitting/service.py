"""Use cases of taking over a small group's bills: keep a file, see what it does, book it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select, text, update

from wijkeconomie.core.permissions import require_permission
from wijkeconomie.core.refusals import InvalidInputError, StaleVersionError
from wijkeconomie.core.unit_of_work import UnitOfWork
from wijkeconomie.costs.small_groups import BookedGroup, BookGroup, book_group
from wijkeconomie.ledger import queries as ledger
from wijkeconomie.money.weights import WeightFormatError, parse_weight, weight_text
from wijkeconomie.network.models import SplitImport
from wijkeconomie.network.splitting.lines import SplitFile, as_json, from_json
from wijkeconomie.network.splitting.planning import LineLeftOut, SplitPlan, Who, plan_split
from wijkeconomie.network.splitting.reading import read_split_file
from wijkeconomie.network.splitting.refusals import SplitImportDoneError

KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitChoice:
    """Who the people of a file are, and when it is booked.

    ``members``: a member number for each name; without one, lines with that name are left out.
    ``weights``: of IHateMoney, people's own; what the file tells where a name is absent.
    """

    members: Mapping[str, str]
    weights: Mapping[str, str]
    accounting_date: date | None = None


@dataclass(frozen=True, slots=True)
class MemberEffect:
    """What a file does to one member. ``owes_cents`` is what his account changes by."""

    code: str
    name: str
    paid_cents: int
    share_cents: int
    repaid_cents: int
    owes_cents: int


@dataclass(frozen=True, slots=True)
class SplitPreview:
    """What booking a file comes to; nothing was written.

    ``known`` counts what is in the books already. ``agrees``: whether each gets back what the
    file's last line says; ``None`` where it says nothing, or where lines are left out.
    """

    bills: int
    repayments: int
    total_cents: int
    known: int
    members: tuple[MemberEffect, ...]
    left_out: tuple[LineLeftOut, ...]
    agrees: bool | None

    @property
    def count(self) -> int:
        """How many things would be booked."""
        return self.bills + self.repayments


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A member to choose from."""

    code: str
    first_name: str
    name: str


def keep_split_file(uow: UnitOfWork, file_name: str, content: bytes) -> int:
    """Keep a file until it is booked; nothing is booked yet. Returns its id.

    Names in files that were never booked are taken out after thirty days.

    Raises:
        SplitFileUnreadableError: the file is no export that we know.
    """
    require_permission(uow.identity, "cost.settle")
    file = read_split_file(content)
    uow.session.execute(
        update(SplitImport)
        .where(
            SplitImport.cooperative_id == uow.tenant,
            SplitImport.booked_at.is_(None),
            SplitImport.uploaded_at < uow.now - KEPT_FOR,
        )
        .values(lines=None)
    )
    kept = SplitImport(
        cooperative_id=uow.tenant,
        file_name=file_name.strip()[:200] or file.source.value,
        source=file.source.value,
        lines=as_json(file),
        uploaded_at=uow.now,
        uploaded_by=uow.actor,
    )
    uow.session.add(kept)
    uow.session.flush()
    return kept.id


def split_file(uow: UnitOfWork, import_id: int, *, is_held: bool = False) -> SplitFile:
    """A file that was kept and not booked yet.

    Raises:
        SplitImportDoneError: it was booked or given up, or there is none.
    """
    require_permission(uow.identity, "cost.settle")
    statement = select(SplitImport).where(
        SplitImport.cooperative_id == uow.tenant, SplitImport.id == import_id
    )
    found = uow.session.scalar(statement.with_for_update() if is_held else statement)
    if found is None or found.lines is None:
        raise SplitImportDoneError(f"there is no file {import_id} that waits")
    return from_json(found.lines)


def neighbours(uow: UnitOfWork, day: date) -> list[Neighbour]:
    """The members of a day, by number."""
    require_permission(uow.identity, "cost.settle")
    rows = uow.session.execute(
        text(
            "select code, first_name, concat_ws(' ', first_name, infix, last_name) from member"
            " where cooperative_id = :id and joined_on <= :day"
            " and (left_on is null or left_on >= :day) order by code"
        ),
        {"id": uow.tenant, "day": day},
    )
    return [Neighbour(*row) for row in rows]


def guess_members(people: Sequence[str], known: Sequence[Neighbour]) -> dict[str, str]:
    """Members whose whole name or, if it is no one else's, first name is that of the file."""
    names: dict[str, set[str]] = {}
    for neighbour in known:
        for name in (neighbour.name, neighbour.first_name, neighbour.code):
            names.setdefault(_folded(name), set()).add(neighbour.code)
    found = {name: names.get(_folded(name), set()) for name in people}
    return {name: min(codes) for name, codes in found.items() if len(codes) == 1}


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def preview_split(uow: UnitOfWork, file: SplitFile, choice: SplitChoice) -> SplitPreview:
    """What booking a file does to each member.

    It is booked within a savepoint and undone: what is shown is what would be in the books.

    Raises:
        As :func:`book_split`.
    """
    plan = _plan(file, choice)
    savepoint = uow.session.begin_nested()
    try:
        before = ledger.party_balances(uow.session, uow.tenant, "member_account")
        booked = _book(uow, plan, choice)
        after = ledger.party_balances(uow.session, uow.tenant, "member_account")
    finally:
        savepoint.rollback()
    new = {*booked.costs, *booked.repayments}
    plan = replace(
        plan,
        bills=tuple(each for each in plan.bills if each.code in new),
        repayments=tuple(each for each in plan.repayments if each.code in new),
    )
    members = _effects(uow, plan, before, after)
    return SplitPreview(
        bills=len(plan.bills),
        repayments=len(plan.repayments),
        total_cents=sum(bill.cents for bill in plan.bills),
        known=len(booked.known),
        members=members,
        left_out=plan.left_out,
        agrees=_agrees(file, choice, plan, booked, members),
    )


def book_split(
    uow: UnitOfWork,
    import_id: int,
    choice: SplitChoice,
    *,
    expected: int | None = None,
) -> BookedGroup:
    """Book a file that was kept, and take the names out of what is kept of it.

    Args:
        expected: how many bills and repayments the preview told, so that none comes unseen.

    Raises:
        SplitImportDoneError: it was booked already.
        StaleVersionError: the books changed since the preview.
        NotFoundError, NotAMemberThenError, CannotAllocateError, ClosedPeriodError,
            InvalidInputError: as for booking a group.
    """
    file = split_file(uow, import_id, is_held=True)
    booked = book_split_file(uow, file, choice)
    if expected is not None and expected != len(booked.costs) + len(booked.repayments):
        raise StaleVersionError("something was booked since the preview")
    kept = uow.session.get_one(SplitImport, (uow.tenant, import_id))
    kept.lines, kept.booked_at = None, uow.now
    uow.session.flush()
    return booked


def book_split_file(uow: UnitOfWork, file: SplitFile, choice: SplitChoice) -> BookedGroup:
    """Book a file that was just read; the same again books nothing."""
    require_permission(uow.identity, "cost.settle")
    return _book(uow, _plan(file, choice), choice)


def _plan(file: SplitFile, choice: SplitChoice) -> SplitPlan:
    weights = dict(file.weights)
    for name, written in choice.weights.items():
        if name in weights and written.strip():
            weights[name] = _weight(file, name, written)
    return plan_split(file, Who(choice.members, weights))


def _weight(file: SplitFile, name: str, written: str) -> str:
    try:
        weight = parse_weight(written.strip().replace(",", "."))
    except WeightFormatError:
        weight = None
    if weight is None or weight < 0:
        field = f"weight-{file.people.index(name)}"
        raise InvalidInputError(f"{written[:40]} is no weight", field=field)
    return weight_text(weight)


def _book(uow: UnitOfWork, plan: SplitPlan, choice: SplitChoice) -> BookedGroup:
    return book_group(
        uow,
        BookGroup(
            bills=plan.bills,
            repayments=plan.repayments,
            accounting_date=choice.accounting_date,
        ),
    )


def _effects(
    uow: UnitOfWork, plan: SplitPlan, before: Mapping[str, int], after: Mapping[str, int]
) -> tuple[MemberEffect, ...]:
    paid: Counter[str] = Counter()
    repaid: Counter[str] = Counter()
    concerned: set[str] = set()
    for bill in plan.bills:
        paid[bill.paid_by] += bill.cents
        concerned |= {bill.paid_by, *(code for code, _weight in bill.weights)}
    for repayment in plan.repayments:
        repaid[repayment.paid_by] += repayment.cents
        repaid[repayment.paid_to] -= repayment.cents
        concerned |= {repayment.paid_by, repayment.paid_to}
    names: dict[str, str] = dict(
        uow.session.execute(
            text(
                "select code, concat_ws(' ', first_name, infix, last_name) from member"
                " where cooperative_id = :id and code = any(cast(:codes as text[]))"
            ),
            {"id": uow.tenant, "codes": sorted(concerned)},
        ).all()
    )
    effects = []
    for code in sorted(concerned):
        owes = after.get(code, 0) - before.get(code, 0)
        share = owes + paid[code] + repaid[code]
        effects.append(MemberEffect(code, names[code], paid[code], share, repaid[code], owes))
    return tuple(effects)


def _agrees(
    file: SplitFile,
    choice: SplitChoice,
    plan: SplitPlan,
    booked: BookedGroup,
    members: Sequence[MemberEffect],
) -> bool | None:
    is_whole = (
        not booked.known
        and not file.wrong
        and all(each.reason == "nothing-moves" for each in plan.left_out)
    )
    if file.balances is None or not is_whole:
        return None
    told: Counter[str] = Counter()
    for name, cents in file.balances.items():
        told[choice.members.get(name, "")] += cents
    found = {each.code: -each.owes_cents for each in members}
    return all(found.get(code, 0) == cents for code, cents in told.items())
