//! Who asks: the platform itself, a guest's device, staff, or nobody.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::id::{DeviceId, ShopId, StaffId};

/// Who a request comes from. The service that owns the data decides by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// A service of the platform, by name.
    Platform {
        /// The service's name.
        service: String,
    },
    /// A guest without an account, known by a device that the edge has signed.
    Guest {
        /// The device.
        device: DeviceId,
    },
    /// Somebody who works in a shop.
    Staff {
        /// The person.
        staff: StaffId,
        /// The shop.
        shop: ShopId,
    },
    /// Somebody who has shown nothing.
    Nobody,
}

impl Principal {
    /// Names a service of the platform.
    pub fn platform(service: &str) -> Principal {
        Principal::Platform { service: service.to_owned() }
    }

    /// Tells whether this is staff of the shop, or the platform itself.
    pub fn serves(&self, shop: ShopId) -> bool {
        match self {
            Principal::Platform { .. } => true,
            Principal::Staff { shop: own, .. } => *own == shop,
            Principal::Guest { .. } | Principal::Nobody => false,
        }
    }

    /// Refuses everybody but the shop's staff and the platform.
    pub fn must_serve(&self, shop: ShopId) -> Result<(), Fault> {
        match self {
            Principal::Nobody => Err(Fault::unauthenticated("token_needed", "This needs the token of the shop's staff.")),
            _ if self.serves(shop) => Ok(()),
            _ => Err(Fault::denied("staff_only", "Only the shop's staff may do this.")),
        }
    }

    /// Refuses everybody but the platform's own services.
    pub fn must_be_platform(&self) -> Result<(), Fault> {
        match self {
            Principal::Platform { .. } => Ok(()),
            _ => Err(Fault::denied("platform_only", "Only the platform's own services may do this.")),
        }
    }

    /// Gives the guest's device, if it is a guest.
    pub fn device(&self) -> Option<DeviceId> {
        match self {
            Principal::Guest { device } => Some(*device),
            _ => None,
        }
    }

    /// Parses what `Display` writes.
    pub fn parse(text: &str) -> Option<Principal> {
        let mut parts = text.split(':');
        let principal = match (parts.next()?, parts.next(), parts.next()) {
            ("nobody", None, None) => Principal::Nobody,
            ("platform", Some(service), None) => Principal::platform(service),
            ("guest", Some(device), None) => Principal::Guest { device: DeviceId(device.parse().ok()?) },
            ("staff", Some(staff), Some(shop)) => {
                Principal::Staff { staff: StaffId(staff.parse().ok()?), shop: ShopId(shop.parse().ok()?) }
            }
            _ => return None,
        };
        parts.next().is_none().then_some(principal)
    }
}

/// One word per principal, for keys, audit rows and the wire: `guest:17`, `staff:1:1`, `platform:orders`, `nobody`.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Platform { service } => write!(f, "platform:{service}"),
            Principal::Guest { device } => write!(f, "guest:{}", device.0),
            Principal::Staff { staff, shop } => write!(f, "staff:{}:{}", staff.0, shop.0),
            Principal::Nobody => f.write_str("nobody"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_principal_survives_its_text() {
        let shop = ShopId(3);
        for principal in [
            Principal::platform("orders"),
            Principal::Guest { device: DeviceId(17) },
            Principal::Staff { staff: StaffId(4), shop },
            Principal::Nobody,
        ] {
            assert_eq!(Principal::parse(&principal.to_string()), Some(principal));
        }
        for bad in ["", "guest", "guest:x", "staff:1", "nobody:1", "guest:1:2", "staff:1:2:3", "root:1"] {
            assert_eq!(Principal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_shops_own_staff_serves_it() {
        let staff = Principal::Staff { staff: StaffId(1), shop: ShopId(1) };
        assert!(staff.must_serve(ShopId(1)).is_ok());
        assert_eq!(staff.must_serve(ShopId(2)).unwrap_err().code, "staff_only");
        assert_eq!(Principal::Nobody.must_serve(ShopId(1)).unwrap_err().code, "token_needed");
        assert!(Principal::Guest { device: DeviceId(1) }.must_serve(ShopId(1)).is_err());
    }
}
