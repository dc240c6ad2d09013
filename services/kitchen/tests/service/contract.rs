use host::testing::guest;

use super::*;

fn code(status: &tonic::Status) -> String {
    wire::fault_of(status.clone()).code
}

#[tokio::test]
async fn stations_are_listed_changed_and_guarded_by_their_version() {
    let platform = kitchen(&[]).await;
    let mut reader = KitchenClient::new(platform.channel("kitchen", staff()));
    let stations = reader.list_stations(api::ListStationsRequest { shop_id: 1 }).await.unwrap().into_inner().stations;
    assert_eq!(stations.iter().map(|station| station.slug.as_str()).collect::<Vec<_>>(), ["prep", "oven", "pass"]);

    let wider =
        api::PutStationRequest { station: Some(api::Station { places: 3, ..stations[1].clone() }), reason: "a new oven".into() };
    let mut writer = KitchenClient::new(platform.writing("kitchen", staff(), "wider", "3"));
    let changed = writer.put_station(wider.clone()).await.unwrap().into_inner();
    assert_eq!((changed.places, changed.version), (3, 2));
    let again = writer.put_station(wider).await.unwrap().into_inner();
    assert_eq!(again, changed, "a repeat of the request gets the same answer");
    let stale =
        api::PutStationRequest { station: Some(api::Station { places: 4, ..stations[1].clone() }), reason: String::new() };
    let refused = KitchenClient::new(platform.writing("kitchen", staff(), "stale", "4")).put_station(stale).await.unwrap_err();
    assert_eq!(code(&refused), "stale_version");

    let acts = platform.ctx("kitchen").store().acts(i64::MAX, 10).await.unwrap();
    assert_eq!(acts.len(), 1, "what the platform seeds is nobody's act");
    assert_eq!((acts[0].act.as_str(), acts[0].reason.as_str()), ("put_station", "a new oven"));
}

#[tokio::test]
async fn the_platform_seeds_a_wider_kitchen_for_a_bench() {
    let platform = Platform::start_set([kitchen::service()], &[("kitchen_places", "50")]).await;
    assert_eq!(put(&platform, "oven", "oven", 12).await.places, 600);
}

#[tokio::test]
async fn nobody_but_the_shops_staff_sees_or_changes_the_kitchen() {
    let platform = kitchen(&[]).await;
    platform.say("orders", &created(1, vec![pizzas(1)])).await;
    platform.settled().await;
    let elsewhere = Principal::Staff { staff: base::id::StaffId(9), shop: ShopId(2) };
    for (principal, seen, put) in [
        (guest(1), "staff_only", "staff_only"),
        (Principal::Nobody, "token_needed", "token_needed"),
        (elsewhere, "ticket_not_found", "staff_only"),
    ] {
        let mut client = KitchenClient::new(platform.channel("kitchen", principal));
        assert_eq!(code(&client.get_ticket(api::GetTicketRequest { order_id: 1 }).await.unwrap_err()), seen);
        assert_eq!(
            code(&client.list_tickets(api::ListTicketsRequest { shop_id: 1, ..Default::default() }).await.unwrap_err()),
            put
        );
        assert_eq!(code(&client.list_stations(api::ListStationsRequest { shop_id: 1 }).await.unwrap_err()), put);
        assert_eq!(
            code(&client.put_settings(api::Settings { shop_id: 1, time_scale: 2.0, ..Default::default() }).await.unwrap_err()),
            put
        );
        let station = api::Station { shop_id: 1, slug: "x".into(), kind: "x".into(), places: 1, ..Default::default() };
        assert_eq!(
            code(
                &client.put_station(api::PutStationRequest { station: Some(station), reason: String::new() }).await.unwrap_err()
            ),
            put
        );
        let refused = client.break_station(api::StationRequest { station_id: 1, reason: String::new() }).await.unwrap_err();
        assert_eq!(code(&refused), if seen == "ticket_not_found" { "station_not_found" } else { seen });
    }
}

#[tokio::test]
async fn a_time_scale_is_set_once_per_version_and_must_make_sense() {
    let platform = kitchen(&[]).await;
    let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
    let set = |time_scale, version| api::Settings { shop_id: 1, time_scale, version, reason: "rush".into(), by_hand: None };
    assert_eq!(client.put_settings(set(60.0, 0)).await.unwrap().into_inner().version, 1);
    assert_eq!(code(&client.put_settings(set(70.0, 0)).await.unwrap_err()), "stale_version");
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(code(&client.put_settings(set(bad, 1)).await.unwrap_err()), "bad_time_scale");
    }
    assert_eq!(client.get_settings(api::GetSettingsRequest { shop_id: 1 }).await.unwrap().into_inner().time_scale, 60.0);
}

#[tokio::test]
async fn open_tickets_are_listed_by_age_and_by_station() {
    let platform = kitchen(&[]).await;
    platform.say("orders", &created(2, vec![pizzas(1)])).await;
    platform.say("orders", &created(1, vec![dishes(1, &[("prep", 60, 0)])])).await;
    platform.settled().await;
    platform.say("payments", &paid(2, "card")).await;
    platform.settled().await;
    let list = async |kind: &str| {
        let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
        let request = api::ListTicketsRequest { shop_id: 1, station_kind: kind.to_owned(), ..Default::default() };
        client.list_tickets(request).await.unwrap().into_inner().tickets
    };
    let all = list("").await;
    assert_eq!(
        all.iter().map(|ticket| (ticket.order_id, ticket.state.as_str())).collect::<Vec<_>>(),
        [(1, "waiting"), (2, "cooking")]
    );
    assert_eq!(list("oven").await.iter().map(|ticket| ticket.order_id).collect::<Vec<_>>(), [2]);
    assert!(list("grill").await.is_empty());
    let dish = &all[1].dishes[0];
    assert_eq!(
        (dish.slug.as_str(), dish.size.as_str(), dish.options[0].as_str(), dish.state.as_str()),
        ("margherita", "M", "extra cheese", "prepared")
    );
    assert_eq!((dish.steps[1].station_kind.as_str(), dish.steps[1].celsius), ("oven", 300));
    assert_eq!(dish.steps[2].ends_at - dish.steps[0].starts_at, 520_000_000);
}

#[tokio::test]
async fn open_tickets_are_leafed_through_page_by_page() {
    let platform = kitchen(&[]).await;
    for order in 1..=5 {
        platform.say("orders", &created(order, vec![dishes(1, &[(if order == 3 { "prep" } else { "oven" }, 60, 0)])])).await;
        platform.say("payments", &paid(order, "card")).await;
    }
    platform.settled().await;
    let leafed = async |kind: &str, limit: u32| {
        let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
        let (mut pages, mut after) = (Vec::new(), String::new());
        loop {
            let station_kind = kind.to_owned();
            let request = api::ListTicketsRequest { shop_id: 1, limit, station_kind, after };
            let list = client.list_tickets(request).await.unwrap().into_inner();
            pages.push(list.tickets.iter().map(|ticket| ticket.order_id).collect::<Vec<_>>());
            after = list.next;
            if after.is_empty() {
                return pages;
            }
        }
    };
    assert_eq!(leafed("", 2).await, [vec![1, 2], vec![3, 4], vec![5]]);
    assert_eq!(leafed("", 5).await, [vec![1, 2, 3, 4, 5], vec![]], "whether more come is seen on the next page only");
    assert_eq!(leafed("oven", 2).await, [vec![1, 2], vec![4, 5], vec![]]);
    assert_eq!(leafed("", 0).await, [vec![1, 2, 3, 4, 5]]);
    let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
    let made_up = api::ListTicketsRequest { shop_id: 1, after: "the next one".to_owned(), ..Default::default() };
    assert_eq!(code(&client.list_tickets(made_up).await.unwrap_err()), "bad_page");
}
