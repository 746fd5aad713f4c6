//! What a daemon's memory holds of secret values when the runs that needed them are over.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::token::ask;
use crate::waits::{Shell, simulated};
use crate::{Operator, all, assert_says};

/// A value is given at the start, another one is asked for; both go to the swarm.
const SCRIPT: &str = r#"//! title = "Keep two"
//! [params]
//! name = { type = "string", help = "A name" }
//! value = { type = "secret", help = "A value" }
let given = ask(#{ text: "the other?", fields: #{ other: #{ type: "secret", help: "Another" } } });
secret::create(#{ name: name, value: value });
secret::create(#{ name: `${name}_other`, value: given.other });
"#;

/// Runs begun in each of the two ways; each is given two values.
const RUNS: usize = 10;

/// The half of a value.
const HALF: usize = 16;

/// Where the runbook is. A daemon keeps that for life.
const SHELF: &str = "aShelfOfWhichTheDaemonKeepsAName";

/// How much is read at once.
const CHUNK: usize = 1 << 20;

/// Connections end a moment after the answer, and threads that have nothing to do end after ten
/// seconds, with what was on their stacks.
const LINGER: Duration = Duration::from_secs(60);

/// Random, so that nothing else looks like them, and easy to write in JSON.
fn values() -> Vec<String> {
    let value = || (0..2 * HALF).map(|_| fastrand::alphanumeric()).collect();
    std::iter::repeat_with(value).take(4 * RUNS).collect()
}

/// Reads what a process may write to, and returns all texts of letters and digits in it.
fn texts_of(pid: u32) -> String {
    let maps = BufReader::new(File::open(format!("/proc/{pid}/maps")).unwrap());
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut texts = String::new();
    for line in maps.lines().map_while(Result::ok) {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
        if rest.starts_with("rw") {
            (from..to).step_by(CHUNK).for_each(|at| gather(&memory, at, to, &mut texts));
        }
    }
    texts
}

fn gather(memory: &File, from: u64, to: u64, texts: &mut String) {
    // A value may lie across the end of a chunk.
    let length = usize::try_from(to - from).unwrap().min(CHUNK + 2 * HALF);
    let mut bytes = vec![0; length];
    // What is reserved and unused is most of it, and what has gone meanwhile can't be read.
    if memory.read_exact_at(&mut bytes, from).is_err() || bytes == vec![0; length] {
        return;
    }
    let stretches = bytes.split(|byte| !byte.is_ascii_alphanumeric());
    for stretch in stretches.filter(|stretch| stretch.len() >= HALF) {
        texts.push_str(str::from_utf8(stretch).unwrap());
        texts.push('\n');
    }
}

/// Halves of a value count: what is freed loses its beginning to the allocator.
fn is_in(texts: &str, value: &str) -> bool {
    let (first, second) = value.split_at(HALF);
    texts.contains(first) || texts.contains(second)
}

/// Looks until none of the values is in the memory, for a while; returns those that are.
fn left_of(values: &[String], pid: u32) -> Vec<&String> {
    let begun = Instant::now();
    loop {
        let texts = texts_of(pid);
        let left: Vec<&String> = values.iter().filter(|value| is_in(&texts, value)).collect();
        if left.is_empty() || begun.elapsed() > LINGER {
            return left;
        }
    }
}

fn post(address: &str, token: &str, path: &str, body: &Value) -> Value {
    let answer = ask(address, "POST", &format!("/api/v1{path}"), token, &body.to_string());
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

/// Somebody with a token, and somebody at a shell.
struct People<'a> {
    operator: &'a Operator,
    address: String,
    token: String,
}

impl People<'_> {
    fn start_over_http(&self, name: &str, value: &str) -> String {
        let secrets = json!({ "value": { "value": value } });
        let body = json!({ "runbook": "two", "params": { "name": name }, "secrets": secrets });
        let run = post(&self.address, &self.token, "/runs", &body);
        run["run"].as_str().unwrap().to_owned()
    }

    fn answer_over_http(&self, run: &str, value: &str) {
        let body = json!({ "secrets": { "other": { "value": value } } });
        post(&self.address, &self.token, &format!("/runs/{run}/answer"), &body);
    }

    fn start_at_a_shell(&self, name: &str, value: &str) -> String {
        let runbook = self.operator.home.path().join(SHELF).join("two.rhai");
        let file = self.operator.file("value", value);
        let run = format!("run -d {} -p name={name} --secret value=@{file}", runbook.display());
        let begun = self.operator.windlass(&run);
        assert_says(&begun, 0, &["continues by itself"]);
        String::from_utf8(begun.stdout).unwrap().trim().to_owned()
    }

    fn answer_at_a_shell(&self, run: &str, value: &str) {
        let file = self.operator.file("other", value);
        let answer = self.operator.windlass(&format!("answer {run} --secret other=@{file}"));
        assert!(answer.status.success(), "{}", all(&answer));
    }
}

fn daemon(operator: &Operator) -> (Shell, String) {
    let shelf = operator.home.path().join(SHELF);
    std::fs::create_dir(&shelf).unwrap();
    std::fs::write(shelf.join("two.rhai"), SCRIPT).unwrap();
    let shelf = shelf.display();
    let config = format!("[console]\nlisten = \"127.0.0.1:0\"\nrunbooks = \"{shelf}\"\n");
    let config = operator.file("windlass.toml", &config);
    let mut daemon = operator.shell("root", &format!("serve --config {config}"));
    let line = daemon.hears("answers at http://");
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    (daemon, address)
}

/// Our own types wiped what they held, and 10 of 40 values were still there half a minute later: in
/// what the connection, the JSON parser and growing vectors had freed.
#[test]
fn nothing_is_left_of_secret_values_in_the_memory_of_a_daemon_when_their_runs_are_over() {
    let operator = Operator::at_home();
    let _lab = simulated(&operator);
    let (mut daemon, address) = daemon(&operator);
    let made = operator.windlass("token add test --person anna --role operator");
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let people = People { operator: &operator, address, token };
    let values = values();
    for (number, values) in values.chunks(2).enumerate() {
        let (name, over_http) = (format!("kept_{number}"), number % 2 == 0);
        let run = match over_http {
            true => people.start_over_http(&name, &values[0]),
            false => people.start_at_a_shell(&name, &values[0]),
        };
        daemon.hears_next("waits");
        match over_http {
            true => people.answer_over_http(&run, &values[1]),
            false => people.answer_at_a_shell(&run, &values[1]),
        }
        daemon.hears_next("ends: done");
    }
    let pid = daemon.pid();
    // What it keeps is there: this looks in the right place.
    assert!(is_in(&texts_of(pid), SHELF));
    let left = left_of(&values, pid);
    assert!(left.is_empty(), "{} of {} values are in its memory", left.len(), values.len());
}
