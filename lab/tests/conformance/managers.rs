//! Several managers: who leads, who is one, and what a new leader does to updates under way.
//!
//! The swarm answers through a manager that does not lead. While there is no leader requests wait
//! or are refused; a case that changes the leader asks again until there is one.

use serde_json::{Value, json};

use crate::chapter::{Case, cases};
use crate::place::{Answer, Place};
use crate::service::{app, fates, ids};
use crate::updates::{slow, starting};

pub const CASES: &[Case] = cases![
    managers_are_reachable_and_one_of_them_leads,
    a_manager_is_demoted_and_promoted_again,
    another_manager_leads_when_the_leader_is_demoted,
    a_new_leader_stops_the_old_task_of_a_start_first_replacement,
];

/// Returns the nodes by name; none while nobody can tell.
fn nodes(place: &Place) -> Option<Vec<Value>> {
    let answer = place.ask("GET", "/nodes", &Value::Null);
    let mut nodes = answer.body.as_array().filter(|_| answer.status == 200)?.clone();
    nodes.sort_by_key(|node| node["Description"]["Hostname"].to_string());
    Some(nodes)
}

fn leader(place: &Place) -> Option<Value> {
    nodes(place)?.into_iter().find(|node| node["ManagerStatus"]["Leader"] == true)
}

/// Returns the manager that neither leads nor answers.
fn third(place: &Place) -> Value {
    let own = place.get("/info")["Swarm"]["NodeID"].clone();
    let idle = |node: &Value| node["ID"] != own && node["ManagerStatus"]["Leader"] != true;
    nodes(place).unwrap().into_iter().find(idle).unwrap()
}

fn path(node: &Value) -> String {
    format!("/nodes/{}", node["ID"].as_str().unwrap())
}

/// How long the managers may take over a change of a role before it is asked for anew. A node that
/// is promoted while it is still leaving the managers can stay between the roles for good.
const ROLE_MS: i64 = 50_000;

/// Changes the role of a node, and waits until the managers have done so. Returns the first
/// answer that was not for want of a leader.
fn set_role(place: &Place, node: &Value, role: &str) -> Answer {
    let answer = ask_role(place, node, role);
    while !is_taken(place, node, role) {
        ask_role(place, node, if role == "manager" { "worker" } else { "manager" });
        ask_role(place, node, role);
    }
    answer
}

fn ask_role(place: &Place, node: &Value, role: &str) -> Answer {
    place.wait_until("the role is taken", || {
        let found = place.ask("GET", &path(node), &Value::Null);
        let mut spec = found.body["Spec"].clone();
        spec["Role"] = json!(role);
        let version = &found.body["Version"]["Index"];
        let target = format!("{}/update?version={version}", path(node));
        let answer = (found.status == 200).then(|| place.ask("POST", &target, &spec))?;
        (answer.status != 500).then_some(answer)
    })
}

/// Tells whether the managers have done so in time.
fn is_taken(place: &Place, node: &Value, role: &str) -> bool {
    let end = place.world.now() + ROLE_MS;
    place.wait_until("the managers have done so, or take too long", || {
        let is_so = nodes(place).is_some_and(|nodes| {
            let manager = nodes.iter().find(|one| one["ID"] == node["ID"]);
            let manager = manager.map(|one| &one["ManagerStatus"]).unwrap_or(&Value::Null);
            let leads = nodes.iter().any(|one| one["ManagerStatus"]["Leader"] == true);
            let done = match role {
                "manager" => manager["Reachability"] == "reachable",
                _ => manager.is_null(),
            };
            leads && done
        });
        (is_so || place.world.now() >= end).then_some(is_so)
    })
}

/// Returns for each node its role, whether it leads, and how the managers see it.
fn roles(place: &Place) -> Vec<Value> {
    let nodes = place.wait_until("somebody leads", || leader(place).and_then(|_| nodes(place)));
    let shown = |node: &Value| {
        let manager = &node["ManagerStatus"];
        json!([node["Spec"]["Role"], node["Status"]["State"], manager["Reachability"]])
    };
    nodes.iter().map(shown).collect()
}

fn managers_are_reachable_and_one_of_them_leads(place: &Place) -> Value {
    let leaders = nodes(place).unwrap();
    let leaders = leaders.iter().filter(|node| node["ManagerStatus"]["Leader"] == true).count();
    let info = &place.get("/info")["Swarm"];
    json!({
        "nodes": roles(place), "leaders": leaders, "managers": info["Managers"],
        "error": info["Error"],
    })
}

fn a_manager_is_demoted_and_promoted_again(place: &Place) -> Value {
    let service = place.running(&app(place, "api", 3));
    let before = place.wanted(&service);
    let node = third(place);
    let demoted = set_role(place, &node, "worker").said();
    let spec = place.get(&path(&node))["Spec"]["Role"].clone();
    let promoted = set_role(place, &node, "manager").said();
    let after = place.wanted(&service);
    json!({
        "demote": demoted, "role": spec, "promote": promoted, "nodes": roles(place),
        "same tasks": ids(&after) == ids(&before),
    })
}

fn another_manager_leads_when_the_leader_is_demoted(place: &Place) -> Value {
    let old = leader(place).unwrap();
    let demoted = set_role(place, &old, "worker").said();
    let new = place.wait_until("somebody leads", || leader(place));
    let promoted = set_role(place, &old, "manager").said();
    let last = place.wait_until("somebody leads", || leader(place));
    json!({
        "demote": demoted, "another leads": new["ID"] != old["ID"], "promote": promoted,
        "it leads again": last["ID"] == old["ID"],
    })
}

/// The last case: a node is gone afterwards.
fn a_new_leader_stops_the_old_task_of_a_start_first_replacement(place: &Place) -> Value {
    // The leader must not be the one that answers, or nobody would after it is killed.
    let own = place.get("/info")["Swarm"]["NodeID"].clone();
    let old = place.wait_until("somebody leads", || leader(place));
    if old["ID"] == own {
        set_role(place, &old, "worker");
        set_role(place, &old, "manager");
    }
    let old = place.wait_until("somebody leads", || leader(place));
    let name = old["Description"]["Hostname"].as_str().unwrap();
    let mut spec = slow(place);
    let elsewhere = format!("node.hostname!={name}");
    spec["TaskTemplate"]["Placement"] = json!({ "Constraints": [elsewhere] });
    let service = starting(place, &spec);
    let before = fates(&place.tasks(&service));
    place.world.kill_node(name);
    let new = place.wait_until("another manager leads", || {
        leader(place).filter(|leader| leader["ID"] != old["ID"])
    });
    let stopped = place.wait_until("the old task is to stop", || {
        let tasks = place.tasks(&service);
        (tasks[0]["DesiredState"] == "shutdown").then(|| tasks[1]["Status"]["State"].clone())
    });
    let settled = place.settled(&service);
    let dead = place.wait_until("the dead manager is missed", || {
        let node = place.get(&path(&old));
        (node["Status"]["State"] == "down").then_some(node)
    });
    let removed = || place.ask("DELETE", &path(&old), &Value::Null).said();
    let as_manager = removed();
    let demoted = set_role(place, &old, "worker").said();
    json!({
        "before": before, "another leads": new["ID"] != old["ID"],
        "the new task when the old one is stopped": stopped, "update": settled,
        "dead manager": dead["ManagerStatus"]["Reachability"], "remove it": as_manager,
        "demote it": demoted, "then remove it": removed(), "left": roles(place).len(),
    })
}
