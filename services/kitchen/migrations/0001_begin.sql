-- A ticket per order: its id is the order's. `is_open` tells whether somebody still has something to do for it.
create table kitchen_tickets (
  id bigint primary key,
  shop_id bigint not null,
  ticket_id bigint not null,
  state bigint not null,
  is_open boolean not null,
  lines text not null,
  starts_at bigint not null,
  ready_at bigint not null,
  time_scale double precision not null,
  reason text not null,
  version bigint not null
);
-- Only open tickets are listed, so the index stays as small as the kitchen is busy.
create index kitchen_tickets_open on kitchen_tickets (shop_id, id) where is_open;
-- One row per shop: its version guards every booking, so a burst of orders is booked by one commit.
create table kitchen_floors (
  id bigint primary key,
  version bigint not null,
  time_scale double precision not null,
  settings_version bigint not null,
  stations text not null,
  free_at text not null
);
