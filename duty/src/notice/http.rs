//! One HTTP request. Redirects are not followed: what is signed, or secret, goes where it was sent.

use std::path::Path;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use windlass_engine::clock::Millis;

use super::send::{Refusal, Trouble};
use super::trust;

/// What is read of an answer.
const ANSWER_BYTES_MAX: usize = 4096;

/// What is told of an answer.
const ANSWER_CHARS_MAX: usize = 200;

/// Posts JSON, and returns what was answered if that was a success.
pub(super) async fn post(
    url: &str,
    headers: &[(&str, String)],
    body: Vec<u8>,
    ca_file: Option<&Path>,
) -> Result<String, Refusal> {
    // The address may be a secret, so no message repeats it.
    let uri: Uri = url.trim().parse().map_err(|_| Refusal::refused("the address is not a URL"))?;
    let mut request = Request::post(uri)
        .header("content-type", "application/json")
        .header("user-agent", concat!("windlass/", env!("CARGO_PKG_VERSION")));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(body)));
    let request =
        request.map_err(|e| Refusal::refused(format!("the request can't be made: {e}")))?;
    let client: Client<HttpsConnector<HttpConnector>, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build(connector(ca_file)?);
    let response = client.request(request).await;
    let response = response.map_err(|e| Refusal::unreachable(with_causes(&e)))?;
    judge(response).await
}

fn connector(ca_file: Option<&Path>) -> Result<HttpsConnector<HttpConnector>, Refusal> {
    let tls = trust::client(ca_file)?;
    Ok(HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build())
}

async fn judge(response: Response<hyper::body::Incoming>) -> Result<String, Refusal> {
    let status = response.status();
    let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok());
    let leave_alone_ms = retry_after.and_then(|v| v.parse::<Millis>().ok()).map(|s| s * 1000);
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    // A body that is too long or breaks off changes nothing about the status.
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let said: String = String::from_utf8_lossy(&body).chars().take(ANSWER_CHARS_MAX).collect();
    let answer = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
    let message = format!("the receiver answered {status}{answer}");
    if status.is_success() {
        return Ok(message);
    }
    let unreachable = matches!(
        status,
        StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
    );
    let trouble = Trouble::Answered(status.as_u16());
    Err(Refusal { message, trouble, unreachable, leave_alone_ms })
}

/// Returns an error with its causes: the outermost alone says "client error (Connect)".
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
