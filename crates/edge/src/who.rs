//! Who asks, by what the request shows.

use base::id::{ShopId, StaffId};
use base::{Fault, Principal};
use http::{HeaderMap, header};

use crate::{Edge, device};

/// What a request shows of the one who sends it.
pub(crate) struct Shown {
    pub(crate) principal: Principal,
    /// A browser keeps the cookie of a device that this platform does not know.
    pub(crate) stale_cookie: bool,
}

/// Tells who asks.
///
/// A token that a program shows and that does not count is an error: nobody is silently somebody else. A cookie is shown by
/// the browser and not by a person, who could not mend it: with one that does not count somebody is a new visitor.
pub(crate) fn shown(edge: &Edge, headers: &HeaderMap) -> Result<Shown, Fault> {
    let bad = || Fault::unauthenticated("token_unknown", "This token was not given out by this platform.");
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let given = given.to_str().map_err(|_| bad())?;
        let (scheme, token) = given.split_once(' ').ok_or_else(bad)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(bad());
        }
        let token = token.trim();
        let principal = if same(token, &edge.0.config.staff_token) {
            Principal::Staff { staff: StaffId(1), shop: ShopId(1) }
        } else {
            Principal::Guest { device: device::open(edge.key(), token).ok_or_else(bad)? }
        };
        return Ok(Shown { principal, stale_cookie: false });
    }
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut stale_cookie = false;
    for pair in pairs {
        let Some((device::COOKIE, token)) = pair.trim().split_once('=') else { continue };
        if let Some(device) = device::open(edge.key(), token) {
            return Ok(Shown { principal: Principal::Guest { device }, stale_cookie: false });
        }
        stale_cookie = true;
    }
    Ok(Shown { principal: Principal::Nobody, stale_cookie })
}

/// Compares without an early exit, so that time tells nothing about where two tokens differ.
fn same(given: &str, own: &str) -> bool {
    let differs = given.bytes().zip(own.bytes()).fold(0u8, |sum, (a, b)| sum | (a ^ b));
    !own.is_empty() && given.len() == own.len() && differs == 0
}
