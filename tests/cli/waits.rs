//! Runs that wait for people: asked in one shell, answered from another.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::{Operator, all, assert_says};

/// Longer than anything here takes, even on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command in the foreground of another shell.
pub(crate) struct Shell {
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Operator {
    /// Begins a command of a user of this machine, as sudo does, and goes on.
    pub(crate) fn shell(&self, who: &str, args: &str) -> Shell {
        let nowhere = format!("unix://{}/no.sock", self.home.path().display());
        self.shell_at(&nowhere, who, args)
    }

    /// Begins a command of a person who reaches a swarm, and goes on.
    pub(crate) fn shell_at(&self, host: &str, who: &str, args: &str) -> Shell {
        let mut command = self.command(&args.split_whitespace().collect::<Vec<_>>());
        command.env("DOCKER_HOST", host).env("SUDO_USER", who);
        Shell::begin(command)
    }

    /// Begins a command that may have so many files open.
    pub(crate) fn shell_with_files(&self, files: u32, args: &str) -> Shell {
        let words: Vec<&str> = args.split_whitespace().collect();
        let template = self.command(&words);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$@\""), "sh"]);
        command.arg(template.get_program()).args(words).stdin(Stdio::null()).env_clear();
        command.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Shell::begin(command)
    }

    /// Carries a command of a user of this machine out, as sudo does.
    #[track_caller]
    pub(crate) fn says(&self, who: &str, args: &str) -> Output {
        assert!(
            rustix::process::geteuid().is_root(),
            "only root speaks for others: run it as root"
        );
        let args: Vec<&str> = args.split_whitespace().collect();
        self.command(&args).env("SUDO_USER", who).output().unwrap()
    }

    /// The only run there is.
    pub(crate) fn the_run(&self) -> serde_json::Value {
        let output = self.windlass("runs --json");
        let runs: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        runs.into_iter().next().unwrap()
    }
}

impl Shell {
    /// Begins a command, and goes on.
    pub(crate) fn begin(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let said = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Shell { child, lines, heard: Vec::new() }
    }

    /// Reads on until a line has these words, and returns it.
    #[track_caller]
    pub(crate) fn hears(&mut self, words: &str) -> String {
        while !self.heard.last().is_some_and(|line| line.contains(words)) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.heard.push(line),
                Err(error) => panic!("{error}: no `{words}` in {}", self.heard.join("\n")),
            }
        }
        self.heard.last().cloned().unwrap_or_default()
    }

    /// Reads on until a further line has these words.
    #[track_caller]
    pub(crate) fn hears_next(&mut self, words: &str) {
        self.heard.push(String::new());
        self.hears(words);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// It ends with this code.
    #[track_caller]
    pub(crate) fn ends(mut self, code: i32) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.heard.push(line);
        }
        let heard = self.heard.join("\n");
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{heard}");
        heard
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// People that every Debian has.
pub(crate) const ANN: &str = "games";
pub(crate) const BEN: &str = "mail";
const CLEO: &str = "news";
const DORA: &str = "uucp";

/// Begins a run of this script, and returns when it asks.
pub(crate) fn asking(operator: &Operator, script: &str, words: &str) -> Shell {
    let file = operator.file("waits.rhai", &format!("//! title = \"Waits\"\n{script}\n"));
    let mut shell = operator.shell(ANN, &format!("run {file}"));
    shell.hears(words);
    shell
}

const TWO: &str = "approve(#{ text: \"go on?\", of: 2, not_starter: true });
                   secret::generate(#{ length: 20 });";

#[test]
fn two_people_approve_from_other_shells_and_the_starter_does_not_count() {
    let operator = Operator::at_home();
    let shell = asking(&operator, TWO, "Ctrl-C parks it safely");
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    let listed = operator.windlass("runs");
    assert_says(&listed, 0, &["waiting", "approval by 2 people: go on?"]);
    let shown = operator.windlass(&format!("show {run}"));
    assert_says(&shown, 0, &["waiting", &format!("windlass approve {run} 1"), "windlass deny"]);

    let approve = format!("approve {run}");
    assert_says(&operator.says(ANN, &approve), 2, &["games started the run", "WL0018"]);
    assert_says(&operator.says(BEN, &approve), 0, &["approved; 1 more must approve it"]);
    assert_says(&operator.says(BEN, &approve), 2, &["mail has approved already"]);
    assert_says(
        &operator.windlass(&format!("show {run}")),
        0,
        &["1 of 2 have approved: mail (as root, by sudo)"],
    );
    let last = operator.says(CLEO, &format!("approve {run} 1 --reason fine"));
    assert_says(&last, 0, &["approved"]);
    let heard = shell.ends(0);
    assert!(
        heard.contains("by mail (as root, by sudo)") && heard.contains("fine by news ("),
        "{heard}"
    );
    let log = operator.windlass(&format!("log {run}"));
    assert_says(
        &log,
        0,
        &["1 approve waits", "1 approved by mail (as root, by sudo)", "1 approved: fine by news ("],
    );
    assert_says(&operator.says(DORA, &approve), 2, &["has finished"]);
}

#[test]
fn a_denial_and_a_deadline_take_the_run_back() {
    let operator = Operator::at_home();
    let shell = asking(&operator, TWO, "windlass deny");
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    assert_says(&operator.says(BEN, &format!("deny {run}")), 2, &["--reason"]);
    assert_says(&operator.says(BEN, &format!("deny {run} --reason no")), 0, &["denied"]);
    assert!(shell.ends(1).contains("denied: no by mail (as root, by sudo)"));

    for (otherwise, code, words) in [("deny", 1, "0 of 1 approved"), ("approve", 0, "done")] {
        let operator = Operator::at_home();
        let asked =
            format!("approve(#{{ text: \"x\", deadline: \"1s\", otherwise: \"{otherwise}\" }});");
        let heard = asking(&operator, &asked, "approval: x").ends(code);
        assert!(heard.contains(words), "{heard}");
    }
}

#[test]
fn a_waiting_run_is_put_away_with_ctrl_c_answered_meanwhile_and_goes_on() {
    let operator = Operator::at_home();
    let script = "let given = ask(#{ text: \"How?\", fields: #{
                      n: #{ type: \"int\", help: \"How many\", min: 1 },
                      pass: #{ type: \"secret\", help: \"The password\" } } });
                  if given.n != 3 { throw \"not three\"; }
                  sleep(\"1s\");";
    let shell = asking(&operator, script, "windlass answer");
    shell.signal(rustix::process::Signal::INT);
    let heard = shell.ends(4);
    assert!(heard.contains("parked") && heard.contains("windlass resume"), "{heard}");
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    let shown = operator.windlass(&format!("show {run}"));
    let command = format!("windlass answer {run} 1 -p n=... --secret pass=-");
    assert_says(&shown, 0, &["No process is driving it", "n (int): How many", &command]);

    let file = operator.file("pass", "canary-in-a-coal-mine");
    let secret = format!("--secret pass=@{file}");
    let answer = |words: &str| operator.says(BEN, &format!("answer {run} {words}"));
    assert_says(&answer("-p n=3"), 2, &["`pass` is missing"]);
    assert_says(&answer(&format!("-p n=0 {secret}")), 2, &["from 1 on", "windlass show"]);
    assert_says(&answer("-p n=3 -p pass=canary-in-a-coal-mine"), 2, &["secret"]);
    let taken = answer(&format!("-p n=3 {secret}"));
    assert_says(&taken, 0, &["answered", "No process is driving this run"]);
    assert_says(&operator.windlass(&format!("resume {run}")), 0, &["sleep 1s", "done"]);
    let log = operator.windlass(&format!("log {run} --json"));
    assert!(!all(&log).contains("canary"), "the secret is in the journal");
}

#[test]
fn a_wait_survives_kill_9_with_its_deadline() {
    let operator = Operator::at_home();
    let shell = asking(&operator, "sleep(\"3s\"); secret::generate(#{ length: 20 });", "sleep 3s");
    let until = operator.the_run()["waits"][0]["until"].as_i64().unwrap();
    shell.signal(rustix::process::Signal::KILL);
    drop(shell);
    let run = operator.the_run();
    assert_eq!((&run["status"], &run["waits"][0]["until"]), (&"waiting".into(), &until.into()));
    let name = run["run"].as_str().unwrap();
    assert_says(&operator.windlass(&format!("resume {name}")), 0, &["sleep 3s", "done"]);
    let log = operator.windlass(&format!("log {name} --json"));
    let over = String::from_utf8_lossy(&log.stdout).lines().find_map(|line| {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        (entry["body"]["type"] == "answered").then(|| entry["at"].as_i64().unwrap())
    });
    assert!((until..until + 60_000).contains(&over.unwrap()), "{over:?}, not soon after {until}");
}

/// Brings a simulated swarm up, where the operator looks for one.
pub(crate) fn simulated(operator: &Operator) -> Shell {
    let socket = operator.home.path().join("no.sock");
    let lab = format!("lab up --simulated --services 3 --socket {}", socket.display());
    let mut lab = operator.shell(ANN, &lab);
    lab.hears("answers until Ctrl-C");
    lab
}

/// In a rehearsal people approve and answer at once, time flies, and deaths around waits change
/// nothing.
#[test]
fn a_runbook_that_waits_is_rehearsed() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let script = "//! title = \"Waits\"
        let given = ask(#{ fields: #{ v: #{ type: \"secret\", help: \"h\" } } });
        secret::create(#{ name: \"x\", value: given.v });
        sleep(\"1h\");
        approve(#{ text: \"x\", of: 2, not_starter: true, deadline: \"24h\" });
        window(\"Sat 02:00-04:00 Europe/Berlin\");";
    let rehearse = format!("rehearse {}", operator.file("waits.rhai", script));
    let rehearsed = operator.windlass(&rehearse);
    assert_says(&rehearsed, 0, &["approval by 2 people", "question: v", " held, "]);
}

/// The approval is bound to what the run would do, and that has changed since.
#[test]
fn an_approval_lapses_when_the_swarm_has_changed_and_is_asked_again_with_the_difference() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let change = |script: &str| {
        let script = format!("//! title = \"By others\"\n{script}");
        let file = operator.file("others.rhai", &script);
        let args = ["--state", &format!("{}/other", operator.home.path().display()), "run", &file];
        assert_says(&operator.command(&args).output().unwrap(), 0, &["done"]);
    };
    let make = "let value = secret::generate(#{ length: 20 });
                secret::create(#{ name: \"old\", value: value });";
    let remove = "let old = secret::find(#{ name: \"old\" });
                  secret::remove(#{ id: old.id, name: old.name });";
    change(make);
    let script = format!("approve(#{{ text: \"remove it?\" }}); {remove}");
    let shell = asking(&operator, &script, "Ctrl-C parks it safely");
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    let approve = format!("approve {run}");
    assert_says(&operator.windlass(&format!("show {run}")), 0, &["it goes on to remove", "old"]);
    change(&format!("{remove} {make}"));
    let lapsed = operator.says(BEN, &approve);
    assert_says(&lapsed, 7, &["not approved", "rests on something else", "asked again"]);
    let shown = operator.windlass(&format!("show {run}"));
    assert_says(&shown, 0, &["waiting", "things have changed", "rests on something else"]);
    assert_says(&operator.says(BEN, &approve), 0, &["approved"]);
    let heard = shell.ends(0);
    assert!(heard.contains("lapsed: rests on something else"), "{heard}");
}

/// Killed over and over, at moments that nobody chose: each call is made once, each wait is asked for
/// once and ends at its time, and the run comes to its end.
#[test]
fn a_run_that_is_killed_at_random_while_it_waits_loses_and_repeats_nothing() {
    let operator = Operator::at_home();
    let script = "parallel([1, 2, 3], 3, |n| {
                      for round in 0..3 {
                          secret::generate(#{ length: 20 });
                          sleep(`${200 * n}ms`);
                      }
                  });
                  wait_until(#{ every: \"1s\", timeout: \"1h\" }, || true);
                  approve(#{ text: \"x\", deadline: \"1s\", otherwise: \"approve\" });";
    let shell = asking(&operator, script, "sleep");
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    drop(shell);
    let mut kills = 0;
    let seed = std::process::id();
    // It may be killed when its end was recorded, and not yet said.
    while operator.the_run()["open"] == true {
        let mut shell = operator.shell(ANN, &format!("resume {run}"));
        let at = Duration::from_millis(u64::from((seed + kills * 7919) % 400));
        std::thread::sleep(at);
        if shell.child.try_wait().unwrap().is_some() {
            let heard = shell.ends(0);
            assert!(heard.contains("done"), "{heard}");
        }
        kills += 1;
        assert!(kills < 200, "it does not get on (seed {seed})");
    }
    assert_eq!(operator.the_run()["status"], "done", "seed {seed}");
    assert!(kills > 3, "killed {kills} times only (seed {seed})");
    let log = operator.windlass(&format!("log {run} --json"));
    let mut seen = std::collections::BTreeMap::new();
    for line in String::from_utf8_lossy(&log.stdout).lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let (kind, key) = (&entry["body"]["type"], &entry["body"]["key"]);
        *seen.entry(format!("{kind} {key}")).or_insert(0) += 1;
        if kind == "waiting" {
            seen.insert(format!("until {key}"), entry["body"]["until"].as_i64().unwrap());
        }
        if kind == "answered" && entry["body"]["answer"]["what"] == "over" {
            let until = seen[&format!("until {key}")];
            let early = entry["at"].as_i64().unwrap() < until && *key != "2";
            assert!(!early, "{key} was over before {until} (seed {seed})");
        }
    }
    for what in ["applied", "waiting", "answered"] {
        let of = |name: &&String| name.starts_with(&format!("\"{what}\""));
        let counts: Vec<i64> = seen.keys().filter(of).map(|name| seen[name]).collect();
        let expected = if what == "applied" { 9 } else { 11 };
        assert_eq!(counts, vec![1; expected], "{what} (seed {seed}): {seen:?}");
    }
}
