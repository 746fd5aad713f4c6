//! `service.using`: the services that refer to a secret.
//!
//! | | |
//! |---|---|
//! | reads | `GET /services`, once; tasks of services that may be one-shot |
//! | changes, undoes | nothing |
//! | a `kill -9` leaves | nothing; it is read again |
//!
//! A rotation must not start a job. Any update of a job-mode service runs it again, and so does a
//! changed reference of a service whose tasks have finished (`restart: none`, swarm-cronjob). Such
//! services are refused unless the runbook says otherwise.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_engine::step::{About, Context, ReadStep, StepError};

use super::refs;
use crate::docker::Swarm;
use crate::look;
use crate::object::Object;

/// The step.
pub struct Using {
    /// Where it looks.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The secret.
    pub secret: Object,
    /// What to do about jobs and one-shot services.
    #[serde(default)]
    pub jobs: Jobs,
}

/// What to do about services that an update would run again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jobs {
    /// Fail, and list them.
    #[default]
    Refuse,
    /// Leave them out; they keep the old secret, which then can't be removed.
    Skip,
    /// Return them with the others: switching them runs them again.
    Rerun,
}

/// What it returns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Services whose spec refers to the secret, by name.
    pub services: Vec<User>,
    /// Services whose previous spec alone refers to it: seal them before removing the secret.
    pub sealing: Vec<Object>,
    /// Services left out because of `jobs: "skip"`.
    pub skipped: Vec<Skipped>,
}

/// A service that refers to the secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The full ID.
    pub id: String,
    /// The name.
    pub name: String,
    /// `replicated`, `global`, `replicated_job` or `global_job`.
    pub mode: String,
    /// How many tasks are wanted, unless it runs on every node.
    #[serde(default)]
    pub replicas: Option<u64>,
    /// How many references it has to the secret.
    pub references: usize,
    /// The stack that it belongs to.
    #[serde(default)]
    pub stack: Option<String>,
}

/// A service left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The full ID.
    pub id: String,
    /// The name.
    pub name: String,
    /// Why an update would run it again.
    pub why: String,
}

#[async_trait]
impl ReadStep for Using {
    type Args = Args;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "service.using".into(),
            summary: "List the services that refer to a secret.".into(),
            reads: "All services; the tasks of those that may have finished for good.".into(),
            changes: "Nothing.".into(),
            undo: "Nothing to undo.".into(),
            example: r#"let users = service::using(#{ secret: old, jobs: "refuse" });"#.into(),
        }
    }

    async fn read(&self, cx: &Context, args: &Args) -> Result<Output, StepError> {
        let doing = format!("list the services that use {}", args.secret.name);
        let (mut using, mut sealing) = (Vec::new(), Vec::new());
        let each = |service: Value| {
            let [now, before] =
                ["Spec", "PreviousSpec"].map(|spec| refs::count(&service[spec], &args.secret.id));
            if now + before > 0 && cx.assumed().is_none() {
                self.swarm.hand_on(&service);
            }
            if now > 0 {
                using.push(Candidate::of(&service, &args.secret.id));
            } else if before > 0 && job_mode(&service).is_none() {
                sealing.push(Object::of(&service));
            }
        };
        look::each_that_names(cx, &self.swarm, &args.secret.id, each)
            .await
            .map_err(|e| e.reading(&doing))?;
        using.sort_by(|a, b| a.user.name.cmp(&b.user.name));
        sealing.sort_by(|a, b| a.name.cmp(&b.name));
        let (mut users, mut skipped) = (Vec::new(), Vec::new());
        for Candidate { user, runs_again, may_have_finished } in using {
            let why = match (args.jobs, runs_again) {
                (Jobs::Rerun, _) => None,
                (_, Some(why)) => Some(why),
                _ if may_have_finished => self.finished(&user.id, &doing).await?,
                _ => None,
            };
            match why {
                Some(why) => skipped.push(Skipped { id: user.id, name: user.name, why }),
                None => users.push(user),
            }
        }
        if args.jobs == Jobs::Refuse && !skipped.is_empty() {
            return Err(refused(&doing, &skipped));
        }
        Ok(Output { services: users, sealing, skipped })
    }
}

impl Using {
    /// Returns why an update would run the service again, if all its tasks have finished.
    async fn finished(&self, id: &str, doing: &str) -> Result<Option<String>, StepError> {
        let tasks = self.swarm.tasks_of(&[id]).await.map_err(|e| e.reading(doing))?;
        Ok(has_finished(&tasks)
            .then(|| "its tasks have finished for good, and an update runs them again".to_owned()))
    }
}

/// What has to be known of a service that refers to the secret.
struct Candidate {
    user: User,
    /// Why any update would run it again, if it would.
    runs_again: Option<String>,
    /// True if its tasks end by themselves: then they have to be looked at.
    may_have_finished: bool,
}

impl Candidate {
    fn of(service: &Value, secret: &str) -> Self {
        let spec = &service["Spec"];
        let job = job_mode(service).map(|m| format!("it is a {m}, and any update runs it again"));
        let cron = (spec["Labels"]["swarm.cronjob.enable"] == "true").then(|| {
            "swarm-cronjob starts it by its schedule, and an update starts it now".to_owned()
        });
        let condition = spec["TaskTemplate"]["RestartPolicy"]["Condition"].as_str();
        Candidate {
            user: user(service, secret),
            runs_again: job.or(cron),
            may_have_finished: matches!(condition, Some("none" | "on-failure")),
        }
    }
}

/// True if tasks have ended and none is running or about to.
fn has_finished(tasks: &[Value]) -> bool {
    let ended =
        |task: &Value| matches!(task["Status"]["State"].as_str(), Some("complete" | "failed"));
    let live = |task: &Value| task["DesiredState"] != "shutdown" && !ended(task);
    tasks.iter().any(ended) && !tasks.iter().any(live)
}

fn job_mode(service: &Value) -> Option<&'static str> {
    let mode = &service["Spec"]["Mode"];
    match (mode["ReplicatedJob"].is_object(), mode["GlobalJob"].is_object()) {
        (true, _) => Some("replicated job"),
        (_, true) => Some("global job"),
        _ => None,
    }
}

fn user(service: &Value, secret: &str) -> User {
    let Object { id, name } = Object::of(service);
    let spec = &service["Spec"];
    let replicated = &spec["Mode"]["Replicated"];
    let mode = match job_mode(service) {
        Some(mode) => mode.replace(' ', "_"),
        None if spec["Mode"]["Global"].is_object() => "global".to_owned(),
        None => "replicated".to_owned(),
    };
    let replicas = match mode.as_str() {
        "replicated" => Some(replicated["Replicas"].as_u64().unwrap_or(1)),
        "replicated_job" => spec["Mode"]["ReplicatedJob"]["TotalCompletions"].as_u64(),
        _ => None,
    };
    let stack = spec["Labels"]["com.docker.stack.namespace"].as_str();
    User {
        id,
        name,
        mode,
        replicas,
        references: refs::count(spec, secret),
        stack: stack.map(str::to_owned),
    }
}

fn refused(doing: &str, skipped: &[Skipped]) -> StepError {
    let list: Vec<String> = skipped.iter().map(|s| format!("{} ({})", s.name, s.why)).collect();
    let message = format!("{doing}: some would be run again by the switch: {}", list.join("; "));
    StepError::permanent("job_service", message)
        .hint("If running them now is fine: jobs: \"rerun\" (`-p jobs=rerun`).")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn services_are_described_by_mode() {
        let service = |mode: Value| json!({ "ID": "s", "Spec": { "Name": "web", "Mode": mode, "Labels": { "com.docker.stack.namespace": "shop" } } });
        let web = user(&service(json!({ "Replicated": { "Replicas": 3 } })), "x");
        assert_eq!(
            (web.mode.as_str(), web.replicas, web.stack.as_deref()),
            ("replicated", Some(3), Some("shop"))
        );
        assert_eq!(user(&service(json!({ "Global": {} })), "x").mode, "global");
        assert_eq!(user(&service(json!({ "GlobalJob": {} })), "x").mode, "global_job");
        // A runbook can read every field that the reference page names.
        let global = serde_json::to_value(user(&service(json!({ "Global": {} })), "x")).unwrap();
        assert_eq!(global.get("replicas"), Some(&Value::Null));
        let job = user(&service(json!({ "ReplicatedJob": { "TotalCompletions": 2 } })), "x");
        assert_eq!((job.mode.as_str(), job.replicas), ("replicated_job", Some(2)));
    }

    #[test]
    fn a_service_has_finished_if_tasks_ended_and_none_runs() {
        let task = |state: &str, desired: &str| json!({ "Status": { "State": state }, "DesiredState": desired });
        assert!(has_finished(&[task("complete", "shutdown")]));
        assert!(has_finished(&[task("complete", "running"), task("failed", "shutdown")]));
        assert!(!has_finished(&[task("complete", "shutdown"), task("running", "running")]));
        assert!(!has_finished(&[task("running", "running")]));
        assert!(!has_finished(&[]));
    }
}
