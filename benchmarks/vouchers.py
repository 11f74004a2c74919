"""Vouchers: eight tills at one fund, and ten thousand issued or expired at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg
from sqlalchemy import text

from benchmarks.measuring import Row, compare
from benchmarks.world import BENCH, World
from wijkeconomie.vouchers.answers import Asked, Redeem
from wijkeconomie.vouchers.expiring import expire_vouchers
from wijkeconomie.vouchers.issuing import Grant, IssueVouchers, issue_vouchers
from wijkeconomie.vouchers.keeping import SaveMerchant, save_merchant
from wijkeconomie.vouchers.kinds import SaveScheme, save_scheme
from wijkeconomie.vouchers.models import PaidBy, VatMix
from wijkeconomie.vouchers.queue import RedemptionQueue

CLIENTS = 8
EACH = 50
VOUCHERS = 10_000
DAY = date(2026, 1, 5)
LATER = date(2027, 1, 6)
FUND_CENTS = 10**12

# The reference keeps the same facts in tables with the same keys, without guards and hashes.
_TABLES = """
create table raw_voucher_balance (cooperative_id bigint, account_id bigint,
  balance bigint check (balance >= 0), primary key (cooperative_id, account_id));
insert into raw_voucher_balance values (1, 0, 1000000000000);
create table raw_voucher_account (cooperative_id bigint, id bigint generated always as identity,
  code text, key text, party text, unit text, kind text, rgs_code text, name_nl text, name_en text,
  has_parties boolean, primary key (cooperative_id, id), unique (cooperative_id, code, unit),
  unique (cooperative_id, key, party, unit));
create table raw_voucher (cooperative_id bigint, id bigint generated always as identity,
  code text, scheme_id bigint, holder_id bigint, account_id bigint, paid_by text,
  face bigint, issued_on date, usable_from date, expires_on date, entry_number bigint,
  expired bigint default 0, primary key (cooperative_id, id), unique (cooperative_id, code));
create index on raw_voucher (cooperative_id, holder_id);
create index on raw_voucher (cooperative_id, expires_on);
create table raw_voucher_posting (cooperative_id bigint, entry_number bigint, line bigint,
  account_id bigint, amount bigint, primary key (cooperative_id, entry_number, line));
create index on raw_voucher_posting (cooperative_id, account_id);
create sequence raw_voucher_number;
"""
_DEBIT = """
update raw_voucher_balance set balance = balance - 1
where cooperative_id = 1 and account_id = 0 and balance >= 1
"""
_ISSUE = """
with entry as (select nextval('raw_voucher_number') as number), account as (
  insert into raw_voucher_account (cooperative_id, code, key, party, unit, kind, rgs_code, name_nl,
    name_en, has_parties)
  select 1, '16535:' || code, 'vouchers_outstanding', code, 'EUR', 'liability', 'BSchOvsVou',
    'Wijkmunt in omloop', 'Vouchers outstanding', false
  from unnest(%(codes)s::text[]) as code
  returning id, party
), issued as (
  insert into raw_voucher (cooperative_id, code, scheme_id, holder_id, account_id, paid_by, face,
    issued_on, usable_from, expires_on, entry_number)
  select 1, account.party, 1, 1, account.id, 'bank', 2500, %(day)s, %(day)s, %(until)s,
    entry.number from entry, account
  returning account_id, entry_number
), held as (
  insert into raw_voucher_balance select 1, account_id, 2500 from issued
)
insert into raw_voucher_posting
select 1, entry_number, row_number() over (), account_id, -2500 from issued
"""
_EXPIRE = """
with entry as (select nextval('raw_voucher_number') as number), late as (
  select v.id, v.account_id, b.balance from raw_voucher v
  join raw_voucher_balance b on b.cooperative_id = 1 and b.account_id = v.account_id
  where v.cooperative_id = 1 and v.expires_on < %(day)s and b.balance > 0
), booked as (
  insert into raw_voucher_posting
  select 1, entry.number, row_number() over (), late.account_id, late.balance from late, entry
), told as (
  update raw_voucher v set expired = v.expired + late.balance from late
  where v.cooperative_id = 1 and v.id = late.id
)
update raw_voucher_balance b set balance = 0 from late
where b.cooperative_id = 1 and b.account_id = late.account_id
"""


def voucher_rows(world: World) -> list[Row]:
    """Measure what happens at a market, and at the turn of a year."""
    member = _prepare(world)
    return [_tills(world), *_many(world, member)]


def _prepare(world: World) -> int:
    with world.begin() as uow:
        member = uow.session.scalars(
            text(
                "insert into member (cooperative_id, code, initials, first_name, last_name, street,"
                " house_number, postcode, city, joined_on, share_units) values (:id, 'L1', 'L',"
                " 'L', 'L', 'S', '1', '1', 'U', '2020-01-01', 1) returning id"
            ),
            {"id": world.cooperative_id},
        ).one()
        save_scheme(uow, SaveScheme(code="wijkmunt", name="wijkmunt"))
        iban = "NL02ABNA0123456789"
        save_merchant(uow, SaveMerchant(code="W1", name="W1", iban=iban, vat_mix=VatMix.BOTH))
    _issue(world, [Grant(member_id=member, face_minor=FUND_CENTS, code="FUND")])
    with world.raw.cursor() as cursor:
        cursor.execute(_TABLES.encode())
    world.raw.commit()
    return int(member)


def _issue(world: World, grants: list[Grant]) -> None:
    with world.begin() as uow:
        issue_vouchers(
            uow,
            IssueVouchers(
                idempotency_key=uuid.uuid4().hex,
                scheme_code="wijkmunt",
                paid_by=PaidBy.BANK,
                issued_on=DAY,
                grants=tuple(grants),
            ),
        )


def _at_once(pool: ThreadPoolExecutor, shop: Callable[[int], None]) -> None:
    list(pool.map(shop, range(CLIENTS)))


def _tills(world: World) -> Row:
    """Each client pays ``EACH`` times from one voucher, a durable commit before each answer."""
    queue = RedemptionQueue(world.units_of_work)
    address = world.raw.info.dsn
    connections = [psycopg.connect(address, autocommit=True) for _ in range(CLIENTS)]

    def pay(_client: int) -> None:
        for _ in range(EACH):
            answer = queue.redeem(
                world.cooperative_id,
                Asked(
                    BENCH,
                    Redeem(
                        idempotency_key=uuid.uuid4().hex,
                        merchant_code="W1",
                        amount_minor=1,
                        voucher_code="FUND",
                        on=DAY,
                    ),
                ),
            )
            assert answer.is_accepted

    def debit(client: int) -> None:
        for _ in range(EACH):
            assert connections[client].execute(_DEBIT.encode()).rowcount == 1

    with ThreadPoolExecutor(CLIENTS) as pool:
        row = compare(
            f"{CLIENTS} tills redeem {CLIENTS * EACH} times from one fund",
            goal=0.5,
            ours=lambda _run: _at_once(pool, pay),
            reference=lambda _run: _at_once(pool, debit),
        )
    for connection in connections:
        connection.close()
    _require_whole(world)
    return row


def _require_whole(world: World) -> None:
    with world.begin() as uow:
        least = uow.session.scalar(
            text(
                "select max(b.balance) from account a join account_balance b"
                " on b.cooperative_id = a.cooperative_id and b.account_id = a.id"
                " where a.key = 'vouchers_outstanding' and a.party is not null"
            )
        )
    assert least is not None
    assert least <= 0, "a voucher holds less than nothing"


def _many(world: World, member: int) -> list[Row]:
    def issue(run: int) -> None:
        _issue(
            world,
            [
                Grant(member_id=member, face_minor=2500, code=f"V{run + 1}-{number}")
                for number in range(VOUCHERS)
            ],
        )

    def issue_raw(run: int) -> None:
        codes = [f"V{run + 1}-{number}" for number in range(VOUCHERS)]
        with world.raw.transaction():
            world.raw.execute(_ISSUE.encode(), {"codes": codes, "day": DAY, "until": DAY})

    issued = compare(
        f"{VOUCHERS:,} vouchers issued", goal=0.4, ours=issue, reference=issue_raw, runs=3
    )

    # Each turn expires what a turn before it issued: every voucher of one run.
    def fresh(run: int) -> None:
        with world.begin() as uow:
            uow.session.execute(
                text(
                    "update voucher set expires_on = case when code like :own then cast(:day as"
                    " date) else '2099-01-01' end where cooperative_id = :id"
                ),
                {"own": f"V{run + 1}-%", "day": DAY, "id": world.cooperative_id},
            )
        with world.raw.transaction():
            world.raw.execute(
                b"update raw_voucher set expires_on = case when code like %s then %s::date"
                b" else '2099-01-01' end",
                (f"V{run + 1}-%", DAY),
            )

    def expire(_run: int) -> None:
        with world.begin() as uow:
            found = expire_vouchers(uow, LATER)
        assert found == {"EUR": VOUCHERS * 2500}

    def expire_raw(_run: int) -> None:
        with world.raw.transaction():
            world.raw.execute(_EXPIRE.encode(), {"day": LATER})

    expired = compare(
        f"{VOUCHERS:,} vouchers expired",
        goal=0.4,
        ours=expire,
        reference=expire_raw,
        runs=3,
        before=fresh,
    )
    _require_whole(world)
    return [issued, expired]
