//! What a file is, by its ending, and how long a browser may keep it.

/// Gives the content type of a file.
pub(super) fn of(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Gives how a browser may keep a file.
///
/// Pages, scripts, styles and words belong together: a script of yesterday in a page of today would break it, so all of them
/// are asked about again, which costs a 304. A picture stands for itself and may be an hour old.
pub(super) fn kept(path: &str) -> &'static str {
    let of = of(path);
    let alone = of.starts_with("image/") || of.starts_with("font/") || of.starts_with("audio/");
    if alone { "public, max-age=3600" } else { "no-cache" }
}
