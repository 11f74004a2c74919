-- What the database itself holds true about the books, whoever is connected.
-- docs/ledger.md explains each guard; tests/integration/test_ledger_guards.py attacks each one.
--
-- SQLSTATEs: WE001 closed period, WE002 unbalanced, WE003 unknown account, WE004 immutable,
-- WE005 postings and entry do not fit, WE006 content hash differs, WE007 no books.

-- A session keeps the plans that it made for its first entry: in new books, or of 100,000
-- postings. Only look-ups by index stay right for what follows, so the functions that every
-- entry runs switch scans, and joins by scanning, off. In small tables all indexes look equally
-- good, as all begin with the cooperative: "from this key on, the first" names the right one.

-- A cooperative's chain begins with a hash of its code, so that no chain passes for another's.
create function ledger_first_hash(code text) returns bytea
language sql immutable set search_path = pg_catalog, public as $$
  select sha256(convert_to('wijkeconomie ledger 1' || E'\n' || 'cooperative ' || code || E'\n', 'UTF8'))
$$;

create function ledger_open_head() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into ledger_head (cooperative_id, last_number, last_hash)
  values (new.id, 0, ledger_first_hash(new.code));
  return null;
end $$;

create trigger open_head after insert on cooperative
for each row execute function ledger_open_head();

insert into ledger_head (cooperative_id, last_number, last_hash)
select id, 0, ledger_first_hash(code) from cooperative;

-- Every account has its balance row from the start.
create function ledger_open_balances() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into account_balance (cooperative_id, account_id, balance)
  select cooperative_id, id, 0 from opened;
  return null;
end $$;

create trigger open_balances after insert on account
referencing new table as opened
for each statement execute function ledger_open_balances();

-- Number and hash of an entry. Locking the head puts the entries of a cooperative in one
-- order, without gaps: a transaction that fails gives its number back. An entry with a key that
-- the books have is left out, also when the other one was posted while this one waited.
create function ledger_chain_entry() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
declare
  head public.ledger_head;
  is_posted boolean;
  is_closed boolean;
begin
  select * into head from ledger_head
  where cooperative_id = new.cooperative_id for update;
  if not found then
    raise exception 'cooperative % has no books', new.cooperative_id using errcode = 'WE007';
  end if;
  select
    new.idempotency_key = (
      select e.idempotency_key from journal_entry e
      where e.cooperative_id = new.cooperative_id and e.idempotency_key >= new.idempotency_key
      order by e.idempotency_key limit 1),
    exists (
      select from accounting_period p
      where p.cooperative_id = new.cooperative_id and p.is_closed
        and p.starts_on = date_trunc('month', new.accounting_date)::date)
  into is_posted, is_closed;
  if is_posted then
    return null;
  end if;
  if is_closed then
    raise exception 'period % is closed', to_char(new.accounting_date, 'YYYY-MM')
      using errcode = 'WE001';
  end if;
  new.number := head.last_number + 1;
  new.previous_hash := head.last_hash;
  new.hash := sha256(
    head.last_hash || convert_to(new.number::text || E'\n', 'UTF8') || new.content_hash);
  update ledger_head set last_number = new.number, last_hash = new.hash
  where cooperative_id = new.cooperative_id;
  return new;
end $$;

create trigger chain_entry before insert on journal_entry
for each row execute function ledger_chain_entry();

-- An entry without its postings may not be committed.
create function ledger_require_postings() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_seqscan = off as $$
begin
  if not exists (
    select from posting
    where cooperative_id = new.cooperative_id and entry_number = new.number
    order by line limit 1
  ) then
    raise exception 'entry % has no postings', new.number using errcode = 'WE005';
  end if;
  return null;
end $$;

create constraint trigger require_postings after insert on journal_entry
deferrable initially deferred
for each row execute function ledger_require_postings();

-- The canonical content of an entry, as docs/ledger.md defines it.
-- It has no search path of its own, so that it is expanded where the guard calls it.
create function ledger_content_head(entry public.journal_entry) returns text
language sql stable as $$
  select 'wijkeconomie journal entry 1' || E'\n'
    || 'date ' || to_char(entry.accounting_date, 'YYYY-MM-DD') || E'\n'
    || 'posted ' || to_char(entry.posted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || E'\n'
    || 'by ' || entry.posted_by || E'\n'
    || 'kind ' || entry.kind || E'\n'
    || 'source ' || entry.source || E'\n'
    || 'key ' || entry.idempotency_key || E'\n'
    || 'reverses ' || coalesce(entry.reverses_number::text, '-') || E'\n'
    || 'description ' || entry.description || E'\n'
    || 'postings ' || entry.posting_count || E'\n'
$$;

-- All postings of an entry arrive in one statement; they are checked and carried to the
-- balances together, so the cost of a check does not grow with the number of statements.
create function ledger_check_postings() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  given record;
  entry public.journal_entry;
begin
  for given in
    select i.cooperative_id, i.entry_number, count(*) as lines,
           min(i.line) as first_line, max(i.line) as last_line, count(a.id) as known,
           min(a.unit) as unit, min(a.unit) = max(a.unit) as has_one_unit,
           sum(i.amount) as difference,
           string_agg(i.line || E'\t' || a.code || E'\t' || a.unit || E'\t' || i.amount || E'\n',
                      '' order by i.line) as content
    from inserted i
    left join account a on a.cooperative_id = i.cooperative_id and a.id = i.account_id
    group by i.cooperative_id, i.entry_number
  loop
    select * into entry from journal_entry
    where cooperative_id = given.cooperative_id and number >= given.entry_number
    order by number limit 1;
    if not found or entry.number <> given.entry_number or entry.posting_count <> given.lines
       or given.first_line <> 1 or given.last_line <> given.lines then
      raise exception 'entry % takes % postings in one statement, numbered from 1; got %',
        given.entry_number,
        case when entry.number = given.entry_number then entry.posting_count::text else 'no' end,
        given.lines
        using errcode = 'WE005';
    end if;
    if given.known <> given.lines then
      raise exception '% of the accounts are not in the chart', given.lines - given.known
        using errcode = 'WE003';
    end if;
    if not given.has_one_unit then
      select a.unit, sum(i.amount) as difference into given.unit, given.difference
      from inserted i
      join account a on a.cooperative_id = i.cooperative_id and a.id = i.account_id
      where i.cooperative_id = entry.cooperative_id and i.entry_number = entry.number
      group by a.unit order by sum(i.amount) = 0 limit 1;
    end if;
    if given.difference <> 0 then
      raise exception 'entry % is out of balance by % %',
        entry.number, given.difference, given.unit using errcode = 'WE002';
    end if;
    if entry.content_hash
       <> sha256(convert_to(ledger_content_head(entry) || given.content, 'UTF8')) then
      raise exception 'the content hash of entry % is not that of its content', entry.number
        using errcode = 'WE006';
    end if;
  end loop;

  update account_balance b set balance = b.balance + change.amount
  from (
    select cooperative_id, account_id, sum(amount)::bigint as amount
    from inserted group by cooperative_id, account_id
  ) change
  where b.cooperative_id = change.cooperative_id and b.account_id = change.account_id;
  return null;
end $$;

create trigger check_postings after insert on posting
referencing new table as inserted
for each statement execute function ledger_check_postings();

-- What is written stays.
create function ledger_refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  raise exception '% of % is not possible: what is booked stays; correct it by a reversal',
    lower(tg_op), tg_table_name using errcode = 'WE004';
end $$;

create trigger refuse_change before update or delete on journal_entry
for each row execute function ledger_refuse_change();
create trigger refuse_truncate before truncate on journal_entry
for each statement execute function ledger_refuse_change();
create trigger refuse_change before update or delete on posting
for each row execute function ledger_refuse_change();
create trigger refuse_truncate before truncate on posting
for each statement execute function ledger_refuse_change();
create trigger refuse_delete before delete on account
for each row execute function ledger_refuse_change();
create trigger refuse_delete before delete on account_balance
for each row execute function ledger_refuse_change();

-- An account keeps what its postings were booked under.
create function ledger_keep_account() returns trigger
language plpgsql set search_path = pg_catalog, public as $$
begin
  if (new.cooperative_id, new.id, new.code, new.key, new.unit, new.kind)
     is distinct from (old.cooperative_id, old.id, old.code, old.key, old.unit, old.kind)
     or new.party is distinct from old.party then
    raise exception 'an account keeps its code, unit and kind' using errcode = 'WE004';
  end if;
  return new;
end $$;

create trigger keep_account before update on account
for each row execute function ledger_keep_account();

-- Waits until no entry of the cooperative is under way; held until the transaction ends.
create function ledger_lock_books(cooperative bigint) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform from ledger_head where cooperative_id = cooperative for update;
end $$;

grant execute on function ledger_lock_books(bigint) to wijkeconomie_app;
