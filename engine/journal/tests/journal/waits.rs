//! The spelling of waits in the first format, pinned as the rest of it is in `fixture`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;
use windlass_journal::RunState;
use windlass_journal::event::SummaryRecord;
use windlass_journal::id::RunId;
use windlass_journal::step::{Kind, StepError};
use windlass_journal::{
    Answer, Body, Bound, BoundChange, CallHead, CallStatus, ChainHead, RunStatus, read_chain,
};

use crate::fixture::{bodies, by, key};

fn waiting(at: &str, name: &str, args: serde_json::Value, bound: Option<Bound>) -> Body {
    let head = CallHead { step: name.to_owned(), kind: Kind::Wait, args };
    Body::Waiting { key: key(at), head, says: "wait".to_owned(), until: Some(7), bound }
}

fn answered(at: &str, answer: Answer, person: bool) -> Body {
    let by = person.then(by);
    Body::Answered { key: key(at), answer, by, sealed: BTreeMap::new() }
}

fn bound() -> Bound {
    let change = BoundChange { key: Some(key("3")), says: "do it".into(), rests_on: "00ff".into() };
    Bound { digest: "0123".to_owned(), changes: vec![change] }
}

/// A run that has waited in every way, and now is asked for an approval once more.
fn written() -> Vec<Body> {
    let approved = |enough| Answer::Approved { reason: Some("fine".to_owned()), enough };
    let ask = json!({ "fields": { "n": { "type": "int", "help": "h" } } });
    let sealed = BTreeMap::from([("answer 4 p".to_owned(), "c2VhbGVk".to_owned())]);
    let given = Answer::Given { output: json!({ "n": 1 }) };
    vec![
        bodies().remove(0),
        waiting("1", "sleep", json!({ "length": "5m" }), None),
        answered("1", Answer::Over { output: json!(null) }, false),
        waiting("2", "approve", json!({ "text": "x", "of": 2 }), Some(bound())),
        answered("2", approved(false), true),
        answered("2", approved(true), true),
        waiting("3", "wait_until", json!({ "timeout": "1h" }), None),
        answered("3", Answer::Failed { error: StepError::permanent("timed_out", "t") }, false),
        waiting("4", "ask", ask, None),
        Body::Answered { key: key("4"), answer: given, by: Some(by()), sealed },
        waiting("5", "approve", json!({ "text": "x" }), None),
        answered("5", Answer::Denied { reason: "no".to_owned() }, true),
        waiting("6", "approve", json!({ "text": "x" }), Some(bound())),
        answered("6", Answer::Lapsed { why: "new: y".to_owned() }, true),
        waiting("6", "approve", json!({ "text": "x" }), Some(bound())),
    ]
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/journal/fixtures/v1-waits.jsonl")
}

fn chained() -> String {
    let mut head = ChainHead::default();
    let records = written().into_iter().zip(1_700_000_000_000..).map(|(body, at)| {
        let (_, record) = head.push(at, 3, body).unwrap();
        String::from_utf8(record).unwrap() + "\n"
    });
    records.collect()
}

#[test]
fn waits_of_the_first_format_are_read_and_written_byte_for_byte() {
    if std::env::var_os("WINDLASS_WRITE_FIXTURE").is_some() {
        assert!(!path().exists(), "a fixture is never written anew");
        std::fs::write(path(), chained()).unwrap();
    }
    let file = std::fs::read_to_string(path()).unwrap();
    assert_eq!(chained(), file);
    let (entries, _) = read_chain(file.lines()).unwrap();
    let state = RunState::of(&entries).unwrap();
    let statuses: Vec<CallStatus> =
        (1..=6).map(|n| state.calls[&key(&n.to_string())].status).collect();
    use CallStatus::{Applied, Failed, Waiting};
    assert_eq!(statuses, [Applied, Applied, Failed, Applied, Failed, Waiting]);

    let summary = SummaryRecord::of(&RunId::from("run_x"), &state);
    assert_eq!(
        (summary.status, summary.entries, summary.answered),
        (RunStatus::Waiting, 15, false)
    );
    let wait = &summary.waits[0];
    assert_eq!((wait.key.clone(), wait.until), (key("6"), Some(7)));
    assert_eq!(wait.since, 1_700_000_000_012, "asked again, it waits since it was asked first");
    assert_eq!(
        (wait.lapsed.as_deref(), wait.changes.as_slice()),
        (Some("new: y"), &["do it".to_owned()][..])
    );
}
