//! The daemon's templates in a spec (`{{.Task.Slot}}`): whether they can be expanded.
//!
//! Only mistakes are looked for that people make: a field that there is not, an action that is not
//! closed, a function that nobody defined. Nothing is expanded.

use serde_json::Value;

use super::refusal::Refusal;

/// What may be called in a template.
const FUNCTIONS: [&str; 23] = [
    "and", "or", "not", "len", "index", "slice", "html", "js", "print", "printf", "println",
    "urlquery", "eq", "ne", "lt", "le", "gt", "ge", "join", "json", "lower", "upper", "title",
];

/// Structures of the context: the path, how Go calls its type, and its fields.
const CONTEXT: [(&str, &str, &[&str]); 5] = [
    ("", "*template.Context", &["Service", "Node", "Task"]),
    (
        ".Service",
        "struct { ID string; Name string; Labels map[string]string }",
        &["ID", "Name", "Labels"],
    ),
    (
        ".Node",
        "struct { ID string; Hostname string; Platform template.Platform }",
        &["ID", "Hostname", "Platform"],
    ),
    (".Node.Platform", "template.Platform", &["Architecture", "OS"]),
    (".Task", "struct { ID string; Name string; Slot string }", &["ID", "Name", "Slot"]),
];

/// Refuses a container's spec with a template that can't be expanded.
pub(crate) fn check(container: &Value) -> Result<(), Refusal> {
    let list = |key: &str| container[key].as_array().into_iter().flatten();
    for mount in list("Mounts") {
        for (key, word) in [("Source", "source"), ("Target", "target")] {
            let text = mount[key].as_str().unwrap_or_default();
            mistake(text).map_err(|why| {
                refusal(format!("expanding mounts failed: expanding mount {word} {text:?}: {why}"))
            })?;
        }
    }
    for line in list("Env").filter_map(Value::as_str) {
        let text = line.split_once('=').map_or("", |(_, text)| text);
        mistake(text).map_err(|why| {
            refusal(format!("expanding env failed: expanding env {line:?}: {why}"))
        })?;
    }
    mistake(container["Hostname"].as_str().unwrap_or_default())
        .map_err(|why| refusal(format!("expanding hostname failed: {why}")))
}

fn refusal(text: String) -> Refusal {
    Refusal::invalid(text)
}

/// Returns what is wrong with a text, in the words of Go's templates.
fn mistake(text: &str) -> Result<(), String> {
    let mut at = 0;
    while let Some(begin) = text[at..].find("{{") {
        let begin = at + begin + 2;
        let Some(length) = text[begin..].find("}}") else {
            return Err("template: expansion:1: unclosed action".to_owned());
        };
        action(&text[begin..begin + length], begin)?;
        at = begin + length + 2;
    }
    Ok(())
}

fn action(action: &str, begin: usize) -> Result<(), String> {
    let mut at = begin + action.len() - action.trim_start().len();
    let first = action.split_whitespace().next().unwrap_or_default();
    if first.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let known =
            FUNCTIONS.contains(&first) || ["if", "range", "with", "end", "else"].contains(&first);
        let unknown = format!("template: expansion:1: function {first:?} not defined");
        return if known { Ok(()) } else { Err(unknown) };
    }
    let mut path = String::new();
    for field in first.strip_prefix('.').into_iter().flat_map(|fields| fields.split('.')) {
        let Some((_, name, fields)) = CONTEXT.iter().find(|(known, ..)| *known == path) else {
            // Labels, and what is no structure any more.
            return Ok(());
        };
        if !field.is_empty() && !fields.contains(&field) {
            return Err(format!(
                "template: expansion:1:{at}: executing \"expansion\" at <{first}>: can't evaluate \
                 field {field} in type {name}"
            ));
        }
        path = format!("{path}.{field}");
        at += field.len() + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_in_the_words_of_go() {
        let nope = |at: usize, what: &str, of: &str| {
            format!(
                "template: expansion:1:{at}: executing \"expansion\" at <{what}>: can't evaluate \
                 field Nope in type {of}"
            )
        };
        for (text, found) in [
            ("plain {x}", None),
            ("{{.Task.Slot}} {{ .Node.Hostname }}", None),
            ("{{.Service.Labels.x}} {{index .Service.Labels \"x\"}}", None),
            ("{{.Nope}}", Some(nope(2, ".Nope", "*template.Context"))),
            ("a {{ .Nope }}", Some(nope(5, ".Nope", "*template.Context"))),
            ("{{.Service.Nope}}", Some(nope(10, ".Service.Nope", CONTEXT[1].1))),
            ("{{.Service.Name", Some("template: expansion:1: unclosed action".to_owned())),
            (
                "{{nope .Service.Name}}",
                Some("template: expansion:1: function \"nope\" not defined".to_owned()),
            ),
        ] {
            assert_eq!(mistake(text).err(), found, "{text}");
        }
    }
}
