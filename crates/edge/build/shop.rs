//! Packs the files of the shop: each as it is, or joined with what it imports, and, where that is shorter, as gzip and as brotli.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::join;

/// Kinds of files that are packed already.
const PACKED_KINDS: [&str; 6] = ["png", "jpg", "webp", "woff2", "mp3", "ogg"];
/// A variant earns its place when it saves at least a tenth.
const WORTH: (usize, usize) = (9, 10);

/// Writes `shop.rs` with the list of all files, sorted by path, and the variants beside it.
pub fn pack(folder: &Path, out: &Path) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    gather(folder, folder, &mut files);
    files.sort();
    let variants = out.join("shop");
    fs::create_dir_all(&variants).expect("the output folder can be written");
    // The shortest takes its time: it is for those who ship, and not for those who try.
    let quality = if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") { 11 } else { 5 };
    let mut list = String::from("static KEPT: &[Kept] = &[\n");
    let joined = join::entries(folder, &files);
    for (path, mut file) in files {
        let mut plain = fs::read(&file).expect("a file of the shop can be read");
        if joined.contains(&path) {
            plain = join::joined(folder, &path).into_bytes();
            file = variants.join(format!("{:016x}.js", fingerprint(&plain)));
            fs::write(&file, &plain).expect("a joined script can be written");
        }
        let stem = format!("{:016x}-{quality}", fingerprint(&plain));
        let packs = !PACKED_KINDS.iter().any(|kind| path.ends_with(&format!(".{kind}")));
        let variant = |end: &str, pack: &dyn Fn(&[u8]) -> Vec<u8>| {
            let kept = variants.join(format!("{stem}.{end}"));
            if packs && !kept.exists() {
                // Whole or not at all: what a full disk or a killed build leaves half would be kept, and shipped.
                let part = variants.join(format!("{stem}.{end}.part"));
                fs::write(&part, pack(&plain)).expect("a variant can be written");
                fs::rename(&part, &kept).expect("a variant can be named");
            }
            let short = packs && fs::metadata(&kept).is_ok_and(|kept| kept.len() as usize * WORTH.1 < plain.len() * WORTH.0);
            if short { format!("Some(include_bytes!({:?}))", kept.display().to_string()) } else { "None".to_owned() }
        };
        let gzip = variant("gz", &gzip);
        let brotli = variant("br", &|plain| brotli(plain, quality));
        let file = file.display().to_string();
        let _ = writeln!(list, "    Kept {{ path: {path:?}, plain: include_bytes!({file:?}), gzip: {gzip}, brotli: {brotli} }},");
    }
    list.push_str("];\n");
    fs::write(out.join("shop.rs"), list).expect("the list can be written");
}

/// Finds all files, by their path as a browser asks for it.
fn gather(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("web/shop is part of the source").flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(root, &path, files);
            continue;
        }
        let name = path.strip_prefix(root).ok().and_then(Path::to_str).expect("a path beneath the folder");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        assert!(
            name.bytes().all(plain),
            "web/shop/{name}: names are letters, digits, `.`, `_` and `-`, so that they need no escapes"
        );
        if !name.ends_with(".md") {
            files.push((name.to_owned(), path));
        }
    }
}

/// Names a content, so that what is packed once is not packed again.
fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(plain).and_then(|()| packer.finish()).expect("memory takes it all")
}

fn brotli(plain: &[u8], quality: i32) -> Vec<u8> {
    let how = brotli::enc::BrotliEncoderParams { quality, size_hint: plain.len(), ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &plain[..], &mut packed, &how).expect("memory takes it all");
    packed
}
