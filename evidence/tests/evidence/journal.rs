//! Journals to make evidence of, and an engine that makes some.

use std::sync::Arc;

use serde_json::{Map, json};
use windlass_engine::clock::SystemClock;
use windlass_engine::engine::{Engine, Options};
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{Body, CallHead, ChainHead, Created, End, How, Origin, text_hash};
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys};
use windlass_engine::step::{Kind, Registry};
use windlass_stores::MemoryStore;

pub const TEXT: &str = "//! title = \"A note\"\nlet x = 1;\n";

pub fn by() -> Origin {
    Origin { user: "ada".to_owned(), host: "manager-1".to_owned(), pid: 4711, as_user: None }
}

/// Returns the records of a run that made so many secrets.
pub fn records(run: &str, secrets: u32) -> Vec<Vec<u8>> {
    let created = Created {
        run: RunId::from(run),
        runbook: "note.rhai".to_owned(),
        title: "A note".to_owned(),
        text: text_hash(TEXT.as_bytes()),
        params: Map::new(),
        sealed: Default::default(),
        locks: vec!["secret:db".to_owned()],
        place: "unix:///var/run/docker.sock".to_owned(),
        identity: None,
        by: by(),
        version: "0.1.0".to_owned(),
        cause: None,
        language: windlass_engine::journal::Language::FIRST,
    };
    let mut bodies = vec![Body::Created(Box::new(created))];
    for n in 1..=secrets {
        let key = CallKey::ROOT.child(n);
        let args = json!({ "name": format!("db_{n}") });
        let head = CallHead { step: "secret.create".to_owned(), kind: Kind::Change, args };
        let says = format!("create the secret db_{n}");
        bodies.push(Body::Intended { key: key.clone(), head, attempt: 1, base: json!({}), says });
        let (output, how) = (json!({ "id": format!("id{n}") }), How::Returned);
        bodies.push(Body::Applied { key, head: None, output, sealed: Default::default(), how });
    }
    bodies.push(Body::Finished { end: End::Done });
    let mut head = ChainHead::default();
    (0..).zip(bodies).map(|(at, body)| head.push(at, 3, body).unwrap().1).collect()
}

/// Returns an engine over memory that knows no steps.
pub fn engine(store: Arc<MemoryStore>) -> Engine {
    let keyring = Keyring::new(MasterKey::from_bytes([5; 32]), Box::<MemoryKeys>::default());
    Engine::open(Options {
        store,
        keyring,
        steps: Registry::default(),
        clock: Arc::new(SystemClock),
        runtime: tokio::runtime::Handle::current(),
        process: by(),
        place: "unix:///var/run/docker.sock".to_owned(),
        version: "0.1.0".to_owned(),
        points: None,
    })
    .unwrap()
}

/// Lets an engine make a run that is over.
pub async fn a_run(engine: &Engine) -> RunId {
    let runbook = Runbook::compile("note.rhai", TEXT, engine.steps()).unwrap();
    let handle = engine.start(&runbook, &by(), &[], Vec::new()).unwrap();
    let run = handle.run.clone();
    handle.outcome().await;
    run
}
