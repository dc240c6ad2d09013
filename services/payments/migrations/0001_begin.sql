-- A payment carries the number of its order: one per order, found by either id, and no second index to keep.
create table payments_payments (
    id bigint primary key,
    shop_id bigint not null,
    device_id bigint,
    method text not null,
    method_id bigint,
    state text not null,
    amount_minor bigint not null,
    currency text not null,
    fee_minor bigint not null,
    taken_minor bigint not null,
    refunding_minor bigint not null,
    refunded_minor bigint not null,
    reason text,
    attempts bigint not null,
    requested_at bigint,
    created_at bigint not null,
    changed_at bigint not null,
    version bigint not null
);

-- Only what is rare is indexed by its state: every order passes through the other states.
create index payments_payments_rare on payments_payments (state, id)
    where state in ('withdrawing', 'refunding', 'refunded', 'failed', 'voided', 'cancelled');

-- Every movement of money, and each refusal of a card. A refund is here before it has happened.
create table payments_transactions (
    id bigint primary key,
    payment_id bigint not null,
    kind text not null,
    amount_minor bigint not null,
    provider_id text not null,
    done boolean not null,
    at bigint not null
);

create index payments_transactions_payment on payments_transactions (payment_id);

-- Tokens of the provider; a method's id is derived from its token. There is no card number in here.
create table payments_methods (
    id bigint primary key,
    kind text not null,
    token text not null,
    hint text not null,
    created_at bigint not null
);
