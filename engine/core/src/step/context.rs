//! What a step is given besides its arguments.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::{SealedRef, StepError};
use crate::clock::{Clock, Millis};
use crate::id::{CallKey, RunId};
use crate::secret::{SealedValues, Secret};

/// Whether the world is touched, or only looked at to make a plan.
#[derive(Debug, Clone)]
pub enum Mode {
    /// The real thing.
    Run,
    /// A plan is being made.
    Plan(Arc<Assumed>),
}

/// The changes that a plan assumes to have been made, for later reads to take into account.
#[derive(Debug, Default)]
pub struct Assumed {
    notes: Mutex<HashMap<String, Vec<Value>>>,
    looks: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

/// What an ID looks like that nobody has given yet.
const PLANNED: &str = "planned:";

impl Assumed {
    /// Returns the ID that a plan gives to an object that is yet to be made.
    pub fn id(name: &str) -> String {
        format!("{PLANNED}{name}")
    }

    /// True if the ID is one that a plan gave.
    pub fn is_id(id: &str) -> bool {
        id.starts_with(PLANNED)
    }

    /// True if JSON text names an object that is yet to be made.
    pub(crate) fn is_named_in(text: &str) -> bool {
        text.contains(PLANNED)
    }

    /// Notes a change under a topic, such as `service.secret`.
    pub fn note(&self, topic: &str, change: Value) {
        locked(&self.notes).entry(topic.to_owned()).or_default().push(change);
    }

    /// Returns the changes noted under a topic, oldest first.
    pub fn noted(&self, topic: &str) -> Vec<Value> {
        locked(&self.notes).get(topic).cloned().unwrap_or_default()
    }

    /// True if a change is noted under a topic.
    pub fn has_noted(&self, topic: &str) -> bool {
        locked(&self.notes).contains_key(topic)
    }

    /// Returns what the steps of a family have read of the world for this plan: of each type there
    /// is one, empty at first. A plan changes nothing, so its calls may share what they read.
    pub fn look<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut looks = locked(&self.looks);
        let look = looks.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default())).clone();
        // Under the ID of a type there is only ever one of that type.
        look.downcast().unwrap_or_default()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

tokio::task_local! {
    /// The call that the step being awaited belongs to.
    static CALL: String;
}

/// Awaits a step of a call.
pub(super) fn calling<F: Future>(cx: &Context, step: F) -> impl Future<Output = F::Output> {
    CALL.scope(format!("{}/{}", cx.run, cx.key), step)
}

/// Returns the call that asks, as `run_01K.../3.1.2`, inside a step; clients name it in what they
/// send, so that a log or a proxy on the way shows who wanted what.
pub fn current_call() -> Option<String> {
    CALL.try_with(Clone::clone).ok()
}

/// One call, seen from inside its step.
#[derive(Clone)]
pub struct Context {
    pub(crate) run: RunId,
    pub(crate) key: CallKey,
    pub(crate) mode: Mode,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealed: Arc<SealedValues>,
    pub(crate) progress: Arc<dyn Fn(&str) + Send + Sync>,
    pub(crate) before: Value,
}

impl Context {
    /// Returns a context outside any run, for tests of steps.
    pub fn detached(
        run: &str,
        key: CallKey,
        mode: Mode,
        clock: Arc<dyn Clock>,
        sealed: Arc<SealedValues>,
    ) -> Self {
        let progress = Arc::new(|_: &str| {});
        let before = Value::Null;
        Context { run: RunId::from(run), key, mode, clock, sealed, progress, before }
    }

    /// Returns it as a later attempt has it, after one with this base.
    #[must_use]
    pub fn after(self, base: Value) -> Self {
        Context { before: base, ..self }
    }

    /// Returns the base of the attempt before this one; null at the first.
    pub fn before(&self) -> &Value {
        &self.before
    }

    /// Returns the run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Returns the call.
    pub fn key(&self) -> &CallKey {
        &self.key
    }

    /// Returns the current time.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Returns the clock to wait on.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Returns the changes that a plan assumes, or nothing in a real run.
    pub fn assumed(&self) -> Option<&Assumed> {
        match &self.mode {
            Mode::Run => None,
            Mode::Plan(assumed) => Some(assumed),
        }
    }

    /// Opens a sealed value.
    ///
    /// # Errors
    /// *Needs operator* if the value is gone: the run has ended, or its key was lost.
    pub fn open(&self, sealed: &SealedRef) -> Result<Secret, StepError> {
        self.sealed.open(&sealed.name).map_err(|error| {
            StepError::needs_operator("sealed_value_lost", format!("open a sealed value: {error}"))
        })
    }

    /// Seals a new value under this call. It is recorded together with the call's outcome.
    ///
    /// # Errors
    /// *Permanent* if the machine gives no randomness.
    pub fn seal(&self, value: Secret) -> Result<SealedRef, StepError> {
        let name = format!("call {}", self.key);
        self.sealed.seal(&name, value).map_err(|error| {
            StepError::permanent("cannot_seal", format!("seal a value: {error}"))
        })?;
        Ok(SealedRef { name })
    }

    /// Returns a keyed fingerprint of a sealed value: the same value gives the same text on this
    /// machine, and nobody without the master key can test a guess against it.
    ///
    /// # Errors
    /// As [`Context::open`].
    pub fn fingerprint(&self, sealed: &SealedRef) -> Result<String, StepError> {
        Ok(self.sealed.fingerprint(&self.open(sealed)?))
    }

    /// Returns the text with every secret value of this run replaced by `***`.
    pub fn redact(&self, text: &str) -> String {
        self.sealed.redact(text)
    }

    /// As [`Context::redact`], for text written by others, such as container logs: it is withheld
    /// whole when a value of this run is too short to be recognised in it.
    pub fn redact_foreign(&self, text: &str) -> String {
        self.sealed.redact_foreign(text)
    }

    /// Tells people how the call is getting on: "3 of 6 tasks run the new secret".
    pub fn progress(&self, text: &str) {
        (self.progress)(&self.redact(text));
    }
}
