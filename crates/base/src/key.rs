//! The platform's key: permutes ids for the outside and seals what must not be forged.

use std::hash::Hasher;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use siphasher::sip::SipHasher24;

type HmacSha256 = Hmac<Sha256>;

/// The secret of one platform, from which every other key is derived.
#[derive(Clone)]
pub struct PlatformKey {
    ids: Ids,
    seal: HmacSha256,
}

/// How ids are permuted: a platform keeps the way with which it was made, or every link that people hold would break.
#[derive(Clone)]
enum Ids {
    Sip([u8; 16]),
    Hmac(HmacSha256),
}

impl std::fmt::Debug for PlatformKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlatformKey(…)")
    }
}

impl PlatformKey {
    /// Makes the key of 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> PlatformKey {
        let mut ids = [0; 16];
        ids.copy_from_slice(&derived(secret, b"ids")[..16]);
        PlatformKey { ids: Ids::Sip(ids), seal: hmac(&derived(secret, b"seal")) }
    }

    /// Makes the key of a platform from before ids were permuted with SipHash.
    pub fn of_old(secret: &[u8; 32]) -> PlatformKey {
        PlatformKey { ids: Ids::Hmac(hmac(&derived(secret, b"ids"))), ..PlatformKey::new(secret) }
    }

    /// Permutes a number below 2^63 into another one, differently for each `tag`.
    ///
    /// Four Feistel rounds over 64 bits (Luby and Rackoff, 1988) with SipHash-2-4 as the round function, a keyed function
    /// made for short inputs (Aumasson and Bernstein, 2012), walked along its cycle until the top bit is clear, so that
    /// the result is a number below 2^63 again. An answer shows many ids: with HMAC-SHA-256, which older platforms keep,
    /// they cost 5% of an order.
    pub fn permute(&self, tag: &str, number: i64) -> i64 {
        let mut value = number.cast_unsigned();
        loop {
            value = self.rounds(tag, value, [0, 1, 2, 3], false);
            if value >> 63 == 0 {
                return value.cast_signed();
            }
        }
    }

    /// Undoes [`PlatformKey::permute`].
    pub fn restore(&self, tag: &str, number: i64) -> i64 {
        let mut value = number.cast_unsigned();
        loop {
            value = self.rounds(tag, value, [3, 2, 1, 0], true);
            if value >> 63 == 0 {
                return value.cast_signed();
            }
        }
    }

    fn rounds(&self, tag: &str, value: u64, order: [u8; 4], back: bool) -> u64 {
        let (mut left, mut right) = ((value >> 32) as u32, value as u32);
        for round in order {
            if back {
                (left, right) = (right ^ self.round(tag, round, left), left);
            } else {
                (left, right) = (right, left ^ self.round(tag, round, right));
            }
        }
        u64::from(left) << 32 | u64::from(right)
    }

    fn round(&self, tag: &str, round: u8, half: u32) -> u32 {
        match &self.ids {
            Ids::Sip(key) => {
                let mut mac = SipHasher24::new_with_key(key);
                mac.write(tag.as_bytes());
                mac.write(&[0, round]);
                mac.write(&half.to_be_bytes());
                mac.finish() as u32
            }
            Ids::Hmac(key) => {
                let mut mac = key.clone();
                mac.update(tag.as_bytes());
                mac.update(&[0, round]);
                mac.update(&half.to_be_bytes());
                let digest = mac.finalize().into_bytes();
                u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
            }
        }
    }

    /// Seals a text for one purpose: the text, a dot, and 32 hexadecimal digits that only this platform can make.
    pub fn seal(&self, purpose: &str, text: &str) -> String {
        format!("{text}.{}", self.mark(purpose, text))
    }

    /// Opens a sealed text; none when it was not sealed by this platform for this purpose.
    pub fn open<'a>(&self, purpose: &str, sealed: &'a str) -> Option<&'a str> {
        let (text, mark) = sealed.rsplit_once('.')?;
        let own = self.mark(purpose, text);
        // Compared without an early exit, so that time tells nothing about where they differ.
        let differs = own.bytes().zip(mark.bytes()).fold(0u8, |sum, (a, b)| sum | (a ^ b));
        (own.len() == mark.len() && differs == 0).then_some(text)
    }

    fn mark(&self, purpose: &str, text: &str) -> String {
        let mut mac = self.seal.clone();
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut hex = String::with_capacity(32);
        for byte in &digest[..16] {
            hex.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
            hex.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        }
        hex
    }
}

fn hmac(key: &[u8; 32]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn derived(secret: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    let mut mac = hmac(secret);
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permuted_number_leads_back_and_tells_nothing() {
        for make in [PlatformKey::new, PlatformKey::of_old] {
            let key = make(&[7; 32]);
            let mut last = 0;
            for number in [0, 1, 2, 3, 1 << 40, i64::MAX - 1, i64::MAX] {
                let shown = key.permute("ord", number);
                assert!(shown >= 0);
                assert_eq!(key.restore("ord", shown), number);
                assert_ne!(key.permute("itm", number), shown, "each kind of id has its own permutation");
                assert!(shown.abs_diff(last) > 1 << 20, "neighbours are far apart");
                last = shown;
            }
            assert_ne!(make(&[8; 32]).permute("ord", 1), key.permute("ord", 1));
        }
    }

    #[test]
    fn an_older_platform_shows_its_ids_as_it_always_did_and_seals_as_all_do() {
        let (old, new) = (PlatformKey::of_old(&[7; 32]), PlatformKey::new(&[7; 32]));
        assert_ne!(old.permute("ord", 1), new.permute("ord", 1));
        assert_eq!(new.open("device", &old.seal("device", "guest:17")), Some("guest:17"));
    }

    #[test]
    fn a_seal_opens_only_as_it_was_made() {
        let key = PlatformKey::new(&[7; 32]);
        let sealed = key.seal("device", "guest:17");
        assert_eq!(key.open("device", &sealed), Some("guest:17"));
        assert_eq!(key.open("principal", &sealed), None, "another purpose");
        assert_eq!(key.open("device", &sealed.replace("17", "18")), None, "another text");
        assert_eq!(key.open("device", &sealed[..sealed.len() - 1]), None, "cut");
        assert_eq!(PlatformKey::new(&[8; 32]).open("device", &sealed), None, "another platform");
    }
}
