//! Between the contract's messages and the domain's types; what cannot be read becomes a problem at its field.

use base::id::{CategoryId, Id, ItemId, ShopId, StockId};
use base::{Texts, Timestamp};
use catalog_api as api;

use crate::domain::{
    Attribute, Category, Draft, Error, Extra, Interval, Item, Kind, Need, Problem, Shop, Step, Values, Variant, What,
};

fn texts(map: impl IntoIterator<Item = (String, String)>) -> Texts {
    Texts(map.into_iter().collect())
}

fn bad(what: What, field: impl Into<String>, rule: &'static str) -> Error {
    Error::Bad(what, vec![Problem { field: field.into(), rule }])
}

/// Shows what one of something takes from stock.
pub fn needs_shown(needs: &[Need]) -> Vec<api::Need> {
    needs.iter().map(|need| api::Need { stock_id: need.stock.number(), quantity: need.quantity }).collect()
}

fn needs(needs: Vec<api::Need>) -> Vec<Need> {
    needs.into_iter().map(|need| Need { stock: StockId(need.stock_id), quantity: need.quantity }).collect()
}

/// Shows the steps of a recipe.
pub fn steps_shown(steps: &[Step]) -> Vec<api::Step> {
    steps.iter().map(|step| api::Step { station: step.station.clone(), seconds: step.seconds, celsius: step.celsius }).collect()
}

/// Reads what staff write of an item.
pub fn draft(item: api::Item) -> Result<Draft, Error> {
    let kind = match item.kind.as_str() {
        "" => None,
        word => Some(Kind::parse(word).ok_or_else(|| bad(What::Item, "kind", "must be dish or goods"))?),
    };
    let value = |(slug, json): (String, String)| match serde_json::from_str(&json) {
        Ok(value) => Ok((slug, value)),
        Err(_) => Err(bad(What::Item, format!("attributes.{}", slug.chars().take(64).collect::<String>()), "is not JSON")),
    };
    let variant = |variant: api::Variant| Variant {
        size: variant.size,
        price_minor: variant.price_minor,
        percent: if variant.percent == 0 { 100 } else { variant.percent },
        needs: needs(variant.needs),
        sold_out: variant.sold_out,
    };
    Ok(Draft {
        slug: item.slug,
        category: item.category,
        kind,
        name: texts(item.name),
        description: texts(item.description),
        attributes: item.attributes.into_iter().map(value).collect::<Result<_, _>>()?,
        variants: item.variants.into_iter().map(variant).collect(),
        steps: item
            .steps
            .into_iter()
            .map(|step| Step { station: step.station, seconds: step.seconds, celsius: step.celsius })
            .collect(),
        tax_rate_bp: item.tax_rate_bp,
    })
}

/// Shows an item, without its acts.
pub fn item_shown(item: &Item) -> api::Item {
    let variant = |variant: &Variant| api::Variant {
        size: variant.size.clone(),
        price_minor: variant.price_minor,
        needs: needs_shown(&variant.needs),
        sold_out: variant.sold_out,
        percent: variant.percent,
    };
    api::Item {
        item_id: item.id.0,
        shop_id: item.shop.0,
        slug: item.slug.clone(),
        kind: item.kind.word().to_owned(),
        category: item.category.clone(),
        name: item.name.0.clone().into_iter().collect(),
        description: item.description.0.clone().into_iter().collect(),
        attributes: item.attributes.iter().map(|(slug, value)| (slug.clone(), value.to_string())).collect(),
        variants: item.variants.iter().map(variant).collect(),
        steps: steps_shown(&item.steps),
        tax_rate_bp: item.tax_rate_bp,
        available: item.available,
        retired: item.retired,
        version: item.version,
        from_minor: item.from_minor(),
        created_at: item.created_at.micros(),
        changed_at: item.changed_at.micros(),
        acts: Vec::new(),
    }
}

/// Shows who did what to an item, and why.
pub fn acts_shown(item: &Item) -> Vec<api::Act> {
    let shown = |act: &crate::domain::Act| api::Act {
        at: act.at.micros(),
        principal: act.principal.clone(),
        act: act.act.clone(),
        reason: act.reason.clone(),
    };
    item.acts.iter().map(shown).collect()
}

/// Reads a category.
pub fn category(category: api::Category, id: CategoryId, now: Timestamp) -> Result<Category, Error> {
    let kind = Kind::parse(&category.kind).ok_or_else(|| bad(What::Category, "kind", "must be dish or goods"))?;
    let attribute = |attribute: api::Attribute| {
        let values = match attribute.kind.as_str() {
            "bool" => Values::Bool,
            "integer" => Values::Integer,
            "choice" => Values::Choice(attribute.choices.into_iter().map(|(slug, choice)| (slug, texts(choice.name))).collect()),
            _ => return Err(bad(What::Category, "attributes", "must be bool, integer or choice")),
        };
        Ok(Attribute { slug: attribute.slug, name: texts(attribute.name), values })
    };
    Ok(Category {
        id,
        shop: ShopId(category.shop_id),
        slug: category.slug,
        kind,
        name: texts(category.name),
        attributes: category.attributes.into_iter().map(attribute).collect::<Result<_, _>>()?,
        created_at: now,
        version: 0,
    })
}

/// Shows a category.
pub fn category_shown(category: &Category) -> api::Category {
    let attribute = |attribute: &Attribute| {
        let (kind, choices) = match &attribute.values {
            Values::Bool => ("bool", None),
            Values::Integer => ("integer", None),
            Values::Choice(choices) => ("choice", Some(choices)),
        };
        let named =
            |(slug, name): (&String, &Texts)| (slug.clone(), api::ChoiceName { name: name.0.clone().into_iter().collect() });
        api::Attribute {
            slug: attribute.slug.clone(),
            kind: kind.to_owned(),
            name: attribute.name.0.clone().into_iter().collect(),
            choices: choices.into_iter().flatten().map(named).collect(),
        }
    };
    api::Category {
        category_id: category.id.0,
        shop_id: category.shop.0,
        slug: category.slug.clone(),
        kind: category.kind.word().to_owned(),
        name: category.name.0.clone().into_iter().collect(),
        attributes: category.attributes.iter().map(attribute).collect(),
    }
}

/// Reads an option.
pub fn extra(extra: api::Extra, id: ItemId) -> Extra {
    Extra {
        id: id.0,
        shop: ShopId(extra.shop_id),
        slug: extra.slug,
        name: texts(extra.name),
        price_minor: extra.price_minor,
        categories: extra.categories,
        needs: needs(extra.needs),
        without: extra.without.into_iter().map(StockId).collect(),
        version: 0,
    }
}

/// Shows an option.
pub fn extra_shown(extra: &Extra) -> api::Extra {
    api::Extra {
        slug: extra.slug.clone(),
        name: extra.name.0.clone().into_iter().collect(),
        price_minor: extra.price_minor,
        categories: extra.categories.clone(),
        needs: needs_shown(&extra.needs),
        without: extra.without.iter().map(|stock| stock.0).collect(),
        shop_id: extra.shop.0,
    }
}

/// Reads a shop.
pub fn shop(shop: api::Shop) -> Shop {
    let interval = |span: api::Interval| Interval { opens_minute: span.opens_minute, closes_minute: span.closes_minute };
    Shop {
        id: ShopId(shop.shop_id),
        slug: shop.slug,
        name: texts(shop.name),
        time_zone: shop.time_zone,
        currency: shop.currency,
        languages: shop.languages,
        tax_rate_bp: shop.tax_rate_bp,
        tax_included: shop.tax_included,
        delivery_fee_minor: shop.delivery_fee_minor,
        opening: shop.opening.into_iter().map(|day| day.intervals.into_iter().map(interval).collect()).collect(),
        version: shop.version,
    }
}

/// Shows a shop.
pub fn shop_shown(shop: &Shop) -> api::Shop {
    let interval = |span: &Interval| api::Interval { opens_minute: span.opens_minute, closes_minute: span.closes_minute };
    api::Shop {
        shop_id: shop.id.0,
        slug: shop.slug.clone(),
        name: shop.name.0.clone().into_iter().collect(),
        time_zone: shop.time_zone.clone(),
        currency: shop.currency.clone(),
        languages: shop.languages.clone(),
        tax_rate_bp: shop.tax_rate_bp,
        tax_included: shop.tax_included,
        delivery_fee_minor: shop.delivery_fee_minor,
        opening: shop.opening.iter().map(|day| api::Day { intervals: day.iter().map(interval).collect() }).collect(),
        version: shop.version,
    }
}
