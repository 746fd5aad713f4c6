//! Delivery: receivers that are down, refuse, lose their answers or hang.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use windlass_duty::notice::{
    Config, Courier, GIVE_UP_AFTER_MS, Kind, Notice, Outbox, OutboxError, Refusal, Trouble, send,
};
use windlass_duty::{Duty, Options, Stop, Supplies};
use windlass_engine::clock::Clock;

use crate::receiver::{Answer, Receiver, webhook};
use crate::rig::{EVERYTHING, Rig, at};
use crate::tls::acceptor;

fn outbox(rig: &Rig, to: &Config) -> Outbox {
    Outbox::new(&rig.engine, [(to.name.clone(), to.on.clone())])
}

fn notice(nth: i64) -> Notice {
    let about = at("2026-11-21T00:00:00Z") + nth;
    let title = format!("notice {nth}");
    Notice::of_schedule("s", Kind::Missed, about, about, title, Vec::new())
}

/// One round that nobody asks to stop.
async fn round(courier: &Courier) -> Result<Option<i64>, OutboxError> {
    let (_stopping, stop) = Stop::new();
    courier.round(&stop).await
}

/// A port at which nobody listens.
fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_for_a_while_gets_each_notice_once_by_key_and_in_order() {
    let (rig, directory) = (Rig::new(), tempfile::tempdir().unwrap());
    let receiver = Receiver::up().await;
    let to = receiver.webhook("ops", directory.path());
    let posted = outbox(&rig, &to);
    for nth in 0..5 {
        posted.post(&notice(nth)).unwrap();
        posted.post(&notice(nth)).unwrap();
    }
    // Down, then an answer is lost, then down again, then up; and the process dies in between.
    receiver.answers(&[Answer::Status(503), Answer::Ok, Answer::Lost, Answer::Status(502)]);
    let mut rig = rig;
    for nth in 0..8 {
        let courier = Courier::new(rig.engine.clone(), outbox(&rig, &to), to.clone());
        if round(&courier).await.unwrap().is_none() {
            break;
        }
        if nth == 1 {
            rig = rig.crash(EVERYTHING);
        }
        rig.clock.seconds(60);
    }
    assert!(outbox(&rig, &to).all().unwrap().is_empty());
    let requests = receiver.requests(8).await;
    requests.iter().for_each(|request| request.assert_signed());
    let mut keys: Vec<&str> = requests.iter().map(|r| r.header("webhook-id")).collect();
    assert_eq!(keys.len(), 8, "five, and three whose answer was not yes");
    keys.dedup();
    assert_eq!(keys.len(), 5, "each once by key, in order: {keys:?}");
    let body: serde_json::Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["type"], "windlass.missed");
    assert_eq!(body["data"]["schedule"], "s");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_refuses_keeps_nothing_behind_it_back() {
    let (rig, directory) = (Rig::new(), tempfile::tempdir().unwrap());
    let receiver = Receiver::up().await;
    let to = receiver.webhook("ops", directory.path());
    let posted = outbox(&rig, &to);
    (0..3).for_each(|nth| posted.post(&notice(nth)).unwrap());
    receiver.answers(&[Answer::Status(400)]);
    let courier = Courier::new(rig.engine.clone(), posted.clone(), to.clone());
    let next = round(&courier).await.unwrap().unwrap();
    let left = posted.all().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].notice.title, "notice 0");
    assert!(left[0].problem.as_ref().unwrap().contains("400"), "{:?}", left[0].problem);
    assert_eq!(left[0].next, next);
    rig.clock.set(next);
    assert_eq!(round(&courier).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_a_notice_is_given_up_visibly_and_a_retry_sends_it() {
    let (rig, directory) = (Rig::new(), tempfile::tempdir().unwrap());
    let to = webhook("ops", dead_port(), directory.path());
    let posted = outbox(&rig, &to);
    posted.post(&notice(1)).unwrap();
    let courier = Courier::new(rig.engine.clone(), posted.clone(), to.clone());
    let began = rig.clock.now();
    let mut attempts = 0;
    while let Some(next) = round(&courier).await.unwrap() {
        attempts += 1;
        assert!(attempts < 100);
        rig.clock.set(next);
    }
    let given_up = posted.all().unwrap();
    assert!(given_up[0].given_up && given_up[0].attempts > 20);
    assert!(rig.clock.now() - began > GIVE_UP_AFTER_MS - 4_000_000);

    let receiver = Receiver::up().await;
    let courier =
        Courier::new(rig.engine.clone(), posted.clone(), receiver.webhook("ops", directory.path()));
    assert_eq!(round(&courier).await.unwrap(), None, "it stays given up");
    assert!(posted.retry(Some("ops/nothing")).is_err());
    assert_eq!(posted.retry(Some(&given_up[0].id)).unwrap().len(), 1);
    assert_eq!(round(&courier).await.unwrap(), None);
    assert_eq!(receiver.requests(1).await.len(), 1);
    assert!(posted.all().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_nobody_any_more_is_given_up_and_later_forgotten() {
    let (rig, directory) = (Rig::new(), tempfile::tempdir().unwrap());
    let to = webhook("gone", dead_port(), directory.path());
    outbox(&rig, &to).post(&notice(1)).unwrap();
    let now_only = Outbox::new(&rig.engine, []);
    now_only.tidy().unwrap();
    let left = now_only.all().unwrap();
    assert!(left[0].given_up && left[0].problem.as_ref().unwrap().contains("no such receiver"));
    rig.clock.seconds(31 * 24 * 3600);
    now_only.tidy().unwrap();
    assert!(now_only.all().unwrap().is_empty());
}

/// Everything together, as a daemon runs it: a schedule starts a run on time; one receiver hangs,
/// one is dead, and the third is told all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_and_a_hanging_receiver_hold_up_neither_a_run_nor_the_others() {
    let (rig, directory) = (Rig::new(), tempfile::tempdir().unwrap());
    rig.world.open("gate");
    let (good, hanging) = (Receiver::up().await, Receiver::up().await);
    hanging.answers(&[Answer::Hang; 16]);
    let notices = vec![
        webhook("dead", dead_port(), directory.path()),
        hanging.webhook("hanging", directory.path()),
        good.webhook("good", directory.path()),
    ];
    let supplies: Arc<dyn Supplies> = rig.shelf.clone();
    let schedules = Vec::new();
    let options = Options { engine: rig.engine.clone(), supplies, schedules, notices };
    let duty = Duty::start(options).await.unwrap();
    // Added while the ticker sleeps: it is woken.
    rig.schedule("");
    rig.clock.set(at("2026-11-21T01:00:00Z"));
    let requests = good.requests(1).await;
    assert!(requests[0].body.contains("windlass.finished"), "{}", requests[0].body);
    assert!(requests[0].body.contains(r#""schedule":"s""#), "{}", requests[0].body);
    assert_eq!(rig.started(), ["01:00"]);
    hanging.requests(1).await;
    let posted = outbox(&rig, &good.webhook("good", directory.path()));
    let taken = async {
        while !posted.pending("good").unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), taken).await.unwrap();
    let stopping = tokio::time::timeout(Duration::from_secs(5), duty.stop());
    stopping.await.expect("a receiver that hangs holds the end up");
    let left: Vec<String> = posted.all().unwrap().into_iter().map(|delivery| delivery.to).collect();
    assert_eq!(left, ["dead", "hanging"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_gets_text_and_its_address_is_never_told() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = Receiver::up().await;
    let address = directory.path().join("address");
    let slack = format!("name = 'chat'\nslack = {{ url_file = '{}' }}", address.display());
    let to: Config = toml::from_str(&slack).unwrap();
    let error = send(&to, &Notice::test("chat", 0), 0).await.unwrap_err();
    assert!(error.message.contains("can't be read"), "{error}");

    std::fs::write(&address, format!("http://127.0.0.1:{}/canary\n", receiver.port)).unwrap();
    receiver.answers(&[Answer::Status(404)]);
    let error = send(&to, &Notice::test("chat", 0), 0).await.unwrap_err();
    assert!(error.message.contains("404") && !error.message.contains("canary"), "{error}");
    let said = send(&to, &Notice::test("chat", 0), 0).await.unwrap();
    assert!(said.contains("200"), "{said}");
    let body = &receiver.requests(2).await[1].body;
    assert!(body.contains("a test of the receiver `chat`"), "{body}");

    std::fs::write(&address, format!("http://127.0.0.1:{}/canary\n", dead_port())).unwrap();
    let error = send(&to, &Notice::test("chat", 0), 0).await.unwrap_err();
    assert!(error.unreachable && !error.message.contains("canary"), "{error}");
    std::fs::write(&address, "canary is no address").unwrap();
    let error = send(&to, &Notice::test("chat", 0), 0).await.unwrap_err();
    assert!(!error.unreachable && !error.message.contains("canary"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_from_the_desk_wakes_a_courier_that_had_nothing_left_to_do() {
    let (rig, directory) = (Rig::new(), tempfile::tempdir().unwrap());
    let receiver = Receiver::up().await;
    let to = receiver.webhook("ops", directory.path());
    let desk = Outbox::new(&rig.engine, [(to.name.clone(), to.on.clone())]);
    desk.post(&notice(1)).unwrap();
    let late = rig.clock.now() + 2 * GIVE_UP_AFTER_MS;
    let message = "down".to_owned();
    let trouble = Trouble::Unreachable;
    let down = Refusal { message, trouble, unreachable: true, leave_alone_ms: None };
    desk.failed(desk.all().unwrap().remove(0), down, late).unwrap();
    assert!(desk.all().unwrap()[0].given_up);
    let supplies: Arc<dyn Supplies> = rig.shelf.clone();
    let (engine, notices) = (rig.engine.clone(), vec![to]);
    let options = Options { engine, supplies, schedules: Vec::new(), notices };
    let duty = Duty::start(options).await.unwrap();
    // The courier may not sleep yet; then it finds the notice before it does.
    desk.retry(None).unwrap();
    receiver.requests(1).await;
    duty.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_behind_a_private_authority_is_trusted_only_if_that_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (tls, ca) = acceptor(directory.path());
    let receiver = Receiver::behind(Some(tls)).await;
    let (key, port) = (directory.path().join("key"), receiver.port);
    std::fs::write(&key, "a key").unwrap();
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let to = |more: &str| -> Config {
        let key = key.display();
        toml::from_str(&format!(
            "name = 'ops'\nwebhook = {{ url = 'https://localhost:{port}/', secret_file = '{key}'{more} }}"
        ))
        .unwrap()
    };
    let error = send(&to(""), &Notice::test("ops", 0), 0).await.unwrap_err();
    assert!(error.message.contains("UnknownIssuer"), "{error}");
    let trusted = to(&format!(", ca_file = '{}'", ca.display()));
    send(&trusted, &Notice::test("ops", 0), 0).await.unwrap();
    assert_eq!(receiver.requests(1).await.len(), 1);
    let no_certificate = to(&format!(", ca_file = '{}'", key.display()));
    let error = send(&no_certificate, &Notice::test("ops", 0), 0).await.unwrap_err();
    assert!(error.message.contains("there is no certificate in it"), "{error}");
}

/// A key with mode 666 was taken without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_can_read_is_refused_before_anything_begins() {
    let (rig, directory) = (Rig::new(), tempfile::tempdir().unwrap());
    let start = || {
        let supplies: Arc<dyn Supplies> = rig.shelf.clone();
        let notices = vec![webhook("ops", dead_port(), directory.path())];
        let key = directory.path().join("key");
        let set =
            move |mode| std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
        (Options { engine: rig.engine.clone(), supplies, schedules: Vec::new(), notices }, set)
    };
    let (options, set) = start();
    set(0o666);
    let error = Duty::start(options).await.err().unwrap().to_string();
    assert!(error.contains("`ops`") && error.contains("(mode 666): run `chmod 600"), "{error}");
    let (options, set) = start();
    set(0o640);
    Duty::start(options).await.unwrap().stop().await;
    assert_eq!(rig.outbox.known_receivers().unwrap(), ["ops"]);
}
