-- The guard of check_postings.sql, which joins large entries by hashing. Looking up each account
-- by its key is right for the few lines of a purchase, and half of the time of the hundred
-- thousand lines of a shared cost. Which way is better is for the number of lines to say: plans
-- that a session keeps were made for the first entry that it saw.
create or replace function ledger_check_postings() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_nestloop = on as $$
declare
  many constant bigint = 400;
  is_large boolean;
  entries refcursor;
  given record;
  entry public.journal_entry;
begin
  select count(*) = many into is_large from (select from inserted limit many) few;
  if is_large then
    -- For this call only: what a function sets for itself ends with it. Without nested loops
    -- old statistics cannot lead to looking at every pair.
    perform set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true),
      set_config('enable_seqscan', 'on', true);
    open entries for execute $large$
      select i.cooperative_id, i.entry_number, count(*) as lines,
             min(i.line) as first_line, max(i.line) as last_line, count(a.id) as known,
             min(a.unit) as unit, min(a.unit) = max(a.unit) as has_one_unit,
             sum(i.amount) as difference,
             string_agg(i.line || E'\t' || a.code || E'\t' || a.unit || E'\t' || i.amount || E'\n',
                        '' order by i.line) as content
      from inserted i
      left join (
        select x.cooperative_id, x.id, x.code, x.unit from account x
        where x.cooperative_id = any(array(select distinct cooperative_id from inserted))
          and x.id >= (select min(account_id) from inserted)
          and x.id <= (select max(account_id) from inserted)
      ) a on a.cooperative_id = i.cooperative_id and a.id = i.account_id
      group by i.cooperative_id, i.entry_number
    $large$;
  else
    open entries for
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
      group by i.cooperative_id, i.entry_number;
  end if;
  loop
    fetch entries into given;
    exit when not found;
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
  close entries;

  if is_large then
    execute $large$
      update account_balance b set balance = b.balance + change.amount
      from (
        select cooperative_id, account_id, sum(amount)::bigint as amount
        from inserted group by cooperative_id, account_id
      ) change
      where b.cooperative_id = change.cooperative_id and b.account_id = change.account_id
        and b.cooperative_id = any(array(select distinct cooperative_id from inserted))
        and b.account_id >= (select min(account_id) from inserted)
        and b.account_id <= (select max(account_id) from inserted)
    $large$;
  else
    update account_balance b set balance = b.balance + change.amount
    from (
      select cooperative_id, account_id, sum(amount)::bigint as amount
      from inserted group by cooperative_id, account_id
    ) change
    where b.cooperative_id = change.cooperative_id and b.account_id = change.account_id;
  end if;
  return null;
end $$;
