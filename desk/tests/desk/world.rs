//! A world with a few steps: one that changes it, one that waits until the test lets it go on, one
//! that fails, and one that only a person can settle.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use windlass_engine::step::{
    About, ChangeStep, Context, Prepared, Probe, ReadStep, Registry, SealedRef, StepError, change,
    read,
};

/// Says whether held calls may go on.
#[derive(Debug, Clone)]
pub struct World(Arc<watch::Sender<bool>>);

impl World {
    pub fn new() -> Self {
        World(Arc::new(watch::Sender::new(false)))
    }

    /// Lets all calls of `thing.hold` and all looks of `thing.dead` end, those to come included.
    pub fn let_go(&self) {
        self.0.send_replace(true);
    }

    /// Returns once they may.
    pub async fn is_let_go(&self) {
        self.0.subscribe().wait_for(|go| *go).await.map(drop).unwrap();
    }

    pub fn steps(&self) -> Registry {
        Registry::of([
            change(Act { name: "thing.make", does: Does::Nothing, world: self.clone() }),
            change(Act { name: "thing.hold", does: Does::Wait, world: self.clone() }),
            change(Act { name: "thing.fail", does: Does::Fail, world: self.clone() }),
            change(Act { name: "thing.puzzle", does: Does::Puzzle, world: self.clone() }),
            change(Act { name: "thing.dead", does: Does::NotAnswer, world: self.clone() }),
            change(Login),
            read(Look),
        ])
    }
}

#[derive(Debug, Clone, Copy)]
enum Does {
    Nothing,
    Wait,
    Fail,
    Puzzle,
    NotAnswer,
}

struct Act {
    name: &'static str,
    does: Does,
    world: World,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Name {
    name: String,
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

#[async_trait]
impl ChangeStep for Act {
    type Args = Name;
    type Base = ();
    type Output = ();

    fn about(&self) -> About {
        about(self.name)
    }

    async fn prepare(&self, _: &Context, args: &Name) -> Result<Prepared<(), ()>, StepError> {
        if let Does::NotAnswer = self.does {
            self.world.is_let_go().await;
        }
        Ok(Prepared::new((), (), format!("{} {}", self.name, args.name)))
    }

    async fn apply(&self, cx: &Context, args: &Name, (): &()) -> Result<(), StepError> {
        match self.does {
            Does::Nothing | Does::NotAnswer => Ok(()),
            Does::Wait => {
                cx.progress("held");
                let mut go = self.world.0.subscribe();
                go.wait_for(|go| *go).await.map(drop).map_err(|_| {
                    StepError::permanent("gone", format!("nobody lets {} go", args.name))
                })
            }
            Does::Fail => Err(StepError::permanent("no", "the world refuses")),
            Does::Puzzle => Err(StepError::needs_operator("puzzle", "look at it yourself")),
        }
    }

    async fn probe(&self, _: &Context, _: &Name, (): &()) -> Result<Probe<()>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Name, (): &(), (): &()) -> Result<(), StepError> {
        Ok(())
    }

    fn deadline(&self, _: &Name) -> Duration {
        Duration::from_secs(600)
    }
}

struct Login;

#[derive(Deserialize, JsonSchema)]
struct Password {
    password: SealedRef,
}

#[async_trait]
impl ChangeStep for Login {
    type Args = Password;
    type Base = ();
    type Output = ();

    fn about(&self) -> About {
        about("thing.login")
    }

    async fn prepare(&self, _: &Context, _: &Password) -> Result<Prepared<(), ()>, StepError> {
        Ok(Prepared::new((), (), "log in"))
    }

    async fn apply(&self, cx: &Context, args: &Password, (): &()) -> Result<(), StepError> {
        cx.open(&args.password).map(drop)
    }

    async fn probe(&self, _: &Context, _: &Password, (): &()) -> Result<Probe<()>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Password, (): &(), (): &()) -> Result<(), StepError> {
        Ok(())
    }
}

struct Look;

#[async_trait]
impl ReadStep for Look {
    type Args = Name;
    type Output = bool;

    fn about(&self) -> About {
        about("thing.look")
    }

    async fn read(&self, _: &Context, _: &Name) -> Result<bool, StepError> {
        Ok(true)
    }
}
