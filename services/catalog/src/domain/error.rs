//! What can be wrong, and how it is said outside.

use base::{Fault, Kind};
use serde_json::{Value, json};

use super::Problem;

/// How many problems or lines a fault names: its details travel in a header.
const NAMED_MAX: usize = 12;

/// What was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An item.
    Item,
    /// A category.
    Category,
    /// An option.
    Option,
    /// A shop.
    Shop,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            What::Item => "item",
            What::Category => "category",
            What::Option => "option",
            What::Shop => "shop",
        }
    }

    /// Gives the code, written out: each has its page in `docs/problems/`.
    fn code(self) -> &'static str {
        match self {
            What::Item => "bad_item",
            What::Category => "bad_category",
            What::Option => "bad_option",
            What::Shop => "bad_shop",
        }
    }
}

/// A line that cannot be sold, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Its place, from 0.
    pub line: usize,
    /// The code, such as `item_retired`.
    pub code: &'static str,
    /// What it names: a slug, a size or an option.
    pub name: String,
}

/// Why the catalogue says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What was sent breaks rules.
    #[error("the {} breaks {} rules", .0.word(), .1.len())]
    Bad(What, Vec<Problem>),
    /// It was changed meanwhile.
    #[error("it is at version {current} now")]
    Stale {
        /// The version it has.
        current: i64,
    },
    /// The item is off the menu for good.
    #[error("the item is retired")]
    Retired,
    /// The slug is in use in this shop.
    #[error("the slug is taken")]
    SlugTaken,
    /// There is no such item.
    #[error("there is no such item")]
    ItemUnknown,
    /// There is no such shop.
    #[error("there is no such shop")]
    ShopUnknown,
    /// The shop has as much as it may have.
    #[error("the menu is full")]
    Full {
        /// The limit.
        limit: usize,
    },
    /// Lines of an order cannot be sold.
    #[error("{} lines cannot be sold", .0.len())]
    Lines(Vec<BadLine>),
    /// More lines than an order may have, or none.
    #[error("an order has between 1 and {limit} lines")]
    LineCount {
        /// How many came.
        lines: usize,
        /// The limit.
        limit: usize,
    },
    /// The place where a page should begin is not one that was given out for this list.
    #[error("the page token is not one of this list")]
    PageToken,
    /// A filter of the list makes no sense.
    #[error("the filter {0} makes no sense")]
    Filter(&'static str),
}

impl Error {
    /// Gives the fault for the outside.
    pub fn fault(&self) -> Fault {
        match self {
            Error::Bad(what, problems) => {
                let named: Vec<Value> = problems
                    .iter()
                    .take(NAMED_MAX)
                    .map(|problem| json!({ "field": problem.field, "rule": problem.rule }))
                    .collect();
                let first = problems.first().map(|problem| format!("{} {}", problem.field, problem.rule)).unwrap_or_default();
                let message = format!("The {} cannot be taken: {first}.", what.word());
                Fault::invalid(what.code(), message).with("problems", named).with("count", problems.len())
            }
            Error::Stale { current } => Fault::conflict("stale_version", "Somebody changed it meanwhile; read it again.")
                .with("current_version", *current),
            Error::Retired => Fault::refused("item_retired", "The item is off the menu for good."),
            Error::SlugTaken => Fault::conflict("slug_taken", "This slug is in use in this shop, perhaps by something retired."),
            Error::ItemUnknown => Fault::not_found("item_not_found", "There is no such item."),
            Error::ShopUnknown => Fault::not_found("shop_not_found", "There is no such shop."),
            Error::Full { limit } => {
                Fault::refused("menu_full", "The shop has as many of these as it may have.").with("limit", *limit)
            }
            Error::Lines(lines) => bad_lines(lines),
            Error::LineCount { lines: 0, .. } => Fault::invalid("no_lines", "An order needs at least one line."),
            Error::LineCount { lines, limit } => {
                let message = format!("An order may have {limit} lines at most.");
                Fault::invalid("too_many_lines", message).with("lines", *lines).with("lines_max", *limit)
            }
            Error::PageToken => {
                Fault::invalid("bad_page_token", "This is not where a page of this list begins; start at its first page.")
            }
            Error::Filter(name) => {
                Fault::invalid("bad_filter", format!("The filter {name} makes no sense.")).with("field", *name)
            }
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        error.fault()
    }
}

/// The first bad line gives the code; the details name them all, as far as they fit.
fn bad_lines(lines: &[BadLine]) -> Fault {
    let code = lines.first().map_or("item_unknown", |line| line.code);
    // What is wrong with the request itself is told apart from what merely cannot be had.
    let kind = if matches!(code, "item_retired" | "item_unavailable") { Kind::Refused } else { Kind::Invalid };
    let named: Vec<Value> = lines
        .iter()
        .take(NAMED_MAX)
        .map(|line| json!({ "line": line.line, "code": line.code, "name": shortened(&line.name) }))
        .collect();
    let first = lines.first().map_or(0, |line| line.line);
    let message = format!("Line {} cannot be sold: {}.", first + 1, reason(code));
    Fault::new(kind, code, message).with("line", first).with("lines", named).with("count", lines.len())
}

fn reason(code: &str) -> &'static str {
    match code {
        "item_retired" => "the item is off the menu for good",
        "item_unavailable" => "the item, or this size of it, cannot be had now",
        "size_unknown" => "the item has no such size",
        "option_unknown" => "there is no such option for this item",
        "option_repeated" => "an option is named twice",
        "bad_quantity" => "the quantity must be between 1 and 999",
        _ => "there is no such item",
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}
