//! Bodies as Go reads them, and the rules of what is in them. Nothing runs here.

use serde_json::{Value, json};
use windlass_lab::image;

use crate::chapter::{Case, cases};
use crate::place::{Place, base64};
use crate::service::{MS, app};

pub const CASES: &[Case] = cases![
    names_of_fields_are_matched_whatever_their_case,
    the_last_of_two_fields_counts_and_maps_are_merged,
    a_value_of_another_type_is_refused_with_field_and_type,
    a_body_that_is_no_json_is_refused,
    what_follows_a_body_is_not_looked_at,
    base64_may_have_ends_of_lines_and_nothing_else,
    a_secret_driver_that_is_not_there_is_refused,
    resources_have_least_values,
    ports_of_others_are_refused_as_far_as_they_collide,
    an_endpoint_by_dns_has_no_ingress_ports,
    constraints_have_a_grammar,
    templates_are_tried_out,
    health_checks_and_restarts_have_limits,
    kinds_of_mounts_and_runtimes_are_known,
    filters_have_words,
    events_are_asked_for_by_seconds,
    a_network_may_have_a_subnet,
];

/// Returns what became of a service whose spec has this at a path such as `Mode.Global`.
fn with(place: &Place, name: &str, path: &str, value: Value) -> Value {
    let mut spec = app(place, name, 0);
    let pointer = path.split('.').fold(&mut spec, |at, key| &mut at[key]);
    *pointer = value;
    let answer = place.ask("POST", "/services/create", &spec);
    json!(if answer.status == 201 { "201".to_owned() } else { answer.said() })
}

const TASK: &str = "TaskTemplate";
const CONTAINER: &str = "TaskTemplate.ContainerSpec";

fn names_of_fields_are_matched_whatever_their_case(place: &Place) -> Value {
    let path = place.service(&json!({
        "name": place.name("api"),
        "labels": { "Ab": "1", "ab": "2" },
        "tasktemplate": {
            "CONTAINERSPEC": { "image": image::APP, "env": ["A=1"] },
            "restartpolicy": { "condition": "none", "maxattempts": 3 },
        },
        "mode": { "replicated": { "replicas": 0 } },
        "updateconfig": { "parallelism": 3, "failureaction": "continue" },
        "endpointspec": { "ports": [{ "targetport": 80, "publishmode": "host" }] },
    }));
    let secret = json!({ "name": place.name("s"), "data": base64(b"x"), "LABELS": { "A": "1" } });
    let secret = place.create("/secrets/create", &secret);
    json!({
        "service": place.get(&path)["Spec"],
        "secret": place.get(&format!("/secrets/{secret}"))["Spec"],
    })
}

fn the_last_of_two_fields_counts_and_maps_are_merged(place: &Place) -> Value {
    let path = place.service(&json!({
        "NAME": "no.name", "Name": place.name("api"),
        "TaskTemplate": { "ContainerSpec": { "Image": image::APP } },
        "Mode": { "Replicated": { "Replicas": 5 } }, "mode": { "replicated": { "REPLICAS": 0 } },
        "Labels": { "a": "1" }, "labels": { "b": "2", "c": null },
    }));
    let spec = &place.get(&path)["Spec"];
    json!({ "name": spec["Name"], "mode": spec["Mode"], "labels": spec["Labels"] })
}

fn a_value_of_another_type_is_refused_with_field_and_type(place: &Place) -> Value {
    let mut seen = Vec::new();
    for (path, value) in [
        ("Mode.Replicated.Replicas", json!("2")),
        ("Mode.Replicated.Replicas", json!(1.5)),
        ("Mode.Replicated.Replicas", json!(-1)),
        ("Mode", json!("x")),
        ("Labels", json!({ "a": 1 })),
        ("Labels", json!(["a"])),
        ("Name", json!(5)),
        ("UpdateConfig.Delay", json!("1s")),
        ("UpdateConfig.MaxFailureRatio", json!("0")),
        ("UpdateConfig", json!([])),
        ("TaskTemplate.ForceUpdate", json!(true)),
        ("TaskTemplate.Networks", json!(["x"])),
        ("TaskTemplate.RestartPolicy.Condition", json!(5)),
        ("TaskTemplate.ContainerSpec.Env", json!("A")),
        ("TaskTemplate.ContainerSpec.TTY", json!("yes")),
        ("TaskTemplate.ContainerSpec.Secrets", json!({})),
        ("TaskTemplate.ContainerSpec.Secrets", json!([{ "SecretID": 5 }])),
        ("TaskTemplate.ContainerSpec.Mounts", json!([{ "Type": 5 }])),
        ("EndpointSpec.Ports", json!([{ "PublishedPort": "80" }])),
    ] {
        seen.push(with(place, "api", path, value));
    }
    let ask = |path: &str, body: Value| place.ask("POST", path, &body).said();
    json!({
        "service": seen, "list": ask("/services/create", json!([1])),
        "secret": ask("/secrets/create", json!({ "Name": "s", "Data": 5 })),
        "config": ask("/configs/create", json!({ "Name": 5 })),
    })
}

fn a_body_that_is_no_json_is_refused(place: &Place) -> Value {
    let said = |body: &str| place.said("POST", "/services/create", body);
    json!([said(""), said("{\"Name\":"), said("{Name:1}"), said("null")])
}

fn what_follows_a_body_is_not_looked_at(place: &Place) -> Value {
    let body = format!("{} and more", app(place, "api", 0));
    let said = place.said("POST", "/services/create", &body);
    json!(said.split(' ').next())
}

fn base64_may_have_ends_of_lines_and_nothing_else(place: &Place) -> Value {
    let mut seen = Vec::new();
    for (index, data) in
        ["YWJj\n", "YW\r\nJj", "_-8=", "YWJ", "YW J", "a===="].into_iter().enumerate()
    {
        let body = json!({ "Name": place.name(&index.to_string()), "Data": data });
        let answer = place.ask("POST", "/secrets/create", &body);
        seen.push(if answer.status == 201 { "201".to_owned() } else { answer.said() });
    }
    json!(seen)
}

fn a_secret_driver_that_is_not_there_is_refused(place: &Place) -> Value {
    let body = json!({
        "Name": place.name("s"), "Data": base64(b"x"), "Driver": { "Name": "nope" },
    });
    let secret = place.ask("POST", "/secrets/create", &body).said();
    let config = place.ask("POST", "/configs/create", &body).status;
    json!({ "secret": secret, "config": config })
}

fn resources_have_least_values(place: &Place) -> Value {
    let said = |name: &str, path: &str, value: i64| {
        with(place, name, &format!("{TASK}.Resources.{path}"), json!(value))
    };
    json!({
        "1 MiB": said("a", "Limits.MemoryBytes", 1 << 20),
        "4 MiB": said("b", "Limits.MemoryBytes", 4 << 20),
        "reserved": said("c", "Reservations.MemoryBytes", 1 << 20),
        "cpu": said("d", "Limits.NanoCPUs", 1000), "more cpu": said("e", "Limits.NanoCPUs", 500_000),
        "enough": said("f", "Reservations.NanoCPUs", 1_000_000),
    })
}

fn ports_of_others_are_refused_as_far_as_they_collide(place: &Place) -> Value {
    let said =
        |name: &str, ports: Value| with(place, name, "EndpointSpec", json!({ "Ports": ports }));
    let port = |port: u64, mode: &str| json!({ "TargetPort": 80, "PublishedPort": port, "PublishMode": mode });
    json!({
        "ingress": said("a", json!([port(9000, "ingress")])),
        "host": said("b", json!([port(9001, "host")])),
        "host at another's ingress": said("c", json!([port(9000, "host")])),
        "ingress at another's host": said("d", json!([port(9001, "ingress")])),
        "host at another's host": said("e", json!([port(9001, "host")])),
        "both": said("f", json!([port(9002, "host"), port(9002, "ingress")])),
    })
}

fn an_endpoint_by_dns_has_no_ingress_ports(place: &Place) -> Value {
    let said = |name: &str, mode: &str, publish: &str| {
        let port = json!({ "TargetPort": 80, "PublishedPort": 9100, "PublishMode": publish });
        with(place, name, "EndpointSpec", json!({ "Mode": mode, "Ports": [port] }))
    };
    json!({
        "ingress": said("a", "dnsrr", "ingress"), "host": said("b", "dnsrr", "host"),
        "another mode": said("c", "nope", "host"),
    })
}

fn constraints_have_a_grammar(place: &Place) -> Value {
    let mut seen = json!({});
    for (index, text) in [
        "node.role===x",
        "node.role!==x",
        "node.role==x==y",
        "node.role==a@b",
        "node.role==a b",
        "node.labels.x==a/b:c*d",
        "node.la@b==a",
        "-node==a",
        "node.role==(a)",
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{TASK}.Placement.Constraints");
        seen[text] = with(place, &format!("c{index}"), &path, json!([text]));
    }
    seen
}

fn templates_are_tried_out(place: &Place) -> Value {
    let mut seen = json!({});
    for (index, text) in [
        "{{.Task.Slot}} {{.Node.Hostname}}",
        "{{.Nope}}",
        "{{.Service.Nope}}",
        "{{",
        "{{nope 1}}",
        "{{index .Service.Labels \"x\"}}",
    ]
    .into_iter()
    .enumerate()
    {
        let env = format!("A={text}");
        seen[text] = with(place, &format!("t{index}"), &format!("{CONTAINER}.Env"), json!([env]));
    }
    seen["host name"] = with(place, "h", &format!("{CONTAINER}.Hostname"), json!("{{.Nope}}"));
    let mount = json!([{ "Type": "volume", "Source": "{{.Nope}}", "Target": "/x" }]);
    seen["mount"] = with(place, "m", &format!("{CONTAINER}.Mounts"), mount);
    seen
}

fn health_checks_and_restarts_have_limits(place: &Place) -> Value {
    let health = |name: &str, key: &str, value: i64| {
        with(place, name, &format!("{CONTAINER}.Healthcheck.{key}"), json!(value))
    };
    json!({
        "interval": health("a", "Interval", 1000), "timeout": health("b", "Timeout", 1000),
        "start": health("c", "StartPeriod", -1), "retries": health("d", "Retries", -1),
        "a millisecond": health("e", "Interval", MS as i64),
        "window": with(place, "f", &format!("{TASK}.RestartPolicy.Window"), json!(-1)),
    })
}

fn kinds_of_mounts_and_runtimes_are_known(place: &Place) -> Value {
    let mount = json!([{ "Type": "nope", "Source": "a", "Target": "/x" }]);
    json!({
        "mount": with(place, "a", &format!("{CONTAINER}.Mounts"), mount),
        "runtime": with(place, "b", &format!("{TASK}.Runtime"), json!("nope")),
    })
}

fn filters_have_words(place: &Place) -> Value {
    let id = place.create("/services/create", &app(place, "api", 0));
    let said = |path: &str, filters: Value| {
        let filters = crate::place::encoded(&filters.to_string());
        let answer = place.ask("GET", &format!("{path}?filters={filters}"), &Value::Null);
        match answer.body.as_array() {
            Some(list) => json!(list.len()),
            None => json!(answer.said()),
        }
    };
    json!({
        "role": said("/nodes", json!({ "role": ["cook"] })),
        "membership": said("/nodes", json!({ "membership": ["cook"] })),
        "containers": said("/services", json!({ "id": [id], "runtime": ["container"] })),
        "plugins": said("/services", json!({ "id": [id], "runtime": ["plugin"] })),
        "tasks of plugins": said("/tasks", json!({ "runtime": ["plugin"] })),
    })
}

fn events_are_asked_for_by_seconds(place: &Place) -> Value {
    let said = |query: &str| place.ask("GET", &format!("/events?{query}"), &Value::Null).said();
    json!([
        said("since=x&until=1"),
        said("since=0&until=x"),
        said("since=5&until=1"),
        said("since=1.5x&until=2"),
        said("until=1"),
    ])
}

fn a_network_may_have_a_subnet(place: &Place) -> Value {
    let said = |name: &str, ranges: Value| {
        let body = json!({
            "Name": place.name(name), "Driver": "overlay", "IPAM": { "Config": ranges },
        });
        let answer = place.ask("POST", "/networks/create", &body);
        if answer.status != 201 {
            return json!(answer.said());
        }
        let path = format!("/networks/{}", answer.body["Id"].as_str().unwrap());
        place.wait_until("it has its addresses", || {
            let ranges = place.get(&path)["IPAM"]["Config"].clone();
            ranges.is_array().then_some(ranges)
        })
    };
    json!({
        "subnet": said("a", json!([{ "Subnet": "10.77.0.0/16" }])),
        "gateway": said("b", json!([{ "Subnet": "10.78.0.0/24", "Gateway": "10.78.0.9" }])),
        "none": said("c", json!([{ "Subnet": "nope" }])),
    })
}
