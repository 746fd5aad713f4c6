//! One process: it knows of a call what the journal would tell it, and nothing else.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::FutureExt;
use serde_json::Value;
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::secret::{SealedValues, Secret};
use windlass_engine::step::{AnyStep, Context, Mode, Preview, Probe, StepError};
use zeroize::Zeroizing;

use crate::{Asked, Case, Place, Trouble};

/// The value that the arguments' `{"$sealed": "value"}` stands for. It must be nowhere.
pub const CANARY: &str = "canary-8c1f0b-of-the-testkit";

/// How long one call may take in real time: whoever takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Came<T> {
    /// Well.
    Well(T),
    /// With an error.
    Error(StepError),
    /// The process died.
    Died,
}

/// A process that works on the call of a case.
pub(crate) struct Process<'a, P> {
    place: &'a P,
    step: Arc<dyn AnyStep>,
    args: Value,
    cx: Context,
    sealed: Arc<SealedValues>,
}

impl<'a, P: Place> Process<'a, P> {
    /// Begins a process.
    pub(crate) fn begin(place: &'a P, case: &Case<P>, args: &Value) -> Self {
        Self::in_mode(place, case, args, Mode::Run)
    }

    /// Begins a process that makes a plan.
    pub(crate) fn planning(place: &'a P, case: &Case<P>, args: &Value) -> Self {
        Self::in_mode(place, case, args, Mode::Plan(Arc::default()))
    }

    fn in_mode(place: &'a P, case: &Case<P>, args: &Value, mode: Mode) -> Self {
        let key = Some(Zeroizing::new([1; 32]));
        let sealed = SealedValues::new(RunId::from("run_test"), key, Zeroizing::new([2; 32]));
        // A fresh seal refuses nothing.
        let _ = sealed.seal("value", Secret::new(CANARY.as_bytes().to_vec()));
        let sealed = Arc::new(sealed);
        let key = CallKey::default().child(1);
        let cx = Context::detached("run_test", key, mode, place.clock(), sealed.clone());
        let step = place.steps().into_iter().find(|step| step.about().name == case.step);
        let step = step.unwrap_or_else(|| panic!("there is no step `{}`", case.step));
        Process { place, step, args: args.clone(), cx, sealed }
    }

    pub(crate) fn step(&self) -> &dyn AnyStep {
        self.step.as_ref()
    }

    pub(crate) async fn prepare(&self, strike: Strike) -> Result<Came<Preview>, String> {
        let came = self.call("prepare", strike, self.step.prepare(&self.cx, &self.args)).await?;
        self.changed_nothing("prepare")?;
        Ok(came)
    }

    pub(crate) async fn apply(&self, base: &Value, strike: Strike) -> Result<Came<Value>, String> {
        let came = self.call("apply", strike, self.step.apply(&self.cx, &self.args, base)).await?;
        if let Came::Well(output) = &came {
            let fits = self.step.check_output(output);
            fits.map_err(|e| format!("the output {output} is not of its own schema: {e}"))?;
            self.keeps(output)?;
        }
        Ok(came)
    }

    pub(crate) async fn probe(
        &self,
        base: &Value,
        strike: Strike,
    ) -> Result<Came<Probe<Value>>, String> {
        let came = self.call("probe", strike, self.step.probe(&self.cx, &self.args, base)).await?;
        self.changed_nothing("probe")?;
        if let Came::Well(Probe::Applied(output)) = &came {
            let fits = self.step.check_output(output);
            fits.map_err(|e| format!("the probed output {output} is not of its schema: {e}"))?;
        }
        Ok(came)
    }

    pub(crate) async fn undo(
        &self,
        base: &Value,
        output: &Value,
        strike: Strike,
    ) -> Result<Came<()>, String> {
        self.call("undo", strike, self.step.undo(&self.cx, &self.args, base, output)).await
    }

    /// Returns the requests of the latest call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.place.troubles().asked()
    }

    /// Fails if the latest call asked for a change.
    pub(crate) fn changed_nothing(&self, what: &str) -> Result<(), String> {
        match self.asked().into_iter().find(|asked| asked.changing) {
            Some(asked) => Err(format!("{what} asked for a change: {}", asked.what)),
            None => Ok(()),
        }
    }

    async fn call<T: Debug>(
        &self,
        what: &str,
        strike: Strike,
        call: impl Future<Output = Result<T, StepError>>,
    ) -> Result<Came<T>, String> {
        let troubles = self.place.troubles();
        troubles.begin(strike);
        let call = AssertUnwindSafe(call).catch_unwind();
        let came = tokio::select! {
            biased;
            () = troubles.death() => Came::Died,
            came = tokio::time::timeout(HANGS_AFTER, call) => match came {
                Err(_) => return Err(format!("{what} hangs")),
                Ok(Err(_)) => return Err(format!("{what} panics")),
                Ok(Ok(Ok(well))) => Came::Well(well),
                Ok(Ok(Err(error))) => Came::Error(error),
            },
        };
        let asked = self.asked();
        no_value(CANARY.as_bytes(), &format!("{came:?} {asked:?}"), what)?;
        if let Came::Error(error) = &came {
            is_whole(error, what)?;
        }
        Ok(came)
    }

    /// Fails if a value that the call has sealed is in its output.
    fn keeps(&self, output: &Value) -> Result<(), String> {
        let made = output["$sealed"].as_str().and_then(|name| self.sealed.open(name).ok());
        match made {
            Some(value) => no_value(value.expose(), &output.to_string(), "apply"),
            None => Ok(()),
        }
    }
}

/// Which request is struck, from 1, and by what.
pub(crate) type Strike = Option<(usize, Trouble)>;

/// Fails if a value is in a text, as it is or in base64.
pub(crate) fn no_value(value: &[u8], text: &str, what: &str) -> Result<(), String> {
    let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(value);
    let plain = String::from_utf8_lossy(value);
    match text.contains(plain.as_ref()) || text.contains(&encoded) {
        true => Err(format!("the secret value is in what {what} shows")),
        false => Ok(()),
    }
}

fn is_whole(error: &StepError, what: &str) -> Result<(), String> {
    if error.code.is_empty() || error.message.trim().is_empty() || error.code == "bug" {
        return Err(format!("{what} ends with an error that says nothing: {error:?}"));
    }
    Ok(())
}
