//! The socket of the state directory, and the client: the same door for whoever is at the machine.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::json;
use windlass_desk::operations::runs::{
    Begin, Cancel, Journal, List, Part, Resume, Show, Start, Which,
};
use windlass_desk::operations::{Because, schedules, tokens};
use windlass_desk::{
    AtSocket, Audit, Client, Followed, Following, LATEST, ONLY, SecretValue, listen,
};
use windlass_engine::event::{Status, What};
use windlass_engine::secret::Secret;

use crate::rig::{PATIENCE, Rig};

struct Bench {
    rig: Rig,
    directory: tempfile::TempDir,
    at: AtSocket,
}

impl Bench {
    async fn new() -> Self {
        let (rig, directory) = (Rig::new().await, tempfile::tempdir().unwrap());
        let at = listen(&directory.path().join("sock"), &rig.desk, |_| {}).unwrap();
        Bench { rig, directory, at }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("sock")
    }

    /// A client over the socket.
    fn there(&self) -> Client {
        Client::at(self.socket(), None)
    }

    /// A client in the process.
    fn here(&self) -> Client {
        Client::here(&self.rig.desk, None)
    }

    fn audit(&self) -> Vec<windlass_desk::Entry> {
        Audit::of(&self.rig.engine).unwrap().list("", 100).unwrap()
    }
}

fn named(runbook: &str) -> Begin {
    Begin { runbook: runbook.to_owned(), ..Begin::default() }
}

/// Follows to the end, and returns what was told, in a few words each.
async fn told(mut following: Following) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let next = tokio::time::timeout(PATIENCE, following.next()).await.unwrap();
        match next.unwrap() {
            Followed::Run(view) => told.push(format!("run of {}", view.summary.runbook)),
            Followed::Event(event) => {
                let what = serde_json::to_value(&event.what).unwrap();
                told.push(what["event"].as_str().unwrap().to_owned());
            }
            Followed::Stopped(ending) => {
                told.push(format!("stopped: {}", ending.view.summary.status));
                return told;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_socket_the_kernel_says_who_asks_and_root_alone_speaks_for_others() {
    let bench = Bench::new().await;
    let me = windlass_desk::people::user_name(rustix::process::getuid().as_raw()).unwrap();
    let run = bench.there().ask::<Start>("", (), named("quick")).await.unwrap();
    assert_eq!(run.summary.user, me);
    let by_sudo = Client::at(bench.socket(), Some("daemon".to_owned()));
    let run = by_sudo.ask::<Start>("", (), named("quick")).await.unwrap();
    let expected = if me == "root" { "daemon" } else { &me };
    assert!(run.summary.user.starts_with(expected), "{}", run.summary.user);

    let audit = bench.audit();
    assert_eq!(audit.len(), 2);
    assert_eq!((audit[1].person.as_str(), audit[1].outcome), (expected, Some(201)));
    assert!(audit[0].from.starts_with(&format!("socket, pid {}", std::process::id())));
    assert_eq!(audit[0].what, "POST /api/v1/runs");
    // What comes over the network and says so is not heeded.
    let viewer = bench.rig.token("vera", &[windlass_desk::Role::Operator]);
    let said = [("windlass-sudo-user", "root")];
    let body = json!({ "runbook": "quick" });
    let got = bench.rig.post_with("/api/v1/runs", &viewer, body, &said).await.is(201);
    assert_eq!(got.json()["user"], "vera");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_followed_in_the_answer_that_starts_it_the_same_here_and_there() {
    let bench = Bench::new().await;
    let expected = |end: &str| {
        let events = ["created", "call_began", "call_ended"];
        let mut all = vec!["run of quick".to_owned()];
        all.extend(events.map(str::to_owned));
        all.extend(["call_ended".to_owned(), "finished".to_owned()]);
        all.push(format!("stopped: {end}"));
        all
    };
    for client in [bench.here(), bench.there()] {
        let following = client.follow::<Start>("", named("quick")).await.unwrap();
        let mut told = told(following).await;
        // A read may or may not tell that it began.
        told.dedup();
        let mut expected = expected("done");
        expected.dedup();
        assert_eq!(told, expected);
    }
    // Nobody audits the owner of the state.
    assert_eq!(bench.audit().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_somebody_else_drives_is_cancelled_and_followed_to_where_it_stops() {
    let bench = Bench::new().await;
    let client = bench.there();
    let mut first = client.follow::<Start>("", named("held")).await.unwrap();
    while !matches!(first.next().await.unwrap(), Followed::Event(e) if matches!(e.what, What::CallProgressed { .. }))
    {
    }
    let because = || Because { reason: "not today".to_owned() };
    let second = client.follow::<Cancel>(ONLY, because()).await.unwrap();
    bench.rig.world.let_go();
    let (first, second) = tokio::join!(told(first), told(second));
    assert_eq!(first.last().unwrap(), "stopped: cancelled");
    assert_eq!(second.last().unwrap(), "stopped: cancelled");
    let none = client.follow::<Cancel>(ONLY, because()).await.map(drop).unwrap_err();
    assert_eq!((none.kind.code(), none.detail.as_str()), ("WL0006", "no run goes on"));
    // Commands are told in commands.
    assert!(none.hint.unwrap().command.contains("windlass runs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_run_stops_and_what_is_meant_without_a_name_is_the_latest_or_the_only_one() {
    let bench = Bench::new().await;
    let client = bench.here();
    let stuck = told(client.follow::<Start>("", named("stuck")).await.unwrap()).await;
    assert_eq!(stuck.last().unwrap(), "stopped: stuck");
    let shown = client.ask::<Show>(LATEST, (), ()).await.unwrap();
    let name = shown.summary.run.to_string();
    let end = &name[name.len() - 8..];
    assert_eq!(client.ask::<Show>(end, (), ()).await.unwrap().summary.run, shown.summary.run);
    let refused = client.follow::<Resume>(ONLY, ()).await.map(drop).unwrap_err();
    assert_eq!((refused.kind.code(), refused.kind.exit().code()), ("WL0008", 3));
    let which = Which { status: Some(Status::Stuck), ..Which::default() };
    assert_eq!(client.ask::<List>("", which, ()).await.unwrap().runs.len(), 1);
    let unknown = client.ask::<Show>("no/such?run", (), ()).await.unwrap_err();
    assert_eq!(unknown.kind.code(), "WL0006");
    assert!(unknown.detail.contains("no/such?run"), "{}", unknown.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_comes_as_lines_and_goes_on_while_the_run_is_driven() {
    let bench = Bench::new().await;
    let client = bench.there();
    let run = client.ask::<Start>("", (), named("held")).await.unwrap().summary.run;
    let follow = Part { follow: Some(true), ..Part::default() };
    let mut lines = client.read::<Journal>(run.as_str(), follow, ()).await.unwrap();
    let mut seen = 0;
    while seen < 4 {
        lines.next().await.unwrap().unwrap();
        seen += 1;
    }
    bench.rig.world.let_go();
    while let Some(line) = lines.next().await.unwrap() {
        let entry: windlass_engine::journal::Entry = serde_json::from_slice(&line).unwrap();
        assert_eq!(entry.seq, seen);
        seen += 1;
    }
    let all = bench.rig.engine.entries(&run).unwrap().len();
    assert_eq!(seen, all as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_reaches_a_run_as_it_is_and_twice_or_not_at_all_is_refused() {
    let bench = Bench::new().await;
    let value = Secret::new(vec![0, 159, 146, 150]);
    let secrets = [("password".to_owned(), SecretValue::of(&value))].into();
    let begin = Begin { secrets, ..named("told") };
    let told = told(bench.there().follow::<Start>("", begin).await.unwrap()).await;
    assert_eq!(told.last().unwrap(), "stopped: done");
    let admin = bench.rig.admin();
    for wrong in [json!({}), json!({ "value": "a", "base64": "YQ==" }), json!({ "base64": "%" })] {
        let body = json!({ "runbook": "told", "secrets": { "password": wrong } });
        bench.rig.post("/api/v1/runs", &admin, body).await.refused(400, "WL0042");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_schedules_is_told_at_the_machine_alone() {
    let bench = Bench::new().await;
    let config = json!({
        "name": "nightly", "runbook": "quick", "cron": "0 3 * * *", "zone": "UTC",
        "secrets": { "password": "@/etc/a-file" },
    });
    let config = serde_json::from_value(config).unwrap();
    let (client, new) = (bench.there(), schedules::NewSchedule { config });
    let added = client.ask::<schedules::Add>("", (), new).await.unwrap();
    assert!(added.schedule.kept.is_some());
    let viewer = bench.rig.token("vera", &[windlass_desk::Role::Viewer]);
    for path in ["/api/v1/schedules", "/api/v1/schedules/nightly"] {
        let text = bench.rig.get(path, &viewer).await.is(200).text;
        assert!(text.contains("password") && !text.contains("a-file"), "{text}");
    }
    bench.there().ask::<schedules::Remove>("nightly", (), ()).await.unwrap();
    assert!(bench.here().ask::<tokens::List>("", (), ()).await.unwrap().tokens.len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_ends_tells_those_who_follow_and_another_language_is_refused() {
    let bench = Bench::new().await;
    let mut following = bench.there().follow::<Start>("", named("held")).await.unwrap();
    // What an earlier version of the command would have sent.
    let mut old = UnixStream::connect(bench.socket()).unwrap();
    old.write_all(b"{\"sudo_user\":null,\"request\":{\"ask\":\"runs\"}}\n").unwrap();
    let mut answer = String::new();
    old.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(matches!(following.next().await.unwrap(), Followed::Run(_)));
    bench.rig.engine.park_all();
    bench.rig.world.let_go();
    bench.rig.engine.idle().await;
    let closing = bench.at.close();
    let (told, ()) = tokio::join!(told(following), closing);
    // It may have been through with its last call before it was asked to stop.
    let ended = ["stopped: interrupted", "stopped: done"];
    assert!(ended.contains(&told.last().unwrap().as_str()), "{told:?}");
}
