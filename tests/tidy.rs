//! Rules about the code itself, so that nobody has to remember them.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

use std::fs;
use std::path::{Path, PathBuf};

/// The longest file that we put up with. It only ever goes down.
const LINES_MAX: usize = 480;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let rooms = [
        "cli",
        "engine",
        "runbooks",
        "steps",
        "lab",
        "rehearsal",
        "duty",
        "evidence",
        "desk",
        "tests",
    ];
    let mut directories: Vec<PathBuf> = rooms.iter().map(|d| root().join(d)).collect();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 50);
    found
}

/// True if a line of code (not a comment) uses the crate.
fn names_crate(text: &str, name: &str) -> bool {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//")).any(|line| {
        line.starts_with(&format!("use {name}::")) || line.contains(&format!("{name}::"))
    })
}

#[test]
fn rhai_sled_and_bollard_are_each_named_in_one_module() {
    let homes = [
        ("rhai", "engine/core/src/script/"),
        ("sled", "engine/stores/src/sled"),
        ("bollard", "steps/swarm/src/docker/"),
    ];
    for (name, home) in homes {
        for (file, text) in sources() {
            if names_crate(&text, name) && !file.starts_with("tests/tidy") {
                let reexport = file == "engine/stores/src/lib.rs";
                assert!(file.starts_with(home) || reexport, "{file} names {name}");
            }
        }
    }
}

#[test]
fn the_engine_knows_no_docker_prints_nothing_and_opens_no_socket() {
    for (file, text) in
        sources().iter().filter(|(file, _)| file.starts_with("engine/") && file.contains("/src/"))
    {
        for word in ["windlass_swarm", "println!", "eprintln!", "TcpStream", "UnixStream"] {
            assert!(!text.contains(word), "{file} has {word}");
        }
    }
}

/// Whoever verifies evidence builds journals, and nothing that runs or keeps them.
#[test]
fn journals_and_evidence_need_no_scripts_no_steps_and_no_store() {
    for (room, allowed) in [("engine/journal", &[][..]), ("evidence", &["windlass-journal"][..])] {
        let manifest = fs::read_to_string(root().join(room).join("Cargo.toml")).unwrap();
        for line in manifest.lines().filter(|line| line.contains("workspace = true")) {
            let needed = line.split(['.', ' ', '=']).next().unwrap();
            let ours = needed.starts_with("windlass-") && !allowed.contains(&needed);
            assert!(!ours && !["rhai", "sled"].contains(&needed), "{room} needs {needed}");
        }
    }
}

#[test]
fn no_file_grows_without_bound() {
    for (file, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{file} has {lines} lines: look for the second noun in it");
    }
}

#[test]
fn no_file_is_called_after_nothing() {
    for (file, _) in sources() {
        let stem = Path::new(&file).file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            !["utils", "util", "common", "types", "imp", "helpers"].contains(&stem.as_str()),
            "{file}"
        );
    }
}

#[test]
fn no_test_is_ignored_and_nothing_is_left_to_do() {
    for (file, text) in sources() {
        for word in ["#[ignore", "todo!(", "unimplemented!("] {
            assert!(!text.contains(word) || file == "tests/tidy.rs", "{file} has {word}");
        }
    }
}
