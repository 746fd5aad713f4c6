//! Modules: found beside a runbook or among the shipped ones, and kept by a run.

use rustix::process::Signal;

use crate::waits::ANN;
use crate::{Operator, all, assert_says};

const SAYS: &str = "//! title = \"Says\"\n//! uses = [\"says\"]\n\
                    say(\"before\");\nsleep(\"2s\");\nsay(\"after\")";

/// A runbook, and a module beside it.
fn says(operator: &Operator) -> String {
    std::fs::create_dir_all(operator.home.path().join("lib")).unwrap();
    operator.file("lib/says.rhai", "fn say(x) {\n    note(`as it was ${x}`);\n}\n");
    operator.file("says.rhai", SAYS)
}

#[test]
fn which_module_was_taken_is_said_and_one_that_is_not_there_is_told_where_it_is_named() {
    let operator = Operator::at_home();
    says(&operator);
    let both = SAYS.replace("\"says\"]", "\"says\", \"rotate\"]");
    let file = operator.file("both.rhai", &both);
    for command in ["check", "describe"] {
        let output = operator.windlass(&format!("{command} {file}"));
        assert_says(
            &output,
            0,
            &["says, from", "lib/says.rhai", "rotate, from shipped:lib/rotate.rhai"],
        );
    }
    operator.file("lib/rotate.rhai", "fn nothing() {}\n");
    let output = operator.windlass(&format!("check {file} --json"));
    let checked: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(checked[0]["modules"][1]["from"].as_str().unwrap().ends_with("lib/rotate.rhai"));
    assert!(!all(&output).contains("shipped:"), "the one beside comes first");

    operator.file("lib/says.rhai", "\nfn say(x) { nope(x); }\n");
    let output = operator.windlass(&format!("check {file}"));
    assert_says(
        &output,
        2,
        &["lib/says.rhai:2:13", "fn say(x) { nope(x); }", "no function `nope`"],
    );
    let typo = operator.file("typo.rhai", "//! title = \"T\"\n//! uses = [\"rotat\"]\n");
    let output = operator.windlass(&format!("plan {typo}"));
    assert_says(
        &output,
        2,
        &["typo.rhai:2:1", "no module `rotat`; did you mean `rotate`?", "WL0003"],
    );
    assert_says(&operator.windlass("describe rotate-secret"), 0, &["from shipped:lib/rotate.rhai"]);
}

#[test]
fn a_run_goes_on_with_the_modules_that_it_began_with() {
    let operator = Operator::at_home();
    let file = says(&operator);
    let mut shell = operator.shell(ANN, &format!("run {file}"));
    shell.hears("sleep 2s");
    shell.signal(Signal::KILL);
    drop(shell);
    operator.file("lib/says.rhai", "fn say(x) { note(`changed ${x}`); }\n");
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    assert_says(&operator.windlass(&format!("resume {run}")), 0, &["as it was after", "done"]);
    std::fs::remove_file(operator.home.path().join("lib/says.rhai")).unwrap();
    let log = operator.windlass(&format!("log {run}"));
    assert_says(&log, 0, &["as it was before", "as it was after"]);
    assert_says(&operator.windlass(&format!("check {file}")), 2, &["no module `says`"]);
}
