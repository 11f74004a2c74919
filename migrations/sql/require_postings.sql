-- An entry comes with its postings in one statement. Asked once for all entries of a statement,
-- not for each of them when the transaction ends: of eight redemptions that is a twentieth of
-- the time.
drop trigger require_postings on journal_entry;

create or replace function ledger_require_postings() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  bare bigint;
begin
  select e.number into bare from entered e
  where e.number is distinct from (
    select p.entry_number from posting p
    where p.cooperative_id = e.cooperative_id and p.entry_number >= e.number
    order by p.entry_number, p.line limit 1
  )
  limit 1;
  if found then
    raise exception 'entry % has no postings', bare using errcode = 'WE005';
  end if;
  return null;
end $$;

create trigger require_postings after insert on journal_entry
referencing new table as entered
for each statement execute function ledger_require_postings();
