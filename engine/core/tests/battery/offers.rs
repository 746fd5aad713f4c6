//! What is offered as safe is safe: in every state a run is brought to, whatever its view offers is
//! asked of it, and nothing is refused.

use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::event::{Act, RunView, Safe, Status};
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{Decision, End};
use windlass_engine::run::{Outcome, Point};
use windlass_engine::step::ErrorClass;

use crate::decisions::{decide, foreign, retry};
use crate::rig::{Death, RUNBOOK, Rig, silence_deaths, somebody};
use crate::world::Fault;

const REFUSE: Fault = Fault::Refuse(ErrorClass::Permanent);

/// A script that uses what the call over which it gets stuck returns.
const USES: &str = "//! title = \"uses\"
    let a = thing::make(#{ name: \"a\" });
    thing::make(#{ name: a.name + \"2\" });";

fn interrupted() -> (Rig, RunId) {
    foreign("4", "nothing of it")
}

fn stuck_before_the_pivot() -> (Rig, RunId) {
    let (rig, run) = foreign("4", "tmp");
    assert_eq!(rig.resume(&run), Outcome::Stuck);
    (rig, run)
}

fn stuck_past_the_pivot() -> (Rig, RunId) {
    let rig = Rig::new();
    rig.world.lock().faults = vec![(6, REFUSE)];
    let (run, _) = rig.run(RUNBOOK);
    (rig, run)
}

fn stuck_going_back() -> (Rig, RunId) {
    let rig = Rig::new();
    rig.world.lock().faults = vec![(5, REFUSE), (6, REFUSE)];
    let (run, _) = rig.run(RUNBOOK);
    (rig, run)
}

/// A person asked to undo it, and a doubt can't be settled.
fn stuck_before_it_goes_back() -> (Rig, RunId) {
    let (rig, run) = foreign("4", "tmp");
    let handle = rig.engine().undo(&run, &somebody(), "never mind").unwrap();
    assert_eq!(rig.runtime.block_on(handle.outcome()), Outcome::Stuck);
    (rig, run)
}

fn interrupted_going_back() -> (Rig, RunId) {
    silence_deaths();
    let mut rig = Rig::new();
    rig.world.lock().faults = vec![(5, REFUSE)];
    rig.points = Some(std::sync::Arc::new(|point, _: &CallKey, _| {
        if point == Point::AfterUndoIntent {
            std::panic::panic_any(Death);
        }
    }));
    let (run, _) = rig.run(RUNBOOK);
    rig.points = None;
    rig.crash(0);
    (rig, run)
}

fn stuck_without_a_call() -> (Rig, RunId) {
    let rig = Rig::new();
    let text = "//! title = \"oops\"\nthing::destroy(#{ name: \"old\" });\nthrow \"oops\";\n";
    let (run, _) = rig.run(text);
    (rig, run)
}

/// The script needs what the call returns, and somebody else has made the thing.
fn stuck_over_what_is_used() -> (Rig, RunId) {
    silence_deaths();
    let mut rig = Rig::new();
    rig.points = Some(std::sync::Arc::new(|point, at: &CallKey, _| {
        if point == Point::AfterIntent && at.to_string() == "1" {
            std::panic::panic_any(Death);
        }
    }));
    let (run, _) = rig.run(USES);
    rig.points = None;
    rig.crash(0);
    rig.world.lock().things.insert("a".to_owned(), "somebody else".to_owned());
    assert_eq!(rig.resume(&run), Outcome::Stuck);
    (rig, run)
}

type State = (fn() -> (Rig, RunId), Status, &'static [Act]);

const STATES: [State; 8] = [
    (interrupted, Status::Interrupted, &[Act::Resume, Act::Undo]),
    (stuck_before_the_pivot, Status::Stuck, &[Act::Retry, Act::Skip, Act::MarkDone, Act::Undo]),
    (stuck_past_the_pivot, Status::Stuck, &[Act::Retry, Act::Skip, Act::MarkDone]),
    (stuck_going_back, Status::StuckGoingBack, &[Act::Retry, Act::Skip, Act::MarkDone]),
    (stuck_before_it_goes_back, Status::StuckGoingBack, &[Act::Retry, Act::Skip, Act::MarkDone]),
    (interrupted_going_back, Status::InterruptedGoingBack, &[Act::Resume]),
    (stuck_without_a_call, Status::Stuck, &[Act::Resume]),
    (stuck_over_what_is_used, Status::Stuck, &[Act::Retry, Act::MarkDone, Act::Undo]),
];

/// Asks for something, and drives the run on.
fn ask(rig: &Rig, run: &RunId, safe: &Safe) -> Result<Outcome, EngineError> {
    let engine = rig.engine();
    let key = || safe.call.clone().unwrap();
    let decide = |decision| engine.decide(run, &somebody(), decision, "as offered");
    let handle = match safe.act {
        Act::Resume => engine.resume(run, &somebody()),
        Act::Undo => engine.undo(run, &somebody(), "as offered"),
        Act::Retry => {
            decide(Decision::Retry { key: key() }).and_then(|()| engine.resume(run, &somebody()))
        }
        Act::Skip => {
            decide(Decision::Skip { key: key() }).and_then(|()| engine.resume(run, &somebody()))
        }
        Act::MarkDone => {
            let output = safe.output.clone().unwrap_or_default();
            decide(Decision::MarkDone { key: key(), output })
                .and_then(|()| engine.resume(run, &somebody()))
        }
        other => panic!("{other:?} is not for runs that nobody drives"),
    };
    Ok(rig.runtime.block_on(handle?.outcome()))
}

fn view(engine: &Engine, run: &RunId) -> RunView {
    engine.view(run).unwrap()
}

#[test]
fn nothing_that_is_offered_is_refused() {
    for (state, status, offered) in STATES {
        let (rig, run) = state();
        let safe = view(&rig.engine(), &run).safe;
        let acts: Vec<Act> = safe.iter().map(|safe| safe.act).collect();
        assert_eq!((view(&rig.engine(), &run).summary.status, acts.as_slice()), (status, offered));
        for safe in safe {
            let (rig, run) = state();
            let went = ask(&rig, &run, &safe);
            assert!(went.is_ok(), "{status}: {:?} is refused: {went:?}", safe.act);
            if safe.does.contains("undo everything") || safe.does.contains("the rest") {
                let went = went.unwrap();
                let stopped = went == Outcome::Stuck;
                let back = matches!(went, Outcome::Finished(End::Undone | End::Cancelled));
                assert!(back || stopped, "{status}: {:?} said {}: {went:?}", safe.act, safe.does);
            }
        }
    }
}

/// Left out, the call would give the script nothing, and the script would fail over it later.
#[test]
fn a_call_whose_outcome_the_script_uses_is_not_left_out() {
    let (rig, run) = stuck_over_what_is_used();
    let key: CallKey = "1".parse().unwrap();
    let refused = rig.engine().decide(&run, &somebody(), Decision::Skip { key: key.clone() }, "no");
    let Err(EngineError::Output { example, step, .. }) = refused else {
        panic!("not refused: {refused:?}");
    };
    assert_eq!((step.as_str(), *example), ("thing.make", serde_json::json!({ "name": "..." })));
    for output in [serde_json::json!(null), serde_json::json!({ "nam": "a" })] {
        let told = Decision::MarkDone { key: key.clone(), output };
        let refused = rig.engine().decide(&run, &somebody(), told, "no");
        assert!(matches!(refused, Err(EngineError::Output { .. })), "{refused:?}");
    }
    let output = serde_json::json!({ "name": "a" });
    decide(&rig, &run, Decision::MarkDone { key, output });
    assert_eq!(rig.resume(&run), Outcome::Finished(End::Done));
}

/// What a person leaves as it is, or did by hand, is not undone: that is said.
#[test]
fn what_going_back_leaves_is_told() {
    let (rig, run) = stuck_going_back();
    let key = view(&rig.engine(), &run).stuck_at.unwrap();
    decide(&rig, &run, Decision::Skip { key: key.clone() });
    assert_eq!(rig.resume(&run), Outcome::Finished(End::Undone));
    assert_eq!(view(&rig.engine(), &run).left, [key]);

    let (rig, run) = stuck_going_back();
    retry(&rig, &run, &view(&rig.engine(), &run).stuck_at.unwrap());
    rig.assert_whole(&rig.resume(&run), "undone after all");
    assert!(view(&rig.engine(), &run).left.is_empty());
}

/// It used to be resumed with the text that was there, and to be stuck when the replay differed.
#[test]
fn a_run_whose_text_was_changed_in_the_store_goes_on_with_the_text_that_it_began_with() {
    let (mut rig, run) = interrupted();
    rig.world.lock().things.remove("nothing of it");
    let hash = rig.runbook(RUNBOOK).hash();
    let other = RUNBOOK.replace("name: \"a\"", "name: \"b\"");
    let store = rig.store.clone();
    let put = |text: &str| {
        use windlass_engine::journal::Values;
        store.put_value(&hash, text.as_bytes()).unwrap();
    };
    put(&other);
    let refused = rig.engine().resume(&run, &somebody()).err();
    let refused = refused.map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("it was changed in the store"), "{refused}");
    put(RUNBOOK);
    rig.assert_whole(&rig.resume(&run), "resumed with the text that it began with");
    rig.crash(0);
}
