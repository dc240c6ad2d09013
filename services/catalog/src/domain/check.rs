//! The rules for what staff write, each with the field that breaks it; all are told at once.

use std::collections::{BTreeMap, BTreeSet};

use base::limits::TEXT_BYTES_MAX;
use base::{Currency, ShopClock, Texts};
use serde_json::Value;

use super::{Category, Draft, Error, Extra, Kind, Need, Shop, Values, What};

const PRICE_MAX: i64 = 1_000_000_000;
const NAME_LETTERS_MAX: usize = 200;
const VARIANTS_MAX: usize = 20;
const STEPS_MAX: usize = 20;
const NEEDS_MAX: usize = 100;
const ATTRIBUTES_MAX: usize = 50;
const CHOICES_MAX: usize = 200;
const LANGUAGES_MAX: usize = 10;
const STEP_SECONDS_MAX: i64 = 86_400;
const TAX_RATE_BP_MAX: i64 = 10_000;
const PERCENT_MAX: i64 = 10_000;
const SPANS_PER_DAY_MAX: usize = 10;

/// A rule that is broken, at a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, such as `variants[1].price_minor`.
    pub field: String,
    /// The rule, as the end of a sentence.
    pub rule: &'static str,
}

/// Collects problems.
#[derive(Default)]
pub(super) struct Check(Vec<Problem>);

impl Check {
    pub(super) fn must(&mut self, holds: bool, field: impl Into<String>, rule: &'static str) {
        if !holds {
            self.0.push(Problem { field: field.into(), rule });
        }
    }

    pub(super) fn done(self, what: What) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Bad(what, self.0)) }
    }

    fn slug(&mut self, slug: &str, field: &str) {
        self.must(is_slug(slug), field, "must be 1 to 64 of a-z, 0-9 and _");
    }

    fn name(&mut self, name: &Texts, languages: &[String], field: &str) {
        for language in languages {
            let there = name.0.get(language).is_some_and(|text| !text.trim().is_empty());
            self.must(there, format!("{field}.{language}"), "is missing: every language of the shop needs one");
        }
        self.texts(name, languages, field, NAME_LETTERS_MAX);
    }

    fn texts(&mut self, texts: &Texts, languages: &[String], field: &str, letters_max: usize) {
        for (language, text) in &texts.0 {
            let place = format!("{field}.{}", language.chars().take(20).collect::<String>());
            self.must(languages.contains(language), place.clone(), "is not a language of the shop");
            self.must(text.chars().count() <= letters_max, place.clone(), "is too long");
            self.must(!text.chars().any(|letter| letter.is_control() && letter != '\n'), place, "holds control characters");
        }
    }

    fn price(&mut self, price: i64, field: impl Into<String>) {
        self.must((0..=PRICE_MAX).contains(&price), field, "must be between 0 and 1000000000");
    }

    fn needs(&mut self, needs: &[Need], field: &str) {
        self.must(needs.len() <= NEEDS_MAX, field, "may have 100 entries at most");
        let distinct: BTreeSet<_> = needs.iter().map(|need| need.stock).collect();
        self.must(distinct.len() == needs.len(), field, "names a stock twice");
        for (place, need) in needs.iter().enumerate().take(NEEDS_MAX) {
            self.must(need.stock.0 > 0, format!("{field}[{place}].stock_id"), "is not an id");
            self.must(
                (1..=PRICE_MAX).contains(&need.quantity),
                format!("{field}[{place}].quantity"),
                "must be between 1 and 1000000000",
            );
        }
    }
}

pub(super) fn is_slug(slug: &str) -> bool {
    (1..=64).contains(&slug.len()) && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_size(size: &str) -> bool {
    (1..=32).contains(&size.len()) && size.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first =
        parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase()));
    first && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Refuses a reason that is too long.
pub(super) fn reason(check: &mut Check, reason: &str) {
    check.must(reason.len() <= TEXT_BYTES_MAX, "reason", "may have 1000 bytes at most");
}

/// Checks an item against its shop and its category.
pub(super) fn item(check: &mut Check, draft: &Draft, shop: &Shop, category: Option<&Category>) {
    check.slug(&draft.slug, "slug");
    check.name(&draft.name, &shop.languages, "name");
    check.texts(&draft.description, &shop.languages, "description", TEXT_BYTES_MAX);
    check.must((0..=TAX_RATE_BP_MAX).contains(&draft.tax_rate_bp), "tax_rate_bp", "must be between 0 and 10000");
    check.must((1..=VARIANTS_MAX).contains(&draft.variants.len()), "variants", "must be 1 to 20");
    let sizes: BTreeSet<&str> = draft.variants.iter().map(|variant| variant.size.as_str()).collect();
    check.must(sizes.len() == draft.variants.len(), "variants", "name a size twice");
    for (place, variant) in draft.variants.iter().enumerate().take(VARIANTS_MAX) {
        check.must(is_size(&variant.size), format!("variants[{place}].size"), "must be 1 to 32 letters, digits, _, . and -");
        check.price(variant.price_minor, format!("variants[{place}].price_minor"));
        check.must(
            (1..=PERCENT_MAX).contains(&variant.percent),
            format!("variants[{place}].percent"),
            "must be between 1 and 10000",
        );
        check.needs(&variant.needs, &format!("variants[{place}].needs"));
    }
    check.must(draft.steps.len() <= STEPS_MAX, "steps", "may be 20 at most");
    for (place, step) in draft.steps.iter().enumerate().take(STEPS_MAX) {
        check.must(is_slug(&step.station), format!("steps[{place}].station"), "must be 1 to 64 of a-z, 0-9 and _");
        check.must(
            (0..=STEP_SECONDS_MAX).contains(&step.seconds),
            format!("steps[{place}].seconds"),
            "must be between 0 and 86400",
        );
        check.must((-50..=1_000).contains(&step.celsius), format!("steps[{place}].celsius"), "must be between -50 and 1000");
    }
    let Some(category) = category else { return check.must(false, "category", "is not a category of this shop") };
    check.must(draft.kind.is_none_or(|kind| kind == category.kind), "kind", "is not the kind of the category");
    match category.kind {
        Kind::Dish => check.must(!draft.steps.is_empty(), "steps", "are missing: a dish has to be made"),
        Kind::Goods => check.must(draft.steps.is_empty(), "steps", "are for dishes only"),
    }
    attributes(check, &draft.attributes, category);
}

fn attributes(check: &mut Check, given: &BTreeMap<String, Value>, category: &Category) {
    for attribute in &category.attributes {
        let field = format!("attributes.{}", attribute.slug);
        let Some(value) = given.get(&attribute.slug) else {
            check.must(false, field, "is missing");
            continue;
        };
        match &attribute.values {
            Values::Bool => check.must(value.is_boolean(), field, "must be true or false"),
            Values::Integer => check.must(value.is_i64(), field, "must be a whole number"),
            Values::Choice(choices) => {
                check.must(value.as_str().is_some_and(|choice| choices.contains_key(choice)), field, "is not one of its choices");
            }
        }
    }
    for slug in given.keys() {
        let known = category.attributes.iter().any(|attribute| attribute.slug == *slug);
        check.must(
            known,
            format!("attributes.{}", slug.chars().take(64).collect::<String>()),
            "is not an attribute of the category",
        );
    }
}

impl Category {
    /// Refuses a category that breaks rules.
    pub fn check(&self, shop: &Shop) -> Result<(), Error> {
        let mut check = Check::default();
        check.slug(&self.slug, "slug");
        check.name(&self.name, &shop.languages, "name");
        check.must(self.attributes.len() <= ATTRIBUTES_MAX, "attributes", "may be 50 at most");
        let slugs: BTreeSet<&str> = self.attributes.iter().map(|attribute| attribute.slug.as_str()).collect();
        check.must(slugs.len() == self.attributes.len(), "attributes", "name a slug twice");
        for (place, attribute) in self.attributes.iter().enumerate().take(ATTRIBUTES_MAX) {
            let field = format!("attributes[{place}]");
            check.slug(&attribute.slug, &format!("{field}.slug"));
            check.name(&attribute.name, &shop.languages, &format!("{field}.name"));
            if let Values::Choice(choices) = &attribute.values {
                check.must((1..=CHOICES_MAX).contains(&choices.len()), format!("{field}.choices"), "must be 1 to 200");
                for (slug, name) in choices.iter().take(CHOICES_MAX) {
                    check.slug(slug, &format!("{field}.choices"));
                    check.name(name, &shop.languages, &format!("{field}.choices.name"));
                }
            }
        }
        check.done(What::Category)
    }
}

impl Extra {
    /// Refuses an option that breaks rules; `categories` are those of the shop.
    pub fn check(&self, shop: &Shop, categories: &[Category]) -> Result<(), Error> {
        let mut check = Check::default();
        check.slug(&self.slug, "slug");
        check.name(&self.name, &shop.languages, "name");
        check.price(self.price_minor, "price_minor");
        check.needs(&self.needs, "needs");
        check.must(self.without.len() <= NEEDS_MAX, "without", "may have 100 entries at most");
        check.must(!self.categories.is_empty(), "categories", "must name at least one");
        for (place, slug) in self.categories.iter().enumerate().take(super::CATEGORIES_MAX) {
            let known = categories.iter().any(|category| category.slug == *slug);
            check.must(known, format!("categories[{place}]"), "is not a category of this shop");
        }
        check.done(What::Option)
    }
}

impl Shop {
    /// Refuses settings that break rules; `before` are those that are replaced.
    pub fn check(&self, before: Option<&Shop>) -> Result<(), Error> {
        let mut check = Check::default();
        check.slug(&self.slug, "slug");
        check.must((1..=LANGUAGES_MAX).contains(&self.languages.len()), "languages", "must be 1 to 10");
        let distinct: BTreeSet<&String> = self.languages.iter().collect();
        check.must(distinct.len() == self.languages.len(), "languages", "name a language twice");
        check.must(self.languages.iter().all(|tag| is_language(tag)), "languages", "must be language tags such as en or pt-BR");
        check.name(&self.name, &self.languages, "name");
        check.must(ShopClock::new(&self.time_zone, 0).is_ok(), "time_zone", "is not a time zone such as Europe/Moscow");
        check.must(Currency::parse(&self.currency).is_ok(), "currency", "must be three capital letters");
        check.must((0..=TAX_RATE_BP_MAX).contains(&self.tax_rate_bp), "tax_rate_bp", "must be between 0 and 10000");
        check.price(self.delivery_fee_minor, "delivery_fee_minor");
        check.must(matches!(self.opening.len(), 0 | 7), "opening", "must be seven days, or none for always open");
        for (day, spans) in self.opening.iter().enumerate().take(7) {
            let sound = |span: &super::Interval| {
                0 <= span.opens_minute && span.opens_minute < span.closes_minute && span.closes_minute <= 2_880
            };
            check.must(
                spans.len() <= SPANS_PER_DAY_MAX && spans.iter().all(sound),
                format!("opening[{day}]"),
                "has a span that makes no sense",
            );
        }
        if let Some(before) = before {
            check.must(self.currency == before.currency, "currency", "cannot change: every price is in it");
        }
        check.done(What::Shop)
    }
}
