//! Schedules and notices from the command line.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::{Operator, all, assert_says};

const NOTE: &str = "//! title = \"A note\"\nsecret::generate(#{ length: 20 });\n";
const VALUE: &str =
    "//! title = \"A value\"\n//! [params]\n//! value = { type = \"secret\", help = \"h\" }\n";

fn add(operator: &Operator, more: &[&str]) -> std::process::Output {
    let words = ["schedule", "add", "nightly", "note.rhai", "--cron", "30 2 * * *"];
    let words = [&words, more].concat();
    operator.command(&words).current_dir(operator.home.path()).output().unwrap()
}

#[test]
fn a_schedule_is_added_shown_paused_resumed_and_removed() {
    let operator = Operator::at_home();
    operator.file("note.rhai", NOTE);
    let added = add(&operator, &["--zone", "europe/berlin", "--missed", "one", "--jitter", "5m"]);
    assert_says(&added, 0, &["nightly", "30 2 * * * in Europe/Berlin", "the latest within 1day"]);
    assert_says(&added, 0, &["no daemon is running", "windlass serve"]);
    assert_says(&add(&operator, &["--zone", "UTC"]), 2, &["already", "WL0020"]);
    // The path holds wherever the daemon is.
    let path = operator.home.path().join("note.rhai").canonicalize().unwrap();
    assert_says(&operator.windlass("schedule list"), 0, &[path.to_str().unwrap(), "NEXT"]);
    assert_says(&operator.windlass("schedule next nightly -n 3"), 0, &["02:30 +0", "Z"]);
    let pause = ["schedule", "pause", "nightly", "--reason", "the database moves"];
    let paused = operator.command(&pause).output().unwrap();
    assert_says(&paused, 0, &["paused", "the database moves"]);
    assert_says(&operator.windlass("schedule list"), 0, &["paused"]);
    let json = operator.windlass("schedule list --json");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json[0]["config"]["name"], "nightly");
    assert!(json[0]["next"].is_null());
    let resumed = operator.windlass("schedule resume nightly");
    assert!(!all(&resumed).contains("paused"), "{}", all(&resumed));
    assert_says(&operator.windlass("schedule remove nightly"), 0, &["removed"]);
    assert_says(&operator.windlass("schedule show nightly"), 2, &["no schedule `nightly`"]);
    assert_says(&operator.windlass("schedule list"), 0, &["no schedules"]);
}

#[test]
fn a_schedule_without_a_zone_takes_the_machines_and_says_so() {
    let operator = Operator::at_home();
    operator.file("note.rhai", NOTE);
    let words = ["schedule", "add", "nightly", "note.rhai", "--cron", "30 2 * * *"];
    let mut command = operator.command(&words);
    let added = command.current_dir(operator.home.path()).env("TZ", "Asia/Tokyo").output().unwrap();
    assert_says(&added, 0, &["is Asia/Tokyo, this machine's", "30 2 * * * in Asia/Tokyo"]);
}

#[test]
fn what_is_wrong_with_a_schedule_is_said_at_once_and_nothing_is_kept() {
    let operator = Operator::at_home();
    operator.file("note.rhai", NOTE);
    let cases: [(&[&str], &str); 7] = [
        (&["--zone", "Europe/Berln"], "not a time zone such as Europe/Berlin"),
        (&["--zone", "UTC", "--missed", "two"], "expected one of `skip`, `one`, `all`"),
        (&["--zone", "UTC", "--jitter", "soon"], "not a duration"),
        (&["--zone", "UTC", "-p", "colour=red"], "colour"),
        (&["--zone", "UTC", "--secret", "value=canary"], "expected @/PATH or generate"),
        (&["--zone", "UTC", "--secret", "canary"], "has no source"),
        (&["--zone", "UTC", "--secret", "value=-"], "expected @/PATH or generate"),
    ];
    for (words, said) in cases {
        let output = add(&operator, words);
        assert_says(&output, 2, &[said, "WL0020"]);
        assert!(!all(&output).contains("canary"), "{}", all(&output));
    }
    operator.file("note.rhai", VALUE);
    assert_says(&add(&operator, &["--zone", "UTC"]), 2, &["`value`", "could not start a run"]);
    let nowhere = ["schedule", "add", "a", "./no.rhai", "--cron", "@daily", "--zone", "UTC"];
    assert_says(&operator.command(&nowhere).output().unwrap(), 2, &["no.rhai", "WL0001"]);
    assert!(!operator.state().exists(), "the state was touched");
}

#[test]
fn when_an_expression_comes_is_told_without_a_schedule() {
    let operator = Operator::at_home();
    let when = |cron: &str, zone: &str, from: &str| {
        let words = ["schedule", "next", "-n", "3", "--cron", cron, "--zone", zone, "--from", from];
        operator.command(&words).output().unwrap()
    };
    let spring = when("30 2 * * *", "Europe/Berlin", "2027-03-27");
    assert_says(&spring, 0, &["2027-03-27 02:30 +01:00", "2027-03-28 03:00 +02:00"]);
    assert_says(&when("0 0 * * *", "UTC", "2027-03-27"), 0, &["2027-03-27 00:00 +00:00"]);
    assert_says(&when("61 * * * *", "UTC", "2027-03-27"), 2, &["not a cron expression of five"]);
    assert_says(&when("0 0 * * *", "UTC", "soon"), 2, &["not a date such as 2027-03-28"]);
    assert!(!operator.state().exists(), "the state was touched");
}

fn configured(operator: &Operator, port: u16) -> String {
    let key = operator.file("key", "a key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    operator.file(
        "windlass.toml",
        &format!(
            "[[notice]]\nname = 'ops'\nwebhook = {{ url = 'http://127.0.0.1:{port}/', secret_file = '{key}' }}\n"
        ),
    )
}

/// Answers one request that tells of `kind`, and returns it.
fn answer_once(
    listener: TcpListener,
    kind: &'static str,
    answer: &'static str,
) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&request).contains(kind) {
            let count = stream.read(&mut part).unwrap();
            assert!(count > 0);
            request.extend_from_slice(&part[..count]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    })
}

#[test]
fn a_test_notice_says_what_the_receiver_answered() {
    let operator = Operator::at_home();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = configured(&operator, port);
    let answered = answer_once(
        listener,
        "windlass.test",
        "HTTP/1.1 202 Accepted\r\ncontent-length: 3\r\n\r\nyes",
    );
    let output = operator.windlass(&format!("notices test ops --config {config}"));
    assert_says(&output, 0, &["202 Accepted: yes"]);
    let request = answered.join().unwrap();
    assert!(request.contains("webhook-signature: v1,"), "{request}");

    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let config = configured(&operator, listener.local_addr().unwrap().port());
    let answered =
        answer_once(listener, "windlass.test", "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n");
    let output = operator.windlass(&format!("notices test ops --config {config}"));
    assert_says(&output, 7, &["401", "did not take it", "WL0023"]);
    answered.join().unwrap();
    let output = operator.windlass(&format!("notices test ops --config {config}"));
    assert_says(&output, 7, &["Connection refused"]);
    let output = operator.windlass(&format!("notices test opps --config {config}"));
    assert_says(&output, 2, &["no receiver `opps`", "It names: ops", "WL0022"]);
    assert!(!operator.state().exists(), "the state was touched");
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_its_line_and_without_what_stands_there() {
    let operator = Operator::at_home();
    let config = operator.file(
        "windlass.toml",
        "[[notice]]\nname = 'ops'\nwebhook = { url = 'http://x/', secret = 'canary' }\n",
    );
    let output = operator.windlass(&format!("notices test ops --config {config}"));
    assert_says(&output, 2, &["windlass.toml:3: unknown field `secret`", "WL0021"]);
    assert!(!all(&output).contains("canary"));
    let output = operator.windlass("notices test ops --config /nowhere.toml");
    assert_says(&output, 2, &["/nowhere.toml can't be read", "--config FILE"]);
}

#[test]
fn nothing_is_undelivered_where_nothing_was_told() {
    let operator = Operator::at_home();
    assert_says(&operator.windlass("notices list"), 0, &["nobody is notified of anything"]);
    assert_says(&operator.windlass("notices retry ops/x"), 2, &["ops/x", "WL0022"]);
    assert_says(&operator.windlass("notices retry"), 0, &["0 notices"]);
}

/// Asks until the answer has these words.
fn until_says(operator: &Operator, args: &str, words: &str) {
    let began = std::time::Instant::now();
    loop {
        let said = all(&operator.windlass(args));
        if said.contains(words) {
            return;
        }
        assert!(began.elapsed().as_secs() < 60, "no `{words}` in: {said}");
    }
}

#[test]
fn a_notice_survives_the_daemon_that_could_not_deliver_it() {
    let operator = Operator::at_home();
    let note = operator.file("note.rhai", NOTE);
    let key = operator.file("key", "a key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = operator.file(
        "windlass.toml",
        &format!(
            "[[notice]]\nname = 'ops'\non = ['finished']\nwebhook = {{ url = 'http://127.0.0.1:{port}/', secret_file = '{key}' }}\n"
        ),
    );
    let serve = format!("serve --config {config}");
    let mut daemon = operator.shell("root", &serve);
    daemon.hears("serves");
    assert_says(&operator.windlass(&format!("run {note}")), 0, &["done"]);
    until_says(&operator, "notices list", "Connection refused");
    daemon.signal(Signal::KILL);
    drop(daemon);
    assert_says(&operator.windlass("notices list"), 0, &["note.rhai is done", "ops/"]);

    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let ok = "HTTP/1.1 204 Thanks\r\nconnection: close\r\n\r\n";
    let answered = answer_once(listener, "windlass.finished", ok);
    let mut daemon = operator.shell("root", &serve);
    daemon.hears("serves");
    assert_says(&operator.windlass("notices retry"), 0, &["tried again"]);
    assert!(answered.join().unwrap().contains("-finished\r\n"), "no key");
    until_says(&operator, "notices list", "Every notice has been delivered to ops");
    assert_says(&operator.windlass("drain"), 0, &["it has exited"]);
    daemon.ends(0);
}
