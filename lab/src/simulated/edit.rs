//! What a second operator does, or the world: at once, and without a request.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::model::Model;
use super::model::agent::Overrides;
use super::model::id::Id;
use super::model::node::Availability;
use super::model::object::Sort;
use super::model::refusal::Refusal;

/// A change from elsewhere. Services and secrets go by their names, nodes by name, host name or ID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are named after what they are")]
pub enum Edit {
    /// A label of a service is set.
    Label { service: String, key: String, value: String },
    /// A service gets another image.
    Image { service: String, image: String },
    /// A line is added to a service's environment.
    Env { service: String, line: String },
    /// A service is told to start its tasks anew.
    ForceUpdate { service: String },
    /// A service gets another number of replicas.
    Scale { service: String, replicas: u64 },
    /// A service is made that uses a secret.
    CreateService { name: String, secret: String },
    /// A service is removed.
    RemoveService { name: String },
    /// A secret is removed.
    RemoveSecret { name: String },
    /// A secret is made.
    CreateSecret { name: String, value: String },
    /// A second operator switches a service from one secret to another.
    SecretRefs { service: String, from: String, to: String },
    /// New tasks of a service stay `preparing`.
    Stall { service: String },
    /// New tasks of a service exit with status 1: at start, or so long after they run.
    FailTasks { service: String, after_ms: Option<i64> },
    /// New tasks of a service exit with status 1 at start, but for one: that of slot 1, or that on the
    /// first node.
    FailAllButOne { service: String },
    /// Takes `Stall`, `FailTasks` and `FailAllButOne` back.
    Heal { service: String },
    /// A node is activated, paused or drained.
    Availability { node: String, availability: String },
    /// A node is lost.
    NodeDown { node: String },
    /// A lost node comes back.
    NodeUp { node: String },
    /// The managers lose their leader, and have another one after so long: some 14,000 ms when it
    /// was killed, 1,000 when it handed over. Nothing can be read or written meanwhile.
    LeaderChange { ms: i64 },
    /// Containers of a service take so long to start.
    SlowStart { service: String, ms: i64 },
    /// Containers of a service take so long to stop.
    SlowStop { service: String, ms: i64 },
}

impl Edit {
    /// True for what people do; the rest are accidents.
    fn is_written(&self) -> bool {
        !matches!(
            self,
            Edit::Stall { .. }
                | Edit::FailTasks { .. }
                | Edit::FailAllButOne { .. }
                | Edit::Heal { .. }
                | Edit::NodeDown { .. }
                | Edit::NodeUp { .. }
                | Edit::LeaderChange { .. }
                | Edit::SlowStart { .. }
                | Edit::SlowStop { .. }
        )
    }
}

impl Model {
    /// Does it. The error says why it can't be done.
    pub(crate) fn edit(&mut self, edit: &Edit) -> Result<(), Refusal> {
        if edit.is_written() {
            self.check_leader()?;
        }
        match edit {
            Edit::Label { service, key, value } => {
                self.respec(service, |spec| spec["Labels"][key] = json!(value))
            }
            Edit::Image { service, image } => self.respec(service, |spec| {
                spec["TaskTemplate"]["ContainerSpec"]["Image"] = json!(image);
            }),
            Edit::Env { service, line } => self.respec(service, |spec| {
                let env = &mut spec["TaskTemplate"]["ContainerSpec"]["Env"];
                match env.as_array_mut() {
                    Some(lines) => lines.push(json!(line)),
                    None => *env = json!([line]),
                }
            }),
            Edit::ForceUpdate { service } => self.respec(service, |spec| {
                let force = &mut spec["TaskTemplate"]["ForceUpdate"];
                *force = json!(force.as_u64().unwrap_or(0) + 1);
            }),
            Edit::Scale { service, replicas } => self.respec(service, |spec| {
                spec["Mode"]["Replicated"]["Replicas"] = json!(replicas);
            }),
            Edit::SecretRefs { service, from, to } => {
                let (from, to) = (self.secret_named(from)?, self.secret_named(to)?);
                let name = self.secrets.all[&to].name.clone();
                self.respec(service, |spec| {
                    let list = &mut spec["TaskTemplate"]["ContainerSpec"]["Secrets"];
                    for reference in list.as_array_mut().into_iter().flatten() {
                        if reference["SecretID"] == from.as_str() {
                            reference["SecretID"] = json!(to.as_str());
                            reference["SecretName"] = json!(name);
                        }
                    }
                })
            }
            Edit::CreateService { name, secret } => {
                let id = self.secret_named(secret)?;
                let spec = json!({
                    "Name": name,
                    "TaskTemplate": { "ContainerSpec": {
                        "Image": "windlass/app:latest",
                        "Secrets": [{
                            "File": { "Name": secret, "UID": "0", "GID": "0", "Mode": 0o444 },
                            "SecretID": id.as_str(),
                            "SecretName": secret,
                        }],
                    } },
                    "Mode": { "Replicated": { "Replicas": 1 } },
                });
                self.create_service(spec).map(drop)
            }
            Edit::RemoveService { name } => {
                let id = self.service_named(name)?;
                self.remove_service(id);
                Ok(())
            }
            Edit::RemoveSecret { name } => {
                let id = self.secret_named(name)?;
                self.remove_object(Sort::Secret, id)
            }
            Edit::CreateSecret { name, value } => {
                self.put_secret(name, value.as_bytes(), json!({})).map(drop)
            }
            Edit::Stall { service } => {
                let now = self.now;
                self.overriding(service, |o| o.stalled_since = Some(now))
            }
            Edit::FailTasks { service, after_ms } => {
                let (now, after_ms) = (self.now, *after_ms);
                self.overriding(service, |o| {
                    (o.failing_since, o.fails_after_ms, o.spares_one) =
                        (Some(now), after_ms, false);
                })
            }
            Edit::FailAllButOne { service } => {
                let now = self.now;
                self.overriding(service, |o| {
                    (o.failing_since, o.fails_after_ms, o.spares_one) = (Some(now), None, true);
                })
            }
            Edit::Heal { service } => {
                self.overriding(service, |o| (o.stalled_since, o.failing_since) = (None, None))?;
                let id = self.service_named(service)?;
                for task in self.services[&id].tasks.clone() {
                    self.take_up(task);
                }
                Ok(())
            }
            Edit::SlowStart { service, ms } => self.overriding(service, |o| o.start_ms = Some(*ms)),
            Edit::SlowStop { service, ms } => self.overriding(service, |o| o.stop_ms = Some(*ms)),
            Edit::Availability { node, availability } => {
                let id = self.find_node(node)?;
                if Availability::read(availability).is_none() {
                    return Err(Refusal::bad(format!("invalid Availability: {availability:?}")));
                }
                let node = &self.nodes[&id];
                let (version, mut spec) = (node.version, (*node.spec).clone());
                spec["Availability"] = json!(availability);
                self.update_node(id, version, spec)
            }
            Edit::LeaderChange { ms } => {
                self.lose_leader(*ms);
                Ok(())
            }
            Edit::NodeDown { node } => self.find_node(node).map(|id| self.set_node_down(id, true)),
            Edit::NodeUp { node } => self.find_node(node).map(|id| self.set_node_down(id, false)),
        }
    }

    /// Puts a secret in, as if it had been posted.
    pub(crate) fn put_secret(
        &mut self,
        name: &str,
        value: &[u8],
        labels: Value,
    ) -> Result<Id, Refusal> {
        use base64::Engine as _;
        let data = base64::engine::general_purpose::STANDARD.encode(value);
        let spec = json!({ "Name": name, "Labels": labels, "Data": data });
        self.create_object(Sort::Secret, spec)
    }

    /// Reads a service's spec, changes it, and writes it.
    fn respec(&mut self, name: &str, change: impl FnOnce(&mut Value)) -> Result<(), Refusal> {
        let id = self.service_named(name)?;
        let service = &self.services[&id];
        let (version, mut spec) = (service.version, service.spec.json());
        change(&mut spec);
        self.update_service(id, version, spec, false)
    }

    fn overriding(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Overrides),
    ) -> Result<(), Refusal> {
        self.service_named(name)?;
        change(self.overrides.entry(name.to_owned()).or_default());
        Ok(())
    }

    fn service_named(&self, name: &str) -> Result<Id, Refusal> {
        let found = self.service_names.get(name).copied();
        found.ok_or_else(|| Refusal::not_found("service", name))
    }

    fn secret_named(&self, name: &str) -> Result<Id, Refusal> {
        let found = self.secrets.named(name).map(|secret| secret.id);
        found.ok_or_else(|| Refusal::not_found("secret", name))
    }
}
