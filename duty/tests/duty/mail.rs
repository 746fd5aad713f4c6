//! Mail to a small server that keeps what it gets: in the open, after STARTTLS, in TLS from the
//! beginning.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use windlass_duty::notice::{Config, Kind, Notice, Trouble, send};

use crate::tls::acceptor;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    None,
    Starttls,
    Implicit,
}

/// What a server got: who logged in, and the mail.
#[derive(Debug, Default)]
struct Got {
    login: String,
    protected: bool,
    recipients: Vec<String>,
    text: String,
}

struct Server {
    port: u16,
    got: mpsc::UnboundedReceiver<Got>,
}

impl Server {
    /// A server that answers `DATA` with this.
    async fn up(tls: TlsAcceptor, protection: Protection, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (give, got) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, give) = (tls.clone(), give.clone());
                tokio::spawn(async move {
                    if let Some(got) = serve(stream, &tls, protection, answer).await {
                        give.send(got).unwrap();
                    }
                });
            }
        });
        Server { port, got }
    }
}

async fn serve(
    stream: TcpStream,
    tls: &TlsAcceptor,
    protection: Protection,
    answer: &str,
) -> Option<Got> {
    let mut got = Got::default();
    if protection == Protection::Implicit {
        got.protected = true;
        let mut stream = BufReader::new(tls.accept(stream).await.ok()?);
        say(&mut stream, "220 here").await?;
        return talk(&mut stream, got, false, answer).await.map(|(got, _)| got);
    }
    let mut stream = BufReader::new(stream);
    say(&mut stream, "220 here").await?;
    let (mut got, upgrade) =
        talk(&mut stream, got, protection == Protection::Starttls, answer).await?;
    if !upgrade {
        return Some(got);
    }
    got.protected = true;
    let mut stream = BufReader::new(tls.accept(stream.into_inner()).await.ok()?);
    talk(&mut stream, got, false, answer).await.map(|(got, _)| got)
}

/// Talks until the end, or until the connection is to become TLS.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    mut got: Got,
    starttls: bool,
    answer: &str,
) -> Option<(Got, bool)> {
    loop {
        let line = hear(stream).await?;
        let (word, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
        match word {
            "EHLO" => {
                let more = if starttls { "250-STARTTLS\r\n" } else { "" };
                say(stream, &format!("250-here\r\n{more}250 AUTH PLAIN")).await?;
            }
            "STARTTLS" => {
                say(stream, "220 go on").await?;
                return Some((got, true));
            }
            "AUTH" => {
                let encoded = rest.strip_prefix("PLAIN ").unwrap();
                let login = BASE64_STANDARD.decode(encoded).unwrap();
                got.login = String::from_utf8(login).unwrap();
                say(stream, "235 welcome").await?;
            }
            "MAIL" => say(stream, "250 ok").await?,
            "RCPT" => {
                got.recipients.push(rest.to_owned());
                say(stream, "250 ok").await?;
            }
            "DATA" => {
                say(stream, "354 go on").await?;
                loop {
                    let line = hear(stream).await?;
                    if line == "." {
                        break;
                    }
                    got.text.push_str(&line);
                    got.text.push('\n');
                }
                say(stream, answer).await?;
            }
            "QUIT" => {
                say(stream, "221 bye").await;
                return Some((got, false));
            }
            _ => say(stream, "500 what").await?,
        }
    }
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    text: &str,
) -> Option<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

fn to(port: u16, tls: &str, directory: &Path, more: &str) -> Config {
    let password = directory.join("password");
    std::fs::write(&password, "a password\n").unwrap();
    let text = format!(
        "name = 'mail'\n[mail]\nserver = 'localhost'\nport = {port}\ntls = '{tls}'\n\
         from = 'Windlass <windlass@example.com>'\nto = ['ops@example.com', 'on-call@example.com']\n\
         user = 'windlass'\npassword_file = '{}'\n{more}\n",
        password.display()
    );
    toml::from_str(&text).unwrap()
}

fn notice() -> Notice {
    let lines = vec!["the run of 01:00".to_owned(), ".a line that begins with a dot".to_owned()];
    Notice::of_schedule("nightly", Kind::Missed, 7, 7, "nightly missed a time".to_owned(), lines)
}

#[tokio::test]
async fn a_mail_arrives_in_the_open_after_starttls_and_in_tls() {
    let directory = tempfile::tempdir().unwrap();
    let (tls, ca) = acceptor(directory.path());
    let trusted = format!("ca_file = '{}'", ca.display());
    let ways = [
        (Protection::None, "none", false),
        (Protection::Starttls, "starttls", true),
        (Protection::Implicit, "implicit", true),
    ];
    for (protection, word, protected) in ways {
        let mut server = Server::up(tls.clone(), protection, "250 queued as 4711").await;
        let to = to(server.port, word, directory.path(), &trusted);
        let said = send(&to, &notice(), 0).await.unwrap();
        assert!(said.contains("250 queued as 4711"), "{word}: {said}");
        let got = server.got.recv().await.unwrap();
        assert_eq!(got.protected, protected, "{word}");
        assert_eq!(got.login, "\0windlass\0a password", "{word}");
        assert_eq!(got.recipients.len(), 2, "{word}");
        let expected = [
            "Message-ID: <schedule-nightly-7-missed@windlass>",
            "Subject: [windlass] nightly missed a time",
            "From: Windlass <windlass@example.com>",
            "To: ops@example.com, on-call@example.com",
            "the run of 01:00",
            "..a line that begins with a dot",
        ];
        for line in expected {
            assert!(got.text.contains(line), "{word}: no `{line}` in {}", got.text);
        }
    }
}

#[tokio::test]
async fn nothing_is_said_to_a_mail_server_that_is_not_what_it_should_be() {
    let directory = tempfile::tempdir().unwrap();
    let (tls, ca) = acceptor(directory.path());
    let trusted = format!("ca_file = '{}'", ca.display());
    // No STARTTLS where it is asked for.
    let mut plain = Server::up(tls.clone(), Protection::None, "250 ok").await;
    let to_plain = to(plain.port, "starttls", directory.path(), &trusted);
    send(&to_plain, &notice(), 0).await.unwrap_err();
    // A certificate of an authority that nobody here knows.
    let mut unknown = Server::up(tls.clone(), Protection::Implicit, "250 ok").await;
    let to_unknown = to(unknown.port, "implicit", directory.path(), "");
    let error = send(&to_unknown, &notice(), 0).await.unwrap_err();
    assert!(error.message.contains("UnknownIssuer"), "{error}");
    for got in [plain.got.try_recv(), unknown.got.try_recv()].into_iter().flatten() {
        assert!(got.login.is_empty() && got.text.is_empty(), "{got:?}");
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_is_told_apart_from_a_server_that_is_down() {
    let directory = tempfile::tempdir().unwrap();
    let (tls, _) = acceptor(directory.path());
    let answers = [("550 no such user", 550, false), ("451 later", 451, true)];
    for (answer, status, unreachable) in answers {
        let server = Server::up(tls.clone(), Protection::None, answer).await;
        let to = to(server.port, "none", directory.path(), "");
        let error = send(&to, &notice(), 0).await.unwrap_err();
        assert_eq!(error.unreachable, unreachable, "{error}");
        assert_eq!(error.trouble, Trouble::Answered(status));
        let (_, said) = answer.split_once(' ').unwrap();
        assert!(error.message.contains(said), "{error}");
        assert!(!error.message.contains("a password"), "{error}");
    }
}
