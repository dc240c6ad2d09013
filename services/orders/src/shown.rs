//! Orders as the contract shows them.

use orders_api::events::{Fulfilment, ItemKind, PaymentKind};
use orders_api::{Charge, Contact, Line, Order as Message};

use crate::domain::{Frozen, Order};
use crate::store::Person;

fn word<T: serde::Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Shows an order.
pub fn order(order: &Order, frozen: &Frozen) -> Message {
    let lines = frozen.lines.iter().zip(0..).map(|(line, number)| Line {
        line: number,
        item_id: line.item_id.0,
        slug: line.slug.clone(),
        name: line.name.0.clone(),
        size: line.size.clone(),
        quantity: line.quantity,
        unit_minor: line.unit_minor,
        total_minor: line.total_minor(),
        kind: match line.kind {
            ItemKind::Dish => "dish".to_owned(),
            ItemKind::Goods => "goods".to_owned(),
        },
        options: line.options.clone(),
    });
    let charges = frozen.charges.iter().map(|charge| Charge {
        kind: charge.kind.clone(),
        amount_minor: charge.amount_minor,
        included: charge.included,
        rate_bp: charge.rate_bp,
    });
    Message {
        order_id: order.id.0,
        shop_id: order.shop_id.0,
        state: order.state.word().to_owned(),
        lines: lines.collect(),
        charges: charges.collect(),
        total_minor: order.total_minor,
        currency: frozen.currency.code().to_owned(),
        payment: match frozen.payment {
            PaymentKind::Card => "card".to_owned(),
            PaymentKind::Cash => "cash".to_owned(),
        },
        fulfilment: match frozen.fulfilment {
            Fulfilment::Delivery => "delivery".to_owned(),
            Fulfilment::Pickup => "pickup".to_owned(),
        },
        placed_at: order.placed_at.micros(),
        changed_at: order.changed_at.micros(),
        accepted_at: order.accepted_at.micros(),
        reason: order.ending.as_ref().map(|ending| word(ending.reason)).unwrap_or_default(),
        cancelled_by: order.ending.as_ref().map(|ending| ending.by.clone()).unwrap_or_default(),
        fee_minor: order.ending.as_ref().map_or(0, |ending| ending.fee_minor),
        version: order.version,
        language: frozen.language.clone(),
        reference: frozen.reference.clone(),
        cancellable: order.is_cancellable(),
        contact_id: order.contact_id.map_or(0, |id| id.0),
    }
}

/// Shows the person behind an order.
pub fn person(contact_id: i64, person: Person, erased: bool) -> Contact {
    Contact {
        contact_id,
        name: person.name,
        phone: person.phone,
        email: person.email,
        address: person.address,
        note: person.note,
        erased,
    }
}
