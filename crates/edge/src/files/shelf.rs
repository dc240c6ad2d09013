//! The files inside the binary.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// A file and its packed variants, where they are worth it.
pub(super) struct Kept {
    path: &'static str,
    pub(super) plain: &'static [u8],
    pub(super) gzip: Option<&'static [u8]>,
    pub(super) brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/shop.rs"));

/// The tags by path, made when the first file is asked for.
static TAGS: LazyLock<HashMap<&'static str, String>> =
    LazyLock::new(|| KEPT.iter().map(|kept| (kept.path, super::tag(kept.plain))).collect());

/// Finds a file by its path.
pub(super) fn find(path: &str) -> Option<&'static Kept> {
    KEPT.binary_search_by(|kept| kept.path.cmp(path)).ok().map(|found| &KEPT[found])
}

/// Gives the tag of a file.
pub(super) fn tag(path: &str) -> Option<&'static str> {
    TAGS.get(path).map(String::as_str)
}

/// Lists the folders of the first level.
pub(super) fn folders() -> BTreeSet<String> {
    KEPT.iter().filter_map(|kept| kept.path.split_once('/')).map(|(folder, _)| folder.to_owned()).collect()
}
