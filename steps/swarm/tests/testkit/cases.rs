//! One case for each step, and more for what is special. A new step is one more case.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use windlass_testkit::{CANARY, Case, Says, Then, Undo};

use super::ground::Ground;

/// Returns all cases.
pub fn all() -> Vec<Case<Ground>> {
    vec![
        Case::new("swarm.check", web, |_| json!({})).ending(&["no_quorum"]),
        Case::new("secret.find", web, |_| json!({ "name": "db" })).comes_to(json!({
            "returns": {
                "id": "db", "name": "db", "created": "2026-01-01T00:00:00Z", "driver": false,
                "templating": false, "labels": { "ansible_key": "(not shown)", "team": "shop" },
            },
        })).when(
            "it is removed",
            |ground| {
                ground.repoint("web", "db_v2");
                ground.remove("secrets", "db");
            },
            Then::Fails("not_found"),
        ),
        Case::new("secret.next_name", web, |_| json!({ "name": "db" }))
            .comes_to(json!({ "returns": { "name": "db_v3" } })),
        create(),
        create_like(),
        create_without_hash(),
        create_like_a_template(),
        remove(),
        remove_what_a_rollback_needs(),
        Case::new("service.using", web, |ground| {
            json!({ "secret": ground.object("secrets", "db") })
        })
        .comes_to(json!({ "returns": {
            "services": [{
                "id": "web", "name": "web", "mode": "replicated", "replicas": 2, "references": 1,
                "stack": null,
            }],
            "sealing": [], "skipped": [],
        } })),
        Case::new("service.check", web, |ground| {
            json!({ "services": [ground.object("services", "web")] })
        })
        .comes_to(json!({ "returns": { "unhealthy": [] } }))
        .when("somebody removes the service", gone, Then::Goes),
        switch(),
        Case::new("service.converged", web, |ground| {
            let service = ground.object("services", "web");
            json!({ "service": service, "secret": ground.object("secrets", "db"), "deadline": "5m" })
        })
        .comes_to(json!({
            "says": "wait until web runs db",
            "returns": { "running": 2, "wanted": 2, "seconds": 1, "note": null },
        }))
        .when(
            "somebody makes the service use another secret",
            |ground| ground.repoint("web", "db_v2"),
            Then::Fails("foreign_change"),
        )
        .when("somebody removes the service", gone, Then::Goes),
        Case::new("service.observe", web, |ground| {
            let services = [ground.object("services", "web")];
            json!({ "services": services, "secret": ground.object("secrets", "db"), "window": "1m" })
        })
        .comes_to(json!({ "says": "watch 1 services with db for 1m", "returns": { "seconds": 60 } }))
        .when(
            "somebody makes the service use another secret",
            |ground| ground.repoint("web", "db_v2"),
            Then::Fails("foreign_change"),
        )
        .when("somebody removes the service", gone, Then::Goes),
        seal(),
    ]
}

/// Two secrets, and a service that uses one of them.
fn web(ground: &Ground) {
    ground.secret("db", json!({ "team": "shop", "ansible_key": "0123" }));
    ground.secret("db_v2", json!({}));
    ground.service("web", 2, "db", json!({}));
}

/// Another image, whose rollout has just begun.
fn busy(ground: &Ground) {
    ground.write("web", |spec| {
        spec["TaskTemplate"]["ContainerSpec"]["Image"] = json!("windlass/app:2");
    });
    ground.until_updating("web");
}

fn gone(ground: &Ground) {
    ground.remove("services", "web");
}

/// The value of the run.
fn value() -> Value {
    json!({ "$sealed": "value" })
}

/// Returns what comes of a secret that is made: with these labels beside ours, and no more.
fn created(name: &str, labels: Value, more: Value, warns: &[&str]) -> Value {
    let mut secret = json!({ "Name": name, "Labels": {
        "io.windlass.run": "run_test", "io.windlass.call": "1",
        "io.windlass.mac": "5ecf1e5678cb3a530003a75079fe634c",
    } });
    secret["Labels"].as_object_mut().unwrap().extend(labels.as_object().unwrap().clone());
    secret.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "says": format!("create secret {name}"), "warns": warns, "restarts": [],
        "returns": { "id": name, "name": name },
        "changes": {
            format!("/secrets/{name}"): secret,
            format!("/values/{name}"): STANDARD.encode(CANARY),
        },
    })
}

fn create() -> Case<Ground> {
    Case::new("secret.create", web, |_| json!({ "name": "db_v3", "value": value() }))
        .comes_to(created("db_v3", json!({}), json!({}), &[]))
        .when(
            "somebody makes a secret of that name",
            |ground| ground.secret("db_v3", json!({})),
            Then::ApplyRefused(Says::Foreign, "exists"),
        )
        .when(
            "there is a secret of that name",
            |ground| ground.secret("db_v3", json!({})),
            Then::PrepareRefused("exists"),
        )
        .when(
            "somebody makes one that says it is ours",
            |ground| {
                let (run, call) = ("io.windlass.run", "io.windlass.call");
                ground.secret("db_v3", json!({ run: "run_test", call: "1" }));
            },
            Then::ApplyRefused(Says::Foreign, "exists"),
        )
        .when(
            "somebody makes it anew",
            |ground| {
                ground.remove("secrets", "db_v3");
                ground.secret("db_v3", json!({}));
            },
            Then::NothingToUndo(Says::Foreign),
        )
        .when(
            "somebody removes it",
            |ground| ground.remove("secrets", "db_v3"),
            Then::NothingToUndo(Says::NotApplied),
        )
        .when(
            "somebody uses it",
            |ground| ground.service("other", 1, "db_v3", json!({})),
            Then::UndoRefused(Says::Applied, "in_use"),
        )
}

/// Ansible's unsalted hash of the old value becomes that of the new one.
fn create_like() -> Case<Ground> {
    let args = |ground: &Ground| {
        let like = ground.object("secrets", "db")["id"].clone();
        json!({ "name": "db_v3", "value": value(), "like": like, "newline": "strip" })
    };
    Case::new("secret.create", web, args).titled("like another").comes_to(created(
        "db_v3",
        // What `printf canary... | sha224sum` prints.
        json!({
            "team": "shop",
            "ansible_key": "620f9e641a0dfef83288504dc74f3223bea996b30ad7b821f0a3aea6",
        }),
        json!({}),
        &["ansible: db"],
    ))
}

fn create_without_hash() -> Case<Ground> {
    let args = |ground: &Ground| {
        let like = ground.object("secrets", "db")["id"].clone();
        json!({ "name": "db_v3", "value": value(), "like": like, "ansible_key": "drop" })
    };
    Case::new("secret.create", web, args).titled("without Ansible's hash").comes_to(created(
        "db_v3",
        json!({ "team": "shop" }),
        json!({}),
        &["ansible: db"],
    ))
}

fn create_like_a_template() -> Case<Ground> {
    let world = |ground: &Ground| {
        let templating = json!({ "Name": "golang" });
        let spec = json!({ "Name": "form", "Data": "b2xk", "Templating": templating });
        ground.api("POST", "/secrets/create", &spec);
    };
    let args = |ground: &Ground| {
        let like = ground.object("secrets", "form")["id"].clone();
        json!({ "name": "form_v2", "value": value(), "like": like })
    };
    Case::new("secret.create", world, args).titled("like a template").comes_to(created(
        "form_v2",
        json!({}),
        json!({ "Templating": { "Name": "golang" } }),
        &[],
    ))
}

/// A rollback would bring back what is removed.
fn remove_what_a_rollback_needs() -> Case<Ground> {
    let world = |ground: &Ground| {
        web(ground);
        ground.repoint("web", "db_v2");
    };
    Case::new("secret.remove", world, |ground| ground.object("secrets", "db"))
        .titled("which a rollback would need")
        .comes_to(json!({ "warns": ["rollback: web"] }))
        .undone(Undo::Refused)
}

fn remove() -> Case<Ground> {
    Case::new("secret.remove", web, |ground| ground.object("secrets", "db_v2"))
        .comes_to(json!({
            "says": "remove secret db_v2 for good", "warns": [], "restarts": [],
            "changes": { "/secrets/db_v2": null, "/values/db_v2": null },
        }))
        .undone(Undo::Refused)
        .when(
            "somebody uses it",
            |ground| ground.service("other", 1, "db_v2", json!({})),
            Then::ApplyRefused(Says::NotApplied, "in_use"),
        )
        .when(
            "somebody uses it already",
            |ground| ground.service("other", 1, "db_v2", json!({})),
            Then::PrepareRefused("in_use"),
        )
}

fn switch() -> Case<Ground> {
    let args = |ground: &Ground| {
        let (from, to) = (ground.object("secrets", "db"), ground.object("secrets", "db_v2"));
        json!({ "service": ground.object("services", "web"), "from": from, "to": to })
    };
    let env = |ground: &Ground| {
        ground.respec("web", |spec| {
            spec["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["MODE=other"]);
        });
    };
    let runs = r#"running windlass/app:latest ["db_v2"]"#;
    Case::new("service.switch_secret", web, args)
        .comes_to(json!({
            "says": "switch web from db to db_v2", "restarts": ["web"],
            "warns": ["health_check: web"],
            "returns": { "id": "web", "name": "web", "references": 1, "untouched": true },
            "changes": {
                "/services/web/rollback": ["db"],
                "/services/web/runs": [runs, runs],
                "/services/web/spec/TaskTemplate/ContainerSpec/Secrets": [{
                    "File": { "Name": "/etc/db", "UID": "33", "GID": "33", "Mode": 256 },
                    "SecretID": "db_v2", "SecretName": "db_v2",
                }],
            },
        }))
        .when("somebody is updating it", busy, Then::Fails("update_in_progress"))
        .when("somebody changes the environment before", env, Then::Before(Says::NotApplied))
        .when("somebody changes the environment after", env, Then::After(Says::Applied))
        .when(
            "somebody makes it use a third secret",
            |ground| {
                ground.secret("third", json!({}));
                ground.repoint("web", "third");
            },
            Then::ApplyRefused(Says::Foreign, "foreign_change"),
        )
        .when(
            "somebody makes it use a third secret after",
            |ground| {
                ground.secret("third", json!({}));
                ground.repoint("web", "third");
            },
            Then::UndoRefused(Says::Foreign, "foreign_change"),
        )
        .when("somebody removes the service", gone, Then::NothingToUndo(Says::Applied))
        .when("somebody has removed the service", gone, Then::Goes)
}

fn seal() -> Case<Ground> {
    let world = |ground: &Ground| {
        web(ground);
        ground.repoint("web", "db_v2");
    };
    let args = |ground: &Ground| {
        let service = ground.object("services", "web");
        json!({ "service": service, "secret": ground.object("secrets", "db") })
    };
    Case::new("service.seal", world, args)
        .comes_to(json!({
            "says": "seal web against a rollback to db", "restarts": [], "warns": [],
            "returns": { "sealed": true }, "changes": { "/services/web/rollback": [] },
        }))
        .undone(Undo::Nothing)
        .when("somebody is updating it", busy, Then::Fails("update_in_progress"))
        .when(
            "somebody goes back to it, and on from there",
            |ground| {
                ground.repoint("web", "db");
                ground.respec("web", |spec| spec["Labels"]["team"] = json!("other"));
            },
            Then::PrepareRefused("in_use"),
        )
        .when("somebody removes the service", gone, Then::NothingToUndo(Says::Applied))
        .when("somebody has removed the service", gone, Then::Goes)
}
