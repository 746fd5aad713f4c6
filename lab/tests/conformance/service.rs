//! Services of cases: specs, and questions about what became of them.

use serde_json::{Value, json};
use windlass_lab::image;

use crate::place::Place;

/// Nanoseconds of a millisecond: durations in specs.
pub const MS: u64 = 1_000_000;

/// Returns the spec of a service of the lab's app, quick to restart and to update.
pub fn app(place: &Place, name: &str, replicas: u64) -> Value {
    let quick = json!({
        "Parallelism": 1, "Delay": 0, "Monitor": 300 * MS,
        "FailureAction": "pause", "MaxFailureRatio": 0, "Order": "stop-first",
    });
    json!({
        "Name": place.name(name),
        "Labels": {},
        "TaskTemplate": {
            "ContainerSpec": { "Image": image::APP },
            "RestartPolicy": { "Condition": "any", "Delay": 100 * MS },
        },
        "Mode": { "Replicated": { "Replicas": replicas } },
        "UpdateConfig": quick,
        "RollbackConfig": quick,
    })
}

/// Returns the spec of a service that runs a command once.
pub fn once(place: &Place, name: &str, command: &[&str]) -> Value {
    let mut spec = app(place, name, 1);
    container(&mut spec)["Command"] = json!(command);
    spec["TaskTemplate"]["RestartPolicy"] = json!({ "Condition": "none" });
    spec
}

/// Returns the spec of a job; none of its tasks starts again.
pub fn job(place: &Place, name: &str, command: &[&str], mode: &Value) -> Value {
    let mut spec = once(place, name, command);
    spec["Mode"] = mode.clone();
    let spec = spec.as_object_mut().unwrap();
    spec.retain(|key, _| key != "UpdateConfig" && key != "RollbackConfig");
    Value::Object(spec.clone())
}

pub fn container(spec: &mut Value) -> &mut Value {
    &mut spec["TaskTemplate"]["ContainerSpec"]
}

/// Makes the next tasks different from those that run.
pub fn force(spec: &mut Value) {
    let counter = &mut spec["TaskTemplate"]["ForceUpdate"];
    *counter = json!(counter.as_u64().unwrap_or(0) + 1);
}

/// Makes the tasks end by themselves with status 3.
pub fn fail(spec: &mut Value) {
    container(spec)["Command"] = json!(["sh", "-c", "exit 3"]);
}

/// Returns a reference to a secret of this case under a target.
pub fn reference(place: &Place, id: &str, name: &str, target: &str) -> Value {
    let file = json!({ "Name": target, "UID": "0", "GID": "0", "Mode": 0o444 });
    json!({ "SecretID": id, "SecretName": place.name(name), "File": file })
}

impl Place<'_> {
    /// Makes a service, and returns its path.
    pub fn service(&self, spec: &Value) -> String {
        format!("/services/{}", self.create("/services/create", spec))
    }

    /// Makes a service, waits until its tasks run, and returns its path.
    pub fn running(&self, spec: &Value) -> String {
        let path = self.service(spec);
        let wanted = spec["Mode"]["Replicated"]["Replicas"].as_u64();
        self.runs(&path, wanted.map_or(self.nodes.len(), |n| n.try_into().unwrap()));
        path
    }

    /// Waits until exactly that many tasks are wanted, and all of them run.
    pub fn runs(&self, path: &str, count: usize) -> Vec<Value> {
        self.wait_until(&format!("{count} tasks run"), || {
            let wanted = self.wanted(path);
            let all = wanted.iter().all(|task| task["Status"]["State"] == "running");
            (all && wanted.len() == count).then_some(wanted)
        })
    }

    /// Returns the tasks of a service, by slot or node, oldest first.
    pub fn tasks(&self, path: &str) -> Vec<Value> {
        let id = path.rsplit('/').next().unwrap();
        let mut tasks = self.list("/tasks", &json!({ "service": [id] }));
        tasks.sort_by_cached_key(|task| {
            let slot = task["Slot"].as_u64();
            let node = if slot.is_some() { String::new() } else { task["NodeID"].to_string() };
            (slot, node, task["CreatedAt"].to_string(), task["Version"]["Index"].as_u64())
        });
        tasks
    }

    /// Returns the tasks that the swarm wants to run.
    pub fn wanted(&self, path: &str) -> Vec<Value> {
        let mut tasks = self.tasks(path);
        tasks.retain(|task| task["DesiredState"] == "running");
        tasks
    }

    /// Waits until an update is over, and returns its state and message.
    pub fn settled(&self, path: &str) -> String {
        self.wait_until("the update is over", || {
            let status = &self.get(path)["UpdateStatus"];
            let state = status["State"].as_str()?;
            let ends = ["completed", "paused", "rollback_completed", "rollback_paused"];
            let message = status["Message"].as_str().unwrap_or_default();
            ends.contains(&state).then(|| format!("{state}: {message}"))
        })
    }

    /// Waits until the newest task has ended in a state, and returns it.
    pub fn newest(&self, path: &str, state: &str) -> Value {
        self.wait_until(&format!("the newest task is {state}"), || {
            let tasks = self.tasks(path);
            let newest = tasks.into_iter().max_by_key(|task| task["CreatedAt"].to_string())?;
            (ended(&newest) && newest["Status"]["State"] == state).then_some(newest)
        })
    }
}

/// Returns whether a task has come to its end, and the swarm has taken note of that.
pub fn ended(task: &Value) -> bool {
    let ends = ["complete", "failed", "rejected", "shutdown", "orphaned"];
    let over = ends.iter().any(|state| task["Status"]["State"] == *state);
    over && task["DesiredState"] != "running"
}

/// Returns how many of the tasks run.
pub fn run(tasks: &[Value]) -> usize {
    tasks.iter().filter(|task| task["Status"]["State"] == "running").count()
}

/// Returns the IDs of tasks.
pub fn ids(tasks: &[Value]) -> Vec<String> {
    tasks.iter().map(|task| task["ID"].to_string()).collect()
}

/// Returns for each task: what is wanted of it, what it is, and why.
pub fn fates(tasks: &[Value]) -> Vec<String> {
    let fate = |task: &Value| {
        let (desired, status) = (task["DesiredState"].as_str(), &task["Status"]);
        let state = status["State"].as_str().unwrap_or_default();
        let error = status["Err"].as_str().map(|e| format!(": {e}")).unwrap_or_default();
        format!("{}/{state}{error}", desired.unwrap_or_default())
    };
    tasks.iter().map(fate).collect()
}
