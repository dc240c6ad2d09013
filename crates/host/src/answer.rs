//! From the outcome of a request to what gRPC carries.

use base::Fault;
use tonic::{Response, Status};

/// Answers a call: a fault becomes a status that carries all of it but its cause, which is logged here, once.
pub async fn answer<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<Response<T>, Status> {
    work.await.map(Response::new).map_err(wire::status_of)
}
