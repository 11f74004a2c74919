-- What a round has become, held by the database (migration 0032).
-- SQLSTATEs: WE080 a round takes a step that its state does not allow, WE081 its terms or prices
-- change after closing, WE082 a pledge changes after closing, WE083 a settlement does not add up.

-- One way only (docs/rounds.md): prolonging and filling packs happen within "open".
create function round_goes_one_way() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if tg_op = 'INSERT' then
    raise exception 'round % begins as a draft, not as %', new.code, new.state
      using errcode = 'WE080';
  end if;
  if not ((old.state, new.state) in (
      ('draft', 'open'), ('open', 'closed'), ('closed', 'ordered'), ('ordered', 'received'),
      ('received', 'allocated'), ('received', 'settled'), ('allocated', 'settled'))
    or (new.state = 'cancelled' and old.state <> 'settled')) then
    raise exception 'round % does not go from % to %', old.code, old.state, new.state
      using errcode = 'WE080';
  end if;
  return new;
end $$;

create trigger begins_as_draft before insert on purchase_round
for each row when (new.state <> 'draft') execute function round_goes_one_way();

create trigger goes_one_way before update of state on purchase_round
for each row when (old.state <> new.state) execute function round_goes_one_way();

create function round_terms_stay() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  raise exception 'the terms of round % stay as they were when it was %', old.code, old.state
    using errcode = 'WE081';
end $$;

create trigger terms_stay before update on purchase_round for each row
when (old.code <> new.code
  or (old.state not in ('draft', 'open')
    and (old.supplier_id, old.freight_key) is distinct from (new.supplier_id, new.freight_key))
  or (old.state in ('allocated', 'settled', 'cancelled')
    and (old.shortage_rule, old.surplus_rule)
      is distinct from (new.shortage_rule, new.surplus_rule)))
execute function round_terms_stay();

-- What is offered, and for how much: chosen in a draft, priced until closing. Something that came
-- instead is added, and priced, while the delivery is counted.
create function round_product_stays() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  stands text;
  instead boolean;
begin
  if tg_op = 'DELETE' then
    select state into stands from purchase_round
    where cooperative_id = old.cooperative_id and id = old.round_id;
    if stands <> 'draft' then
      raise exception '% stays in a round that is %', old.name, stands using errcode = 'WE081';
    end if;
    return old;
  end if;
  select state into stands from purchase_round
  where cooperative_id = new.cooperative_id and id = new.round_id;
  instead := new.replaces_id is not null and stands in ('ordered', 'received');
  if tg_op = 'INSERT' then
    if stands <> 'draft' and not instead then
      raise exception '% is not added to a round that is %', new.name, stands
        using errcode = 'WE081';
    end if;
  elsif stands not in ('draft', 'open') and not instead then
    raise exception 'the price and terms of % stay in a round that is %', old.name, stands
      using errcode = 'WE081';
  end if;
  return new;
end $$;

create trigger stays before delete on round_product
for each row execute function round_product_stays();

create trigger is_offered before insert on round_product
for each row execute function round_product_stays();

create trigger price_stays before update on round_product for each row
when ((old.round_id, old.product_id, old.replaces_id, old.unit, old.price_excl_cents,
    old.list_price_excl_cents, old.vat_basis_points, old.pack_size, old.sells_loose,
    old.minimum_quantity, old.ladder_quantities, old.ladder_prices_cents, old.grams_per_unit,
    old.deposit_cents, old.price_units)
  is distinct from (new.round_id, new.product_id, new.replaces_id, new.unit,
    new.price_excl_cents, new.list_price_excl_cents, new.vat_basis_points, new.pack_size,
    new.sells_loose, new.minimum_quantity, new.ladder_quantities, new.ladder_prices_cents,
    new.grams_per_unit, new.deposit_cents, new.price_units))
execute function round_product_stays();

-- A pledge changes while its round is open. Afterwards come only what replaces a product and what
-- is given as an extra, while the delivery is counted. The rounds are held, so that none closes
-- between the look and the pledge.
create function pledges_stay() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  round record;
  wrong text;
begin
  for round in
    select r.cooperative_id, r.id, r.state from purchase_round r
    where (r.cooperative_id, r.id) in (select distinct cooperative_id, round_id from changed)
    order by r.cooperative_id, r.id for share
  loop
    continue when round.state in ('draft', 'open');
    if round.state not in ('ordered', 'received') then
      select code into wrong from changed
      where cooperative_id = round.cooperative_id and round_id = round.id limit 1;
    elsif tg_op = 'INSERT' then
      select code into wrong from changed
      where cooperative_id = round.cooperative_id and round_id = round.id
        and origin = 'pledged' limit 1;
    else
      select after.code into wrong from changed after
      join before on before.cooperative_id = after.cooperative_id and before.id = after.id
      where after.cooperative_id = round.cooperative_id and after.round_id = round.id
        and (after.origin <> 'extra'
          or (before.origin <> 'extra' and before.withdrawn_at is null)) limit 1;
    end if;
    if wrong is not null then
      raise exception 'pledge % stays in a round that is %', wrong, round.state
        using errcode = 'WE082';
    end if;
  end loop;
  return null;
end $$;

create trigger stay_added after insert on pledge referencing new table as changed
for each statement execute function pledges_stay();

create trigger stay_changed after update on pledge
referencing old table as before new table as changed
for each statement execute function pledges_stay();

-- Shares and deposits are written before their version counts, and never added to one that does.
create function shares_come_first() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  wrong record;
begin
  select a.round_id, a.version into wrong
  from (select distinct cooperative_id, round_id, version from added) a
  join purchase_round r on r.cooperative_id = a.cooperative_id and r.id = a.round_id
  where a.version <= r.settlement_version limit 1;
  if found then
    raise exception 'version % of round % is settled', wrong.version, wrong.round_id
      using errcode = 'WE083';
  end if;
  return null;
end $$;

create trigger come_first after insert on pledge_share referencing new table as added
for each statement execute function shares_come_first();

create trigger come_first after insert on deposit_charge referencing new table as added
for each statement execute function shares_come_first();

create function settlement_counts() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if new.version > (select settlement_version from purchase_round
    where cooperative_id = new.cooperative_id and id = new.round_id) then
    raise exception 'version % of round % does not count', new.version, new.round_id
      using errcode = 'WE083';
  end if;
  return null;
end $$;

create constraint trigger version_counts after insert on round_settlement
deferrable initially deferred for each row execute function settlement_counts();

create function settlement_follows() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if new.settlement_version <> old.settlement_version + 1 then
    raise exception 'version % of round % is followed by the next one',
      old.settlement_version, old.code using errcode = 'WE083';
  end if;
  return new;
end $$;

create trigger version_follows before update of settlement_version on purchase_round
for each row when (old.settlement_version <> new.settlement_version)
execute function settlement_follows();

-- What each member and the supplier are told is what the entries say, to the cent; what an earlier
-- version booked was turned back. Deposits are booked as the difference with the version before.
create function settlement_adds_up() returns trigger
language plpgsql security definer
set search_path = pg_catalog, public set enable_nestloop = off as $$
declare
  told record;
  wrong text;
begin
  select s.entry_number, s.supplier_gross_cents, s.members_gross_cents,
    d.entry_number as deposit_entry, coalesce(d.due_cents, 0) - coalesce(e.due_cents, 0) as more_due
  into told
  from round_settlement s
  left join deposit_settlement d on d.cooperative_id = s.cooperative_id
    and d.round_id = s.round_id and d.version = s.version
  left join deposit_settlement e on e.cooperative_id = s.cooperative_id
    and e.round_id = s.round_id and e.version = s.version - 1
  where s.cooperative_id = new.cooperative_id and s.round_id = new.id
    and s.version = new.settlement_version;
  if not found or exists (
    select from round_settlement s
    where s.cooperative_id = new.cooperative_id and s.round_id = new.id
      and s.version < new.settlement_version and s.entry_number is not null
      and s.reversal_number is null
  ) then
    raise exception 'version % of round % is not there, or the one before it stands',
      new.settlement_version, new.code using errcode = 'WE083';
  end if;
  with share as (
    select m.code as party, s.cents from (
      select share.pledge_id, share.gross_cents as cents from pledge_share share
      where share.cooperative_id = new.cooperative_id and share.round_id = new.id
        and share.version = new.settlement_version
    ) as s
    join pledge x on x.cooperative_id = new.cooperative_id and x.round_id = new.id
      and x.id = s.pledge_id
    join member m on m.cooperative_id = new.cooperative_id and m.id = x.member_id
  ), deposit as (
    select m.code as party, d.cents from (
      select charge.pledge_id, case when charge.version = new.settlement_version
        then charge.cents else -charge.cents end as cents
      from deposit_charge charge
      where charge.cooperative_id = new.cooperative_id and charge.round_id = new.id
        and charge.version in (new.settlement_version, new.settlement_version - 1)
    ) as d
    join pledge x on x.cooperative_id = new.cooperative_id and x.round_id = new.id
      and x.id = d.pledge_id
    join member m on m.cooperative_id = new.cooperative_id and m.id = x.member_id
  ), booked as (
    select p.entry_number, a.key, a.party, p.amount from posting p
    join account a on a.cooperative_id = p.cooperative_id and a.id = p.account_id
    where p.cooperative_id = new.cooperative_id
      and p.entry_number in (told.entry_number, told.deposit_entry)
      and a.key in ('member_account', 'suppliers')
  ), figure as (
    select 'member ' || party as what, cents from share
    union all select 'the members', cents from share
    union all select 'the members', -told.members_gross_cents
    union all select 'the supplier', -told.supplier_gross_cents
    union all select 'deposit of ' || party, cents from deposit
    union all select 'the deposits', -told.more_due
    union all select case when entry_number = told.entry_number then 'member '
        else 'deposit of ' end || coalesce(party, 'nobody'), -amount
      from booked where key = 'member_account'
    union all select case when entry_number = told.entry_number then 'the supplier'
        else 'the deposits' end, -amount
      from booked where key = 'suppliers'
  )
  select what into wrong from figure group by what having sum(cents) <> 0 limit 1;
  if wrong is not null then
    raise exception 'version % of round % does not add up: %',
      new.settlement_version, new.code, wrong using errcode = 'WE083';
  end if;
  return null;
end $$;

create constraint trigger settlement_adds_up after update of settlement_version on purchase_round
deferrable initially deferred for each row
when (old.settlement_version <> new.settlement_version)
execute function settlement_adds_up();

-- What was pledged, ordered and invoiced is never another thing; only what became of it changes.
revoke update on pledge, delivery, supplier_invoice from wijkeconomie_app;
grant update (quantity, pledged_at, changed_at, withdrawn_at, version, tolerance,
  max_price_excl_cents, allotted_quantity, dropout, origin, later_at, later_quantities)
  on pledge to wijkeconomie_app;
grant update (delivered_quantity, damaged_quantity, delivered_on, reason, uncredited_quantity,
  delivered_grams, stock_quantity, version) on delivery to wijkeconomie_app;
grant update (withdrawn_at) on supplier_invoice to wijkeconomie_app;
