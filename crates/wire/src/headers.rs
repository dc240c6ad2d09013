//! How a call's context is written into headers and read back.

use std::time::Duration;

use base::{Fault, Mistake, PlatformKey, Principal, RequestKey, Timestamp, World, planted};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Call;

/// Who asks, sealed: `<principal>|<sender>|<expiry, microseconds>` and the seal of the platform.
pub(crate) const PRINCIPAL: HeaderName = HeaderName::from_static("x-comanda-principal");
/// Which service is asked; a process may hold several behind one socket.
pub(crate) const TO: HeaderName = HeaderName::from_static("x-comanda-to");
/// The correlation id.
pub(crate) const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
/// What makes a write happen once: `<key>.<fingerprint>`, in hexadecimal.
pub(crate) const REQUEST: HeaderName = HeaderName::from_static("x-comanda-request");
/// The W3C trace context.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The remaining time, in gRPC's own words.
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// How long a sealed principal counts: longer than any call, short enough to be worthless when it leaks; it also is the
/// difference between two machines' clocks that is forgiven.
const PRINCIPAL_LIFE: Duration = Duration::from_secs(60);
/// How long a correlation id may be, in bytes.
const CORRELATION_BYTES_MAX: usize = 128;

/// Writes the context of a call; whatever the caller had put there itself is replaced.
pub(crate) fn write(
    headers: &mut HeaderMap,
    call: &Call,
    from: &str,
    to: &'static str,
    remaining: Duration,
    world: &World,
    key: &PlatformKey,
) -> Result<(), Fault> {
    let expiry = world.now() + PRINCIPAL_LIFE.max(remaining);
    let principal = if planted(Mistake::CallsAsThePlatform) { &Principal::platform(from) } else { &call.principal };
    let sealed = key.seal("principal", &format!("{principal}|{from}|{}", expiry.micros()));
    headers.insert(PRINCIPAL, value(sealed)?);
    headers.insert(TO, HeaderValue::from_static(to));
    headers.insert(TIMEOUT, value(timeout_text(remaining))?);
    headers.insert(CORRELATION, value(tame(&call.correlation))?);
    match call.request {
        Some(request) => headers.insert(REQUEST, value(format!("{:x}.{:x}", request.key, request.fingerprint))?),
        None => headers.remove(REQUEST),
    };
    match call.traceparent.as_deref().and_then(|parent| child_of(parent, world.chance())) {
        Some(child) => headers.insert(TRACEPARENT, value(child)?),
        None => headers.remove(TRACEPARENT),
    };
    Ok(())
}

/// Gives the context of a call to a service of the same process: what [`read`] would make of what [`write`] writes. It is
/// not sealed, because it never leaves the hands of the exchange that holds the key.
pub(crate) fn carried(call: &Call, from: &str, remaining: Duration, world: &World) -> Call {
    let principal = if planted(Mistake::CallsAsThePlatform) { Principal::platform(from) } else { call.principal.clone() };
    Call {
        principal,
        correlation: tame(&call.correlation),
        traceparent: call.traceparent.as_deref().and_then(|parent| child_of(parent, world.chance())),
        due: Some(world.monotonic().saturating_add(remaining)),
        from: Some(from.to_owned()),
        request: call.request,
    }
}

/// Reads the context of a call, and refuses one that this platform has not sealed.
pub(crate) fn read(headers: &HeaderMap, world: &World, key: &PlatformKey) -> Result<Call, Fault> {
    let sealed =
        headers.get(PRINCIPAL).ok_or_else(|| Fault::unauthenticated("principal_missing", "The call does not say who asks."))?;
    let forged = || Fault::unauthenticated("principal_forged", "The call's principal was not sealed by this platform.");
    let text = sealed.to_str().ok().and_then(|text| key.open("principal", text)).ok_or_else(forged)?;
    let mut parts = text.split('|');
    let (principal, from, expiry) = match (parts.next(), parts.next(), parts.next()) {
        (Some(principal), Some(from), Some(expiry)) => (principal, from, expiry),
        _ => return Err(forged()),
    };
    let principal = Principal::parse(principal).ok_or_else(forged)?;
    let expiry = Timestamp::from_micros(expiry.parse().map_err(|_| forged())?);
    if expiry < world.now() {
        // Not the fault of whoever asks: it is two of our own clocks that differ, or a process that stood still meanwhile.
        return Err(Fault::unavailable("principal_expired", "The call was on its way too long, by the clock of the service."));
    }
    let text_of = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    Ok(Call {
        principal,
        correlation: tame(text_of(CORRELATION).unwrap_or_default()),
        traceparent: text_of(TRACEPARENT).filter(|parent| child_of(parent, 0).is_some()).map(str::to_owned),
        due: timeout_in(headers).map(|remaining| world.monotonic().saturating_add(remaining)),
        from: Some(from.to_owned()),
        request: text_of(REQUEST).and_then(request_of),
    })
}

fn request_of(text: &str) -> Option<RequestKey> {
    let (key, fingerprint) = text.split_once('.')?;
    Some(RequestKey { key: i64::from_str_radix(key, 16).ok()?, fingerprint: i64::from_str_radix(fingerprint, 16).ok()? })
}

/// Reads the remaining time.
pub(crate) fn timeout_in(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "n" => Some(Duration::from_nanos(count)),
        "u" => Some(Duration::from_micros(count)),
        "m" => Some(Duration::from_millis(count)),
        "S" => Some(Duration::from_secs(count)),
        "M" => Some(Duration::from_secs(count * 60)),
        "H" => Some(Duration::from_secs(count * 3_600)),
        _ => None,
    }
}

/// Writes a remaining time with gRPC's eight digits and a unit, never more than there is.
fn timeout_text(span: Duration) -> String {
    const EIGHT_DIGITS_MAX: u128 = 99_999_999;
    if span.as_micros() <= EIGHT_DIGITS_MAX {
        return format!("{}u", span.as_micros());
    }
    if span.as_millis() <= EIGHT_DIGITS_MAX {
        return format!("{}m", span.as_millis());
    }
    format!("{}S", u128::from(span.as_secs()).min(EIGHT_DIGITS_MAX))
}

/// Keeps what a header and a log line can hold of an id that may come from outside.
fn tame(correlation: &str) -> String {
    correlation.chars().filter(char::is_ascii_graphic).take(CORRELATION_BYTES_MAX).collect()
}

/// Gives the trace context of the next hop: the same trace, with `span` as the new parent; none if it is malformed.
fn child_of(traceparent: &str, span: u64) -> Option<String> {
    let mut parts = traceparent.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let sound = parts.next().is_none() && hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    // A span id of zero means that there is none.
    sound.then(|| format!("{version}-{trace}-{:016x}-{flags}", span.max(1)))
}

fn value(text: String) -> Result<HeaderValue, Fault> {
    HeaderValue::try_from(text)
        .map_err(|error| Fault::internal("header_unfit", "The call's context does not fit into a header.").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_survives_its_text_and_never_grows() {
        for span in [0, 1, 999, 99_999_999, 100_000_000, 100_000_000_001, u64::MAX].map(Duration::from_micros) {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT, value(timeout_text(span)).unwrap());
            let back = timeout_in(&headers).unwrap();
            assert!(back <= span && (back == span || span > Duration::from_secs(99)), "{span:?} {back:?}");
        }
        for bad in ["", "u", "5", "123456789u", "-1u", "1x", "é"] {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT, HeaderValue::from_bytes(bad.as_bytes()).unwrap());
            assert_eq!(timeout_in(&headers), None, "{bad}");
        }
    }

    #[test]
    fn the_next_hop_keeps_the_trace_and_gets_its_own_parent() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(child_of(parent, 0xab).unwrap(), "00-0af7651916cd43dd8448eb211c80319c-00000000000000ab-01");
        for bad in ["", "00-1-2-01", &parent[1..], &format!("{parent}-x")] {
            assert_eq!(child_of(bad, 1), None);
        }
    }
}
