//! The document says of every operation what it takes, what it gives and how it says no.

use std::collections::BTreeSet;

use super::*;

/// Finds what a reference leads to.
fn found<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(place) => document.pointer(place.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{place} leads nowhere")),
        None => part,
    }
}

/// What is wrong with the answers of an operation.
fn complaints(document: &Value, act: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in ["operationId", "summary"] {
        if act[name].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("no {name}"));
        }
    }
    if act["tags"].as_array().is_none_or(|tags| tags.iter().all(|tag| tag == "")) {
        wrong.push("no tags".to_owned());
    }
    for parameter in act["parameters"].as_array().unwrap() {
        if parameter["description"].as_str().is_none_or(str::is_empty) || !parameter["schema"]["type"].is_string() {
            wrong.push(format!("a parameter that says nothing: {parameter}"));
        }
    }
    let (mut good, mut problems) = (0, 0);
    for (status, answer) in act["responses"].as_object().unwrap() {
        let answer = found(document, answer);
        let content = answer["content"].as_object();
        if status.starts_with('2') {
            good += 1;
            let described = |schema: &Value| schema["$ref"].is_string() || schema["type"].is_string();
            if !content.is_some_and(|content| !content.is_empty() && content.values().all(|kind| described(&kind["schema"]))) {
                wrong.push(format!("{status} has no schema"));
            }
        } else if !status.starts_with('3') {
            let schema = content.and_then(|content| content.get("application/problem+json")).map(|kind| &kind["schema"]);
            match schema {
                Some(schema) if found(document, schema)["required"].is_array() => problems += 1,
                _ => wrong.push(format!("{status} is no problem")),
            }
        }
    }
    if good != 1 {
        wrong.push(format!("{good} good answers"));
    }
    if problems < 5 {
        wrong.push(format!("{problems} problems"));
    }
    wrong
}

#[tokio::test]
async fn every_operation_says_what_it_gives_and_how_it_says_no() {
    let document = House::new().await.get("/openapi.json", &[]).await.json();
    let (mut names, mut wrong) = (BTreeSet::new(), Vec::new());
    for (path, acts) in document["paths"].as_object().unwrap() {
        for (method, act) in acts.as_object().unwrap() {
            wrong.extend(complaints(&document, act).into_iter().map(|complaint| format!("{method} {path}: {complaint}")));
            assert!(names.insert(act["operationId"].as_str().unwrap().to_owned()), "{method} {path} has another's operationId");
            let takes = ["post", "put", "delete"].contains(&method.as_str());
            let key = act["parameters"].as_array().unwrap().iter().any(|parameter| parameter["name"] == "Idempotency-Key");
            assert_eq!(takes, key, "{method} {path}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(names.len() > 80, "{}", names.len());
}

#[tokio::test]
async fn every_shape_says_what_it_is_and_every_number_in_what_it_counts() {
    let document = House::new().await.get("/openapi.json", &[]).await.json();
    let mut wrong = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if schema["description"].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("{name} has no description"));
        }
        for (field, shape) in schema["properties"].as_object().into_iter().flatten() {
            let kinds = shape["type"].as_array().cloned().unwrap_or_else(|| vec![shape["type"].clone()]);
            let number = kinds.iter().any(|kind| kind == "integer" || kind == "number");
            if number && shape["description"].as_str().is_none_or(str::is_empty) {
                wrong.push(format!("{name}.{field} counts, and does not say what"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_walk_finds_what_is_missing() {
    let problem = serde_json::json!({ "content": { "application/problem+json": { "schema": { "required": [] } } } });
    let good = serde_json::json!({ "content": { "application/json": { "schema": { "type": "object" } } } });
    let whole = serde_json::json!({ "operationId": "a", "summary": "b", "tags": ["c"], "parameters": [],
        "responses": { "200": good, "400": problem, "401": problem, "429": problem, "500": problem, "default": problem } });
    assert_eq!(complaints(&Value::Null, &whole), Vec::<String>::new());
    for part in
        ["operationId", "summary", "tags", "responses/200/content", "responses/200", "responses/400/content", "responses/429"]
    {
        let mut poor = whole.clone();
        let (place, name) = part.rsplit_once('/').map_or((String::new(), part), |(place, name)| (format!("/{place}"), name));
        poor.pointer_mut(&place).unwrap().as_object_mut().unwrap().remove(name);
        assert_ne!(complaints(&Value::Null, &poor), Vec::<String>::new(), "{part}");
    }
}
