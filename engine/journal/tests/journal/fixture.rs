//! Journals that earlier versions wrote stay readable for ever.
//!
//! `fixtures/v1.jsonl` is the journal of one run with every kind of entry, one record a line. It is
//! never written anew: a later version that can't read it breaks somebody's interrupted run. A
//! format that changes gets the next number and a file of its own beside this one. (The file was
//! made by `WINDLASS_WRITE_FIXTURE=1 cargo test -p windlass-journal --test journal fixture`.)

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use windlass_journal::RunState;
use windlass_journal::id::{CallKey, RunId};
use windlass_journal::step::{Kind, StepError};
use windlass_journal::{
    Body, CallHead, CallStatus, ChainHead, Created, Decision, End, FORMAT, How, Origin, RunStatus,
    read_chain, text_hash,
};

pub(crate) fn key(text: &str) -> CallKey {
    text.parse().unwrap()
}

pub(crate) fn by() -> Origin {
    Origin { user: "ada".to_owned(), host: "manager-1".to_owned(), pid: 4711, as_user: None }
}

fn head(step: &str, kind: Kind, args: Value) -> CallHead {
    CallHead { step: step.to_owned(), kind, args }
}

fn intended(at: &str, attempt: u32, head: CallHead, says: &str) -> Body {
    let base = json!({ "version": 17 });
    Body::Intended { key: key(at), head, attempt, base, says: says.to_owned() }
}

fn applied(at: &str, head: Option<CallHead>, output: Value, how: How) -> Body {
    Body::Applied { key: key(at), head, output, sealed: BTreeMap::new(), how }
}

fn decided(decision: Decision, reason: &str) -> Body {
    Body::Decided { decision, reason: reason.to_owned(), by: by() }
}

/// A rotation that was interrupted, got stuck, was decided about, and in the end was cancelled.
pub(crate) fn bodies() -> Vec<Body> {
    let create = || {
        let value = json!({ "$sealed": "value" });
        head("secret.create", Kind::Change, json!({ "name": "db_2", "value": value }))
    };
    let switch = |service: &str| {
        head("service.switch_secret", Kind::Change, json!({ "service": service, "to": "db_2" }))
    };
    let hinted = StepError::needs_operator("foreign_change", "somebody else changed web")
        .hint("Look at it with `docker service inspect web`.");
    vec![
        Body::Created(Box::new(Created {
            run: RunId::from("run_01JD4Q0000000000000000FIX1"),
            runbook: "rotate.rhai".to_owned(),
            title: "Rotate a database password".to_owned(),
            text: text_hash(b"let x = 1;"),
            params: Map::from_iter([("service".to_owned(), json!("web"))]),
            sealed: BTreeMap::from([("value".to_owned(), "bm9uY2UrY2lwaGVydGV4dA==".to_owned())]),
            locks: vec!["secret:db_password".to_owned()],
            place: "unix:///var/run/docker.sock".to_owned(),
            identity: None,
            by: by(),
            version: "0.1.0".to_owned(),
            cause: None,
            language: windlass_journal::Language::FIRST,
        })),
        applied(
            "1",
            Some(head("service.list", Kind::Read, json!({}))),
            json!(["web"]),
            How::Returned,
        ),
        Body::Failed {
            key: key("2"),
            head: Some(head("secret.find", Kind::Read, json!({ "name": "db_1" }))),
            error: StepError::transient("unreachable", "no answer from the manager"),
            retry_at: Some(1_700_000_002_000),
        },
        applied(
            "2",
            Some(head("secret.find", Kind::Read, json!({ "name": "db_1" }))),
            json!("id1"),
            How::Returned,
        ),
        intended("3", 1, create(), "create the secret db_2"),
        Body::Failed {
            key: key("3"),
            head: None,
            error: StepError::conflict("out_of_sequence", "the swarm has moved on"),
            retry_at: Some(1_700_000_003_000),
        },
        intended("3", 2, create(), "create the secret db_2"),
        Body::Resumed { by: by() },
        Body::Applied {
            key: key("3"),
            head: None,
            output: json!({ "id": "id2" }),
            sealed: BTreeMap::from([("call 3".to_owned(), "c2VhbGVk".to_owned())]),
            how: How::Probed,
        },
        Body::Parallel { key: key("4"), branches: 3, bound: 2 },
        intended("4.1.1", 1, switch("web"), "switch web to db_2"),
        intended("4.2.1", 1, switch("api"), "switch api to db_2"),
        intended("4.3.1", 1, switch("job"), "switch job to db_2"),
        applied("4.1.1", None, json!(null), How::Returned),
        Body::Stuck { error: hinted, key: Some(key("4.2.1")) },
        decided(
            Decision::MarkDone { key: key("4.2.1"), output: json!({ "by": "hand" }) },
            "switched it by hand",
        ),
        Body::Failed {
            key: key("4.3.1"),
            head: None,
            error: StepError::permanent("not_found", "there is no service job"),
            retry_at: None,
        },
        Body::Stuck { error: StepError::needs_operator("ask", "what about job?"), key: None },
        decided(Decision::Skip { key: key("4.3.1") }, "job is gone for good"),
        Body::Stuck { error: StepError::needs_operator("ask", "and now?"), key: None },
        decided(Decision::Retry { key: key("4.3.1") }, "job is back"),
        intended("4.3.1", 2, switch("job"), "switch job to db_2"),
        applied("4.3.1", None, json!(null), How::Returned),
        decided(Decision::Cancel, "the maintenance window is over"),
        Body::Unwinding {
            error: StepError::permanent("cancelled", "the maintenance window is over"),
            key: None,
            cancelled: true,
        },
        Body::UndoIntended { key: key("4.3.1") },
        Body::UndoApplied { key: key("4.3.1") },
        Body::UndoIntended { key: key("4.1.1") },
        Body::UndoFailed {
            key: key("4.1.1"),
            error: StepError::permanent("paused", "the update of web is paused"),
        },
        Body::Stuck {
            error: StepError::needs_operator("paused", "could not take back web"),
            key: Some(key("4.1.1")),
        },
        decided(Decision::Retry { key: key("4.1.1") }, "web goes on"),
        Body::UndoIntended { key: key("4.1.1") },
        Body::UndoApplied { key: key("4.1.1") },
        Body::UndoIntended { key: key("3") },
        Body::UndoApplied { key: key("3") },
        Body::Finished { end: End::Cancelled },
    ]
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/journal/fixtures/v1.jsonl")
}

fn written() -> Vec<u8> {
    let mut head = ChainHead::default();
    let mut file = Vec::new();
    for (body, at) in bodies().into_iter().zip(1_700_000_000_000..) {
        let (_, record) = head.push(at, 3, body).unwrap();
        file.extend_from_slice(&record);
        file.push(b'\n');
    }
    file
}

#[test]
fn the_journal_of_the_first_format_is_read_and_tells_its_story() {
    if std::env::var_os("WINDLASS_WRITE_FIXTURE").is_some() {
        assert!(!path().exists(), "a fixture is never written anew");
        std::fs::write(path(), written()).unwrap();
    }
    let file = std::fs::read_to_string(path()).unwrap();
    let (entries, head) = read_chain(file.lines()).unwrap();
    assert_eq!(head.seq, 36);
    assert!(entries.iter().all(|entry| entry.v == 1 && entry.epoch == 3));

    let state = RunState::of(&entries).unwrap();
    let created = state.created.as_ref().unwrap();
    assert_eq!(created.run.as_str(), "run_01JD4Q0000000000000000FIX1");
    assert_eq!(created.locks, ["secret:db_password"]);
    assert_eq!(created.sealed["value"], "bm9uY2UrY2lwaGVydGV4dA==");
    assert_eq!(created.by, by());
    assert_eq!(state.status, Some(RunStatus::Finished(End::Cancelled)));
    assert_eq!((state.began, state.heard), (1_700_000_000_000, 1_700_000_000_035));
    assert_eq!(state.bounds[&key("4")], (3, 2));
    assert!(state.unwinding.as_ref().unwrap().cancelled);
    assert!(state.pivot.is_none());

    let call = |at: &str| &state.calls[&key(at)];
    assert_eq!((call("1").status, call("1").output.value()), (CallStatus::Applied, json!(["web"])));
    assert_eq!((call("3").status, call("3").attempt), (CallStatus::Undone, 2));
    assert_eq!(call("3").how, Some(How::Probed));
    assert_eq!(call("3").base.value(), json!({ "version": 17 }));
    assert_eq!(call("3").head().args["value"], json!({ "$sealed": "value" }));
    assert_eq!(call("4.2.1").status, CallStatus::Settled);
    assert_eq!(call("4.2.1").output.value(), json!({ "by": "hand" }));
    assert_eq!(call("4.3.1").status, CallStatus::Undone);
    assert_eq!(call("4.1.1").error.as_ref().unwrap().code, "paused");
}

/// The process died, and was started again an hour later: the call had taken "3601 s".
#[test]
fn the_time_when_nobody_was_there_is_no_time_of_a_call() {
    let create = head("secret.create", Kind::Change, json!({ "name": "db_2" }));
    let told = [
        (0, bodies().swap_remove(0)),
        (1_000, intended("3", 1, create, "create the secret db_2")),
        (3_601_000, Body::Resumed { by: by() }),
        (3_602_500, applied("3", None, json!({ "id": "id2" }), How::Probed)),
    ];
    let mut chain = ChainHead::default();
    let entries: Vec<_> =
        told.into_iter().map(|(at, body)| chain.push(at, 1, body).unwrap().0).collect();
    let state = RunState::of(&entries).unwrap();
    assert_eq!(state.calls[&key("3")].took_ms(), 1_500);
}

/// What this version writes is still the first format, byte for byte. If this fails, the format
/// has changed: give it a number, teach the reader both, and add a fixture.
#[test]
fn this_version_writes_the_first_format_byte_for_byte() {
    assert_eq!(FORMAT, 1);
    let file = std::fs::read(path()).unwrap();
    assert_eq!(String::from_utf8(written()).unwrap(), String::from_utf8(file).unwrap());
}

/// Every kind of entry is in this fixture, or in that of `waits`: one that is added to `Body` belongs
/// into one as well.
#[test]
fn the_spelling_of_every_kind_of_entry_is_pinned() {
    let spelled = |body: &Body| serde_json::to_value(body).unwrap()["type"].clone();
    let mut kinds: Vec<Value> = bodies().iter().map(spelled).collect();
    kinds.sort_by_key(ToString::to_string);
    kinds.dedup();
    let all = [
        "applied",
        "created",
        "decided",
        "failed",
        "finished",
        "intended",
        "parallel",
        "resumed",
        "stuck",
        "undo_applied",
        "undo_failed",
        "undo_intended",
        "unwinding",
    ];
    assert_eq!(kinds, all);

    let pinned = [
        (
            intended("4.2.1", 2, head("a.b", Kind::Destroy, json!({ "n": 1 })), "do it"),
            r#"{"type":"intended","key":"4.2.1","step":"a.b","kind":"destroy","args":{"n":1},"attempt":2,"base":{"version":17},"says":"do it"}"#,
        ),
        (
            applied("1", None, json!(null), How::Returned),
            r#"{"type":"applied","key":"1","output":null,"how":"returned"}"#,
        ),
        (
            applied("1", Some(head("a.b", Kind::Read, json!({}))), json!(1), How::Probed),
            r#"{"type":"applied","key":"1","step":"a.b","kind":"read","args":{},"output":1,"how":"probed"}"#,
        ),
        (
            Body::Failed {
                key: key("1"),
                head: Some(head("a.b", Kind::Wait, json!({}))),
                error: StepError::ambiguous("lost", "the answer was lost").hint("Look."),
                retry_at: Some(7),
            },
            r#"{"type":"failed","key":"1","step":"a.b","kind":"wait","args":{},"error":{"class":"ambiguous","code":"lost","message":"the answer was lost","hint":"Look."},"retry_at":7}"#,
        ),
        (
            Body::Parallel { key: key("1"), branches: 3, bound: 2 },
            r#"{"type":"parallel","key":"1","branches":3,"bound":2}"#,
        ),
        (
            Body::Unwinding {
                error: StepError::permanent("no", "no"),
                key: Some(key("2")),
                cancelled: false,
            },
            r#"{"type":"unwinding","error":{"class":"permanent","code":"no","message":"no"},"key":"2","cancelled":false}"#,
        ),
        (Body::UndoIntended { key: key("1") }, r#"{"type":"undo_intended","key":"1"}"#),
        (Body::UndoApplied { key: key("1") }, r#"{"type":"undo_applied","key":"1"}"#),
        (
            Body::UndoFailed { key: key("1"), error: StepError::transient("t", "m") },
            r#"{"type":"undo_failed","key":"1","error":{"class":"transient","code":"t","message":"m"}}"#,
        ),
        (
            Body::Stuck { error: StepError::needs_operator("ask", "?"), key: None },
            r#"{"type":"stuck","error":{"class":"needs_operator","code":"ask","message":"?"}}"#,
        ),
        (
            decided(Decision::MarkDone { key: key("1"), output: json!(1) }, "why"),
            r#"{"type":"decided","decision":{"what":"mark_done","key":"1","output":1},"reason":"why","by":{"user":"ada","host":"manager-1","pid":4711}}"#,
        ),
        (
            decided(Decision::Cancel, "why"),
            r#"{"type":"decided","decision":{"what":"cancel"},"reason":"why","by":{"user":"ada","host":"manager-1","pid":4711}}"#,
        ),
        (
            Body::Resumed { by: Origin::default() },
            r#"{"type":"resumed","by":{"user":"","host":"","pid":0}}"#,
        ),
        (Body::Finished { end: End::Undone }, r#"{"type":"finished","end":"undone"}"#),
    ];
    for (body, text) in pinned {
        assert_eq!(serde_json::to_string(&body).unwrap(), text);
        assert_eq!(serde_json::from_str::<Body>(text).unwrap(), body);
    }
}
