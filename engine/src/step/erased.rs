//! Steps as the engine holds them: the same contract with JSON in place of types.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{About, ChangeStep, Context, Kind, Probe, ReadStep, StepError, WaitStep};

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
    pub risks: Vec<String>,
    /// What is recorded as base in a real run.
    pub base: Value,
}

/// The arguments don't fit the step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {problem}")]
pub struct ArgumentError {
    /// The step that was called.
    pub step: &'static str,
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
    /// Checks the arguments without touching the world.
    fn check(&self, args: &Value) -> Result<(), ArgumentError>;
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
    /// Takes it back.
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
}

/// Wraps a [`ReadStep`].
pub fn read<S: ReadStep>(step: S) -> Arc<dyn AnyStep> {
    Arc::new(Read(step))
}

/// Wraps a [`WaitStep`].
pub fn wait<S: WaitStep>(step: S) -> Arc<dyn AnyStep> {
    Arc::new(Wait(step))
}

/// Wraps a [`ChangeStep`].
pub fn change<S: ChangeStep>(step: S) -> Arc<dyn AnyStep> {
    Arc::new(Change(step))
}

struct Read<S>(S);
struct Wait<S>(S);
struct Change<S>(S);

/// The deadline of a call whose arguments could not be read; `check` has refused it by then.
const NO_TIME: Duration = Duration::ZERO;

fn parse<T: DeserializeOwned>(step: &'static str, args: &Value) -> Result<T, ArgumentError> {
    T::deserialize(args).map_err(|e| ArgumentError { step, problem: e.to_string() })
}

fn recorded<T: DeserializeOwned>(step: &str, what: &str, value: &Value) -> Result<T, StepError> {
    T::deserialize(value).map_err(|e| {
        let message = format!("read the recorded {what} of {step}: {e}");
        StepError::needs_operator("journal_unreadable", message)
            .hint("The journal was written by another version of windlass; use that one.")
    })
}

fn json<T: Serialize>(step: &str, value: &T) -> Result<Value, StepError> {
    serde_json::to_value(value)
        .map_err(|e| StepError::permanent("bug", format!("write what {step} returned: {e}")))
}

fn schemas_of<A: schemars::JsonSchema, O: schemars::JsonSchema>() -> (Schema, Schema) {
    (
        SchemaGenerator::default().into_root_schema_for::<A>(),
        SchemaGenerator::default().into_root_schema_for::<O>(),
    )
}

/// What is not a change has nothing to probe or undo: it is simply done again.
fn nothing_to_undo() -> Result<(), StepError> {
    Ok(())
}

#[async_trait]
impl<S: ReadStep> AnyStep for Read<S> {
    fn about(&self) -> About {
        self.0.about()
    }

    fn kind(&self) -> Kind {
        Kind::Read
    }

    fn schemas(&self) -> (Schema, Schema) {
        schemas_of::<S::Args, S::Output>()
    }

    fn check(&self, args: &Value) -> Result<(), ArgumentError> {
        parse::<S::Args>(self.about().name, args).map(drop)
    }

    async fn prepare(&self, cx: &Context, args: &Value) -> Result<Preview, StepError> {
        let expected = match cx.rehearsed() {
            Some(_) => self.apply(cx, args, &Value::Null).await?,
            None => Value::Null,
        };
        let says = self.about().name.to_owned();
        Ok(Preview { says, expected, restarts: vec![], risks: vec![], base: Value::Null })
    }

    async fn apply(&self, cx: &Context, args: &Value, _: &Value) -> Result<Value, StepError> {
        let name = self.about().name;
        json(name, &self.0.read(cx, &parse(name, args)?).await?)
    }

    async fn probe(&self, _: &Context, _: &Value, _: &Value) -> Result<Probe<Value>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Value, _: &Value, _: &Value) -> Result<(), StepError> {
        nothing_to_undo()
    }

    fn deadline(&self, args: &Value) -> Duration {
        parse(self.about().name, args).map_or(NO_TIME, |a| self.0.deadline(&a))
    }

    fn undo_deadline(&self, _: &Value) -> Duration {
        NO_TIME
    }
}

#[async_trait]
impl<S: WaitStep> AnyStep for Wait<S> {
    fn about(&self) -> About {
        self.0.about()
    }

    fn kind(&self) -> Kind {
        Kind::Wait
    }

    fn schemas(&self) -> (Schema, Schema) {
        schemas_of::<S::Args, S::Output>()
    }

    fn check(&self, args: &Value) -> Result<(), ArgumentError> {
        parse::<S::Args>(self.about().name, args).map(drop)
    }

    async fn prepare(&self, cx: &Context, args: &Value) -> Result<Preview, StepError> {
        let name = self.about().name;
        let parsed: S::Args = parse(name, args)?;
        let (base, expected) = match cx.rehearsed() {
            Some(_) => (Value::Null, json(name, &self.0.expect(cx, &parsed).await?)?),
            None => (json(name, &self.0.begin(cx, &parsed).await?)?, Value::Null),
        };
        let says = self.0.says(&parsed);
        Ok(Preview { says, expected, restarts: vec![], risks: vec![], base })
    }

    async fn apply(&self, cx: &Context, args: &Value, base: &Value) -> Result<Value, StepError> {
        let name = self.about().name;
        let base: S::Base = recorded(name, "base", base)?;
        json(name, &self.0.wait(cx, &parse(name, args)?, &base).await?)
    }

    async fn probe(&self, _: &Context, _: &Value, _: &Value) -> Result<Probe<Value>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Value, _: &Value, _: &Value) -> Result<(), StepError> {
        nothing_to_undo()
    }

    fn deadline(&self, args: &Value) -> Duration {
        parse(self.about().name, args).map_or(NO_TIME, |a| self.0.deadline(&a))
    }

    fn undo_deadline(&self, _: &Value) -> Duration {
        NO_TIME
    }
}

#[async_trait]
impl<S: ChangeStep> AnyStep for Change<S> {
    fn about(&self) -> About {
        self.0.about()
    }

    fn kind(&self) -> Kind {
        if self.0.destroys() { Kind::Destroy } else { Kind::Change }
    }

    fn schemas(&self) -> (Schema, Schema) {
        schemas_of::<S::Args, S::Output>()
    }

    fn check(&self, args: &Value) -> Result<(), ArgumentError> {
        parse::<S::Args>(self.about().name, args).map(drop)
    }

    async fn prepare(&self, cx: &Context, args: &Value) -> Result<Preview, StepError> {
        let name = self.about().name;
        let prepared = self.0.prepare(cx, &parse(name, args)?).await?;
        Ok(Preview {
            base: json(name, &prepared.base)?,
            expected: json(name, &prepared.expected)?,
            says: prepared.says,
            restarts: prepared.restarts,
            risks: prepared.risks,
        })
    }

    async fn apply(&self, cx: &Context, args: &Value, base: &Value) -> Result<Value, StepError> {
        let name = self.about().name;
        let base: S::Base = recorded(name, "base", base)?;
        json(name, &self.0.apply(cx, &parse(name, args)?, &base).await?)
    }

    async fn probe(
        &self,
        cx: &Context,
        args: &Value,
        base: &Value,
    ) -> Result<Probe<Value>, StepError> {
        let name = self.about().name;
        let base: S::Base = recorded(name, "base", base)?;
        Ok(match self.0.probe(cx, &parse(name, args)?, &base).await? {
            Probe::Applied(output) => Probe::Applied(json(name, &output)?),
            Probe::NotApplied => Probe::NotApplied,
            Probe::Partial(text) => Probe::Partial(text),
            Probe::Foreign(text) => Probe::Foreign(text),
            Probe::Unknown(text) => Probe::Unknown(text),
        })
    }

    async fn undo(
        &self,
        cx: &Context,
        args: &Value,
        base: &Value,
        output: &Value,
    ) -> Result<(), StepError> {
        let name = self.about().name;
        let base: S::Base = recorded(name, "base", base)?;
        let output: S::Output = recorded(name, "output", output)?;
        self.0.undo(cx, &parse(name, args)?, &base, &output).await
    }

    fn deadline(&self, args: &Value) -> Duration {
        parse(self.about().name, args).map_or(NO_TIME, |a| self.0.deadline(&a))
    }

    fn undo_deadline(&self, args: &Value) -> Duration {
        parse(self.about().name, args).map_or(NO_TIME, |a| self.0.undo_deadline(&a))
    }
}
