//! What the three kinds of steps differ in, with their arguments read and the rest still JSON.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::erased::Preview;
use super::{About, ChangeStep, Context, Kind, Probe, ReadStep, StepError, WaitStep};
use crate::clock::Millis;

/// A step that looks.
pub(super) struct Read<S>(pub(super) S);

/// A step that waits.
pub(super) struct Wait<S>(pub(super) S);

/// A step that changes something.
pub(super) struct Change<S>(pub(super) S);

/// The deadline of a call whose arguments could not be read; `check` has refused it by then.
pub(super) const NO_TIME: Duration = Duration::ZERO;

/// What the three kinds differ in. The arguments are read, the rest is still JSON.
#[async_trait]
pub(super) trait Typed: Send + Sync {
    type Args: DeserializeOwned + JsonSchema + Send + Sync;
    type Output: DeserializeOwned + JsonSchema;

    fn about(&self) -> About;
    fn kind(&self) -> Kind;
    fn deadline(&self, args: &Self::Args) -> Duration;
    async fn prepare(&self, cx: &Context, args: &Self::Args) -> Result<Preview, StepError>;
    async fn apply(
        &self,
        cx: &Context,
        args: &Self::Args,
        base: &Value,
    ) -> Result<Value, StepError>;

    /// What is not a change has nothing to probe: it is simply done again.
    async fn probe(
        &self,
        _: &Context,
        _: &Self::Args,
        _: &Value,
    ) -> Result<Probe<Value>, StepError> {
        Ok(Probe::NotApplied)
    }

    /// What is not a change has nothing to undo.
    async fn undo(
        &self,
        _: &Context,
        _: &Self::Args,
        _: &Value,
        _: &Value,
    ) -> Result<(), StepError> {
        Ok(())
    }

    /// Only changes have a base that somebody approves.
    fn unbound(&self) -> &'static [&'static str] {
        &[]
    }

    fn undo_deadline(&self, _: &Self::Args) -> Duration {
        NO_TIME
    }

    /// Only waits are waited for.
    fn patience(&self, _: &Self::Args) -> Duration {
        NO_TIME
    }

    fn until(&self, _: &Self::Args, _: &Value) -> Option<Millis> {
        None
    }

    fn takes(&self, _: &Self::Args) -> Option<Duration> {
        None
    }
}

#[async_trait]
impl<S: ReadStep> Typed for Read<S> {
    type Args = S::Args;
    type Output = S::Output;

    fn about(&self) -> About {
        self.0.about()
    }

    fn kind(&self) -> Kind {
        Kind::Read
    }

    fn deadline(&self, args: &S::Args) -> Duration {
        self.0.deadline(args)
    }

    async fn prepare(&self, cx: &Context, args: &S::Args) -> Result<Preview, StepError> {
        let expected = match cx.assumed() {
            Some(_) => self.apply(cx, args, &Value::Null).await?,
            None => Value::Null,
        };
        let says = self.about().name.into_owned();
        Ok(Preview { says, expected, restarts: vec![], risks: vec![], base: Value::Null })
    }

    async fn apply(&self, cx: &Context, args: &S::Args, _: &Value) -> Result<Value, StepError> {
        json(&self.0.about(), &self.0.read(cx, args).await?)
    }
}

#[async_trait]
impl<S: WaitStep> Typed for Wait<S> {
    type Args = S::Args;
    type Output = S::Output;

    fn about(&self) -> About {
        self.0.about()
    }

    fn kind(&self) -> Kind {
        Kind::Wait
    }

    fn patience(&self, args: &S::Args) -> Duration {
        self.0.patience(args)
    }

    fn until(&self, args: &S::Args, base: &Value) -> Option<Millis> {
        self.0.until(args, &S::Base::deserialize(base).ok()?)
    }

    fn takes(&self, args: &S::Args) -> Option<Duration> {
        self.0.takes(args)
    }

    fn deadline(&self, args: &S::Args) -> Duration {
        self.0.deadline(args)
    }

    async fn prepare(&self, cx: &Context, args: &S::Args) -> Result<Preview, StepError> {
        let about = self.0.about();
        let (base, expected) = match cx.assumed() {
            Some(_) => (Value::Null, json(&about, &self.0.expect(cx, args).await?)?),
            None => (json(&about, &self.0.begin(cx, args).await?)?, Value::Null),
        };
        let says = self.0.says(args);
        Ok(Preview { says, expected, restarts: vec![], risks: vec![], base })
    }

    async fn apply(&self, cx: &Context, args: &S::Args, base: &Value) -> Result<Value, StepError> {
        let about = self.0.about();
        let base: S::Base = recorded(&about, "base", base)?;
        json(&about, &self.0.wait(cx, args, &base).await?)
    }
}

#[async_trait]
impl<S: ChangeStep> Typed for Change<S> {
    type Args = S::Args;
    type Output = S::Output;

    fn about(&self) -> About {
        self.0.about()
    }

    fn kind(&self) -> Kind {
        if self.0.destroys() { Kind::Destroy } else { Kind::Change }
    }

    fn unbound(&self) -> &'static [&'static str] {
        self.0.unbound()
    }

    fn deadline(&self, args: &S::Args) -> Duration {
        self.0.deadline(args)
    }

    fn undo_deadline(&self, args: &S::Args) -> Duration {
        self.0.undo_deadline(args)
    }

    async fn prepare(&self, cx: &Context, args: &S::Args) -> Result<Preview, StepError> {
        let about = self.0.about();
        let prepared = self.0.prepare(cx, args).await?;
        Ok(Preview {
            base: json(&about, &prepared.base)?,
            expected: json(&about, &prepared.expected)?,
            says: prepared.says,
            restarts: prepared.restarts,
            risks: prepared.risks,
        })
    }

    async fn apply(&self, cx: &Context, args: &S::Args, base: &Value) -> Result<Value, StepError> {
        let about = self.0.about();
        let base: S::Base = recorded(&about, "base", base)?;
        json(&about, &self.0.apply(cx, args, &base).await?)
    }

    async fn probe(
        &self,
        cx: &Context,
        args: &S::Args,
        base: &Value,
    ) -> Result<Probe<Value>, StepError> {
        let about = self.0.about();
        let base: S::Base = recorded(&about, "base", base)?;
        Ok(match self.0.probe(cx, args, &base).await? {
            Probe::Applied(output) => Probe::Applied(json(&about, &output)?),
            Probe::NotApplied => Probe::NotApplied,
            Probe::Partial(text) => Probe::Partial(text),
            Probe::Foreign(text) => Probe::Foreign(text),
            Probe::Unknown(text) => Probe::Unknown(text),
        })
    }

    async fn undo(
        &self,
        cx: &Context,
        args: &S::Args,
        base: &Value,
        output: &Value,
    ) -> Result<(), StepError> {
        let about = self.0.about();
        let base: S::Base = recorded(&about, "base", base)?;
        let output: S::Output = recorded(&about, "output", output)?;
        self.0.undo(cx, args, &base, &output).await
    }
}

fn recorded<T: DeserializeOwned>(about: &About, what: &str, value: &Value) -> Result<T, StepError> {
    T::deserialize(value).map_err(|e| {
        let message = format!("read the recorded {what} of {}: {e}", about.name);
        StepError::needs_operator("journal_unreadable", message)
            .hint("The journal was written by another version of windlass; use that one.")
    })
}

fn json<T: Serialize>(about: &About, value: &T) -> Result<Value, StepError> {
    serde_json::to_value(value).map_err(|e| {
        StepError::permanent("bug", format!("write what {} returned: {e}", about.name))
    })
}
