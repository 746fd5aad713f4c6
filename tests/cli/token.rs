//! Tokens, and the HTTP interface of a daemon.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::{Operator, all, assert_says};

/// Asks over HTTP, and returns all of the answer.
pub(crate) fn ask(address: &str, method: &str, path: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_token_is_made_shown_once_listed_and_removed_without_a_daemon() {
    let operator = Operator::at_home();
    assert_says(&operator.windlass("token list"), 0, &["no tokens"]);
    let made =
        operator.windlass("token add ci --person carl --role operator --role viewer --expires 90d");
    assert_says(&made, 0, &["carl may do what viewer and operator may", "not shown again"]);
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let id = token.split('_').nth(1).unwrap();
    assert!(token.starts_with("wl_") && token.lines().count() == 1, "{token}");
    let list = operator.windlass("token list");
    assert_says(&list, 0, &[id, "ci", "carl", "viewer operator", "never"]);
    assert!(!all(&list).contains(&token));
    assert_says(&operator.windlass(&format!("token remove {id}")), 0, &["refused from now on"]);
    assert_says(&operator.windlass(&format!("token remove {id}")), 2, &["no token", "WL0047"]);
    assert_says(&operator.windlass("token add x --person p --role king"), 2, &["no role `king`"]);
    assert_says(&operator.windlass("token add x --person p"), 2, &["--role"]);
}

#[test]
fn a_daemon_answers_over_http_and_the_audit_has_the_socket_too() {
    let operator = Operator::at_home();
    let shelf = operator.home.path().join("shelf");
    std::fs::create_dir(&shelf).unwrap();
    let note = "//! title = \"A note\"\nsecret::generate(#{ length: 20 });\n";
    std::fs::write(shelf.join("note.rhai"), note).unwrap();
    let shelf = shelf.display();
    let config = format!("[console]\nlisten = \"127.0.0.1:0\"\nrunbooks = \"{shelf}\"\n");
    let config = operator.file("windlass.toml", &config);
    let mut daemon = operator.shell("root", &format!("serve --config {config}"));
    let line = daemon.hears("answers at http://");
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();

    let made = operator.windlass("token add test --person anna --role admin");
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert!(ask(&address, "GET", "/api/v1/runs", "wrong", "").starts_with("HTTP/1.1 401"));
    let runbooks = ask(&address, "GET", "/api/v1/runbooks", &token, "");
    assert!(runbooks.contains("\"note\"") && runbooks.contains("\"rotate-secret\""), "{runbooks}");
    for path in ["windlass.toml", "../windlass", "..%2Fwindlass.toml", "%2Fetc%2Fpasswd"] {
        let answer = ask(&address, "GET", &format!("/api/v1/runbooks/{path}"), &token, "");
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    let started = ask(&address, "POST", "/api/v1/runs", &token, "{\"runbook\": \"note\"}");
    assert!(started.starts_with("HTTP/1.1 201"), "{started}");
    daemon.hears("ends: done");
    let run = operator.the_run();
    assert_eq!((run["user"].as_str(), run["runbook"].as_str()), (Some("anna"), Some("note")));

    let audit = ask(&address, "GET", "/api/v1/audit", &token, "");
    assert!(
        audit.contains("\"what\":\"POST /api/v1/tokens\"") && audit.contains("socket, pid"),
        "{audit}"
    );
    assert!(audit.contains("\"what\":\"POST /api/v1/runs\""), "{audit}");
    let secret = token.rsplit('_').next().unwrap();
    assert!(!audit.contains(secret));

    let taken = operator.file("taken.toml", &format!("[console]\nlisten = \"{address}\"\n"));
    let other = Operator::at_home();
    assert_says(&other.windlass(&format!("serve --config {taken}")), 8, &[&address, "WL0049"]);
    let open = operator.file("open.toml", "[console]\nlisten = \"0.0.0.0:7480\"\n");
    let refused = other.windlass(&format!("serve --config {open}"));
    assert_says(&refused, 2, &["without TLS", "allow_remote_without_tls", "WL0021"]);
    let wrong = operator.file("wrong.toml", "[console]\nport = 80\n");
    let refused = other.windlass(&format!("serve --config {wrong}"));
    assert_says(&refused, 2, &["wrong.toml:2:", "port", "WL0021"]);

    daemon.signal(Signal::TERM);
    daemon.ends(0);
    assert!(TcpStream::connect(&address).is_err(), "it listens still");
    for file in walk(&operator.state()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the token is in {}", file.display());
    }
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
