//! Reports, evidence, prune, backup: what a person keeps of what was done.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Operator, all, assert_says};

const NOTE: &str = "//! title = \"A note\"\nsecret::generate(#{ length: 20 });\n";
const CANARY: &str = "c4nary-in-the-coal-mine";

impl Operator {
    /// Runs the note so many times, and returns the names of the runs.
    fn notes(&self, count: usize) -> Vec<String> {
        let file = self.file("note.rhai", NOTE);
        for _ in 0..count {
            assert_says(&self.windlass(&format!("run {file}")), 0, &["done"]);
        }
        let runs = self.json("runs --json");
        runs.as_array().unwrap().iter().map(|r| r["run"].as_str().unwrap().to_owned()).collect()
    }

    fn json(&self, args: &str) -> Value {
        let output = self.windlass(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", all(&output)))
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_report_can_be_had_in_three_forms_and_of_a_run_that_is_there_only() {
    let operator = Operator::at_home();
    let run = operator.notes(1).remove(0);
    let report = operator.windlass(&format!("report {run}"));
    assert_says(
        &report,
        0,
        &["# Report: A note", "## Preconditions", "## Rollback", "## Evidence"],
    );
    let page = operator.path("report.html");
    assert_says(&operator.windlass(&format!("report {run} --format html -o {page}")), 0, &[]);
    assert!(fs::read_to_string(page).unwrap().contains("<h1>A note</h1>"));
    let json = operator.json(&format!("report {run} --format json"));
    assert_eq!((&json["run"], &json["status"]), (&run.into(), &"done".into()));
    assert_says(&operator.windlass("report run_none"), 2, &["WL0006"]);
}

#[test]
fn evidence_is_verified_on_another_machine_with_the_file_and_the_key_alone() {
    let operator = Operator::at_home();
    let runs = operator.notes(2);
    let (file, names) = (operator.path("runs.jsonl"), runs.join(" "));
    assert_says(&operator.windlass(&format!("evidence export {names} -o {file}")), 0, &["signed"]);
    let key = String::from_utf8(operator.windlass("evidence key").stdout).unwrap();
    let to_stdout = operator.windlass(&format!("evidence export {}", runs[0]));
    assert!(String::from_utf8(to_stdout.stdout).unwrap().ends_with("\"}\n"));

    let auditor = Operator::at_home();
    let (copy, key_file) = (auditor.path("copy.jsonl"), auditor.file("key", &key));
    fs::copy(&file, &copy).unwrap();
    let verify = |words: &str| auditor.windlass(&format!("evidence verify {copy} {words}"));
    assert_says(&verify(&format!("--key {key}")), 0, &[&runs[0], &runs[1], "done"]);
    assert_says(&verify(&format!("--key {key_file}")), 0, &["signed"]);
    assert!(!auditor.state().exists(), "it made a state directory");

    let head = operator.json(&format!("report {} --format json", runs[1]))["head"].clone();
    let head = head.as_str().unwrap();
    assert_says(
        &verify(&format!("--key {key_file} --head {head}")),
        0,
        &["published head is entry"],
    );
    let other = "0".repeat(64);
    assert_says(
        &verify(&format!("--key {key_file} --head {other}")),
        7,
        &["published head", "WL0030"],
    );
    assert_says(&verify("--key beef"), 2, &["is not a public key", "WL0031"]);
    assert_says(&verify(&format!("--key {key_file} --head beef")), 2, &["is not a head"]);
    assert_says(&auditor.windlass("evidence verify nothing --key beef"), 2, &["WL0031"]);

    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let tell = |text: String, words: &[&str]| {
        fs::write(&copy, text).unwrap();
        assert_says(&verify(&format!("--key {key_file}")), 7, words);
    };
    tell(text.replacen("\"length\":20", "\"length\":21", 1), &["line 4: it was changed"]);
    tell(lines[..lines.len() - 1].join("\n") + "\n", &["it was cut short", "line 13"]);
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    tell(swapped.join("\n") + "\n", &["line 4", "lines were removed, added or swapped"]);
}

#[test]
fn another_state_directory_signs_with_another_key() {
    let (one, other) = (Operator::at_home(), Operator::at_home());
    let run = one.notes(1).remove(0);
    let file = one.path("run.jsonl");
    assert_says(&one.windlass(&format!("evidence export {run} -o {file}")), 0, &[]);
    let key = String::from_utf8(other.windlass("evidence key").stdout).unwrap();
    let refused = other.windlass(&format!("evidence verify {file} --key {key}"));
    assert_says(&refused, 7, &["line 1", "not with one that you trust"]);
}

#[test]
fn what_was_pruned_leaves_what_its_evidence_is_checked_with() {
    let operator = Operator::at_home();
    let runs = operator.notes(3);
    let (file, gone) = (operator.path("run.jsonl"), &runs[0]);
    assert_says(&operator.windlass(&format!("evidence export {gone} -o {file}")), 0, &[]);
    assert_says(&operator.windlass("prune"), 2, &["--older-than"]);
    assert_says(&operator.windlass("prune --older-than soon"), 2, &["not a duration"]);
    assert_says(&operator.windlass("prune --older-than 1d"), 0, &["no run is old enough"]);
    let dry = operator.windlass("prune --older-than 0s --keep 2 --dry-run");
    assert_says(&dry, 0, &[gone, "1 runs would go"]);
    assert_eq!(operator.json("runs --json").as_array().unwrap().len(), 3);

    assert_says(
        &operator.windlass("prune --older-than 0s --keep 2"),
        0,
        &[gone, "1 runs are gone"],
    );
    let left = operator.json("runs --json");
    let left: Vec<&Value> = left.as_array().unwrap().iter().map(|run| &run["run"]).collect();
    assert_eq!(left, [&runs[1], &runs[2]]);
    assert_says(&operator.windlass(&format!("show {gone}")), 2, &["was pruned", "WL0034"]);
    let list = operator.json("prune --list --json");
    let head = list["gone"][0]["head"].as_str().unwrap();
    let key = String::from_utf8(operator.windlass("evidence key").stdout).unwrap();
    let verify = format!("evidence verify {file} --key {} --head {head}", key.trim());
    assert_says(&operator.windlass(&verify), 0, &["published head"]);
    assert_says(&operator.windlass("store check"), 0, &["2 runs"]);
}

#[test]
fn a_backup_becomes_a_new_state_directory_and_is_never_mixed_into_another() {
    let operator = Operator::at_home();
    let runs = operator.notes(2);
    assert_says(&operator.windlass("prune --older-than 0s --keep 1"), 0, &["gone"]);
    let (with, without) = (operator.path("with"), operator.path("without"));
    assert_says(&operator.windlass(&format!("store backup {with} --with-keys")), 0, &["keys"]);
    assert_says(&operator.windlass(&format!("store backup {without}")), 0, &["no keys"]);
    assert_says(&operator.windlass(&format!("store backup {without}")), 2, &["already exists"]);
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&with).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let master = fs::read_to_string(operator.state().join("master.key")).unwrap();
    assert!(fs::read_to_string(&with).unwrap().contains(&master));
    assert!(!fs::read_to_string(&without).unwrap().contains(&master));
    assert_says(&operator.windlass(&format!("store restore {with}")), 2, &["WL0032"]);

    let there = |operator: &Operator| {
        assert_says(&operator.windlass("runs"), 0, &[&runs[1], "done"]);
        assert_says(&operator.windlass(&format!("show {}", runs[0])), 2, &["was pruned"]);
        assert_says(&operator.windlass("store check"), 0, &["1 runs"]);
    };
    let new = Operator::at_home();
    assert_says(&new.windlass(&format!("store restore {with}")), 0, &["1 runs are restored"]);
    there(&new);
    let key = |operator: &Operator| operator.windlass("evidence key").stdout;
    assert_eq!(key(&new), key(&operator));

    let keyless = Operator::at_home();
    assert_says(
        &keyless.windlass(&format!("store restore {without}")),
        2,
        &["WL0032", "--new-key"],
    );
    fs::write(keyless.state().join("master.key"), "00".repeat(32)).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(keyless.state().join("master.key"), mode).unwrap();
    assert_says(&keyless.windlass(&format!("store restore {without}")), 8, &["WL0012"]);
    assert_says(&keyless.windlass(&format!("store restore {without} --new-key")), 0, &["1 runs"]);
    there(&keyless);

    let text = fs::read_to_string(&with).unwrap();
    let changed = operator.file("changed", &text.replace("A note", "A nota"));
    let fresh = Operator::at_home();
    assert_says(&fresh.windlass(&format!("store restore {changed}")), 2, &["changed", "WL0033"]);
    // What a restore leaves that was killed.
    fs::create_dir_all(fresh.state().join("restoring/blobs")).unwrap();
    fs::write(fresh.state().join("restoring/db"), "torn").unwrap();
    let cut = operator.file("cut", &text[..text.len() / 2]);
    assert_says(&fresh.windlass(&format!("store restore {cut}")), 2, &["WL0033"]);
    assert_says(&fresh.windlass(&format!("store restore {with}")), 0, &["restored"]);
}

/// A process that is killed when it is dropped.
struct Going(Child);

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "it never came to this: {what}");
        // Other processes are waited for; there is nothing to wake on.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Somebody at a machine with a simulated swarm.
fn with_a_swarm() -> (Operator, Going) {
    let operator = Operator::at_home();
    let socket = operator.path("swarm.sock");
    let args =
        ["lab", "up", "--simulated", "--services", "4", "--speed", "100", "--socket", &socket];
    let mut lab = operator.command(&args);
    let lab = Going(lab.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for("the swarm answers", || Path::new(&socket).exists());
    (operator, lab)
}

impl Operator {
    fn at_the_swarm(&self, args: &str) -> std::process::Command {
        let mut command = self.command(&args.split_whitespace().collect::<Vec<_>>());
        command.env("DOCKER_HOST", format!("unix://{}", self.path("swarm.sock")));
        command
    }
}

/// The whole way: a rotation is under way, its state is backed up, the machine dies, and the run is
/// resumed out of the backup. No byte that was written tells the secret.
#[test]
fn a_run_that_was_under_way_is_resumed_out_of_a_backup() {
    let (operator, _lab) = with_a_swarm();
    let value = operator.file("value", CANARY);
    let rotate = format!(
        "run rotate-secret-same-name -p secret=shop001_db_password -p window=3s --secret value=@{value}"
    );
    let mut rotation = operator.at_the_swarm(&rotate);
    let mut rotation = Going(rotation.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for("the window is open", || {
        let runs = operator.json("runs --json");
        let run = runs[0]["run"].as_str().unwrap_or_default().to_owned();
        !run.is_empty() && all(&operator.windlass(&format!("log {run}"))).contains("watch ")
    });
    let run = operator.json("runs --json")[0]["run"].as_str().unwrap().to_owned();
    let backup = operator.path("backup");
    let keyless = operator.path("keyless");
    assert_says(&operator.windlass(&format!("store backup {keyless}")), 0, &["no keys"]);
    assert_says(&operator.windlass(&format!("store backup {backup} --with-keys")), 0, &["1 runs"]);
    assert_says(
        &operator.windlass(&format!("evidence export {run} -o {}", operator.path("open.jsonl"))),
        0,
        &[],
    );
    assert_says(&operator.windlass("prune --older-than 0s"), 0, &["no run is old enough"]);
    rotation.0.kill().unwrap();
    rotation.0.wait().unwrap();

    let elsewhere = operator.path("elsewhere");
    let there = |args: &str| {
        operator.at_the_swarm(&format!("--state {elsewhere} {args}")).output().unwrap()
    };
    assert_says(&there(&format!("store restore {backup}")), 0, &["1 runs are restored"]);
    assert_says(&there("runs --open"), 0, &[&run]);
    assert_says(&there(&format!("show {run}")), 0, &["resume"]);
    assert_says(&there("resume --plan"), 0, &["wait"]);
    assert_says(&there("resume"), 0, &["done"]);

    // With another key the run is there, and says what it lacks.
    let lost = operator.path("lost");
    let lost =
        |args: &str| operator.at_the_swarm(&format!("--state {lost} {args}")).output().unwrap();
    assert_says(
        &lost(&format!("store restore {keyless} --new-key")),
        0,
        &["have lost their secret"],
    );
    assert_says(&lost("runs --open"), 0, &[&run]);

    for format in ["md", "html", "json"] {
        let file = operator.path(&format!("report.{format}"));
        assert_says(&there(&format!("report {run} --format {format} -o {file}")), 0, &[]);
        let report = fs::read_to_string(&file).unwrap();
        assert!(report.contains("shop001_api"), "{format} does not name the services");
    }
    let file = operator.path("over.jsonl");
    assert_says(&there(&format!("evidence export {run} -o {file}")), 0, &[]);
    assert_says(&there(&format!("store backup {}", operator.path("later"))), 0, &[]);
    // It is found where it is known to be, so that the search is known to find it.
    assert_eq!(files_that_tell(operator.home.path()), [Path::new(&value)]);
}

/// Returns the files below a directory that have the canary, or its base64 at any offset.
fn files_that_tell(directory: &Path) -> Vec<std::path::PathBuf> {
    let (mut files, mut tell) = (0, Vec::new());
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.is_file() {
                let bytes = fs::read(&path).unwrap();
                let has = |form: &Vec<u8>| bytes.windows(form.len()).any(|window| window == form);
                if forms().iter().any(has) {
                    tell.push(path);
                }
                files += 1;
            }
        }
    }
    assert!(files > 8, "only {files} files were looked at");
    tell
}

/// The canary as it is, in hexadecimal digits, and the part of its base64 that does not depend on
/// what stands around it, at each of the three offsets.
fn forms() -> Vec<Vec<u8>> {
    let mut forms = vec![CANARY.as_bytes().to_vec()];
    forms.push(CANARY.bytes().flat_map(|b| format!("{b:02x}").into_bytes()).collect());
    forms.extend((0..3).map(|offset| base64(&CANARY.as_bytes()[offset..])));
    forms
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).map(|b| u32::from_be_bytes([0, b[0], b[1], b[2]]));
    groups.flat_map(|g| [18, 12, 6, 0].map(|shift| DIGITS[(g >> shift & 63) as usize])).collect()
}
