//! A world of named things, each with an owner, and two steps on it with bugs to choose from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_engine::clock::{Clock, SimClock};
use windlass_engine::step::{
    About, AnyStep, ChangeStep, Context, ErrorClass, Prepared, Probe, ReadStep, SealedRef,
    StepError, change, read,
};
use windlass_testkit::{Place, Trouble, Troubles};

/// What is wrong with the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    None,
    NoSummary,
    OutputIsWrong,
    PutsMore,
    TakesAnything,
    LookWrites,
    PrepareWrites,
    ProbeAlwaysApplied,
    ProbeNeverApplied,
    ProbeByName,
    ProbeBelievesErrors,
    ApplyTwiceFails,
    ApplyTakesOver,
    UndoDoesNothing,
    UndoTwiceFails,
    UndoTakesAnybodys,
    LostIsPermanent,
    Panics,
    ShowsValue,
}

#[derive(Clone)]
pub struct Toy {
    things: Arc<Mutex<BTreeMap<String, String>>>,
    troubles: Arc<Troubles>,
    bug: Bug,
}

impl Toy {
    pub fn with(bug: Bug) -> Self {
        Toy { things: Arc::default(), troubles: Arc::default(), bug }
    }

    pub fn put(&self, name: &str, owner: &str) {
        self.things.lock().unwrap().insert(name.to_owned(), owner.to_owned());
    }

    pub fn remove(&self, name: &str) {
        self.things.lock().unwrap().remove(name);
    }

    /// One request.
    async fn ask<T>(&self, changing: bool, act: impl FnOnce(&Self) -> T) -> Result<T, StepError> {
        let class = match changing {
            _ if self.bug == Bug::LostIsPermanent => ErrorClass::Permanent,
            true => ErrorClass::Ambiguous,
            false => ErrorClass::Transient,
        };
        let lost = || StepError::new(class, "lost", "ask: nobody answers");
        match self.troubles.ask("a request".to_owned(), changing) {
            None => Ok(act(self)),
            Some(_) if self.bug == Bug::Panics => panic!("it was told to"),
            Some(Trouble::LoseRequest) => Err(lost()),
            Some(Trouble::LoseAnswer | Trouble::Garbage) => {
                act(self);
                Err(lost())
            }
            Some(Trouble::Refuse { status, message }) => Err(match (status, message) {
                (400..=499, _) => StepError::permanent("refused", message),
                (_, text) if text.contains("sequence") => StepError::conflict("moved", text),
                (_, text) if text.contains("went wrong") => lost(),
                (_, text) => StepError::transient("away", text),
            }),
            Some(Trouble::Death) => {
                act(self);
                self.troubles.die();
                std::future::pending().await
            }
        }
    }

    async fn owner(&self, name: &str) -> Result<Option<String>, StepError> {
        self.ask(false, |toy| toy.things.lock().unwrap().get(name).cloned()).await
    }
}

impl Place for Toy {
    fn steps(&self) -> Vec<Arc<dyn AnyStep>> {
        let look = match self.bug {
            Bug::TakesAnything => read(LaxLook(self.clone())),
            _ => read(Look(self.clone())),
        };
        vec![change(Put(self.clone())), look]
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SimClock::at(0))
    }

    fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    fn state(&self) -> Value {
        json!(*self.things.lock().unwrap())
    }
}

struct Put(Toy);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PutArgs {
    /// The name.
    name: String,
    /// A value.
    value: SealedRef,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct PutOutput {
    /// The name.
    name: String,
}

#[async_trait]
impl ChangeStep for Put {
    type Args = PutArgs;
    type Base = ();
    type Output = PutOutput;

    fn about(&self) -> About {
        let summary = if self.0.bug == Bug::NoSummary { "" } else { "Put a thing." };
        let example = r#"thing::put(#{ name: "a", value: v });"#;
        About {
            name: "thing.put".into(),
            summary: summary.into(),
            reads: "Things.".into(),
            changes: "A thing.".into(),
            undo: "Takes it away.".into(),
            example: example.into(),
        }
    }

    async fn prepare(
        &self,
        _: &Context,
        args: &PutArgs,
    ) -> Result<Prepared<(), PutOutput>, StepError> {
        if self.0.owner(&args.name).await?.is_some_and(|owner| owner != "ours") {
            return Err(StepError::permanent("exists", "put a thing: it is there"));
        }
        if self.0.bug == Bug::PrepareWrites {
            self.0.ask(true, |toy| toy.put("trace", "ours")).await?;
        }
        Ok(Prepared::new((), args.output(), "put a thing"))
    }

    async fn apply(&self, cx: &Context, args: &PutArgs, (): &()) -> Result<PutOutput, StepError> {
        let value = cx.open(&args.value)?;
        match self.0.owner(&args.name).await? {
            Some(owner) if owner == "ours" && self.0.bug == Bug::ApplyTwiceFails => {
                return Err(StepError::permanent("exists", "put a thing: it already exists"));
            }
            Some(owner) if owner != "ours" && self.0.bug != Bug::ApplyTakesOver => {
                return Err(StepError::permanent("exists", "put a thing: it is there"));
            }
            _ => self.0.ask(true, |toy| toy.put(&args.name, "ours")).await?,
        }
        if self.0.bug == Bug::PutsMore {
            self.0.put("more", "ours");
        }
        let mut output = args.output();
        match self.0.bug {
            Bug::ShowsValue => output.name = String::from_utf8(value.expose().to_vec()).unwrap(),
            Bug::OutputIsWrong => output.name = "another".to_owned(),
            _ => {}
        }
        Ok(output)
    }

    async fn probe(
        &self,
        _: &Context,
        args: &PutArgs,
        (): &(),
    ) -> Result<Probe<PutOutput>, StepError> {
        let owner = match self.0.owner(&args.name).await {
            Err(_) if self.0.bug == Bug::ProbeBelievesErrors => None,
            owner => owner?,
        };
        Ok(match owner.as_deref() {
            _ if self.0.bug == Bug::ProbeAlwaysApplied => Probe::Applied(args.output()),
            _ if self.0.bug == Bug::ProbeNeverApplied => Probe::NotApplied,
            None => Probe::NotApplied,
            Some("ours") => Probe::Applied(args.output()),
            Some(_) if self.0.bug == Bug::ProbeByName => Probe::Applied(args.output()),
            Some(other) => Probe::Foreign(format!("it is of {other}")),
        })
    }

    async fn undo(
        &self,
        _: &Context,
        args: &PutArgs,
        (): &(),
        _: &PutOutput,
    ) -> Result<(), StepError> {
        if self.0.bug == Bug::UndoDoesNothing {
            return Ok(());
        }
        match self.0.owner(&args.name).await?.as_deref() {
            None if self.0.bug == Bug::UndoTwiceFails => {
                Err(StepError::permanent("not_found", "take a thing away: it is gone"))
            }
            None => Ok(()),
            Some(other) if other != "ours" && self.0.bug != Bug::UndoTakesAnybodys => {
                Err(StepError::needs_operator("foreign", "take a thing away: it is another's"))
            }
            Some(_) => self.0.ask(true, |toy| toy.remove(&args.name)).await,
        }
    }
}

impl PutArgs {
    fn output(&self) -> PutOutput {
        PutOutput { name: self.name.clone() }
    }
}

struct Look(Toy);
struct LaxLook(Toy);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LookArgs {
    /// The name.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct LaxArgs {
    /// The name.
    name: String,
}

impl Toy {
    fn about_look() -> About {
        About {
            name: "thing.look".into(),
            summary: "Look at a thing.".into(),
            reads: "Things.".into(),
            changes: "Nothing.".into(),
            undo: "Nothing to undo.".into(),
            example: r#"thing::look(#{ name: "a" });"#.into(),
        }
    }

    async fn look(&self, name: &str) -> Result<String, StepError> {
        if self.bug == Bug::LookWrites {
            self.ask(true, |toy| toy.put("trace", "ours")).await?;
        }
        let owner = self.owner(name).await?;
        owner.ok_or_else(|| StepError::permanent("not_found", "look at a thing: it is gone"))
    }
}

#[async_trait]
impl ReadStep for Look {
    type Args = LookArgs;
    type Output = String;

    fn about(&self) -> About {
        Toy::about_look()
    }

    async fn read(&self, _: &Context, args: &LookArgs) -> Result<String, StepError> {
        self.0.look(&args.name).await
    }
}

#[async_trait]
impl ReadStep for LaxLook {
    type Args = LaxArgs;
    type Output = String;

    fn about(&self) -> About {
        Toy::about_look()
    }

    async fn read(&self, _: &Context, args: &LaxArgs) -> Result<String, StepError> {
        self.0.look(&args.name).await
    }
}
