//! Faults on demand, and what the log of requests tells of them.

use serde_json::{Value, json};
use windlass_lab::simulated::{Edit, Fault, On, What};

use crate::bench::{Bench, app, ask};

fn post(what: What) -> Vec<Fault> {
    vec![Fault { on: On { method: Some("POST".into()), ..On::default() }, what }]
}

#[tokio::test]
async fn an_answer_can_be_lost_before_and_after_the_deed() {
    let bench = Bench::new().await;
    let body = json!({ "Name": "s", "Data": "djE=" });
    for (what, status, secrets) in [(What::LoseRequest, 0, 0), (What::LoseAnswer, 201, 1)] {
        bench.swarm.set_faults(post(what));
        let answer = ask(bench.served.socket(), "POST", "/secrets/create", &[], &body).await;
        assert_eq!(answer, None);
        assert_eq!(bench.get("/secrets").await.as_array().unwrap().len(), secrets);
        assert_eq!(bench.swarm.faults_hit(), [1]);
        let requests = bench.swarm.requests();
        let request = requests.iter().rfind(|r| r.changing).unwrap();
        assert_eq!((request.status, request.answered), (status, false));
        assert_eq!(request.target, "/secrets/create");
    }
}

#[tokio::test]
async fn a_fault_is_meant_for_one_call() {
    let bench = Bench::new().await;
    let refuse = What::Refuse { status: 503, message: "not now".into() };
    let on = On { call: Some("3.1.2".into()), times: u32::MAX, ..On::default() };
    bench.swarm.set_faults(vec![Fault { on, what: refuse }]);
    let info = async |call: &str| {
        let headers = [("Windlass-Call", call)];
        ask(bench.served.socket(), "GET", "/v1.41/info", &headers, &Value::Null).await.unwrap().0
    };
    assert_eq!(info("run_01/3.1.1").await, 200);
    assert_eq!(info("run_01/3.1.2").await, 503);
    assert_eq!(info("run_02/3.1.2").await, 503);
    let requests = bench.swarm.requests();
    assert_eq!(requests[1].call.as_deref(), Some("run_01/3.1.2"));
    assert_eq!(requests[1].target, "/info");
    assert_eq!(bench.swarm.faults_hit(), [2]);
}

#[tokio::test]
async fn a_request_done_twice_is_answered_as_the_second_time() {
    let bench = Bench::new().await;
    bench.swarm.set_faults(post(What::Twice));
    let body = json!({ "Name": "s", "Data": "djE=" });
    assert_eq!(bench.post("/secrets/create", &body).await.0, 409);
    assert_eq!(bench.swarm.look().secrets.len(), 1);
}

#[tokio::test]
async fn a_second_operator_comes_before_or_after_the_request() {
    let bench = Bench::new().await;
    bench.service(&app("web", 1)).await;
    let label =
        |value: &str| Edit::Label { service: "web".into(), key: "by".into(), value: value.into() };
    let service = bench.get("/services/web").await;
    let update = format!("/services/web/update?version={}", service["Version"]["Index"]);
    bench.swarm.set_faults(post(What::Edit(label("them"))));
    let (status, message) = bench.refused(&update, &service["Spec"]).await;
    assert_eq!(status, 500);
    assert!(message.ends_with("update out of sequence"), "{message}");

    let service = bench.get("/services/web").await;
    let update = format!("/services/web/update?version={}", service["Version"]["Index"]);
    bench.swarm.set_faults(post(What::EditAfter(label("us"))));
    assert_eq!(bench.post(&update, &service["Spec"]).await.0, 200);
    assert_eq!(bench.get("/services/web").await["Spec"]["Labels"]["by"], "us");
}

#[tokio::test]
async fn an_outage_and_the_loss_of_quorum_last_as_long_as_they_are_told_to() {
    let bench = Bench::new().await;
    bench.swarm.set_faults(vec![Fault { on: On::default(), what: What::Away { ms: 10_000 } }]);
    let ping = async || ask(bench.served.socket(), "GET", "/_ping", &[], &Value::Null).await;
    assert!(ping().await.is_none() && ping().await.is_none());
    bench.pass(9.0);
    assert!(ping().await.is_none());
    assert_eq!(bench.swarm.next_due(), Some(bench.swarm.now() + 1_000));
    bench.pass(1.0);
    assert!(ping().await.is_some());

    bench.swarm.set_faults(post(What::NoQuorum { ms: 5_000 }));
    let body = json!({ "Name": "s", "Data": "djE=" });
    let (status, message) = bench.refused("/secrets/create", &body).await;
    assert_eq!(status, 500);
    assert!(message.contains("desc = The swarm does not have a leader."), "{message}");
    bench.get("/secrets").await;
    bench.pass(5.0);
    assert_eq!(bench.post("/secrets/create", &body).await.0, 201);
}

#[tokio::test]
async fn a_slow_answer_moves_the_clock() {
    let bench = Bench::new().await;
    let before = bench.swarm.now();
    bench.swarm.set_faults(vec![Fault { on: On::default(), what: What::Slow { ms: 30_000 } }]);
    bench.get("/info").await;
    assert_eq!(bench.swarm.now(), before + 30_000);
}

#[tokio::test]
async fn a_stalled_or_failing_service_can_be_healed() {
    let bench = Bench::new().await;
    bench.service(&app("web", 1)).await;
    bench.pass(3.0);
    let service = || "web".to_owned();
    bench.swarm.edit(&Edit::Stall { service: service() }).unwrap();
    bench.swarm.edit(&Edit::ForceUpdate { service: service() }).unwrap();
    bench.pass(600.0);
    assert_eq!(bench.states("web"), ["shutdown shutdown", "preparing running"]);
    assert_eq!(bench.update_state("web").await, "updating");
    bench.swarm.edit(&Edit::Heal { service: service() }).unwrap();
    bench.pass(10.0);
    assert_eq!(bench.update_state("web").await, "completed");

    let fail = Edit::FailTasks { service: service(), after_ms: Some(2_000) };
    bench.swarm.edit(&fail).unwrap();
    bench.swarm.edit(&Edit::ForceUpdate { service: service() }).unwrap();
    bench.pass(20.0);
    assert_eq!(bench.update_state("web").await, "paused");
    let missing = bench.swarm.edit(&Edit::RemoveService { name: "nope".into() });
    assert_eq!(missing, Err("service nope not found".to_owned()));
}
