//! Takes a spec as it is, even if the model would refuse it.
//!
//! A service that exists was accepted by its daemon: an older or a newer one, or one that is less
//! strict than the model. The model reads a spec as it would if it were posted, and a run posts it
//! again. So what it would refuse is left out of the copy, as little as will do, and named.

use serde_json::Value;

use crate::simulated::model::definition::Definition;

/// Parts of a spec that may be left out: small ones before those that hold them.
const PARTS: &[&str] = &[
    "/EndpointSpec/Ports",
    "/EndpointSpec",
    "/UpdateConfig",
    "/RollbackConfig",
    "/Networks",
    "/Labels",
    "/TaskTemplate/ContainerSpec/Healthcheck",
    "/TaskTemplate/ContainerSpec/Mounts",
    "/TaskTemplate/ContainerSpec/Configs",
    "/TaskTemplate/ContainerSpec/Env",
    "/TaskTemplate/ContainerSpec/Labels",
    "/TaskTemplate/ContainerSpec/Hosts",
    "/TaskTemplate/ContainerSpec/DNSConfig",
    "/TaskTemplate/ContainerSpec/Privileges",
    "/TaskTemplate/ContainerSpec/Sysctls",
    "/TaskTemplate/ContainerSpec/Ulimits",
    "/TaskTemplate/ContainerSpec/Hostname",
    "/TaskTemplate/ContainerSpec/Command",
    "/TaskTemplate/ContainerSpec/Args",
    "/TaskTemplate/Placement/Constraints",
    "/TaskTemplate/Placement",
    "/TaskTemplate/Resources/Reservations",
    "/TaskTemplate/Resources",
    "/TaskTemplate/RestartPolicy",
    "/TaskTemplate/LogDriver",
    "/TaskTemplate/Networks",
    "/TaskTemplate/ContainerSpec/Secrets",
];

/// A spec that the model can read.
pub(super) struct Readable {
    pub(super) spec: Definition,
    /// What was left out, and why.
    pub(super) left_out: Vec<(&'static str, String)>,
}

/// Reads a spec, without what the model refuses. The error says why there is no way.
pub(super) fn readable(spec: &Value) -> Result<Readable, String> {
    let mut spec = spec.clone();
    let mut left_out = Vec::new();
    loop {
        let why = match Definition::read(spec.clone()) {
            Ok(spec) => return Ok(Readable { spec, left_out }),
            Err(refusal) => refusal.message,
        };
        // The first part without which it is accepted, or refused for another reason.
        let helps = |part: &&&str| {
            let without = without(&spec, part)?;
            match Definition::read(without.clone()) {
                Err(refusal) if refusal.message == why => None,
                _ => Some(without),
            }
        };
        let found = PARTS.iter().find_map(|part| Some((*part, helps(&part)?)));
        let Some((part, without)) = found else { return Err(why) };
        spec = without;
        left_out.push((part, why));
    }
}

/// Returns the spec without a part; none if it has no such part.
fn without(spec: &Value, part: &str) -> Option<Value> {
    let (holder, key) = part.rsplit_once('/')?;
    let mut spec = spec.clone();
    spec.pointer_mut(holder)?.as_object_mut()?.shift_remove(key)?;
    Some(spec)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left_out(spec: &Value) -> Vec<&'static str> {
        let readable = readable(spec).unwrap_or_else(|why| panic!("{why}"));
        readable.left_out.into_iter().map(|(part, _)| part).collect()
    }

    #[test]
    fn only_what_is_refused_is_left_out() {
        let mut spec = json!({
            "Name": "web", "Mode": { "Replicated": { "Replicas": 2 } },
            "TaskTemplate": { "ContainerSpec": { "Image": "web:1" }, "New": { "of": "tomorrow" } },
        });
        assert!(left_out(&spec).is_empty());
        spec["TaskTemplate"]["Placement"] = json!({ "Constraints": ["odd"], "MaxReplicas": 1 });
        spec["UpdateConfig"] = json!({ "FailureAction": "pray" });
        spec["RollbackConfig"] = json!({ "Order": "start-first" });
        assert_eq!(left_out(&spec), ["/TaskTemplate/Placement/Constraints", "/UpdateConfig"]);
        let readable = readable(&spec).unwrap_or_else(|why| panic!("{why}"));
        let read = readable.spec.json();
        assert_eq!(read["TaskTemplate"]["Placement"]["MaxReplicas"], 1);
        assert_eq!(read["RollbackConfig"]["Order"], "start-first");
    }

    #[test]
    fn what_has_no_container_can_not_be_read() {
        let spec = json!({ "Name": "p", "TaskTemplate": { "Runtime": "plugin" } });
        assert!(readable(&spec).is_err());
    }
}
