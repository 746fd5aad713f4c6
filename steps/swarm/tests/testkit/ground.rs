//! A swarm, simulated or real, as the testkit's place.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};
use windlass_engine::clock::Clock;
use windlass_engine::step::{AnyStep, Family};
use windlass_swarm::SwarmSteps;
use windlass_swarm::docker::{Answer, Daemon, Swarm};
use windlass_testkit::{Place, Trouble, Troubles};

/// A daemon, and the swarm behind it.
pub trait Backend: Daemon {
    /// Waits until nothing goes on any more.
    fn rest(&self);
    /// Lets a moment go by.
    fn moment(&self);
    /// Returns the swarm's clock.
    fn clock(&self) -> Arc<dyn Clock>;
    /// Returns the values of secrets by their names, where they can be seen.
    fn values(&self) -> Value;
}

/// A swarm in which one call is tried.
#[derive(Clone)]
pub struct Ground {
    backend: Arc<dyn Backend>,
    troubles: Arc<Troubles>,
}

/// The daemon as the steps reach it: with troubles on the way.
struct Troubled(Ground);

impl Daemon for Troubled {
    fn ask(&self, method: &str, target: &str, call: Option<&str>, body: &[u8]) -> Option<Answer> {
        let Troubled(Ground { backend, troubles }) = self;
        // The stream of events belongs to the process.
        if call.is_none() {
            return backend.ask(method, target, call, body);
        }
        let carry_out = || backend.ask(method, target, call, body);
        match troubles.ask(format!("{method} {target}"), method != "GET") {
            None => carry_out(),
            Some(Trouble::LoseRequest) => None,
            Some(Trouble::LoseAnswer) => {
                carry_out();
                None
            }
            Some(Trouble::Refuse { status, message }) => {
                Some(whole(status, &json!({ "message": message }).to_string()))
            }
            Some(Trouble::Garbage) => {
                carry_out();
                Some(whole(200, "<html>It works!</html>"))
            }
            Some(Trouble::Death) => {
                carry_out();
                troubles.die();
                Some(Answer { status: 200, pieces: stream::pending().boxed() })
            }
        }
    }
}

fn whole(status: u16, body: &str) -> Answer {
    let body = Bytes::from(body.to_owned());
    Answer { status, pieces: stream::once(async { Some(body) }).boxed() }
}

impl Ground {
    pub fn over(backend: Arc<dyn Backend>) -> Self {
        Ground { backend, troubles: Arc::default() }
    }

    /// Asks the daemon, past all troubles.
    pub fn api(&self, method: &str, target: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.backend.ask(method, &format!("/v1.41{target}"), None, body.as_bytes());
        let Answer { status, pieces } = answer.expect("an answer");
        let pieces: Vec<Option<Bytes>> = futures_util::FutureExt::now_or_never(pieces.collect())
            .expect("an answer that is there");
        let text: Vec<u8> = pieces.into_iter().flatten().flatten().collect();
        assert!(status < 400, "{method} {target}: {}", String::from_utf8_lossy(&text));
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Makes a secret.
    pub fn secret(&self, name: &str, labels: Value) {
        let spec = json!({ "Name": name, "Labels": labels, "Data": "b2xk" });
        self.api("POST", "/secrets/create", &spec);
    }

    /// Makes a service that uses a secret, and waits until it runs.
    pub fn service(&self, name: &str, replicas: u64, secret: &str, more: Value) {
        let secret = self.object("secrets", secret);
        let file = json!({ "Name": "/etc/db", "UID": "33", "GID": "33", "Mode": 256 });
        let mut spec = json!({
            "Name": name,
            "Labels": { "team": "shop" },
            "TaskTemplate": { "ContainerSpec": {
                "Image": "windlass/app:latest",
                "Env": ["MODE=plain"],
                "Secrets": [{ "File": file, "SecretID": secret["id"], "SecretName": secret["name"] }],
            } },
            "Mode": { "Replicated": { "Replicas": replicas } },
            "UpdateConfig": { "Parallelism": 1, "Monitor": 1_000_000_000, "Order": "start-first" },
        });
        let more = more.as_object().cloned().unwrap_or_default();
        spec.as_object_mut().unwrap().extend(more);
        self.api("POST", "/services/create", &spec);
        self.backend.rest();
    }

    /// Returns ID and name, as scripts pass them.
    pub fn object(&self, kind: &str, name: &str) -> Value {
        let found = self.all(kind).into_iter().find(|one| one["Spec"]["Name"] == name);
        let found = found.unwrap_or_else(|| panic!("{name} is not among the {kind}"));
        json!({ "id": found["ID"], "name": name })
    }

    /// Changes a service as another operator does, and waits until its tasks have followed.
    pub fn respec(&self, name: &str, change: impl FnOnce(&mut Value)) {
        self.write(name, change);
        self.backend.rest();
    }

    /// Changes a service as another operator does.
    pub fn write(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let id = self.object("services", name)["id"].clone();
        let service = self.api("GET", &format!("/services/{}", id.as_str().unwrap()), &Value::Null);
        let mut spec = service["Spec"].clone();
        change(&mut spec);
        let (id, version) = (id.as_str().unwrap(), &service["Version"]["Index"]);
        self.api("POST", &format!("/services/{id}/update?version={version}"), &spec);
    }

    /// Waits until the swarm says that a service is being updated.
    pub fn until_updating(&self, name: &str) {
        let is_updating = |service: &Value| {
            service["Spec"]["Name"] == name && service["UpdateStatus"]["State"] == "updating"
        };
        while !self.all("services").iter().any(is_updating) {
            self.backend.moment();
        }
    }

    /// Makes a service refer to another secret, as another operator does.
    pub fn repoint(&self, name: &str, secret: &str) {
        let secret = self.object("secrets", secret);
        self.respec(name, |spec| {
            let reference = &mut spec["TaskTemplate"]["ContainerSpec"]["Secrets"][0];
            reference["SecretID"] = secret["id"].clone();
            reference["SecretName"] = secret["name"].clone();
        });
    }

    pub fn remove(&self, kind: &str, name: &str) {
        let id = self.object(kind, name)["id"].clone();
        self.api("DELETE", &format!("/{kind}/{}", id.as_str().unwrap()), &Value::Null);
    }

    pub fn all(&self, kind: &str) -> Vec<Value> {
        self.api("GET", &format!("/{kind}"), &Value::Null).as_array().cloned().unwrap_or_default()
    }
}

impl Place for Ground {
    fn steps(&self) -> Vec<Arc<dyn AnyStep>> {
        let swarm = Swarm::within(Arc::new(Troubled(self.clone())));
        SwarmSteps::over(swarm).steps()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.backend.clock()
    }

    fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    /// Services with their specs, what a rollback would bring back, and what their tasks run with;
    /// secrets with labels and values; nodes.
    fn state(&self) -> Value {
        self.backend.rest();
        let tasks = self.all("tasks");
        let mut services = Map::new();
        for service in self.all("services") {
            let refs = |spec: &str| -> Vec<Value> {
                let refs = &service[spec]["TaskTemplate"]["ContainerSpec"]["Secrets"];
                let refs = refs.as_array().cloned().unwrap_or_default();
                refs.iter().map(|reference| reference["SecretID"].clone()).collect()
            };
            let now = refs("Spec");
            let before: Vec<Value> =
                refs("PreviousSpec").into_iter().filter(|id| !now.contains(id)).collect();
            let live = tasks.iter().filter(|task| {
                task["ServiceID"] == service["ID"] && task["DesiredState"] == "running"
            });
            let mut runs: Vec<String> = live
                .map(|task| {
                    let container = &task["Spec"]["ContainerSpec"];
                    let secrets: Vec<&str> = container["Secrets"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|r| r["SecretName"].as_str().unwrap_or_default())
                        .collect();
                    format!(
                        "{} {} {secrets:?}",
                        word(&task["Status"]["State"]),
                        word(&container["Image"])
                    )
                })
                .collect();
            runs.sort();
            let name = service["Spec"]["Name"].as_str().unwrap_or_default().to_owned();
            let spec = &service["Spec"];
            services.insert(name, json!({ "spec": spec, "rollback": before, "runs": runs }));
        }
        let secrets = self.all("secrets").into_iter().map(|secret| {
            let name = secret["Spec"]["Name"].as_str().unwrap_or_default().to_owned();
            (name, secret["Spec"].clone())
        });
        let secrets: Map<String, Value> = secrets.collect();
        let nodes = self.all("nodes").into_iter().map(|node| {
            let name = node["Description"]["Hostname"].as_str().unwrap_or_default().to_owned();
            (name, node["Spec"].clone())
        });
        let nodes: Map<String, Value> = nodes.collect();
        let values = self.backend.values();
        self.named(json!({
            "services": services, "secrets": secrets, "values": values, "nodes": nodes,
        }))
    }

    fn named(&self, value: Value) -> Value {
        let mut names = Map::new();
        for kind in ["secrets", "services"] {
            for object in self.all(kind) {
                let id = object["ID"].as_str().unwrap_or_default().to_owned();
                names.insert(id, object["Spec"]["Name"].clone());
            }
        }
        with_names(value, &names)
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn with_names(value: Value, names: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => names.get(&text).cloned().unwrap_or(Value::String(text)),
        Value::Array(items) => items.into_iter().map(|item| with_names(item, names)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name, with_names(field, names))).collect()
        }
        other => other,
    }
}
