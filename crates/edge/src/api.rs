//! A route and its document in one act: what is not described cannot be reached.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use base::{Fault, Principal};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::Edge;
use crate::asked::Asked;
use crate::problem::Problem;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Anyone.
    Anyone,
    /// Whoever has shown a token; the service decides what is theirs.
    Known,
    /// The shop's staff.
    Staff,
}

/// One route as the document describes it.
pub(crate) struct Act {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    who: Who,
    query: &'static [(&'static str, &'static str)],
    body: Option<Value>,
    status: u16,
    answer: Option<(&'static str, Value)>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

fn act(method: &'static str, path: &'static str, summary: &'static str) -> Act {
    Act { method, path, summary, who: Who::Staff, query: &[], body: None, status: 200, answer: None, schemas: Vec::new() }
}

pub(crate) fn get(path: &'static str, summary: &'static str) -> Act {
    act("get", path, summary)
}

pub(crate) fn post(path: &'static str, summary: &'static str) -> Act {
    act("post", path, summary)
}

pub(crate) fn put(path: &'static str, summary: &'static str) -> Act {
    act("put", path, summary)
}

pub(crate) fn delete(path: &'static str, summary: &'static str) -> Act {
    act("delete", path, summary)
}

impl Act {
    /// Opens the route to others than staff.
    pub(crate) fn open_to(mut self, who: Who) -> Act {
        self.who = who;
        self
    }

    /// Names what the query may say.
    pub(crate) fn asks(mut self, query: &'static [(&'static str, &'static str)]) -> Act {
        self.query = query;
        self
    }

    /// Says what the body is.
    pub(crate) fn takes<T: ToSchema>(mut self) -> Act {
        self.body = Some(self.schema::<T>());
        self
    }

    /// Says what the answer is.
    pub(crate) fn gives<T: ToSchema>(mut self) -> Act {
        self.answer = Some(("application/json", self.schema::<T>()));
        self
    }

    /// Says what the answer is when it is no JSON.
    pub(crate) fn gives_text(mut self, kind: &'static str) -> Act {
        self.answer = Some((kind, json!({ "type": "string" })));
        self
    }

    /// Says with which status it succeeds.
    pub(crate) fn with(mut self, status: u16) -> Act {
        self.status = status;
        self
    }

    fn schema<T: ToSchema>(&mut self) -> Value {
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        T::schemas(&mut self.schemas);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn described(&self, tag: &str) -> Value {
        let mut parameters: Vec<Value> = self
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        for (name, what) in self.query {
            parameters.push(json!({ "name": name, "in": "query", "description": what, "schema": { "type": "string" } }));
        }
        if self.method != "get" {
            let required = self.path.starts_with("/v1/");
            parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "required": required, "schema": { "type": "string", "maxLength": 200 },
                "description": "A key of your own; the same request under the same key happens once." }));
        }
        let mut answers = Map::new();
        let good = match &self.answer {
            Some((kind, schema)) => json!({ "description": "Done.", "content": { *kind: { "schema": schema } } }),
            None => json!({ "description": "Done." }),
        };
        answers.insert(self.status.to_string(), good);
        answers.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
        let who = match self.who {
            Who::Anyone => "anyone",
            Who::Known => "known",
            Who::Staff => "staff",
        };
        let operation = format!("{}{}", self.method, self.path.replace(['/', '{', '}', '-', '.'], "_"));
        let mut described = json!({ "tags": [tag], "summary": self.summary, "operationId": operation, "parameters": parameters,
            "responses": answers, "x-comanda-who": who });
        if self.who != Who::Anyone {
            described["security"] = json!([{ "token": [] }]);
        }
        if let Some(body) = &self.body {
            described["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body } } });
        }
        described
    }
}

/// Routes and their document, growing together.
pub(crate) struct Api {
    router: Router<Edge>,
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
    tag: &'static str,
}

impl Api {
    pub(crate) fn new() -> Api {
        Api { router: Router::new(), paths: Map::new(), schemas: Map::new(), tag: "" }
    }

    /// Begins a chapter.
    pub(crate) fn chapter(&mut self, tag: &'static str) {
        self.tag = tag;
    }

    /// Adds a route with its description.
    pub(crate) fn add<H, T>(&mut self, act: Act, handler: H)
    where
        H: Handler<T, Edge>,
        T: 'static,
    {
        let filter = match act.method {
            "get" => MethodFilter::GET,
            "post" => MethodFilter::POST,
            "put" => MethodFilter::PUT,
            _ => MethodFilter::DELETE,
        };
        let mut route = on(filter, handler);
        match act.who {
            Who::Anyone => {}
            Who::Known => route = route.layer(axum::middleware::from_fn(known)),
            Who::Staff => route = route.layer(axum::middleware::from_fn(staff)),
        }
        self.router = std::mem::take(&mut self.router).route(act.path, route);
        let described = act.described(self.tag);
        let path = self.paths.entry(act.path).or_insert_with(|| json!({}));
        path[act.method] = described;
        for (name, schema) in act.schemas {
            self.schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
        }
    }

    /// Gives the routes and the document.
    pub(crate) fn done(self) -> (Router<Edge>, Value) {
        let problem = json!({ "description": "A problem (RFC 9457); `type` leads to its page.", "content": { "application/problem+json": { "schema": {
            "type": "object", "required": ["type", "title", "status", "detail", "code", "correlation_id"], "properties": {
                "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" }, "detail": { "type": "string" },
                "code": { "type": "string" }, "correlation_id": { "type": "string" } } } } } });
        let document = json!({
            "openapi": "3.1.0",
            "info": { "title": "Comanda", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "MIT OR Apache-2.0" },
                "description": "An order from the menu to the door. Times are RFC 3339 in UTC, money is minor units with a currency, ids are opaque." },
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "responses": { "Problem": problem },
                "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "description": "The token of a device (`POST /v1/devices`) or of the shop's staff." } },
            },
        });
        (self.router, document)
    }
}

async fn known(asked: Asked, request: Request, next: Next) -> Response {
    match asked.known() {
        Ok(()) => next.run(request).await,
        Err(fault) => Problem::from(fault).into_response(),
    }
}

async fn staff(asked: Asked, request: Request, next: Next) -> Response {
    match asked.call.principal {
        Principal::Staff { .. } => next.run(request).await,
        Principal::Nobody => {
            Problem::from(Fault::unauthenticated("token_needed", "This needs the token of the shop's staff.")).into_response()
        }
        _ => Problem::from(Fault::denied("staff_only", "Only the shop's staff may do this.")).into_response(),
    }
}
