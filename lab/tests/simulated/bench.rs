//! A simulated swarm, and how to speak to it.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use windlass_lab::simulated::{Served, Simulated, SimulatedSpec, TaskNow};

/// A swarm behind a socket.
pub struct Bench {
    pub swarm: Simulated,
    pub served: Served,
    _directory: tempfile::TempDir,
}

impl Bench {
    /// Returns three nodes without services.
    pub async fn new() -> Self {
        Self::with(&SimulatedSpec::default()).await
    }

    pub async fn with(spec: &SimulatedSpec) -> Self {
        Self::of(Simulated::new(spec)).await
    }

    pub async fn of(swarm: Simulated) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let served = swarm.serve(&directory.path().join("docker.sock")).await.unwrap();
        Bench { swarm, served, _directory: directory }
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, body).await
    }

    /// Posts what must succeed.
    pub async fn posted(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    pub async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        ask(self.served.socket(), method, path, &[], body).await.unwrap()
    }

    /// Posts something and returns the error's status and text.
    pub async fn refused(&self, path: &str, body: &Value) -> (u16, String) {
        let (status, answer) = self.post(path, body).await;
        (status, answer["message"].as_str().unwrap_or_default().to_owned())
    }

    pub async fn secret(&self, name: &str, value: &str) -> String {
        use base64::Engine as _;
        let data = base64::engine::general_purpose::STANDARD.encode(value);
        let body = json!({ "Name": name, "Data": data });
        let answer = self.posted("/secrets/create", &body).await;
        answer["ID"].as_str().unwrap().to_owned()
    }

    pub async fn service(&self, spec: &Value) -> String {
        let answer = self.posted("/services/create", spec).await;
        answer["ID"].as_str().unwrap().to_owned()
    }

    /// Reads a service, changes its spec, and writes it.
    pub async fn change(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let service = self.get(&format!("/services/{name}")).await;
        let mut spec = service["Spec"].clone();
        change(&mut spec);
        let version = &service["Version"]["Index"];
        self.posted(&format!("/services/{name}/update?version={version}"), &spec).await;
    }

    /// Lets so many seconds pass.
    pub fn pass(&self, seconds: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
        self.swarm.advance_to(self.swarm.now() + (seconds * 1_000.0) as i64);
    }

    /// Returns the tasks of a service, oldest first.
    pub fn tasks(&self, service: &str) -> Vec<TaskNow> {
        let world = self.swarm.look();
        let id = world.services.iter().find(|s| s.name == service).unwrap().id.clone();
        let mut tasks: Vec<_> = world.tasks.into_iter().filter(|t| t.service == id).collect();
        tasks.sort_by_key(|task| (task.created, task.slot));
        tasks
    }

    /// Returns state and desired state of a service's tasks, oldest first.
    pub fn states(&self, service: &str) -> Vec<String> {
        let told = |task: TaskNow| format!("{} {}", task.state, task.desired);
        self.tasks(service).into_iter().map(told).collect()
    }

    pub async fn update_state(&self, service: &str) -> Value {
        self.get(&format!("/services/{service}")).await["UpdateStatus"]["State"].clone()
    }
}

/// Asks once on a connection of its own; none if it was closed unanswered.
pub async fn ask(
    socket: &Path,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Option<(u16, Value)> {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let path = path.replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
    let path = path.replace('[', "%5B").replace(']', "%5D");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers: String = headers.iter().map(|(k, v)| format!("{k}: {v}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

/// Returns a spec of the lab's app.
pub fn app(name: &str, replicas: u64) -> Value {
    json!({
        "Name": name,
        "TaskTemplate": { "ContainerSpec": { "Image": "windlass/app:latest" } },
        "Mode": { "Replicated": { "Replicas": replicas } },
    })
}

/// Returns a reference to a secret in the file `file`.
pub fn reference(id: &str, name: &str, file: &str) -> Value {
    let file = json!({ "Name": file, "UID": "0", "GID": "0", "Mode": 0o444 });
    json!({ "File": file, "SecretID": id, "SecretName": name })
}
