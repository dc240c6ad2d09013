//! The menu as bytes: written down once, served until the catalogue changes or a few seconds have passed.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use base::Fault;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::Edge;
use crate::files::wanted::{self, Packing};

/// Both faces of the menu, as they are served.
pub(crate) struct Served {
    own: Bytes,
    /// The same, packed: who opens the shop on a slow line waits for the menu.
    packed: Bytes,
    pizza: Bytes,
    tag: String,
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
                let tag = data_encoding::HEXLOWER.encode(&digest[..12]);
                let packed = packed(&own)?;
                let served = Arc::new(Served { own, packed, pizza, tag, generation, written: edge.world().monotonic() });
                *self.served.write().unwrap_or_else(PoisonError::into_inner) = Some(served.clone());
                Ok(served)
            }
            // The catalogue is away: an old menu is better than none, and prices are asked again when an order is placed.
            Err(fault) => self.kept().filter(|_| fault.is_retryable()).ok_or(fault),
        }
    }
}

fn packed(plain: &[u8]) -> Result<Bytes, Fault> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let packed = packer.write_all(plain).and_then(|()| packer.finish());
    let unfit = |error| Fault::internal("answer_unwritable", "The menu cannot be packed.").because(error);
    packed.map(Bytes::from).map_err(unfit)
}

/// Serves the menu, in our own words or in those of the pizza place.
pub(crate) async fn serve(edge: &Edge, headers: &HeaderMap, pizza: bool) -> Result<Response, Fault> {
    let served = edge.0.menu.get(edge).await?;
    let packing = if pizza { Packing::None } else { wanted::packing(headers, true, false) };
    let etag = format!("\"{}{}\"", served.tag, packing.suffix());
    let mut response = if wanted::has(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if pizza {
        served.pizza.clone().into_response()
    } else if packing == Packing::None {
        served.own.clone().into_response()
    } else {
        served.packed.clone().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if !pizza {
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if let Some(name) = packing.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    let etag = HeaderValue::try_from(etag)
        .map_err(|error| Fault::internal("header_unfit", "The menu's tag does not fit into a header.").because(error))?;
    headers.insert(header::ETAG, etag);
    Ok(response)
}
