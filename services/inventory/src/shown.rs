//! Domain to contract.

use inventory_api as api;

use crate::domain::Needs;
use crate::store::{Movement, Reservation, Shown};

pub fn level(shown: &Shown) -> api::Level {
    let Shown { level, name, unit } = shown;
    api::Level {
        stock_id: level.stock_id.0,
        shop_id: level.shop_id.0,
        slug: level.slug.clone(),
        name: name.0.clone(),
        unit: unit.clone(),
        available: level.available,
        reserved: level.reserved,
        consumed: level.consumed,
        received: level.received,
        corrected: level.corrected,
        wasted: level.wasted,
        low_at: level.low_at,
        low: level.low,
        version: level.version,
    }
}

fn needs(needs: &Needs) -> Vec<api::Need> {
    needs.iter().map(|(stock_id, quantity)| api::Need { stock_id: stock_id.0, quantity: *quantity }).collect()
}

pub fn reservation(reservation: &Reservation) -> api::Reservation {
    api::Reservation {
        order_id: reservation.order_id.0,
        shop_id: reservation.shop_id.0,
        state: reservation.state.word().to_owned(),
        needs: needs(&reservation.needs),
    }
}

pub fn movement(movement: &Movement) -> api::Movement {
    api::Movement {
        movement_id: movement.id,
        kind: movement.kind.clone(),
        needs: needs(&movement.needs),
        order_id: movement.order_id.map_or(0, |order| order.0),
        at: movement.at.micros(),
        principal: movement.principal.clone(),
        reason: movement.reason.clone(),
    }
}
