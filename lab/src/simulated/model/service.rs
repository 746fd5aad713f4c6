//! Services: what is asked of them, and the rules for asking.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Model;
use super::definition::{Definition, HostPort, Mode};
use super::events::{Action, Kind};
use super::id::Id;
use super::object::{Sort, find};
use super::queue::Due;
use super::refusal::Refusal;
use super::restart::Restarts;
use super::rollout::Rollout;
use super::serving::Serving;
use super::task::{Slot, State};

/// The orchestrator hears of a write a moment later. Until then `UpdateStatus` is absent.
const HEAR_MS: i64 = 1;

/// The states of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdateState {
    Updating,
    Paused,
    Completed,
    RollbackStarted,
    RollbackPaused,
    RollbackCompleted,
}

impl UpdateState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            UpdateState::Updating => "updating",
            UpdateState::Paused => "paused",
            UpdateState::Completed => "completed",
            UpdateState::RollbackStarted => "rollback_started",
            UpdateState::RollbackPaused => "rollback_paused",
            UpdateState::RollbackCompleted => "rollback_completed",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        use UpdateState::*;
        let all = [Updating, Paused, Completed, RollbackStarted, RollbackPaused, RollbackCompleted];
        all.into_iter().find(|state| state.word() == word)
    }
}

/// What the swarm says of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpdateStatus {
    pub(crate) state: UpdateState,
    pub(crate) started: Option<i64>,
    pub(crate) completed: Option<i64>,
    pub(crate) message: String,
}

/// A service.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) id: Id,
    pub(crate) version: u64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) spec: Arc<Definition>,
    pub(crate) spec_version: u64,
    pub(crate) previous: Option<Arc<Definition>>,
    pub(crate) status: Option<UpdateStatus>,
    /// All its tasks that are remembered, oldest first.
    pub(crate) tasks: Vec<Id>,
    pub(crate) rollout: Option<Box<Rollout>>,
    pub(crate) restarts: BTreeMap<Slot, Restarts>,
    /// How often a job was executed anew, and when last.
    pub(crate) iteration: u64,
    pub(crate) executed: i64,
    pub(crate) serving: Serving,
}

impl Model {
    pub(crate) fn find_service(&self, text: &str) -> Result<Id, Refusal> {
        let named = || self.service_names.get(text).copied();
        find(&self.services, named, "service", text)
    }

    pub(crate) fn create_service(&mut self, mut spec: Value) -> Result<Id, Refusal> {
        if spec["Name"].as_str().unwrap_or_default().is_empty() {
            let number = self.ids.number() % 1_000_000;
            spec["Name"] = json!(format!("nameless_{number}"));
        }
        self.resolve_networks(&mut spec)?;
        let spec = Arc::new(Definition::read(spec)?);
        self.check_references(&spec)?;
        self.check_ports(&spec, None)?;
        if self.service_names.contains_key(&spec.name) {
            return Err(Refusal::exists(format!(
                "name conflicts with an existing object: service {} already exists",
                spec.name
            )));
        }
        let id = self.ids.id();
        let version = self.write();
        self.put_service(id, version, spec.clone());
        self.tell(Kind::Service, Action::Create, id, &spec.name, Vec::new());
        self.reconcile_soon(id);
        Ok(id)
    }

    /// Puts a new service in, with nothing else done.
    pub(crate) fn put_service(&mut self, id: Id, version: u64, spec: Arc<Definition>) {
        self.service_names.insert(spec.name.clone(), id);
        if spec.mode.is_global() {
            self.globals.insert(id);
        }
        let service = Service {
            id,
            version,
            created: self.now,
            updated: self.now,
            spec: spec.clone(),
            spec_version: version,
            previous: None,
            status: None,
            tasks: Vec::new(),
            rollout: None,
            restarts: BTreeMap::new(),
            iteration: 0,
            executed: self.now,
            serving: Serving::default(),
        };
        self.services.insert(id, service);
        self.refer(id, &spec);
    }

    /// Replaces the spec, or with `rollback` puts the one before in its place.
    pub(crate) fn update_service(
        &mut self,
        id: Id,
        version: u64,
        mut spec: Value,
        rollback: bool,
    ) -> Result<(), Refusal> {
        self.resolve_networks(&mut spec)?;
        let asked = Definition::read(spec)?;
        // Of a rollback too, only the spec in the request is looked at.
        self.check_references(&asked)?;
        let service = &self.services[&id];
        let before = service.spec.clone();
        if before.endpoint_fingerprint != asked.endpoint_fingerprint {
            self.check_ports(&asked, Some(id))?;
        }
        if before.mode.word() != asked.mode.word() {
            return Err(Refusal::unimplemented("service mode change is not allowed"));
        }
        if before.name != asked.name {
            return Err(Refusal::unimplemented("renaming services is not supported"));
        }
        let previous = service.previous.clone();
        if rollback && previous.is_none() {
            return Err(Refusal::precondition(format!(
                "service {id} does not have a previous spec"
            )));
        }
        if service.version != version {
            return Err(Refusal::out_of_sequence());
        }
        let status = rollback.then(|| UpdateStatus {
            state: UpdateState::RollbackStarted,
            started: Some(self.now),
            completed: None,
            message: "manually requested rollback".to_owned(),
        });
        let after = previous.filter(|_| rollback).unwrap_or_else(|| Arc::new(asked));
        self.set_spec(id, after, Some(before), status);
        Ok(())
    }

    /// Writes a spec, what was before it, and what is said of the update.
    pub(crate) fn set_spec(
        &mut self,
        id: Id,
        spec: Arc<Definition>,
        previous: Option<Arc<Definition>>,
        status: Option<UpdateStatus>,
    ) {
        let now = self.now;
        let Some(service) = self.services.get_mut(&id) else { return };
        let before = std::mem::replace(&mut service.spec, spec.clone());
        let old_status = std::mem::replace(&mut service.status, status.clone());
        service.previous = previous;
        if spec.mode.is_job() {
            service.iteration += 1;
            service.executed = now;
        }
        let version = self.write();
        if let Some(service) = self.services.get_mut(&id) {
            (service.version, service.spec_version, service.updated) = (version, version, now);
        }
        self.unrefer(id, &before);
        self.refer(id, &spec);
        self.count_serving(id);
        let mut changed = changes(&before, &spec);
        changed.extend(status_change(old_status.as_ref(), status.as_ref()));
        self.tell(Kind::Service, Action::Update, id, &spec.name, changed);
        self.reconcile_soon(id);
    }

    /// The swarm writes what it says of an update: the version moves too.
    pub(crate) fn set_status(&mut self, id: Id, status: UpdateStatus) {
        let (version, now) = (self.write(), self.now);
        let Some(service) = self.services.get_mut(&id) else { return };
        let changed = status_change(service.status.as_ref(), Some(&status));
        service.status = Some(status);
        (service.version, service.updated) = (version, now);
        let name = service.spec.name.clone();
        self.tell(Kind::Service, Action::Update, id, &name, changed);
    }

    pub(crate) fn remove_service(&mut self, id: Id) {
        let Some(service) = self.services.remove(&id) else { return };
        self.write();
        self.unrefer(id, &service.spec);
        self.service_names.remove(&service.spec.name);
        self.globals.remove(&id);
        self.tell(Kind::Service, Action::Remove, id, &service.spec.name, Vec::new());
        for task in service.tasks {
            self.desire(task, State::Remove);
        }
    }

    pub(crate) fn reconcile_soon(&mut self, service: Id) {
        self.queue.put(self.now + HEAR_MS, Due::Reconcile(service));
    }

    fn refer(&mut self, user: Id, spec: &Definition) {
        for sort in [Sort::Secret, Sort::Config] {
            for reference in spec.template.references(sort) {
                if let Some(object) = self.store_mut(sort).all.get_mut(&reference.id) {
                    object.users.insert(user);
                }
            }
        }
    }

    fn unrefer(&mut self, user: Id, spec: &Definition) {
        for sort in [Sort::Secret, Sort::Config] {
            for reference in spec.template.references(sort) {
                if let Some(object) = self.store_mut(sort).all.get_mut(&reference.id) {
                    object.users.remove(&user);
                }
            }
        }
    }

    fn check_references(&self, spec: &Definition) -> Result<(), Refusal> {
        for sort in [Sort::Secret, Sort::Config] {
            let store = self.store(sort);
            let missing = spec.template.references(sort).iter().filter(|reference| {
                store.all.get(&reference.id).is_none_or(|object| object.name != reference.name)
            });
            let names: Vec<&str> = missing.map(|reference| reference.name.as_str()).collect();
            if !names.is_empty() {
                let plural = if names.len() == 1 { "" } else { "s" };
                let (word, names) = (sort.word(), names.join(", "));
                return Err(Refusal::invalid(format!("{word}{plural} not found: {names}")));
            }
        }
        Ok(())
    }

    fn check_ports(&self, spec: &Definition, own: Option<Id>) -> Result<(), Refusal> {
        let others = || self.services.values().filter(|service| Some(service.id) != own);
        let taken = |port: &HostPort, service: &Service, how: &str| {
            Err(Refusal::invalid(format!(
                "port '{}' is already in use by service '{}' ({}) as {how}",
                port.0, service.spec.name, service.id
            )))
        };
        for port in spec.ingress_ports.iter().chain(spec.host_ports.iter()) {
            if let Some(other) = others().find(|other| other.spec.ingress_ports.contains(port)) {
                return taken(port, other, "an ingress port");
            }
        }
        // Host ports of several services may be the same: they go to different nodes.
        for port in &spec.ingress_ports {
            if let Some(other) = others().find(|other| other.spec.host_ports.contains(port)) {
                return taken(port, other, "a host-published port");
            }
        }
        Ok(())
    }
}

/// Returns what the event of a change tells.
fn changes(before: &Definition, after: &Definition) -> Vec<(&'static str, String)> {
    let mut changed = Vec::new();
    let images = (&before.template.image, &after.template.image);
    if images.0 != images.1 {
        changed.push(("image.new", images.1.clone()));
        changed.push(("image.old", images.0.clone()));
    }
    if let (Mode::Replicated { replicas: old }, Mode::Replicated { replicas: new }) =
        (before.mode, after.mode)
        && old != new
    {
        changed.push(("replicas.new", new.to_string()));
        changed.push(("replicas.old", old.to_string()));
    }
    changed
}

fn status_change(
    before: Option<&UpdateStatus>,
    after: Option<&UpdateStatus>,
) -> Vec<(&'static str, String)> {
    let Some(after) = after else { return Vec::new() };
    match before {
        Some(before) if before.state == after.state => Vec::new(),
        Some(before) => vec![
            ("updatestate.new", after.state.word().to_owned()),
            ("updatestate.old", before.state.word().to_owned()),
        ],
        None => vec![("updatestate.new", after.state.word().to_owned())],
    }
}
