//! Plays one pass: begins the run, lets go wrong what is to go wrong, resumes it as an operator
//! would.

mod judge;
mod others;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use windlass_engine::clock::Clock;
use windlass_engine::engine::{Engine, EngineError, RunHandle};
use windlass_engine::event::Event;
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{Decision, End, Journals};
use windlass_engine::run::{Outcome, Point, Points};
use windlass_lab::simulated::Edit;

use crate::by_hand::by_hand;
use crate::oracle::Shape;
use crate::people::{self, operator};
use crate::report::{MomentKind, Verdict};
use crate::scene::Scene;
use crate::stage::{Mortal, Stage};
use crate::story::{Story, in_words};
use crate::trace::Trace;
use crate::variant::{Moment, Strike, Variant};

/// A run that needs more processes than this goes round in circles.
const PROCESSES_MAX: usize = 12;

/// How long a pass may take on the wall: a hundred times what it does.
const HANGS: Duration = Duration::from_secs(300);

/// The engine of a process, for those whom the engine itself calls.
type EngineCell = Arc<Mutex<Option<Engine>>>;

fn locked(cell: &EngineCell) -> MutexGuard<'_, Option<Engine>> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a pass went.
pub(crate) struct Played {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// What is wrong, in words; empty unless violated.
    pub(crate) problems: Vec<String>,
    /// What happened.
    pub(crate) story: Story,
    /// How often the run was resumed.
    pub(crate) resumes: u32,
    /// How many requests the daemon got.
    pub(crate) requests: usize,
    /// How long it took in the swarm's time, in milliseconds.
    pub(crate) took: i64,
    /// The world at its end.
    pub(crate) shape: Shape,
}

/// How the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    End(End),
    /// It was lost before it was recorded, and before it did anything.
    NeverBegan,
}

/// Plays a pass.
///
/// # Errors
/// If the rehearsal itself can't go on: no thread.
pub(crate) fn play(scene: &Scene, variant: &Variant) -> Result<Played, String> {
    perform(scene, variant).map(|(_, played)| played)
}

/// Plays a pass, and returns what it did, too, call by call: hundreds of passes are played for
/// their verdict alone.
///
/// # Errors
/// As [`play`].
pub(crate) fn play_traced(scene: &Scene, variant: &Variant) -> Result<(Played, Trace), String> {
    let (player, played) = perform(scene, variant)?;
    Ok((played, player.trace()?))
}

fn perform<'a>(scene: &'a Scene, variant: &'a Variant) -> Result<(Player<'a>, Played), String> {
    let stage = Stage::of(&scene.swarm, &scene.runtime, scene.steps);
    stage.swarm.watch_removals();
    let mut player = Player {
        scene,
        variant,
        stage,
        story: Story::begin(scene.swarm.now()),
        run: None,
        processes: 0,
        asked: false,
        remedied: Arc::default(),
        meanwhile: Vec::new(),
    };
    let ended = player.perform();
    let played = player.judge(ended)?;
    Ok((player, played))
}

struct Player<'a> {
    scene: &'a Scene,
    variant: &'a Variant,
    stage: Stage,
    story: Story,
    run: Option<RunId>,
    processes: usize,
    /// A person was asked to decide.
    asked: bool,
    remedied: Arc<AtomicBool>,
    /// What others did while the process was dead.
    meanwhile: Vec<Edit>,
}

impl Player<'_> {
    /// Takes the run to its end, whatever it takes.
    fn perform(&mut self) -> Result<Ending, String> {
        let faults = self.variant.strikes.iter().filter_map(|strike| match strike {
            Strike::Request(fault) => Some(fault.clone()),
            _ => None,
        });
        self.stage.swarm.set_faults(faults.collect());
        for strike in &self.variant.strikes {
            if let Strike::StoreFull(writes) = strike {
                self.stage.store().fail_after(*writes);
            }
        }
        while self.processes < PROCESSES_MAX {
            match self.live()? {
                Outcome::Finished(end) => return Ok(Ending::End(end)),
                // Nothing went wrong, so there is nothing that a person could put right.
                Outcome::Stuck if self.variant.strikes.is_empty() => {
                    return Err("the run is stuck, although nothing went wrong".to_owned());
                }
                Outcome::Stuck => self.decide()?,
                Outcome::Parked | Outcome::Unrecorded(_) | Outcome::Elsewhere(_) => {
                    self.let_others_work()
                }
            }
            if self.run.as_ref().is_none_or(|run| !self.is_recorded(run)) {
                return Ok(Ending::NeverBegan);
            }
        }
        Err(format!("it has not ended after {PROCESSES_MAX} processes"))
    }

    fn is_recorded(&self, run: &RunId) -> bool {
        self.stage.store().read(run).is_ok_and(|records| !records.is_empty())
    }

    /// Lives the life of one process, until it stops or is killed.
    fn live(&mut self) -> Result<Outcome, String> {
        let mortal = Arc::new(Mortal::default());
        let engine_cell: EngineCell = Arc::default();
        let points = self.points(&mortal, &engine_cell);
        let deaths = self.variant.strikes.iter().filter_map(|strike| match strike {
            Strike::Die { kept, .. } => Some(*kept),
            _ => None,
        });
        let kept = deaths.clone().nth(self.processes).unwrap_or_default();
        self.processes += 1;
        let engine = match self.stage.engine(Some(points)) {
            Ok(engine) => engine,
            Err(error) => {
                self.story.tell(
                    self.stage.swarm.now(),
                    MomentKind::Note,
                    &format!("failed: {error}"),
                );
                self.stage.crash(0);
                return Ok(Outcome::Unrecorded(error.to_string()));
            }
        };
        *locked(&engine_cell) = Some(engine.clone());
        let mut events = engine.subscribe();
        // Time stands still until the people of the rehearsal have answered.
        self.stage.clock.at_work(1);
        let begun = self.set_going(&engine);
        if let Ok(Some(handle)) = &begun {
            // What was asked before the process was killed is not asked again.
            people::answer(&engine, &handle.run, &self.scene.runtime);
        }
        self.stage.clock.at_work(-1);
        let outcome = match begun? {
            Some(handle) => {
                self.run = Some(handle.run.clone());
                self.await_outcome(handle)?
            }
            None => Outcome::Unrecorded("it could not be recorded".to_owned()),
        };
        // What the engine was given holds the cell: without this both would stay for ever.
        *locked(&engine_cell) = None;
        self.listen(&mut events);
        if mortal.is_dead() {
            self.story.tell(self.stage.swarm.now(), MomentKind::Died, "the process is killed");
        }
        if mortal.is_dead() || matches!(outcome, Outcome::Unrecorded(_)) {
            self.stage.crash(kept);
            return Ok(Outcome::Parked);
        }
        Ok(outcome)
    }

    /// Begins the run, or resumes it. Nothing if it can't be recorded.
    fn set_going(&mut self, engine: &Engine) -> Result<Option<RunHandle>, String> {
        let begun = match &self.run {
            None => {
                let secrets = self.scene.secrets();
                engine.start(&self.scene.runbook, &operator(), &self.scene.params, secrets)
            }
            Some(run) => {
                self.story.tell(self.stage.swarm.now(), MomentKind::Resumed, "`windlass resume`");
                engine.resume(run, &operator())
            }
        };
        match begun {
            Ok(handle) => Ok(Some(handle)),
            Err(EngineError::Store(error)) => {
                self.story.tell(
                    self.stage.swarm.now(),
                    MomentKind::Note,
                    &format!("failed: {error}"),
                );
                Ok(None)
            }
            Err(error) => Err(format!("the run does not go on: {error}")),
        }
    }

    fn await_outcome(&self, handle: RunHandle) -> Result<Outcome, String> {
        let outcome = async { tokio::time::timeout(HANGS, handle.outcome()).await };
        self.stage.wait(outcome).map_err(|_| format!("it hangs: no end in {HANGS:?}"))
    }

    fn listen(&mut self, events: &mut broadcast::Receiver<Event>) {
        loop {
            match events.try_recv() {
                Ok(event) => self.story.hear(&event),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return,
            }
        }
    }

    /// What happens at the points that this process reaches.
    fn points(&self, mortal: &Arc<Mortal>, engine: &EngineCell) -> Points {
        let deaths = self.variant.strikes.iter().filter_map(|strike| match strike {
            Strike::Die { at, .. } => Some(at.clone()),
            _ => None,
        });
        let death = deaths.clone().nth(self.processes);
        let cancel = self.variant.strikes.iter().find_map(|strike| match strike {
            Strike::Cancel(key) if self.processes == 0 => Some(key.clone()),
            _ => None,
        });
        let remedies = self.remedies();
        let (mortal, engine, reached) = (mortal.clone(), engine.clone(), AtomicUsize::new(0));
        let (store, swarm) = (self.stage.store(), self.stage.swarm.clone());
        let (remedied, runtime) = (self.remedied.clone(), self.scene.runtime.clone());
        Arc::new(move |point: Point, key: &CallKey, _: &str| {
            mortal.check();
            let nth = reached.fetch_add(1, Ordering::SeqCst);
            let dies = match &death {
                Some(Moment::Point(at, call)) => *at == point && call == key,
                Some(Moment::Nth(n)) => *n == nth,
                None => false,
            };
            if dies {
                mortal.kill(&store);
            }
            if point == Point::AfterIntent && cancel.as_ref() == Some(key) {
                // Past the pivot it is refused, as it should be.
                let engine = locked(&engine).clone();
                if let Some(engine) = engine {
                    let run = engine.driven().into_iter().next();
                    let cancel = |run| engine.cancel(&run, &operator(), "a rehearsal cancels");
                    let _ = run.map(cancel);
                }
            }
            if point == Point::AfterAsking
                && let Some(engine) = locked(&engine).clone()
            {
                let run = engine.driven().into_iter().next();
                run.iter().for_each(|run| people::answer(&engine, run, &runtime));
            }
            if point == Point::AfterUndoIntent && !remedied.swap(true, Ordering::SeqCst) {
                remedies.iter().for_each(|edit| drop(swarm.edit(edit)));
            }
        })
    }

    fn remedies(&self) -> Vec<Edit> {
        let remedy = |strike: &Strike| match strike {
            Strike::Remedy(edit) => Some(edit.clone()),
            _ => None,
        };
        self.variant.strikes.iter().filter_map(remedy).collect()
    }

    /// Does what a person does about a stuck run: puts the world right, and says "try again".
    fn decide(&mut self) -> Result<(), String> {
        self.asked = true;
        let run = self.run.clone().unwrap_or_else(|| RunId::from("none"));
        let engine = self.stage.engine(None).map_err(|e| e.to_string())?;
        let view = engine.view(&run).map_err(|e| e.to_string())?;
        let error = view.stuck.ok_or("it is stuck, and does not say over what")?;
        if error.message.is_empty() || error.code.is_empty() {
            return Err("it is stuck, and does not say what has to be decided".to_owned());
        }
        let now = self.stage.swarm.now();
        self.story.tell(now, MomentKind::Decided, "a person puts the world right");
        self.stage.swarm.set_faults(Vec::new());
        if !self.remedied.swap(true, Ordering::SeqCst) {
            self.remedies().iter().for_each(|edit| drop(self.stage.swarm.edit(edit)));
        }
        if let Some(key) = view.stuck_at {
            let entries = engine.entries(&run).map_err(|e| e.to_string())?;
            for edit in by_hand(&key, &error.code, &entries, &self.stage.swarm.look()) {
                self.story.tell(now, MomentKind::Decided, &format!("by hand: {}", in_words(&edit)));
                self.stage.swarm.edit(&edit)?;
            }
            self.story.tell(now, MomentKind::Decided, &format!("`windlass retry {key}`"));
            let decision = Decision::Retry { key };
            let mut decided = engine.decide(&run, &operator(), decision.clone(), "rehearsed");
            if let Err(EngineError::Store(error)) = &decided {
                self.story.tell(now, MomentKind::Note, &format!("failed: {error}"));
                self.story.tell(now, MomentKind::Decided, "a person makes room on the disk");
                self.stage.crash(0);
                let engine = self.stage.engine(None).map_err(|e| e.to_string())?;
                decided = engine.decide(&run, &operator(), decision, "rehearsed");
            }
            decided.map_err(|e| format!("a retry is refused: {e}"))?;
        }
        Ok(())
    }
}
