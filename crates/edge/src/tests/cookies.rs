//! A browser whose cookie does not count here is helped out of it.

use base::PlatformKey;

use super::*;

fn kept(token: &str) -> String {
    format!("theme=dark; {}={token}", device::COOKIE)
}

fn taken_away(answer: &Answer) -> bool {
    answer.headers.get("set-cookie").is_some_and(|cookie| {
        let cookie = cookie.to_str().unwrap();
        cookie.starts_with("comanda_device=;") && cookie.contains("Max-Age=0") && cookie.contains("Path=/")
    })
}

#[tokio::test]
async fn a_stale_cookie_is_taken_away_and_its_owner_is_a_new_visitor() {
    let house = House::new().await;
    let foreign = device::token(&PlatformKey::new(&[9; 32]), DeviceId(5), Timestamp(0));
    for token in [foreign.as_str(), "made.up.token", "", "\u{442}"] {
        let cookie = kept(token);
        let stale = [("cookie", cookie.as_str()), ("idempotency-key", "a-key-that-is-long-enough")];
        let open = house.get("/healthz", &stale).await;
        assert_eq!(open.status, 200, "{token}: {}", open.text);
        let closed = house.get("/v1/orders", &stale).await;
        assert_eq!(closed.status, 401, "{token}");
        if token.is_ascii() {
            assert_eq!(closed.code(), "token_unknown", "{token}");
            assert!(taken_away(&open) && taken_away(&closed), "{token}");
            assert!(taken_away(&house.get("/v1/board", &stale).await), "{token}");
        }
        let made = house.send("POST", "/v1/devices", &stale, Body::empty()).await;
        assert_eq!(made.status, 201, "{token}: {}", made.text);
        assert!(!taken_away(&made), "the new cookie stands: {:?}", made.headers);
        let fresh = kept(made.json()["token"].as_str().unwrap());
        let again = house.get("/v1/orders", &[("cookie", &fresh)]).await;
        assert_eq!((again.code().as_str(), taken_away(&again)), ("service_unreachable", false));
    }
}

#[tokio::test]
async fn a_good_cookie_counts_beside_a_stale_one_and_a_bad_token_is_a_plain_error() {
    let house = House::new().await;
    let own = device::token(house.edge.key(), DeviceId(5), Timestamp(0));
    let both = format!("{}; {}={own}", kept("made.up.token"), device::COOKIE);
    let answer = house.get("/v1/orders", &[("cookie", &both)]).await;
    assert_eq!((answer.code().as_str(), taken_away(&answer)), ("service_unreachable", false));
    let cookie = kept("made.up.token");
    let answer = house.get("/healthz", &[("authorization", "Bearer nonsense"), ("cookie", &cookie)]).await;
    assert_eq!((answer.code().as_str(), answer.headers.contains_key("set-cookie")), ("token_unknown", false));
}
