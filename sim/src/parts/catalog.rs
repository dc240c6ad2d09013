//! What becomes of an item is said.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "catalog",
    rules: &[Rule {
        promise: "NothingIsSwallowed",
        wrong: "has changed more often than was said",
        text: "select 'item ' || i.id || ' of version ' || i.version from catalog_items i
            where i.version > (select count(*) from log l join log_kinds k on k.id = l.kind_id
                where k.source = 'catalog' and l.key = i.id)",
        by_clock: false,
    }],
};
