-- Figures belong to a generation. A rebuild fills the next one from the log while events are added to both, and then
-- takes its place. `epoch` changes when a rebuild begins or ends, so that no commit is decided on the wrong side of it.
create table analytics_state (
  id bigint primary key,
  generation bigint not null,
  building bigint not null,
  epoch bigint not null
);
insert into analytics_state (id, generation, building, epoch) values (1, 1, 0, 1);

create table analytics_shops (id bigint primary key, time_zone text not null, currency text not null);

create table analytics_counts (
  generation bigint not null,
  shop_id bigint not null,
  kind text not null,
  events bigint not null,
  primary key (generation, shop_id, kind)
);

-- `step` is minute, day, month, all (one row), or door: deliveries by the minute in which they happened, for an hour.
create table analytics_series (
  generation bigint not null,
  shop_id bigint not null,
  step text not null,
  at text not null,
  orders bigint not null,
  delivered bigint not null,
  cancelled bigint not null,
  revenue_minor bigint not null,
  refunded_minor bigint not null,
  primary key (generation, shop_id, step, at)
);

create table analytics_items (
  generation bigint not null,
  shop_id bigint not null,
  month text not null,
  slug text not null,
  size text not null,
  quantity bigint not null,
  revenue_minor bigint not null,
  primary key (generation, shop_id, month, slug, size)
);

create table analytics_cooking (
  generation bigint not null,
  shop_id bigint not null,
  up_to_ms bigint not null,
  orders bigint not null,
  total_ms bigint not null,
  longest_ms bigint not null,
  primary key (generation, shop_id, up_to_ms)
);

-- Orders that were placed and have not ended, or ended before their placing was heard of.
create table analytics_orders (
  generation bigint not null,
  order_id bigint not null,
  body text not null,
  primary key (generation, order_id)
);

-- How far a rebuild has come: of each source the place up to which it replays, and what was heard ahead of that.
create table analytics_replays (source text primary key, seq bigint not null, cut bigint not null);
create table analytics_replays_ahead (source text not null, seq bigint not null, primary key (source, seq));
