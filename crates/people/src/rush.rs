//! A rush: all want the same thing at once, and the little that is left of it is thrown away and found again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::book::Book;
use crate::menu::Menu;
use crate::net::{Ask, Net};
use crate::whims::Whims;
use crate::{TRIES, insist};

/// How often something is thrown away, or found again, while they come.
const DEEDS: u64 = 24;

/// Counts down what all will want, and takes from it and adds to it from the moment at which they come.
pub async fn shelf(net: Net, book: Book, menu: Menu, comes: Duration) {
    let Some(slug) = menu.wanted() else { return };
    let world = net.world.clone();
    world.sleep(comes / 2).await;
    // Now and then so little is left only of what is above the mark: the next ones bring it down just to the mark.
    let (left, above) = (i64::try_from(world.between(1, 6)).unwrap_or(2), world.happens(300));
    let count = |level: &Value| left + level["low_at"].as_i64().filter(|_| above).unwrap_or(0);
    if edit(&net, slug, "count", 0, count).await.is_some() {
        book.count("shelves nearly empty");
    }
    world.sleep(comes / 2).await;
    for round in 0..DEEDS {
        world.sleep(Duration::from_millis(world.below(25))).await;
        if world.happens(400) {
            receive(&net, &book, slug, round).await;
            continue;
        }
        let available = |level: &Value| level["available"].as_i64().unwrap_or(1);
        let part = |level: &Value| 1 + i64::try_from(world.below(available(level).unsigned_abs())).unwrap_or(0);
        if let Some((quantity, certain)) = edit(&net, slug, "waste", round, part).await {
            book.wasted(slug, quantity, certain);
        }
    }
}

/// Puts a little back on the shelf.
async fn receive(net: &Net, book: &Book, slug: &str, round: u64) {
    let quantity = i64::try_from(net.world.between(1, 3)).unwrap_or(1);
    let body = json!({ "receipts": [{ "slug": slug, "quantity": quantity }], "reason": "нашлось" });
    let ask = Ask::post("/v1/stock/receipts", format!("shelf-receipt-{round}"), body).by(net.staff());
    match insist(net, ask, TRIES).await {
        Some(answer) if answer.status < 300 => book.received(slug, quantity, true),
        Some(answer) => book.wrong(format!("EffectsHappenOnce: a receipt was refused: {}", answer.body)),
        None => book.received(slug, quantity, false),
    }
}

/// Edits a level; gives the quantity and whether it was answered, or none if it was refused.
async fn edit(net: &Net, slug: &str, verb: &str, round: u64, part: impl Fn(&Value) -> i64) -> Option<(i64, bool)> {
    let level = insist(net, Ask::get(format!("/v1/stock/{slug}")).by(net.staff()), 4).await?.body;
    let (id, version) = (level["stock_id"].as_str()?, level["version"].as_i64()?);
    level["available"].as_i64().filter(|available| *available > 0)?;
    let quantity = part(&level);
    let body = json!({ "quantity": quantity, "version": version, "reason": "на полке" });
    let ask = Ask::post(format!("/v1/stock/{id}/{verb}"), format!("shelf-{verb}-{round}"), body).by(net.staff());
    match insist(net, ask, TRIES).await {
        Some(answer) if answer.status == 200 => Some((quantity, true)),
        Some(_) => None,
        None => Some((quantity, false)),
    }
}
