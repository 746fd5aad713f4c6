//! A connection to one daemon, at the API version that the daemon itself speaks.

use bytes::Bytes;
use futures_util::Stream;
use serde_json::Value;

use super::client::Client;
use super::endpoint::Endpoint;
use super::error::DockerError;

/// The oldest API that has all that steps need: job modes came with it.
const API_MIN: (u32, u32) = (1, 41);

/// A daemon that has answered once.
pub(super) struct Connection {
    client: Client,
    /// The version in front of every path.
    pub(super) api: String,
}

impl Connection {
    /// Asks the daemon at an endpoint for its version.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, DockerError> {
        Self::over(Client::open(endpoint)?).await
    }

    /// Asks the daemon for its version.
    pub(super) async fn over(client: Client) -> Result<Self, DockerError> {
        let version = parsed(&client.call("GET", "/version", Bytes::new()).await?)?;
        let api = version["ApiVersion"].as_str().unwrap_or_default().to_owned();
        if api_number(&api).is_none_or(|n| n < API_MIN) {
            let wanted = format!("{}.{}", API_MIN.0, API_MIN.1);
            return Err(DockerError::TooOld { found: api, wanted });
        }
        Ok(Connection { client, api })
    }

    /// Sends a request and returns the whole answer.
    pub(super) async fn send(
        &self,
        method: &'static str,
        path: &str,
        query: &[(&str, String)],
        body: Bytes,
    ) -> Result<Bytes, DockerError> {
        let target = self.target(path, query);
        tracing::debug!(method, target, "docker");
        self.client.call(method, &target, body).await
    }

    /// Sends a request and returns the answer as it comes.
    pub(super) fn stream(
        &self,
        method: &'static str,
        path: &str,
        query: &[(&str, String)],
    ) -> impl Stream<Item = Result<Bytes, DockerError>> + Send + Unpin + use<> {
        self.client.stream(method, &self.target(path, query), Bytes::new())
    }

    fn target(&self, path: &str, query: &[(&str, String)]) -> String {
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/v{}{path}{mark}{}", self.api, query.join("&"))
    }
}

/// Returns `1.41` as numbers, so that 1.9 is less than 1.41.
pub fn api_number(api: &str) -> Option<(u32, u32)> {
    let (major, minor) = api.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Returns the text percent-encoded, for a path or a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(b).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Returns an answer as JSON.
pub(super) fn parsed(bytes: &[u8]) -> Result<Value, DockerError> {
    serde_json::from_slice(bytes)
        .map_err(|error| DockerError::Malformed { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_are_compared_as_numbers() {
        assert!(api_number("1.9").unwrap() < api_number("1.41").unwrap());
        assert_eq!(api_number("next"), None);
    }

    #[test]
    fn filters_are_percent_encoded() {
        assert_eq!(encoded(r#"{"id":["a"]}"#), "%7B%22id%22%3A%5B%22a%22%5D%7D");
    }
}
