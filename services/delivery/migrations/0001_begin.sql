-- A delivery per order: its id is the order's. `is_open` tells whether somebody still has something to do for it.
create table delivery_deliveries (
  id bigint primary key,
  delivery_id bigint not null,
  shop_id bigint not null,
  state bigint not null,
  is_open boolean not null,
  carried boolean not null,
  pickup boolean not null,
  cash boolean not null,
  total_minor bigint not null,
  currency text not null,
  shipped_at bigint not null,
  expected_at bigint not null,
  delivered_at bigint not null,
  cash_taken_minor bigint not null,
  proof text not null,
  reason text not null,
  version bigint not null
);
-- Couriers look for what is open, so the index stays as small as they are busy.
create index delivery_deliveries_open on delivery_deliveries (shop_id, id) where is_open;
-- One row per shop that has settings of its own.
create table delivery_settings (
  id bigint primary key,
  packing_seconds bigint not null,
  carrying_seconds bigint not null,
  shipping_seconds bigint not null,
  time_scale double precision not null,
  by_itself boolean not null,
  version bigint not null
);
