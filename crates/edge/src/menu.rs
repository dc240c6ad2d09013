//! The menu as bytes: written down once, served until the catalogue changes or a few seconds have passed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use base::Fault;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::Edge;

/// Both faces of the menu, as they are served.
pub(crate) struct Served {
    own: Bytes,
    pizza: Bytes,
    etag: HeaderValue,
    generation: u64,
    written: Duration,
}

/// The menu that is kept.
pub(crate) struct Menu {
    life: Duration,
    generation: AtomicU64,
    served: RwLock<Option<Arc<Served>>>,
    writing: tokio::sync::Mutex<()>,
}

impl Menu {
    pub(crate) fn new(life: Duration) -> Menu {
        Menu { life, generation: AtomicU64::new(0), served: RwLock::default(), writing: tokio::sync::Mutex::default() }
    }

    /// Something has changed: the next reader gets a fresh one.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn kept(&self) -> Option<Arc<Served>> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self, now: Duration) -> Option<Arc<Served>> {
        let generation = self.generation.load(Ordering::Acquire);
        self.kept().filter(|served| served.generation == generation && now.saturating_sub(served.written) < self.life)
    }

    async fn get(&self, edge: &Edge) -> Result<Arc<Served>, Fault> {
        if let Some(served) = self.fresh(edge.world().monotonic()) {
            return Ok(served);
        }
        let _writing = self.writing.lock().await;
        if let Some(served) = self.fresh(edge.world().monotonic()) {
            return Ok(served);
        }
        let generation = self.generation.load(Ordering::Acquire);
        match crate::routes::catalog::whole_menu(edge).await {
            Ok((own, pizza)) => {
                let digest = Sha256::digest(&own);
                let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&digest[..12]));
                let etag = HeaderValue::try_from(tag).map_err(|error| {
                    Fault::internal("header_unfit", "The menu's tag does not fit into a header.").because(error)
                })?;
                let served = Arc::new(Served { own, pizza, etag, generation, written: edge.world().monotonic() });
                *self.served.write().unwrap_or_else(PoisonError::into_inner) = Some(served.clone());
                Ok(served)
            }
            // The catalogue is away: an old menu is better than none, and prices are asked again when an order is placed.
            Err(fault) => self.kept().filter(|_| fault.is_retryable()).ok_or(fault),
        }
    }
}

/// Serves the menu, in our own words or in those of the pizza place.
pub(crate) async fn serve(edge: &Edge, headers: &HeaderMap, pizza: bool) -> Result<Response, Fault> {
    let served = edge.0.menu.get(edge).await?;
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tags| {
        tags.to_str()
            .is_ok_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == served.etag.as_bytes()))
    });
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else if pizza {
        served.pizza.clone().into_response()
    } else {
        served.own.clone().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ETAG, served.etag.clone());
    Ok(response)
}
