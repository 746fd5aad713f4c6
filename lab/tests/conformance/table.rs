//! The comparison for people: differences when there are some, and the table of the book.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::chapter::{Pair, Seen};

/// What the simulated swarm does otherwise, and why.
const ON_PURPOSE: [(&str, &str); 1] = [(
    "an_unknown_field_is_dropped",
    "a swarm that is newer than 20.10 knows it, and is rehearsed too",
)];

/// Panics if something was not seen, or not the same in both places; with the differences.
pub fn differences(pairs: &[Pair]) {
    let mut out = String::new();
    let mut count = 0;
    // A reason for what is the same is out of date.
    for pair in pairs.iter().filter(|pair| same(pair) == reason(pair).is_some()) {
        count += 1;
        let (real, simulated) = (shown(&pair.real), shown(&pair.simulated));
        let name = sentence(pair.name);
        let _ = writeln!(out, "\n{name}\n       real: {real}\n  simulated: {simulated}");
    }
    assert!(count == 0, "{count} of {} behaviours are not as they should be:\n{out}", pairs.len());
}

fn same(pair: &Pair) -> bool {
    pair.real.is_ok() && pair.real == pair.simulated
}

fn reason(pair: &Pair) -> Option<&'static str> {
    ON_PURPOSE.iter().find(|(name, _)| *name == pair.name).map(|(_, reason)| *reason)
}

/// Writes the table of a chapter, differences included, if `WINDLASS_CONFORMANCE_TABLE` names a
/// file.
pub fn write(title: &str, pairs: &[Pair]) {
    if let Some(file) = std::env::var_os("WINDLASS_CONFORMANCE_TABLE") {
        put(PathBuf::from(file), title, &section(title, pairs));
    }
}

/// Panics if the book's table of a chapter is not what was seen: it must not promise more.
pub fn book(title: &str, pairs: &[Pair]) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../book/src/conformance.md");
    let page = fs::read_to_string(file).unwrap();
    let section = section(title, pairs);
    let stale: Vec<&str> = section.lines().filter(|line| !page.contains(line)).collect();
    assert!(
        stale.is_empty(),
        "book/src/conformance.md is not what was seen; make it again with \
         WINDLASS_CONFORMANCE_TABLE=$PWD/book/src/conformance.md:\n{}",
        stale.join("\n")
    );
}

/// Puts the section in the place of the one with this title, else to the end. Chapters are
/// processes of their own that may come to their ends at the same time.
fn put(file: PathBuf, title: &str, section: &str) {
    let lock = File::options().create(true).append(true).open(&file).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let page = fs::read_to_string(&file).unwrap();
    let start = page.find(&format!("## {title}\n")).unwrap_or(page.len());
    let rest = &page[start..];
    let end = rest[rest.len().min(1)..].find("\n## ").map_or(page.len(), |at| start + at + 2);
    fs::write(&file, format!("{}{section}{}", &page[..start], &page[end..])).unwrap();
}

fn section(title: &str, pairs: &[Pair]) -> String {
    let mut out =
        format!("## {title}\n\n| behaviour | real | simulated | same |\n|---|---|---|---|\n");
    for pair in pairs {
        let cell = |seen: &Seen| format!("`{}`", shown(seen).replace('|', "\\|"));
        let same = match reason(pair) {
            _ if same(pair) => "yes".to_owned(),
            Some(reason) => format!("no: {reason}"),
            None => "**no**".to_owned(),
        };
        let (real, simulated) = (cell(&pair.real), cell(&pair.simulated));
        let _ = writeln!(out, "| {} | {real} | {simulated} | {same} |", sentence(pair.name));
    }
    out.push('\n');
    out
}

fn sentence(name: &str) -> String {
    name.replace('_', " ")
}

/// Returns what was seen on one line.
fn shown(seen: &Seen) -> String {
    let text = match seen {
        Ok(value) => text(value),
        Err(error) => format!("FAILED: {error}"),
    };
    text.trim().replace('\n', " ")
}

/// Returns an observation in as few signs as possible.
fn text(value: &Value) -> String {
    let nested = |value: &Value| match value {
        Value::Object(_) => format!("({})", text(value)),
        other => text(other),
    };
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(nested).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| format!("{key}: {}", nested(value));
            map.iter().map(pair).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}
