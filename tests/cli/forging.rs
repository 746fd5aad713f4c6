//! Texts of others that try to look like lines of ours, in every place where people read them.

use rustix::process::Signal;

use crate::waits::{ANN, BEN, Shell};
use crate::{Operator, all, assert_says};

/// What an attacker would have an approver read.
const FORGED: &str = "run_01FAKE ends: done";

/// True if no line of a text is the attacker's, and every character shows itself.
#[track_caller]
fn is_honest(text: &str) {
    assert!(text.contains(FORGED), "the forged text is not there at all: {text}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("run_01FAKE")), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
}

#[test]
fn no_text_of_a_run_looks_like_a_line_of_the_program() {
    let operator = Operator::at_home();
    let mut daemon = operator.shell("root", "serve --listen off");
    daemon.hears("serves");
    let forged = format!("ok?\\n{FORGED}\\x1b[2J\\r\\u202e");
    let script = format!(
        "//! title = \"A title\\n{FORGED}\\u001b[2J\"\n//! locks = [\"{{what}}\"]\n//!\n//! [params]\n\
         //! what = {{ type = \"string\", help = \"h\" }}\n\
         note(what);\nprint(\"{forged}\");\n\
         approve(#{{ text: \"{forged}\", not_starter: true }});\n\
         throw \"{forged}\";\n"
    );
    let file = operator.file("forger.rhai", &script);
    let what = format!("what=x\n{FORGED}\u{202e}");
    let mut run = operator.command(&["run", &file, "-p", &what]);
    run.env("SUDO_USER", ANN);
    let mut shell = Shell::begin(run);
    shell.hears("windlass approve");
    let id = operator.the_run()["run"].as_str().unwrap().to_owned();
    for told in [
        "runs",
        "runs --json",
        &format!("show {id}"),
        &format!("show {id} --json"),
        &format!("log {id}"),
    ] {
        let output = operator.windlass(told);
        assert_eq!(output.status.code(), Some(0), "{}", all(&output));
        is_honest(&all(&output));
    }
    let shown = operator.windlass(&format!("show {id} --json"));
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["params"]["what"], format!("x\n{FORGED}\u{202e}"), "what was given is kept");
    assert_says(&operator.says(BEN, &format!("approve {id}")), 0, &[]);
    is_honest(&shell.ends(1));
    for format in ["md", "html"] {
        let report = operator.windlass(&format!("report {id} --format {format}"));
        assert_eq!(report.status.code(), Some(0), "{}", all(&report));
        is_honest(&all(&report));
    }
    daemon.signal(Signal::TERM);
    let log = daemon.ends(0);
    is_honest(&log);
    assert!(!log.contains("\n  | "), "an event of the log is one line: {log}");
}

#[test]
fn a_text_that_would_control_a_terminal_is_refused() {
    let operator = Operator::at_home();
    let script = "//! title = \"T\"\n//! [params]\n//! what = { type = \"string\", help = \"h\" }\n\
                  approve(#{ text: what });\n";
    let file = operator.file("a.rhai", script);
    let output = operator.command(&["run", &file, "-p", "what=a\u{1b}[2Jb"]).output().unwrap();
    assert_says(&output, 2, &["without control characters", "a\\u{1b}[2Jb", "WL0002"]);
    let mut run = operator.command(&["run", &file, "-p", "what=ok"]);
    run.env("SUDO_USER", ANN);
    let mut shell = Shell::begin(run);
    shell.hears("windlass approve");
    let id = operator.the_run()["run"].as_str().unwrap().to_owned();
    for act in ["approve", "deny", "cancel"] {
        let words = [act, &id, "--reason", "fine\u{1b}[2J"];
        let output = operator.command(&words).output().unwrap();
        assert_says(&output, 2, &["a reason can't hold the control character `\\u{1b}`"]);
    }
}
