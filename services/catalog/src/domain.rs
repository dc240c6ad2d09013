//! The rules of the menu, pure: what may be on it, and how it may change.

mod check;
mod error;
mod item;
mod parts;
#[cfg(test)]
pub(crate) mod tests;

pub use check::Problem;
pub use error::{BadLine, Error, What};
pub use item::{Act, Draft, Item, Said, Variant};
pub use parts::{Attribute, Category, Extra, Interval, Kind, Need, Shop, Step, Values};

/// How many items a shop may have, retired ones counted.
pub const ITEMS_MAX: usize = 20_000;
/// How many categories a shop may have.
pub const CATEGORIES_MAX: usize = 500;
/// How many options a shop may have.
pub const OPTIONS_MAX: usize = 1_000;
/// How many options one line may ask for.
pub const LINE_OPTIONS_MAX: usize = 20;

/// Gives `percent` of an amount, rounded up: half an anchovy is a whole one.
pub fn scaled(amount: i64, percent: i64) -> i64 {
    let exact = i128::from(amount) * i128::from(percent);
    i64::try_from((exact + 99) / 100).unwrap_or(i64::MAX)
}
