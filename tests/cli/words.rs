//! Words that don't fit, and words that do.

use crate::{Operator, all, assert_says};

const NOTE: &str = "//! title = \"A note\"\nsecret::generate(#{ length: 20 });\n";

#[test]
fn bad_words_get_a_clear_error_the_right_code_and_leave_no_trace() {
    let operator = Operator::at_home();
    let same = "run rotate-secret-same-name";
    let broken = operator.file("broken.rhai", "//! title = \"T\"\nlet a = 1;\nlet b = a + ;\n");
    let typo = operator.file("typo.rhai", "//! title = \"T\"\nsecret::creat(#{ name: \"x\" });\n");
    let missing =
        operator.file("missing.rhai", "//! title = \"T\"\nsecret::find(#{ nam: \"x\" });\n");
    let cases: [(String, i32, &[&str]); 14] = [
        ("run nosuch".into(), 2, &["nosuch", "rotate-secret-same-name", "WL0001"]),
        ("run ./nosuch.rhai".into(), 2, &["nosuch.rhai", "WL0001"]),
        (format!("{same} --secret value=generate"), 2, &["`secret` is missing", "-p secret="]),
        (format!("{same} -p secret=db"), 2, &["`value` is missing", "--secret value=-"]),
        (
            format!("{same} -p secret=db -p parallel=many --secret value=generate"),
            2,
            &["many", "from 1 to 64"],
        ),
        (
            format!("{same} -p secret=db -p window=soon --secret value=generate"),
            2,
            &["soon", "90s"],
        ),
        (
            format!("{same} -p secret=db -p colour=red --secret value=generate"),
            2,
            &["colour", "secret, value"],
        ),
        (format!("{same} -p secret --secret value=generate"), 2, &["has no value"]),
        (format!("{same} -p secret=db -p value=canary --secret value=generate"), 2, &["secret"]),
        (format!("{same} -p secret=db --secret value=canary"), 2, &["names a source"]),
        (format!("check {broken}"), 2, &["broken.rhai:3:13", "let b = a + ;", "^"]),
        (format!("check {typo}"), 2, &["typo.rhai:2:", "did you mean `secret.create`?"]),
        (format!("check {missing}"), 2, &["no argument `nam`", "name"]),
        ("explain WL9999".into(), 2, &["WL9999"]),
    ];
    for (args, code, words) in cases {
        let output = operator.windlass(&args);
        assert_says(&output, code, words);
        assert!(!all(&output).contains("canary"), "{args} repeats the value");
    }
    assert!(!operator.state().exists(), "the state was touched");
}

#[test]
fn without_docker_a_rotation_is_not_begun() {
    let operator = Operator::at_home();
    let output = operator.windlass("run rotate-secret -p secret=db --secret value=generate");
    assert_says(&output, 8, &["no Docker daemon answers", "no.sock", "DOCKER_HOST", "WL0014"]);
    assert!(!operator.state().exists(), "the state was touched");
}

#[test]
fn an_endless_script_ends_with_its_place_and_exit_code_1() {
    let operator = Operator::at_home();
    let file = operator.file("endless.rhai", "//! title = \"Endless\"\nloop { }\n");
    assert_says(
        &operator.windlass(&format!("run {file}")),
        1,
        &["does a loop end?", "endless.rhai:2:"],
    );
}

#[test]
fn a_run_without_a_swarm_is_listed_shown_and_logged() {
    let operator = Operator::at_home();
    let file = operator.file("note.rhai", NOTE);
    assert_says(&operator.windlass(&format!("run {file}")), 0, &["A note", "done"]);
    assert_says(&operator.windlass("runs"), 0, &["note.rhai", "done"]);
    let runs = operator.windlass("runs --json");
    let runs: serde_json::Value = serde_json::from_slice(&runs.stdout).unwrap();
    let run = runs[0]["run"].as_str().unwrap();
    assert_says(&operator.windlass(&format!("show {run}")), 0, &["A note", "make a random value"]);
    let tail = &run[run.len() - 6..];
    assert_says(&operator.windlass(&format!("log {tail}")), 0, &["created", "finished: done"]);
    assert_says(&operator.windlass(&format!("resume {run}")), 2, &["has finished", "WL0007"]);
    assert_says(&operator.windlass(&format!("undo {run}")), 2, &["has finished"]);
    assert_says(&operator.windlass("show nosuch"), 2, &["there is no run", "WL0006"]);
    assert_says(&operator.windlass("resume"), 2, &["no run is interrupted"]);
}

#[test]
fn json_goes_to_stdout_and_everything_else_to_stderr() {
    let operator = Operator::at_home();
    let file = operator.file("note.rhai", NOTE);
    let output = operator.windlass(&format!("run {file} --json"));
    let view: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(view["status"], "done");
    for args in [
        "runbooks",
        "describe rotate-secret",
        "steps",
        "steps secret.create",
        "runs",
        "lab status",
        "explain",
        "explain WL0004",
    ] {
        let output = operator.windlass(&format!("{args} --json"));
        serde_json::from_slice::<serde_json::Value>(&output.stdout)
            .unwrap_or_else(|e| panic!("{args}: {e}: {}", all(&output)));
    }
    let problem = operator.windlass("run nosuch --json");
    let problem: serde_json::Value = serde_json::from_slice(&problem.stdout).unwrap();
    assert_eq!(problem["problem"]["code"], "WL0001");
}

#[test]
fn every_step_and_every_error_code_has_its_page() {
    let operator = Operator::at_home();
    for step in ["secret.create", "service.switch_secret", "service.converged"] {
        assert_says(
            &operator.windlass(&format!("steps {step}")),
            0,
            &["Undo", "Arguments", "Returns"],
        );
    }
    let codes = operator.windlass("explain");
    for line in String::from_utf8(codes.stdout).unwrap().lines() {
        let code = line.split_whitespace().next().unwrap();
        assert_says(&operator.windlass(&format!("explain {code}")), 0, &[code]);
    }
    assert_says(&operator.windlass("completions bash"), 0, &["windlass"]);
}
