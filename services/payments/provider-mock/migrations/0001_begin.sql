create table provider_charges (
    id bigint primary key,
    key text not null unique,
    token text not null,
    capture boolean not null,
    order_reference text not null,
    amount_minor bigint not null,
    currency text not null,
    state text not null,
    reason text not null,
    captured_minor bigint not null,
    refunded_minor bigint not null,
    at bigint not null
);

create table provider_operations (
    id bigint primary key,
    key text not null unique,
    charge_id bigint not null,
    kind text not null,
    amount_minor bigint not null,
    at bigint not null
);

-- What people have set, as JSON; one row.
create table provider_settings (
    id bigint primary key,
    body text not null
);
