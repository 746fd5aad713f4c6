//! Where a case happens: a swarm that answers on a socket, and a time that passes.
//!
//! A case can't tell whether the swarm is real. It asks, waits for what must come, and names its
//! objects with [`Place::name`], so that many cases fit into one swarm side by side.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};

/// What comes at all comes within this time, of the place's own clock: a node is missed after
/// about twenty seconds, and a busy machine takes several times as long for everything.
const LIMIT_MS: i64 = 180_000;

/// The part of a place that is not the Docker Engine API: its time and its accidents.
pub trait World: Send + Sync {
    /// The place's clock, in milliseconds.
    fn now(&self) -> i64;
    /// Lets some time pass, until something may have changed. False if nothing will change.
    fn step(&self) -> bool;
    /// Lets that much time pass: the only way to see that nothing happens.
    fn pass(&self, time: Duration);
    /// Kills the daemon of a node.
    fn kill_node(&self, name: &str);
    /// Starts it again.
    fn start_node(&self, name: &str);
}

/// A member of the swarm, managers first.
pub struct Member {
    pub id: String,
    pub name: String,
}

pub struct Place<'a> {
    pub socket: PathBuf,
    pub world: &'a dyn World,
    /// In front of every name of the case.
    pub prefix: String,
    pub nodes: Vec<Member>,
}

/// What the daemon said: JSON, or text if it was none.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Answer {
    /// Returns status and message as one text: the observation of most refusals.
    pub fn said(&self) -> String {
        let text = self.body["message"].as_str().or(self.body.as_str()).unwrap_or_default();
        format!("{} {}", self.status, text.trim()).trim().to_owned()
    }

    fn is_stale(&self) -> bool {
        self.said().ends_with("update out of sequence")
    }
}

impl<'a> Place<'a> {
    pub fn new(socket: PathBuf, world: &'a dyn World, index: usize) -> Self {
        let prefix = format!("c{index:02}-");
        let mut place = Place { socket, world, prefix, nodes: Vec::new() };
        let mut nodes = place.list("/nodes", &json!({}));
        let name = |node: &Value| node["Description"]["Hostname"].as_str().unwrap().to_owned();
        nodes.sort_by_key(|node| (node["Spec"]["Role"] != "manager", name(node)));
        let member =
            |node: &Value| Member { id: node["ID"].as_str().unwrap().to_owned(), name: name(node) };
        place.nodes = nodes.iter().map(member).collect();
        place
    }

    /// Returns the time of the daemon in the form that events are asked for: seconds since 1970,
    /// and nine digits.
    pub fn clock(&self) -> String {
        let now = self.get("/info")["SystemTime"].as_str().unwrap().to_owned();
        let now: jiff::Timestamp = now.parse().unwrap();
        format!("{}.{:09}", now.as_second(), now.subsec_nanosecond())
    }

    /// Returns the name of an object of this case.
    pub fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Sends a request and returns the answer, good or bad. A null is no body.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, head, bytes) = self.exchange(method, path, body.as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        let body = serde_json::from_str(&text).unwrap_or_else(|_| json!(text.trim()));
        Answer { status, head, body }
    }

    /// Sends a body that need not be JSON, and returns status and message.
    pub fn said(&self, method: &str, path: &str, body: &str) -> String {
        let (status, head, bytes) = self.exchange(method, path, body.as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        let body = serde_json::from_str(&text).unwrap_or_else(|_| json!(text.trim()));
        Answer { status, head, body }.said()
    }

    /// Reads something that must be there.
    pub fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, &Value::Null);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.said());
        answer.body
    }

    /// Returns an answer as it is, such as a log.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let (status, _, bytes) = self.exchange("GET", path, b"");
        assert_eq!(status, 200, "GET {path}: {}", String::from_utf8_lossy(&bytes));
        bytes
    }

    /// Returns a list with filters.
    pub fn list(&self, path: &str, filters: &Value) -> Vec<Value> {
        let list = self.get(&format!("{path}?filters={}", encoded(&filters.to_string())));
        list.as_array().cloned().unwrap_or_default()
    }

    /// Sends what must be accepted, and returns the ID that it got.
    pub fn create(&self, path: &str, body: &Value) -> String {
        let answer = self.ask("POST", path, body);
        assert_eq!(answer.status, 201, "POST {path}: {}", answer.said());
        answer.body["ID"].as_str().unwrap().to_owned()
    }

    /// Makes a secret of this case, and returns its ID.
    pub fn secret(&self, name: &str, value: &str) -> String {
        let body = json!({ "Name": self.name(name), "Data": base64(value.as_bytes()) });
        self.create("/secrets/create", &body)
    }

    /// Changes an object as [`Place::try_change`] does; it must be accepted.
    pub fn change(&self, path: &str, edit: impl Fn(&mut Value)) {
        let answer = self.try_change(path, edit);
        assert_eq!(answer.status, 200, "{path}: {}", answer.said());
    }

    /// Reads an object, edits its spec, and writes it; again if somebody was faster, as the
    /// swarm itself is when it notes how an update goes.
    pub fn try_change(&self, path: &str, edit: impl Fn(&mut Value)) -> Answer {
        loop {
            let object = self.get(path);
            let mut spec = object["Spec"].clone();
            edit(&mut spec);
            let target = format!("{path}/update?version={}", object["Version"]["Index"]);
            let answer = self.ask("POST", &target, &spec);
            if !answer.is_stale() {
                return answer;
            }
        }
    }

    /// Asks for a rollback of a service, with its spec as the body, as the docker command line
    /// does; again if somebody was faster.
    pub fn rollback(&self, path: &str, to: &str, edit: impl Fn(&mut Value)) -> Answer {
        loop {
            let service = self.get(path);
            let mut spec = service["Spec"].clone();
            edit(&mut spec);
            let query = format!("version={}&rollback={to}", service["Version"]["Index"]);
            let answer = self.ask("POST", &format!("{path}/update?{query}"), &spec);
            if !answer.is_stale() {
                return answer;
            }
        }
    }

    /// Removes the services of this case, so that they don't slow down the next.
    pub fn clean(&self) {
        for service in self.list("/services", &json!({ "name": [self.prefix] })) {
            let path = format!("/services/{}", service["ID"].as_str().unwrap());
            let answer = self.ask("DELETE", &path, &Value::Null);
            assert_eq!(answer.status, 200, "DELETE {path}: {}", answer.said());
        }
    }

    /// Waits until `look` finds something, and returns it.
    pub fn wait_until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let end = self.world.now() + LIMIT_MS;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(self.world.now() < end, "not within {LIMIT_MS} ms: {what}");
            assert!(self.world.step(), "nothing is going to happen any more, but not yet: {what}");
        }
    }

    /// One request of HTTP/1.0: the daemon answers without chunks, and closes.
    fn exchange(&self, method: &str, path: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let talk = || -> std::io::Result<Vec<u8>> {
            let mut stream = UnixStream::connect(&self.socket)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            let length = body.len();
            let head = "Host: docker\r\nContent-Type: application/json";
            write!(
                stream,
                "{method} {path} HTTP/1.0\r\n{head}\r\nContent-Length: {length}\r\n\r\n"
            )?;
            stream.write_all(body)?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer)
        };
        let answer = talk().unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{method} {path}: no whole answer"));
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.unwrap_or_default(), head, answer[end + 4..].to_vec())
    }
}

/// Returns bytes as the API wants them in JSON.
pub fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Returns text for a query.
pub fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    let byte = |b: u8| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    text.bytes().map(byte).collect()
}
