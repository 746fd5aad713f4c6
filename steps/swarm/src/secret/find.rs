//! `secret.find`: a secret by its exact name, or the newest version of it.
//!
//! | | |
//! |---|---|
//! | reads | `GET /secrets` |
//! | changes, undoes | nothing |
//! | a `kill -9` leaves | nothing; it is read again |

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_engine::script::meant;
use windlass_engine::step::{About, Context, ReadStep, StepError};

use super::{ansible, label, name};
use crate::docker::Swarm;
use crate::object::Object;
use crate::planned;

/// The step.
pub struct Find {
    /// Where it looks.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The whole name.
    pub name: String,
    /// Take the newest version of this name: `db_password_v3` for `db_password`, or for an older
    /// version of it.
    #[serde(default)]
    pub latest: bool,
}

/// What it returns. Windlass's own labels are left out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The full ID.
    pub id: String,
    /// The name.
    pub name: String,
    /// The labels; of `ansible_key` only that it is there.
    pub labels: BTreeMap<String, String>,
    /// When it was created, as the daemon writes it.
    pub created: String,
    /// True if a plugin provides the value. Always false: such secrets are an error.
    pub driver: bool,
    /// True if the value is a template that the daemon fills in for each task.
    pub templating: bool,
}

#[async_trait]
impl ReadStep for Find {
    type Args = Args;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "secret.find".into(),
            summary: "Find a secret by its exact name, or the newest version of it.".into(),
            reads: "The list of secrets, without their values.".into(),
            changes: "Nothing.".into(),
            undo: "Nothing to undo.".into(),
            example: r#"let old = secret::find(#{ name: "db_password" });"#.into(),
        }
    }

    async fn read(&self, cx: &Context, args: &Args) -> Result<Output, StepError> {
        let doing = format!("find the secret {}", args.name);
        let secrets = self.swarm.secrets().await.map_err(|e| e.reading(&doing))?;
        let secrets = planned::secrets(cx, secrets);
        let names = secrets.iter().filter_map(|s| s["Spec"]["Name"].as_str());
        let newest = name::newest(&args.name, names);
        let name = if args.latest { newest } else { Some(args.name.as_str()) };
        let Some(secret) = secrets.iter().find(|s| s["Spec"]["Name"].as_str() == name) else {
            return Err(missing(args, &doing, &secrets, newest));
        };
        if secret["Spec"]["Driver"].is_object() {
            let plugin = secret["Spec"]["Driver"]["Name"].as_str().unwrap_or("unknown");
            let message =
                format!("{doing}: its value comes from the plugin {plugin}, not from the swarm");
            return Err(StepError::permanent("driver_secret", message).hint(
                "Change the value where the plugin gets it; then `docker service update --force` \
                 makes the services fetch it again.",
            ));
        }
        let Object { id, name } = Object::of(secret);
        let mut labels = label::theirs(secret);
        ansible::hide(&mut labels);
        Ok(Output {
            id,
            name,
            labels,
            created: secret["CreatedAt"].as_str().unwrap_or_default().to_owned(),
            driver: false,
            templating: secret["Spec"]["Templating"]["Name"].is_string(),
        })
    }
}

fn missing(args: &Args, doing: &str, secrets: &[Value], newest: Option<&str>) -> StepError {
    let names: Vec<&str> = secrets.iter().filter_map(|s| s["Spec"]["Name"].as_str()).collect();
    let there = match (meant(&args.name, &names), names.len()) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, 0) => "this swarm has no secrets".to_owned(),
        (None, 1) => "this swarm has one secret".to_owned(),
        (None, count) => format!("this swarm has {count} secrets"),
    };
    let error =
        StepError::permanent("not_found", format!("{doing}: there is none of that name; {there}"));
    if let Some(newest) = newest {
        return error.hint(format!(
            "`{newest}` is another version of it. A runbook that takes `-p latest=true` finds the newest one by any of its names."
        ));
    }
    error
        .hint("Check the name with `docker secret ls`, and with `docker context show` that this is the right swarm.")
}
