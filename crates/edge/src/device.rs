//! Devices: how a guest without an account is known again, by a token that the edge has sealed.

use base::id::DeviceId;
use base::{PlatformKey, Timestamp};
use sha2::{Digest, Sha256};

/// The seal's purpose.
const PURPOSE: &str = "device";
/// The cookie in which browsers keep the token.
pub(crate) const COOKIE: &str = "comanda_device";
/// The header in which a token is handed out.
pub(crate) const HEADER: &str = "comanda-device";

/// Seals the token of a device.
pub(crate) fn token(key: &PlatformKey, device: DeviceId, now: Timestamp) -> String {
    key.seal(PURPOSE, &format!("{}.{}", key.permute(PURPOSE, device.0), now.millis()))
}

/// Opens a token; none when this platform did not seal it.
pub(crate) fn open(key: &PlatformKey, token: &str) -> Option<DeviceId> {
    let (device, _) = key.open(PURPOSE, token)?.split_once('.')?;
    Some(DeviceId(key.restore(PURPOSE, device.parse().ok()?)))
}

/// Gives the device of somebody who shows no token but names the request: the same for a repeat, so that an order whose
/// answer was lost is not placed twice.
pub(crate) fn of_request(key: &PlatformKey, name: &str) -> DeviceId {
    let digest = Sha256::digest(key.seal("device of a request", name).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    DeviceId(i64::from_be_bytes(first) & i64::MAX)
}

/// Takes the cookie of a token away.
pub(crate) const NO_COOKIE: &str = "comanda_device=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0";

/// Writes the cookie of a token.
pub(crate) fn cookie(token: &str) -> String {
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000")
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_device_and_cannot_be_made_up() {
        let key = PlatformKey::new(&[3; 32]);
        let sealed = token(&key, DeviceId(77), Timestamp(5_000_000));
        assert_eq!(open(&key, &sealed), Some(DeviceId(77)));
        assert_eq!(open(&key, &sealed.replace(".5000.", ".6000.")), None);
        assert_eq!(open(&PlatformKey::new(&[4; 32]), &sealed), None);
        assert_eq!(of_request(&key, "k"), of_request(&key, "k"));
        assert_ne!(of_request(&key, "k"), of_request(&key, "l"));
    }
}
