//! What every step must pass, with a real daemon in the place of the simulated one: the cases are
//! the same, so that a step that passes only because the simulation is wrong is found here.

#[path = "../../steps/swarm/tests/testkit/cases.rs"]
mod cases;
#[path = "../../steps/swarm/tests/testkit/ground.rs"]
mod ground;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde_json::{Value, json};
use windlass_engine::clock::{Clock, SystemClock};
use windlass_swarm::docker::{Answer, Daemon};
use windlass_testkit::{Case, Trial, pass_these};

use crate::rig::Rig;
use ground::{Backend, Ground};

/// The manager of a lab, asked in the plainest HTTP that there is.
struct Manager {
    rig: Arc<Rig>,
    socket: String,
}

impl Daemon for Manager {
    fn ask(&self, method: &str, target: &str, _: Option<&str>, body: &[u8]) -> Option<Answer> {
        let mut stream = UnixStream::connect(&self.socket).ok()?;
        // Without the chunks and the kept connections of 1.1.
        let head = format!(
            "{method} {target} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let status = std::str::from_utf8(&head).ok()?.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, pieces: pieces(stream, target.contains("/events")) })
    }
}

/// Returns the body at once, or as it comes.
fn pieces(mut stream: UnixStream, endless: bool) -> BoxStream<'static, Option<Bytes>> {
    if !endless {
        let mut body = Vec::new();
        let whole = stream.read_to_end(&mut body).ok().map(|_| Bytes::from(body));
        return stream::once(async { whole }).boxed();
    }
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if sender.send(Bytes::copy_from_slice(&buffer[..read])).is_err() {
                return;
            }
        }
    });
    stream::poll_fn(move |cx| receiver.poll_recv(cx).map(|piece| piece.map(Some))).boxed()
}

impl Backend for Manager {
    fn rest(&self) {
        let ground = Ground::over(Arc::new(Manager::of(&self.rig)));
        self.rig.wait_until("nothing goes on any more", || {
            let tasks = ground.all("tasks");
            ground.all("services").iter().all(|service| is_at_rest(service, &tasks))
        });
    }

    /// Each request of whoever waits takes one.
    fn moment(&self) {}

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    /// The daemon never gives a value back.
    fn values(&self) -> Value {
        Value::Null
    }
}

impl Manager {
    fn of(rig: &Arc<Rig>) -> Self {
        let socket = rig.lab().docker_host().replace("unix://", "");
        Manager { rig: rig.clone(), socket }
    }
}

/// True if the tasks of a service are those that its spec asks for, and its update is over.
fn is_at_rest(service: &Value, tasks: &[Value]) -> bool {
    let updating =
        matches!(service["UpdateStatus"]["State"].as_str(), Some("updating" | "rollback_started"));
    let its = || tasks.iter().filter(|task| task["ServiceID"] == service["ID"]);
    let live: Vec<&Value> = its().filter(|task| task["DesiredState"] == "running").collect();
    let runs = |task: &Value| task["Status"]["State"] == "running";
    let template = &service["Spec"]["TaskTemplate"];
    let forced = |template: &Value| template["ForceUpdate"].as_u64().unwrap_or(0);
    let is_new = |task: &Value| {
        task["Spec"]["ContainerSpec"] == template["ContainerSpec"]
            && forced(&task["Spec"]) == forced(template)
    };
    !updating
        && json!(live.len()) == service["Spec"]["Mode"]["Replicated"]["Replicas"]
        && live.iter().all(|task| runs(task) && is_new(task))
        && !its().any(|task| task["DesiredState"] == "shutdown" && runs(task))
}

/// Tries cases on one lab, which is emptied before each trial.
fn try_on_a_lab(cases: &[Case<Ground>], trials: &[Trial]) {
    let rig = Arc::new(Rig::up());
    let make = || {
        let ground = Ground::over(Arc::new(Manager::of(&rig)));
        for kind in ["services", "secrets"] {
            for object in ground.all(kind) {
                ground.remove(kind, object["Spec"]["Name"].as_str().unwrap());
            }
        }
        ground
    };
    pass_these(cases, trials, &make);
}

#[test]
fn every_step_tells_before_from_after_on_a_real_swarm() {
    try_on_a_lab(&cases::all(), &[Trial::Life, Trial::Repeat]);
}
