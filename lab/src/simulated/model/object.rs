//! Secrets and configs: named bytes that never change; only their labels do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Model;
use super::events::{Action, Kind};
use super::id::Id;
use super::refusal::Refusal;

/// What tells a secret from a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Secret,
    Config,
}

impl Sort {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Sort::Secret => "secret",
            Sort::Config => "config",
        }
    }

    fn size_max(self) -> usize {
        match self {
            Sort::Secret => 512_000,
            Sort::Config => 1_024_000,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Sort::Secret => Kind::Secret,
            Sort::Config => Kind::Config,
        }
    }
}

/// A secret or a config.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) id: Id,
    pub(crate) version: u64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) name: String,
    /// The spec without its data.
    pub(crate) spec: Arc<Value>,
    pub(crate) data: Arc<[u8]>,
    /// Services whose spec refers to it; their earlier specs do not count.
    pub(crate) users: BTreeSet<Id>,
}

/// All objects of one sort.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub(crate) all: BTreeMap<Id, Object>,
    names: BTreeMap<String, Id>,
}

impl Store {
    pub(crate) fn named(&self, name: &str) -> Option<&Object> {
        self.all.get(self.names.get(name)?)
    }

    pub(crate) fn put(&mut self, object: Object) {
        self.names.insert(object.name.clone(), object.id);
        self.all.insert(object.id, object);
    }
}

impl Model {
    pub(crate) fn store(&self, sort: Sort) -> &Store {
        match sort {
            Sort::Secret => &self.secrets,
            Sort::Config => &self.configs,
        }
    }

    pub(crate) fn store_mut(&mut self, sort: Sort) -> &mut Store {
        match sort {
            Sort::Secret => &mut self.secrets,
            Sort::Config => &mut self.configs,
        }
    }

    /// Finds as the daemon does: by ID, by exact name, by the beginning of an ID.
    pub(crate) fn find_object(&self, sort: Sort, text: &str) -> Result<Id, Refusal> {
        let store = self.store(sort);
        let named = || store.names.get(text).copied();
        find(&store.all, named, sort.word(), text)
    }

    pub(crate) fn create_object(&mut self, sort: Sort, mut spec: Value) -> Result<Id, Refusal> {
        let name = spec["Name"].as_str().unwrap_or_default().to_owned();
        // Data is taken out of the spec: nobody gets a secret's back.
        let data = spec.as_object_mut().and_then(|spec| spec.shift_remove("Data"));
        let data = decoded(data.as_ref().and_then(Value::as_str).unwrap_or_default())?;
        check_name(&name)?;
        if sort == Sort::Secret && spec["Driver"].is_object() {
            let driver = spec["Driver"]["Name"].as_str().unwrap_or_default();
            return Err(match driver {
                "" => Refusal::invalid("secret driver must have a name"),
                _ => Refusal::unknown(format!("plugin {driver:?} not found")),
            });
        }
        if data.len() >= sort.size_max() || data.is_empty() {
            let (word, most) = (sort.word(), sort.size_max());
            return Err(Refusal::invalid(format!(
                "{word} data must be larger than 0 and less than {most} bytes"
            )));
        }
        if self.store(sort).names.contains_key(&name) {
            return Err(Refusal::exists(format!("{} {name} already exists", sort.word())));
        }
        let id = self.ids.id();
        let version = self.write();
        let (created, updated) = (self.now, self.now);
        let spec = Arc::new(labelled(spec));
        let object = Object {
            id,
            version,
            created,
            updated,
            name: name.clone(),
            spec,
            data: data.into(),
            users: BTreeSet::new(),
        };
        self.store_mut(sort).put(object);
        self.tell(sort.kind(), Action::Create, id, &name, Vec::new());
        Ok(id)
    }

    pub(crate) fn update_object(
        &mut self,
        sort: Sort,
        id: Id,
        version: u64,
        mut spec: Value,
    ) -> Result<(), Refusal> {
        let object = &self.store(sort).all[&id];
        let data = spec.as_object_mut().and_then(|spec| spec.shift_remove("Data"));
        let data = decoded(data.as_ref().and_then(Value::as_str).unwrap_or_default())?;
        // Whatever else it says, such as another templating, is passed over in silence.
        if spec["Name"] != object.name.as_str() || !(data.is_empty() || *data == *object.data) {
            return Err(Refusal::invalid("only updates to Labels are allowed"));
        }
        let labels = labelled(spec)["Labels"].take();
        if object.version != version {
            return Err(Refusal::out_of_sequence());
        }
        let (next, now) = (self.write(), self.now);
        let mut name = String::new();
        if let Some(object) = self.store_mut(sort).all.get_mut(&id) {
            (object.version, object.updated) = (next, now);
            Arc::make_mut(&mut object.spec)["Labels"] = labels;
            name.clone_from(&object.name);
        }
        self.tell(sort.kind(), Action::Update, id, &name, Vec::new());
        Ok(())
    }

    pub(crate) fn remove_object(&mut self, sort: Sort, id: Id) -> Result<(), Refusal> {
        let object = &self.store(sort).all[&id];
        if !object.users.is_empty() {
            let names = object.users.iter().filter_map(|user| self.services.get(user));
            let names: Vec<&str> = names.map(|service| service.spec.name.as_str()).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            return Err(Refusal::invalid(format!(
                "{} '{}' is in use by the following service{plural}: {}",
                sort.word(),
                object.name,
                names.join(", ")
            )));
        }
        self.write();
        let store = self.store_mut(sort);
        let Some(object) = store.all.remove(&id) else { return Ok(()) };
        store.names.remove(&object.name);
        self.tell(sort.kind(), Action::Remove, id, &object.name, Vec::new());
        Ok(())
    }
}

/// Finds by ID, then by exact name, then by the beginning of an ID if only one begins so.
pub(crate) fn find<T>(
    all: &BTreeMap<Id, T>,
    named: impl FnOnce() -> Option<Id>,
    kind: &str,
    text: &str,
) -> Result<Id, Refusal> {
    let whole = Id::parse(text).filter(|id| all.contains_key(id));
    if let Some(id) = whole.or_else(named) {
        return Ok(id);
    }
    let mut beginning = all.keys().filter(|id| !text.is_empty() && id.as_str().starts_with(text));
    match (beginning.next(), beginning.next()) {
        (Some(id), None) => Ok(*id),
        (Some(_), Some(_)) => {
            let more = 2 + beginning.count();
            Err(Refusal::bad(format!("{kind} {text} is ambiguous ({more} matches found)")))
        }
        _ => Err(Refusal::not_found(kind, text)),
    }
}

/// Checks the name of a secret or config.
fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::invalid("name must be provided"));
    }
    let inside = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let edge = |c: char| c.is_ascii_alphanumeric();
    if name.len() > 64
        || !name.chars().all(inside)
        || !name.starts_with(edge)
        || !name.ends_with(edge)
    {
        return Err(Refusal::invalid(
            "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end \
             character must be [a-zA-Z0-9]",
        ));
    }
    Ok(())
}

fn decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    // Go passes over the ends of lines.
    let text = text.replace(['\r', '\n'], "");
    STANDARD.decode(&text).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            // The last four characters are not whole.
            _ => text.len() / 4 * 4,
        };
        Refusal::bad(format!("illegal base64 data at input byte {at}"))
    })
}

/// The daemon always returns labels.
fn labelled(mut spec: Value) -> Value {
    if !spec["Labels"].is_object() {
        spec["Labels"] = Value::Object(serde_json::Map::new());
    }
    super::definition::pruned(&mut spec);
    spec
}
