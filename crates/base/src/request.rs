//! What makes a request from outside happen once.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Mistake, Principal, planted};

/// The idempotency key of a request, bound to who asked and on which route, and the fingerprint of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestKey {
    /// A hash of principal, route and key.
    pub key: i64,
    /// A hash of the body.
    pub fingerprint: i64,
}

impl RequestKey {
    /// Binds a client's key to its principal, route and body.
    pub fn new(principal: &Principal, route: &str, key: &str, body: &[u8]) -> RequestKey {
        let principal = if planted(Mistake::KeyOfAnybody) { String::new() } else { principal.to_string() };
        let route = if planted(Mistake::KeyOfAnyRoute) { "" } else { route };
        let body = if planted(Mistake::KeyOfAnyBody) { &[] } else { body };
        let bound = hash(&[principal.as_bytes(), route.as_bytes(), key.as_bytes()]);
        RequestKey { key: bound, fingerprint: hash(&[body]) }
    }

    /// Derives the key of a further step of the same request, such as the second of two services asked.
    pub fn step(self, name: &str) -> RequestKey {
        RequestKey { key: hash(&[&self.key.to_be_bytes(), name.as_bytes()]), fingerprint: self.fingerprint }
    }
}

/// 63 bits of SHA-256; each part is preceded by its length, so that parts cannot run into each other.
fn hash(parts: &[&[u8]]) -> i64 {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    let digest = sha.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first) & i64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DeviceId;

    #[test]
    fn a_key_is_bound_to_its_principal_its_route_and_its_body() {
        let guest = Principal::Guest { device: DeviceId(1) };
        let first = RequestKey::new(&guest, "POST /v1/orders", "a", b"{}");
        assert_eq!(first, RequestKey::new(&guest, "POST /v1/orders", "a", b"{}"));
        assert_ne!(first.key, RequestKey::new(&Principal::Nobody, "POST /v1/orders", "a", b"{}").key);
        assert_ne!(first.key, RequestKey::new(&guest, "POST /v1/carts", "a", b"{}").key);
        assert_ne!(first.key, RequestKey::new(&guest, "POST /v1/order", "sa", b"{}").key);
        let other = RequestKey::new(&guest, "POST /v1/orders", "a", b"{ }");
        assert!(other.key == first.key && other.fingerprint != first.fingerprint);
        assert_ne!(first.step("pay").key, first.key);
    }
}
