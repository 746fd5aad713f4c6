//! The state directory: whose it is, what is damaged, what is saved.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use windlass_engine::journal::{Durable, Values};
use windlass_stores::SledStore;

use crate::{Operator, all, assert_says};

const NOTE: &str = "//! title = \"A note\"\nsecret::generate(#{ length: 20 });\n";

fn with_a_run() -> Operator {
    let operator = Operator::at_home();
    let file = operator.file("note.rhai", NOTE);
    assert_says(&operator.windlass(&format!("run {file}")), 0, &["done"]);
    operator
}

#[test]
fn a_state_directory_of_another_user_is_refused() {
    let operator = Operator::at_home();
    fs::create_dir(operator.state()).unwrap();
    std::os::unix::fs::chown(operator.state(), Some(12345), None).unwrap();
    assert_says(&operator.windlass("runs"), 8, &["belongs to user 12345", "WL0013"]);
    assert_eq!(fs::read_dir(operator.state()).unwrap().count(), 0, "something was made in it");
}

#[test]
fn a_state_directory_that_others_can_write_to_is_refused() {
    let operator = Operator::at_home();
    fs::create_dir(operator.state()).unwrap();
    fs::set_permissions(operator.state(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_says(&operator.windlass("runs"), 8, &["others can write", "chmod 700"]);
}

#[test]
fn a_damaged_store_is_reported_and_not_touched() {
    let operator = with_a_run();
    let database = operator.state().join("journal/db");
    let mut bytes = fs::read(&database).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
    fs::write(&database, &bytes).unwrap();
    assert_says(&operator.windlass("runs"), 8, &["damaged", "store check", "WL0011"]);
    assert!(!all(&operator.windlass("runs")).contains("panicked"));
}

#[test]
fn another_master_key_and_one_that_others_can_read_are_refused() {
    let operator = with_a_run();
    let key = operator.state().join("master.key");
    let right = fs::read_to_string(&key).unwrap();
    fs::write(&key, "00".repeat(32)).unwrap();
    assert_says(&operator.windlass("runs"), 8, &["not the master key", "WL0012"]);
    fs::write(&key, "hunter2").unwrap();
    let output = operator.windlass("runs");
    assert_says(&output, 8, &["64 hexadecimal digits"]);
    assert!(!all(&output).contains("hunter2"));
    fs::write(&key, right).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_says(&operator.windlass("runs"), 8, &["chmod 600"]);
}

#[test]
fn what_is_exported_can_be_imported_and_a_changed_export_can_not() {
    let operator = with_a_run();
    let file = operator.home.path().join("export");
    let file = file.to_str().unwrap();
    assert_says(&operator.windlass("store check"), 0, &["1 runs"]);
    assert_says(&operator.windlass(&format!("store export {file}")), 0, &["entries"]);
    assert_says(&operator.windlass(&format!("store export {file}")), 2, &["can't be written"]);

    let other = Operator::at_home();
    assert_says(&other.windlass(&format!("store import {file}")), 8, &["not the master key"]);
    let text = fs::read_to_string(file).unwrap();
    let fresh = Operator::at_home();
    fs::create_dir_all(fresh.state()).unwrap();
    fs::set_permissions(fresh.state(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::copy(operator.state().join("master.key"), fresh.state().join("master.key")).unwrap();
    let changed = fresh.file("changed", &text.replace("A note", "A nota"));
    assert_says(&fresh.windlass(&format!("store import {changed}")), 2, &["was changed"]);
    assert_says(&fresh.windlass(&format!("store import {file}")), 0, &["1 runs"]);
    assert_says(&fresh.windlass("runs"), 0, &["note.rhai", "done"]);
    assert_says(&fresh.windlass("store check"), 0, &["1 runs"]);
}

#[test]
fn a_long_state_path_works_over_the_socket_too() {
    let operator = Operator::at_home();
    let long = operator.home.path().join("a".repeat(120));
    let file = operator.file("note.rhai", NOTE);
    let run =
        operator.command(&["--state", long.to_str().unwrap(), "run", &file]).output().unwrap();
    assert_says(&run, 0, &["done"]);
}

/// With the journal moved away, `runs` said "no runs" and swept the keys of all that were open.
#[test]
fn keys_without_a_journal_or_without_their_master_key_are_left_alone() {
    let operator = Operator::at_home();
    let shell = crate::waits::asking(&operator, "approve(#{ text: \"go on?\" });", "go on?");
    shell.signal(rustix::process::Signal::INT);
    shell.ends(4);
    let state = operator.state();
    let keys = || std::fs::read_dir(state.join("keys")).unwrap().count();
    assert_eq!(keys(), 1);
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();

    std::fs::rename(state.join("journal"), state.join("aside")).unwrap();
    for command in ["runs", "store check"] {
        let words = [run.as_str(), "no journal", "windlass store import", "WL0011"];
        assert_says(&operator.windlass(command), 8, &words);
    }
    assert_eq!((keys(), state.join("journal").exists()), (1, false));
    std::fs::rename(state.join("aside"), state.join("journal")).unwrap();

    std::fs::rename(state.join("master.key"), state.join("master.aside")).unwrap();
    assert_says(&operator.windlass("runs"), 8, &["is missing", "none was made", "WL0012"]);
    assert!(!state.join("master.key").exists());
    std::fs::rename(state.join("master.aside"), state.join("master.key")).unwrap();
    assert_says(&operator.windlass("runs"), 0, &[&run]);
    assert_eq!(keys(), 1);
}

/// Keys that were missing, texts that were edited and keys of another journal were "whole".
#[test]
fn a_check_names_missing_keys_edited_texts_and_keys_of_no_run() {
    let operator = Operator::at_home();
    let shell = crate::waits::asking(&operator, "approve(#{ text: \"go on?\" });", "go on?");
    shell.signal(rustix::process::Signal::INT);
    shell.ends(4);
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    assert_says(&operator.windlass("store check"), 0, &["(mode 700)", "1 runs", "are whole"]);

    let keys = operator.state().join("keys");
    let (own, other) = (keys.join(format!("{run}.key")), keys.join("run_01OTHER.key"));
    fs::rename(&own, &other).unwrap();
    let words = [format!("{run} has not finished, and its key"), "keys/run_01OTHER.key".to_owned()];
    assert_says(&operator.windlass("store check"), 7, &[&words[0], &words[1], "no run here"]);
    fs::rename(&other, &own).unwrap();
    assert_says(&operator.windlass("store check"), 0, &["are whole"]);

    let json = operator.windlass("store check --json");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["mode"], &json["whole"]), (&"700".into(), &1.into()));

    let log = operator.windlass(&format!("log {run} --json"));
    let created: serde_json::Value =
        serde_json::from_slice(log.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    let text = created["body"]["text"].as_str().unwrap();
    let store = SledStore::open(&operator.state().join("journal")).unwrap();
    store.sync(store.put_value(text, b"edited").unwrap()).unwrap();
    drop(store);
    let words = ["the text of the runbook", &format!("was changed after {run} began with it")];
    assert_says(&operator.windlass("store check"), 7, &words);
}

/// It wanted to write to a snapshot, and to a mount for reading.
#[test]
fn a_state_in_which_nothing_can_be_written_is_checked_and_left_as_it_is() {
    let operator = with_a_run();
    let state = operator.state();
    let mount = operator.home.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let bind = |args: &[&str]| std::process::Command::new("mount").args(args).status().unwrap();
    let [from, at] = [&state, &mount].map(|path| path.to_str().unwrap());
    assert!(bind(&["--bind", from, at]).success(), "only root can mount: run it as root");
    assert!(bind(&["-o", "remount,bind,ro", at]).success());
    let before = files(&state);
    let checked = operator.windlass(&format!("--state {at} store check"));
    let damage = state.join("journal/db");
    let mut bytes = fs::read(&damage).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
    let after = files(&state);
    fs::write(&damage, &bytes).unwrap();
    let found = operator.windlass(&format!("--state {at} store check"));
    assert!(std::process::Command::new("umount").arg(at).status().unwrap().success());
    assert_says(&checked, 0, &["checked in a copy", "1 runs", "are whole"]);
    assert_eq!(before, after, "something was written");
    assert_says(&found, 7, &["had 4 entries, and has 0"]);
}

fn files(path: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(self::files(&path)),
            false => files.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    files.sort();
    files
}

/// With all runs over and the journal not mounted, the state looked new, and a new journal was made.
#[test]
fn a_state_that_was_in_use_does_not_look_new_without_its_journal() {
    let operator = with_a_run();
    let journal = operator.state().join("journal");
    fs::rename(&journal, operator.home.path().join("aside")).unwrap();
    for command in ["runs", "store check"] {
        assert_says(&operator.windlass(command), 8, &["has had a journal", "in-use", "WL0011"]);
    }
    assert!(!journal.exists());
    fs::rename(operator.home.path().join("aside"), &journal).unwrap();
    // A state of before has no mark: it gets one.
    fs::remove_file(operator.state().join("in-use")).unwrap();
    assert_says(&operator.windlass("runs"), 0, &["note.rhai"]);
    assert!(operator.state().join("in-use").exists());
}

#[test]
fn the_process_that_owns_the_state_is_named() {
    let operator = Operator::at_home();
    let mut daemon = operator.shell("root", "serve --listen off");
    daemon.hears("serves");
    let pid = daemon.pid();
    let refused = operator.windlass("store check");
    assert_says(&refused, 6, &[&format!("process {pid} (`"), "serve`) owns", "windlass drain"]);
}
