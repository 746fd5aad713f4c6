//! A world of named things, and steps that make, destroy and watch them: small enough to see
//! through, and able to fail in every way in which the real one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::step::{
    About, ChangeStep, Context, ErrorClass, Prepared, Probe, ReadStep, Registry, SealedRef,
    StepError, WaitStep, change, read, wait,
};

/// What happens to one effect on the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused, with an error of this class.
    Refuse(ErrorClass),
    /// It happens, and the answer is lost.
    LoseAnswer,
    /// It does not happen, and the answer is lost all the same.
    LoseRequest,
}

#[derive(Debug, Default)]
pub struct Inner {
    /// Things by name, with the run that made them.
    pub things: BTreeMap<String, String>,
    /// Effects asked for so far.
    pub effects: usize,
    /// What happens to the nth effect (from 0).
    pub faults: Vec<(usize, Fault)>,
    /// Changes made by undo that found nothing to do.
    pub idle_undos: usize,
    /// True while looks are not answered.
    pub silent: bool,
    /// Looks so far.
    pub looks: usize,
    /// Opened values, to show that a step can open them.
    pub opened: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Default)]
pub struct World(Arc<Mutex<Inner>>);

impl World {
    pub fn with(names: &[&str]) -> Self {
        let world = World::default();
        world.lock().things =
            names.iter().map(|n| ((*n).to_owned(), "before".to_owned())).collect();
        world
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        self.lock().things.keys().cloned().collect()
    }

    pub fn steps(&self) -> Registry {
        Registry::of([
            change(Make(self.clone())),
            change(Destroy(self.clone())),
            read(Look(self.clone())),
            wait(Watch),
            change(Open(self.clone())),
        ])
    }

    fn effect(&self, act: impl FnOnce(&mut Inner)) -> Result<(), StepError> {
        let mut inner = self.lock();
        let nth = inner.effects;
        inner.effects += 1;
        let fault = inner.faults.iter().find(|(at, _)| *at == nth).map(|(_, fault)| *fault);
        match fault {
            None => act(&mut inner),
            Some(Fault::Refuse(class)) => {
                return Err(StepError::new(class, "refused", "the world refuses"));
            }
            Some(Fault::LoseAnswer) => {
                act(&mut inner);
                return Err(StepError::ambiguous("lost", "the answer was lost"));
            }
            Some(Fault::LoseRequest) => {
                return Err(StepError::ambiguous("lost", "the answer was lost"));
            }
        }
        Ok(())
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
pub struct Name {
    name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Made {
    name: String,
}

struct Make(World);

#[async_trait]
impl ChangeStep for Make {
    type Args = Name;
    type Base = ();
    type Output = Made;

    fn about(&self) -> About {
        about("thing.make")
    }

    async fn prepare(&self, _: &Context, args: &Name) -> Result<Prepared<(), Made>, StepError> {
        Ok(Prepared::new((), Made { name: args.name.clone() }, format!("make {}", args.name)))
    }

    async fn apply(&self, cx: &Context, args: &Name, (): &()) -> Result<Made, StepError> {
        let run = cx.run().to_string();
        if self.0.lock().things.contains_key(&args.name) {
            return Err(StepError::permanent("exists", format!("{} exists", args.name)));
        }
        self.0.effect(|world| {
            let before = world.things.insert(args.name.clone(), run);
            assert_eq!(before, None, "made twice: {}", args.name);
        })?;
        Ok(Made { name: args.name.clone() })
    }

    async fn probe(&self, cx: &Context, args: &Name, (): &()) -> Result<Probe<Made>, StepError> {
        Ok(match self.0.lock().things.get(&args.name) {
            None => Probe::NotApplied,
            Some(run) if *run == cx.run().to_string() => {
                Probe::Applied(Made { name: args.name.clone() })
            }
            Some(run) => Probe::Foreign(format!("{} was made by {run}", args.name)),
        })
    }

    async fn undo(&self, _: &Context, args: &Name, (): &(), _: &Made) -> Result<(), StepError> {
        if !self.0.lock().things.contains_key(&args.name) {
            self.0.lock().idle_undos += 1;
            return Ok(());
        }
        self.0.effect(|world| drop(world.things.remove(&args.name)))
    }
}

struct Destroy(World);

#[async_trait]
impl ChangeStep for Destroy {
    type Args = Name;
    type Base = ();
    type Output = ();

    fn about(&self) -> About {
        about("thing.destroy")
    }

    fn destroys(&self) -> bool {
        true
    }

    async fn prepare(&self, _: &Context, args: &Name) -> Result<Prepared<(), ()>, StepError> {
        Ok(Prepared::new((), (), format!("destroy {}", args.name)))
    }

    async fn apply(&self, _: &Context, args: &Name, (): &()) -> Result<(), StepError> {
        self.0.effect(|world| {
            let was = world.things.remove(&args.name);
            assert!(was.is_some(), "destroyed twice: {}", args.name);
        })
    }

    async fn probe(&self, _: &Context, args: &Name, (): &()) -> Result<Probe<()>, StepError> {
        let there = self.0.lock().things.contains_key(&args.name);
        Ok(if there { Probe::NotApplied } else { Probe::Applied(()) })
    }

    async fn undo(&self, _: &Context, _: &Name, (): &(), (): &()) -> Result<(), StepError> {
        Err(StepError::needs_operator("no_undo", "what is destroyed stays destroyed"))
    }
}

struct Look(World);

#[async_trait]
impl ReadStep for Look {
    type Args = Name;
    type Output = bool;

    fn about(&self) -> About {
        about("thing.look")
    }

    async fn read(&self, _: &Context, args: &Name) -> Result<bool, StepError> {
        let mut world = self.0.lock();
        world.looks += 1;
        if world.silent {
            return Err(StepError::transient("silent", "the world does not answer"));
        }
        Ok(world.things.contains_key(&args.name))
    }
}

struct Watch;

#[derive(Deserialize, JsonSchema)]
struct Until {
    ms: u64,
}

#[async_trait]
impl WaitStep for Watch {
    type Args = Until;
    type Base = i64;
    type Output = ();

    fn about(&self) -> About {
        about("thing.watch")
    }

    async fn begin(&self, cx: &Context, args: &Until) -> Result<i64, StepError> {
        Ok(cx.now() + i64::try_from(args.ms).unwrap())
    }

    async fn wait(&self, cx: &Context, _: &Until, until: &i64) -> Result<(), StepError> {
        cx.clock().sleep_until(*until).await;
        Ok(())
    }

    async fn expect(&self, _: &Context, _: &Until) -> Result<(), StepError> {
        Ok(())
    }

    fn says(&self, args: &Until) -> String {
        format!("watch for {} ms", args.ms)
    }

    fn deadline(&self, _: &Until) -> Duration {
        Duration::from_secs(60)
    }
}

struct Open(World);

#[derive(Deserialize, JsonSchema)]
struct Sealed {
    value: SealedRef,
    fail: bool,
}

#[async_trait]
impl ChangeStep for Open {
    type Args = Sealed;
    type Base = ();
    type Output = ();

    fn about(&self) -> About {
        about("thing.open")
    }

    async fn prepare(&self, _: &Context, _: &Sealed) -> Result<Prepared<(), ()>, StepError> {
        Ok(Prepared::new((), (), "open the value"))
    }

    async fn apply(&self, cx: &Context, args: &Sealed, (): &()) -> Result<(), StepError> {
        let value = cx.open(&args.value)?;
        self.0.lock().opened.push(value.expose().to_vec());
        if args.fail {
            let text = String::from_utf8_lossy(value.expose()).into_owned();
            return Err(StepError::permanent("leaky", format!("login with {text} refused"))
                .hint(format!("try {text} again")));
        }
        Ok(())
    }

    async fn probe(&self, _: &Context, _: &Sealed, (): &()) -> Result<Probe<()>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Sealed, (): &(), (): &()) -> Result<(), StepError> {
        Ok(())
    }
}
