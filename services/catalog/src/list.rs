//! Lists what a shop sells: filtered, sorted, by keyset pages that stay stable while the menu changes. Pure.

use base::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use base::text::fold;
use catalog_api as api;
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};

use crate::domain::Error;
use crate::menu::{Entry, Key, Menu, fnv};

/// How long a text to search for may be, in bytes.
const TEXT_BYTES_MAX: usize = 200;
/// How many words it may have.
const WORDS_MAX: usize = 10;
/// How long a page token may be.
const TOKEN_BYTES_MAX: usize = 4_096;

/// The place behind which a page begins, as it travels: opaque to those who hold it.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    list: u64,
    text: Option<String>,
    number: i64,
    id: i64,
}

/// Gives a page.
pub fn page(menu: &Menu, request: &api::ListItemsRequest) -> Result<api::ItemPage, Error> {
    let words = words(&request.text)?;
    if request.min_minor < 0 || request.max_minor < 0 || (request.max_minor > 0 && request.min_minor > request.max_minor) {
        return Err(Error::Filter("price"));
    }
    let language =
        if request.language.is_empty() { menu.shop.languages.first().map_or("en", String::as_str) } else { &request.language };
    let (sorted, backwards) = match request.sort.as_str() {
        "" | "name" => (menu.by_name(language).ok_or(Error::Filter("language"))?, false),
        "-name" => (menu.by_name(language).ok_or(Error::Filter("language"))?, true),
        "price" => (menu.by_price(), false),
        "-price" => (menu.by_price(), true),
        "newest" => (menu.by_age(), false),
        _ => return Err(Error::Filter("sort")),
    };
    let list = digest(request, &words, language);
    let after = if request.after.is_empty() { None } else { Some(read(&request.after, list)?) };
    if after.is_none() && request.known_version != 0 && request.known_version == menu.version {
        return Ok(api::ItemPage { version: menu.version, unchanged: true, ..Default::default() });
    }
    let limit = match request.limit {
        0 => PAGE_ROWS_DEFAULT,
        limit => limit.min(PAGE_ROWS_MAX),
    } as usize;
    let fits = |entry: &Entry| {
        (request.with_retired || !entry.item.retired)
            && (request.category.is_empty() || entry.item.category == request.category)
            && entry.shown.from_minor >= request.min_minor
            && (request.max_minor == 0 || entry.shown.from_minor <= request.max_minor)
            && words.iter().all(|word| entry.folded.contains(word))
    };
    // The rows behind the place, in the direction of the list.
    let place = |row: &(Key, i64, _)| after.as_ref().map(|(key, id)| (&row.0, row.1).cmp(&(key, *id)));
    let rows: Box<dyn Iterator<Item = _>> = if backwards {
        let end = sorted.partition_point(|row| place(row).is_none_or(std::cmp::Ordering::is_lt));
        Box::new(sorted[..end].iter().rev())
    } else {
        let start = sorted.partition_point(|row| place(row).is_some_and(std::cmp::Ordering::is_le));
        Box::new(sorted[start..].iter())
    };
    let mut found = rows.filter(|row| fits(&row.2));
    let rows: Vec<_> = found.by_ref().take(limit).collect();
    let next = match (rows.last(), found.next()) {
        (Some((key, id, _)), Some(_)) => write(list, key, *id),
        _ => String::new(),
    };
    Ok(api::ItemPage {
        items: rows.iter().map(|row| row.2.shown.clone()).collect(),
        next,
        version: menu.version,
        unchanged: false,
    })
}

fn words(text: &str) -> Result<Vec<String>, Error> {
    let words: Vec<String> = fold(text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if text.len() > TEXT_BYTES_MAX || words.len() > WORDS_MAX {
        return Err(Error::Filter("text"));
    }
    Ok(words)
}

/// Names the list, so that a place in one is refused by another.
fn digest(request: &api::ListItemsRequest, words: &[String], language: &str) -> u64 {
    let parts = [
        &request.shop_id.to_string(),
        &request.category,
        &request.min_minor.to_string(),
        &request.max_minor.to_string(),
        &words.join(" "),
        &request.sort,
        language,
        &request.with_retired.to_string(),
    ];
    fnv(parts.join("\0").into_bytes())
}

fn write(list: u64, key: &Key, id: i64) -> String {
    let token = match key {
        Key::Text(text) => Token { list, text: Some(text.clone()), number: 0, id },
        Key::Number(number) => Token { list, text: None, number: *number, id },
    };
    let json = serde_json::to_vec(&token).expect("a token is plain data");
    BASE32_NOPAD.encode(&json).to_ascii_lowercase()
}

fn read(token: &str, list: u64) -> Result<(Key, i64), Error> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Error::PageToken);
    }
    let json = BASE32_NOPAD.decode(token.to_ascii_uppercase().as_bytes()).map_err(|_| Error::PageToken)?;
    let token: Token = serde_json::from_slice(&json).map_err(|_| Error::PageToken)?;
    if token.list != list {
        return Err(Error::PageToken);
    }
    Ok((token.text.map_or(Key::Number(token.number), Key::Text), token.id))
}
