-- What is kept in stock. Names change seldom, levels all the time: so they live apart.
create table inventory_items (
  id bigint primary key,
  shop_id bigint not null,
  slug text not null,
  name text not null,
  unit text not null,
  low_at bigint not null,
  unique (shop_id, slug)
);

-- received + corrected - wasted = available + reserved + consumed, at all times. `version` counts the edits of staff;
-- orders are guarded by quantity instead, so that a busy shop can still be counted.
create table inventory_levels (
  id bigint primary key,
  shop_id bigint not null,
  available bigint not null check (available >= 0),
  reserved bigint not null check (reserved >= 0),
  consumed bigint not null check (consumed >= 0),
  received bigint not null check (received >= 0),
  corrected bigint not null,
  wasted bigint not null check (wasted >= 0),
  low boolean not null,
  version bigint not null
);

-- What an order holds: `needs` is [[stock_id,quantity],…] and never changes. The movements of an order are named here,
-- so that they need no index of their own. `announced`: the order itself was heard of and answered.
create table inventory_reservations (
  order_id bigint primary key,
  shop_id bigint not null,
  state text not null,
  needs text not null,
  announced boolean not null,
  taken_by bigint,
  ended_by bigint
);

-- The ledger: one row per order and step, or per edit of one thing. What an order moved stands in its reservation.
create table inventory_movements (
  id bigint primary key,
  shop_id bigint not null,
  kind text not null,
  order_id bigint,
  stock_id bigint,
  quantity bigint not null,
  at bigint not null,
  principal text not null,
  reason text not null
);
