//! `service.observe`: watches services for a while before the runbook burns a bridge.
//!
//! | | |
//! |---|---|
//! | reads | the services and their tasks; events tell when |
//! | changes, undoes | nothing |
//! | a `kill -9` leaves | the stored end of the window, and the failures known before it: the same window goes on, and a failure while nobody looked is still found |

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_engine::clock::{Millis, millis};
use windlass_engine::step::{About, Context, Span, StepError, WaitStep};

use super::judge::{self, Failure, Verdict};
use super::{refs, task, watch};
use crate::docker::{Swarm, Woken};
use crate::object::{Object, listed, names};

/// How soon to look again at least, when the daemon does not answer at the end of the window.
const LOOK_AGAIN_MS: u64 = 200;

/// The step.
pub struct Observe {
    /// Where it looks.
    pub swarm: Swarm,
}

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The services.
    pub services: Vec<Object>,
    /// The secret that they must keep running with.
    pub secret: Object,
    /// How long. Zero returns at once.
    pub window: Span,
}

/// What is stored before watching.
#[derive(Debug, Serialize, Deserialize)]
pub struct Base {
    /// When the window ends.
    ends: Millis,
    /// Tasks that had failed before it began.
    failed_before: Vec<String>,
}

/// What it returns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// How long the services were watched, in seconds.
    pub seconds: u64,
    /// Services that were removed meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

#[async_trait]
impl WaitStep for Observe {
    type Args = Args;
    type Base = Base;
    type Output = Output;

    fn about(&self) -> About {
        About {
            name: "service.observe".into(),
            summary: "Watch services for a while: no task fails, and nobody changes them.".into(),
            reads: "The services and their tasks; the log of a task that failed.".into(),
            changes: "Nothing.".into(),
            undo: "Nothing to undo.".into(),
            example:
                r#"service::observe(#{ services: users.services, secret: next, window: "15m" });"#
                    .into(),
        }
    }

    async fn begin(&self, cx: &Context, args: &Args) -> Result<Base, StepError> {
        let mut failed_before = Vec::new();
        if !args.nothing_to_do() {
            let tasks = self.swarm.tasks_of(&args.ids()).await;
            let tasks = tasks.map_err(|e| e.reading(&args.doing()))?;
            failed_before.extend(failed_with(&tasks, &args.secret).filter_map(id_of));
        }
        let ends = cx.now().saturating_add(millis(args.window.0));
        Ok(Base { ends, failed_before })
    }

    async fn wait(&self, cx: &Context, args: &Args, base: &Base) -> Result<Output, StepError> {
        let seconds = args.window.0.as_secs();
        if args.nothing_to_do() {
            return Ok(Output { seconds, removed: Vec::new() });
        }
        let mut removed = Vec::new();
        let mut events = self.swarm.watch(&args.ids());
        let mut patience = watch::Patience::default();
        let mut interval = Duration::from_secs(5);
        cx.progress(&format!(
            "watching {} until {}",
            names(&args.services),
            windlass_engine::clock::utc(base.ends)
        ));
        loop {
            let left = base.ends - cx.now();
            match self.look(cx, args, base).await {
                // Only a look after the end of the window tells that all went well until then.
                Ok(now) if left <= 0 => return Ok(Output { seconds, removed: now }),
                Ok(now) => {
                    patience.restore();
                    if now != removed {
                        cx.progress(&format!("removed meanwhile: {}", listed(&now, 10)));
                        removed = now;
                    }
                }
                Err(error) => patience.bear(cx, error)?,
            }
            let until_end = u64::try_from(left).unwrap_or_default().max(LOOK_AGAIN_MS);
            let left = Duration::from_millis(until_end);
            if events.changed(cx, interval.min(left)).await == Woken::TimeUp {
                interval = (interval * 3 / 2).min(Duration::from_secs(30));
            }
        }
    }

    async fn expect(&self, _: &Context, args: &Args) -> Result<Output, StepError> {
        Ok(Output { seconds: args.window.0.as_secs(), removed: Vec::new() })
    }

    fn says(&self, args: &Args) -> String {
        let count = args.services.len();
        format!("watch {count} services with {} for {}", args.secret.name, args.window)
    }

    fn deadline(&self, args: &Args) -> Duration {
        args.window.0 + Duration::from_secs(120)
    }

    fn until(&self, _: &Args, base: &Base) -> Option<Millis> {
        Some(base.ends)
    }

    fn takes(&self, args: &Args) -> Option<Duration> {
        Some(if args.services.is_empty() { Duration::ZERO } else { args.window.0 })
    }
}

impl Args {
    fn ids(&self) -> Vec<&str> {
        self.services.iter().map(|s| s.id.as_str()).collect()
    }

    fn doing(&self) -> String {
        format!("watch {}", names(&self.services))
    }

    fn nothing_to_do(&self) -> bool {
        self.window.0.is_zero() || self.services.is_empty()
    }
}

impl Observe {
    /// Looks once, and fails if something is wrong. Returns the services that are no more: nothing
    /// of them can fail.
    async fn look(&self, cx: &Context, args: &Args, base: &Base) -> Result<Vec<String>, StepError> {
        let mut removed = Vec::new();
        let doing = args.doing();
        let services = self.swarm.services_of(&args.ids()).await.map_err(|e| e.reading(&doing))?;
        let tasks = self.swarm.tasks_of(&args.ids()).await.map_err(|e| e.reading(&doing))?;
        for wanted in &args.services {
            let of_it: Vec<Value> =
                tasks.iter().filter(|t| t["ServiceID"] == wanted.id).cloned().collect();
            let doing = format!("watch {}", wanted.name);
            let Some(service) = services.iter().find(|s| s["ID"] == wanted.id) else {
                removed.push(wanted.name.clone());
                continue;
            };
            let failure = match judge::by_spec(service, &args.secret, &of_it) {
                Some(Verdict::Failed(failure)) => Some(failure),
                _ => new_failure(&of_it, args, base),
            };
            if let Some(failure) = failure {
                return Err(watch::failed(cx, &self.swarm, &doing, wanted, &failure).await);
            }
        }
        Ok(removed)
    }
}

fn new_failure(tasks: &[Value], args: &Args, base: &Base) -> Option<Failure> {
    let is_new = |t: &&Value| id_of(t).is_some_and(|id| !base.failed_before.contains(&id));
    let failed = failed_with(tasks, &args.secret).find(is_new)?;
    Some(Failure {
        code: "task_failed",
        message: format!("a task failed: {}", task::told(failed)),
        task: id_of(failed),
    })
}

fn failed_with<'a>(tasks: &'a [Value], secret: &'a Object) -> impl Iterator<Item = &'a Value> {
    tasks.iter().filter(|t| task::has_failed(t) && refs::task_has(t, &secret.id))
}

fn id_of(task: &Value) -> Option<String> {
    task["ID"].as_str().map(str::to_owned)
}
