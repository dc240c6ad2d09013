//! What a page may do in a browser: only what comes from here, and nothing that was written into it.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Nothing inline, nothing made of text, nothing from or to another host, in no frame.
const CONTENT: &str =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// What a shop has no use for. Sound is not among it: the kitchen rings.
const FEATURES: &str =
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), midi=(), display-capture=(), browsing-topics=()";

/// Puts the headers of safety on a file.
pub(super) fn put(headers: &mut HeaderMap, path: &str) {
    let mut say = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    say(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    // A picture that is opened by itself is a page too.
    if path.ends_with(".html") || path.ends_with(".svg") {
        say(header::CONTENT_SECURITY_POLICY, CONTENT);
    }
    if path.ends_with(".html") {
        // The address of an order is known to those who were given it.
        say(header::REFERRER_POLICY, "same-origin");
        say(HeaderName::from_static("permissions-policy"), FEATURES);
        say(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    }
}
