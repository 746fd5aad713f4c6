//! A disk that is full, and has room again.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::rig::{Rig, until};

/// Asks whether requests are carried out: the status, and what is said. Nothing, if nobody answers.
fn ready(port: u16) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.get(9..12)?.to_owned(), body.to_owned()))
}

/// It said that it was ready, and refused everything until somebody restarted it.
#[test]
fn a_daemon_whose_disk_was_full_goes_on_by_itself_when_there_is_room() {
    let mut rig = Rig::up(40.0);
    let state = rig.on_a_disk_of("24m");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    rig.daemon_at(&format!("127.0.0.1:{port}"));
    until("it is ready", || ready(port).is_some_and(|(status, _)| status == "200"));
    let secret = format!("secret={}", rig.rotatable()[0]);
    let rotate = ["rotate-secret", "-p", &secret, "-p", "jobs=rerun", "-p", "window=8s"];
    rig.begin(&[&rotate[..], &["--secret", "value=generate"]].concat());
    let text = "//! title = \"Sleep\"\nsleep(\"4s\");\nlet v = secret::generate(#{ length: 20 });\n\
                secret::create(#{ name: \"slept\", value: v });\n";
    rig.begin(&[&rig.file("slept.rhai", text)]);

    // Something else fills the disk while both are open.
    let ballast = state.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    let full = loop {
        if let Err(error) = file.write_all(&[7; 1024]) {
            break error.kind();
        }
    };
    assert_eq!(full, ErrorKind::StorageFull);
    assert_eq!(rig.runs(true).len(), 2, "a run ended too early for this test");
    until("it says that it is not ready", || {
        ready(port).is_some_and(|(status, body)| status == "503" && body.contains("WL0011"))
    });
    // The sleeper wakes, and what it does can't be recorded: from then on the store is of no use.
    until("the store has failed", || !rig.try_begin(&[&rig.file("a.rhai", "//! title = \"A\"\n")]));

    // As long as it is open it takes its room.
    drop(file);
    fs::remove_file(&ballast).unwrap();
    until("it is ready again", || ready(port).is_some_and(|(status, _)| status == "200"));
    until("both runs are over", || rig.runs(true).is_empty());
    let mut runs = rig.runs(false);
    runs.retain(|run| run["title"] != "A");
    assert!(runs.iter().all(|run| run["status"] == "done"), "{runs:?}");
    assert_eq!(runs.len(), 2);
    let said = rig.said();
    let count = |what: &str| said.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count("nothing can be recorded"), 1, "{said:#?}");
    assert_eq!(count("restarts and resumes"), 1, "{said:#?}");
    assert!(rig.is_the_same_process(), "it was another process that went on");
}
