//! Before a run starts: what is checked, what is asked, and that nothing is left of what is not
//! started.

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use crate::another_swarm::Swarms;
use crate::waits::{asking, simulated};
use crate::{Operator, all, assert_says};

const MAKE: &str = r#"//! title = "Make a secret"
//! locks = ["secret:{name}"]
//!
//! [params]
//! name  = { type = "string", help = "Its name" }
//! value = { type = "secret", help = "Its value" }

secret::create(#{ name: name, value: value });
approve(#{ text: "keep it?", deadline: "1h" });
window("00:00-24:00");
sleep("0s");
"#;

/// `check` told one mistake of a file, and JSON had no lines.
#[test]
fn check_tells_all_mistakes_of_a_file() {
    let operator = Operator::at_home();
    let text = "//! title = \"T\"\n\
                let old = secret::find(#{ nam: \"db\" });\n\
                print(old.idd);\n\
                approve(#{ text: \"go on?\", deadline: \"soon\" });\n\
                print(service::using(#{ secret: old }).servces);\n\
                foo(bar);\n";
    let file = operator.file("bad.rhai", text);
    let expected = r#"$ windlass check ~/bad.rhai
error: `secret.find` has no argument `nam`; did you mean `name`?
  | ~/bad.rhai:2:19
  | 2 | let old = secret::find(#{ nam: "db" });
  |   |                   ^
error: what `secret.find` returns has no field `idd`; did you mean `id`?
  | ~/bad.rhai:3:11
  | 3 | print(old.idd);
  |   |           ^
error: `approve`, argument `deadline`: `soon` is not a duration such as "90s": expected number at 0
  | ~/bad.rhai:4:38
  | 4 | approve(#{ text: "go on?", deadline: "soon" });
  |   |                                      ^
error: what `service.using` returns has no field `servces`; did you mean `services`?
  | ~/bad.rhai:5:40
  | 5 | print(service::using(#{ secret: old }).servces);
  |   |                                        ^
error: there is no function `foo`
  | ~/bad.rhai:6:1
  | 6 | foo(bar);
  |   | ^
error: Undefined variable: bar
  | ~/bad.rhai:6:5
  | 6 | foo(bar);
  |   |     ^
  6 mistakes; WL0003 - `windlass explain WL0003` tells more
[2]
"#;
    let command = format!("check {file}");
    assert_eq!(operator.transcript(&[&command]).replace(&file, "~/bad.rhai"), expected);
    let json = operator.windlass(&format!("check {file} --json"));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let lines: Vec<_> =
        json[0]["mistakes"].as_array().unwrap().iter().map(|m| &m["line"]).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 6]);
    assert_eq!(json[0]["mistakes"][1]["column"], 11);
}

#[test]
fn waits_and_approvals_are_in_the_plan() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    operator.file("make.rhai", MAKE);
    let make = format!("plan {}/make.rhai -p name=a", operator.home.path().display());
    let expected = "\
$ windlass plan ~/make.rhai -p name=a
On the swarm SWARM (manager node001, 3 nodes) at unix://~/no.sock

What would be done
  1  create secret a
  2  approval: keep it?

Which services restart
  none

What to know before
  nothing
";
    assert_eq!(operator.transcript(&[&make]), expected);
    let plan = operator.windlass(&format!("{make} --json"));
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["calls"][2]["takes_ms"], 0);
    let dry = operator.windlass(&make.replacen("plan", "run --dry-run", 1));
    assert_eq!(dry.stdout, operator.windlass(&make).stdout);
}

/// All secrets of the swarm were listed, and an answer was made up without a word.
#[test]
fn a_slip_in_a_name_is_told_and_an_assumed_answer_is_not_taken_for_given() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let script = "//! title = \"T\"\nlet a = ask(#{ text: \"How?\", fields: #{
        n: #{ type: \"int\", help: \"How many\", min: 1 } } });\n
        note(\"n is \" + a.n);\nsecret::find(#{ name: \"registry_tokn\" });\n";
    let file = operator.file("ask.rhai", script);
    let plan = operator.windlass(&format!("plan {file}"));
    let words =
        ["question: How? (what follows assumes an answer)", "did you mean `registry_token`?"];
    assert_says(&plan, 1, &words);
    assert!(!all(&plan).contains("shop001"), "{}", all(&plan));
}

/// After `lab down` the shell still has the DOCKER_HOST of the lab.
#[test]
fn a_docker_host_that_is_gone_is_told_with_what_to_type() {
    let operator = Operator::at_home();
    let output = operator.windlass("plan rotate-secret -p secret=a");
    assert_says(&output, 8, &["`unset DOCKER_HOST`", "windlass lab env"]);
}

/// "would fail before it changes anything" was said of a run that made a secret first.
#[test]
fn a_plan_that_fails_says_what_would_be_done_before() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let text = MAKE.replace("\"1h\"", "name");
    operator.file("make.rhai", &text);
    let plan = format!("plan {}/make.rhai -p name=soon", operator.home.path().display());
    let run = format!("{} --secret value=generate", plan.replacen("plan", "run", 1));
    let expected = "\
$ windlass plan ~/make.rhai -p name=soon
What would be done before
  1  create secret soon
error: a run would make 1 change, then fail, and undo everything: approve: `soon` is not a duration such as \"90s\": expected number at 0
  WL0016 - `windlass explain WL0016` tells more
[1]
$ windlass run ~/make.rhai -p name=soon --secret value=generate
What would be done before
  1  create secret soon
error: the run is not started: it would make 1 change, then fail, and undo everything: approve: `soon` is not a duration such as \"90s\": expected number at 0
  WL0016 - `windlass explain WL0016` tells more
[1]
$ windlass runs
no runs: ~/state does not exist
";
    assert_eq!(operator.transcript(&[&plan, &run, "runs"]), expected);
}

#[test]
fn a_typo_leaves_no_run() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let generate = "--secret value=generate";
    let empty = operator.file("empty", "");
    for (args, code, says) in [
        (format!("run rotate-secret -p secret=nosuch {generate}"), 1, "none of that name"),
        (
            format!("run rotate-secret -p secret=a -p secret=b {generate}"),
            2,
            "`-p secret=...` is given twice",
        ),
        (format!("run rotate-secret -p secret=a {generate} {generate}"), 2, "given twice"),
        ("run rotate-secret -p secret=a --secret valeu=generate".to_owned(), 2, "valeu"),
        (
            format!("run rotate-secret -p secret=registry_token --secret value=@{empty}"),
            2,
            "is empty",
        ),
        ("run rotate-secret -p secret=registry_token".to_owned(), 2, "--secret value=-"),
    ] {
        assert_says(&operator.windlass(&args), code, &[says]);
    }
    assert!(!operator.state().exists(), "the state was touched");
}

#[test]
fn a_newline_at_the_end_is_said_unless_it_is_decided_about() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let (make, value) =
        (operator.file("make.rhai", MAKE), operator.file("value", "canary-value\n"));
    for (more, warns) in [("", true), ("--newline keep", false), ("--newline strip", false)] {
        let output =
            operator.windlass(&format!("plan {make} -p name=a --secret value=@{value} {more}"));
        assert_says(&output, 0, &["create secret a"]);
        let warned = crate::all(&output).contains("`--newline strip` takes it off");
        assert_eq!(warned, warns, "{more}");
    }
}

#[test]
fn a_generated_value_is_handed_to_somebody_or_it_is_said_that_nobody_knows_it() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let text = MAKE.split("approve(").next().unwrap();
    let make = operator.file("make.rhai", text);
    let path = operator.home.path().join("new");
    let run = |name: &str, source: &str| {
        operator.windlass(&format!("run {make} -p name={name} --secret value={source}"))
    };
    assert_says(&run("a", "generate"), 0, &["will know it", "done"]);
    let to = format!("generate:40@{}", path.display());
    assert_says(&run("b", &to), 0, &["which only you can read", "done"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap().len(), 40);
    assert_says(&run("c", &to), 2, &["File exists"]);
    std::fs::remove_file(&path).unwrap();
    // The name is taken: nothing is started, and no file is left.
    assert_says(&run("b", &to), 1, &["the run is not started"]);
    assert!(!path.exists());
}

#[test]
fn options_name_the_daemon_as_those_of_the_docker_command_do() {
    let operator = Operator::at_home();
    let plan = "plan rotate-secret -p secret=a";
    for (args, code, says) in [
        (plan.to_owned(), 8, "no.sock (DOCKER_HOST)"),
        (format!("-H unix:///nobody.sock {plan}"), 8, "unix:///nobody.sock (--host)"),
        (format!("{plan} --host unix:///nobody.sock"), 8, "unix:///nobody.sock (--host)"),
        (format!("--context nosuch {plan}"), 8, "the Docker context `nosuch`"),
        (format!("-H unix:///a.sock --context nosuch {plan}"), 2, "cannot be used with"),
        ("-H unix:///nobody.sock snapshot".to_owned(), 8, "unix:///nobody.sock (--host)"),
    ] {
        assert_says(&operator.windlass(&args), code, &[says]);
    }
}

/// It would have run on the swarm of the other process. A run that acts nowhere can go anywhere.
#[test]
fn a_process_that_acts_on_another_swarm_does_not_take_the_run() {
    let (operator, mut swarms) = (Operator::at_home(), Swarms::up());
    let other = swarms.serve(&operator.home.path().join("other.sock"), 2);
    let _shell = asking(&operator, "approve(#{ text: \"x\" });", "approval: x");
    let file = operator.file("check.rhai", "//! title = \"C\"\nswarm::check(#{});\n");
    let there = operator.windlass(&format!("-H {other} run {file} --detach"));
    let meant = format!("no.sock, and the run is meant for {other}");
    assert_says(&there, 6, &[&meant, "WL0005"]);
    let file = operator.file("note.rhai", "//! title = \"N\"\nnote(\"n\");\n");
    assert_says(&operator.windlass(&format!("-H {other} run {file} --detach")), 0, &["run_"]);
}

/// The reader of a pipe went away: the process died of it with the code 101, and left the run
/// interrupted.
#[test]
fn a_run_goes_on_when_nobody_reads_what_it_says() {
    let operator = Operator::at_home();
    let file =
        operator.file("long.rhai", "//! title = \"L\"\nfor n in 0..20 { sleep(\"100ms\"); }\n");
    let mut run = operator.command(&["run", &file]);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0];
    run.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
    drop((run.stdout.take(), run.stderr.take()));
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_says(&operator.windlass("runs"), 0, &["done"]);
}

/// `log -f | head` stayed until the run was over, although nobody read it any more.
#[test]
fn a_log_that_nobody_reads_any_more_ends() {
    let operator = Operator::at_home();
    let shell = asking(
        &operator,
        "approve(#{ text: \"x\" }); note(\"a\"); approve(#{ text: \"y\" });",
        "approval: x",
    );
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    let mut log = operator.command(&["log", &run, "-f"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0];
    log.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    drop(log.stdout.take());
    assert_says(&operator.windlass(&format!("approve {run} 1")), 0, &["approved"]);
    assert_eq!(log.wait().unwrap().code(), Some(0));
    drop(shell);
}

/// `--state` stood in every usage line, as if it had to be given.
#[test]
fn a_usage_line_names_what_has_to_be_given() {
    let operator = Operator::at_home();
    let expected = "\
$ windlass check
error: the following required arguments were not provided:
  <FILES>...

Usage: windlass check <FILES>...

For more information, try '--help'.
[2]
";
    assert_eq!(operator.transcript(&["check"]), expected);
}

/// Somebody at a terminal.
struct Terminal(Child);

impl Terminal {
    /// Begins a command on a terminal of its own.
    fn of(operator: &Operator, args: &str) -> Self {
        let line = format!("{} {args}", env!("CARGO_BIN_EXE_windlass"));
        let mut command = operator.command(&[]);
        let mut script = std::process::Command::new("script");
        script.args(["-qefc", &line, "/dev/null"]).env_clear().env("NO_COLOR", "1");
        script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("PATH", std::env::var("PATH").unwrap());
        let _ = command.stdin(Stdio::null());
        Terminal(script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Waits for each of these words, and types what is beside them. Returns all that was shown,
    /// and the exit code.
    fn answers(mut self, answers: &[(&str, &str)]) -> (String, i32) {
        let (mut shown, mut seen) = (String::new(), 0);
        let (mut keys, mut screen) = (self.0.stdin.take().unwrap(), self.0.stdout.take().unwrap());
        let mut byte = [0];
        for (words, answer) in answers {
            while !shown[seen..].contains(words) {
                assert_eq!(screen.read(&mut byte).unwrap(), 1, "no `{words}` in {shown}");
                shown.push(char::from(byte[0]));
            }
            seen = shown.len();
            keys.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
        let mut rest = Vec::new();
        screen.read_to_end(&mut rest).unwrap();
        shown.push_str(&String::from_utf8_lossy(&rest));
        (shown, self.0.wait().unwrap().code().unwrap())
    }
}

#[test]
fn on_a_terminal_it_is_asked_whether_to_start_and_then_for_the_value_twice() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let make = operator.file("make.rhai", MAKE.split("approve(").next().unwrap());
    let run = format!("run {make} -p name=a");
    let ask = "Start? [y/N] ";

    let (shown, code) = Terminal::of(&operator, &run).answers(&[(ask, "n")]);
    assert!(code == 6 && shown.contains("1 change") && shown.contains("not started"), "{shown}");
    assert!(!operator.state().exists(), "the state was touched");

    let typed = [
        (ask, "y"),
        ("value (Its value): ", ""),
        ("value (Its value): ", "canary-1"),
        ("value, once more: ", "canary-2"),
        ("value (Its value): ", "canary-3"),
        ("value, once more: ", "canary-3"),
    ];
    let (shown, code) = Terminal::of(&operator, &run).answers(&typed);
    assert!(
        code == 0 && shown.contains("can't be empty") && shown.contains("two values differ"),
        "{shown}"
    );
    assert!(!shown.contains("canary"), "{shown}");

    let yes = format!("run {make} -p name=b --yes --secret value=generate");
    let (shown, code) = Terminal::of(&operator, &yes).answers(&[]);
    assert!(code == 0 && !shown.contains("Start?"), "{shown}");
}
