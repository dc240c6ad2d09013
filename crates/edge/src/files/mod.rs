//! Files: the pages of the shop and what they are made of.
//!
//! Owns: which address is which file, how it is packed, how long a browser may keep it, what a page may do.
//! Promises: nothing outside the folder is ever read; a file that a browser has already costs no body.
//! Never: runs anything, makes a page of data; what is in a page is in `web/shop`.
//! Start reading at [`Files::answer`].

mod folder;
mod kind;
mod pages;
mod policy;
mod shelf;
pub(crate) mod wanted;

use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base::Fault;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::Edge;
use crate::problem::Problem;
use wanted::Packing;

/// The page that says that there is nothing.
const NOTHING: &str = "404.html";

/// Marks an answer that is whole although its status is an error: the door leaves it as it is.
#[derive(Clone, Copy)]
pub(crate) struct Whole;

/// The files that are served.
pub(crate) enum Files {
    /// Those that are inside the binary.
    Inside,
    /// Those of a folder, for whoever works on them.
    Folder(folder::Folder),
}

/// A file as it is sent.
struct Sent {
    bytes: Bytes,
    tag: String,
    packing: Packing,
    /// There are others to choose from.
    varies: bool,
}

impl Files {
    /// Gives those of a folder, or else those inside.
    pub(crate) fn of(folder: Option<&PathBuf>) -> Files {
        folder.map_or(Files::Inside, |path| Files::Folder(folder::Folder::new(path)))
    }

    fn find(&self, path: &str, headers: &HeaderMap) -> Option<Sent> {
        match self {
            Files::Inside => {
                let kept = shelf::find(path)?;
                let packing = wanted::packing(headers, kept.gzip.is_some(), kept.brotli.is_some());
                let bytes = match packing {
                    Packing::Brotli => kept.brotli,
                    Packing::Gzip => kept.gzip,
                    Packing::None => None,
                };
                let varies = kept.gzip.is_some() || kept.brotli.is_some();
                let bytes = Bytes::from_static(bytes.unwrap_or(kept.plain));
                Some(Sent { bytes, tag: shelf::tag(path)?.to_owned(), packing, varies })
            }
            Files::Folder(folder) => {
                let bytes = Bytes::from(folder.read(path)?);
                Some(Sent { tag: tag(&bytes), bytes, packing: Packing::None, varies: false })
            }
        }
    }

    /// Answers with the file of an address; none when there is none.
    fn answer(&self, address: &str, headers: &HeaderMap) -> Option<Response> {
        let (path, sent) = pages::candidates(address).find_map(|path| Some((path.clone(), self.find(&path, headers)?)))?;
        Some(shown(&path, sent, headers, StatusCode::OK))
    }

    /// Answers that there is nothing: with a page to whoever reads pages.
    fn nothing(&self, address: &str, headers: &HeaderMap) -> Response {
        let programs = ["/v1/", "/api/"].iter().any(|start| address.starts_with(start));
        let page = (!programs && wanted::reads_pages(headers)).then(|| self.find(NOTHING, headers)).flatten();
        match page {
            Some(sent) => {
                let mut response = shown(NOTHING, sent, &HeaderMap::new(), StatusCode::NOT_FOUND);
                response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
                response.headers_mut().remove(header::ETAG);
                response.extensions_mut().insert(Whole);
                response
            }
            None => Problem::from(Fault::not_found("route_not_found", "There is nothing at this address.")).into_response(),
        }
    }
}

/// Names a content.
fn tag(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..12])
}

fn shown(path: &str, sent: Sent, asked: &HeaderMap, status: StatusCode) -> Response {
    let Sent { bytes, tag, packing, varies } = sent;
    let tag = format!("\"{tag}{}\"", packing.suffix());
    let known = status == StatusCode::OK && wanted::has(asked, &tag);
    let mut response = Response::new(if known { Body::empty() } else { Body::from(bytes) });
    *response.status_mut() = if known { StatusCode::NOT_MODIFIED } else { status };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(name) = packing.name().filter(|_| !known) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    if varies {
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind::of(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kind::kept(path)));
    policy::put(headers, path);
    response
}

/// Gives the routes of pages and folders; whatever else is asked comes to [`other`].
pub(crate) fn routes(files: &Files) -> Router<Edge> {
    let folders = match files {
        Files::Inside => shelf::folders(),
        Files::Folder(folder) => folder.folders(),
    };
    let patterns = pages::PATTERNS.into_iter().map(str::to_owned);
    let folders = folders.into_iter().filter(|name| pages::may_be_folder(name)).map(|name| format!("/{name}/{{*file}}"));
    patterns.chain(folders).fold(Router::new(), |router, path| router.route(&path, axum::routing::get(file)))
}

async fn file(State(edge): State<Edge>, request: Request) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    edge.0.files.answer(path, headers).unwrap_or_else(|| edge.0.files.nothing(path, headers))
}

/// Answers what no route knows: a file at the root, or that there is nothing.
pub(crate) async fn other(State(edge): State<Edge>, request: Request) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let (path, headers) = (request.uri().path(), request.headers());
    let found = if reads { edge.0.files.answer(path, headers) } else { None };
    found.unwrap_or_else(|| edge.0.files.nothing(path, headers))
}

#[cfg(test)]
mod tests;
