-- What messages need to know of an order; no name, no address: who wants mail is asked for when mail is written.
create table notifications_orders (
  order_id bigint primary key,
  shop_id bigint not null,
  device_id bigint,
  language text not null,
  has_email boolean not null,
  pickup boolean not null,
  currency text not null,
  at bigint not null
);

-- A message is a template and what fills it; words are put to it when it is read. `nth` tells refunds of one order apart.
create table notifications_messages (
  id bigint primary key,
  order_id bigint not null,
  template text not null,
  nth bigint not null,
  device_id bigint,
  params text not null,
  at bigint not null,
  expires_at bigint not null,
  read_at bigint,
  unique (order_id, template, nth)
);
create index notifications_messages_device on notifications_messages (device_id, id) where device_id is not null;
