-- What is known of orders that were dropped because they ended long ago: how many, and what they cost. The statistics
-- count them for ever.
create table orders_closed (
    id bigint primary key,
    shop_id bigint not null,
    state text not null,
    orders bigint not null,
    total_minor bigint not null
);
