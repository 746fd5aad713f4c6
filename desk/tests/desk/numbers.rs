//! Health, readiness, numbers.

use windlass_desk::Role;

use crate::rig::{PATIENCE, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn machines_are_told_that_it_is_alive_and_ready() {
    let rig = Rig::new().await;
    assert_eq!(rig.get("/healthz", "").await.is(200).text, "alive\n");
    assert_eq!(rig.get("/readyz", "").await.is(200).text, "ready\n");
    let head = rig.request("HEAD", "/healthz", "").body(Default::default()).unwrap();
    assert_eq!(rig.send(head).await.is(200).text, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_tell_of_runs_calls_and_requests() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    for (runbook, end) in [("quick", "done"), ("fails", "undone"), ("stuck", "stuck")] {
        let run = rig.start(runbook, &token).await;
        rig.until(&run, &token, end).await;
    }
    rig.get("/api/v1/nothing", "").await.is(404);
    rig.get("/api/v1/runs", "wrong").await.is(401);
    let expected = [
        "windlass_runs_open{status=\"stuck\"} 1",
        "windlass_runs_open{status=\"running\"} 0",
        "windlass_runs_driven 0",
        "windlass_runs_ended_total{end=\"done\"} 1",
        "windlass_runs_ended_total{end=\"undone\"} 1",
        "windlass_calls_total{step=\"thing.make\",outcome=\"applied\"} 3",
        "windlass_calls_total{step=\"thing.make\",outcome=\"undone\"} 1",
        "windlass_calls_total{step=\"thing.fail\",outcome=\"failed\"} 1",
        "windlass_call_seconds_count{step=\"thing.make\"} 3",
        "windlass_http_requests_total{method=\"POST\",path=\"/api/v1/runs\",status=\"201\"} 3",
        "windlass_http_requests_total{method=\"GET\",path=\"-\",status=\"404\"} 1",
        "windlass_tokens_refused_total{why=\"unknown\"} 1",
    ];
    // Events are counted beside the run: the last may be a moment late.
    let deadline = std::time::Instant::now() + PATIENCE;
    let counted = async {
        loop {
            let got = rig.get("/metrics", &token).await.is(200);
            let missing = expected.iter().find(|line| !got.text.lines().any(|l| l == **line));
            let Some(missing) = missing else { return got };
            assert!(std::time::Instant::now() < deadline, "no `{missing}` in\n{}", got.text);
        }
    };
    let got = counted.await;
    assert!(got.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics"));
    assert!(got.text.trim_end().ends_with("# EOF"), "{}", got.text);
}

/// After a full disk the daemon once said that it was ready, and was not until it was restarted.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_can_record_nothing_says_so_and_refuses_changes() {
    let rig = Rig::new().await;
    let token = rig.admin();
    rig.get("/readyz", "").await.is(200);
    rig.unready.send_replace(Some("there is no room".to_owned()));
    let got = rig.get("/readyz", "").await.refused(503, "WL0011");
    assert_eq!(got.json()["detail"], "there is no room");
    assert!(got.headers.contains_key("retry-after"));
    let body = serde_json::json!({ "runbook": "quick" });
    rig.post("/api/v1/runs", &token, body.clone()).await.refused(503, "WL0011");
    rig.get("/api/v1/runs", &token).await.is(200);
    rig.get("/healthz", "").await.is(200);
    rig.unready.send_replace(None);
    rig.get("/readyz", "").await.is(200);
    rig.post("/api/v1/runs", &token, body).await.is(201);
}
