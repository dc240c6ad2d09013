//! Which address is which file.

/// The addresses of pages, and of the files that must lie at the root.
pub(super) const PATTERNS: [&str; 8] =
    ["/", "/order/{id}", "/orders", "/staff", "/staff/{*page}", "/offline", "/sw.js", "/manifest.webmanifest"];

/// Folders of the first level that have a route as pages, or belong to programs.
const TAKEN: [&str; 7] = ["order", "orders", "staff", "offline", "v1", "api", "docs"];

/// Tells whether a folder of the first level gets a route of its own.
pub(super) fn may_be_folder(name: &str) -> bool {
    !TAKEN.contains(&name)
}

/// Gives the files that an address can mean, the first that there is counts.
pub(super) fn candidates(address: &str) -> impl Iterator<Item = String> + '_ {
    let path = address.strip_prefix('/').unwrap_or(address);
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let pages: [Option<String>; 2] = match path.split_once('/') {
        // A link to share has a dot before its seal, and is no file.
        Some(("order", id)) if !id.is_empty() && !id.contains('/') => [Some("order.html".to_owned()), None],
        _ if is_file => [Some(path.to_owned()), None],
        None if path.is_empty() => [Some("index.html".to_owned()), None],
        None if path == "order" => [None, None],
        None => [Some(format!("{path}.html")), Some(format!("{path}/index.html"))],
        // A part of the staff's pages may be a page or a place within the first of them.
        Some(("staff", _)) => [Some(format!("{path}.html")), Some("staff/index.html".to_owned())],
        Some(_) => [None, None],
    };
    pages.into_iter().flatten()
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn each_address_means_its_page() {
        for (address, files) in [
            ("/", vec!["index.html"]),
            ("/orders", vec!["orders.html", "orders/index.html"]),
            ("/order/ord_7", vec!["order.html"]),
            ("/order/ord_7.0a1b", vec!["order.html"]),
            ("/order", vec![]),
            ("/order/", vec![]),
            ("/order/a/b", vec![]),
            ("/staff", vec!["staff.html", "staff/index.html"]),
            ("/staff/kitchen", vec!["staff/kitchen.html", "staff/index.html"]),
            ("/staff/kitchen.js", vec!["staff/kitchen.js"]),
            ("/js/core/api.js", vec!["js/core/api.js"]),
            ("/v1/nowhere", vec![]),
            ("/sw.js", vec!["sw.js"]),
        ] {
            assert_eq!(candidates(address).collect::<Vec<_>>(), files, "{address}");
        }
    }
}
