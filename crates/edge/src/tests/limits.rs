//! How much one client may ask, however it calls itself.

use std::net::IpAddr;

use super::*;
use crate::came::Came;

impl House {
    /// Asks from an address; a POST where there is a key.
    async fn from(&self, address: &str, path: &str, key: Option<&str>, headers: &[(&str, &str)]) -> Answer {
        let came = Came(address.parse::<IpAddr>().unwrap());
        let method = if key.is_some() { "POST" } else { "GET" };
        let mut request = Request::builder().method(method).uri(path).extension(came);
        for (name, value) in headers.iter().copied().chain(key.map(|key| ("idempotency-key", key))) {
            request = request.header(name, value);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// Asks until it is put off; gives how often it got an answer.
    async fn exhaust(&self, address: &str, path: &str, key: Option<&str>, headers: &[(&str, &str)]) -> usize {
        for asked in 0..1_000 {
            let answer = self.from(address, path, key, headers).await;
            if answer.status == 429 {
                assert_eq!(answer.code(), "too_many_requests");
                assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
                return asked;
            }
        }
        panic!("{path} is never put off");
    }
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_put_off_and_staff_is_not() {
    let house = House::with(|config| config.requests_per_second = 1.0).await;
    let guest = house.guest();
    let mut put_off = 0;
    for _ in 0..5 {
        let answer = house.get("/healthz", &[("authorization", &guest)]).await;
        if answer.status == 429 {
            assert_eq!(answer.code(), "too_many_requests");
            assert_eq!(answer.headers["retry-after"], "1");
            put_off += 1;
        }
        assert_eq!(house.get("/healthz", &[("authorization", &staff())]).await.status, 200);
    }
    assert!(put_off >= 2, "{put_off}");
}

#[tokio::test]
async fn addresses_are_counted_where_nobody_is_known_and_ipv6_by_its_subscriber() {
    let house = House::with(|config| config.requests_per_second = 1.0).await;
    assert!(house.exhaust("192.0.2.1", "/healthz", None, &[]).await >= 2);
    assert_eq!(house.from("192.0.2.2", "/healthz", None, &[]).await.status, 200);
    house.exhaust("2001:db8:0:1::1", "/healthz", None, &[]).await;
    assert_eq!(house.from("2001:db8:0:1:ffff::2", "/healthz", None, &[]).await.status, 429, "the same /64");
    assert_eq!(house.from("2001:db8:0:2::1", "/healthz", None, &[]).await.status, 200);
    // Whoever tries tokens out is counted as well.
    house.exhaust("192.0.2.3", "/healthz", None, &[("authorization", "Bearer guess")]).await;
    let told = [("x-forwarded-for", "198.51.100.1")];
    assert_eq!(house.from("192.0.2.1", "/healthz", None, &told).await.status, 429, "nobody believes a stranger");
}

#[tokio::test]
async fn new_devices_are_limited_by_address_whoever_asks_for_them() {
    let house = House::with(|config| config.devices_per_second = 0.5).await;
    assert_eq!(house.exhaust("192.0.2.1", "/v1/devices", Some("k"), &[]).await, 1);
    let guest = house.guest();
    let known = [("authorization", guest.as_str())];
    assert_eq!(house.from("192.0.2.1", "/v1/devices", Some("k"), &known).await.status, 429, "a device makes no devices either");
    let order = house.from("192.0.2.1", "/v1/orders", Some("a-key-that-is-long-enough"), &[]).await;
    assert_eq!(order.status, 429, "an order without a token makes a device");
    assert_eq!(house.from("192.0.2.1", "/v1/menu", None, &[]).await.status, 503, "all else goes on: here is no catalogue");
    assert_eq!(house.from("192.0.2.2", "/v1/devices", Some("k"), &[]).await.status, 201);
    let staff = staff();
    assert_eq!(house.from("192.0.2.1", "/v1/devices", Some("k"), &[("authorization", &staff)]).await.status, 201);
}

#[tokio::test]
async fn guests_of_one_address_are_limited_together() {
    let house = House::with(|config| config.requests_per_second = 1.0).await;
    let mut answered = 0;
    for device in 0..40 {
        let guest = format!("Bearer {}", device::token(house.edge.key(), DeviceId(device), Timestamp(0)));
        let answer = house.from("192.0.2.1", "/healthz", None, &[("authorization", &guest)]).await;
        answered += usize::from(answer.status == 200);
    }
    assert!((20..30).contains(&answered), "{answered}");
    let guest = house.guest();
    assert_eq!(house.from("192.0.2.2", "/healthz", None, &[("authorization", &guest)]).await.status, 200);
}

#[tokio::test]
async fn a_trusted_proxy_names_the_client() {
    let house = House::with(|config| {
        config.requests_per_second = 1.0;
        config.trusted_proxies = "10.0.0.0/8".to_owned();
    })
    .await;
    house.exhaust("10.0.0.1", "/healthz", None, &[("x-forwarded-for", "198.51.100.1")]).await;
    let other = [("x-forwarded-for", "198.51.100.1, 198.51.100.2")];
    assert_eq!(house.from("10.0.0.2", "/healthz", None, &other).await.status, 200);
    let made_up = [("x-forwarded-for", "203.0.113.1, 198.51.100.1")];
    assert_eq!(house.from("10.0.0.2", "/healthz", None, &made_up).await.status, 429);
}
