//! The document is right: every answer that can be provoked is one that it describes.
//!
//! For each operation and role, requests are made from its schemas, fitting ones and broken ones.
//! Their answers must have a status that the operation documents, a body that fits its schema, and
//! never be a 5xx. `WINDLASS_SEED` repeats a run; `WINDLASS_ROUNDS` makes it longer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use windlass_desk::{Role, document, table};

use crate::rig::{Got, PATIENCE, Rig};
use crate::schema::Maker;

#[test]
fn the_document_is_openapi_and_names_every_endpoint_and_its_role() {
    let document = document(&table());
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for endpoint in table() {
        let method = endpoint.method.name().to_lowercase();
        let operation = &document["paths"][endpoint.path][&method];
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
        let who = operation["description"].as_str().unwrap();
        assert!(who.contains(&endpoint.need.to_string()), "{who}");
        assert!(!operation["summary"].as_str().unwrap().is_empty());
    }
    // Each reference leads somewhere, and each schema is one.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} is not there");
    }
    let is_schema = |name: &str, schema: &Value| {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|e| panic!("{name}: {e}"));
    };
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        is_schema(name, schema);
    }
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            for parameter in operation["parameters"].as_array().unwrap() {
                is_schema(&parameter.to_string(), &parameter["schema"]);
            }
        }
    }
}

/// A request made from the document, and what came back.
struct Tried {
    what: String,
    status: u16,
    content: String,
    body: String,
}

struct Fuzz<'a> {
    rig: &'a Rig,
    maker: Maker<'a>,
    /// Names that there are, for paths.
    names: BTreeMap<&'static str, Vec<String>>,
}

impl Fuzz<'_> {
    async fn attempt(&mut self, path: &str, method: &str, operation: &Value, token: &str) -> Tried {
        let (mut path, mut query, mut headers) = (path.to_owned(), Vec::new(), Vec::new());
        for parameter in operation["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            let required = parameter["required"] == true;
            if !required && self.maker.random.u8(..3) == 0 {
                continue;
            }
            let value = self.value(name, parameter);
            match parameter["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{name}}}"), &escaped(&value)),
                "query" => query.push(format!("{name}={}", escaped(&value))),
                _ if value.bytes().all(|b| (b' '..=b'~').contains(&b)) => {
                    headers.push((name.to_owned(), value));
                }
                _ => {}
            }
        }
        if self.maker.random.u8(..20) == 0 {
            query.push("no_such=1".to_owned());
        }
        let url = format!("{path}?{}", query.join("&"));
        let mut request = self.rig.request(&method.to_uppercase(), &url, token);
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = match self.maker.random.u8(..10) {
            _ if schema.is_null() => String::new(),
            0 => "{\"half\": ".to_owned(),
            1..=3 => self.maker.broken(schema).to_string(),
            _ => self.maker.fitting(schema).to_string(),
        };
        let json = self.maker.random.u8(..20) != 0;
        let request =
            request.header("content-type", if json { "application/json" } else { "text/xml" });
        let what =
            format!("{method} {url} {headers:?} {}", body.chars().take(300).collect::<String>());
        let sending = self.rig.client.request(request.body(Full::from(body)).unwrap());
        let response = tokio::time::timeout(PATIENCE, sending).await.unwrap().unwrap();
        let (head, body) = response.into_parts();
        let content = head.headers.get("content-type").map(|c| c.to_str().unwrap().to_owned());
        let (status, content) = (head.status.as_u16(), content.unwrap_or_default());
        // A stream need not end; what it says is tested elsewhere.
        let body = if content.starts_with("text/event-stream") {
            String::new()
        } else {
            let bytes = tokio::time::timeout(PATIENCE, body.collect()).await.unwrap();
            String::from_utf8(bytes.unwrap().to_bytes().to_vec()).unwrap()
        };
        Tried { what, status, content, body }
    }

    fn value(&mut self, name: &str, parameter: &Value) -> String {
        let known = self.names.iter().find(|(known, _)| **known == name).map(|(_, names)| names);
        if let Some(known) = known.filter(|known| !known.is_empty())
            && self.maker.random.u8(..4) > 0
        {
            return known[self.maker.random.usize(..known.len())].clone();
        }
        let value = self.maker.fitting(&parameter["schema"]);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // A path without a name is another path.
        if text.is_empty() { "-".to_owned() } else { text }
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b == b'_' {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// The answer to a request is one that the document has for its operation.
#[track_caller]
pub fn is_documented(method: &str, path: &str, got: &Got) {
    let document = document(&table());
    let operation = &document["paths"][path][method];
    let content = got.headers["content-type"].to_str().unwrap().to_owned();
    let what = format!("{method} {path}");
    let tried = Tried { what, status: got.status, content, body: got.text.clone() };
    assert_eq!(undocumented(&document, operation, &tried), None, "{}", tried.what);
}

/// Says what the document lacks for an answer.
fn undocumented(document: &Value, operation: &Value, tried: &Tried) -> Option<String> {
    if tried.status >= 500 {
        return Some(format!("a {}", tried.status));
    }
    let Some(response) = operation["responses"].get(tried.status.to_string()) else {
        return Some(format!("an undocumented {}", tried.status));
    };
    let media = tried.content.split(';').next().unwrap_or_default();
    let Some(content) = response.get("content") else {
        return (!tried.body.is_empty()).then(|| "a body where there is none".to_owned());
    };
    let Some(schema) = content.get(media).map(|content| &content["schema"]) else {
        return Some(format!("an undocumented {media}"));
    };
    if !media.ends_with("json") {
        return None;
    }
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let body: Value = serde_json::from_str(&tried.body).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&body).map(|e| format!("{e} at {}", e.instance_path())).collect();
    (!errors.is_empty())
        .then(|| format!("a body that does not fit: {}\n{}", errors.join("; "), tried.body))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_a_5xx_and_none_is_undocumented() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("WINDLASS_SEED").unwrap_or_else(|| Rng::new().u64(..));
    let rounds = number("WINDLASS_ROUNDS").unwrap_or(6);
    println!("WINDLASS_SEED={seed}");
    let rig = Rig::new().await;
    rig.world.let_go();
    let admin = rig.admin();
    let mut runs = Vec::new();
    for (runbook, end) in
        [("quick", "done"), ("fails", "undone"), ("stuck", "stuck"), ("asks", "waiting")]
    {
        let run = rig.start(runbook, &admin).await;
        rig.until(&run, &admin, end).await;
        runs.push(run);
    }
    // Of each runbook's name there is a schedule too: `name` in a path means either.
    for (name, _) in crate::rig::SHELF {
        rig.schedule(name, "secrets = { password = 'generate' }", Duration::from_secs(6 * 3600));
    }
    (0..3).for_each(|nth| rig.notice(nth));
    let document = document(&table());
    let shelf = crate::rig::SHELF.iter().map(|(name, _)| (*name).to_owned()).collect();
    let maker = Maker { document: &document, random: Rng::with_seed(seed) };
    let names = BTreeMap::from([("run", runs), ("name", shelf), ("before", Vec::new())]);
    let mut fuzz = Fuzz { rig: &rig, maker, names };
    let mut tokens: Vec<String> = Role::ALL.iter().map(|role| rig.token("p", &[*role])).collect();
    tokens.push(String::new());
    tokens.push(admin);

    let (mut found, mut succeeded) = (Vec::new(), BTreeSet::new());
    for _ in 0..rounds {
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                for token in &tokens {
                    let tried = fuzz.attempt(path, method, operation, token).await;
                    if tried.status < 300 {
                        succeeded.insert(format!("{method} {path}"));
                    }
                    if let Some(lack) = undocumented(&document, operation, &tried) {
                        found.push(format!("{lack}: {}", tried.what));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "seed {seed}: {} findings:\n{}", found.len(), found.join("\n"));
    // Or it would show that everything is refused, and nothing more.
    assert!(succeeded.len() > 15, "seed {seed}: only {succeeded:?} ever succeeded");
}

#[test]
fn the_book_has_the_table_of_who_may_do_what() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../book/src/api.md");
    let page = std::fs::read_to_string(page).unwrap();
    let said = page.lines().filter(|line| line.starts_with("| `"));
    let said: Vec<&str> = said.take_while(|line| !line.contains("windlass_")).collect();
    let rows = table()
        .into_iter()
        .map(|e| format!("| `{} {}` | {} | {} |", e.method.name(), e.path, e.need, e.about));
    let rows: Vec<String> = rows.collect();
    assert_eq!(said, rows, "the table should be:\n{}", rows.join("\n"));
}
