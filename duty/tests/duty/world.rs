//! Steps whose ends a test decides.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch;
use windlass_engine::step::{
    About, ChangeStep, Context, Prepared, Probe, Registry, SealedRef, StepError, change,
};

/// Gates that are open; who comes to a closed one waits there.
#[derive(Clone)]
pub struct World(Arc<watch::Sender<BTreeSet<String>>>);

impl World {
    pub fn new() -> Self {
        World(Arc::new(watch::Sender::new(BTreeSet::new())))
    }

    pub fn open(&self, gate: &str) {
        self.0.send_modify(|gates| gates.extend([gate.to_owned()]));
    }

    pub fn steps(&self) -> Registry {
        let hold = |name, destroys| Hold { world: self.clone(), name, destroys };
        Registry::of([
            change(hold("gate.pass", false)),
            change(hold("gate.burn", true)),
            change(Refuse("world.refuse", StepError::permanent)),
            change(Refuse("world.ask", StepError::needs_operator)),
            change(Login),
        ])
    }
}

fn about(name: &'static str) -> About {
    About {
        name: name.into(),
        summary: "Test.".into(),
        reads: "".into(),
        changes: "".into(),
        undo: "".into(),
        example: "".into(),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Gate {
    name: String,
}

struct Hold {
    world: World,
    name: &'static str,
    destroys: bool,
}

#[async_trait]
impl ChangeStep for Hold {
    type Args = Gate;
    type Base = ();
    type Output = ();

    fn about(&self) -> About {
        about(self.name)
    }

    fn destroys(&self) -> bool {
        self.destroys
    }

    async fn prepare(&self, _: &Context, args: &Gate) -> Result<Prepared<(), ()>, StepError> {
        Ok(Prepared::new((), (), format!("pass {}", args.name)))
    }

    async fn apply(&self, _: &Context, args: &Gate, (): &()) -> Result<(), StepError> {
        let mut gates = self.world.0.subscribe();
        let open = gates.wait_for(|gates| gates.contains(&args.name)).await;
        open.map(drop).map_err(|_| StepError::permanent("gone", "the world is gone"))
    }

    async fn probe(&self, _: &Context, _: &Gate, (): &()) -> Result<Probe<()>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Gate, (): &(), (): &()) -> Result<(), StepError> {
        Ok(())
    }

    fn deadline(&self, _: &Gate) -> Duration {
        Duration::from_secs(600)
    }
}

struct Refuse<F>(&'static str, F);

#[async_trait]
impl<F> ChangeStep for Refuse<F>
where
    F: Fn(&'static str, String) -> StepError + Send + Sync + 'static,
{
    type Args = Gate;
    type Base = ();
    type Output = ();

    fn about(&self) -> About {
        about(self.0)
    }

    async fn prepare(&self, _: &Context, _: &Gate) -> Result<Prepared<(), ()>, StepError> {
        Ok(Prepared::new((), (), "try it"))
    }

    async fn apply(&self, _: &Context, args: &Gate, (): &()) -> Result<(), StepError> {
        Err(self.1("refused", format!("{} does not want to", args.name)))
    }

    async fn probe(&self, _: &Context, _: &Gate, (): &()) -> Result<Probe<()>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Gate, (): &(), (): &()) -> Result<(), StepError> {
        Ok(())
    }
}

/// Opens a secret and fails with it in the error.
struct Login;

#[derive(Deserialize, JsonSchema)]
struct Sealed {
    value: SealedRef,
}

#[async_trait]
impl ChangeStep for Login {
    type Args = Sealed;
    type Base = ();
    type Output = ();

    fn about(&self) -> About {
        about("world.login")
    }

    async fn prepare(&self, _: &Context, _: &Sealed) -> Result<Prepared<(), ()>, StepError> {
        Ok(Prepared::new((), (), "log in"))
    }

    async fn apply(&self, cx: &Context, args: &Sealed, (): &()) -> Result<(), StepError> {
        let value = cx.open(&args.value)?;
        let text = String::from_utf8_lossy(value.expose()).into_owned();
        Err(StepError::permanent("refused", format!("login with {text} refused")))
    }

    async fn probe(&self, _: &Context, _: &Sealed, (): &()) -> Result<Probe<()>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Sealed, (): &(), (): &()) -> Result<(), StepError> {
        Ok(())
    }
}
