//! `/swarm`: its settings, and leaving and making one.

use serde_json::{Value, json};

use super::render;
use super::route::{Answer, Ask, not_here};
use super::schema::{SWARM, SWARM_INIT};
use crate::simulated::model::Model;
use crate::simulated::model::refusal::Refusal;

pub(crate) fn route(model: &mut Model, rest: &[&str], ask: &Ask) -> Result<Answer, Refusal> {
    match (ask.method.as_str(), rest) {
        ("GET", []) => inspect(model),
        ("POST", ["init"]) => {
            model.init(ask.read(&SWARM_INIT)?)?;
            Ok(Answer::json(200, json!(model.own_node.as_str()).to_string()))
        }
        ("POST", ["join"]) => Err(model.join()),
        ("POST", ["leave"]) => {
            model.leave(ask.query.is_set("force"))?;
            Ok(Answer::empty(200))
        }
        ("POST", ["update"]) => update(model, ask),
        ("GET", ["unlockkey"]) => {
            model.check_active()?;
            Ok(Answer::json(200, json!({ "UnlockKey": model.swarm.unlock_key() }).to_string()))
        }
        ("POST", ["unlock"]) => Err(Refusal::new(409, "swarm is not locked")),
        _ => Err(not_here()),
    }
}

fn inspect(model: &Model) -> Result<Answer, Refusal> {
    model.check_active()?;
    let mut swarm = cluster(model);
    let [workers, managers, _] = model.swarm.rotated;
    swarm["JoinTokens"] = json!({
        "Worker": format!("SWMTKN-1-simulated-worker{workers}"),
        "Manager": format!("SWMTKN-1-simulated-manager{managers}"),
    });
    Ok(Answer::json(200, swarm.to_string()))
}

fn update(model: &mut Model, ask: &Ask) -> Result<Answer, Refusal> {
    let spec = ask.read(&SWARM)?;
    let version = ask.query.get("version");
    let version = version.parse().map_err(|_| {
        Refusal::bad(format!(
            "invalid swarm version '{version}': strconv.ParseUint: parsing {version:?}: invalid syntax"
        ))
    })?;
    let mut rotate = [false; 3];
    for (rotate, key) in
        rotate.iter_mut().zip(["rotateWorkerToken", "rotateManagerToken", "rotateManagerUnlockKey"])
    {
        *rotate = match ask.query.get(key) {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            odd => return Err(Refusal::bad(format!("invalid value for {key}: {odd}"))),
        };
    }
    model.check_active()?;
    model.update_cluster(version, spec, rotate)?;
    Ok(Answer::empty(200))
}

/// Returns the swarm as `/swarm` and `/info` show it.
pub(crate) fn cluster(model: &Model) -> Value {
    json!({
        "ID": model.cluster.as_str(),
        "Version": { "Index": model.swarm.version },
        "CreatedAt": render::stamp(model.started),
        "UpdatedAt": render::stamp(model.swarm.updated),
        "Spec": model.swarm.spec,
        "TLSInfo": render::tls(),
        "RootRotationInProgress": false,
        "DefaultAddrPool": model.swarm.addresses.pools,
        "SubnetSize": model.swarm.addresses.subnet_size,
        "DataPathPort": model.swarm.addresses.data_port,
    })
}
