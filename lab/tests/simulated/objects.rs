//! Secrets and configs: rules and texts, as the real daemon was seen to answer.

use serde_json::json;

use crate::bench::{Bench, app, reference};

#[tokio::test]
async fn secrets_live_as_in_a_real_swarm() {
    let bench = Bench::new().await;
    let id = bench.secret("s1", "v1").await;
    let again = json!({ "Name": "s1", "Data": "djE=" });
    let exists = "rpc error: code = AlreadyExists desc = secret s1 already exists";
    assert_eq!(bench.refused("/secrets/create", &again).await, (409, exists.into()));

    let secret = bench.get("/v1.41/secrets/s1").await;
    assert_eq!(secret["ID"], id);
    assert_eq!(secret["Spec"], json!({ "Name": "s1", "Labels": {} }));
    let version = secret["Version"]["Index"].as_u64().unwrap();
    let update = format!("/secrets/{id}/update?version={version}");
    bench.posted(&update, &json!({ "Name": "s1", "Labels": { "x": "y" } })).await;
    let stale = "rpc error: code = Unknown desc = update out of sequence";
    let labels = json!({ "Name": "s1", "Labels": { "x": "z" } });
    assert_eq!(bench.refused(&update, &labels).await, (500, stale.into()));
    let only = "rpc error: code = InvalidArgument desc = only updates to Labels are allowed";
    let renamed = json!({ "Name": "s2", "Labels": { "x": "y" } });
    assert_eq!(bench.refused(&update, &renamed).await, (400, only.into()));

    let (status, answer) = bench.ask("GET", "/secrets/nope", &json!(null)).await;
    assert_eq!((status, &answer["message"]), (404, &json!("secret nope not found")));
    let (status, _) = bench.ask("DELETE", &format!("/secrets/{}", &id[..8]), &json!(null)).await;
    assert_eq!(status, 204);
    assert_eq!(bench.get("/secrets").await, json!([]));
}

#[tokio::test]
async fn a_secret_in_use_can_not_be_removed() {
    let bench = Bench::new().await;
    let id = bench.secret("d", "v").await;
    let mut spec = app("s1", 1);
    spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([reference(&id, "d", "pw")]);
    bench.service(&spec).await;
    let in_use = |services| {
        format!(
            "rpc error: code = InvalidArgument desc = secret 'd' is in use by the following {services}"
        )
    };
    let (status, answer) = bench.ask("DELETE", "/secrets/d", &json!(null)).await;
    assert_eq!((status, &answer["message"]), (400, &json!(in_use("service: s1"))));
    // Once the spec names it no more it can be removed, though the spec before still does.
    bench.change("s1", |spec| spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([])).await;
    let (status, _) = bench.ask("DELETE", "/secrets/d", &json!(null)).await;
    assert_eq!(status, 204);
}

#[tokio::test]
async fn names_sizes_and_references_are_checked() {
    let bench = Bench::new().await;
    let id = bench.secret("s1", "v1").await;
    let name = "rpc error: code = InvalidArgument desc = invalid name, only 64 [a-zA-Z0-9-_.] \
        characters allowed, and the start and end character must be [a-zA-Z0-9]";
    let size = "rpc error: code = InvalidArgument desc = secret data must be larger than 0 and \
        less than 512000 bytes";
    for (body, status, message) in [
        (json!({ "Name": "bad name", "Data": "djE=" }), 400, name),
        (json!({ "Name": "nodata" }), 400, size),
        (json!({ "Name": "b", "Data": "%%%" }), 400, "illegal base64 data at input byte 0"),
    ] {
        assert_eq!(bench.refused("/secrets/create", &body).await, (status, message.to_owned()));
    }
    let one = reference(&id, "s1", "pw");
    for (refs, message) in [
        (json!([one, one]), "secret references 's1' and 's1' have a conflicting target: 'pw'"),
        (json!([reference("xxxx", "gone", "pw")]), "secret not found: gone"),
        (json!([reference(&id, "other", "pw")]), "secret not found: other"),
        (
            json!([reference("xxxx", "a", "pw"), reference("yyyy", "b", "pq")]),
            "secrets not found: a, b",
        ),
    ] {
        let mut spec = app("x", 1);
        spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = refs;
        let message = format!("rpc error: code = InvalidArgument desc = {message}");
        assert_eq!(bench.refused("/services/create", &spec).await, (400, message));
    }
}

#[tokio::test]
async fn a_config_shows_its_data_and_filters_find_by_name_and_label() {
    let bench = Bench::new().await;
    let body = json!({ "Name": "c1", "Labels": { "a": "b" }, "Data": "djE=" });
    bench.posted("/configs/create", &body).await;
    bench.posted("/configs/create", &json!({ "Name": "c10", "Data": "djE=" })).await;
    assert_eq!(bench.get("/configs/c1").await["Spec"], body);
    let count = async |filter: &str| {
        bench.get(&format!("/configs?filters={filter}")).await.as_array().unwrap().len()
    };
    assert_eq!(count("{\"name\":[\"c1\"]}").await, 2);
    assert_eq!(count("{\"label\":{\"a=b\":true}}").await, 1);
    let (status, answer) =
        bench.ask("GET", "/configs?filters={\"names\":[\"c1\"]}", &json!(null)).await;
    assert_eq!((status, &answer["message"]), (400, &json!("Invalid filter 'names'")));
}
