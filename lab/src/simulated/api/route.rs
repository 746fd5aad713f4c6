//! Which request is which. What is not here is not simulated, and says so as the daemon would.

use serde_json::{Value, json};

use super::go::{self, Struct};
use super::query::Query;
use super::{local, logs, networks, nodes, objects, services, swarm, system, tasks};
use crate::simulated::model::Model;
use crate::simulated::model::object::Sort;
use crate::simulated::model::refusal::Refusal;

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    /// The decoded parts of the path, without the version.
    pub(crate) path: Vec<String>,
    pub(crate) query: Query,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    /// Returns the body as the daemon reads it.
    pub(crate) fn read(&self, into: &'static Struct) -> Result<Value, Refusal> {
        go::read(&self.body, into)
    }
}

/// What an answer's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Json,
    Text,
    /// The daemon's format of several streams in one.
    Streams,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content: Content,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns JSON text, with the newline that the daemon ends it with.
    pub(crate) fn json(status: u16, mut text: String) -> Self {
        text.push('\n');
        Answer { status, content: Content::Json, body: text.into_bytes() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Answer { status, content: Content::Text, body: Vec::new() }
    }

    pub(crate) fn refused(refusal: &Refusal) -> Self {
        Self::json(refusal.status, json!({ "message": refusal.message }).to_string())
    }
}

/// Carries a request out.
pub(crate) fn answer(model: &mut Model, ask: &Ask) -> Answer {
    routed(model, ask).unwrap_or_else(|refusal| Answer::refused(&refusal))
}

fn routed(model: &mut Model, ask: &Ask) -> Result<Answer, Refusal> {
    let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
    if needs_swarm(&path) {
        model.check_active()?;
        model.check_member()?;
        model.check_leader()?;
    }
    match (ask.method.as_str(), &path[..]) {
        ("GET" | "HEAD", ["_ping"]) => Ok(system::ping()),
        ("GET", ["version"]) => Ok(system::version()),
        ("GET", ["info"]) => Ok(system::info(model)),
        (_, ["swarm", rest @ ..]) => swarm::route(model, rest, ask),
        ("GET", ["containers", "json"]) => local::containers(model, ask),
        ("GET", ["containers", name, "json"]) => Err(local::no_container(name)),
        ("GET", ["system", "df"]) => Ok(local::usage(model)),
        ("GET", ["volumes"]) => Ok(local::volumes()),
        ("GET", ["images", "json"]) => Ok(local::images()),
        ("GET", ["plugins"]) => Ok(Answer::json(200, "[]".to_owned())),
        ("GET", ["services"]) => services::list(model, ask),
        ("POST", ["services", "create"]) => services::create(model, ask),
        ("GET", ["services", id]) => services::inspect(model, id, ask),
        ("DELETE", ["services", id]) => services::remove(model, id),
        ("POST", ["services", id, "update"]) => services::update(model, id, ask),
        ("GET", ["services", id, "logs"]) => logs::of_service(model, id, ask),
        ("GET", ["tasks"]) => tasks::list(model, ask),
        ("GET", ["tasks", id]) => tasks::inspect(model, id),
        ("GET", ["tasks", id, "logs"]) => logs::of_task(model, id, ask),
        ("GET", ["nodes"]) => nodes::list(model, ask),
        ("GET", ["nodes", id]) => nodes::inspect(model, id),
        ("POST", ["nodes", id, "update"]) => nodes::update(model, id, ask),
        ("DELETE", ["nodes", id]) => nodes::remove(model, id, ask),
        ("GET", ["networks"]) => networks::list(model, ask),
        ("POST", ["networks", "create"]) => networks::create(model, ask),
        ("GET", ["networks", id]) => networks::inspect(model, id),
        ("DELETE", ["networks", id]) => networks::remove(model, id),
        ("GET", ["images", name @ .., "json"]) => system::image(&name.join("/")),
        ("GET", ["distribution", .., "json"]) => Err(system::no_registry()),
        (_, ["secrets", rest @ ..]) => objects::route(model, Sort::Secret, rest, ask),
        (_, ["configs", rest @ ..]) => objects::route(model, Sort::Config, rest, ask),
        _ => Err(not_here()),
    }
}

/// True if the daemon asks the managers before it answers.
fn needs_swarm(path: &[&str]) -> bool {
    let swarm = ["services", "tasks", "nodes", "secrets", "configs"];
    path == ["swarm"] || path.first().is_some_and(|first| swarm.contains(first))
}

/// What the daemon says of a path that it does not know.
pub(crate) fn not_here() -> Refusal {
    Refusal::new(404, "page not found")
}
