//! Journals to make evidence of, and a shelf to keep them on.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, json};
use windlass_journal::clock::Millis;
use windlass_journal::id::{CallKey, RunId};
use windlass_journal::step::Kind;
use windlass_journal::{
    Archive, Body, CallHead, ChainHead, Created, End, Hash, How, Language, Origin, text_hash,
};
use zeroize::Zeroizing;

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
        language: Language::FIRST,
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

/// Journals and texts, kept in memory.
#[derive(Default)]
pub struct Shelf {
    pub journals: BTreeMap<RunId, Vec<Vec<u8>>>,
    pub texts: BTreeMap<Hash, Vec<u8>>,
}

/// What a shelf says when it does not have something, or has it damaged.
#[derive(Debug)]
pub struct Lack(String);

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Lack {}

impl Archive for Shelf {
    type Error = Lack;

    fn records(&self, run: &RunId) -> Result<Vec<Vec<u8>>, Lack> {
        self.journals.get(run).cloned().ok_or_else(|| Lack(format!("there is no {run}")))
    }

    fn text(&self, hash: &Hash) -> Result<Option<Vec<u8>>, Lack> {
        Ok(self.texts.get(hash).cloned())
    }

    fn damaged(&self, problem: String) -> Lack {
        Lack(problem)
    }

    fn is_driven(&self, _: &RunId) -> bool {
        false
    }

    fn derived_key(&self, _: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new([5; 32])
    }

    fn now(&self) -> Millis {
        1_700_000_000_000
    }

    fn version(&self) -> &str {
        "0.1.0"
    }
}
