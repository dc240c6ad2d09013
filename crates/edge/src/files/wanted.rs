//! What a browser says that it wants: how packed, what it has already, whether it shows pages.

use http::{HeaderMap, HeaderName, header};

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Brotli,
    Gzip,
    None,
}

impl Packing {
    /// Gives its name in headers.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Packing::Brotli => Some("br"),
            Packing::Gzip => Some("gzip"),
            Packing::None => None,
        }
    }

    /// Tells its tag from those of the same file packed otherwise: a strong tag names bytes.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Packing::Brotli => "-br",
            Packing::Gzip => "-gz",
            Packing::None => "",
        }
    }
}

/// Chooses the packing that the browser likes best among those there are; of equals the shortest.
pub(crate) fn packing(headers: &HeaderMap, gzip: bool, brotli: bool) -> Packing {
    let of = |name: &str| quality(headers, &header::ACCEPT_ENCODING, |given| given == name || given == "*");
    let there = [(brotli, "br", Packing::Brotli), (gzip, "gzip", Packing::Gzip)];
    let mut best = (0.0, Packing::None);
    for (is_there, name, packing) in there {
        let quality = if is_there { of(name) } else { 0.0 };
        if quality > best.0 {
            best = (quality, packing);
        }
    }
    best.1
}

/// Tells whether somebody shows pages: one who takes anything is a program that did not say what it wants.
pub(crate) fn reads_pages(headers: &HeaderMap) -> bool {
    quality(headers, &header::ACCEPT, |given| given == "text/html") > 0.0
}

/// Tells whether the browser has what a tag names.
pub(crate) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).map(str::trim).any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}

/// Gives how much something is wanted: the first entry that fits counts, and an exact name stands before `*`.
fn quality(headers: &HeaderMap, name: &HeaderName, fits: impl Fn(&str) -> bool) -> f32 {
    let given = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut found = None;
    for entry in given {
        let mut parts = entry.split(';').map(str::trim);
        let what = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |text| text.trim().parse().unwrap_or(0.0));
        if fits(&what) && (what != "*" || found.is_none()) {
            found = Some(quality);
        }
    }
    found.unwrap_or(0.0)
}

#[cfg(test)]
mod unit {
    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, http::HeaderValue::from_static(value))])
    }

    #[test]
    fn the_best_packing_that_is_wanted_and_there_is_chosen() {
        for (wanted, chosen) in [
            ("gzip, deflate, br, zstd", Packing::Brotli),
            ("gzip, deflate", Packing::Gzip),
            ("br;q=0.5, gzip", Packing::Gzip),
            ("br;q=0, *", Packing::Gzip),
            ("*;q=0", Packing::None),
            ("*", Packing::Brotli),
            ("BR", Packing::Brotli),
            ("identity", Packing::None),
            ("br;q=many", Packing::None),
            ("", Packing::None),
        ] {
            assert_eq!(packing(&accepting(wanted), true, true), chosen, "{wanted}");
        }
        assert_eq!(packing(&accepting("br, gzip"), true, false), Packing::Gzip);
        assert_eq!(packing(&accepting("br, gzip"), false, false), Packing::None);
        assert_eq!(packing(&HeaderMap::new(), true, true), Packing::None);
    }

    #[test]
    fn a_tag_is_found_among_those_that_a_browser_has() {
        let of = |value: &'static str| HeaderMap::from_iter([(header::IF_NONE_MATCH, http::HeaderValue::from_static(value))]);
        for known in ["\"a-br\"", "W/\"a-br\"", "\"x\", \"a-br\"", "*"] {
            assert!(has(&of(known), "\"a-br\""), "{known}");
        }
        for other in ["\"a\"", "a-br", "\"a-gz\"", ""] {
            assert!(!has(&of(other), "\"a-br\""), "{other}");
        }
    }
}
