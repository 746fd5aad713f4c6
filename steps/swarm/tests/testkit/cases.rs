//! One case for each step, and more for what is special. A new step is one more case.

use serde_json::{Value, json};
use windlass_testkit::{Case, Says, Then, Undo};

use crate::ground::Ground;

/// Returns all cases.
pub fn all() -> Vec<Case<Ground>> {
    vec![
        Case::new("swarm.check", web, |_| json!({})).ending(&["no_quorum"]),
        Case::new("secret.find", web, |_| json!({ "name": "db" })).when(
            "it is removed",
            |ground| {
                ground.repoint("web", "db_v2");
                ground.remove("secrets", "db");
            },
            Then::Fails("not_found"),
        ),
        Case::new("secret.next_name", web, |_| json!({ "name": "db" })),
        create(),
        create_like(),
        remove(),
        Case::new("service.using", web, |ground| {
            json!({ "secret": ground.object("secrets", "db") })
        }),
        Case::new("service.check", web, |ground| {
            json!({ "services": [ground.object("services", "web")] })
        })
        .when("somebody removes the service", gone, Then::Goes),
        switch(),
        Case::new("service.converged", web, |ground| {
            let service = ground.object("services", "web");
            json!({ "service": service, "secret": ground.object("secrets", "db"), "deadline": "5m" })
        })
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

fn gone(ground: &Ground) {
    ground.remove("services", "web");
}

/// The value of the run.
fn value() -> Value {
    json!({ "$sealed": "value" })
}

fn create() -> Case<Ground> {
    Case::new("secret.create", web, |_| json!({ "name": "db_v3", "value": value() }))
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

fn create_like() -> Case<Ground> {
    let args = |ground: &Ground| {
        let like = ground.object("secrets", "db")["id"].clone();
        json!({ "name": "db_v3", "value": value(), "like": like, "newline": "strip" })
    };
    Case::new("secret.create", web, args).titled("like another")
}

fn remove() -> Case<Ground> {
    Case::new("secret.remove", web, |ground| ground.object("secrets", "db_v2"))
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
    Case::new("service.switch_secret", web, args)
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
        .undone(Undo::Nothing)
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
