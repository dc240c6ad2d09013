create table orders_orders (
    id bigint primary key,
    shop_id bigint not null,
    version bigint not null,
    state text not null,
    placed_at bigint not null,
    device_id bigint not null,
    contact_id bigint not null,
    accepted_at bigint not null,
    changed_at bigint not null,
    total_minor bigint not null,
    paid boolean not null,
    ending text
);

create table orders_events (
    id bigint primary key,
    order_id bigint not null,
    version bigint not null,
    at bigint not null,
    data text not null
);

create index orders_events_order on orders_events (order_id, version);

create table orders_items (
    id bigint primary key,
    order_id bigint not null,
    item_id bigint not null,
    size text not null,
    quantity bigint not null,
    total_minor bigint not null
);

create table orders_contacts (
    id bigint primary key,
    order_id bigint not null,
    body text not null,
    erased boolean not null
);

create table orders_mine (
    order_id bigint primary key,
    device_id bigint not null
);

create index orders_mine_device on orders_mine (device_id, order_id);

create table orders_board (
    order_id bigint primary key,
    shop_id bigint not null,
    state text not null
);

create index orders_board_state on orders_board (shop_id, state, order_id);

create table orders_statistics (
    id bigint primary key,
    shop_id bigint not null,
    state text not null,
    orders bigint not null,
    total_minor bigint not null
);
