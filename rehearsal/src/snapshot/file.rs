//! Snapshots as files: JSON, one object on a line, so that two of them can be compared.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use windlass_lab::simulated::Snapshot;

use super::VERSION;

/// Why a file gave no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file can't be read.
    #[error("read the snapshot {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is no snapshot, or a damaged one.
    #[error("read the snapshot {path}:{line}: {reason}; `windlass snapshot -o FILE` makes one")]
    NotOne {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It has a format of another version.
    #[error(
        "read the snapshot {path}:{line}: it has the format {version}, and this windlass reads 1 to {VERSION}; take it again with `windlass snapshot`"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What it says.
        version: Value,
    },
}

/// Returns a snapshot as text.
pub fn text(snapshot: &Snapshot) -> String {
    let mut lines = vec!["{".to_owned(), format!(r#" "version": {},"#, snapshot.version)];
    let words = [("taken", &snapshot.taken), ("api", &snapshot.api), ("engine", &snapshot.engine)];
    lines.extend(words.map(|(key, word)| format!(r#" "{key}": {},"#, Value::from(word.as_str()))));
    let lists = [
        ("nodes", &snapshot.nodes),
        ("services", &snapshot.services),
        ("secrets", &snapshot.secrets),
        ("configs", &snapshot.configs),
        ("networks", &snapshot.networks),
        ("tasks", &snapshot.tasks),
    ];
    let list = |(key, objects): (&str, &Vec<Value>)| {
        let objects: Vec<String> = objects.iter().map(|object| format!("\n  {object}")).collect();
        format!(r#" "{key}": [{}]"#, objects.join(","))
    };
    lines.push(lists.map(list).join(",\n"));
    lines.push("}\n".to_owned());
    lines.join("\n")
}

/// Reads a snapshot from a file.
///
/// # Errors
/// If the file can't be read, or holds no snapshot of a version that is known; the error names the
/// line.
pub fn read(path: &Path) -> Result<Snapshot, SnapshotError> {
    let unreadable = |reason: String| SnapshotError::Unreadable { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
    // The version first: what else is in a file of another version, nobody knows.
    let head: Head = serde_json::from_str(&text).map_err(|e| not_one(path, &e))?;
    let version = head.version.as_u64().and_then(|version| u32::try_from(version).ok());
    let Some(version) = version.filter(|version| (1..=VERSION).contains(version)) else {
        let line = text.lines().position(|line| line.contains("\"version\"")).unwrap_or(0) + 1;
        return Err(SnapshotError::Version { path: path.to_owned(), line, version: head.version });
    };
    let body: Body = serde_json::from_str(&text).map_err(|e| not_one(path, &e))?;
    Ok(Snapshot {
        version,
        taken: body.taken,
        api: body.api,
        engine: body.engine,
        nodes: body.nodes.into_iter().map(|Known(v)| v).collect(),
        services: body.services.into_iter().map(|Named(v)| v).collect(),
        secrets: body.secrets.into_iter().map(|Named(v)| v).collect(),
        configs: body.configs.into_iter().map(|Named(v)| v).collect(),
        networks: body.networks.into_iter().map(|Network(v)| v).collect(),
        tasks: body.tasks.into_iter().map(|Known(v)| v).collect(),
    })
}

#[derive(Deserialize)]
struct Head {
    version: Value,
}

#[derive(Deserialize)]
struct Body {
    taken: String,
    api: String,
    engine: String,
    nodes: Vec<Known>,
    services: Vec<Named>,
    secrets: Vec<Named>,
    configs: Vec<Named>,
    /// Files of format 1 have none.
    #[serde(default)]
    networks: Vec<Network>,
    tasks: Vec<Known>,
}

/// An object with an ID.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Known(Value);

/// An object with an ID and a name.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Named(Value);

/// A network, which writes its ID and its name in another way.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Network(Value);

impl TryFrom<Value> for Network {
    type Error = String;

    fn try_from(object: Value) -> Result<Self, String> {
        match object["Id"].is_string() && object["Name"].is_string() {
            true => Ok(Network(object)),
            false => Err("this network has no ID or no name".to_owned()),
        }
    }
}

impl TryFrom<Value> for Known {
    type Error = String;

    fn try_from(object: Value) -> Result<Self, String> {
        match object["ID"].is_string() {
            true => Ok(Known(object)),
            false => Err("this object has no ID".to_owned()),
        }
    }
}

impl TryFrom<Value> for Named {
    type Error = String;

    fn try_from(object: Value) -> Result<Self, String> {
        let Known(object) = Known::try_from(object)?;
        match object["Spec"]["Name"].is_string() {
            true => Ok(Named(object)),
            false => Err(format!("the object {} has no name", object["ID"])),
        }
    }
}

fn not_one(path: &Path, error: &serde_json::Error) -> SnapshotError {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = text.strip_suffix(&place).unwrap_or(&text);
    // The parser quotes what it did not expect, and that may be anything.
    let reason = match reason.starts_with("invalid ") {
        true => "it is not a snapshot: another kind of value belongs here".to_owned(),
        false => reason.to_owned(),
    };
    SnapshotError::NotOne { path: path.to_owned(), line: error.line(), reason }
}
