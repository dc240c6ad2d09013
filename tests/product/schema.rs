//! Tells whether a value is what a schema of the OpenAPI document says: as much of JSON Schema as the document uses.

use serde_json::Value;

/// Finds what a reference leads to.
pub fn found<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(place) => document.pointer(&place[1..]).unwrap_or_else(|| panic!("{place} leads nowhere")),
        None => part,
    }
}

/// Tells everything in which a value is not what the schema says.
pub fn misfits(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    look(document, schema, value, "answer", &mut wrong);
    wrong
}

fn look(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let schema = found(document, schema);
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let tried: Vec<Vec<String>> = choices
            .iter()
            .map(|choice| {
                let mut wrong = Vec::new();
                look(document, choice, value, at, &mut wrong);
                wrong
            })
            .collect();
        if !tried.iter().any(Vec::is_empty) {
            wrong.extend(tried.into_iter().flatten());
        }
        return;
    }
    let known =
        ["$ref", "type", "format", "properties", "required", "items", "additionalProperties", "enum", "minimum", "maximum"];
    let said = ["description", "example", "propertyNames", "default"];
    for name in schema.as_object().expect("a schema is an object").keys() {
        assert!(known.contains(&name.as_str()) || said.contains(&name.as_str()), "{at}: the checker does not know `{name}`");
    }
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind, value)) {
        wrong.push(format!("{at} is {value} and not {kinds:?}"));
        return;
    }
    if schema["format"] == "date-time" && value.as_str().is_some_and(|text| !is_time(text)) {
        wrong.push(format!("{at} is no time: {value}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        wrong.push(format!("{at} is {value}, none of {}", schema["enum"]));
    }
    let (number, least, most) = (value.as_f64(), schema["minimum"].as_f64(), schema["maximum"].as_f64());
    if number.is_some_and(|number| least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most)) {
        wrong.push(format!("{at} is {value}, beyond its bounds"));
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            look(document, &schema["items"], item, &format!("{at}[{place}]"), wrong);
        }
    }
    if let Some(fields) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                wrong.push(format!("{at} has no `{name}`"));
            }
        }
        for (name, field) in fields {
            let at = format!("{at}.{name}");
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (described @ Value::Object(_), _) | (_, described @ Value::Object(_)) => {
                    look(document, described, field, &at, wrong)
                }
                (_, Value::Bool(true)) => {}
                _ if schema["properties"].is_object() => wrong.push(format!("{at} is described nowhere")),
                _ => {}
            }
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type `{other}`"),
    }
}

/// Tells whether a text is a time of RFC 3339 in UTC.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00";
    let fits = |(given, form): (char, char)| if form == '0' { given.is_ascii_digit() } else { given == form };
    let (head, rest) = text.split_at_checked(form.len()).unwrap_or((text, ""));
    let fraction = rest.strip_suffix('Z').map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    head.len() == form.len()
        && head.chars().zip(form.chars()).all(fits)
        && fraction.is_some_and(|fraction| fraction.chars().all(|digit| digit.is_ascii_digit()))
}

#[test]
fn the_checker_finds_what_does_not_fit() {
    let document = serde_json::json!({ "components": { "schemas": { "Time": { "type": "string", "format": "date-time" } } } });
    let schema = serde_json::json!({ "type": "object", "required": ["at", "count"], "properties": {
        "at": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Time" }] },
        "count": { "type": "integer", "minimum": 0 },
        "names": { "type": "array", "items": { "type": ["string", "null"] } },
        "texts": { "type": "object", "additionalProperties": { "type": "string" } } } });
    let check = |value: Value| misfits(&document, &schema, &value).len();
    assert_eq!(check(serde_json::json!({ "at": null, "count": 1, "names": ["a", null], "texts": { "en": "b" } })), 0);
    assert_eq!(check(serde_json::json!({ "at": "2026-01-31T12:00:00.5Z", "count": 0 })), 0);
    for bad in [
        serde_json::json!({ "count": 1 }),
        serde_json::json!({ "at": null, "count": 1.5 }),
        serde_json::json!({ "at": null, "count": -1 }),
        serde_json::json!({ "at": null, "count": 1, "names": [1] }),
        serde_json::json!({ "at": null, "count": 1, "texts": { "en": 1 } }),
        serde_json::json!({ "at": null, "count": 1, "more": 1 }),
        serde_json::json!([]),
    ] {
        assert!(check(bad.clone()) > 0, "{bad}");
    }
    for bad in ["yesterday", "2026-01-31 12:00:00Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00+03:00", ""] {
        assert!(check(serde_json::json!({ "at": bad, "count": 1 })) > 0, "{bad}");
    }
}
