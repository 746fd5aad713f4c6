//! A console over a memory store, and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::watch;
use windlass_desk::{Bound, Config, Desk, Library, Listen, NewToken, Role, Tokens, serve};
use windlass_duty::notice::{Kind, Notice, Outbox};
use windlass_duty::schedule::{self, Book};
use windlass_engine::clock::SystemClock;
use windlass_engine::engine::{Engine, Options};
use windlass_engine::journal::Origin;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys};
use windlass_stores::MemoryStore;

use crate::world::World;

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runbooks by name.
pub const SHELF: [(&str, &str); 8] = [
    (
        "quick",
        "//! title = \"Quick\"\nthing::make(#{ name: \"a\" });\nthing::look(#{ name: \"a\" });\n",
    ),
    (
        "held",
        "//! title = \"Held\"\n//! locks = [\"door\"]\nthing::make(#{ name: \"a\" });\nthing::hold(#{ name: \"b\" });\n",
    ),
    (
        "stuck",
        "//! title = \"Stuck\"\nthing::make(#{ name: \"a\" });\nthing::puzzle(#{ name: \"b\" });\n",
    ),
    (
        "fails",
        "//! title = \"Fails\"\nthing::make(#{ name: \"a\" });\nthing::fail(#{ name: \"b\" });\n",
    ),
    (
        "told",
        "//! title = \"Told\"\n//! [params]\n//! n = { type = \"int\", help = \"how many\", default = 1 }\n//! password = { type = \"secret\", help = \"p\" }\nthing::login(#{ password: password });\n",
    ),
    (
        "asks",
        "//! title = \"Asks\"\napprove(#{ text: \"go on?\", of: 2, not_starter: true });\nthing::make(#{ name: \"a\" });\n",
    ),
    ("dead", "//! title = \"Dead\"\nthing::dead(#{ name: \"a\" });\n"),
    ("broken", "//! title = \"Broken\"\nthing::nothing_of_the_kind();\n"),
];

/// The library. The runbook `gated` can be read once the world is let go.
struct Shelf(World);

impl Library for Shelf {
    fn names(&self) -> Vec<String> {
        SHELF.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn text(&self, name: &str) -> Option<String> {
        let mut name = name;
        if name == "gated" {
            tokio::runtime::Handle::current().block_on(self.0.is_let_go());
            name = "quick";
        }
        SHELF.iter().find(|(shelved, _)| *shelved == name).map(|(_, text)| (*text).to_owned())
    }
}

/// What outlives a process.
pub struct Disk {
    pub store: Arc<MemoryStore>,
    keys: Arc<MemoryKeys>,
}

impl Disk {
    pub fn new() -> Self {
        Disk { store: Arc::new(MemoryStore::new()), keys: Arc::default() }
    }

    pub fn engine(&self, world: &World) -> Engine {
        Engine::open(Options {
            store: self.store.clone(),
            keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Box::new(self.keys.clone())),
            steps: world.steps(),
            clock: Arc::new(SystemClock),
            runtime: tokio::runtime::Handle::current(),
            process: process(),
            version: "test".to_owned(),
            points: None,
        })
        .unwrap()
    }

    /// What is left after a `kill -9` of the process, or of the machine.
    pub fn after_a_crash(&self) -> Self {
        Disk { store: Arc::new(self.store.crash(0)), keys: self.keys.clone() }
    }

    /// All values that the store keeps, as text.
    pub fn everything(&self) -> String {
        use windlass_engine::journal::{Journals, Values};
        let mut all = String::new();
        for (name, bytes) in self.store.values("", "", usize::MAX).unwrap() {
            all += &format!("{name} = {}\n", String::from_utf8_lossy(&bytes));
        }
        for (run, summary) in self.store.summaries(false).unwrap() {
            all += &format!("{run} = {}\n", String::from_utf8_lossy(&summary));
            for record in self.store.read(&run).unwrap() {
                all += &String::from_utf8_lossy(&record);
            }
        }
        all
    }
}

pub struct Rig {
    pub disk: Disk,
    pub world: World,
    pub engine: Engine,
    pub desk: Desk,
    pub bound: Bound,
    /// Why nothing can be recorded for now.
    pub unready: watch::Sender<Option<String>>,
    pub client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The answer has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The answer is a problem of this code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let got = self.is(status);
        assert_eq!(got.json()["code"], code, "{got:?}");
        assert_eq!(got.headers["content-type"], "application/problem+json");
        got
    }
}

impl Rig {
    pub async fn new() -> Self {
        Self::with(Disk::new(), Config::default()).await
    }

    pub async fn with(disk: Disk, config: Config) -> Self {
        let world = World::new();
        let engine = disk.engine(&world);
        let listen = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
        let config = Config { listen, ..config };
        let (unready, told) = watch::channel(None);
        let desk = Desk::new(engine.clone(), Arc::new(Shelf(world.clone()))).unwrap();
        let bound = serve(&desk, config, told).await.unwrap().unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Rig { disk, world, engine, desk, bound, unready, client }
    }

    /// The process dies, and another one takes over.
    pub async fn restart(self) -> Self {
        let disk = self.disk.after_a_crash();
        self.bound.close().await;
        Self::with(disk, Config::default()).await
    }

    pub fn token(&self, person: &str, roles: &[Role]) -> String {
        self.token_for(person, roles, None)
    }

    pub fn token_for(&self, person: &str, roles: &[Role], expires_seconds: Option<u64>) -> String {
        let new = NewToken {
            name: "test".to_owned(),
            person: person.to_owned(),
            roles: roles.to_vec(),
            groups: Vec::new(),
            expires_seconds,
        };
        let (_, token) = Tokens::of(&self.engine).add(&new).unwrap();
        token.as_str().to_owned()
    }

    /// Adds a schedule that comes at every full hour, and has done so since `ago`.
    pub fn schedule(&self, name: &str, more: &str, ago: Duration) {
        let text =
            format!("name = '{name}'\nrunbook = 'quick'\ncron = '0 * * * *'\nzone = 'UTC'\n{more}");
        let since = self.engine.clock().now() - windlass_engine::clock::millis(ago);
        let config = toml::from_str(&text).unwrap();
        Book::of(&self.engine).add(config, schedule::Origin::Command, since).unwrap();
    }

    /// Leaves a notice undelivered.
    pub fn notice(&self, nth: i64) {
        let receiver = [("ops".parse().unwrap(), vec![Kind::Missed])];
        let (title, lines) = (format!("notice {nth}"), vec!["a line".to_owned()]);
        let notice = Notice::of_schedule("nightly", Kind::Missed, nth, nth, title, lines);
        Outbox::new(&self.engine, receiver).post(&notice).unwrap();
    }

    pub fn admin(&self) -> String {
        self.token("root", &[Role::Admin])
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.bound.address())
    }

    pub fn request(&self, method: &str, path: &str, token: &str) -> hyper::http::request::Builder {
        let request = Request::builder().method(method).uri(self.url(path));
        if token.is_empty() {
            return request;
        }
        request.header("authorization", format!("Bearer {token}"))
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Got {
        let sending = async {
            let (head, body) = self.client.request(request).await.unwrap().into_parts();
            let text = body.collect().await.unwrap().to_bytes();
            let text = String::from_utf8(text.to_vec()).unwrap();
            Got { status: head.status.as_u16(), headers: head.headers, text }
        };
        tokio::time::timeout(PATIENCE, sending).await.unwrap()
    }

    pub async fn get(&self, path: &str, token: &str) -> Got {
        self.send(self.request("GET", path, token).body(Full::default()).unwrap()).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Got {
        self.post_with(path, token, body, &[]).await
    }

    pub async fn post_with(
        &self,
        path: &str,
        token: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Got {
        let mut request =
            self.request("POST", path, token).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::from(body.to_string())).unwrap()).await
    }

    /// Starts a run and returns its name.
    pub async fn start(&self, runbook: &str, token: &str) -> String {
        let got = self.post("/api/v1/runs", token, json!({ "runbook": runbook })).await.is(201);
        got.json()["run"].as_str().unwrap().to_owned()
    }

    /// Returns a run once it stands so.
    pub async fn until(&self, run: &str, token: &str, status: &str) -> Value {
        let waiting = async {
            let mut events = self.engine.subscribe();
            loop {
                let now = self.get(&format!("/api/v1/runs/{run}"), token).await.is(200).json();
                let stands = now["status"] == status;
                // A run that is over or stuck is let go of a moment after its last entry.
                if stands && (["running", "waiting"].contains(&status) || now["driven"] == false) {
                    return now;
                }
                if stands {
                    tokio::task::yield_now().await;
                    continue;
                }
                let _ = events.recv().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        let now = self.get(&format!("/api/v1/runs/{run}"), token).await.text;
        waited.unwrap_or_else(|_| panic!("not {status}: {now}"))
    }
}

/// What is offered as safe.
pub fn acts(run: &serde_json::Value) -> Vec<&str> {
    run["safe"].as_array().unwrap().iter().map(|safe| safe["act"].as_str().unwrap()).collect()
}

/// The process that answers.
pub fn process() -> Origin {
    Origin { user: "daemon".to_owned(), host: "here".to_owned(), ..Origin::default() }
}
