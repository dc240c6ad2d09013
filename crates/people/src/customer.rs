//! A customer: orders, asks again, changes their mind, or goes away.

use std::time::Duration;

use serde_json::{Value, json};

use crate::book::{Book, Wish};
use crate::curious::{self, Placed, device};
use crate::menu::Menu;
use crate::net::{Ask, Net};
use crate::whims::Whims;
use crate::{TRIES, insist, insist_counting, leaf};

/// Lives one customer's life.
pub async fn customer(net: Net, book: Book, menu: Menu, number: u64) {
    let world = net.world.clone();
    let key = format!("a customer's key, number {number:04}").replace(' ', "-");
    let by_card = world.happens(750);
    let declined = by_card && world.happens(120);
    let lines: Vec<(String, String, i64)> = (0..world.between(1, 3))
        .map(|_| {
            let (item, sizes) = menu.any(&world);
            (item, sizes, i64::try_from(world.between(1, 3)).unwrap_or(1))
        })
        .collect();
    let token = match world.happens(500) {
        true => device(&net, &format!("customer-{number:04}")).await,
        false => None,
    };
    let card = match declined {
        true if world.happens(500) => "tok_insufficient_funds",
        true => "tok_declined",
        false => "tok_visa",
    };
    let payment = if by_card { json!({ "method": "card", "card_token": card }) } else { json!({ "method": "cash" }) };
    let wanted: Vec<Value> =
        lines.iter().map(|(item, size, quantity)| json!({ "item": item, "size": size, "quantity": quantity })).collect();
    let pickup = world.happens(400);
    // The name is the key, so that an order of which nobody was told can be led back to whoever wished it.
    let mut contact = json!({ "name": key, "phone": "+1 555 0100" });
    if !pickup {
        contact["address"] = json!("ул. Длинная, 1");
    }
    if world.happens(300) {
        contact["email"] = json!("zoya@example.org");
    }
    let tip = if world.happens(200) { 150 } else { 0 };
    let mut body = json!({
        "lines": wanted,
        "fulfilment": if pickup { "pickup" } else { "delivery" },
        "payment": payment,
        "contact": contact,
        "tip_minor": tip,
    });
    // Some say what they want to pay instead of what it costs.
    let cheats = world.happens(60);
    if cheats {
        body["expected_total_minor"] = json!(1);
    }
    let wish = Wish { key: key.clone(), lines, pickup, tip, card: by_card.then_some(declined) };
    book.wished(&wish);
    book.count("wishes");
    let mut ask = Ask::post("/v1/orders", &key, body.clone());
    ask.token.clone_from(&token);
    let doubles = world.happens(100);
    if doubles {
        // A double click: the twin goes its own way, and its answer must be the same.
        let (twin, book, ask, key) = (net.clone(), book.clone(), ask.clone(), key.clone());
        world.spawn("twin", async move {
            if let Some(answer) = insist(&twin, ask, TRIES).await
                && answer.status == 201
            {
                book.acknowledged(&key, &answer.body);
            }
        });
    }
    // Some vanish before they know.
    let tries = if world.happens(60) { 1 } else { TRIES };
    let Some((mut answer, mut asked)) = insist_counting(&net, ask.clone(), tries).await else {
        book.count("gave up");
        return book.doubted(&key);
    };
    if answer.status != 201 && world.happens(400) {
        asked += 1;
        // What was refused may be had a little later, under the same key.
        world.sleep(Duration::from_millis(world.below(30_000))).await;
        match insist(&net, ask, tries).await {
            Some(later) => answer = later,
            None => return book.doubted(&key),
        }
    }
    if answer.status == 201 && cheats {
        book.wrong(format!("MoneyIsConserved: {key} was taken for what its client wanted to pay: {}", answer.body));
    }
    if answer.status != 201 {
        book.count(refusal(answer.code()));
        if answer.status < 400 || answer.code().is_empty() {
            book.wrong(format!("an order was answered with {} {}", answer.status, answer.body));
        }
        // Of several requests one may have been carried out although another was refused.
        return if asked == 1 && !doubles { book.refused(&key) } else { book.doubted(&key) };
    }
    book.acknowledged(&key, &answer.body);
    book.count("placed");
    let token = token.or(answer.device.clone());
    let id = answer.body["order_id"].as_str().unwrap_or_default().to_owned();
    if let Some(token) = &token {
        let placed = Placed { key: &key, body: &body, id: &id, token };
        match world.below(12) {
            0 => curious::other_body(&net, &book, &placed).await,
            1 => curious::same_key(&net, &book, &placed, number).await,
            2 => curious::list(&net, &book, &placed).await,
            _ => {}
        }
    }
    if let (Some(token), true) = (&token, world.happens(150)) {
        regular(&net, &book, &wish, &body, token, &id).await;
    }
    // Some change their mind at once, while the stock is set aside and the card is charged.
    let longest = if world.happens(400) { 300 } else { 40_000 };
    world.sleep(Duration::from_millis(world.below(longest))).await;
    if let (Some(token), true) = (&token, world.happens(250)) {
        cancel(&net, &book, &key, token, &id).await;
    }
    if let (Some(token), true) = (&token, world.happens(300)) {
        let read = net.send(Ask::get(format!("/v1/orders/{id}")).by(token)).await;
        if let Some(answer) = read.filter(|answer| answer.status == 404 || answer.status == 403) {
            book.wrong(format!("NobodyElsesData: {id} is not shown to whoever placed it: {}", answer.body));
        }
    }
    if world.happens(100) {
        curious::strange(&net, &book, &id, number).await;
    }
}

/// Orders the same again and again, and then looks whether all of it stands in the list of their orders.
async fn regular(net: &Net, book: &Book, wish: &Wish, body: &Value, token: &str, first: &str) {
    let mut placed = vec![first.to_owned()];
    for time in 0..net.world.between(1, 3) {
        let key = format!("again-{time}-{}", wish.key);
        let wish = Wish { key: key.clone(), ..wish.clone() };
        let mut body = body.clone();
        body["contact"]["name"] = json!(key);
        book.wished(&wish);
        match insist_counting(net, Ask::post("/v1/orders", &key, body).by(token), TRIES).await {
            Some((answer, _)) if answer.status == 201 => {
                book.acknowledged(&key, &answer.body);
                placed.push(answer.body["order_id"].as_str().unwrap_or_default().to_owned());
                book.count("placed again");
            }
            Some((_, 1)) => book.refused(&key),
            _ => book.doubted(&key),
        }
    }
    leaf::own(net, book, token, &placed).await;
}

fn refusal(code: &str) -> &'static str {
    match code {
        "item_unavailable" | "variant_unavailable" => "refused: sold out",
        "item_retired" => "refused: off the menu",
        "shop_closed" => "refused: closed",
        "idempotency_key_reused" => "refused: key reused",
        _ => "refused: other",
    }
}

async fn cancel(net: &Net, book: &Book, key: &str, token: &str, id: &str) {
    // The same key may be used for another thing: it is bound to what it is used for.
    let own = if net.world.happens(300) { key.to_owned() } else { format!("cancel-{key}") };
    let ask = Ask::post(format!("/v1/orders/{id}/cancel"), own, json!({ "reason": "передумал" })).by(token);
    match insist(net, ask, TRIES).await {
        Some(answer) if answer.status == 201 || answer.code() == "idempotency_key_reused" => {
            book.wrong(format!(
                "EffectsHappenOnce: what {key} was answered elsewhere is answered to a cancellation: {}",
                answer.body
            ));
        }
        Some(answer) if answer.status == 200 => {
            book.count("cancelled");
            book.cancelled(key);
        }
        Some(_) => book.count("cancelled too late"),
        None => book.count("cancelled in doubt"),
    }
}
