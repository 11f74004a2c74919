-- The guard of migrations/sql/ledger_guards.sql, with look-ups of accounts that stay quick when
-- thousands were opened since the statistics were made: each voucher has an account of its own.
create or replace function ledger_check_postings() returns trigger
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
    left join lateral (
      -- "From this id on, the first" names the primary key: while statistics are of new books,
      -- any index that begins with the cooperative looks as good, and is read whole each time.
      select x.id, x.code, x.unit from account x
      where x.cooperative_id = i.cooperative_id and x.id >= i.account_id order by x.id limit 1
    ) a on a.id = i.account_id
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
