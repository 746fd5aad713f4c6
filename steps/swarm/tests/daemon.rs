//! The steps against a daemon of paper: what they send, and what they make of its answers.
//!
//! It answers from a function, so that a test can say anything a daemon might, or lose the answer
//! after the request. What all steps must pass is in `testkit/`; whether a real daemon says these
//! things is the lab's part to show.

mod paper;

use paper::{Paper, call, context, plan_context, secret, service};
use serde_json::{Value, json};
use windlass_engine::step::ErrorClass;

#[tokio::test]
async fn a_spec_is_sent_back_as_it_was_read_but_for_the_references() {
    let mut web = service("s1", "web", "old", "db");
    web["Spec"]["TaskTemplate"]["ContainerSpec"]["Privileges"] =
        json!({ "NewField": [1.50, null] });
    web["Spec"]["AnotherNewField"] = json!({ "z": 1, "a": 2 });
    let read = web.clone();
    let paper = Paper::answering(move |method, path, _| match (method, path) {
        ("GET", "/services/s1") => Some((200, read.clone())),
        ("POST", "/services/s1/update") => Some((200, json!({ "Warnings": null }))),
        _ => Some((500, json!({ "message": "unexpected" }))),
    });
    let args = json!({
        "service": { "id": "s1", "name": "web" },
        "from": { "id": "old", "name": "db" },
        "to": { "id": "new", "name": "db.tmp" },
    });
    let output = call(&paper, &context(), "service.switch_secret", args).await.unwrap();
    assert_eq!((&output["references"], &output["untouched"]), (&json!(1), &json!(true)));

    let sent = paper.requests();
    let writes: Vec<_> = sent.iter().filter(|r| r.method != "GET").collect();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].target, "/v1.44/services/s1/update?version=7");
    assert!(!writes[0].head.to_lowercase().contains("x-registry-auth"), "{}", writes[0].head);
    let reference = &mut web["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"][0];
    reference["SecretID"] = json!("new");
    reference["SecretName"] = json!("db.tmp");
    assert_eq!(writes[0].body, web["Spec"].to_string(), "not even the order of fields differs");
    assert_eq!(sent.len(), 3, "the version, one read, one write");
}

#[tokio::test]
async fn a_lost_answer_is_ambiguous_for_a_write_and_passing_trouble_for_a_read() {
    let paper = Paper::answering(|method, path, _| match (method, path) {
        ("GET", "/services/s1") => Some((200, service("s1", "web", "old", "db"))),
        _ => None,
    });
    let object = |id: &str| json!({ "id": id, "name": id });
    let args = json!({ "service": object("s1"), "from": object("old"), "to": object("new") });
    let error = call(&paper, &context(), "service.switch_secret", args).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Ambiguous, "connection_lost"));
    let error = call(&paper, &context(), "secret.find", json!({ "name": "db" })).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Transient, "connection_lost"));
}

#[tokio::test]
async fn a_daemon_that_is_too_old_is_refused() {
    let paper = Paper::speaking("1.40", |_, _, _| None);
    let error = call(&paper, &context(), "secret.find", json!({ "name": "db" })).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Permanent, "api_too_old"));
}

#[tokio::test]
async fn a_worker_says_what_it_is() {
    let paper = Paper::answering(|_, path, _| match path {
        "/info" => Some((200, json!({ "Name": "n2", "Swarm": { "LocalNodeState": "active" } }))),
        _ => Some((503, json!({ "message": "This node is not a swarm manager. ..." }))),
    });
    for (step, args) in [("swarm.check", json!({})), ("secret.find", json!({ "name": "db" }))] {
        let error = call(&paper, &context(), step, args).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (ErrorClass::Permanent, "not_manager"));
        assert!(error.hint.unwrap().contains("docker node ls"));
    }
}

/// The whole of a rotation under the same name, as a plan: every read answers as if the changes
/// before it had been made, and nothing is written.
#[tokio::test]
async fn a_rotation_under_the_same_name_is_planned_without_a_write() {
    let paper = Paper::answering(|method, path, _| match (method, path) {
        ("GET", "/secrets") => Some((200, json!([secret("old", "db")]))),
        ("GET", "/secrets/old") => Some((200, secret("old", "db"))),
        ("GET", "/services") => Some((200, json!([service("s1", "web", "old", "db")]))),
        ("GET", "/services/s1") => Some((200, service("s1", "web", "old", "db"))),
        _ => Some((500, json!({ "message": format!("unexpected {method} {path}") }))),
    });
    let cx = plan_context();
    let plan = async |step: &str, args: Value| call(&paper, &cx, step, args).await.unwrap();
    let old = plan("secret.find", json!({ "name": "db" })).await;
    let value = json!({ "$sealed": "value" });
    let tmp =
        plan("secret.create", json!({ "name": "db.tmp", "value": value, "like": old["id"] })).await;
    assert_eq!(tmp["id"], "planned:db.tmp");
    let s = json!({ "id": "s1", "name": "web" });
    plan("service.switch_secret", json!({ "service": s, "from": old, "to": tmp })).await;
    plan("service.converged", json!({ "service": s, "secret": tmp })).await;
    let users = plan("service.using", json!({ "secret": old })).await;
    assert_eq!(users["services"], json!([]));
    assert_eq!(users["sealing"][0]["name"], "web");
    assert_eq!(plan("service.seal", json!({ "service": s, "secret": old })).await["sealed"], true);
    assert_eq!(plan("service.using", json!({ "secret": old })).await["sealing"], json!([]));
    plan("secret.remove", json!({ "id": old["id"], "name": "db" })).await;
    let new =
        plan("secret.create", json!({ "name": "db", "value": value, "like": tmp["id"] })).await;
    assert_eq!(new["id"], "planned:db");
    assert_eq!(plan("service.using", json!({ "secret": tmp })).await["services"][0]["name"], "web");
    plan("service.switch_secret", json!({ "service": s, "from": tmp, "to": new })).await;
    plan("service.seal", json!({ "service": s, "secret": tmp })).await;
    plan("secret.remove", json!({ "id": tmp["id"], "name": "db.tmp" })).await;
    assert!(paper.requests().iter().all(|r| r.method == "GET"));
}

/// Told for each switch, the first hop of a rotation under the same name asked for stack files that
/// name the `.tmp` secret. What counts is the name in the end.
#[tokio::test]
async fn what_a_stack_file_must_name_is_what_its_service_uses_in_the_end() {
    let paper = Paper::answering(|method, path, _| match (method, path) {
        ("GET", "/services/s1") => {
            let mut web = service("s1", "shop_web", "old", "db");
            web["Spec"]["Labels"] = json!({ "com.docker.stack.namespace": "shop" });
            Some((200, web))
        }
        _ => Some((500, json!({ "message": format!("unexpected {method} {path}") }))),
    });
    let cx = plan_context();
    let hop = async |from: (&str, &str), to: (&str, &str)| {
        let object = |(id, name): (&str, &str)| json!({ "id": id, "name": name });
        let args = json!({
            "service": { "id": "s1", "name": "shop_web" }, "from": object(from), "to": object(to),
        });
        let registry = paper.steps();
        let preview = registry.get("service.switch_secret").unwrap().prepare(&cx, &args).await;
        let mut risks = preview.unwrap().risks.into_iter();
        risks.find(|risk| risk.kind == "stack_file").unwrap().text
    };
    let first = hop(("old", "db"), ("planned:db.tmp", "db.tmp")).await;
    assert!(first.contains("must name db.tmp instead of db"), "{first}");
    let second = hop(("planned:db.tmp", "db.tmp"), ("planned:db", "db")).await;
    assert!(!second.contains("db.tmp") && second.contains("right as it is"), "{second}");
}

/// The manager that was asked was killed, and another one led when it was back: the attempt that
/// began then took the new leader for the one that had always been, and said nothing of tasks that
/// may run and yet not answer.
#[tokio::test]
async fn a_later_attempt_at_a_wait_knows_who_led_at_the_first() {
    let nodes = json!([{ "ID": "b", "Description": { "Hostname": "n2" }, "Spec": {},
        "ManagerStatus": { "Leader": true } }]);
    let paper =
        Paper::answering(move |_, path, _| (path == "/nodes").then(|| (200, nodes.clone())));
    let registry = paper.steps();
    let step = registry.get("service.converged").unwrap();
    let service = json!({ "id": "s", "name": "web", "mode": "replicated", "references": 1 });
    let args = json!({ "service": service, "secret": { "id": "t", "name": "db" } });
    for (before, leader) in [(Value::Null, "n2"), (json!({ "started": 0, "leader": "n1" }), "n1")] {
        let preview = step.prepare(&context().after(before), &args).await.unwrap();
        assert_eq!(preview.base["leader"], leader);
    }
}
