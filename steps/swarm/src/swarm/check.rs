//! `swarm.check`: is there a swarm here that can be changed?
//!
//! | | |
//! |---|---|
//! | reads | `GET /info`, `GET /nodes` |
//! | changes, undoes | nothing |
//! | a `kill -9` leaves | nothing; it is read again |

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_engine::step::{About, Context, ErrorClass, ReadStep, StepError};

use crate::docker::{DockerError, Nodes, Swarm, api_number};
use crate::look;

/// The step.
pub struct Check {
    /// Where it looks.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The oldest Docker API that will do, such as "1.44".
    #[serde(default = "oldest_api")]
    pub min_api: String,
}

/// The oldest Docker API that will do, unless a runbook says otherwise.
pub(super) const OLDEST_API: &str = "1.41";

fn oldest_api() -> String {
    OLDEST_API.to_owned()
}

/// What it returns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The API version that the daemon speaks.
    pub api: String,
    /// The ID of the node that answered.
    pub node: String,
    /// How many managers the swarm has.
    pub managers: usize,
    /// How many of them are reachable.
    pub reachable: usize,
    /// How many nodes the swarm has.
    pub nodes: usize,
}

#[async_trait]
impl ReadStep for Check {
    type Args = Args;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "swarm.check".into(),
            summary: "Check that a manager answers, that most managers are reachable, and which API it speaks.".into(),
            reads: "The daemon's own state, and all nodes.".into(),
            changes: "Nothing.".into(),
            undo: "Nothing to undo.".into(),
            example: r#"swarm::check(#{ min_api: "1.41" });"#.into(),
        }
    }

    async fn read(&self, cx: &Context, args: &Args) -> Result<Output, StepError> {
        check(&self.swarm, &args.min_api, look::nodes(cx, &self.swarm, false)).await
    }
}

/// Looks whether there is a swarm that can be changed.
pub(super) async fn check(
    swarm: &Swarm,
    min_api: &str,
    nodes: impl Future<Output = Result<Arc<Nodes>, DockerError>>,
) -> Result<Output, StepError> {
    let doing = "check the swarm";
    let wanted = api_number(min_api).ok_or_else(|| {
        let message = format!("{doing}: `{min_api}` is not an API version such as 1.41");
        StepError::permanent("bad_arguments", message)
    })?;
    let api = swarm.api().await.map_err(|e| e.reading(doing))?;
    if api_number(&api).is_none_or(|api| api < wanted) {
        let message = format!("{doing}: the daemon speaks API {api}, and {min_api} is needed");
        return Err(StepError::permanent("api_too_old", message)
            .hint("Upgrade Docker on this manager, or talk to a newer one (DOCKER_HOST)."));
    }
    let info = swarm.info().await.map_err(|e| e.reading(doing))?;
    manager(&info).map_err(|message| {
        StepError::permanent("not_manager", format!("{doing}: {message}")).hint(
            "Point DOCKER_HOST or `docker context use` at a manager: `docker node ls` there must work.",
        )
    })?;
    let nodes = nodes.await.map_err(|e| no_quorum(e.reading(doing)))?;
    let output = counted(api, &info, &nodes);
    if output.reachable < output.managers / 2 + 1 {
        let message = format!(
            "{doing}: only {} of {} managers are reachable, too few to decide anything",
            output.reachable, output.managers
        );
        return Err(no_quorum(StepError::permanent("no_quorum", message)));
    }
    Ok(output)
}

/// Without a leader a run must not even begin, so for this step it is no passing trouble.
fn no_quorum(error: StepError) -> StepError {
    if error.code != "no_quorum" {
        return error;
    }
    StepError::new(ErrorClass::Permanent, "no_quorum", error.message)
        .hint("Bring the other managers back, then see `docker node ls`.")
}

pub(super) fn manager(info: &Value) -> Result<(), String> {
    let swarm = &info["Swarm"];
    let name = info["Name"].as_str().unwrap_or("this node");
    match swarm["LocalNodeState"].as_str().unwrap_or("inactive") {
        "active" if swarm["ControlAvailable"].as_bool() == Some(true) => Ok(()),
        "active" => Err(format!("{name} is a worker, and only managers can change the swarm")),
        "locked" => Err(format!("{name} is locked; run `docker swarm unlock` on it")),
        "inactive" => Err(format!("{name} is in no swarm")),
        other => Err(format!("{name} is in the state {other}")),
    }
}

fn counted(api: String, info: &Value, nodes: &Nodes) -> Output {
    let managers: Vec<&Value> = nodes.values().filter(|n| n["ManagerStatus"].is_object()).collect();
    let reachable =
        managers.iter().filter(|n| n["ManagerStatus"]["Reachability"] == "reachable").count();
    Output {
        api,
        node: info["Swarm"]["NodeID"].as_str().unwrap_or_default().to_owned(),
        managers: managers.len(),
        reachable,
        nodes: nodes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn workers_and_lone_nodes_are_told_apart() {
        let info = |state: &str, control: bool| json!({ "Name": "n1", "Swarm": { "LocalNodeState": state, "ControlAvailable": control } });
        assert!(manager(&info("active", true)).is_ok());
        assert!(manager(&info("active", false)).unwrap_err().contains("worker"));
        assert!(manager(&info("inactive", false)).unwrap_err().contains("no swarm"));
        assert!(manager(&info("locked", false)).unwrap_err().contains("unlock"));
    }

    #[test]
    fn unreachable_managers_are_counted() {
        let nodes = [
            json!({ "ManagerStatus": { "Reachability": "reachable" } }),
            json!({ "ManagerStatus": { "Reachability": "unreachable" } }),
            json!({ "ManagerStatus": null }),
        ];
        let nodes = nodes.into_iter().enumerate().map(|(n, node)| (n.to_string(), node));
        let nodes = nodes.collect();
        let output = counted("1.41".into(), &json!({}), &nodes);
        assert_eq!((output.managers, output.reachable, output.nodes), (2, 1, 3));
    }
}
