//! Waiting for the time: restarts, clocks that jump, windows, conditions, branches.

use windlass_engine::clock::Clock;
use windlass_engine::engine::EngineError;
use windlass_engine::event::Status;
use windlass_engine::journal::{Body, End};
use windlass_engine::run::Outcome;
use windlass_engine::runbook::Runbook;
use windlass_engine::step::ErrorClass;

use crate::rig::{NOON, Rig, run_threads, somebody, until};
use crate::world::Fault;

const DONE: Outcome = Outcome::Finished(End::Done);
const HOUR: i64 = 3_600_000;

#[test]
fn a_sleeping_run_holds_no_thread_and_goes_on_when_its_time_has_come() {
    let rig = Rig::new();
    let followed = rig.waiting("sleep(\"1h\"); thing::make(#{ name: \"a\" });");
    assert_eq!(run_threads(), 0);
    assert_eq!(rig.status(&followed.run), Status::Waiting);
    let waits = rig.waits(&followed.run);
    assert_eq!((waits[0].step.as_str(), waits[0].until), ("sleep", Some(NOON + HOUR)));
    rig.clock.minutes(59);
    assert!(rig.engine.is_put_away(&followed.run));
    rig.clock.minutes(1);
    assert_eq!(rig.outcome(followed), DONE);
    assert!(rig.has("a"));
}

#[test]
fn a_restart_goes_on_with_what_is_left() {
    let mut rig = Rig::new();
    let run = rig.waiting("sleep(\"1h\");").run;
    rig.clock.minutes(40);
    rig.restart(0);
    assert_eq!(rig.status(&run), Status::Waiting);
    let taken_up = rig.engine.resume_waiting().unwrap();
    assert_eq!(taken_up.len(), 1);
    let followed = rig.follow(taken_up.into_iter().next().unwrap().1.unwrap());
    rig.until_put_away(&run);
    rig.clock.minutes(19);
    assert_eq!(rig.waits(&run)[0].until, Some(NOON + HOUR));
    assert!(rig.engine.is_put_away(&run));
    rig.clock.minutes(1);
    assert_eq!(rig.outcome(followed), DONE);
}

/// The window of a rotation, with a step that looks every 30 s and whose deadline the engine counts
/// by the machine's own time.
#[test]
fn a_window_of_24_hours_stands_a_clock_that_jumps_both_ways() {
    for jump in [5, -5] {
        let rig = Rig::new();
        let followed =
            rig.waiting("let at = thing::vigil(#{ hours: 24 }); thing::make(#{ name: \"a\" });");
        assert_eq!(run_threads(), 0);
        let waits = rig.waits(&followed.run);
        assert_eq!(
            (waits[0].says.as_str(), waits[0].until),
            ("keep vigil for 24 h", Some(NOON + 24 * HOUR))
        );
        rig.clock.minutes(60);
        rig.clock.minutes(jump * 60);
        // What is left by the clock is what is waited for: neither ended nor hanging.
        rig.clock.set(NOON + 24 * HOUR - 1);
        assert!(rig.engine.is_put_away(&followed.run), "jump of {jump} h");
        rig.clock.set(NOON + 24 * HOUR);
        assert_eq!(rig.outcome(followed), DONE, "jump of {jump} h");
    }
    let rig = Rig::new();
    let followed = rig.waiting("thing::vigil(#{ hours: 24 });");
    rig.clock.minutes(30 * 60);
    assert_eq!(rig.outcome(followed), DONE, "a jump past the end ends it");
}

#[test]
fn a_step_that_waits_goes_on_from_its_base_after_a_restart() {
    let mut rig = Rig::new();
    let run = rig.waiting("thing::vigil(#{ hours: 24 });").run;
    rig.clock.minutes(23 * 60);
    rig.restart(0);
    let followed = rig.resume(&run);
    rig.until_put_away(&run);
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_clock_that_was_set_back_makes_a_sleep_longer_by_as_much_and_no_more() {
    let rig = Rig::new();
    let followed = rig.waiting("sleep(\"1h\");");
    rig.clock.minutes(-180);
    rig.clock.minutes(239);
    assert!(rig.engine.is_put_away(&followed.run));
    rig.clock.minutes(1);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_window_is_waited_for_and_one_that_was_slept_through_is_not_taken_for_open() {
    let mut rig = Rig::new();
    let script = "let open = window(\"20:00-22:00\"); thing::make(#{ name: open.closes });";
    let run = rig.waiting(script).run;
    assert_eq!(rig.waits(&run)[0].until, Some(NOON + 8 * HOUR));
    // The machine is off while the window is open.
    rig.store.fail_after(0);
    rig.clock.set(NOON + 11 * HOUR);
    rig.restart(0);
    let followed = rig.resume(&run);
    rig.until_put_away(&run);
    assert_eq!(rig.waits(&run)[0].until, Some(NOON + 32 * HOUR));
    rig.clock.set(NOON + 33 * HOUR);
    assert_eq!(rig.outcome(followed), DONE);
    assert!(rig.has("2026-11-22 22:00:00Z"), "{:?}", rig.world.names());
}

#[test]
fn inside_its_window_a_run_does_not_wait() {
    let rig = Rig::new();
    let followed = rig.start("window(\"Sat 11:00-13:00\");");
    assert_eq!(rig.outcome(followed), DONE);
}

const LOOKS: &str =
    "wait_until(#{ every: \"1m\", timeout: \"1h\" }, || thing::look(#{ name: \"b\" }));";

#[test]
fn a_condition_is_looked_at_until_it_holds_and_its_looks_leave_nothing_in_the_journal() {
    let rig = Rig::new();
    let followed = rig.waiting(LOOKS);
    for _ in 0..20 {
        let looks = rig.world.lock().looks;
        rig.clock.minutes(1);
        until("it looks again", || rig.world.lock().looks > looks);
        rig.until_put_away(&followed.run);
    }
    assert_eq!(rig.engine.entries(&followed.run).unwrap().len(), 2);
    rig.world.lock().things.insert("b".to_owned(), "somebody".to_owned());
    rig.clock.minutes(1);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_condition_that_does_not_hold_in_time_fails_and_a_script_can_catch_it() {
    let rig = Rig::new();
    let followed = rig.waiting(&format!("thing::make(#{{ name: \"a\" }}); {LOOKS}"));
    rig.clock.minutes(60);
    let run = followed.run.clone();
    assert_eq!(rig.outcome(followed), Outcome::Finished(End::Undone));
    assert_eq!(rig.error(&run).code, "timed_out");
    assert!(!rig.has("a"));
    let caught = format!("try {{ {LOOKS} }} catch (e) {{ thing::make(#{{ name: e.code }}); }}");
    let followed = rig.waiting(&caught);
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), DONE);
    assert!(rig.has("timed_out"));
}

#[test]
fn a_condition_can_only_read_and_what_it_changes_in_the_script_is_not_seen_outside() {
    let rig = Rig::new();
    let run = |script: &str| {
        let followed =
            rig.start(&format!("wait_until(#{{ timeout: \"1h\" }}, || {{ {script} }});"));
        let run = followed.run.clone();
        assert_eq!(rig.outcome(followed), Outcome::Finished(End::Undone), "{script}");
        rig.error(&run).message
    };
    assert!(run("thing::make(#{ name: \"a\" }); true").contains("changes things"));
    assert!(run("sleep(\"1m\"); true").contains("only call steps that read"));
    assert!(run("parallel([1], 1, |x| x); true").contains("only call steps that read"));
    assert!(run("7").contains("must be true or false"));
    let script = "let n = 0; wait_until(#{ timeout: \"1h\" }, || { n += 1; n == 1 }); \
                  thing::make(#{ name: `${n}` });";
    assert_eq!(rig.outcome(rig.start(script)), DONE);
    assert!(rig.has("0"));
}

#[test]
fn arguments_of_waits_are_checked_before_anything_runs() {
    let rig = Rig::new();
    let problem = |script: &str| {
        let text = format!("//! title = \"T\"\n{script}");
        Runbook::compile("a.rhai", &text, rig.engine.steps()).map(drop).unwrap_err().to_string()
    };
    assert!(problem("sleep(90);").contains("sleep(\"90s\")"));
    assert!(problem("sleep(\"soon\");").contains("`soon`"));
    assert!(problem("window(\"Sat 2-4\");").contains("not a time"));
    assert!(problem("window(\"Sat 02:00-04:00 Mars/X\");").contains("Mars/X"));
    assert!(problem("approve(#{ of: 2 });").contains("needs the argument `text`"));
    assert!(problem("approve(#{ text: \"x\", off: 2 });").contains("no argument `off`"));
    assert!(problem("ask(#{ text: \"x\" });").contains("needs the argument `fields`"));
    assert!(problem("ask(\"x\");").contains("is called as in"));
    assert!(problem("wait_until(#{ every: \"1s\" }, || true);").contains("`timeout`"));
    assert!(problem("wait_until(|| true);").contains("is called as in"));
}

#[test]
fn branches_go_on_while_one_waits_and_the_run_is_put_away_when_all_do() {
    let rig = Rig::new();
    let followed = rig.waiting(
        "parallel([1, 2, 3], 3, |n| {
            if n == 1 { sleep(\"1h\"); }
            thing::make(#{ name: `a${n}` });
            if n == 2 { sleep(\"2h\"); }
            thing::make(#{ name: `b${n}` });
        });",
    );
    until("their threads have ended", || run_threads() == 0);
    assert_eq!(rig.world.names(), ["a2", "a3", "b3", "old"]);
    assert_eq!(rig.waits(&followed.run).len(), 2);
    rig.clock.minutes(60);
    until("the first branch goes on", || rig.has("b1"));
    rig.until_put_away(&followed.run);
    assert!(!rig.has("b2"));
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_branch_that_waits_keeps_its_place_and_the_bound_holds() {
    let rig = Rig::new();
    let followed = rig.waiting(
        "parallel([1, 2, 3, 4], 2, |n| { thing::make(#{ name: `a${n}` }); sleep(\"1h\"); });",
    );
    assert_eq!(rig.world.names(), ["a1", "a2", "old"]);
    rig.clock.minutes(60);
    until("the next two have begun", || rig.has("a3") && rig.has("a4"));
    rig.until_put_away(&followed.run);
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_branch_that_fails_ends_the_wait_of_another_and_all_goes_back() {
    let rig = Rig::new();
    rig.world.lock().faults = vec![(1, Fault::Refuse(ErrorClass::Permanent))];
    let followed = rig.start(
        "thing::make(#{ name: \"a\" });
         parallel([1, 2], 2, |n| { if n == 1 { sleep(\"1h\"); } else { thing::make(#{ name: \"b\" }); } });",
    );
    assert_eq!(rig.outcome(followed), Outcome::Finished(End::Undone));
    assert_eq!(rig.world.names(), ["old"]);
}

#[test]
fn a_run_that_waits_can_be_cancelled_and_be_parked() {
    let rig = Rig::new();
    let script = "thing::make(#{ name: \"a\" }); sleep(\"1h\");";
    let followed = rig.waiting(script);
    rig.engine.cancel(&followed.run, &somebody(), "never mind").unwrap();
    assert_eq!(rig.outcome(followed), Outcome::Finished(End::Cancelled));
    assert!(!rig.has("a"));

    let followed = rig.waiting(script);
    let run = followed.run.clone();
    assert!(matches!(rig.engine.resume(&run, &somebody()), Err(EngineError::AlreadyDriven(_))));
    rig.engine.park_all();
    assert_eq!(rig.outcome(followed), Outcome::Parked);
    rig.runtime.block_on(rig.engine.idle());
    assert_eq!(rig.status(&run), Status::Waiting);
    let followed = rig.resume(&run);
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), DONE);
}

#[test]
fn a_line_is_printed_once_however_often_the_script_is_taken_up() {
    let rig = Rig::new();
    let mut events = rig.engine.subscribe();
    let followed = rig.waiting("print(\"one\"); sleep(\"1h\"); print(\"two\"); sleep(\"1h\");");
    rig.clock.minutes(60);
    until("the second sleep is asked", || {
        rig.waits(&followed.run).iter().any(|w| w.key.to_string() == "2")
    });
    rig.until_put_away(&followed.run);
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), DONE);
    let mut printed = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let windlass_engine::event::What::Printed { text } = event.what {
            printed.push(text);
        }
    }
    assert_eq!(printed, ["one", "two"]);
}

#[test]
fn a_plan_shows_waits_and_does_not_wait() {
    let rig = Rig::new();
    let text = "//! title = \"T\"\nsleep(\"1h\"); approve(#{ text: \"destroy it?\", of: 2 });\n\
                let given = ask(#{ fields: #{ n: #{ type: \"int\", help: \"h\", min: 3 } } });\n\
                wait_until(#{ timeout: \"1h\" }, || false); window(\"02:00-04:00\");\n\
                if given.n == 3 { thing::destroy(#{ name: \"old\" }); }\n";
    let runbook = Runbook::compile("a.rhai", text, rig.engine.steps()).unwrap();
    let plan = rig.runtime.block_on(rig.engine.plan(&runbook, &[], Vec::new())).unwrap().unwrap();
    let says: Vec<&str> = plan.calls.iter().map(|call| call.says.as_str()).collect();
    assert_eq!(says[..2], ["sleep 1h", "approval by 2 people: destroy it?"]);
    assert_eq!(says[4..], ["wait for 02:00-04:00", "destroy old"]);
    assert_eq!(rig.clock.now(), NOON);
}

#[test]
fn a_wait_is_recorded_before_it_begins_and_once() {
    let mut rig = Rig::new();
    let run = rig.waiting("sleep(\"1h\");").run;
    for _ in 0..3 {
        rig.restart(0);
        rig.resume(&run);
        rig.until_put_away(&run);
    }
    let entries = rig.engine.entries(&run).unwrap();
    let asked = entries.iter().filter(|entry| matches!(entry.body, Body::Waiting { .. }));
    assert_eq!(asked.count(), 1);
}
