//! A daemon: it takes up what is open, answers the other commands, and ends when it is asked to.

use rustix::process::Signal;

use crate::waits::{BEN, Shell, asking};
use crate::{Operator, assert_says};

fn serve(operator: &Operator) -> Shell {
    let mut shell = operator.shell("root", "serve --listen 127.0.0.1:0");
    shell.hears("serves");
    shell
}

#[test]
fn a_run_that_waits_survives_its_daemon_and_ends_under_the_next_one() {
    let operator = Operator::at_home();
    let mut daemon = serve(&operator);
    let script = "approve(#{ text: \"go on?\", of: 1, not_starter: true });
                  secret::generate(#{ length: 20 });";
    let shell = asking(&operator, script, "go on?");
    shell.signal(Signal::INT);
    assert!(shell.ends(4).contains("detached"));
    daemon.hears("begins: Waits");

    let second = operator.windlass("serve");
    assert_says(&second, 6, &["serve`) owns", "windlass drain", "WL0005"]);

    daemon.signal(Signal::KILL);
    drop(daemon);
    let mut daemon = serve(&operator);
    daemon.hears("1 open run is resumed");
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    assert_says(&operator.windlass("runs --open"), 0, &["waiting", "go on?"]);
    assert_says(&operator.says(BEN, &format!("approve {run}")), 0, &[]);
    daemon.hears("ends: done");

    assert_says(&operator.windlass("drain"), 0, &["parks its runs", "it has exited"]);
    assert!(daemon.ends(0).contains("stopping"));
    assert_says(&operator.windlass("drain"), 0, &["nothing to drain"]);
}

#[test]
fn more_runs_than_may_be_driven_queue_and_waiting_ones_do_not_count() {
    let operator = Operator::at_home();
    let mut daemon = operator.shell("root", "serve --runs 1 --listen off");
    daemon.hears("serves");
    let first = asking(&operator, "approve(#{ text: \"first?\" });", "first?");
    let second = asking(&operator, "approve(#{ text: \"second?\" });", "second?");
    for shell in [first, second] {
        shell.signal(Signal::INT);
        shell.ends(4);
    }
    let runs = operator.windlass("runs --open");
    assert_says(&runs, 0, &["first?", "second?"]);
    // SIGTERM is what systemd and Docker send.
    daemon.signal(Signal::TERM);
    daemon.ends(0);
    assert_says(&operator.windlass("runs --open"), 0, &["first?", "second?"]);
}

#[test]
fn a_run_can_be_left_to_the_daemon_and_to_nobody_else() {
    let operator = Operator::at_home();
    let file = operator.file("ask.rhai", "//! title = \"Ask\"\napprove(#{ text: \"go on?\" });\n");
    let alone = operator.windlass(&format!("run --detach {file}"));
    assert_says(&alone, 6, &["no daemon is running", "windlass serve", "WL0024"]);
    assert!(!operator.windlass("runs --json").stdout.starts_with(b"[{"), "it was begun");

    let mut daemon = operator.shell("root", "serve --listen off");
    daemon.hears("serves");
    let begun = operator.windlass(&format!("run -d {file}"));
    let name = String::from_utf8(begun.stdout.clone()).unwrap().trim().to_owned();
    assert_says(&begun, 0, &["continues by itself", &format!("windlass log {name} -f")]);
    assert_eq!(operator.the_run()["run"], name.as_str());
    daemon.hears("waits");
    let wrong = operator.file("wrong.rhai", "//! title = \"Wrong\"\nsecret::make(#{});\n");
    assert_says(&operator.windlass(&format!("run -d {wrong}")), 2, &["secret.make", "WL0003"]);
    assert_says(&operator.says(BEN, &format!("approve {name}")), 0, &[]);
    daemon.hears("ends: done");
}

#[test]
fn without_a_word_it_answers_on_this_machine_or_says_that_the_usual_port_is_taken() {
    let (first, second) = (Operator::at_home(), Operator::at_home());
    let mut has_it = first.shell("root", "serve");
    // Something else on this machine may have the port; that is no reason to stay away.
    has_it.hears("127.0.0.1:7480");
    let mut other = second.shell("root", "serve");
    other.hears("127.0.0.1:7480 is in use, so there is no HTTP interface");
    assert_says(&second.windlass("drain"), 0, &["it has exited"]);
    assert!(other.ends(0).contains("stopping"));
    let mut off = second.shell("root", "serve --listen off");
    off.hears("serves");
    assert_says(&second.windlass("drain"), 0, &["it has exited"]);
    assert!(!off.ends(0).contains("HTTP"));
    assert_says(&second.windlass("serve --listen here"), 2, &["such as 127.0.0.1:7480"]);
}

#[test]
fn a_configuration_that_is_wrong_is_refused_by_line_before_anything_is_touched() {
    let operator = Operator::at_home();
    let file = operator.file("windlass.toml", "[serve]\nruns = 4\nrunz = 5\n");
    let refused = operator.windlass(&format!("serve --config {file}"));
    assert_says(&refused, 2, &["windlass.toml:3:", "runz", "WL0021"]);
    let missing = operator.windlass("serve --config /no/such/file.toml");
    assert_says(&missing, 2, &["/no/such/file.toml", "WL0021"]);
    assert!(!operator.state().exists(), "the state was touched");
}

/// One accept that failed for want of a file descriptor once ended the socket for good.
#[test]
fn idle_connections_that_take_every_descriptor_end_and_the_daemon_goes_on_answering() {
    let operator = Operator::at_home();
    let mut daemon = operator.shell_with_files(64, "serve --listen off");
    daemon.hears("serves");
    let socket = operator.state().join("windlass.sock");
    let connect = |_| std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let idle: Vec<_> = (0..80).map(connect).collect();
    daemon.hears("must wait for its connection: Too many open files");
    assert_says(&operator.windlass("runs"), 0, &["no runs"]);
    // Each of them is still open here, and ended there.
    for mut stream in idle {
        let ended = std::io::Read::read(&mut stream, &mut [0]);
        assert!(matches!(ended, Ok(0)) || ended.is_err(), "it said something");
    }
    assert_says(&operator.windlass("drain"), 0, &["it has exited"]);
    let heard = daemon.ends(0);
    assert_eq!(heard.matches("must wait").count(), 1, "{heard}");
}
