//! Looking at runs, and what is offered there.

use rustix::process::Signal;

use crate::waits::asking;
use crate::{Operator, all, assert_says};

const NOTE: &str = "//! title = \"A note\"\nsecret::generate(#{ length: 20 });\n";

/// The commands that `show` prints, with what a person must fill in filled in.
fn offered(operator: &Operator) -> Vec<String> {
    let shown = all(&operator.windlass("show"));
    let commands = shown.lines().filter_map(|line| line.strip_prefix("  windlass "));
    commands.map(|line| line.split("  ").next().unwrap().trim().replace("n=...", "n=3")).collect()
}

fn interrupted() -> Operator {
    let operator = Operator::at_home();
    let file = operator.file("note.rhai", NOTE);
    let mut command = operator.command(&["run", &file]);
    let killed = command.env("WINDLASS_KILL_AT", "after-effect:1").output().unwrap();
    assert_eq!(killed.status.code(), None, "{}", all(&killed));
    operator
}

fn put_away(script: &str, words: &str) -> Operator {
    let operator = Operator::at_home();
    let shell = asking(&operator, script, words);
    shell.signal(Signal::INT);
    shell.ends(4);
    operator
}

/// Each hint is typed as it is printed, in a state of its own; none may be refused.
#[test]
fn every_command_that_is_offered_can_be_typed() {
    let ask = "ask(#{ fields: #{ n: #{ type: \"int\", help: \"How many\" } } });";
    let states: [(&dyn Fn() -> Operator, &[&str]); 4] = [
        (&interrupted, &["resume RUN --plan", "resume RUN", "undo RUN"]),
        (&|| put_away("sleep(\"1ms\"); sleep(\"1h\");", "sleep 1h"), &["undo RUN"]),
        (
            &|| put_away("approve(#{ text: \"x\" });", "approval: x"),
            &["approve RUN 1", "deny RUN 1 --reason ...", "undo RUN"],
        ),
        (&|| put_away(ask, "windlass answer"), &["answer RUN 1 -p n=3", "undo RUN"]),
    ];
    for (state, expected) in states {
        let operator = state();
        let run = operator.the_run()["run"].as_str().unwrap().to_owned();
        let commands: Vec<String> =
            offered(&operator).iter().map(|c| c.replace(&run, "RUN")).collect();
        // A resume of a run that waits would wait.
        let commands: Vec<&String> = commands
            .iter()
            .filter(|c| operator.the_run()["status"] == "interrupted" || *c != "resume RUN")
            .collect();
        assert_eq!(commands, expected);
        for command in expected {
            let operator = state();
            let run = operator.the_run()["run"].as_str().unwrap().to_owned();
            let output = operator.windlass(&command.replace("RUN", &run));
            assert_eq!(output.status.code(), Some(0), "{command}: {}", all(&output));
        }
    }
}

#[test]
fn an_interrupted_run_is_interrupted_everywhere_and_undone_by_its_only_name() {
    let operator = interrupted();
    let listed = operator.the_run();
    assert_eq!((&listed["status"], &listed["driven"]), (&"interrupted".into(), &false.into()));
    assert_says(&operator.windlass("runs --status interrupted"), 0, &["interrupted"]);
    assert_says(&operator.windlass("runs --status running"), 0, &["no runs"]);
    assert_says(&operator.windlass("report"), 0, &["**interrupted: no process drives it**"]);
    let note = "has not finished: windlass show run_";
    assert_says(&operator.windlass("runs"), 0, &[note]);
    let undone = operator.windlass("undo");
    assert_says(&undone, 0, &["cancelled, and everything was undone: run_"]);
    assert_says(&operator.windlass("undo"), 2, &["no run is interrupted or stuck", "WL0006"]);
    assert_says(&operator.windlass("cancel"), 2, &["no run goes on"]);
    assert_says(&operator.windlass("show"), 0, &["cancelled", "ended"]);
}

#[test]
fn runs_are_listed_by_status_runbook_age_and_number() {
    let operator = Operator::at_home();
    let (note, other) = (operator.file("note.rhai", NOTE), operator.file("other.rhai", NOTE));
    for file in [&note, &note, &other] {
        assert_says(&operator.windlass(&format!("run {file}")), 0, &["done"]);
    }
    let count = |args: &str| {
        let output = operator.windlass(&format!("runs --json {args}"));
        let runs: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        runs.len()
    };
    assert_eq!(count(""), 3);
    assert_eq!((count("--runbook other"), count("--limit 2"), count("--open")), (1, 2, 0));
    assert_eq!((count("--since 1h"), count("--status done"), count("--status stuck")), (3, 3, 0));
    assert_says(&operator.windlass("runs --status fine"), 2, &["expected one of running"]);
    assert_says(&operator.windlass("runs"), 0, &["ENDED", "TOOK"]);
    // The latest is meant where nothing can go wrong.
    assert_says(&operator.windlass("show"), 0, &["other.rhai"]);
    assert_says(&operator.windlass("log"), 0, &["other.rhai", "finished: done"]);
}

#[test]
fn a_command_that_only_looks_makes_no_directory() {
    let operator = Operator::at_home();
    assert_says(&operator.windlass("runs"), 0, &["no runs", "does not exist"]);
    for args in ["show", "log", "report", "resume --plan"] {
        assert_says(&operator.windlass(args), 2, &["does not exist", "--state DIR", "WL0006"]);
    }
    assert!(!operator.state().exists(), "it was made");
}

/// The terminal goes away: the run is parked in order, and nothing is in doubt.
#[test]
fn a_hangup_puts_a_run_away_as_sigterm_does() {
    let operator = Operator::at_home();
    let shell = asking(&operator, "sleep(\"1h\");", "sleep 1h");
    shell.signal(Signal::HUP);
    assert!(shell.ends(4).contains("parked"));
    assert_eq!(operator.the_run()["status"], "waiting");
}

#[test]
fn an_undo_of_a_run_that_goes_on_points_to_cancel() {
    let operator = Operator::at_home();
    let shell = asking(&operator, "sleep(\"1h\");", "sleep 1h");
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    let refused = operator.windlass(&format!("undo {run}"));
    assert_says(&refused, 6, &["WL0005", &format!("windlass cancel {run}")]);
    assert_says(&operator.windlass("cancel"), 0, &["cancelled, and everything was undone"]);
    // Somebody else has cancelled what this one follows.
    shell.ends(5);
}
