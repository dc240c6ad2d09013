//! How a fault crosses the wire: as a gRPC status that carries the whole of it, except the cause.

use base::{Fault, Kind};
use http::HeaderMap;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

/// The metadata key under which a fault travels, as JSON.
const FAULT: &str = "comanda-fault-bin";
/// How large the JSON may be. Header lists are limited to 16 KiB by HTTP/2 peers, and a longer one would lose everything.
const FAULT_BYTES_MAX: usize = 4_096;
/// How long the message may be, in characters: it travels twice, once with each byte percent-encoded.
const MESSAGE_LETTERS_MAX: usize = 500;

/// Makes the status that carries a fault. A cause is written to the log here, because it never travels.
pub fn status_of(fault: Fault) -> Status {
    if let Some(cause) = &fault.cause {
        match fault.kind {
            Kind::Internal => tracing::error!(code = %fault.code, cause = %cause, "{}", fault.message),
            _ => tracing::warn!(code = %fault.code, cause = %cause, "{}", fault.message),
        }
    }
    let mut fault = fault;
    if fault.message.len() > MESSAGE_LETTERS_MAX {
        fault.message = fault.message.chars().take(MESSAGE_LETTERS_MAX).collect();
    }
    let mut json = serde_json::to_vec(&fault).unwrap_or_default();
    if json.len() > FAULT_BYTES_MAX {
        fault.details.clear();
        json = serde_json::to_vec(&fault).unwrap_or_default();
    }
    let mut metadata = MetadataMap::with_capacity(1);
    metadata.insert_bin(FAULT, MetadataValue::from_bytes(&json));
    Status::with_metadata(Code::from_i32(fault.kind.grpc_code()), fault.message, metadata)
}

/// Gives the fault that a status carries, or the nearest one for a status that no service of ours made.
// By value, so that it can be named where an error is mapped.
#[allow(clippy::needless_pass_by_value)]
pub fn fault_of(status: Status) -> Fault {
    if let Some(fault) = carried(&status) {
        return fault;
    }
    let message = status.message();
    match status.code() {
        // The one thing for which tonic itself says "out of range".
        Code::OutOfRange => Fault::invalid("message_too_large", "The message is larger than 4 MiB.").because(message),
        Code::DeadlineExceeded => Fault::timeout("deadline_exceeded", "No answer came in time.").because(message),
        Code::Unimplemented => Fault::internal("rpc_unknown", "The service has no such call.").because(message),
        code => Fault::new(Kind::of_grpc_code(code as i32), "rpc_failed", "The call failed.").because(message),
    }
}

fn carried(status: &Status) -> Option<Fault> {
    let json = status.metadata().get_bin(FAULT)?.to_bytes().ok()?;
    serde_json::from_slice(&json).ok()
}

/// Makes a whole answer of a fault: gRPC puts the status of a call that gave nothing into its headers.
pub(crate) fn answer_of(fault: Fault) -> http::Response<tonic::body::Body> {
    status_of(fault).into_http()
}

/// Reads the gRPC code of headers or trailers.
pub(crate) fn code_in(headers: &HeaderMap) -> Option<i32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// Reads the fault of headers or trailers.
pub(crate) fn fault_in(headers: &HeaderMap) -> Option<Fault> {
    Status::from_header_map(headers).map(fault_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_comes_back_as_it_was_said_and_its_cause_stays_home() {
        for (kind, ..) in base::fault::KINDS {
            let fault = Fault::new(kind, "too_late", "Уже в печи: 🍕").with("since", 17).because("row 5 of disk 3");
            let response = answer_of(fault.clone());
            let text = format!("{:?}", response.headers());
            assert!(!text.contains("disk"), "{text}");
            let back = fault_in(response.headers()).unwrap();
            assert_eq!((back.kind, &back.code, &back.message), (kind, &fault.code, &fault.message));
            assert_eq!(back.details, fault.details);
            assert_eq!(back.cause, None);
        }
    }

    #[test]
    fn a_fault_too_large_for_a_header_loses_its_details_and_not_its_name() {
        let fault = Fault::refused("too_many", "я".repeat(9_000)).with("rows", "x".repeat(90_000));
        let response = answer_of(fault);
        let size: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        assert!(size < 12_000, "{size}");
        let back = fault_in(response.headers()).unwrap();
        assert_eq!((back.kind, back.code.as_str()), (Kind::Refused, "too_many"));
        assert!(back.details.is_empty());
    }

    #[test]
    fn a_strangers_status_keeps_its_kind() {
        assert_eq!(fault_of(Status::not_found("x")).kind, Kind::NotFound);
        assert_eq!(fault_of(Status::out_of_range("x")).code, "message_too_large");
        assert_eq!(fault_of(Status::unknown("x")).kind, Kind::Internal);
    }
}
