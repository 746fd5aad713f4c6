//! A daemon of paper: HTTP over a socket, answered by a function.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use windlass_engine::clock::SimClock;
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::secret::{SealedValues, Secret};
use windlass_engine::step::{Context, Family, Mode, Registry, StepError};
use windlass_swarm::SwarmSteps;
use windlass_swarm::docker::{Endpoint, Swarm};
use zeroize::Zeroizing;

/// One request as it came over the socket.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub head: String,
    pub body: String,
}

/// Method, path without the version, body; nothing means that the answer is lost.
type Answer = dyn Fn(&str, &str, &str) -> Option<(u16, Value)> + Send + Sync;

pub struct Paper {
    pub swarm: Arc<Swarm>,
    requests: Arc<Mutex<Vec<Request>>>,
    _dir: tempfile::TempDir,
}

impl Paper {
    /// Returns the steps, over this daemon.
    pub fn steps(&self) -> Registry {
        let swarm = SwarmSteps::over(Swarm::clone(&self.swarm));
        Registry::of_families([Arc::new(swarm) as Arc<dyn Family>])
    }

    pub fn answering(
        answer: impl Fn(&str, &str, &str) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> Self {
        Self::speaking("1.44", answer)
    }

    pub fn speaking(
        api: &'static str,
        answer: impl Fn(&str, &str, &str) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let socket: PathBuf = dir.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (log, answer): (_, Arc<Answer>) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, api, log.clone(), answer.clone()));
            }
        });
        let endpoint = Endpoint::new(&format!("unix://{}", socket.display()), None, "a test")
            .expect("an endpoint");
        Paper { swarm: Arc::new(Swarm::connect(&endpoint)), requests, _dir: dir }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }
}

async fn serve(
    mut stream: UnixStream,
    api: &str,
    log: Arc<Mutex<Vec<Request>>>,
    answer: Arc<Answer>,
) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    log.lock().expect("no panic").push(request.clone());
    let path = request.target.split('?').next().unwrap_or_default();
    let answered = match path {
        "/version" => Some((200, json!({ "ApiVersion": api }))),
        path => {
            let path = path.strip_prefix(&format!("/v{api}")).unwrap_or("not our version");
            answer(&request.method, path, &request.body)
        }
    };
    if let Some((status, value)) = answered {
        let body = value.to_string();
        let head = format!(
            "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all((head + body.as_str()).as_bytes()).await;
    }
}

async fn read(stream: &mut UnixStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0_usize);
    while bytes.len() < end + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    let mut line = head.split_whitespace();
    let (method, target) = (line.next()?.to_owned(), line.next()?.to_owned());
    let body = String::from_utf8_lossy(&bytes[end..]).into_owned();
    Some(Request { method, target, head, body })
}

/// Prepares and applies a call; in a plan, only prepares it.
pub async fn call(
    paper: &Paper,
    cx: &Context,
    step: &str,
    args: Value,
) -> Result<Value, StepError> {
    let registry = paper.steps();
    let step = registry.get(step).expect("the step");
    step.check(&args).expect("fitting arguments");
    let preview = step.prepare(cx, &args).await?;
    match cx.assumed() {
        Some(_) => Ok(preview.expected),
        None => step.apply(cx, &args, &preview.base).await,
    }
}

pub fn context() -> Context {
    in_mode(Mode::Run)
}

pub fn plan_context() -> Context {
    in_mode(Mode::Plan(Arc::default()))
}

fn in_mode(mode: Mode) -> Context {
    let key = Some(Zeroizing::new([1; 32]));
    let sealed = SealedValues::new(RunId::from("run_test"), key, Zeroizing::new([2; 32]));
    sealed.seal("value", Secret::new(b"a canary".to_vec())).expect("a seal");
    let (clock, key) = (Arc::new(SimClock::at(0)), CallKey::default().child(1));
    Context::detached("run_test", key, mode, clock, Arc::new(sealed))
}

pub fn secret(id: &str, name: &str) -> Value {
    json!({ "ID": id, "CreatedAt": "2026-01-31T00:00:00Z", "Spec": { "Name": name, "Labels": {} } })
}

pub fn service(id: &str, name: &str, secret: &str, secret_name: &str) -> Value {
    let file = json!({ "Name": "/etc/db.conf", "UID": "33", "GID": "33", "Mode": 256 });
    json!({
        "ID": id,
        "Version": { "Index": 7 },
        "Spec": {
            "Name": name,
            "Labels": {},
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": "web",
                    "Secrets": [{ "File": file, "SecretID": secret, "SecretName": secret_name }],
                },
            },
            "Mode": { "Replicated": { "Replicas": 2 } },
        },
    })
}
