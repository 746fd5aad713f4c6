//! Judges how a pass ended: all new or all old, nothing lost, nothing left over.

use memchr::memmem;
use windlass_engine::engine::Engine;
use windlass_engine::id::RunId;
use windlass_engine::journal::{Body, End, Entry, How, Journals};
use windlass_engine::run::Outcome;
use windlass_engine::secret::KeyStore;
use windlass_lab::simulated::World;

use super::{Ending, Played, Player};
use crate::oracle::{Shape, ailments, hasty, must_answer, new_ailments, outages};
use crate::people::operator;
use crate::report::Verdict;
use crate::trace::Trace;
use crate::variant::May;

/// How long the swarm is given to calm down at the end, in milliseconds of its own time.
const CALM_MS: i64 = 180_000;

impl Player<'_> {
    /// Judges how it ended. Its story is told then.
    pub(super) fn judge(&mut self, ended: Result<Ending, String>) -> Result<Played, String> {
        let struck = self.stage.swarm.faults_hit();
        // A fault that has not struck must not strike those who look now.
        self.stage.swarm.set_faults(Vec::new());
        let took = self.stage.swarm.now() - self.scene.swarm.now();
        self.stage.swarm.advance_to(self.stage.swarm.now() + CALM_MS);
        let world = self.stage.swarm.look();
        let shape = Shape::of(&world);
        // Who looks back is a process of its own, and one is enough for all that is asked here.
        let observer = ended.is_ok().then(|| self.stage.engine(None)).transpose();
        let observer = observer.map_err(|error| error.to_string())?;
        let mut problems = Vec::new();
        match &ended {
            Err(problem) => problems.push(problem.clone()),
            Ok(ending) => {
                problems.extend(self.against(*ending, &shape, observer.as_ref())?);
                let ailments = ailments(&world, &self.foreign(&struck));
                problems.extend(new_ailments(&self.scene.ailing, ailments));
                problems.extend(self.usurped(&world));
            }
        }
        problems.extend(self.on_the_way(&world));
        problems.extend(self.leaked()?);
        // A run that has not ended holds its locks and its keys, and promises nothing yet.
        if let Some(observer) = &observer {
            problems.extend(self.not_found(observer)?);
            problems.extend(self.left_behind(observer)?);
            problems.extend(self.broken_invariants()?);
        }
        let verdict = match ended {
            _ if !problems.is_empty() => Verdict::Violated,
            _ if self.asked => Verdict::Stuck,
            Ok(Ending::End(End::Undone | End::Cancelled)) => Verdict::Unwound,
            _ => Verdict::Held,
        };
        let requests = self.stage.swarm.requests();
        self.story.strikes(self.variant, &requests);
        Ok(Played {
            verdict,
            problems,
            story: std::mem::take(&mut self.story),
            resumes: u32::try_from(self.processes.saturating_sub(1)).unwrap_or(u32::MAX),
            requests: requests.len(),
            took,
            shape,
        })
    }

    /// Returns how the world differs from what this ending promises.
    fn against(
        &self,
        ending: Ending,
        shape: &Shape,
        observer: Option<&Engine>,
    ) -> Result<Vec<String>, String> {
        let new = ending == Ending::End(End::Done);
        let mut problems = Vec::new();
        let (wanted, name) = match (new, &self.scene.after) {
            (true, Some(after)) => (after, "all new"),
            // The clean pass is what defines "all new".
            (true, None) => (shape, "all new"),
            (false, _) => (&self.scene.before, "all old"),
        };
        let differences = wanted.without(&self.removed()).differences(shape);
        problems.extend(differences.into_iter().map(|d| format!("not {name}: {d}")));
        if self.variant.may == May::OnlyEndOld {
            if new {
                problems.push("it went on, although tasks failed within the window".to_owned());
            }
            if self.asked {
                problems.push("it asked a person, although it could have gone back".to_owned());
            }
        }
        if matches!(self.variant.may, May::OnlyEndNew | May::EndNewOrRefuse) {
            let back = matches!(ending, Ending::End(End::Undone | End::Cancelled));
            if back && (self.variant.may == May::OnlyEndNew || self.touched(observer)?) {
                problems
                    .push("it went back, although nothing but chance was against it".to_owned());
            }
            if self.asked {
                problems.push("it asked a person, although there was nothing to decide".to_owned());
            }
        }
        Ok(problems)
    }

    /// True if the run has begun to change something.
    fn touched(&self, observer: Option<&Engine>) -> Result<bool, String> {
        let (Some(run), Some(observer)) = (&self.run, observer) else { return Ok(false) };
        let entries = observer.entries(run).map_err(|e| e.to_string())?;
        Ok(entries.iter().any(|entry| matches!(entry.body, Body::Intended { .. })))
    }

    /// Returns what was wrong on the way, although the end may not show it.
    fn on_the_way(&self, world: &World) -> Vec<String> {
        // What a person has put right by hand began anew when they did.
        let watch_ms = if self.asked { 0 } else { self.scene.watch_ms };
        let run = self.run.as_ref().map(RunId::as_str).unwrap_or_default();
        let mut problems = hasty(&self.stage.swarm.removals(), run, watch_ms);
        if must_answer(self.variant) {
            problems.extend(outages(world, self.scene.swarm.now()));
        }
        problems
    }

    /// Returns what is wrong if a call that was done had to be found done, and was not.
    fn not_found(&self, observer: &Engine) -> Result<Option<String>, String> {
        let (Some(key), Some(run), true) = (&self.variant.call, &self.run, self.variant.finds)
        else {
            return Ok(None);
        };
        let entries = observer.entries(run).map_err(|e| e.to_string())?;
        let found = |entry: &Entry| match &entry.body {
            Body::Applied { key: of, how, .. } => of == key && *how == How::Probed,
            _ => false,
        };
        let problem = || format!("call {key} was done, and the journal has it made again");
        Ok((!entries.iter().any(found)).then(problem))
    }

    /// Returns what the run left behind on this machine.
    fn left_behind(&self, observer: &Engine) -> Result<Vec<String>, String> {
        let mut problems = Vec::new();
        for open in observer.runs(true).map_err(|e| e.to_string())? {
            problems.push(format!("{} still holds {}", open.run, open.locks.join(", ")));
        }
        for run in self.stage.keys().runs().map_err(|e| e.to_string())? {
            // A key whose run was never recorded stays: nobody can know that it never was.
            if !self.stage.store().read(&run).map_err(|e| e.to_string())?.is_empty() {
                problems.push("the key of the run is still there".to_owned());
            }
        }
        Ok(problems)
    }

    /// Returns where a secret value is that must be nowhere.
    fn leaked(&self) -> Result<Vec<String>, String> {
        let mut problems = Vec::new();
        for secret in self.scene.values() {
            let holds = |text: &[u8]| memmem::find(text, secret).is_some();
            let records = self.run.as_ref().map(|run| self.stage.store().read(run));
            let records = records.transpose().map_err(|e| e.to_string())?.unwrap_or_default();
            if records.iter().any(|record| holds(record)) {
                problems.push("a secret value is in the journal".to_owned());
            }
            if self.story.contains(&holds) {
                problems.push("a secret value was told to people".to_owned());
            }
        }
        Ok(problems)
    }

    /// Returns the invariants of the runbook that don't hold.
    fn broken_invariants(&self) -> Result<Vec<String>, String> {
        let mut broken = Vec::new();
        for (sentence, check) in &self.scene.invariants {
            let engine = self.stage.bystander().map_err(|e| e.to_string())?;
            let handle = engine.start(check, &operator(), &self.scene.params, self.scene.secrets());
            let outcome = self.await_outcome(handle.map_err(|e| e.to_string())?)?;
            if outcome != Outcome::Finished(End::Done) {
                broken.push(format!("the runbook promises: {sentence}"));
            }
        }
        Ok(broken)
    }

    /// Returns what it did, call by call.
    pub(super) fn trace(&self) -> Result<Trace, String> {
        let Some(run) = self.run.as_ref().filter(|run| self.is_recorded(run)) else {
            return Ok(Trace::default());
        };
        let engine = self.stage.engine(None).map_err(|e| e.to_string())?;
        let view = engine.view(run).map_err(|e| e.to_string())?;
        let entries = engine.entries(run).map_err(|e| e.to_string())?;
        Ok(Trace::of(&view, &entries, &self.stage.swarm.requests()))
    }
}
