//! From where a request comes: the peer's address, or what a proxy says that is trusted.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

/// The address at the other end of the connection; set by the listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came(pub(crate) IpAddr);

/// A client as far as its address tells: IPv4 whole, IPv6 by the /64 that one subscriber has for himself.
///
/// Without a listener there is no address; then all are one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin(Option<IpAddr>);

impl Origin {
    pub(crate) fn of(address: IpAddr) -> Origin {
        Origin(Some(match address.to_canonical() {
            IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !0 << 64)),
            four @ IpAddr::V4(_) => four,
        }))
    }
}

/// Addresses, such as `10.0.0.0/8` or `::1`.
#[derive(Debug, Clone, Copy)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Network { address, bits })
    }

    fn has(self, address: IpAddr) -> bool {
        // A shift by the whole width leaves nothing to compare: the empty prefix has every address.
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The proxies whose word about the client's address counts.
#[derive(Debug, Default)]
pub(crate) struct Proxies(Vec<Network>);

impl Proxies {
    /// Reads addresses and networks, separated by commas. Who writes one that cannot be read trusts nobody by it.
    pub(crate) fn parse(text: &str) -> Proxies {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| {
            let network = Network::parse(part);
            if network.is_none() {
                tracing::error!(part, "the setting trusted_proxies names something that is no address; it is left out");
            }
            network
        };
        Proxies(parts.filter_map(read).collect())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address.to_canonical()))
    }

    /// Finds the client: behind trusted proxies the nearest address that they name and that is none of them.
    pub(crate) fn origin(&self, came: Option<Came>, headers: &HeaderMap) -> Origin {
        let Some(Came(mut client)) = came else { return Origin::default() };
        if self.trusts(client) {
            // Each proxy adds its peer at the end, so what the client made up stands before what is true.
            let named = headers.get_all("x-forwarded-for").iter().flat_map(|value| value.to_str().unwrap_or("").split(','));
            for named in named.map(str::trim).collect::<Vec<_>>().into_iter().rev() {
                let Ok(address) = named.parse::<IpAddr>() else { break };
                client = address;
                if !self.trusts(client) {
                    break;
                }
            }
        }
        Origin::of(client)
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn came(address: &str) -> Option<Came> {
        Some(Came(address.parse().unwrap()))
    }

    fn origin(address: &str) -> Origin {
        Origin::of(address.parse().unwrap())
    }

    fn forwarded(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (http::HeaderName::from_static("x-forwarded-for"), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_client_and_a_mapped_address_is_ipv4() {
        assert_eq!(origin("2001:db8:1:2:3:4:5:6"), origin("2001:db8:1:2::9"));
        assert_ne!(origin("2001:db8:1:2::9"), origin("2001:db8:1:3::9"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        let said = forwarded(&["198.51.100.7"]);
        assert_eq!(Proxies::default().origin(came("192.0.2.1"), &said), origin("192.0.2.1"));
        let proxies = Proxies::parse("10.0.0.0/8, ::1, nonsense, 192.0.2.0/33");
        assert_eq!(proxies.origin(came("192.0.2.1"), &said), origin("192.0.2.1"));
        assert_eq!(proxies.origin(came("10.1.2.3"), &said), origin("198.51.100.7"));
        assert_eq!(proxies.origin(came("::1"), &said), origin("198.51.100.7"));
        assert_eq!(proxies.origin(came("10.1.2.3"), &HeaderMap::new()), origin("10.1.2.3"));
        assert_eq!(proxies.origin(None, &said), Origin::default());
    }

    #[test]
    fn what_the_client_made_up_stands_before_what_the_proxy_saw() {
        let proxies = Proxies::parse("10.0.0.0/8");
        let said = forwarded(&["203.0.113.9, 198.51.100.7", "10.9.9.9"]);
        assert_eq!(proxies.origin(came("10.1.2.3"), &said), origin("198.51.100.7"));
        let said = forwarded(&["unknown, 10.9.9.9"]);
        assert_eq!(proxies.origin(came("10.1.2.3"), &said), origin("10.9.9.9"));
        assert!(Proxies::parse("0.0.0.0/0").trusts("203.0.113.9".parse().unwrap()));
    }
}
