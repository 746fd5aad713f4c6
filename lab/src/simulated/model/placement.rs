//! Placement constraints: which nodes a task may run on.

use super::node::Node;

/// One constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Constraint {
    key: String,
    equal: bool,
    value: String,
}

impl Constraint {
    /// Reads `key==value` or `key!=value`; the error is swarmkit's.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let at = text.find("==").or_else(|| text.find("!="));
        let Some(at) = at else {
            return Err("constraint expected one operator from ==, !=".to_owned());
        };
        let (key, value) = (text[..at].trim(), text[at + 2..].trim());
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if key.len() < 2 || !key.starts_with(first) || !key.chars().all(plain) {
            return Err(format!("key '{key}' is invalid"));
        }
        let of_value = |c: char| {
            c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":-_.*()?+[]\\^$|/".contains(c)
        };
        if value.is_empty() || !value.chars().all(of_value) {
            return Err(format!("value '{value}' is invalid"));
        }
        let equal = text[at..].starts_with("==");
        Ok(Constraint { key: key.to_owned(), equal, value: value.to_owned() })
    }

    /// True if the node may be used. A key that is not known matches no node at all.
    pub(crate) fn admits(&self, node: &Node) -> bool {
        let key = self.key.to_ascii_lowercase();
        let label = |labels: &std::collections::BTreeMap<String, String>, prefix: usize| {
            // Labels keep their case, and one that is missing equals nothing.
            let found = labels.get(&self.key[prefix..]);
            found.map_or(!self.equal, |found| self.holds(found))
        };
        match key.as_str() {
            "node.id" => self.holds(node.id.as_str()),
            "node.hostname" => self.holds(&node.hostname),
            "node.role" => self.holds(node.role.word()),
            "node.ip" => self.holds(&node.address),
            "node.platform.os" => self.holds(&node.os),
            "node.platform.arch" => self.holds(&node.architecture),
            _ if key.starts_with("node.labels.") => label(&node.labels, "node.labels.".len()),
            _ if key.starts_with("engine.labels.") => {
                label(&node.engine_labels, "engine.labels.".len())
            }
            _ => false,
        }
    }

    fn holds(&self, found: &str) -> bool {
        found.eq_ignore_ascii_case(&self.value) == self.equal
    }
}

/// True if the node may be used as far as all these constraints go.
pub(crate) fn all_admit(constraints: &[Constraint], node: &Node) -> bool {
    constraints.iter().all(|constraint| constraint.admits(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_read_as_swarm_does() {
        let read = |text| Constraint::read(text).map(|c| (c.key, c.equal, c.value));
        let ok = |key: &str, equal, value: &str| Ok((key.to_owned(), equal, value.to_owned()));
        assert_eq!(read("node.role == manager"), ok("node.role", true, "manager"));
        assert_eq!(read("node.labels.a!=b"), ok("node.labels.a", false, "b"));
        assert!(read("bad").is_err() && read("==x").is_err() && read("node.id==").is_err());
    }
}
