//! The document's words: what parameters are, what an answer carries, which problems there may be.

use base::limits::{IDEMPOTENCY_KEY_BYTES_MAX, PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use serde_json::{Map, Value, json};

use crate::SERVICES;

/// What a query may say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    name: &'static str,
    what: &'static str,
    shape: Shape,
    needed: bool,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Text,
    Words(&'static [&'static str]),
    Flag,
    Minor,
    Count { otherwise: u32, max: u32 },
}

impl Param {
    const fn of(name: &'static str, what: &'static str, shape: Shape) -> Param {
        Param { name, what, shape, needed: false }
    }

    /// A text.
    pub(crate) const fn text(name: &'static str, what: &'static str) -> Param {
        Param::of(name, what, Shape::Text)
    }

    /// One of some words.
    pub(crate) const fn words(name: &'static str, what: &'static str, words: &'static [&'static str]) -> Param {
        Param::of(name, what, Shape::Words(words))
    }

    /// `true` or `false`.
    pub(crate) const fn flag(name: &'static str, what: &'static str) -> Param {
        Param::of(name, what, Shape::Flag)
    }

    /// An amount in minor units.
    pub(crate) const fn minor(name: &'static str, what: &'static str) -> Param {
        Param::of(name, what, Shape::Minor)
    }

    /// How many; 0 means as many as when nobody says.
    pub(crate) const fn count(name: &'static str, what: &'static str, otherwise: u32, max: u32) -> Param {
        Param::of(name, what, Shape::Count { otherwise, max })
    }

    /// It must be said.
    pub(crate) const fn needed(self) -> Param {
        Param { needed: true, ..self }
    }

    fn described(&self) -> Value {
        let schema = match self.shape {
            Shape::Text => json!({ "type": "string" }),
            Shape::Words(words) => json!({ "type": "string", "enum": words }),
            Shape::Flag => json!({ "type": "boolean", "default": false }),
            Shape::Minor => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
            Shape::Count { otherwise, max } => {
                json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": max, "default": otherwise })
            }
        };
        json!({ "name": self.name, "in": "query", "required": self.needed, "description": self.what, "schema": schema })
    }
}

/// Where a page of a list begins.
pub(crate) const AFTER: Param = Param::text("after", "`next` of the page before; the first page when it is left out.");
/// How long a page of a list is.
pub(crate) const LIMIT: Param = Param::count("limit", "How many rows.", PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX);
/// What most lists may be asked for.
pub(crate) const PAGE: &[Param] = &[AFTER, LIMIT];

/// What a part of the path names.
fn of_path(name: &str) -> Value {
    let what = match name {
        "order" => "The id of an order: `ord_…`.",
        "payment" => "The id of a payment: `pay_…`.",
        "share" => "What `GET /v1/orders/{order}/progress` gives to its owner as `share`.",
        "item" => "The id of an item, `itm_…`; where it is only read, its short name does as well.",
        "stock" => "The id of a thing in stock, `stk_…`; where it is only read, its short name does as well.",
        "shop" => "The id of a shop: `shp_…`.",
        "station" => "The id of a station: `stn_…`.",
        "letter" => "The id of a dead letter: `dlq_…`.",
        "notification" => "The id of a message: `ntf_…`.",
        "projection" => "What is computed from the orders.",
        "service" => "The name of a service.",
        "code" => "The code of a problem, such as `order_not_found`.",
        _ => unreachable!("every part of a path is described here: `{name}` is not"),
    };
    let schema = match name {
        "service" => json!({ "type": "string", "enum": SERVICES }),
        "projection" => json!({ "type": "string", "enum": ["mine", "board", "statistics"] }),
        _ => json!({ "type": "string" }),
    };
    json!({ "name": name, "in": "path", "required": true, "description": what, "schema": schema })
}

fn header(name: &str, what: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "header", "description": what, "schema": schema })
}

/// What an operation is like beyond its bodies.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    /// The answer has a tag by which a repeat costs no body.
    pub(crate) tagged: bool,
    /// A guest who shows nothing gets a device with the answer.
    pub(crate) hands_device: bool,
    /// The answer is a stream that can be gone on with.
    pub(crate) resumable: bool,
    /// The answer says where the new thing is.
    pub(crate) located: bool,
}

/// Describes the parameters of an operation.
pub(crate) fn parameters(path: &str, writes: bool, query: &[Param], traits: Traits) -> Vec<Value> {
    let mut all: Vec<Value> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(of_path).collect();
    all.extend(query.iter().map(Param::described));
    let text = json!({ "type": "string" });
    if writes {
        let key = json!({ "type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_BYTES_MAX, "pattern": "^[!-~]+$" });
        let mut described = header(
            "Idempotency-Key",
            "A key of your own: the same request under the same key happens once, and a repeat gets the same answer for a day.",
            &key,
        );
        described["required"] = json!(path.starts_with("/v1/"));
        all.push(described);
    }
    if traits.tagged {
        all.push(header("If-None-Match", "The `ETag` of the answer that you have: 304 when it is still the same.", &text));
    }
    if traits.resumable {
        all.push(header("Last-Event-ID", "The id of the last event seen: the stream goes on behind it.", &text));
    }
    all
}

/// Describes the headers of the good answer.
pub(crate) fn headers(traits: Traits) -> Map<String, Value> {
    let mut headers = Map::new();
    let mut tell = |name: &str, what: &str| {
        headers.insert(name.to_owned(), json!({ "description": what, "schema": { "type": "string" } }));
    };
    tell("X-Correlation-Id", "The id by which the request can be followed in the logs and events; yours, if you sent one.");
    if traits.tagged {
        tell("ETag", "Send it as `If-None-Match` the next time.");
    }
    if traits.located {
        tell("Location", "Where the new thing is.");
    }
    if traits.hands_device {
        tell("Comanda-Device", "The token of the new device, if one was made.");
        tell("Set-Cookie", "The same token for a browser.");
    }
    headers
}

/// The statuses with which an operation may say no.
pub(crate) fn problems(writes: bool, has_body: bool, has_input: bool, names_things: bool, restricted: bool) -> Vec<u16> {
    let all = [
        (400, writes || has_input || names_things),
        (401, true),
        (403, restricted),
        (404, names_things || has_body),
        (409, writes),
        (413, writes),
        (415, has_body),
        (422, writes),
        (429, true),
        (500, true),
        (503, true),
        (504, true),
    ];
    all.into_iter().filter(|(_, may)| *may).map(|(status, _)| status).collect()
}

/// The answers that say no, once for all operations.
pub(crate) fn problem_answers() -> Map<String, Value> {
    let text = |what: &str| json!({ "description": what, "schema": { "type": "string" } });
    let wait = json!({ "description": "After how many seconds to try again.", "schema": { "type": "integer", "minimum": 0 } });
    let all = [
        ("400", "The request does not fit: its body, its query, its key or an id."),
        ("401", "Nobody was recognised: no token, or one that this platform did not give out."),
        ("403", "The one who asks may not do this."),
        ("404", "There is no such thing, or none that the one who asks may see."),
        ("409", "The thing has changed meanwhile, or the key was used for another request."),
        ("413", "The body is too large."),
        ("415", "The body is not JSON."),
        ("422", "The rules of the business say no."),
        ("429", "More was asked than one client may ask; wait."),
        ("500", "A defect of the platform."),
        ("503", "Somebody that is needed cannot answer now; wait."),
        ("504", "There was no answer in time; whether it happened is unknown, so send the same request under the same key."),
        ("default", "A problem."),
    ];
    let answer = |(status, what): (&str, &str)| {
        let mut headers = json!({ "X-Correlation-Id": text("The id by which the request can be followed in the logs.") });
        match status {
            "401" => {
                headers["WWW-Authenticate"] = text("`Bearer`.");
                headers["Set-Cookie"] = text("Takes away the cookie of a device that this platform does not know.");
            }
            "429" | "503" => headers["Retry-After"] = wait.clone(),
            _ => {}
        }
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        let said =
            json!({ "description": what, "headers": headers, "content": { "application/problem+json": { "schema": schema } } });
        (named(status), said)
    };
    all.into_iter().map(answer).collect()
}

/// Names the answer of a status.
pub(crate) fn named(status: &str) -> String {
    if status == "default" { "Problem".to_owned() } else { format!("Problem{status}") }
}

/// A problem (RFC 9457), with members of its own per code.
pub(crate) fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "A problem (RFC 9457). A code may add members, such as `field` or `retry_after_seconds`.",
        "required": ["type", "title", "status", "detail", "code", "correlation_id"],
        "properties": {
            "type": { "type": "string", "description": "The page of the code: `/problems/CODE`." },
            "title": { "type": "string", "description": "The code in words; in Russian when `Accept-Language` asks for it." },
            "status": { "type": "integer", "description": "The HTTP status, again." },
            "detail": { "type": "string", "description": "What is wrong with this request." },
            "message": { "type": "string", "description": "The particulars in English, where the detail is in another language." },
            "code": { "type": "string", "description": "The stable name of the problem, such as `order_not_found`." },
            "correlation_id": { "type": "string", "description": "The id by which the request can be followed." },
            "field": { "type": "string", "description": "Which field or parameter is meant." },
            "retry_after_seconds": { "type": "integer", "minimum": 0, "description": "When to try again." }
        },
        "additionalProperties": true
    })
}
