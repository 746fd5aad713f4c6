//! The OpenAPI document, made from the table.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::operation::{Describe, Endpoint};
use crate::problem::{Kind, Told};
use crate::role::Need;

const ABOUT: &str = "Runbooks for Docker Swarm, over HTTP. Moments are milliseconds since 1970, UTC. \
Send a token as `Authorization: Bearer wl_...`. What is refused comes as problem details (RFC 9457) \
with a code that `windlass explain` knows.";

/// Returns the document that describes these endpoints.
pub fn document(table: &[Endpoint]) -> Value {
    let mut schemas = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in table {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.name().to_lowercase()] = operation(endpoint, &mut schemas);
    }
    let _ = schemas.subschema_for::<Told>();
    let components = json!({
        "schemas": schemas.take_definitions(true),
        "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Windlass",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": components,
    })
}

fn operation(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> Value {
    let (security, who) = match endpoint.need {
        Need::Nothing => (json!([]), "Needs no token.".to_owned()),
        need => (json!([{ "token": [] }]), format!("Needs the role {need}.")),
    };
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.about,
        "description": who,
        "security": security,
        "parameters": parameters(endpoint),
        "responses": responses(endpoint, schemas),
    });
    if let Need::OneOf(roles) | Need::Here(roles) = endpoint.need {
        operation["x-windlass-roles"] = json!(roles);
    }
    if let Some(body) = endpoint.body {
        let schema = body(schemas);
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation
}

/// Returns a name for generated clients: `get_runs_run_journal`.
fn operation_id(endpoint: &Endpoint) -> String {
    let path = endpoint.path.trim_start_matches("/api/v1").replace(['{', '}'], "");
    let words = path.split(['/', '.', '-']).filter(|word| !word.is_empty());
    let method = endpoint.method.name().to_lowercase();
    std::iter::once(method.as_str()).chain(words).collect::<Vec<_>>().join("_")
}

fn parameters(endpoint: &Endpoint) -> Value {
    let mut all = Vec::new();
    if let Some(name) = endpoint.parameter() {
        let schema = json!({ "type": "string", "minLength": 1 });
        all.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    if let Some(query) = endpoint.query {
        all.extend(query_parameters(query));
    }
    for (name, description) in endpoint.headers {
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
        all.push(json!({
            "name": name, "in": "header", "required": false, "description": description, "schema": schema,
        }));
    }
    Value::Array(all)
}

/// Returns the fields of a query; its type is an object that is taken apart.
fn query_parameters(query: Describe) -> Vec<Value> {
    // A generator of its own, which writes everything out: the object itself is no component.
    let mut inline = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator();
    let schema = query(&mut inline).to_value();
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields
        .map(|(name, field)| {
            let mut field = field.clone();
            let description = field.as_object_mut().and_then(|field| field.remove("description"));
            json!({
                "name": name,
                "in": "query",
                "required": required.contains(&name.as_str()),
                "description": description,
                "schema": present(field),
            })
        })
        .collect()
}

/// Returns the schema of a field that may be left out, for when it is there: a query has no null.
fn present(mut field: Value) -> Value {
    if let Some(kinds) = field.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            field["type"] = only.clone();
        }
    }
    if let Some(ways) = field.get_mut("anyOf").and_then(Value::as_array_mut) {
        ways.retain(|way| way["type"] != "null");
        if let [only] = ways.as_slice() {
            return only.clone();
        }
    }
    field
}

fn responses(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, description) in endpoint.succeeds {
        let mut response = json!({ "description": description });
        if *status != 204 {
            let mut content = Map::new();
            if let Some(answer) = endpoint.answer {
                let schema = answer(schemas).to_value();
                content.insert("application/json".to_owned(), json!({ "schema": schema }));
            }
            if !endpoint.content.is_empty() {
                let json = endpoint.content == "application/json";
                let schema = json!({ "type": if json { "object" } else { "string" } });
                content.insert(endpoint.content.to_owned(), json!({ "schema": schema }));
            }
            response["content"] = content.into();
        }
        if *status == 201 && endpoint.path == "/api/v1/runs" {
            response["headers"] = json!({ "Location": { "schema": { "type": "string" } } });
        }
        responses.insert(status.to_string(), response);
    }
    for (status, titles) in refusals(endpoint) {
        let description = titles.into_iter().collect::<Vec<_>>().join("; ");
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        let content = json!({ "application/problem+json": { "schema": schema } });
        responses
            .insert(status.to_string(), json!({ "description": description, "content": content }));
    }
    Value::Object(responses)
}

/// Returns for what an endpoint may refuse, by status: what it says itself, and what goes for all.
fn refusals(endpoint: &Endpoint) -> BTreeMap<u16, BTreeSet<String>> {
    let mut kinds: Vec<Kind> = endpoint.refuses.to_vec();
    kinds.push(Kind::BUSY);
    if endpoint.is_about_a_run() {
        kinds.push(Kind::NO_RUN);
    }
    if endpoint.need != Need::Nothing {
        kinds.extend([Kind::NO_TOKEN, Kind::NOT_ALLOWED, Kind::TOO_MANY, Kind::STORE]);
    }
    if endpoint.query.is_some() || endpoint.body.is_some() || endpoint.parameter().is_some() {
        kinds.extend([Kind::UNREADABLE, Kind::URI_TOO_LONG]);
    }
    if endpoint.body.is_some() {
        kinds.extend([Kind::TOO_LARGE, Kind::NOT_JSON]);
    }
    let mut by_status: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for kind in kinds {
        let title = format!("{} ({})", kind.title(), kind.code());
        by_status.entry(kind.status()).or_default().insert(title);
    }
    by_status
}
