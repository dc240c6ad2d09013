//! Devices: a guest's token.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::id::DeviceId;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{self, Api, Who};
use crate::asked::Sent;
use crate::problem::Problem;
use crate::{Edge, device};

/// Where devices are made; the door counts how many.
pub(crate) const PATH: &str = "/v1/devices";

pub(crate) fn add(api: &mut Api) {
    api.chapter("devices");
    api.add(
        api::post(PATH, "Gives a guest a token of a new device")
            .open_to(Who::Anyone)
            .takes::<NewDevice>()
            .gives::<Device>()
            .hands_device()
            .with(201),
        create,
    );
}

/// Nothing needs to be said of a device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDevice {}

/// A device.
#[derive(Serialize, ToSchema)]
struct Device {
    /// What the guest shows from now on: `Authorization: Bearer TOKEN`, or the cookie that comes with this answer.
    token: String,
}

async fn create(State(edge): State<Edge>, Sent(NewDevice {}): Sent<NewDevice>) -> Result<Response, Problem> {
    let token = device::token(edge.key(), edge.world().next_id::<DeviceId>(), edge.world().now());
    Ok(with_device(Some(&token), (StatusCode::CREATED, Json(Device { token: token.clone() })).into_response()))
}

/// Hands a fresh token out with an answer.
pub(crate) fn with_device(token: Option<&str>, mut response: Response) -> Response {
    let Some(token) = token else { return response };
    let headers = response.headers_mut();
    if let (Ok(token), Ok(cookie)) = (HeaderValue::from_str(token), HeaderValue::from_str(&device::cookie(token))) {
        headers.insert(device::HEADER, token);
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}
