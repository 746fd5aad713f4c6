//! Who may do what: every endpoint of the table, with every role.

use std::time::Duration;

use axum::body::Bytes;
use http_body_util::Full;
use serde_json::json;
use windlass_desk::{Endpoint, Method, Need, Role, table};

use crate::rig::{Got, Rig};

/// The name in all paths; there is a schedule of this name, and nothing else.
const NAME: &str = "some-name";

fn path(endpoint: &Endpoint) -> String {
    let name = endpoint.parameter().unwrap_or_default();
    endpoint.path.replace(&format!("{{{name}}}"), NAME)
}

async fn ask(rig: &Rig, endpoint: &Endpoint, token: &str) -> Got {
    let request = rig.request(endpoint.method.name(), &path(endpoint), token);
    let request = request.header("content-type", "application/json");
    // A stream that is let in does not end: its head is what counts.
    let request = request.body(Full::<Bytes>::from("{}")).unwrap();
    let (head, body) = rig.client.request(request).await.unwrap().into_parts();
    let text = if head.status.is_success() {
        String::new()
    } else {
        use http_body_util::BodyExt;
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    };
    Got { status: head.status.as_u16(), headers: head.headers, text }
}

/// The whole matrix, written out by hand: what the table says is compared with it. What has nobody is
/// asked at the machine alone.
const MATRIX: &str = "
GET /api/v1/evidence/key              viewer operator approver author admin
GET /api/v1/prune                     viewer operator approver author admin
GET /api/v1/runs/{run}/report         viewer operator approver author admin
GET /api/v1/tombstones                viewer operator approver author admin
POST /api/v1/backup
POST /api/v1/evidence                 viewer operator approver author admin
POST /api/v1/prune                    admin
POST /api/v1/runs/{run}/move          operator admin
POST /api/v1/schedules
DELETE /api/v1/schedules/{name}
GET /api/v1/audit                     admin
GET /api/v1/events                    viewer operator approver author admin
GET /api/v1/openapi.json              nobody viewer operator approver author admin
GET /api/v1/notices                   viewer operator approver author admin
GET /api/v1/runbooks                  viewer operator approver author admin
GET /api/v1/runbooks/{name}           viewer operator approver author admin
GET /api/v1/runs                      viewer operator approver author admin
GET /api/v1/runs/{run}                viewer operator approver author admin
GET /api/v1/runs/{run}/events         viewer operator approver author admin
GET /api/v1/runs/{run}/journal        viewer operator approver author admin
GET /api/v1/runs/{run}/plan           viewer operator approver author admin
GET /api/v1/schedules                 viewer operator approver author admin
GET /api/v1/schedules/{name}          viewer operator approver author admin
GET /api/v1/steps                     viewer operator approver author admin
GET /api/v1/tokens                    admin
GET /healthz                          nobody viewer operator approver author admin
GET /metrics                          viewer operator approver author admin
GET /readyz                           nobody viewer operator approver author admin
POST /api/v1/check                    author admin
POST /api/v1/notices/retry            operator admin
POST /api/v1/runbooks/{name}/plan     operator admin
POST /api/v1/runs                     operator author admin
POST /api/v1/runs/{run}/answer        operator admin
POST /api/v1/runs/{run}/approve       approver admin
POST /api/v1/runs/{run}/cancel        operator admin
POST /api/v1/runs/{run}/deny          approver admin
POST /api/v1/runs/{run}/mark-done     operator admin
POST /api/v1/runs/{run}/resume        operator admin
POST /api/v1/runs/{run}/retry         operator admin
POST /api/v1/runs/{run}/skip          operator admin
POST /api/v1/runs/{run}/undo          operator admin
POST /api/v1/schedules/{name}/pause   operator admin
POST /api/v1/schedules/{name}/resume  operator admin
POST /api/v1/tokens                   admin
DELETE /api/v1/tokens/{id}            admin
";

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_lets_in_whom_it_must_and_refuses_everybody_else() {
    let rig = Rig::new().await;
    rig.schedule(NAME, "", Duration::ZERO);
    let tokens: Vec<(Role, String)> =
        Role::ALL.into_iter().map(|role| (role, rig.token("p", &[role]))).collect();
    let mut seen = Vec::new();
    for endpoint in table() {
        let head = format!("{} {}", endpoint.method.name(), endpoint.path);
        let line = MATRIX.lines().find(|line| line.split("  ").next() == Some(head.as_str()));
        let line = line.unwrap_or_else(|| panic!("{head} is not in the matrix"));
        let let_in: Vec<&str> = line[head.len()..].split_whitespace().collect();
        seen.push(head.clone());

        let got = ask(&rig, &endpoint, "").await;
        if let_in.contains(&"nobody") {
            assert!(got.status < 300, "{head} without a token: {got:?}");
        } else {
            got.refused(401, "WL0040");
        }
        for (role, token) in &tokens {
            let got = ask(&rig, &endpoint, token).await;
            if let_in.contains(&role.name()) {
                assert!(![401, 403, 429].contains(&got.status), "{head} as {role}: {got:?}");
                assert!(got.status < 500, "{head} as {role}: {got:?}");
            } else {
                got.refused(403, "WL0041");
            }
        }
    }
    assert_eq!(seen.len(), MATRIX.trim().lines().count(), "the matrix has more than the table");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_table_can_not_be_reached() {
    let rig = Rig::new().await;
    let admin = rig.admin();
    for path in ["/", "/api", "/api/v1", "/api/v2/runs", "/api/v1/runs/", "/api/v1/run", "/debug"] {
        rig.get(path, &admin).await.refused(404, "WL0043");
    }
    let known = table();
    for endpoint in &known {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let there = |e: &&Endpoint| e.path == endpoint.path && e.method.name() == method;
            if known.iter().find(there).is_some() {
                continue;
            }
            let request = rig.request(method, &path(endpoint), &admin);
            let got = rig.send(request.body(Full::default()).unwrap()).await;
            let got = got.refused(405, "WL0043");
            let allowed = got.headers["allow"].to_str().unwrap().to_owned();
            assert!(allowed.contains(endpoint.method.name()), "{allowed}");
        }
    }
}

#[test]
fn whatever_changes_something_needs_more_than_to_see_it() {
    for endpoint in table() {
        let looks = endpoint.method == Method::Get;
        assert!(!(looks && endpoint.changes), "{} changes something", endpoint.path);
        if endpoint.changes {
            assert!(!endpoint.need.met_by(&[Role::Viewer]), "{}", endpoint.path);
            assert_ne!(endpoint.need, Need::Nothing, "{}", endpoint.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_runs_the_library_and_an_author_runs_any_text() {
    let rig = Rig::new().await;
    let operator = rig.token("olga", &[Role::Operator]);
    let author = rig.token("anna", &[Role::Author]);
    let named = json!({ "runbook": "quick" });
    let text = json!({ "runbook": "mine", "text": "//! title = \"Mine\"\nthing::make(#{ name: \"a\" });" });
    rig.post("/api/v1/runs", &operator, named.clone()).await.is(201);
    rig.post("/api/v1/runs", &author, text.clone()).await.is(201);
    rig.post("/api/v1/runs", &operator, text).await.refused(403, "WL0041");
    rig.post("/api/v1/runs", &author, named.clone()).await.refused(403, "WL0041");
    let both = rig.token("bea", &[Role::Operator, Role::Author]);
    rig.post("/api/v1/runs", &both, named).await.is(201);
}
