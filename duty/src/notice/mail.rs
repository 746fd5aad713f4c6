//! Mail by SMTP.

use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as Protection, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::config::{Mail, Tls};
use super::message::Notice;
use super::send::{PATIENCE, Refusal, Trouble, read_secret};
use super::trust;

pub(super) async fn send(to: &Mail, notice: &Notice) -> Result<String, Refusal> {
    let message = message(to, notice)?;
    let response = transport(to)?.send(message).await.map_err(|error| {
        // A 5xx is an answer about this mail; everything else is about the server.
        let (text, permanent) = (format!("the mail server: {error}"), error.is_permanent());
        let refusal = if permanent { Refusal::refused(text) } else { Refusal::unreachable(text) };
        match error.status() {
            Some(code) => Refusal { trouble: Trouble::Answered(code.into()), ..refusal },
            None => refusal,
        }
    })?;
    let said: Vec<&str> = response.message().collect();
    Ok(format!("the mail server answered {} {}", response.code(), said.join(" ")))
}

fn message(to: &Mail, notice: &Notice) -> Result<Message, Refusal> {
    // The same key gives the same id: mail programs show a repeated mail once.
    let id = format!("<{}@windlass>", notice.key);
    let subject = format!("[windlass] {}", notice.title);
    let mut message = Message::builder().from(to.from.mailbox()).subject(subject);
    for mailbox in &to.to {
        message = message.to(mailbox.mailbox());
    }
    let message = message.message_id(Some(id)).header(ContentType::TEXT_PLAIN).body(notice.text());
    message.map_err(|e| Refusal::refused(format!("the mail can't be written: {e}")))
}

fn transport(to: &Mail) -> Result<AsyncSmtpTransport<Tokio1Executor>, Refusal> {
    let tls = |port, protect: fn(TlsParameters) -> Protection| {
        Ok::<_, Refusal>((port, protect(parameters(to)?)))
    };
    let (port, protection) = match to.tls {
        Tls::Starttls => tls(587, Protection::Required)?,
        Tls::Implicit => tls(465, Protection::Wrapper)?,
        Tls::None => (25, Protection::None),
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&to.server)
        .port(to.port.unwrap_or(port))
        .tls(protection)
        .timeout(Some(PATIENCE));
    match (&to.user, &to.password_file) {
        (Some(user), Some(file)) => {
            let password = read_secret(file)?;
            let password = String::from_utf8(password.expose().to_vec())
                .map_err(|_| Refusal::refused("`password_file` holds no text"))?;
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        (None, None) => {}
        _ => return Err(Refusal::refused("`user` and `password_file` go together")),
    }
    Ok(transport.build())
}

fn parameters(to: &Mail) -> Result<TlsParameters, Refusal> {
    let bad = |e: lettre::transport::smtp::Error| Refusal::refused(format!("`ca_file`: {e}"));
    let mut parameters = TlsParameters::builder(to.server.clone());
    for certificate in trust::certificates(to.ca_file.as_deref())? {
        let certificate = Certificate::from_der(certificate.to_vec()).map_err(bad)?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(bad)
}
