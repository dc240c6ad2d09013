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
use crate::document::{self, Param, Traits};
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
    query: &'static [Param],
    body: Option<Shape>,
    status: u16,
    answer: Option<(&'static str, Shape)>,
    traits: Traits,
}

/// Shapes by their names.
type Schemas = Vec<(String, RefOr<Schema>)>;

/// Says what a body looks like, when the document is written; adds what that names.
type Shape = fn(&mut Schemas) -> Value;

fn shape<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let name = T::name().into_owned();
    schemas.push((name.clone(), T::schema()));
    T::schemas(schemas);
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn act(method: &'static str, path: &'static str, summary: &'static str) -> Act {
    let (who, status, traits) = (Who::Staff, 200, Traits::default());
    Act { method, path, summary, who, query: &[], body: None, status, answer: None, traits }
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
    pub(crate) fn asks(mut self, query: &'static [Param]) -> Act {
        self.query = query;
        self
    }

    /// Says what the body is.
    pub(crate) fn takes<T: ToSchema>(mut self) -> Act {
        self.body = Some(shape::<T>);
        self
    }

    /// Says what the answer is.
    pub(crate) fn gives<T: ToSchema>(mut self) -> Act {
        self.answer = Some(("application/json", shape::<T>));
        self
    }

    /// Says what the answer is when it is no JSON.
    pub(crate) fn gives_text(mut self, kind: &'static str) -> Act {
        self.answer = Some((kind, |_| json!({ "type": "string" })));
        self
    }

    /// The answer is a stream of events that can be gone on with.
    pub(crate) fn streams(mut self) -> Act {
        self.traits.resumable = true;
        self.gives_text("text/event-stream")
    }

    /// The answer has a tag by which a repeat costs no body.
    pub(crate) fn tagged(mut self) -> Act {
        self.traits.tagged = true;
        self
    }

    /// The answer says where the new thing is.
    pub(crate) fn located(mut self) -> Act {
        self.traits.located = true;
        self
    }

    /// A guest who shows nothing gets a device with the answer.
    pub(crate) fn hands_device(mut self) -> Act {
        self.traits.hands_device = true;
        self
    }

    /// Says with which status it succeeds.
    pub(crate) fn with(mut self, status: u16) -> Act {
        self.status = status;
        self
    }

    fn described(&self, tag: &str, schemas: &mut Schemas) -> Value {
        let writes = self.method != "get";
        let mut good = json!({ "description": "Done.", "headers": document::headers(self.traits) });
        if let Some((kind, shape)) = self.answer {
            good["content"] = json!({ kind: { "schema": shape(schemas) } });
        }
        let mut answers = Map::from_iter([(self.status.to_string(), good)]);
        if self.traits.tagged {
            answers.insert("304".to_owned(), json!({ "description": "It is still what you have." }));
        }
        let names_things = self.path.contains('{');
        let problems =
            document::problems(writes, self.body.is_some(), !self.query.is_empty(), names_things, self.who != Who::Anyone);
        for status in problems.iter().map(u16::to_string).chain(["default".to_owned()]) {
            let answer = json!({ "$ref": format!("#/components/responses/{}", document::named(&status)) });
            answers.insert(status, answer);
        }
        let who = match self.who {
            Who::Anyone => "anyone",
            Who::Known => "known",
            Who::Staff => "staff",
        };
        let operation = format!("{}{}", self.method, self.path.replace(['/', '{', '}', '-', '.'], "_"));
        let mut described = json!({ "tags": [tag], "summary": self.summary, "operationId": operation,
            "parameters": document::parameters(self.path, writes, self.query, self.traits), "responses": answers, "x-comanda-who": who });
        match self.who {
            Who::Anyone => {}
            Who::Known => described["security"] = json!([{ "token": [] }, { "device": [] }]),
            Who::Staff => described["security"] = json!([{ "token": [] }]),
        }
        if let Some(shape) = self.body {
            described["requestBody"] = json!({ "required": true, "description": "Unknown fields are refused; see `bytes_max` of `body_too_large` for how long it may be.",
                "content": { "application/json": { "schema": shape(schemas) } } });
        }
        described
    }
}

/// Routes and their document, growing together.
pub(crate) struct Api {
    router: Router<Edge>,
    acts: Vec<(&'static str, Act)>,
    tag: &'static str,
}

/// All that the document describes. It is written when somebody asks for it: few do, and every start would wait.
pub(crate) struct Described(Vec<(&'static str, Act)>);

impl Api {
    pub(crate) fn new() -> Api {
        Api { router: Router::new(), acts: Vec::new(), tag: "" }
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
        self.acts.push((self.tag, act));
    }

    /// Gives the routes and what the document describes.
    pub(crate) fn done(self) -> (Router<Edge>, Described) {
        (self.router, Described(self.acts))
    }
}

impl Described {
    /// Writes the document.
    pub(crate) fn document(&self) -> Value {
        let (mut paths, mut named) = (Map::new(), Schemas::new());
        for (tag, act) in &self.0 {
            let path = paths.entry(act.path).or_insert_with(|| json!({}));
            path[act.method] = act.described(tag, &mut named);
        }
        let mut schemas = Map::new();
        for (name, schema) in named {
            let schema = serde_json::to_value(schema).unwrap_or_default();
            let before = schemas.insert(name.clone(), schema.clone());
            debug_assert!(before.is_none_or(|before| before == schema), "two shapes have the name `{name}`");
        }
        schemas.insert("Problem".to_owned(), document::problem_schema());
        // Maps are written out where they stand, and leave a shape behind that nobody names.
        let said = json!([paths, schemas]).to_string();
        schemas.retain(|name, _| name == "Problem" || said.contains(&format!("#/components/schemas/{name}\"")));
        json!({
            "openapi": "3.1.0",
            "info": { "title": "Comanda", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "MIT OR Apache-2.0" },
                "description": "An order from the menu to the door. Times are RFC 3339 in UTC, money is minor units with a currency, ids are opaque." },
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": document::problem_answers(),
                "securitySchemes": {
                    "token": { "type": "http", "scheme": "bearer", "description": "The token of a device (`POST /v1/devices`) or of the shop's staff." },
                    "device": { "type": "apiKey", "in": "cookie", "name": crate::device::COOKIE, "description": "The token of a device, as browsers keep it." },
                },
            },
        })
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
