//! `MoneyIsConserved`: orders, payments, their movements and the provider's books tell the same story.

use super::{check, dropped, still_to_hear};
use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[
    check!(
        MoneyIsConserved, "total_is_not_the_sum", ["orders_events", "orders_orders"],
        "The order costs {total_minor}; its lines and charges add up to {sum_minor}.",
        "with sums as (select e.order_id, json_extract(e.data, '$.total_minor') as frozen_minor,
             coalesce((select sum(json_extract(l.value, '$.quantity') * json_extract(l.value, '$.unit_minor')) from json_each(e.data, '$.lines') l), 0)
             + coalesce((select sum(json_extract(c.value, '$.amount_minor')) from json_each(e.data, '$.charges') c where not json_extract(c.value, '$.included')), 0) as sum_minor
             from orders_events e where e.version = 1)
         select s.order_id, o.total_minor, s.sum_minor from sums s join orders_orders o on o.id = s.order_id
         where s.sum_minor <> o.total_minor or s.frozen_minor <> o.total_minor",
    ),
    check!(
        MoneyIsConserved, "amount_is_not_the_total", ["payments_payments", "orders_orders"],
        "The order costs {total_minor}, its payment is about {amount_minor}.",
        "select p.id as order_id, o.total_minor, p.amount_minor from payments_payments p join orders_orders o on o.id = p.id
         where p.amount_minor <> o.total_minor and p.state <> 'reserved' and not (p.state = 'cancelled' and p.amount_minor = 0)",
    ),
    check!(
        MoneyIsConserved, "delivered_not_paid", ["payments_payments", "orders_orders"],
        "The order was delivered and costs {total_minor}; {taken_minor} was taken and {refunded_minor} given back.",
        concat!(
            "select o.id as order_id, o.total_minor, coalesce(p.taken_minor, 0) as taken_minor, coalesce(p.refunded_minor, 0) as refunded_minor
             from orders_orders o left join payments_payments p on p.id = o.id
             where o.state = 'delivered' and coalesce(p.taken_minor - p.refunded_minor, 0) <> o.total_minor
             and not (p.taken_minor = o.total_minor and exists (select 1 from refund_acts r where r.payment_id = p.id))
             and not (p.id is null and ", dropped!("payments", "o.id"), ") and not ",
            still_to_hear!("payments", "o.id", "'order.delivered'")
        ),
    ),
    check!(
        MoneyIsConserved, "cancelled_not_given_back", ["payments_payments", "orders_orders"],
        "The order was cancelled and costs {fee_minor}; {taken_minor} was taken and {refunded_minor} given back, the payment is {payment}.",
        concat!(
            "select o.id as order_id, coalesce(json_extract(o.ending, '$.fee_minor'), 0) as fee_minor, p.taken_minor, p.refunded_minor, p.state as payment
             from orders_orders o join payments_payments p on p.id = o.id
             where o.state = 'cancelled' and p.taken_minor - p.refunded_minor <> coalesce(json_extract(o.ending, '$.fee_minor'), 0)
             and not ((select at_rest from given) = 0 and p.state in ('requested', 'withdrawing', 'refunding'))
             and not ",
            still_to_hear!("payments", "o.id", "'order.cancelled'")
        ),
    ),
    check!(
        MoneyIsConserved, "taken_for_nothing", ["payments_payments", "orders_orders"],
        "{taken_minor} was taken for an order that is not there.",
        concat!(
            "select p.id as order_id, p.taken_minor from payments_payments p
             where p.taken_minor <> 0 and not exists (select 1 from orders_orders o where o.id = p.id) and not ",
            dropped!("orders", "p.id")
        ),
    ),
    check!(
        MoneyIsConserved, "payment_moving_at_rest", ["payments_payments"],
        "Nothing is on its way any more, and the payment is still {state}.",
        "select p.id as order_id, p.state from payments_payments p where (select at_rest from given) = 1
         and p.state in ('reserved', 'expected', 'requested', 'withdrawing', 'promised', 'refunding')",
    ),
    check!(
        MoneyIsConserved, "movements_differ", ["payments_payments", "payments_transactions"],
        "The payment has taken {taken_minor}, is giving back {refunding_minor} and gave back {refunded_minor}; its movements say {moved_in}, {moving_out} and {moved_out}.",
        "with sums as materialized (select payment_id,
             sum(case when done and kind in ('capture', 'cash') then amount_minor else 0 end) as moved_in,
             sum(case when done and kind in ('refund', 'cash_back') then amount_minor else 0 end) as moved_out,
             sum(case when not done and kind in ('refund', 'cash_back') then amount_minor else 0 end) as moving_out
             from payments_transactions group by payment_id)
         select p.id as order_id, p.taken_minor, p.refunding_minor, p.refunded_minor,
             coalesce(s.moved_in, 0) as moved_in, coalesce(s.moving_out, 0) as moving_out, coalesce(s.moved_out, 0) as moved_out
         from payments_payments p left join sums s on s.payment_id = p.id
         where p.taken_minor <> coalesce(s.moved_in, 0) or p.refunded_minor <> coalesce(s.moved_out, 0) or p.refunding_minor <> coalesce(s.moving_out, 0)",
    ),
    check!(
        MoneyIsConserved, "movement_of_nothing", ["payments_payments", "payments_transactions"],
        "A {kind} of {amount_minor} belongs to no payment.",
        "select t.payment_id as order_id, t.id as transaction_id, t.kind, t.amount_minor from payments_transactions t
         where not exists (select 1 from payments_payments p where p.id = t.payment_id)",
    ),
    check!(
        MoneyIsConserved, "taken_twice", ["payments_transactions"],
        "Money was taken {times} times for one order.",
        "select t.payment_id as order_id, count(*) as times from payments_transactions t where t.kind in ('capture', 'cash') and t.done
         group by t.payment_id having count(*) > 1",
    ),
    check!(
        MoneyIsConserved, "more_back_than_taken", ["payments_payments"],
        "{taken_minor} was taken, {refunded_minor} went back and {refunding_minor} is on its way back.",
        "select p.id as order_id, p.taken_minor, p.refunded_minor, p.refunding_minor from payments_payments p
         where p.refunded_minor + p.refunding_minor > p.taken_minor or min(p.taken_minor, p.refunded_minor, p.refunding_minor, p.fee_minor) < 0",
    ),
    check!(
        MoneyIsConserved, "books_captured_twice", ["provider_charges"],
        "The provider took money {times} times for one order.",
        "select b.payment_id as order_id, count(*) as times from books b where b.captured_minor > 0 and b.payment_id is not null
         group by b.payment_id having count(*) > 1",
    ),
    check!(
        MoneyIsConserved, "books_know_a_stranger", ["provider_charges", "payments_payments"],
        "The provider has moved {captured_minor} with charge {charge}, of which we know nothing.",
        concat!(
            "select b.payment_id as order_id, b.charge, b.captured_minor from books b
             where (b.captured_minor <> 0 or b.refunded_minor <> 0) and b.at < (select now from given)
             and (b.payment_id is null or (not exists (select 1 from payments_payments p where p.id = b.payment_id) and not ",
            dropped!("payments", "b.payment_id"), "))"
        ),
    ),
    check!(
        MoneyIsConserved, "books_disagree", ["provider_charges", "payments_payments"],
        "We say that {ours_minor} is held for the order, the provider's books say {books_minor}.",
        "with theirs as materialized (select payment_id, sum(captured_minor - refunded_minor) as held_minor, max(at) as moved_at from books where payment_id is not null group by payment_id)
         select p.id as order_id, p.taken_minor - p.refunded_minor as ours_minor, coalesce(t.held_minor, 0) as books_minor
         from payments_payments p left join theirs t on t.payment_id = p.id
         where p.taken_minor - p.refunded_minor <> coalesce(t.held_minor, 0) and p.method = 'card'
         and not ((select at_rest from given) = 0 and (p.state in ('requested', 'withdrawing', 'refunding') or coalesce(t.moved_at, 0) >= (select now from given)))",
    ),
    check!(
        MoneyIsConserved, "cash_on_the_way", ["payments_payments", "delivery_deliveries"],
        "The courier took {cash_minor} in cash, payments has {taken_minor}.",
        concat!(
            "select d.id as order_id, d.cash_taken_minor as cash_minor, coalesce(p.taken_minor, 0) as taken_minor
             from delivery_deliveries d left join payments_payments p on p.id = d.id
             where d.cash_taken_minor > 0 and d.cash_taken_minor <> coalesce(p.taken_minor, 0)
             and not (p.id is null and ", dropped!("payments", "d.id"), ") and not ",
            still_to_hear!("payments", "d.id", "'order.delivered'")
        ),
    ),
];
