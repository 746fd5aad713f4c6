//! Steps as the engine holds them: the same contract with JSON in place of types.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::{Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::calling;
use super::typed::{Change, NO_TIME, Read, Typed, Wait};
use super::{About, ChangeStep, Context, Kind, Probe, ReadStep, Risk, StepError, WaitStep};
use crate::clock::Millis;

/// What a plan shows of one call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// What would be done.
    pub says: String,
    /// What the script is given in place of a real output.
    pub expected: Value,
    /// Services whose tasks restart.
    pub restarts: Vec<String>,
    /// What to know before saying yes.
    pub risks: Vec<Risk>,
    /// What is recorded as base in a real run.
    pub base: Value,
}

/// The arguments don't fit the step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {problem}")]
pub struct ArgumentError {
    /// The step that was called.
    pub step: Cow<'static, str>,
    /// What is wrong, and what was expected.
    pub problem: String,
}

impl From<ArgumentError> for StepError {
    fn from(error: ArgumentError) -> Self {
        StepError::permanent("bad_arguments", error.to_string())
    }
}

/// A step of any of the three kinds. Made by [`read`], [`wait`] and [`change`].
#[async_trait]
pub trait AnyStep: Send + Sync {
    /// Returns what people read about the step.
    fn about(&self) -> About;
    /// Returns the kind of its calls.
    fn kind(&self) -> Kind;
    /// Returns the schemas of its arguments and of its output.
    fn schemas(&self) -> (Schema, Schema);
    /// Returns the fields of its base that an approval is not bound to.
    fn unbound(&self) -> Vec<Cow<'static, str>>;
    /// Checks the arguments without touching the world.
    fn check(&self, args: &Value) -> Result<(), ArgumentError>;
    /// Checks whether the step could have returned this.
    fn check_output(&self, output: &Value) -> Result<(), ArgumentError>;
    /// Reads what a call needs and says what it will do.
    async fn prepare(&self, cx: &Context, args: &Value) -> Result<Preview, StepError>;
    /// Does it.
    async fn apply(&self, cx: &Context, args: &Value, base: &Value) -> Result<Value, StepError>;
    /// Tells whether it was done.
    async fn probe(
        &self,
        cx: &Context,
        args: &Value,
        base: &Value,
    ) -> Result<Probe<Value>, StepError>;
    /// Undoes it.
    async fn undo(
        &self,
        cx: &Context,
        args: &Value,
        base: &Value,
        output: &Value,
    ) -> Result<(), StepError>;
    /// Returns how long an attempt may take.
    fn deadline(&self, args: &Value) -> Duration;
    /// Returns how long an undo may take.
    fn undo_deadline(&self, args: &Value) -> Duration;
    /// Returns how long a thread is held for a wait.
    fn patience(&self, args: &Value) -> Duration;
    /// Returns when a wait is over at the latest.
    fn until(&self, args: &Value, base: &Value) -> Option<Millis>;
    /// Returns how long a wait takes, if that is known before it begins.
    fn takes(&self, args: &Value) -> Option<Duration>;
}

/// Wraps a [`ReadStep`].
pub fn read<S: ReadStep>(step: S) -> Arc<dyn AnyStep> {
    Arc::new(Erased(Read(step)))
}

/// Wraps a [`WaitStep`].
pub fn wait<S: WaitStep>(step: S) -> Arc<dyn AnyStep> {
    Arc::new(Erased(Wait(step)))
}

/// Wraps a [`ChangeStep`].
pub fn change<S: ChangeStep>(step: S) -> Arc<dyn AnyStep> {
    Arc::new(Erased(Change(step)))
}

struct Erased<T>(T);

impl<T: Typed> Erased<T> {
    fn misfit(&self, error: &serde_json::Error) -> ArgumentError {
        ArgumentError { step: self.0.about().name, problem: error.to_string() }
    }

    fn parse(&self, args: &Value) -> Result<T::Args, ArgumentError> {
        T::Args::deserialize(args).map_err(|error| self.misfit(&error))
    }
}

#[async_trait]
impl<T: Typed> AnyStep for Erased<T> {
    fn about(&self) -> About {
        self.0.about()
    }

    fn kind(&self) -> Kind {
        self.0.kind()
    }

    fn schemas(&self) -> (Schema, Schema) {
        let schema = SchemaGenerator::default;
        (schema().into_root_schema_for::<T::Args>(), schema().into_root_schema_for::<T::Output>())
    }

    fn unbound(&self) -> Vec<Cow<'static, str>> {
        self.0.unbound().iter().map(|field| Cow::Borrowed(*field)).collect()
    }

    fn check(&self, args: &Value) -> Result<(), ArgumentError> {
        self.parse(args).map(drop)
    }

    fn check_output(&self, output: &Value) -> Result<(), ArgumentError> {
        T::Output::deserialize(output).map(drop).map_err(|error| self.misfit(&error))
    }

    async fn prepare(&self, cx: &Context, args: &Value) -> Result<Preview, StepError> {
        let args = self.parse(args)?;
        calling(cx, self.0.prepare(cx, &args)).await
    }

    async fn apply(&self, cx: &Context, args: &Value, base: &Value) -> Result<Value, StepError> {
        let args = self.parse(args)?;
        calling(cx, self.0.apply(cx, &args, base)).await
    }

    async fn probe(
        &self,
        cx: &Context,
        args: &Value,
        base: &Value,
    ) -> Result<Probe<Value>, StepError> {
        let args = self.parse(args)?;
        calling(cx, self.0.probe(cx, &args, base)).await
    }

    async fn undo(
        &self,
        cx: &Context,
        args: &Value,
        base: &Value,
        output: &Value,
    ) -> Result<(), StepError> {
        let args = self.parse(args)?;
        calling(cx, self.0.undo(cx, &args, base, output)).await
    }

    fn deadline(&self, args: &Value) -> Duration {
        self.parse(args).map_or(NO_TIME, |args| self.0.deadline(&args))
    }

    fn undo_deadline(&self, args: &Value) -> Duration {
        self.parse(args).map_or(NO_TIME, |args| self.0.undo_deadline(&args))
    }

    fn patience(&self, args: &Value) -> Duration {
        self.parse(args).map_or(NO_TIME, |args| self.0.patience(&args))
    }

    fn until(&self, args: &Value, base: &Value) -> Option<Millis> {
        self.0.until(&self.parse(args).ok()?, base)
    }

    fn takes(&self, args: &Value) -> Option<Duration> {
        self.0.takes(&self.parse(args).ok()?)
    }
}
