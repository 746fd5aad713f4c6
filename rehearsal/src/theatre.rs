//! Where the passes of one rehearsal are played.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::runtime::Runtime;
use windlass_lab::simulated::Simulated;

use crate::faults::{everything, turn_back};
use crate::play::{Played, play, play_traced};
use crate::rehearse::{Options, Progress, RehearsalError};
use crate::report::{CLEAN, CallRow, Moment, MomentKind, Pass, Verdict};
use crate::scene::Scene;
use crate::stage::silence_deaths;
use crate::trace::{Trace, Traced};
use crate::variant::{May, Variant};

/// A scene with its clean pass, and everything that can go wrong in it.
pub struct Theatre {
    /// What all passes share.
    pub(crate) scene: Scene,
    /// The clean pass.
    pub(crate) clean: Pass,
    trace: Trace,
    /// Every variant of the clean pass.
    pub variants: Vec<Variant>,
}

impl Theatre {
    /// Plays the clean pass, and one that goes back, and works out what can go wrong.
    ///
    /// # Errors
    /// If the runbook has a mistake, or the clean pass does not end all new.
    pub fn open(
        swarm: &Simulated,
        runtime: &Runtime,
        options: &Options,
    ) -> Result<Self, RehearsalError> {
        silence_deaths();
        let runbook = (options.name.as_str(), options.text.as_str());
        let (params, handle) = (options.params.clone(), runtime.handle().clone());
        let mut scene = Scene::set(swarm, handle, options.steps, runbook, params, options.seed)?;
        let nothing = Variant {
            id: CLEAN.to_owned(),
            call: None,
            fault: CLEAN,
            strikes: Vec::new(),
            may: May::OnlyEndNew,
            finds: false,
        };
        let (played, trace) = play_traced(&scene, &nothing).map_err(RehearsalError::Machine)?;
        scene.after = Some(played.shape.clone());
        let clean = pass(&nothing, played);
        if clean.verdict != Verdict::Held {
            return Err(RehearsalError::NotClean { problem: why(&clean), pass: Box::new(clean) });
        }
        let back = match turn_back(&trace) {
            Some(turn) => Some(play_traced(&scene, &turn).map_err(RehearsalError::Machine)?.1),
            None => None,
        };
        let variants = everything(&trace, back.as_ref(), scene.watch_ms);
        Ok(Theatre { scene, clean, trace, variants })
    }

    /// Plays passes on several threads, and returns them in order.
    ///
    /// # Errors
    /// If the machine refuses a thread, or `progress` says to stop.
    pub fn play_all(
        &self,
        variants: &[Variant],
        threads: usize,
        progress: &(dyn Fn(Progress) -> ControlFlow<()> + Sync),
    ) -> Result<Vec<Pass>, RehearsalError> {
        let (next, done, violated) =
            (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let results: Mutex<Vec<(usize, Result<Pass, String>)>> = Mutex::default();
        let all = variants.len();
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(variant) = variants.get(number) else { return };
                let pass = play(&self.scene, variant).map(|played| pass(variant, played));
                if pass.as_ref().is_ok_and(|pass| pass.verdict == Verdict::Violated) {
                    violated.fetch_add(1, Ordering::Relaxed);
                }
                results.lock().unwrap_or_else(PoisonError::into_inner).push((number, pass));
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                let violated = violated.load(Ordering::Relaxed);
                if progress(Progress { done, all, violated }).is_break() {
                    next.store(all, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(work);
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        if results.len() < all {
            return Err(RehearsalError::Stopped { done: results.len(), all });
        }
        results.sort_by_key(|(number, _)| *number);
        let passes = results.into_iter().map(|(_, pass)| pass.map_err(RehearsalError::Machine));
        passes.collect()
    }

    /// Returns the calls of the clean pass.
    pub(crate) fn calls(&self) -> Vec<CallRow> {
        let row = |call: &Traced| CallRow {
            key: call.key.to_string(),
            step: call.step.clone(),
            says: call.says.clone(),
            kind: call.kind,
            pivot: self.trace.pivot.as_ref() == Some(&call.key),
        };
        self.trace.calls.iter().map(row).collect()
    }
}

/// Returns why a pass did not end well: in the words of the run, or else of those who judge it.
fn why(pass: &Pass) -> String {
    let told = |moment: &&Moment| {
        matches!(moment.kind, MomentKind::Failed | MomentKind::UndoFailed | MomentKind::Stuck)
    };
    let told = pass.story.iter().rfind(told).map(|moment| moment.text.clone());
    told.unwrap_or_else(|| pass.problems.join("; "))
}

fn pass(variant: &Variant, played: Played) -> Pass {
    Pass {
        id: variant.id.clone(),
        call: variant.call.as_ref().map(ToString::to_string),
        fault: variant.fault.to_owned(),
        verdict: played.verdict,
        problems: played.problems,
        resumes: played.resumes,
        requests: u32::try_from(played.requests).unwrap_or(u32::MAX),
        virtual_ms: played.took,
        story: played.story.moments(),
    }
}
