//! A client of server-sent events.

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::Value;

use crate::rig::{PATIENCE, Rig};

/// An event as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub id: Option<String>,
    /// The type of the event; `message`, if none was named.
    pub name: String,
    pub data: Value,
}

pub struct Stream {
    body: Incoming,
    text: String,
}

impl Stream {
    pub async fn open(rig: &Rig, path: &str, token: &str, last: Option<&str>) -> Self {
        let mut request = rig.request("GET", path, token);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let response = rig.client.request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { body: response.into_body(), text: String::new() }
    }

    /// Returns the next event; nothing, once the stream has ended.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(told) = told(&event) {
                    return Some(told);
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.unwrap()?;
            let bytes = frame.unwrap().into_data().unwrap_or_default();
            self.text += std::str::from_utf8(&bytes).unwrap();
        }
    }
}

fn told(event: &str) -> Option<Told> {
    let field = |name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|text| text.trim_start().to_owned())
    };
    // A comment keeps the line alive, and says nothing.
    let data = serde_json::from_str(&field("data")?).unwrap();
    Some(Told { id: field("id"), name: field("event").unwrap_or("message".to_owned()), data })
}
