use base::id::{ShopId, StaffId};
use base::{Kind, Principal};
use catalog_api as api;
use catalog_api::events::{AvailabilityChanged, PriceChanged};

use crate::code;
use crate::house::{House, names, pizza, said, shop};

fn change(item: api::Item) -> api::ChangeItemRequest {
    api::ChangeItemRequest { item: Some(item), reason: "dearer flour".to_owned() }
}

fn create(item: api::Item) -> api::CreateItemRequest {
    api::CreateItemRequest { item: Some(item), reason: String::new() }
}

#[tokio::test]
async fn an_item_is_made_read_changed_and_retired() {
    let house = House::open().await;
    let made = house.make(pizza("yolka", "Yolka 🎄", "Ёлка 🎄", 1_000)).await;
    assert_eq!((made.version, made.kind.as_str(), made.available, made.from_minor), (1, "dish", true, 1_000));

    let read =
        said(house.guest().get_item(api::GetItemRequest { slug: "yolka".to_owned(), shop_id: 1, item_id: 0 }).await).unwrap();
    assert_eq!(read, made, "a guest sees all but the acts");
    assert_eq!(read.name["ru"], "Ёлка 🎄");

    let mut edit = made.clone();
    edit.variants[0].price_minor = 1_100;
    let changed = said(house.writer().change_item(change(edit)).await).unwrap();
    assert_eq!((changed.version, changed.from_minor), (2, 1_100));
    assert_eq!(house.quote("yolka", "M", &[]).await.unwrap().unit_minor, 1_100, "the next quote has it");

    let retire = api::RetireItemRequest { item_id: made.item_id, version: 2, reason: "out of season".to_owned() };
    assert!(said(house.writer().retire_item(retire).await).unwrap().retired);
    let fault = house.quote("yolka", "M", &[]).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("item_retired", Kind::Refused));

    let by_staff = house
        .client_of(host::testing::staff())
        .get_item(api::GetItemRequest { item_id: made.item_id, ..Default::default() })
        .await;
    let acts: Vec<_> = said(by_staff).unwrap().acts.into_iter().map(|act| (act.principal, act.act, act.reason)).collect();
    let act = |act: &str, reason: &str| ("staff:1:1".to_owned(), act.to_owned(), reason.to_owned());
    assert_eq!(acts, [act("create", "new"), act("change", "dearer flour"), act("retire", "out of season")]);

    for (event, count) in [("item.created", 1), ("item.changed", 1), ("price.changed", 1), ("item.retired", 1)] {
        assert_eq!(house.platform.events(event).await.len(), count, "{event}");
    }
    let prices: PriceChanged = house.platform.events("price.changed").await[0].read().unwrap();
    assert_eq!((prices.changes[0].before_minor, prices.changes[0].after_minor, prices.version), (Some(1_000), Some(1_100), 2));
}

#[tokio::test]
async fn a_stale_edit_is_refused_with_the_current_version() {
    let house = House::open().await;
    let made = house.make(pizza("a", "A", "А", 1_000)).await;
    said(house.writer().change_item(change(made.clone())).await).unwrap();
    let fault = said(house.writer().change_item(change(made.clone())).await).unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Conflict, "stale_version"));
    assert_eq!(fault.details["current_version"], 2);
    let stale = api::RetireItemRequest { item_id: made.item_id, version: 1, ..Default::default() };
    assert_eq!(code(house.writer().retire_item(stale).await), "stale_version");
    let mut shop = shop();
    shop.version = 7;
    assert_eq!(
        code(house.writer().change_shop(api::ChangeShopRequest { shop: Some(shop), ..Default::default() }).await),
        "stale_version"
    );
}

#[tokio::test]
async fn of_two_edits_of_one_version_one_wins() {
    let house = House::open().await;
    let made = house.make(pizza("a", "A", "А", 1_000)).await;
    let (mut one, mut two) = (house.writer(), house.writer());
    let (first, second) = tokio::join!(one.change_item(change(made.clone())), two.change_item(change(made.clone())));
    let codes: Vec<_> = [said(first), said(second)].into_iter().filter_map(Result::err).map(|fault| fault.code).collect();
    assert_eq!(codes, ["stale_version"]);
}

#[tokio::test]
async fn a_repeat_gets_the_same_answer_and_another_body_a_conflict() {
    let house = House::open().await;
    let first = said(house.writer_with("k", "1").create_item(create(pizza("a", "A", "А", 1_000))).await).unwrap();
    let again = said(house.writer_with("k", "1").create_item(create(pizza("a", "A", "А", 1_000))).await).unwrap();
    assert_eq!(first, again);
    assert_eq!(
        code(house.writer_with("k", "2").create_item(create(pizza("b", "B", "Б", 1_000))).await),
        "idempotency_key_reused"
    );
    assert_eq!(house.platform.events("item.created").await.len(), 1);
    assert_eq!(code(house.writer().create_item(create(pizza("a", "A", "А", 1_000))).await), "slug_taken");
}

#[tokio::test]
async fn what_cannot_be_had_is_not_sold() {
    let house = House::open().await;
    let made = house.make(pizza("a", "A", "А", 1_000)).await;
    let set = |version, size: &str, available| api::SetAvailabilityRequest {
        item_id: made.item_id,
        version,
        available,
        size: size.to_owned(),
        reason: "the oven is full".to_owned(),
    };
    assert!(said(house.writer().set_availability(set(1, "L", false)).await).unwrap().variants[1].sold_out);
    assert_eq!(house.quote("a", "L", &[]).await.unwrap_err().code, "item_unavailable");
    assert!(house.quote("a", "M", &[]).await.is_ok());
    said(house.writer().set_availability(set(2, "", false)).await).unwrap();
    assert_eq!(house.quote("a", "M", &[]).await.unwrap_err().code, "item_unavailable");
    said(house.writer().set_availability(set(3, "", true)).await).unwrap();
    assert_eq!(house.quote("a", "M", &["cheese"]).await.unwrap().unit_minor, 1_150);
    let same = said(house.writer().set_availability(set(4, "", true)).await).unwrap();
    assert_eq!(same.version, 4, "what is so already changes nothing");
    assert_eq!(code(house.writer().set_availability(set(4, "XXL", true)).await), "bad_item");
    let events = house.platform.events("availability.changed").await;
    assert_eq!(events.len(), 3);
    let first: AvailabilityChanged = events[0].read().unwrap();
    assert_eq!((first.size.as_str(), first.available), ("L", false));
}

#[tokio::test]
async fn bad_input_is_refused_and_named() {
    let house = House::open().await;
    let mut writer = house.writer();
    let mut bad = pizza("Пицца", "A", "", -5);
    bad.attributes.insert("spicy".to_owned(), "{".to_owned());
    let fault = said(writer.create_item(create(bad.clone())).await).unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Invalid, "bad_item"));
    bad.attributes.insert("spicy".to_owned(), "1".to_owned());
    let fault = said(writer.create_item(create(bad)).await).unwrap_err();
    let fields: Vec<_> = fault.details["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["field"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(fields, ["slug", "name.ru", "variants[0].price_minor", "attributes.spicy"]);
    assert_eq!(code(writer.create_item(api::CreateItemRequest::default()).await), "bad_item");
    assert_eq!(code(writer.change_item(change(api::Item { item_id: 99, ..pizza("a", "A", "А", 1) })).await), "item_not_found");
    assert_eq!(code(house.guest().get_item(api::GetItemRequest { item_id: 99, ..Default::default() }).await), "item_not_found");
    assert_eq!(
        code(house.guest().get_item(api::GetItemRequest { shop_id: 1, slug: "нет 🍕".to_owned(), item_id: 0 }).await),
        "item_not_found"
    );
    assert_eq!(
        code(house.guest().list_items(api::ListItemsRequest { shop_id: 42, ..Default::default() }).await),
        "shop_not_found"
    );
    let category = api::Category {
        shop_id: 1,
        slug: "classic".to_owned(),
        kind: "dish".to_owned(),
        name: names("x", "x"),
        ..Default::default()
    };
    let made = |category| api::CreateCategoryRequest { category: Some(category), reason: String::new() };
    assert_eq!(code(writer.create_category(made(category.clone())).await), "slug_taken");
    assert_eq!(code(writer.create_category(made(api::Category { kind: "soup".to_owned(), ..category })).await), "bad_category");
    let option = api::Extra {
        shop_id: 1,
        slug: "cheese".to_owned(),
        name: names("x", "x"),
        categories: vec!["classic".to_owned()],
        ..Default::default()
    };
    let made = |option| api::CreateOptionRequest { option: Some(option), reason: String::new() };
    assert_eq!(code(writer.create_option(made(option.clone())).await), "slug_taken");
    assert_eq!(code(writer.create_option(made(api::Extra { price_minor: -1, ..option })).await), "bad_option");
    let huge = api::QuoteRequest {
        shop_id: 1,
        lines: vec![api::LineRequest { slug: "a".to_owned(), quantity: 1, ..Default::default() }; 10_000],
    };
    assert_eq!(code(house.guest().quote(huge).await), "too_many_lines");
}

#[tokio::test]
async fn only_the_shops_own_staff_writes() {
    let house = House::open().await;
    let made = house.make(pizza("a", "A", "А", 1_000)).await;
    let elsewhere = Principal::Staff { staff: StaffId(2), shop: ShopId(2) };
    for (who, expected) in
        [(Principal::Nobody, "token_needed"), (host::testing::guest(1), "staff_only"), (elsewhere, "staff_only")]
    {
        let mut client = house.client_of(who);
        assert_eq!(code(client.create_item(create(pizza("b", "B", "Б", 1))).await), expected);
        assert_eq!(code(client.change_item(change(made.clone())).await), expected);
        assert_eq!(
            code(client.retire_item(api::RetireItemRequest { item_id: made.item_id, version: 1, ..Default::default() }).await),
            expected
        );
        assert_eq!(
            code(
                client
                    .set_availability(api::SetAvailabilityRequest { item_id: made.item_id, version: 1, ..Default::default() })
                    .await
            ),
            expected
        );
        assert_eq!(code(client.change_shop(api::ChangeShopRequest { shop: Some(shop()), ..Default::default() }).await), expected);
        let category = api::Category { shop_id: 1, ..Default::default() };
        assert_eq!(
            code(client.create_category(api::CreateCategoryRequest { category: Some(category), ..Default::default() }).await),
            expected
        );
        let option = api::Extra { shop_id: 1, ..Default::default() };
        assert_eq!(
            code(client.create_option(api::CreateOptionRequest { option: Some(option), ..Default::default() }).await),
            expected
        );
        let shown = said(client.get_item(api::GetItemRequest { item_id: made.item_id, ..Default::default() }).await).unwrap();
        assert!(shown.acts.is_empty(), "who did what is for the shop's staff");
    }
    let staff_of_new = house.client_of(Principal::Staff { staff: StaffId(1), shop: ShopId(9) });
    let new = api::Shop { shop_id: 9, ..shop() };
    assert_eq!(
        code({ staff_of_new }.change_shop(api::ChangeShopRequest { shop: Some(new), ..Default::default() }).await),
        "platform_only"
    );
}

#[tokio::test]
async fn the_menu_of_the_product_goes_in_by_the_contract() {
    let menu = catalog::seed::parse_menu(catalog::seed::MENU).unwrap();
    let house = House::open().await;
    let category = |category: &catalog::seed::Category| api::Category {
        shop_id: 1,
        slug: format!("{}_2", category.slug),
        kind: category.kind.clone(),
        name: category.name.0.clone(),
        attributes: category
            .attributes
            .iter()
            .map(|attribute| api::Attribute {
                slug: attribute.slug.clone(),
                kind: attribute.kind.clone(),
                name: attribute.name.0.clone(),
                choices: attribute
                    .choices
                    .iter()
                    .map(|choice| (choice.slug.clone(), api::ChoiceName { name: choice.name.0.clone() }))
                    .collect(),
            })
            .collect(),
        ..Default::default()
    };
    for one in &menu.categories {
        let request = api::CreateCategoryRequest { category: Some(category(one)), reason: "seed".to_owned() };
        said(house.writer().create_category(request).await).unwrap();
    }
    for item in &menu.items {
        let variant = |variant: &catalog::seed::Variant| api::Variant {
            size: variant.size.clone(),
            price_minor: variant.price_minor,
            percent: menu.percent(&variant.size),
            needs: menu
                .needs(item, &variant.size)
                .iter()
                .enumerate()
                .map(|(id, need)| api::Need { stock_id: id as i64 + 1, quantity: need.1 })
                .collect(),
            sold_out: false,
        };
        let steps = item.steps.iter().map(|step| api::Step {
            station: step.station.clone(),
            seconds: step.seconds,
            celsius: step.celsius,
        });
        house
            .make(api::Item {
                shop_id: 1,
                slug: item.slug.clone(),
                kind: item.kind.clone(),
                category: format!("{}_2", item.category),
                name: item.name.0.clone(),
                description: item.description.0.clone(),
                attributes: item.attributes_json(),
                variants: item.variants.iter().map(variant).collect(),
                steps: steps.collect(),
                tax_rate_bp: menu.shop.tax_rate_bp,
                ..Default::default()
            })
            .await;
    }
    let page = said(
        house.guest().list_items(api::ListItemsRequest { shop_id: 1, text: "томат".to_owned(), ..Default::default() }).await,
    )
    .unwrap();
    assert!(page.items.len() > 3);
    assert_eq!(said(house.guest().list_categories(api::ListCategoriesRequest { shop_id: 1 }).await).unwrap().categories.len(), 8);
    assert_eq!(said(house.guest().list_options(api::ListOptionsRequest { shop_id: 1 }).await).unwrap().options.len(), 1);
}

#[tokio::test]
async fn the_menu_is_there_after_a_crash() {
    let house = House::open().await;
    let made = house.make(pizza("a", "A", "А", 1_000)).await;
    let platform = house.platform.crash_and_restart([catalog::service()], std::collections::BTreeMap::new()).await;
    let house = House { platform };
    assert_eq!(house.quote("a", "L", &[]).await.unwrap().item_id, made.item_id);
    assert_eq!(house.platform.events("item.created").await.len(), 1);
}
