//! Heads in syslog.
//!
//! One datagram for each, as RFC 3164 has it and the C library sends it: facility `authpriv`,
//! severity `notice`. It is off the machine if syslog sends it on; see the book for how.

use std::path::PathBuf;

use async_trait::async_trait;
use tokio::net::UnixDatagram;
use windlass_engine::clock::Millis;

use super::{Head, PublishError, Publisher};

/// Facility 10 (authpriv), severity 5 (notice).
const PRIORITY: u8 = 10 * 8 + 5;

/// The syslog of this machine.
#[derive(Debug, Clone)]
pub struct Syslog {
    socket: PathBuf,
}

impl Syslog {
    /// Returns the syslog that listens at `socket`, mostly `/dev/log`.
    pub fn at(socket: PathBuf) -> Self {
        Syslog { socket }
    }
}

#[async_trait]
impl Publisher for Syslog {
    fn place(&self) -> String {
        format!("syslog at {}", self.socket.display())
    }

    async fn publish(&self, head: &Head) -> Result<(), PublishError> {
        let send = async {
            let socket = UnixDatagram::unbound()?;
            socket.connect(&self.socket)?;
            socket.send(message(head, std::process::id()).as_bytes()).await
        };
        let sent = send.await.map(drop);
        sent.map_err(|e| PublishError::Send { place: self.place(), problem: e.to_string() })
    }
}

fn message(head: &Head, pid: u32) -> String {
    format!("<{PRIORITY}>{} windlass[{pid}]: {}", stamp(head.at), head.line())
}

/// The time as RFC 3164 wants it, in the zone of this machine; the full one is in the text.
fn stamp(at: Millis) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%b %e %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use windlass_engine::id::RunId;

    use super::*;

    #[tokio::test]
    async fn a_head_is_one_datagram_that_syslog_understands() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        let head =
            Head { run: RunId::from("run_a"), seq: 4, head: "beef".into(), at: 0, over: true };
        Syslog::at(path).publish(&head).await.unwrap();
        let mut bytes = [0; 2048];
        let length = listener.recv(&mut bytes).await.unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        assert!(text.starts_with("<85>Jan  1 ") || text.starts_with("<85>Dec 31 "), "{text}");
        let said = "evidence run=run_a seq=4 head=beef over=yes at=\"1970-01-01 00:00:00Z\"";
        assert!(text.ends_with(&format!("]: {said}")), "{text}");
    }

    #[tokio::test]
    async fn without_a_syslog_nothing_counts_as_published() {
        let head = Head { run: RunId::from("run_a"), seq: 0, head: "0".into(), at: 0, over: false };
        let error = Syslog::at("/nowhere/log".into()).publish(&head).await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/log"), "{error}");
    }
}
