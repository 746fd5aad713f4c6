//! A runbook that touches nothing outside the run needs no Docker: not to be planned, run, resumed,
//! rehearsed or reported.

use crate::{Operator, all, assert_says};

const NOWHERE: &str = r#"//! title = "Nothing outside"
note("before");
let value = secret::generate(#{ length: 20 });
sleep("1s");
note("after");
"#;

/// Where no Docker daemon is: nobody answers at one, and the other is no address at all.
const NO_DOCKER: [&str; 2] = ["tcp://127.0.0.1:1", "nonsense"];

struct Nowhere<'a> {
    operator: &'a Operator,
    host: &'a str,
}

impl Nowhere<'_> {
    fn command(&self, args: &str) -> std::process::Command {
        let mut command = self.operator.command(&args.split_whitespace().collect::<Vec<_>>());
        command.env("DOCKER_HOST", self.host);
        command
    }

    #[track_caller]
    fn says(&self, args: &str, code: i32, words: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert_says(&output, code, words);
        all(&output)
    }
}

#[test]
fn a_runbook_that_acts_nowhere_needs_no_docker() {
    for host in NO_DOCKER {
        let operator = Operator::at_home();
        let file = operator.file("nowhere.rhai", NOWHERE);
        let at = Nowhere { operator: &operator, host };
        at.says(&format!("plan {file}"), 0, &["make a random value of 20 characters"]);
        at.says(&format!("rehearse {file}"), 0, &["0 violated"]);
        at.says(&format!("run {file} --yes"), 0, &["done"]);
        let shown = at.says("show", 0, &["Nothing outside"]);
        assert!(!shown.lines().any(|line| line.trim_start().starts_with("at ")), "{shown}");
        at.says("report", 0, &["nothing outside the run"]);
        // Another runbook, at the same address, is refused before it begins.
        let text = "//! title = \"Find\"\nsecret::find(#{ name: \"x\" });\n";
        let find = operator.file("find.rhai", text);
        at.says(&format!("run {find} --yes"), 8, &["WL0014"]);
    }
}

#[test]
fn a_run_that_acts_nowhere_is_resumed_without_docker_and_is_bound_to_no_place() {
    for host in NO_DOCKER {
        let operator = Operator::at_home();
        let file = operator.file("nowhere.rhai", NOWHERE);
        let at = Nowhere { operator: &operator, host };
        let mut dies = at.command(&format!("run {file} --yes"));
        let died = dies.env("WINDLASS_KILL_AT", "after-effect:secret.generate").output().unwrap();
        assert_eq!(died.status.code(), None, "{}", all(&died));
        at.says("resume --another-swarm moved", 2, &["acts at no place"]);
        at.says("resume --plan", 0, &["repeat", "make a random value of 20 characters"]);
        at.says("resume", 0, &["done"]);
        let journal = at.says("log", 0, &["finished: done"]);
        assert!(!journal.contains("acts on the"), "{journal}");
    }
}
