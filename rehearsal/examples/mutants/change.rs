//! Puts mistakes into the text of a runbook, one for each text that is returned.

/// A runbook with one mistake.
pub struct Mutation {
    /// The line that it is in, from 1.
    pub line: usize,
    /// The mistake, in words.
    pub what: String,
    /// The whole text.
    pub text: String,
}

/// Returns the text with each mistake that can be made mechanically.
pub fn all(text: &str) -> Vec<Mutation> {
    let lines: Vec<&str> = text.lines().collect();
    let mut mutations = Vec::new();
    let mut add = |at: usize, what: String, changed: Vec<String>| {
        mutations.push(Mutation { line: at + 1, what, text: changed.join("\n") });
    };
    let with = |at: usize, line: String| {
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        changed[at] = line;
        changed
    };
    for (at, line) in lines.iter().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if is_statement(line) {
            add(at, format!("without `{}`", line.trim()), with(at, String::new()));
        }
        if let Some(next) = lines.get(at + 1)
            && is_statement(line)
            && is_statement(next)
        {
            let mut changed = with(at, (*next).to_owned());
            (*line).clone_into(&mut changed[at + 1]);
            add(at, format!("`{}` after `{}`", line.trim(), next.trim()), changed);
        }
        for (what, changed) in within(line) {
            add(at, what, with(at, changed));
        }
    }
    mutations
}

fn is_statement(line: &str) -> bool {
    let line = line.trim();
    line.ends_with(';') && !line.starts_with("let ") && !line.starts_with('}')
}

/// Returns the mistakes within a line.
fn within(line: &str) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    let swaps = [
        ("from: from, to: to", "from: to, to: from"),
        ("!=", "=="),
        (".is_empty()", ".is_empty() == false"),
        ("old, tmp", "tmp, old"),
        ("old, renewed", "renewed, old"),
        ("tmp, renewed", "renewed, tmp"),
        ("secret: to", "secret: from"),
        ("secret: old", "secret: successor"),
        ("secret: from", "secret: to"),
        ("secret: tmp", "secret: old"),
        ("secret: renewed", "secret: old"),
        ("id: old.id", "id: successor.id"),
        ("like: old.id", "like: ()"),
        ("like: tmp.id", "like: old.id"),
    ];
    for (from, to) in swaps.iter().filter(|(from, _)| line.contains(from)) {
        changes.push((format!("`{to}` for `{from}`"), line.replacen(from, to, 1)));
    }
    // Every argument but the first, left out.
    for (start, _) in line.match_indices(", ") {
        let rest = &line[start + 2..];
        let end = rest.find([',', '}', ')']).unwrap_or(rest.len());
        let argument = rest[..end].trim_end();
        let is_named = argument
            .split_once(": ")
            .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        if is_named {
            let changed = format!("{}{}", &line[..start], &rest[end..]);
            changes.push((format!("without `{argument}`"), changed));
        }
    }
    changes
}
