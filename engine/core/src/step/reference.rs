//! The reference page of a step, made from its declaration: `windlass steps NAME` and the book.

use std::fmt::Write;

use schemars::Schema;
use serde_json::Value;

use super::{AnyStep, Kind};

/// Returns the page about a step of a family, as Markdown.
pub fn page(step: &dyn AnyStep, family: &str) -> String {
    let about = step.about();
    let (args, output) = step.schemas();
    let kind = match step.kind() {
        Kind::Read => "read: looks, and changes nothing",
        Kind::Wait => "wait: looks until something is so; a restart goes on from its start",
        Kind::Change => "change: changes the world, and can undo it",
        Kind::Destroy => "destroy: changes the world for good, and is the pivot of its run",
    };
    let mut page =
        format!("# {}\n\n{}\n\n```rhai\n{}\n```\n\n", about.name, about.summary, about.example);
    let mut row = |name: &str, text: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(page, "- **{name}:** {text}");
    };
    row("Kind", kind);
    row("Family", family);
    row("Reads", &about.reads);
    row("Changes", &about.changes);
    row("Undo", &about.undo);
    page.push_str("\n## Arguments\n\n");
    page.push_str(&fields(&args, true));
    page.push_str("\n## Returns\n\n");
    page.push_str(&fields(&output, false));
    page
}

/// Returns the table of the fields of an object, or a sentence for anything else.
fn fields(schema: &Schema, arguments: bool) -> String {
    let root = schema.as_value();
    let Some(fields) = root.get("properties").and_then(Value::as_object) else {
        let text = if arguments || root.get("type") == Some(&Value::from("null")) {
            "Nothing.".to_owned()
        } else {
            format!("A value of type {}.", type_of(root, root))
        };
        return format!("{text}\n");
    };
    let required: Vec<&str> = root
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut table = "| name | type | what |\n|---|---|---|\n".to_owned();
    for (name, field) in fields {
        let what = resolved(field, root, "description").unwrap_or_default().replace('\n', " ");
        let default = field.get("default").filter(|d| !d.is_null());
        let default = default.map(|d| format!(" Default: `{d}`.")).unwrap_or_default();
        let optional =
            if arguments && !required.contains(&name.as_str()) { ", optional" } else { "" };
        let kind = type_of(field, root);
        let _ = writeln!(table, "| `{name}` | {kind}{optional} | {what}{default} |");
    }
    table
}

/// Returns a text of a field, or of what it refers to.
fn resolved(field: &Value, root: &Value, name: &str) -> Option<String> {
    let own = field.get(name).or_else(|| definition(field, root)?.get(name));
    own.and_then(Value::as_str).map(str::to_owned)
}

fn definition<'a>(field: &Value, root: &'a Value) -> Option<&'a Value> {
    let path = field.get("$ref")?.as_str()?;
    root.pointer(path.strip_prefix('#')?)
}

/// Returns the type of a value in a word or two.
fn type_of(field: &Value, root: &Value) -> String {
    if let Some(definition) = definition(field, root) {
        return type_of(definition, root);
    }
    if let Some(format) = field.get("format").and_then(Value::as_str)
        && ["secret", "duration"].contains(&format)
    {
        return format.to_owned();
    }
    if let Some(variants) = field.get("oneOf").and_then(Value::as_array) {
        let names = variants.iter().filter_map(|v| v.get("const")?.as_str());
        return names.map(|name| format!("`\"{name}\"`")).collect::<Vec<_>>().join(" or ");
    }
    if let Some(names) = field.get("enum").and_then(Value::as_array) {
        return names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    }
    match field.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            let items = field.get("items").map(|items| type_of(items, root));
            format!("list of {}", items.unwrap_or_else(|| "values".to_owned()))
        }
        Some(Value::String(kind)) if kind == "object" => {
            let names = field.get("properties").and_then(Value::as_object);
            let names = names.map(|n| n.keys().cloned().collect::<Vec<_>>().join(", "));
            names.map_or_else(|| "map".to_owned(), |names| format!("map of {names}"))
        }
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => {
            let kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.collect::<Vec<_>>().join(" or ")
        }
        _ => "value".to_owned(),
    }
}
