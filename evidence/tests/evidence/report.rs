//! Reports say what the journal says, nothing of it can run, and no value is in it.

use serde_json::json;
use windlass_evidence::report::{Report, html, markdown, of_records, standing};
use windlass_journal::id::{CallKey, RunId};
use windlass_journal::step::{Kind, StepError};
use windlass_journal::{Body, CallHead, ChainHead, Created, How, text_hash};

use crate::journal::by;

/// The journal with every kind of entry, which every version must read.
fn fixture(name: &str) -> Report {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/journal/tests/journal/fixtures/");
    let text = std::fs::read_to_string(format!("{path}{name}")).unwrap();
    let records: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
    of_records(&records, false).unwrap()
}

/// A rotation of one service, whose texts are whatever somebody made them.
fn rotation(name: &str) -> Vec<Vec<u8>> {
    let thing = |id: &str, name: &str| json!({ "id": id, "name": name });
    let key = |n| CallKey::ROOT.child(n);
    let created = Created {
        run: RunId::from("run_a"),
        runbook: name.to_owned(),
        title: name.to_owned(),
        text: text_hash(b""),
        params: [
            ("value".to_owned(), json!({ "$sealed": "value" })),
            ("ticket".to_owned(), json!(name)),
        ]
        .into_iter()
        .collect(),
        sealed: [("value".to_owned(), "Y2lwaGVydGV4dA==".to_owned())].into(),
        locks: vec![format!("secret:{name}")],
        place: format!("ssh://{name}"),
        identity: None,
        by: by(),
        version: "0.1.0".to_owned(),
        cause: None,
        language: windlass_journal::Language::FIRST,
    };
    let head = |step: &str, kind, args| CallHead { step: step.to_owned(), kind, args };
    let intended = |n, head, base, says: &str| Body::Intended {
        key: key(n),
        head,
        attempt: 1,
        base,
        says: says.to_owned(),
    };
    let applied = |n, output| Body::Applied {
        key: key(n),
        head: None,
        output,
        sealed: [("call 1".to_owned(), "bm9uY2U=".to_owned())].into(),
        how: How::Probed,
    };
    let find = head("secret.find", Kind::Read, json!({ "name": name }));
    let create = json!({ "name": "db_v2", "value": { "$sealed": "value" } });
    let switch = json!({ "service": thing("s1", name), "from": thing("old", "db_v1"), "to": thing("new", "db_v2") });
    let converged = json!({ "service": thing("s1", name), "secret": thing("new", "db_v2") });
    let bodies = [
        Body::Created(Box::new(created)),
        Body::Applied {
            key: key(1),
            head: Some(find),
            output: thing("old", "db_v1"),
            sealed: Default::default(),
            how: How::Returned,
        },
        intended(
            2,
            head("secret.create", Kind::Change, create),
            json!({ "mac": "f1n9er" }),
            "create",
        ),
        applied(2, thing("new", "db_v2")),
        intended(3, head("service.switch_secret", Kind::Change, switch), json!({}), name),
        applied(3, json!({ "id": "s1", "name": name, "references": 1, "untouched": true })),
        intended(4, head("service.converged", Kind::Wait, converged), json!({}), "wait"),
        applied(4, json!({ "running": 2, "wanted": 2, "seconds": 9, "note": name })),
        intended(
            5,
            head("secret.remove", Kind::Destroy, thing("old", "db_v1")),
            json!({}),
            "remove",
        ),
        Body::Failed {
            key: key(5),
            head: None,
            error: StepError::transient("busy", name),
            retry_at: Some(60_000),
        },
        Body::Resumed { by: by() },
    ];
    let mut chain = ChainHead::default();
    (0..).zip(bodies).map(|(at, body)| chain.push(at * 1_000, 1, body).unwrap().1).collect()
}

#[test]
fn approvals_denials_and_answers_are_told_with_who_and_why() {
    let report = fixture("v1-waits.jsonl");
    let told: Vec<String> = (report.decisions.iter())
        .map(|d| format!("{}: {} ({})", d.by.user, d.what, d.reason))
        .collect();
    assert_eq!(
        told,
        [
            "ada: call 2: approved (fine)",
            "ada: call 2: approved (fine)",
            "ada: call 4: answered ()",
            "ada: call 5: denied (no)",
            "ada: call 6: the approvals lapsed (new: y)",
        ]
    );
    let text = markdown(&report);
    assert!(text.contains("call 5: denied") && text.contains("ada"), "{text}");
}

/// A run whose service somebody had removed ended with "web uses db_v2.".
#[test]
fn a_service_that_somebody_removed_uses_nothing() {
    let stands = |note: &str| standing(&of_records(&rotation(note), false).unwrap());
    // What its tasks were noted for is said with it.
    assert_eq!(stands("web"), ["web uses db_v2.", "web: web."]);
    let name = "the service was removed meanwhile";
    assert_eq!(stands(name), [format!("{name} was removed meanwhile.")]);
    let report = of_records(&rotation(name), false).unwrap();
    assert_eq!(report.services[0].health.as_deref(), Some(name));
}

#[test]
fn the_chapters_of_a_change_record_are_filled_in() {
    let report = of_records(&rotation("web"), false).unwrap();
    let service = &report.services[0];
    assert_eq!(service.secrets, ["db_v1 (old)", "db_v2 (new)"]);
    assert_eq!((service.restarts, service.untouched), (1, Some(true)));
    assert!(service.health.as_ref().unwrap().starts_with("2 of 2 tasks ran after 9 s"));
    assert_eq!(report.secrets[0].fingerprint, "f1n9er");
    assert_eq!((report.resumes.len(), report.resumes[0].silent_ms), (1, 1_000));
    let text = markdown(&report);
    for line in [
        "**interrupted: no process drives it**",
        "- Current secret: db_v1 (old)",
        "- New secret: db_v2 (new)",
        "- Old secret removed: none",
        "- Services affected: web",
        "- Backend credential changed: not by this run",
        "| `web` | `db_v1 (old)` → `db_v2 (new)` | 1 |",
        "| `value` | `db_v2 (new)` | `f1n9er` |",
        "- Call 3: the outcome was lost; a check of the swarm showed it.",
        "- Ticket: web",
        "to be tried again: web",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
}

#[test]
fn what_was_taken_back_decided_and_lost_is_told() {
    let report = fixture("v1.jsonl");
    let text = markdown(&report);
    for line in [
        "**cancelled: everything was undone**",
        "ada on manager-1 | call 4.2.1 was done by hand | switched it by hand |",
        "- A person had it undone: the maintenance window is over",
        "- Undone: calls 3, 4.1.1, 4.3.1",
        "- Interrupted; resumed at 2023-11-14 22:13:20Z by ada on manager-1",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    assert!(text.contains("3       |") && text.contains('<'), "no timeline in:\n{text}");
    let page = html(&report);
    for step in &report.steps {
        let lane =
            text.lines().find(|line| line.starts_with(&format!("{:<8}|", step.key.to_string())));
        assert!(lane.unwrap().ends_with(&step.says), "{lane:?} does not name the call");
        let lane = format!("<b>{}</b> {}</li>", step.key, step.says);
        assert!(page.contains(&lane), "no {lane} in the timeline");
    }
    for class in [
        "rect class=\"done\"",
        "rect class=\"failed\"",
        "rect class=\"lost\"",
        "rect class=\"undone\"",
    ] {
        assert!(page.contains(class), "no {class}");
    }
    assert_eq!(report.decisions.len(), 5);
}

#[test]
fn nothing_that_was_sealed_is_in_a_report() {
    for report in [fixture("v1.jsonl"), of_records(&rotation("web"), false).unwrap()] {
        let json = serde_json::to_string(&report).unwrap();
        for text in [markdown(&report), html(&report), json.clone()] {
            let sealed = ["Y2lwaGVydGV4dA", "bm9uY2U", "c2VhbGVk"];
            assert!(!sealed.iter().any(|sealed| text.contains(sealed)), "ciphertext in:\n{text}");
        }
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}

#[test]
fn texts_of_others_mean_nothing_to_a_browser_or_to_markdown() {
    let evil = "\"><script>alert(1)</script><img src=x onerror=1>\n\n# head\n| `x` ]](javascript:1)\n```\n</svg>";
    let report = of_records(&rotation(evil), false).unwrap();
    let page = html(&report);
    for tag in ["<script", "<img", "</svg>\n\n", "onerror=1>"] {
        let allowed = usize::from(tag.starts_with("</svg>"));
        assert!(page.matches(tag).count() <= allowed, "{tag} is in the page");
    }
    assert_eq!(page.matches("</svg>").count(), 1);
    assert!(page.contains("default-src 'none'"), "the policy of the page is gone");
    let text = markdown(&report);
    assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
    let lines = || text.lines();
    assert_eq!(lines().filter(|line| line.starts_with("# ")).count(), 1, "{text}");
    assert_eq!(lines().filter(|line| line.starts_with("```")).count(), 2, "{text}");
}
