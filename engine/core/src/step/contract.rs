//! The contract between the engine and a step.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Context, Risk, StepError};
use crate::clock::Millis;

/// What people read about a step: in `windlass steps`, in the book, in plans. The texts are owned
/// where a step is made while the program runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct About {
    /// `noun.verb`, permanent once released: names are in journals.
    pub name: Cow<'static, str>,
    /// One sentence in the imperative: "Create a secret."
    pub summary: Cow<'static, str>,
    /// What it reads from the world.
    pub reads: Cow<'static, str>,
    /// What it changes, or "Nothing."
    pub changes: Cow<'static, str>,
    /// How it is undone, or why it can't be.
    pub undo: Cow<'static, str>,
    /// A line of rhai that calls it.
    pub example: Cow<'static, str>,
}

/// Looks at the world.
#[async_trait]
pub trait ReadStep: Send + Sync + 'static {
    /// What it is told; the declaration is also its validation and its reference page.
    type Args: DeserializeOwned + JsonSchema + Send + Sync;
    /// What it returns to the script.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + Sync;

    /// Returns what people read about the step.
    fn about(&self) -> About;

    /// Looks. May be called any number of times.
    ///
    /// While a plan is made ([`Context::assumed`]) it must answer as if the changes noted there
    /// had been made.
    async fn read(&self, cx: &Context, args: &Self::Args) -> Result<Self::Output, StepError>;

    /// Returns how long one read may take.
    fn deadline(&self, _args: &Self::Args) -> Duration {
        Duration::from_secs(30)
    }
}

/// Looks at the world until something is so.
#[async_trait]
pub trait WaitStep: Send + Sync + 'static {
    /// What it is told.
    type Args: DeserializeOwned + JsonSchema + Send + Sync;
    /// What is stored durably before waiting begins, such as the time at which it ends.
    type Base: Serialize + DeserializeOwned + Send + Sync;
    /// What it returns to the script.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + Sync;

    /// Returns what people read about the step.
    fn about(&self) -> About;

    /// Returns what to store before waiting begins.
    async fn begin(&self, cx: &Context, args: &Self::Args) -> Result<Self::Base, StepError>;

    /// Waits. After a restart it is called again with the same base and must go on, not start over.
    async fn wait(
        &self,
        cx: &Context,
        args: &Self::Args,
        base: &Self::Base,
    ) -> Result<Self::Output, StepError>;

    /// Returns what a plan assumes to come of it.
    async fn expect(&self, cx: &Context, args: &Self::Args) -> Result<Self::Output, StepError>;

    /// Returns what it waits for, for people, without a full stop: "wait until app1 runs db_v2".
    fn says(&self, args: &Self::Args) -> String;

    /// Returns how long it may wait, counted from each start of the process.
    fn deadline(&self, args: &Self::Args) -> Duration;

    /// Returns how long a thread is held for it. Past that, a run that does nothing else is put
    /// away; the wait goes on as a task.
    fn patience(&self, _args: &Self::Args) -> Duration {
        Duration::from_secs(30)
    }

    /// Returns when it is over at the latest, for people.
    fn until(&self, _args: &Self::Args, _base: &Self::Base) -> Option<Millis> {
        None
    }

    /// Returns how long it takes, if that is known before it begins.
    fn takes(&self, _args: &Self::Args) -> Option<Duration> {
        None
    }
}

/// Changes the world.
///
/// *Crash first*: a process can die before, during and after `apply`. The engine has recorded the
/// base durably before `apply` begins, so `probe` can compare the world with it.
#[async_trait]
pub trait ChangeStep: Send + Sync + 'static {
    /// What it is told.
    type Args: DeserializeOwned + JsonSchema + Send + Sync;
    /// What it read before changing: IDs, fingerprints, original values. Never a secret value.
    /// An approval is bound to all of it but the fields that are [`unbound`](ChangeStep::unbound).
    type Base: Serialize + DeserializeOwned + Send + Sync;
    /// What it returns to the script, and what `undo` needs.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + Sync;

    /// Returns what people read about the step.
    fn about(&self) -> About;

    /// True if what it does can't be undone: it is then the run's pivot.
    fn destroys(&self) -> bool {
        false
    }

    /// Returns the fields of the base that an approval is not bound to: what the world moves by
    /// itself, and what is made anew in each plan. A change is prepared again before it is made.
    fn unbound(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reads what is needed and says what will change. Changes nothing: this is the dry run.
    async fn prepare(
        &self,
        cx: &Context,
        args: &Self::Args,
    ) -> Result<Prepared<Self::Base, Self::Output>, StepError>;

    /// Changes the world.
    ///
    /// On `Ok`, the change is made. On an error of class *ambiguous* it may have been made; on any
    /// other it has not.
    async fn apply(
        &self,
        cx: &Context,
        args: &Self::Args,
        base: &Self::Base,
    ) -> Result<Self::Output, StepError>;

    /// Tells whether an attempt whose outcome is unknown took effect. Changes nothing.
    async fn probe(
        &self,
        cx: &Context,
        args: &Self::Args,
        base: &Self::Base,
    ) -> Result<Probe<Self::Output>, StepError>;

    /// Undoes an applied call. May be repeated: a second undo finds nothing to do.
    async fn undo(
        &self,
        cx: &Context,
        args: &Self::Args,
        base: &Self::Base,
        output: &Self::Output,
    ) -> Result<(), StepError>;

    /// Returns how long one attempt may take; past it the attempt counts as ambiguous.
    fn deadline(&self, _args: &Self::Args) -> Duration {
        Duration::from_secs(60)
    }

    /// Returns how long the undo may take.
    fn undo_deadline(&self, args: &Self::Args) -> Duration {
        self.deadline(args)
    }
}

/// What a change step found before changing anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared<B, O> {
    /// What `probe` and `undo` compare with.
    pub base: B,
    /// What will change, as a sentence without a full stop: "create secret db_password.tmp".
    pub says: String,
    /// What a plan assumes as output.
    pub expected: O,
    /// Names of the services whose tasks this restarts.
    pub restarts: Vec<String>,
    /// What an operator should know before saying yes.
    pub risks: Vec<Risk>,
}

impl<B, O> Prepared<B, O> {
    /// Returns a preparation without restarts or risks.
    pub fn new(base: B, expected: O, says: impl Into<String>) -> Self {
        Prepared { base, expected, says: says.into(), restarts: Vec::new(), risks: Vec::new() }
    }
}

/// What the world looks like after an attempt whose outcome is unknown.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe<O> {
    /// The attempt took effect.
    Applied(O),
    /// The world is as it was before.
    NotApplied,
    /// Some of it took effect; applying again brings the rest.
    Partial(String),
    /// Somebody else changed it: how it differs.
    Foreign(String),
    /// It can't be told: what was tried.
    Unknown(String),
}
