//! Through the client, over the local wire.

use base::id::{ShopId, StaffId};
use base::{Fault, Principal};
use host::testing::{guest, staff};
use inventory_api as api;

use crate::{add, ledger_agrees, level, platform, read, terms, write};

fn edit(level: &api::Level, quantity: i64, version: i64) -> api::EditRequest {
    api::EditRequest { stock_id: level.stock_id, quantity, version, reason: "by hand".into() }
}

fn code<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) -> Fault {
    wire::fault_of(answer.unwrap_err())
}

#[tokio::test]
async fn s1_i01_stock_is_received_counted_and_written_off() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 1_000, 100).await;
    let after = write(&platform, "r", "").receive(edit(&flour, 500, 0)).await.unwrap().into_inner();
    assert_eq!((after.available, after.received, after.version), (1_500, 1_500, 2));
    let after = write(&platform, "c", "").count(edit(&flour, 1_480, 2)).await.unwrap().into_inner();
    assert_eq!((after.available, after.corrected), (1_480, -20));
    let after = write(&platform, "w", "").waste(edit(&flour, 80, 3)).await.unwrap().into_inner();
    assert_eq!((after.available, after.wasted), (1_400, 80));
    assert_eq!(terms(&platform, flour.stock_id).await, (1_400, 0, 0));
    assert_eq!(ledger_agrees(&platform).await, 4);

    let request = api::ListMovementsRequest { shop_id: 1, stock_id: flour.stock_id, ..Default::default() };
    let movements = read(&platform, staff()).list_movements(request).await.unwrap().into_inner().movements;
    let seen: Vec<_> =
        movements.iter().map(|m| (m.kind.as_str(), m.needs[0].quantity, m.principal.as_str(), m.reason.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("waste", -80, "staff:1:1", "by hand"),
            ("count", -20, "staff:1:1", "by hand"),
            ("receive", 500, "staff:1:1", "by hand"),
            ("receive", 1_000, "staff:1:1", "opening"),
        ]
    );
    let acts = platform.ctx("inventory").store().acts(i64::MAX, 10).await.unwrap();
    let acts: Vec<_> = acts.iter().map(|act| act.act.as_str()).collect();
    assert_eq!(acts, ["waste_stock", "count_stock", "receive_stock", "add_stock_item"]);
    let said = platform.heard("stock.changed", 3).await;
    assert!(said.iter().all(|event| event.key == flour.stock_id));
}

#[tokio::test]
async fn s1_i03_an_edit_of_old_figures_is_refused() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 1_000, 0).await;
    write(&platform, "1", "").count(edit(&flour, 900, 1)).await.unwrap();
    assert_eq!(code(write(&platform, "2", "").count(edit(&flour, 950, 1)).await).code, "stale_version");
    assert_eq!(code(write(&platform, "3", "").waste(edit(&flour, 1, 1)).await).code, "stale_version");
    assert_eq!(code(write(&platform, "4", "").receive(edit(&flour, 1, 1)).await).code, "stale_version");
    assert_eq!(code(write(&platform, "5", "").waste(edit(&flour, 1, 0)).await).code, "version_missing");
    assert_eq!(terms(&platform, flour.stock_id).await, (900, 0, 0));
}

#[tokio::test]
async fn a_request_that_is_repeated_happens_once() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 0, 0).await;
    let first = write(&platform, "same", "10").receive(edit(&flour, 10, 0)).await.unwrap().into_inner();
    let again = write(&platform, "same", "10").receive(edit(&flour, 10, 0)).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(code(write(&platform, "same", "11").receive(edit(&flour, 11, 0)).await).code, "idempotency_key_reused");
    assert_eq!(level(&platform, flour.stock_id).await.received, 10);
    assert_eq!(
        code(
            write(&platform, "other", "")
                .add_item(api::AddItemRequest {
                    shop_id: 1,
                    slug: "flour".into(),
                    name: [("en".into(), "x".into())].into(),
                    unit: "g".into(),
                    ..Default::default()
                })
                .await
        )
        .code,
        "stock_exists"
    );
}

#[tokio::test]
async fn only_the_shops_staff_sees_and_changes_stock() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 10, 0).await;
    let other = Principal::Staff { staff: StaffId(9), shop: ShopId(2) };
    for (who, expected) in [(guest(5), "staff_only"), (Principal::Nobody, "token_needed"), (other, "stock_not_found")] {
        let mut client = read(&platform, who.clone());
        assert_eq!(
            code(client.get_level(api::GetLevelRequest { stock_id: flour.stock_id, ..Default::default() }).await).code,
            expected
        );
        assert_eq!(code(client.receive(edit(&flour, 1, 0)).await).code, expected);
        assert_eq!(code(client.waste(edit(&flour, 1, 1)).await).code, expected);
        let expected = if expected == "stock_not_found" { "staff_only" } else { expected };
        assert_eq!(code(client.list_levels(api::ListLevelsRequest { shop_id: 1, ..Default::default() }).await).code, expected);
        assert_eq!(code(client.add_item(api::AddItemRequest { shop_id: 1, ..Default::default() }).await).code, expected);
        assert_eq!(code(client.receive_many(api::ReceiveManyRequest { shop_id: 1, ..Default::default() }).await).code, expected);
        assert_eq!(code(client.reserve(api::ReserveRequest { order_id: 1, shop_id: 1, needs: vec![] }).await).code, expected);
        assert_eq!(code(client.check_ledger(api::CheckLedgerRequest { shop_id: 1 }).await).code, expected);
        assert_eq!(
            code(client.list_movements(api::ListMovementsRequest { shop_id: 1, ..Default::default() }).await).code,
            expected
        );
    }
    assert_eq!(terms(&platform, flour.stock_id).await, (10, 0, 0));
}

#[tokio::test]
async fn levels_come_in_pages_and_many_receipts_in_one_commit() {
    let platform = platform().await;
    for slug in ["cheese", "flour", "oil"] {
        add(&platform, slug, 5, 10).await;
    }
    let receipt = |slug: &str, quantity| api::Receipt { slug: slug.into(), quantity };
    let many = |receipts| api::ReceiveManyRequest { shop_id: 1, receipts, reason: "delivery".into() };
    let refused = write(&platform, "bad", "").receive_many(many(vec![receipt("oil", 5), receipt("nothing", 1)])).await;
    assert_eq!(code(refused).code, "stock_not_found");
    write(&platform, "good", "")
        .receive_many(many(vec![receipt("oil", 5), receipt("flour", 2), receipt("oil", 5)]))
        .await
        .unwrap();

    let ask = |low_only, after: &str| api::ListLevelsRequest { shop_id: 1, low_only, after: after.into(), limit: 2 };
    let page = read(&platform, staff()).list_levels(ask(false, "")).await.unwrap().into_inner();
    assert_eq!((page.levels.len(), page.next.as_str()), (2, "flour"));
    let page = read(&platform, staff()).list_levels(ask(false, &page.next)).await.unwrap().into_inner();
    assert_eq!((page.levels.len(), page.next.as_str(), page.levels[0].available, page.levels[0].low), (1, "", 15, false));
    let low = read(&platform, staff()).list_levels(ask(true, "")).await.unwrap().into_inner();
    let slugs: Vec<_> = low.levels.iter().map(|level| level.slug.as_str()).collect();
    assert_eq!(slugs, ["cheese", "flour"]);
    assert_eq!(low.levels[0].name["ru"], "Сыр 🧀");
}

#[tokio::test]
async fn the_ledger_shows_what_was_changed_behind_its_back() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 10, 0).await;
    let id = flour.stock_id;
    platform.tamper("inventory", "update inventory_levels set available = 11 where id = $1", vec![id.into()]).await;
    let answer = read(&platform, staff()).check_ledger(api::CheckLedgerRequest { shop_id: 1 }).await.unwrap().into_inner();
    assert_eq!(answer.differences, [api::Difference { stock_id: id, column: "available".into(), kept: 11, computed: 10 }]);
}
