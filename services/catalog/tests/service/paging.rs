use catalog_api as api;

use crate::code;
use crate::house::{House, pizza, said};

async fn all_pages(house: &House, request: api::ListItemsRequest) -> Vec<String> {
    let mut slugs = Vec::new();
    let mut after = String::new();
    loop {
        let page = said(house.guest().list_items(api::ListItemsRequest { after, ..request.clone() }).await).unwrap();
        slugs.extend(page.items.into_iter().map(|item| item.slug));
        after = page.next;
        if after.is_empty() {
            return slugs;
        }
    }
}

fn list(sort: &str) -> api::ListItemsRequest {
    api::ListItemsRequest { shop_id: 1, sort: sort.to_owned(), limit: 2, ..Default::default() }
}

async fn menu() -> House {
    let house = House::open().await;
    for (slug, en, ru, price) in [
        ("a", "Zebra", "Арбуз", 1_000),
        ("b", "apple", "Ёж", 3_000),
        ("c", "Mango", "Яблоко", 2_000),
        ("d", "mango", "ЕЛЬ 🎄", 2_000),
        ("e", "Banana", "Жук", 500),
    ] {
        house.make(pizza(slug, en, ru, price)).await;
    }
    house
}

#[tokio::test]
async fn pages_are_sorted_by_name_in_each_language_by_price_and_by_age() {
    let house = menu().await;
    let by = |sort: &str, language: &str| {
        let request = api::ListItemsRequest { language: language.to_owned(), ..list(sort) };
        let house = &house;
        async move { all_pages(house, request).await.concat() }
    };
    assert_eq!(by("", "").await, "becda", "English is the shop's first language");
    assert_eq!(by("name", "ru").await, "abdec", "ё is sorted as е, not behind я");
    assert_eq!(by("-name", "en").await, "adceb");
    assert_eq!(by("price", "").await, "eacdb");
    assert_eq!(by("-price", "").await, "bdcae");
    assert_eq!(by("newest", "").await, "edcba");
}

#[tokio::test]
async fn filters_must_all_hold_and_text_is_found_in_any_language() {
    let house = menu().await;
    let found = |edit: fn(&mut api::ListItemsRequest)| {
        let mut request = list("price");
        edit(&mut request);
        let house = &house;
        async move { all_pages(house, request).await.concat() }
    };
    assert_eq!(found(|list| list.min_minor = 2_000).await, "cdb");
    assert_eq!(found(|list| (list.min_minor, list.max_minor) = (600, 2_000)).await, "acd");
    assert_eq!(found(|list| list.text = "ель 🎄".to_owned()).await, "d");
    assert_eq!(found(|list| list.text = "ЁЖ базиликом".to_owned()).await, "b", "words of name and description");
    assert_eq!(found(|list| list.text = "MANGO".to_owned()).await, "cd");
    assert_eq!(found(|list| list.text = "%".to_owned()).await, "");
    assert_eq!(found(|list| list.category = "classic".to_owned()).await, "eacdb");
    assert_eq!(found(|list| list.category = "none".to_owned()).await, "");
}

#[tokio::test]
async fn a_retired_item_leaves_the_list_unless_asked_for() {
    let house = menu().await;
    let item = said(house.guest().get_item(api::GetItemRequest { shop_id: 1, slug: "c".to_owned(), item_id: 0 }).await).unwrap();
    let retire = api::RetireItemRequest { item_id: item.item_id, version: 1, reason: "x".to_owned() };
    said(house.writer().retire_item(retire).await).unwrap();
    assert_eq!(all_pages(&house, list("price")).await.concat(), "eadb");
    assert_eq!(all_pages(&house, api::ListItemsRequest { with_retired: true, ..list("price") }).await.concat(), "eacdb");
}

#[tokio::test]
async fn pages_stay_stable_while_items_come_and_go() {
    let house = menu().await;
    let first = said(house.guest().list_items(list("price")).await).unwrap();
    assert_eq!(first.items.iter().map(|item| item.slug.as_str()).collect::<String>(), "ea");
    house.make(pizza("f", "Cheap", "Дёшево", 1)).await;
    house.make(pizza("g", "Middle", "Середина", 2_500)).await;
    let gone = &first.items[1];
    said(house.writer().retire_item(api::RetireItemRequest { item_id: gone.item_id, version: 1, ..Default::default() }).await)
        .unwrap();
    // The place is behind what was last seen, although that is gone from the list.
    let rest =
        said(house.guest().list_items(api::ListItemsRequest { after: first.next, limit: 200, ..list("price") }).await).unwrap();
    assert_eq!(rest.items.iter().map(|item| item.slug.as_str()).collect::<String>(), "cdgb");
    assert_eq!(all_pages(&house, list("price")).await.concat(), "fecdgb");
}

#[tokio::test]
async fn a_token_counts_for_its_own_list_only() {
    let house = menu().await;
    let token = said(house.guest().list_items(list("price")).await).unwrap().next;
    let mut cut = token.clone();
    cut.truncate(token.len() / 2);
    let other_list = api::ListItemsRequest { after: token.clone(), min_minor: 5, ..list("price") };
    let bad = [
        other_list,
        api::ListItemsRequest { after: token.clone(), ..list("-price") },
        api::ListItemsRequest { after: cut, ..list("price") },
        api::ListItemsRequest { after: "не токен 🍕".to_owned(), ..list("price") },
        api::ListItemsRequest { after: "a".repeat(100_000), ..list("price") },
    ];
    for request in bad {
        assert_eq!(code(house.guest().list_items(request).await), "bad_page_token");
    }
    let good = api::ListItemsRequest { after: token, limit: 7, ..list("price") };
    assert_eq!(said(house.guest().list_items(good).await).unwrap().items.len(), 3, "the page may be larger or smaller");
}

#[tokio::test]
async fn filters_that_make_no_sense_are_refused() {
    let house = menu().await;
    let bad = [
        list("colour"),
        api::ListItemsRequest { language: "de".to_owned(), ..list("name") },
        api::ListItemsRequest { min_minor: -1, ..list("price") },
        api::ListItemsRequest { min_minor: 5, max_minor: 4, ..list("price") },
        api::ListItemsRequest { text: "я".repeat(101), ..list("price") },
        api::ListItemsRequest { text: "a ".repeat(11), ..list("price") },
    ];
    for request in bad {
        assert_eq!(code(house.guest().list_items(request).await), "bad_filter");
    }
}

#[tokio::test]
async fn a_menu_that_is_known_is_not_sent_again() {
    let house = menu().await;
    let first = said(house.guest().list_items(list("")).await).unwrap();
    let known = api::ListItemsRequest { known_version: first.version, ..list("") };
    let again = said(house.guest().list_items(known.clone()).await).unwrap();
    assert!(again.unchanged && again.items.is_empty() && again.version == first.version);
    house.make(pizza("f", "New", "Новая", 1)).await;
    let changed = said(house.guest().list_items(known).await).unwrap();
    assert!(!changed.unchanged && changed.version != first.version && !changed.items.is_empty());
}
