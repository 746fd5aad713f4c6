//! Plans that fail, and fields that are not there.

use windlass_engine::journal::{Body, End, Language};
use windlass_engine::run::{Outcome, PlanError};
use windlass_engine::runbook::Runbook;

use crate::rig::{Rig, somebody};

fn compiled(rig: &Rig, script: &str) -> Runbook {
    let text = format!("//! title = \"T\"\n{script}\n");
    Runbook::compile("a.rhai", &text, rig.engine.steps()).unwrap()
}

fn fails(rig: &Rig, script: &str) -> PlanError {
    let runbook = compiled(rig, script);
    rig.runtime.block_on(rig.engine.plan(&runbook, &[], Vec::new())).unwrap().unwrap_err()
}

/// A deadline that was no deadline was found after a service had restarted, and the plan had said
/// "before it changes anything".
#[test]
fn a_plan_that_fails_says_what_would_have_been_done_by_then() {
    let rig = Rig::new();
    let bad = "let d = \"soon\"; approve(#{ text: \"x\", deadline: d });";
    let first = fails(&rig, bad).to_string();
    assert!(first.starts_with("a run would fail before it changes anything: "), "{first}");
    assert!(first.contains("`soon`"), "{first}");

    let error = fails(&rig, &format!("thing::make(#{{ name: \"a\" }}); {bad}"));
    let says: Vec<&str> = error.before.changes().map(|call| call.says.as_str()).collect();
    assert_eq!(says, ["make a"]);
    let text = error.to_string();
    let expected = "a run would make 1 change, then fail, and undo everything: ";
    assert!(text.starts_with(expected), "{text}");

    let late = fails(&rig, &format!("thing::destroy(#{{ name: \"old\" }}); {bad}")).to_string();
    assert!(late.contains("be stuck: after call 1 there is no way back"), "{late}");
}

#[test]
fn a_plan_knows_how_long_waits_for_the_time_take() {
    let rig = Rig::new();
    let runbook =
        compiled(&rig, "sleep(\"1h\"); window(\"13:00-14:00\"); approve(#{ text: \"x\" });");
    let plan = rig.runtime.block_on(rig.engine.plan(&runbook, &[], Vec::new())).unwrap().unwrap();
    let takes: Vec<Option<i64>> = plan.calls.iter().map(|call| call.takes_ms).collect();
    assert_eq!(takes, [Some(3_600_000), Some(3_600_000), None]);
    assert!(plan.assumes());
}

#[test]
fn fields_that_a_step_does_not_return_are_found_before_anything_runs() {
    let rig = Rig::new();
    let problem = |script: &str| {
        let text = format!("//! title = \"T\"\n{script}\n");
        Runbook::compile("a.rhai", &text, rig.engine.steps()).map(drop).unwrap_err().to_string()
    };
    for (script, place) in [
        ("let made = thing::make(#{ name: \"a\" }); print(made.nam);", "a.rhai:2:52"),
        ("print(thing::make(#{ name: \"a\" }).nam);", "a.rhai:2:35"),
        ("fn f() { let m = thing::make(#{ name: \"a\" }); m.nam }\nf();", "a.rhai:2:"),
        // The name means something else in a function.
        (
            "fn f(made) { made }\nlet made = thing::make(#{ name: \"a\" });\nprint(made.nam);",
            "a.rhai:4:",
        ),
    ] {
        let shown = problem(script);
        let said = "what `thing.make` returns has no field `nam`; did you mean `name`?";
        assert!(shown.contains(said) && shown.contains(place), "{shown}");
    }
    for open in [
        "let made = thing::make(#{ name: \"a\" }); made = #{ nam: 1 }; print(made.nam);",
        "let made = thing::make(#{ name: \"a\" }); made.nam = 1; print(made.nam);",
        "let made = #{ nam: 1 }; print(made.nam);",
    ] {
        compiled(&rig, open);
    }
}

#[test]
fn a_field_that_is_not_there_is_a_mistake_with_its_place() {
    let rig = Rig::new();
    let run = rig.start("let all = [thing::make(#{ name: \"a\" })];\nprint(all[0].nam);");
    let id = run.run.clone();
    assert_eq!(rig.outcome(run), Outcome::Finished(End::Undone));
    let message = rig.error(&id).message;
    assert!(message.contains("there is no field `nam` here; did you mean `name`?"), "{message}");
    assert!(message.contains("waits.rhai:3:14"), "{message}");
    let fine = "let m = #{}; m.x = 1; m[\"y\"] = m.x; if m.get(\"z\") != () { throw \"no\"; }";
    assert_eq!(rig.outcome(rig.start(fine)), Outcome::Finished(End::Done));
}

/// Earlier versions took a field that is not there for `()`. A run of theirs that is resumed must
/// not fail of it: it goes on with the language with which it began.
#[test]
fn a_run_that_began_with_an_earlier_language_goes_on_with_it() {
    let mut rig = Rig::new();
    let text = "//! title = \"T\"\nsleep(\"1h\"); let made = thing::make(#{ name: \"a\" });\n\
                if made.stack == () { thing::make(#{ name: \"b\" }); }";
    let steps = rig.engine.steps().clone();
    assert!(Runbook::compile("a.rhai", text, &steps).is_err());
    let old = Runbook::recorded("a.rhai", text, Language::FIRST, &steps).unwrap();
    let run = rig.engine.start(&old, &somebody(), &[], Vec::new()).unwrap().run;
    rig.until_put_away(&run);
    let Body::Created(created) = &rig.engine.entries(&run).unwrap()[0].body else {
        panic!("{run}")
    };
    assert!(!serde_json::to_string(created).unwrap().contains("language"));
    rig.restart(0);
    let followed = rig.resume(&run);
    rig.until_put_away(&run);
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), Outcome::Finished(End::Done));
    assert!(rig.has("b"));
}

/// More branches at once than are possible now: a run that began with them goes on with them.
#[test]
fn parallel_is_bounded_for_what_begins_now() {
    let rig = Rig::new();
    let text = "//! title = \"T\"\n//! [params]\n//! n = { type = \"int\", help = \"h\" }\n\
                let xs = []; for i in 0..70 { xs.push(i); }\nparallel(xs, n, |x| x);";
    let steps = rig.engine.steps().clone();
    let given = [("n".to_owned(), "70".to_owned())];
    let now = Runbook::compile("a.rhai", text, &steps).unwrap();
    let plan = rig.runtime.block_on(rig.engine.plan(&now, &given, Vec::new())).unwrap();
    let error = plan.map(drop).unwrap_err().to_string();
    assert!(error.contains("70 at once; give it from 1 to 64"), "{error}");
    let old = Runbook::recorded("a.rhai", text, Language::FIELDS, &steps).unwrap();
    for (runbook, end) in [(&old, End::Done), (&now, End::Undone)] {
        let run = rig.engine.start(runbook, &somebody(), &given, Vec::new()).unwrap();
        assert_eq!(rig.runtime.block_on(run.outcome()), Outcome::Finished(end));
    }
}
