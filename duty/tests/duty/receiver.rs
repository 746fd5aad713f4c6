//! A receiver of notices on loopback that answers as a test says, and remembers what it was sent.

use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use windlass_duty::notice::Config;

/// The key that receiver and sender share.
pub const KEY: &str = "a key that only these two know";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// What a receiver does that follows the specification.
    pub fn assert_signed(&self) {
        let signed = format!(
            "{}.{}.{}",
            self.header("webhook-id"),
            self.header("webhook-timestamp"),
            self.body
        );
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(self.header("webhook-signature"), expected);
    }
}

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Takes it.
    Ok,
    /// Answers with this status.
    Status(u16),
    /// Takes it, and the answer is lost.
    Lost,
    /// Never answers.
    Hang,
}

#[derive(Clone)]
pub struct Receiver {
    pub port: u16,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    requests: watch::Sender<Vec<Request>>,
}

impl Receiver {
    pub async fn up() -> Self {
        Self::behind(None).await
    }

    /// A receiver that speaks TLS.
    pub async fn behind(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver =
            Receiver { port, answers: Arc::default(), requests: watch::Sender::new(Vec::new()) };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (receiver, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => receiver.answer(stream).await,
                        // A client that does not trust us goes away.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                receiver.answer(stream).await;
                            }
                        }
                    }
                });
            }
        });
        receiver
    }

    /// The next requests are answered like this, those after them with yes.
    pub fn answers(&self, answers: &[Answer]) {
        self.answers.lock().unwrap().extend(answers);
    }

    async fn answer(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut stream = BufReader::new(stream);
        let Some(request) = read(&mut stream).await else { return };
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Ok);
        self.requests.send_modify(|requests| requests.push(request));
        let status = match answer {
            Answer::Ok => 200,
            Answer::Status(status) => status,
            Answer::Lost => return,
            Answer::Hang => std::future::pending().await,
        };
        let text =
            format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    /// Returns what arrived, once that is so much.
    pub async fn requests(&self, count: usize) -> Vec<Request> {
        let mut requests = self.requests.subscribe();
        let arrived = requests.wait_for(|requests| requests.len() >= count);
        let arrived = tokio::time::timeout(std::time::Duration::from_secs(20), arrived).await;
        arrived.unwrap_or_else(|_| panic!("less than {count} requests")).unwrap().clone()
    }

    /// The configuration of a webhook to this receiver.
    pub fn webhook(&self, name: &str, directory: &Path) -> Config {
        webhook(name, self.port, directory)
    }
}

/// The configuration of a webhook to a port, whether anybody listens there or not.
pub fn webhook(name: &str, port: u16, directory: &Path) -> Config {
    let key = directory.join("key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let all = "['failed', 'stuck', 'recovered', 'finished', 'missed', 'overdue']";
    let text = format!(
        "name = '{name}'\non = {all}\nwebhook = {{ url = 'http://127.0.0.1:{port}/hook?q=1', secret_file = '{}' }}",
        key.display()
    );
    toml::from_str(&text).unwrap()
}

async fn read(stream: &mut BufReader<impl AsyncRead + Unpin>) -> Option<Request> {
    let mut headers = Vec::new();
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    assert!(line.starts_with("POST /"), "{line}");
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut request = Request { headers, body: String::new() };
    let length: usize = request.header("content-length").parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}
