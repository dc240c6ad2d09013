//! Given an item, when staff do something, then this.

use base::id::{CategoryId, ItemId, ShopId, StockId};
use base::{Principal, Texts, Timestamp};
use catalog_api::events::PriceChange;
use serde_json::json;

use super::*;

pub(crate) fn shop() -> Shop {
    Shop {
        id: ShopId(1),
        slug: "main".to_owned(),
        name: Texts::en_ru("Main", "Главная"),
        time_zone: "Europe/Moscow".to_owned(),
        currency: "RUB".to_owned(),
        languages: vec!["en".to_owned(), "ru".to_owned()],
        tax_rate_bp: 2_000,
        tax_included: true,
        delivery_fee_minor: 0,
        opening: Vec::new(),
        version: 1,
    }
}

pub(crate) fn category() -> Category {
    Category {
        id: CategoryId(10),
        shop: ShopId(1),
        slug: "classic".to_owned(),
        kind: Kind::Dish,
        name: Texts::en_ru("Classic", "Классика"),
        attributes: vec![
            Attribute { slug: "spicy".to_owned(), name: Texts::en_ru("Spicy", "Острая"), values: Values::Bool },
            Attribute { slug: "weight_g".to_owned(), name: Texts::en_ru("Weight", "Вес"), values: Values::Integer },
            Attribute {
                slug: "sauce".to_owned(),
                name: Texts::en_ru("Sauce", "Соус"),
                values: Values::Choice([("pesto".to_owned(), Texts::en_ru("Pesto", "Песто"))].into()),
            },
        ],
        created_at: Timestamp(0),
        version: 1,
    }
}

pub(crate) fn variant(size: &str, price_minor: i64, percent: i64) -> Variant {
    let needs = vec![
        Need { stock: StockId(1), quantity: scaled(250, percent) },
        Need { stock: StockId(2), quantity: scaled(55, percent) },
    ];
    Variant { size: size.to_owned(), price_minor, percent, needs, sold_out: false }
}

pub(crate) fn draft() -> Draft {
    Draft {
        slug: "margherita".to_owned(),
        category: "classic".to_owned(),
        kind: None,
        name: Texts::en_ru("Margherita 🍕", "Маргарита 🍕"),
        description: Texts::en_ru("Basil", "Базилик"),
        attributes: [
            ("spicy".to_owned(), json!(false)),
            ("weight_g".to_owned(), json!(450)),
            ("sauce".to_owned(), json!("pesto")),
        ]
        .into(),
        variants: vec![variant("S", 1_100, 70), variant("M", 1_450, 100)],
        steps: vec![Step { station: "oven".to_owned(), seconds: 400, celsius: 280 }],
        tax_rate_bp: 2_000,
    }
}

fn act() -> Act {
    Act::of(&Principal::platform("test"), "edit", "почему бы нет", Timestamp(5))
}

pub(crate) fn item() -> Item {
    let (mut item, said) = Item::create(ItemId(7), draft(), &shop(), Some(&category()), act()).unwrap();
    assert_eq!(said, [Said::Created]);
    item.version = 1;
    item
}

fn edited(edit: impl FnOnce(&mut Draft)) -> Draft {
    let mut draft = draft();
    edit(&mut draft);
    draft
}

fn change(draft: Draft) -> Result<(Item, Vec<Said>), Error> {
    item().change(draft, 1, &shop(), Some(&category()), act())
}

#[test]
fn a_new_price_a_new_size_and_a_size_that_is_gone_are_said() {
    let (after, said) =
        change(edited(|draft| draft.variants = vec![variant("M", 1_500, 100), variant("L", 2_000, 140)])).unwrap();
    let price = |size: &str, before_minor, after_minor| PriceChange { size: size.to_owned(), before_minor, after_minor };
    let changes = vec![price("S", Some(1_100), None), price("M", Some(1_450), Some(1_500)), price("L", None, Some(2_000))];
    assert_eq!(said, [Said::Changed, Said::Prices(changes)]);
    assert_eq!(after.from_minor(), 1_500);
}

#[test]
fn an_edit_without_a_price_says_no_price() {
    let (after, said) = change(edited(|draft| draft.name = Texts::en_ru("Queen", "Королева"))).unwrap();
    assert_eq!(said, [Said::Changed]);
    assert_eq!((after.name.get("ru"), after.acts.len()), ("Королева", 2));
}

#[test]
fn a_stale_edit_is_refused_and_tells_the_version() {
    for version in [0, 2] {
        let refused = item().change(draft(), version, &shop(), Some(&category()), act()).unwrap_err();
        assert_eq!(refused, Error::Stale { current: 1 });
        assert_eq!(refused.fault().details["current_version"], 1);
        assert_eq!(item().retire(version, act()).unwrap_err(), Error::Stale { current: 1 });
        assert_eq!(item().set_availability(version, "", false, act()).unwrap_err(), Error::Stale { current: 1 });
    }
}

#[test]
fn an_edit_leaves_what_is_sold_out_as_it_was() {
    let (mut sold_out, said) = item().set_availability(1, "M", false, act()).unwrap();
    assert_eq!(said, [Said::Availability("M".to_owned(), false)]);
    sold_out.version = 2;
    let (after, _) = sold_out.change(draft(), 2, &shop(), Some(&category()), act()).unwrap();
    assert!(after.variant("M").unwrap().sold_out && !after.variant("S").unwrap().sold_out);
}

#[test]
fn what_is_so_already_is_not_said_again() {
    assert_eq!(item().set_availability(1, "", true, act()).unwrap().1, []);
    let (mut retired, said) = item().retire(1, act()).unwrap();
    assert_eq!(said, [Said::Retired]);
    retired.version = 2;
    assert_eq!(retired.retire(1, act()).unwrap().1, [], "retiring twice is not an error");
    assert_eq!(retired.change(draft(), 2, &shop(), Some(&category()), act()).unwrap_err(), Error::Retired);
    assert_eq!(retired.set_availability(2, "", true, act()).unwrap_err().fault().code, "item_retired");
}

#[test]
fn acts_are_kept_and_bounded() {
    let mut item = item();
    for _ in 0..120 {
        item = item.change(draft(), item.version, &shop(), Some(&category()), act()).unwrap().0;
    }
    assert_eq!(item.acts.len(), 50);
    assert_eq!(item.acts[49].principal, "platform:test");
}

#[test]
fn every_broken_rule_is_told_at_its_field() {
    type Edit = fn(&mut Draft);
    let cases: &[(&str, Edit)] = &[
        ("slug", |draft| draft.slug = "Маргарита".to_owned()),
        ("slug", |draft| draft.slug = "x".repeat(65)),
        ("slug", |draft| draft.slug = "another".to_owned()),
        ("category", |draft| draft.category = "unknown".to_owned()),
        ("kind", |draft| draft.kind = Some(Kind::Goods)),
        ("name.ru", |draft| draft.name = Texts::of("en", "Only")),
        ("name.ru", |draft| draft.name = Texts::en_ru("x", "  ")),
        ("name.de", |draft| drop(draft.name.0.insert("de".to_owned(), "Königin".to_owned()))),
        ("name.en", |draft| draft.name = Texts::en_ru("x".repeat(201), "x")),
        ("name.en", |draft| draft.name = Texts::en_ru("a\u{7}b", "x")),
        ("description.en", |draft| draft.description = Texts::of("en", "x".repeat(1_001))),
        ("attributes.spicy", |draft| drop(draft.attributes.remove("spicy"))),
        ("attributes.spicy", |draft| drop(draft.attributes.insert("spicy".to_owned(), json!("yes")))),
        ("attributes.weight_g", |draft| drop(draft.attributes.insert("weight_g".to_owned(), json!(4.5)))),
        ("attributes.sauce", |draft| drop(draft.attributes.insert("sauce".to_owned(), json!("mud")))),
        ("attributes.colour", |draft| drop(draft.attributes.insert("colour".to_owned(), json!("red")))),
        ("variants", |draft| draft.variants.clear()),
        ("variants", |draft| draft.variants = vec![variant("M", 1, 100), variant("M", 2, 100)]),
        ("variants", |draft| draft.variants = (0..21).map(|size| variant(&size.to_string(), 1, 100)).collect()),
        ("variants[0].size", |draft| draft.variants[0].size = "больше".to_owned()),
        ("variants[0].price_minor", |draft| draft.variants[0].price_minor = -1),
        ("variants[0].price_minor", |draft| draft.variants[0].price_minor = 1_000_000_001),
        ("variants[0].percent", |draft| draft.variants[0].percent = -5),
        ("variants[0].needs", |draft| draft.variants[0].needs = vec![Need { stock: StockId(1), quantity: 1 }; 2]),
        ("variants[0].needs", |draft| {
            draft.variants[0].needs = (1..=101).map(|id| Need { stock: StockId(id), quantity: 1 }).collect()
        }),
        ("variants[0].needs[0].quantity", |draft| draft.variants[0].needs[0].quantity = 0),
        ("variants[0].needs[0].stock_id", |draft| draft.variants[0].needs[0].stock = StockId(0)),
        ("steps", |draft| draft.steps.clear()),
        ("steps", |draft| draft.steps = vec![draft.steps[0].clone(); 21]),
        ("steps[0].seconds", |draft| draft.steps[0].seconds = i64::MAX),
        ("steps[0].celsius", |draft| draft.steps[0].celsius = 5_000),
        ("steps[0].station", |draft| draft.steps[0].station = String::new()),
        ("tax_rate_bp", |draft| draft.tax_rate_bp = -1),
    ];
    for (field, edit) in cases {
        let draft = edited(*edit);
        let known = (draft.category == "classic").then(category);
        match item().change(draft, 1, &shop(), known.as_ref(), act()) {
            Err(Error::Bad(What::Item, problems)) => {
                assert!(problems.iter().any(|problem| problem.field == *field), "{field}: {problems:?}");
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    let all = edited(|draft| (draft.slug, draft.tax_rate_bp, draft.steps) = (String::new(), -1, Vec::new()));
    assert_eq!(change(all).unwrap_err().fault().details["count"], 4, "all at once");
}

#[test]
fn a_long_reason_is_refused() {
    let long = Act { reason: "я".repeat(501), ..act() };
    assert_eq!(item().retire(1, long).unwrap_err().fault().code, "bad_item");
}

#[test]
fn shops_categories_and_options_have_rules_too() {
    let bad_shop = |edit: fn(&mut Shop)| {
        let mut shop = shop();
        edit(&mut shop);
        shop.check(Some(&super::tests::shop())).unwrap_err().fault().code
    };
    assert!(shop().check(None).is_ok());
    assert_eq!(bad_shop(|shop| shop.time_zone = "Mars/Base".to_owned()), "bad_shop");
    assert_eq!(bad_shop(|shop| shop.currency = "USD".to_owned()), "bad_shop");
    assert_eq!(bad_shop(|shop| shop.languages.clear()), "bad_shop");
    assert_eq!(bad_shop(|shop| shop.languages.push("русский".to_owned())), "bad_shop");
    assert_eq!(bad_shop(|shop| shop.delivery_fee_minor = -1), "bad_shop");
    assert_eq!(bad_shop(|shop| shop.opening = vec![Vec::new()]), "bad_shop");
    assert_eq!(bad_shop(|shop| shop.opening = vec![vec![Interval { opens_minute: 700, closes_minute: 600 }]; 7]), "bad_shop");

    assert!(category().check(&shop()).is_ok());
    let twice = Category { attributes: vec![category().attributes[0].clone(); 2], ..category() };
    assert_eq!(twice.check(&shop()).unwrap_err().fault().code, "bad_category");

    let extra = Extra {
        id: 1,
        shop: ShopId(1),
        slug: "cheese".to_owned(),
        name: Texts::en_ru("Cheese", "Сыр"),
        price_minor: 150,
        categories: vec!["classic".to_owned()],
        needs: Vec::new(),
        without: Vec::new(),
        version: 0,
    };
    assert!(extra.check(&shop(), &[category()]).is_ok());
    assert_eq!(extra.check(&shop(), &[]).unwrap_err().fault().code, "bad_option");
    assert!(Extra { categories: Vec::new(), ..extra }.check(&shop(), &[category()]).is_err());
}
