-- The guards of redemptions, with look-ups whose time does not grow with what was redeemed. While
-- statistics are of new books every index that begins with the cooperative looks as good as the
-- right one, and a session keeps the plan that it made then: "from this key on, the first" can
-- only be answered by the primary key.
create or replace function voucher_lines_add_up(cooperative bigint, ids bigint[]) returns void
language plpgsql security definer
set search_path = pg_catalog, public
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  told record;
begin
  select r.code, l.paid, l.refunded, r.refunded_minor as to_refund, r.to_pay
  into told
  from unnest(ids) as given (id)
  join lateral (
    select x.id, x.code, x.refunded_minor,
      case when x.refusal is null then x.amount_minor else 0 end as to_pay
    from voucher_redemption x
    where x.cooperative_id = cooperative and x.id >= given.id order by x.id limit 1
  ) r on r.id = given.id
  cross join lateral (
    select coalesce(sum(x.amount_minor), 0) as paid, coalesce(sum(x.refunded_minor), 0) as refunded
    from voucher_redemption_line x
    where x.cooperative_id = cooperative and x.redemption_id = given.id
  ) l
  where l.paid <> r.to_pay or l.refunded <> r.refunded_minor
  limit 1;
  if found then
    raise exception 'the vouchers of redemption % paid % and got back %, not % and %',
      told.code, told.paid, told.refunded, told.to_pay, told.to_refund using errcode = 'WE009';
  end if;
end $$;

create or replace function voucher_check_added() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  given record;
begin
  if exists (
    select from (select distinct cooperative_id, merchant_id, holder_id, voucher_id from added) x
    where x.merchant_id is distinct from (select m.id from merchant m
        where m.cooperative_id = x.cooperative_id and m.id >= x.merchant_id order by m.id limit 1)
      or x.holder_id is distinct from (select m.id from member m
        where m.cooperative_id = x.cooperative_id and m.id >= x.holder_id order by m.id limit 1)
      or (x.voucher_id is not null and x.voucher_id is distinct from (select v.id from voucher v
        where v.cooperative_id = x.cooperative_id and v.id >= x.voucher_id order by v.id limit 1))
  ) then
    raise exception 'a redemption names what does not exist'
      using errcode = 'foreign_key_violation';
  end if;
  for given in select cooperative_id, array_agg(id) as ids from added group by cooperative_id loop
    perform voucher_lines_add_up(given.cooperative_id, given.ids);
  end loop;
  return null;
end $$;

create or replace function voucher_line_check_added() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if exists (
    select from added x
    where x.voucher_id is distinct from (select v.id from voucher v
        where v.cooperative_id = x.cooperative_id and v.id >= x.voucher_id order by v.id limit 1)
      or x.redemption_id is distinct from (select r.id from voucher_redemption r
        where r.cooperative_id = x.cooperative_id and r.id >= x.redemption_id
        order by r.id limit 1)
  ) then
    raise exception 'a line names what does not exist' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
